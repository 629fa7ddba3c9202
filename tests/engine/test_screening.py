"""The gateways over watch lists: what is answered, what waits, and what never can be (engine/boot/screening.py)."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from comptoir.actors.gateways.kyc_messages import CheckImpossible, PartyScreened, ScreenParty
from comptoir.actors.gateways.list_messages import (
    CASES,
    LISTS,
    CasesRead,
    CasesUnread,
    ListLoaded,
    ListUnchanged,
    ListWrong,
    LoadList,
    ReadCases,
)
from comptoir.actors.kyc.messages import Party
from comptoir.actors.screening.desk import ListDesk, ListRefused, Loaded, Searched
from comptoir.actors.screening.evidence import Subject
from comptoir.actors.screening.process import ListHit, ScreeningUnavailable
from comptoir.engine.boot.screening import (
    WAITING_MAX,
    Screens,
    screening_gateways,
    subject_of,
)
from comptoir.engine.errors import Unavailable
from comptoir.engine.gateway_spec import CallContext, CallFault
from comptoir.engine.values import Message

CONTEXT = CallContext(1_796_083_200_000, 1, "key")
IVAN = Party(
    "client", "client", "Person", "Ivan", "Sorokin", "1961-02-03", "FR", "CH", "RU"
)  # fmt: skip
QUESTION = ScreenParty("ONB-2026-00001:1:client", IVAN)


class Desk(ListDesk):
    """Lists that answer as they are told."""

    def __init__(self, names: tuple[str, ...], answer: Any) -> None:
        super().__init__({name: Path(name) for name in names}, Path("lists"))
        self.answer = answer
        self.asked: list[Any] = []

    def _said(self, *asked: Any) -> Any:
        self.asked.append(asked)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def search(self, schema: str, subject: Subject) -> Searched:
        """As told."""
        return self._said(schema, subject)  # type: ignore[no-any-return]

    async def load(self, wanted: LoadList) -> Loaded | None:
        """As told."""
        return self._said(wanted)  # type: ignore[no-any-return]


class House:
    """Cases, and what is pending."""

    def __init__(self, cases: int = 0, waiting: int = 0, *, away: bool = False) -> None:
        self.keys = [f"ONB-2026-{number:05d}" for number in range(1, cases + 1)]
        self.waiting = waiting
        self.away = away

    async def scan(self, collection: str, after: str, limit: int) -> list[tuple[str, Any]]:
        """Documents of cases."""
        assert collection == "kyc"
        if self.away:
            raise Unavailable
        return [(key, {"round": 1}) for key in self.keys if key > after][:limit]

    async def count_pending(self, _now: int) -> dict[tuple[str, str], int]:
        """What waits for the lists."""
        return {("screening", "parked"): self.waiting, ("wallet", "message"): 10_000}


async def _asked(message: Message, desk: Desk, house: House | None = None) -> Message | None:
    specs = {
        spec.kind: spec for spec in screening_gateways(desk, house or House())  # type: ignore[arg-type]
    }  # fmt: skip
    found = next(one.operations[type(message)] for one in specs.values() if type(message) in one.operations)  # fmt: skip
    return await found.call(message, CONTEXT)


async def test_hits_name_their_list_and_what_they_are_of() -> None:
    """S21, E4: each with its score of a thousand, the fingerprint, and the versions that were searched."""
    hit = ListHit("own", "e1", "Ivan Sorokin", 0.875, {}, ("sanction",), ("Ivan Sorokin",), ("1961",), ("ru",), "f" * 64)  # fmt: skip
    desk = Desk(("own",), Searched((hit,), {"own": "a" * 64}))
    found = await _asked(QUESTION, desk)
    assert isinstance(found, PartyScreened)
    assert (found.reference, found.lists) == (QUESTION.reference, {"own": "a" * 64})
    assert [(one.list, one.score, one.fingerprint) for one in found.hits] == [("own", 875, "f" * 64)]  # fmt: skip
    assert desk.asked == [("Person", subject_of(IVAN))]


async def test_a_name_that_is_given_up_clears_nobody() -> None:
    """S21, S33: each former name is a search of its own, with all else that is known; an entry that several find is a hit for
    each, since what a person says of one clears nobody under another.
    """

    def hit(entry: str, score: float, print_: str) -> ListHit:
        return ListHit("own", entry, "X", score, {}, ("sanction",), ("X",), (), (), print_)

    class Renamed(Desk):
        async def search(self, schema: str, subject: Subject) -> Searched:
            assert (schema, subject) == ("Person", msgspec.structs.replace(subject_of(IVAN), names=subject.names))  # fmt: skip
            if subject.names == ("...",):
                raise ValueError
            return Searched(told[subject.names[0]], {"own": "a" * 64})

    told = {
        "Ivan Sorokin": (hit("e1", 0.8, "now"),),
        "Ivan Petrov": (hit("e2", 0.95, "p"), hit("e1", 0.7, "p")),
        "Ivan Roy": (hit("e1", 0.9, "r"),),
    }
    party = msgspec.structs.replace(IVAN, former=("Ivan Petrov", "...", "Ivan Roy"))
    found = await _asked(ScreenParty("ONB-2026-00001:1:client", party), Renamed(("own",), None))
    assert isinstance(found, PartyScreened)
    assert [(x.entry_id, x.score, x.fingerprint) for x in found.hits] == [
        ("e2", 950, "p"), ("e1", 900, "r"), ("e1", 800, "now"), ("e1", 700, "p"),
    ]  # fmt: skip


def test_a_party_is_searched_with_all_that_is_known() -> None:
    """S21: names, birth, and every country of theirs; what is no date and no country is left out, not refused."""
    assert subject_of(IVAN) == Subject(("Ivan Sorokin",), ("1961-02-03",), frozenset({"fr", "ch", "ru"}))  # fmt: skip
    company = Party("entity", "entity", "Organization", last_name="Zzyx SA", date_of_birth="2001/02", tax_residence="France")  # fmt: skip
    assert subject_of(company) == Subject(("Zzyx SA",))


async def test_without_an_answer_the_question_waits() -> None:
    """S27: lists that are not there, or a child that is lost, answer nothing and clear nobody: at the first sign of it
    the gateway parks what is asked.
    """
    desk = Desk(("own",), ScreeningUnavailable())
    with pytest.raises(CallFault) as caught:
        await _asked(QUESTION, desk)
    assert caught.value.retryable
    assert caught.value.sick
    spec = next(one for one in screening_gateways(desk, House()) if ScreenParty in one.operations)  # type: ignore[arg-type]
    assert spec.bounds.breaker.errors == 1


async def test_what_can_never_be_answered_is_said_to_be_so() -> None:
    """S27: no list at all, and a name of no word: neither clears anybody."""
    none = await _asked(QUESTION, Desk((), None))
    assert none == CheckImpossible(QUESTION.reference, "screening", "NOT_CONFIGURED")
    blank = await _asked(QUESTION, Desk(("own",), ValueError("no word")))
    assert blank == CheckImpossible(QUESTION.reference, "screening", "NAME_UNUSABLE")


@pytest.mark.parametrize(
    ("outcome", "answer"),
    [
        (Loaded("a" * 64, 1, 2, "look"), ListLoaded("a" * 64, 1, 2, "look")),
        (None, ListUnchanged()),
        (ListRefused("LIST_INVALID", "line 3: x"), ListWrong("LIST_INVALID", "line 3: x")),
    ],
)
async def test_a_reading_ends_in_an_answer(outcome: Any, answer: Message) -> None:
    """S27: loaded, as it was, or refused with its line; a list that is configured no more is told so."""
    desk = Desk(("own",), outcome)
    assert await _asked(LoadList("own", "v", "look"), desk) == answer
    assert desk.asked == [(LoadList("own", "v", "look"),)]
    assert await _asked(LoadList("gone", "", ""), desk) == ListWrong("LIST_UNKNOWN", "")


async def test_a_reader_that_was_lost_is_tried_again() -> None:
    """S27: a child that was killed says nothing of its list; after the last try its actor is told."""
    desk = Desk(("own",), ScreeningUnavailable())
    with pytest.raises(CallFault):
        await _asked(LoadList("own", "", ""), desk)
    reading, listing = (
        spec for spec in screening_gateways(desk, House()) if spec.kind in (LISTS.kind, CASES.kind)  # type: ignore[arg-type]
    )  # fmt: skip
    told = reading.operations[LoadList].failed(LoadList("own", "", ""), "LIST_READER_LOST")
    assert told == ListWrong("LIST_READER_LOST", "")
    unread = listing.operations[ReadCases].failed(ReadCases(3, "x", 50, count=False), "X")
    assert unread == CasesUnread(3, "x")


async def test_cases_are_read_in_pages_and_counted_once() -> None:
    """S27: in the order of their numbers; none while the searches that wait are many; a database that is away is
    waited for.
    """
    desk = Desk(("own",), None)
    house = House(1_201)
    first = await _asked(ReadCases(3, "", 2, count=True), desk, house)
    assert first == CasesRead(3, "", ("ONB-2026-00001", "ONB-2026-00002"), 1_201, crowded=False)
    last = await _asked(ReadCases(3, "ONB-2026-01200", 2, count=False), desk, house)
    assert last == CasesRead(3, "ONB-2026-01200", ("ONB-2026-01201",), None, crowded=False)
    house.waiting = WAITING_MAX + 1
    crowded = await _asked(ReadCases(3, "", 2, count=False), desk, house)
    assert crowded == CasesRead(3, "", (), None, crowded=True)
    with pytest.raises(CallFault) as caught:
        await _asked(ReadCases(3, "", 2, count=False), desk, House(away=True))
    assert caught.value.retryable


async def test_by_hand_nobody_waits_for_ever() -> None:
    """S27: whoever asks by hand is told that nobody knows; and before there are lists likewise."""
    daemon = Screens()
    assert await daemon.screen(IVAN) is None
    daemon.lists = Desk(("own",), ScreeningUnavailable())
    assert await daemon.screen(IVAN) is None
    daemon.lists = Desk(("own",), Searched((), {"own": "a" * 64}))
    assert await daemon.screen(IVAN) == PartyScreened("", (), {"own": "a" * 64})
