"""In which week a consent is counted, through everything that may become of it (E10, X20)."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.connection.machine import MACHINE as CONNECTION
from comptoir.actors.connection.messages import (
    AccessRevoked,
    ConnectionReported,
    ConsentEnded,
    ExtendConsent,
    Heal,
    LinkConnection,
    OpenConnection,
    Revoke,
)
from comptoir.actors.connection.state import (
    ConnectionState,
    ConsentExtended,
    Phase,
    RevocationAsked,
)
from comptoir.actors.consent_week.machine import MACHINE as WEEK
from comptoir.actors.consent_week.machine import Phase as WeekPhase
from comptoir.actors.consent_week.machine import WeekState
from comptoir.actors.consent_week.messages import KIND, UNREAD, CountConsent, week_of
from comptoir.actors.programme import DAY_MS, PROGRAMME, Programme
from comptoir.engine import Address, Decision
from comptoir.engine.machine import Context
from tests.actors.banking import ACCESS, CONSENT, NOW, TOKENS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_MS = 253_370_764_800_000
"""9999-01-01."""
ACTS = ("open", "renew", "end", "provider", "repaired", "sooner", "revoke", "confirmed", "import")


@given(st.integers(0, LAST_MS))
def test_a_week_is_that_of_the_calendar(at: int) -> None:
    """E10: weeks begin on Mondays at midnight UTC, as ISO 8601 has them; the standard library agrees."""
    day = (EPOCH + timedelta(milliseconds=at)).date()
    year, week, _ = day.isocalendar()
    assert week_of(at) == day.fromisocalendar(year, week, 1).isoformat()


class Book:
    """One connection, and the weeks that it tells."""

    def __init__(self) -> None:
        self.state = ConnectionState(Phase.UNKNOWN)
        self.now = NOW
        self.weeks: dict[str, WeekState] = {}
        self.over: list[tuple[str, str]] = []
        """Week and fate of each consent that is over for good."""

    def act(self, name: str, days: int) -> None:
        """Something happens to it, so many days after what was before."""
        state = self.state
        if name == "end":
            self.now = max(self.now, state.consent_expires_at)
        else:
            self.now += days * DAY_MS
        end = self.now + 90 * DAY_MS
        access = msgspec.structs.replace(ACCESS, consent_expires_at=end)
        message: Any = {
            "open": OpenConnection("ls", access, "https://us/w"),
            "renew": ExtendConsent("ls", TOKENS, CONSENT, end),
            "end": ConsentEnded(),
            "provider": ConnectionReported("seed", "lapsed", "r"),
            "repaired": ConnectionReported("seed", "repaired", "r"),
            "sooner": ConnectionReported("seed", "ending", "r", self.now + days * DAY_MS),
            "revoke": Revoke(),
            "confirmed": AccessRevoked(),
            "import": LinkConnection("cn", "u1"),
        }[name]
        context = Context(Address("connection", "k"), self.now, 1, {PROGRAMME: Programme()}, None)
        decision = CONNECTION.decide(state, message, context)
        if not isinstance(decision, Decision):
            return
        happened = {type(event) for event in decision.events}
        held = state.consent is not None and state.phase in (Phase.LINKED, Phase.LAPSED)
        if held and happened & {ConsentExtended, RevocationAsked}:
            fate = "renewed" if ConsentExtended in happened else "revoked"
            self.over.append((week_of(min(state.consent_expires_at, self.now)), fate))
        self.state = decision.state
        self._tell([(x.target, x.message) for x in decision.messages if x.target.kind == KIND])

    def _tell(self, told: Sequence[tuple[Address, Any]]) -> None:
        for target, message in told:
            before = self.weeks.get(target.key, WeekState(WeekPhase.EMPTY))
            decided = WEEK.decide(before, message, Context(target, self.now, 1, {}, None))
            assert isinstance(decided, Decision)
            assert all(n >= 0 for of in decided.state.counts.values() for n in of.values())
            self.weeks[target.key] = decided.state
            (document,) = decided.documents
            assert document.fields == {"seed": decided.state.counts["seed"]}

    def counted(self) -> Counter[tuple[str, str]]:
        """What the weeks have."""
        return +Counter(
            {
                (week, became): count
                for week, state in self.weeks.items()
                for became, count in state.counts["seed"].items()
                if week != UNREAD
            }
        )

    def unread(self) -> int:
        """How many are counted as read by nobody."""
        state = self.weeks.get(UNREAD)
        return 0 if state is None else state.counts["seed"]["live"]

    def true(self) -> Counter[tuple[str, str]]:
        """What is so: every consent once, in one week."""
        found = Counter(self.over)
        state = self.state
        if state.consent is not None and state.phase in (Phase.LINKED, Phase.LAPSED):
            stands = "live" if state.phase is Phase.LINKED else "lapsed"
            found[(week_of(state.consent_expires_at), stands)] += 1
        return found


@given(st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 40)), max_size=25))
def test_each_consent_is_in_one_week(acts: list[tuple[str, int]]) -> None:
    """E10: whatever becomes of a connection, each of its consents is counted once: while it is in force in the
    week of its end, and then in the week in which it ended, by what became of it; none is below nought.
    """
    book = Book()
    for name, days in acts:
        book.act(name, days)
        assert book.counted() == book.true()


@given(st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 40)), max_size=25))
def test_what_nobody_can_read_is_counted_until_it_is_linked(acts: list[tuple[str, int]]) -> None:
    """E6: a connection that was imported, and has no access, is one of those; no other ever is."""
    book = Book()
    for name, days in acts:
        book.act(name, days)
        state = book.state
        known = state.phase in (Phase.LINKED, Phase.LAPSED)
        assert book.unread() == int(known and state.tokens is None)


def test_a_link_makes_an_imported_connection_one_that_is_read() -> None:
    """E6: from then on it is read by itself, as any other is."""
    imported = CONNECTION.decide(
        ConnectionState(Phase.UNKNOWN),
        LinkConnection("cn", "u1"),
        Context(Address("connection", "k"), NOW, 1, {PROGRAMME: Programme()}, None),
    )
    assert isinstance(imported, Decision)
    assert [one for one in imported.messages if isinstance(one.message, Heal)] == []
    context = Context(Address("connection", "k"), NOW, 2, {PROGRAMME: Programme()}, None)
    access = msgspec.structs.replace(ACCESS, consent_expires_at=NOW + 90 * DAY_MS)
    linked = CONNECTION.decide(
        imported.state, OpenConnection("ls", access, "https://us/w"), context
    )
    assert isinstance(linked, Decision)
    (timer,) = (one for one in linked.messages if isinstance(one.message, Heal))
    assert timer.due_at is not None
    assert NOW < timer.due_at <= NOW + Programme().heal_ms
    assert not linked.state.unread


@pytest.mark.parametrize("name", ["end", "provider", "revoke", "sooner"])
def test_what_was_never_counted_is_taken_off_nowhere(name: str) -> None:
    """E10: a consent from before the weeks were kept is in none, and in the one of its next renewal."""
    book = Book()
    book.act("open", 0)
    book.weeks.clear()
    book.state = msgspec.structs.replace(book.state, counted=False)
    book.act(name, 10)
    assert book.counted() == Counter()
    book.act("renew", 10)
    live = {(week_of(book.state.consent_expires_at), "live"): 1}
    assert book.counted() == (Counter() if name == "revoke" else Counter(live))


def test_a_lapse_that_is_renewed_is_a_lapse_no_more() -> None:
    """E10, S67: who renews after the end counts as renewed, in the week of that end."""
    book = Book()
    book.act("open", 0)
    book.act("end", 0)
    ended = week_of(book.now)
    assert book.counted() == Counter({(ended, "lapsed"): 1})
    book.act("renew", 21)
    assert book.counted() == Counter(
        {(ended, "renewed"): 1, (week_of(book.state.consent_expires_at), "live"): 1}
    )


def test_what_the_provider_ends_and_repairs() -> None:
    """X20: an end by the provider's word is of the week in which it came, and is undone as it came."""
    book = Book()
    book.act("open", 0)
    before = book.counted()
    book.act("provider", 14)
    assert book.counted() == Counter({(week_of(book.now), "lapsed"): 1})
    book.act("repaired", 7)
    assert book.counted() == before


def test_providers_are_counted_apart() -> None:
    """E10: a week has its counts by provider."""
    state = WeekState(WeekPhase.EMPTY)
    context = Context(Address(KIND, "2026-11-30"), NOW, 1, {}, None)
    told = [("seed", None, "live"), ("tink", None, "live"), ("seed", "live", "lapsed")]
    for provider, left, joined in told:
        message = msgspec.convert(
            {"type": "CountConsent", "provider": provider, "left": left, "joined": joined},
            CountConsent,
        )
        decided = WEEK.decide(state, message, context)
        assert isinstance(decided, Decision)
        state = decided.state
    none = {"live": 0, "renewed": 0, "lapsed": 0, "revoked": 0}
    assert state.counts == {"seed": {**none, "lapsed": 1}, "tink": {**none, "live": 1}}
