"""The watch list's machine: what is in force, and that every case is told of it (S21, S27, E4)."""

from collections.abc import Iterable

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.gateways.list_messages import (
    CasesRead,
    CasesUnread,
    ListLoaded,
    ListUnchanged,
    ListWrong,
    LoadList,
    ReadCases,
)
from comptoir.actors.kyc.messages import RescreenCase
from comptoir.actors.watch_list.machine import (
    LATER_MS,
    MACHINE,
    PAGE_CASES,
    Phase,
    WatchListRefused,
    WatchListState,
)
from comptoir.actors.watch_list.messages import (
    DescribeList,
    DropList,
    KeepList,
    ListDescribed,
    ListDue,
    ReloadList,
    RescreenDue,
)
from comptoir.actors.watch_list.terms import LIST_TERMS, ListTerms
from comptoir.engine import Address, Decision, Message
from comptoir.engine.machine import Context
from tests.actors.listed import READY, numbered

SANCTIONS = Address("watch_list", "sanctions")
TERMS = ListTerms(look_ms=600_000, cases_per_s=10.0)


def _decide(state: WatchListState, message: Message, now: int = 0) -> Decision[WatchListState]:
    decision = MACHINE.decide(state, message, Context(SANCTIONS, now, 7, {LIST_TERMS: TERMS}, None))
    assert isinstance(decision, Decision)
    return decision


def _sent(decision: Decision[WatchListState], kind: type[Message]) -> list[Message]:
    return [one.message for one in decision.messages if isinstance(one.message, kind)]


class House:
    """A list's actor, the cases there are, and what is on its way: rows that outlive every crash."""

    def __init__(self, cases: Iterable[str]) -> None:
        self.state = WatchListState(Phase.NONE)
        self.cases = dict.fromkeys(cases, "")
        """Each with the version that it was last searched in."""
        self.serves = ""
        self.rows: list[Message] = []
        self.now = 0
        self.refuses = False

    def handle(self, message: Message) -> None:
        """One decision is committed, and what it sends is on its way."""
        self.now += 1
        decision = _decide(self.state, message, self.now)
        self.state = decision.state
        for out in decision.messages:
            told = out.message
            if out.name is not None:  # a timer that is set again replaces itself
                self.rows = [row for row in self.rows if type(row) is not type(told)]
            if isinstance(told, RescreenCase):
                self.cases[out.target.key] = self.serves
            elif not isinstance(told, ListDue):
                self.rows.append(told)

    def step(self, pick: int, version: str) -> None:
        """One row is worked on, whichever; a list that is read now says `version`."""
        if not self.rows:
            return
        kind = type(self.rows[pick % len(self.rows)])
        row = next(one for one in self.rows if type(one) is kind)
        self.rows.remove(row)  # those of one party come in their order
        if isinstance(row, LoadList):
            if self.refuses:
                self.rows.append(ListWrong("LIST_INVALID", "line 2: none"))
                return
            self.serves = version
            self.rows.append(ListLoaded(version, 1, 1, f"look {version}"))
        elif isinstance(row, ReadCases):
            later = sorted(key for key in self.cases if key > row.after)[: row.limit]
            total = len(self.cases) if row.count else None
            self.rows.append(CasesRead(row.walk, row.after, tuple(later), total, crowded=False))
        else:
            self.handle(row)

    def settle(self, version: str) -> None:
        """Work on everything that is on its way, oldest first."""
        for _ in range(1_000):
            if not self.rows:
                return
            self.step(0, version)
        raise AssertionError("it does not come to an end")


@st.composite
def _plans(draw: st.DrawFn) -> list[tuple[str, int]]:
    acts = st.sampled_from(["step", "step", "step", "reload", "case", "doubled", "crowd", "wrong"])
    return draw(st.lists(st.tuples(acts, st.integers(0, 999)), max_size=60))


@given(count=st.integers(0, 3 * PAGE_CASES), plan=_plans())
def test_every_case_is_searched_for_in_the_last_version(
    count: int, plan: list[tuple[str, int]]
) -> None:
    """S21, S27: whatever comes in between (other versions, new cases, refusals, rows handed over twice, searches that
    wait), each case was last searched for in the version that is in force.
    """
    house = House(numbered(count))
    house.handle(KeepList())
    for number, (act, chance) in enumerate(plan):
        version = f"v{chance % 3}"
        if act == "step":
            house.step(chance, version)
        elif act == "reload" and house.state.phase is not Phase.NONE:
            house.handle(ReloadList("u1"))
        elif act == "case":  # it is searched for in what is served when it begins
            house.cases.setdefault(f"ONB-2026-{chance:05d}", house.serves)
        elif act == "doubled" and house.rows:
            row = house.rows[chance % len(house.rows)]
            if not isinstance(row, ListLoaded | ListWrong):  # answered once per reading
                house.rows.append(row)
        elif act == "crowd":
            walk = house.state.walk
            after = walk.after if walk is not None else ""
            crowded = CasesRead(house.state.walks, after, (), None, crowded=True)
            house.handle(crowded if number % 2 else CasesUnread(house.state.walks, after))
        elif act == "wrong":
            house.refuses = not house.refuses
    house.refuses = False
    house.settle("v1")
    assert house.state.version == house.serves
    assert house.state.walk is None
    assert set(house.cases.values()) <= {house.serves}


def test_a_version_that_comes_between_is_told_all_round() -> None:
    """S27: it is told from where the one before was, to the last case, and then from the first to there; whoever
    waited longest is told first, and no pace of versions starves the rest.
    """
    house = House(numbered(2 * PAGE_CASES + 10))
    house.handle(KeepList())
    while not house.state.walk or not house.state.walk.after:
        house.step(0, "v1")
    middle = house.state.walk.after
    assert middle == numbered(1, PAGE_CASES)[0]
    house.handle(ReloadList("u1"))
    house.settle("v2")
    assert set(house.cases.values()) == {"v2"}
    assert house.state.last is not None
    assert (house.state.last.done, house.state.last.of) == (len(house.cases), len(house.cases))


def test_the_pace_is_kept_and_told() -> None:
    """S27: as many cases as may be are told, and then it is waited for; who asks sees how far it is."""
    walking = msgspec.structs.replace(READY, last=None)
    (asked,) = _sent(_decide(walking, RescreenDue(1)), ReadCases)
    assert asked == ReadCases(1, "", PAGE_CASES, count=True)
    page = CasesRead(1, "", numbered(PAGE_CASES), 120, crowded=False)
    told = _decide(walking, page, 1_000)
    assert len(_sent(told, RescreenCase)) == PAGE_CASES
    (timer,) = (one for one in told.messages if isinstance(one.message, RescreenDue))
    assert timer.due_at == 1_000 + PAGE_CASES * 100, "ten a second"
    shown = _decide(told.state, DescribeList()).reply
    assert isinstance(shown, ListDescribed)
    assert shown.rescreening is not None
    assert (shown.rescreening.done, shown.rescreening.of) == (PAGE_CASES, 120)
    assert shown.rescreening.until == 0


def test_nobody_is_told_while_many_wait() -> None:
    """S27: rescreening stands back behind clients who are looked at for the first time."""
    crowded = _decide(READY, CasesRead(1, "", (), 120, crowded=True), 5)
    assert not _sent(crowded, RescreenCase)
    (timer,) = crowded.messages
    assert (timer.message, timer.due_at) == (RescreenDue(1), 5 + LATER_MS)


def test_a_list_that_is_wrong_changes_nothing() -> None:
    """S27: the version before stays in force, its line is told, once, and its file is read again at each look."""
    loading = _decide(READY, ReloadList("u1")).state
    wrong = ListWrong("LIST_INVALID", "line 3: 2 columns, not 8")
    refused = _decide(loading, wrong, 5)
    assert refused.state.phase is Phase.REFUSED
    assert (refused.state.version, refused.state.entries) == (READY.version, READY.entries)
    assert refused.events == (WatchListRefused("LIST_INVALID", "line 3: 2 columns, not 8"),)
    again = _decide(refused.state, ListDue(), 9)
    (asked,) = _sent(again, LoadList)
    assert asked == LoadList("sanctions", READY.version, "")
    assert _decide(again.state, wrong, 10).events == ()
    mended = _decide(again.state, ListLoaded("v2", 1, 1, "l"), 11)
    assert (mended.state.phase, mended.state.code) == (Phase.READY, "")


def test_the_same_version_tells_nobody() -> None:
    """E4: a file that was written again with the same entries is no other version."""
    loading = _decide(READY, ListDue()).state
    same = _decide(loading, ListLoaded(READY.version, 9, 18, "later"), 5)
    assert same.events == ()
    assert same.state.look == "later"
    assert same.state.walks == READY.walks
    assert _decide(loading, ListUnchanged(), 5).state.walks == READY.walks


def test_a_list_that_comes_back_is_told_again() -> None:
    """S27: who was assessed while a list was not configured was not searched for in it."""
    gone = _decide(READY, DropList()).state
    assert (gone.phase, gone.version) == (Phase.NONE, "")
    back = _decide(gone, KeepList()).state
    loaded = _decide(back, ListLoaded("v1", 9, 18, "look1"), 5)
    assert loaded.state.walk is not None
    assert loaded.state.walks == READY.walks + 1


def test_who_reloads_a_list_is_kept() -> None:
    """S59: a reload is an event with who wanted it; one that comes while the list is read is done after it."""
    first = _decide(READY, ReloadList("compliance-1"))
    assert [getattr(event, "by", None) for event in first.events] == ["compliance-1"]
    second = _decide(first.state, ReloadList("compliance-2"))
    assert not second.messages
    done = _decide(second.state, ListLoaded("v1", 9, 18, "x"), 5)
    assert done.state.phase is Phase.LOADING
    assert _sent(done, LoadList) == [LoadList("sanctions", "v1", "", anyway=True)]
    assert _sent(_decide(READY, ListDue()), LoadList) == [LoadList("sanctions", "v1", "look1")]


def test_what_was_read_for_another_walk_is_left() -> None:
    """S27: a page that was read before the version came lacks whoever was assessed since: it ends no later walk."""
    walking = msgspec.structs.replace(READY, walks=2)
    for stale in (CasesRead(1, "", (), 0, crowded=False), CasesUnread(1, ""), RescreenDue(1)):
        left = _decide(walking, stale)
        assert left == Decision(walking)
    passed = CasesRead(2, "ONB-2026-00001", (), None, crowded=False)
    assert _decide(walking, passed) == Decision(walking), "read before the page that it had last"
