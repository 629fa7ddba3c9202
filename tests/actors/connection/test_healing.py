"""When a connection reads by itself, and what becomes of what it finds (E6)."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.connection.healing import CHANCE, HEALING, LATE_MS, ROTATION_MS
from comptoir.actors.connection.machine import MACHINE, ConnectionState, Phase
from comptoir.actors.connection.messages import (
    Access,
    ConnectionReported,
    Heal,
    OpenConnection,
    ReadOn,
    Sync,
    TransactionCorrected,
    TransactionRemoved,
    TransactionReported,
    TransactionsRead,
    TransactionsUnread,
    report_key,
)
from comptoir.actors.connection.state import TransactionHealed
from comptoir.actors.gateways.messages import ReadTransactions, Tokens
from comptoir.actors.linking.messages import Consent
from comptoir.actors.merchants import Builder, Partner
from comptoir.actors.merchants.messages import CATALOGUE
from comptoir.actors.programme import DAY_MS, PROGRAMME, Programme
from comptoir.engine.decision import Decision, Outgoing
from comptoir.engine.machine import Context
from comptoir.engine.values import Address, Message

Change = TransactionReported | TransactionCorrected | TransactionRemoved
NOW = 1_800_000_000_000
"""2027-01-15."""
ME = Address("connection", "blind-index")
TOKENS = Tokens("access-1", "", 0)
CONSENT = Consent("v1", "accounts", 90)
LINKED = ConnectionState(
    Phase.LINKED, "item_1", "u1", "seed", id="cn_1", tokens=TOKENS, consent=CONSENT,
    consent_expires_at=NOW + 30 * DAY_MS, linked_at=NOW,
)  # fmt: skip
PURCHASE = TransactionReported(
    "seed", "transaction.created", "t1", 10_000, "EUR", "DEBIT", "2027-01-15", "CB CHEZ NOUS"
)
PROGRAMME_RULES = Programme()


def _catalogue() -> Any:
    builder = Builder(7)
    builder.add((Partner(id="p", name="Chez Nous", rate_bp=500),))
    return builder.build()


PARTNERS = _catalogue()


def decide(
    state: ConnectionState,
    message: Message,
    programme: Programme = PROGRAMME_RULES,
    version: int = 3,
    now: int = NOW,
) -> Decision[ConnectionState]:
    """What follows."""
    references = {PROGRAMME: programme, CATALOGUE: PARTNERS}
    outcome = MACHINE.decide(state, message, Context(ME, now, version, references))
    assert isinstance(outcome, Decision)
    return outcome


def timers(decision: Decision[ConnectionState]) -> list[Outgoing]:
    """Those of readings by itself."""
    return [one for one in decision.messages if one.name == HEALING]


def asked(decision: Decision[ConnectionState]) -> list[ReadTransactions]:
    """What the provider is asked."""
    return [one.message for one in decision.messages if isinstance(one.message, ReadTransactions)]


@given(st.integers(1, 720), st.integers(0, 2**31))
def test_it_reads_on_a_schedule(hours: int, version: int) -> None:
    """E6: the next reading is within the interval, a fifth of it left to chance, and expendable."""
    programme = Programme(heal_ms=hours * 3_600_000)
    decision = decide(LINKED, Heal(NOW), programme, version)
    (read,) = asked(decision)
    assert read.expendable
    (timer,) = timers(decision)
    assert isinstance(timer.message, Heal)
    assert timer.due_at is not None
    assert timer.due_at == timer.message.due_at
    least = programme.heal_ms - programme.heal_ms // CHANCE
    assert NOW + least <= timer.due_at <= NOW + programme.heal_ms


def test_chance_spreads_them() -> None:
    """E6: connections of one hour are not read in one minute."""
    due = set[int | None]()
    for number in range(200):
        context = Context(Address("connection", f"c{number}"), NOW, 1, {PROGRAMME: PROGRAMME_RULES})
        outcome = MACHINE.decide(LINKED, Heal(NOW), context)
        assert isinstance(outcome, Decision)
        (timer,) = timers(outcome)
        due.add((timer.due_at or 0) // 60_000)
    assert len(due) > 40, "of 72 minutes"


@given(st.integers(LATE_MS + 1, 10**9), st.integers(0, 2**31))
def test_what_is_late_is_put_off_once(late_ms: int, version: int) -> None:
    """E6: after an outage all are due at once; each is drawn anew over the spread, and then it reads."""
    decision = decide(LINKED, Heal(NOW - late_ms), version=version)
    assert asked(decision) == []
    (timer,) = timers(decision)
    assert isinstance(timer.message, Heal)
    assert timer.due_at is not None
    assert NOW <= timer.due_at < NOW + PROGRAMME_RULES.heal_spread_ms
    assert asked(decide(LINKED, timer.message, now=timer.due_at + late_ms))


def test_tokens_that_have_ended() -> None:
    """S45: they are being replaced; a reading by the old ones would be refused, and the interval lost."""
    ended = msgspec.structs.replace(LINKED, tokens=Tokens("access-1", "refresh-1", NOW))
    decision = decide(ended, Heal(NOW))
    assert asked(decision) == []
    (timer,) = timers(decision)
    assert timer.due_at == NOW + ROTATION_MS
    fresh = msgspec.structs.replace(ended, tokens=Tokens("access-2", "refresh-2", NOW + DAY_MS))
    assert asked(decide(fresh, timer.message, now=timer.due_at))


def test_an_imported_one_is_not_read() -> None:
    """What was imported has no access: nothing follows, and nothing is scheduled."""
    imported = ConnectionState(Phase.LINKED, "item_1", "u1", "seed")
    assert decide(imported, Heal(NOW)).messages == ()


def test_nobody_is_asked_twice_at_once() -> None:
    """Protocols.md 5.1, fair use: while it is being read, a reading by itself is the next one."""
    reading = msgspec.structs.replace(LINKED, syncing=True)
    decision = decide(reading, Heal(NOW))
    assert (asked(decision), decision.state) == ([], reading)
    assert timers(decision)


def test_a_reading_that_was_asked_for_puts_it_off() -> None:
    """Protocols.md 5.1, fair use: the interval begins anew whenever it was read."""
    begun = decide(LINKED, Sync())
    assert not asked(begun)[0].expendable
    done = decide(begun.state, TransactionsRead((), "c1", more=False))
    assert timers(done)
    assert timers(decide(begun.state, TransactionsRead((), "c1", more=True))) == []


def test_off() -> None:
    """E6: an interval of nought is none."""
    never = Programme(heal_ms=0)
    assert timers(decide(LINKED, Heal(NOW), never)) == []
    done = decide(
        msgspec.structs.replace(LINKED, syncing=True), TransactionsRead((), "", more=False), never
    )
    assert timers(done) == []


def test_given_up_while_the_provider_is_away() -> None:
    """S65: nothing is tried again before the next one is due, unless somebody asks meanwhile."""
    begun = decide(LINKED, Heal(NOW)).state
    unread = TransactionsUnread(refused=False, cursor="")
    decision = decide(begun, unread)
    assert decision.messages == ()
    assert (decision.state.syncing, decision.state.healing) == (False, False)
    wanted = decide(begun, Sync()).state
    (again,) = decide(wanted, unread).messages
    assert isinstance(again.message, ReadOn)


def test_what_it_finds_is_marked() -> None:
    """E6, X16: page by page, under the keys that webhooks have; what was asked for meanwhile is not."""
    begun = decide(LINKED, Heal(NOW)).state
    first = decide(begun, TransactionsRead((PURCHASE,), "c1", more=True))
    found = [one.message for one in first.messages if one.target == ME]
    (report,) = found
    assert report == msgspec.structs.replace(PURCHASE, healed=True)
    assert asked(first)[0].expendable
    assert report_key(PURCHASE) == report_key(msgspec.structs.replace(PURCHASE, healed=True))
    told = decide(first.state, ConnectionReported("seed", "updates", "r1"))
    second = decide(told.state, TransactionsRead((PURCHASE,), "c2", more=False))
    assert PURCHASE in [one.message for one in second.messages]
    assert not asked(second)[0].expendable


@pytest.mark.parametrize(
    ("label", "shown"), [("CB CHEZ NOUS", "t1"), ("NOBODY", "")], ids=["partner", "nobody"]
)
def test_what_it_finds_is_counted(label: str, shown: str) -> None:
    """E6, X23: whatever was missed is an event; of what no partner sold nothing is said."""
    report = msgspec.structs.replace(PURCHASE, merchant_name=label, healed=True)
    decision = decide(LINKED, report)
    assert TransactionHealed("seed", shown) in decision.events
    plain = decide(LINKED, msgspec.structs.replace(report, healed=False))
    assert [one for one in plain.events if isinstance(one, TransactionHealed)] == []
    assert (decision.once, decision.messages) == (plain.once, plain.messages)


@pytest.mark.parametrize("days", [0, 1, 30])
def test_looking_back(days: int) -> None:
    """S60: what was bought before the link is read for the configured days, and otherwise not looked at."""
    programme = Programme(look_back_days=days)
    reports = [
        msgspec.structs.replace(PURCHASE, transaction_id=day, date=day)
        for day in ("2026-12-15", "2026-12-16", "2027-01-13", "2027-01-14", "2027-01-15")
    ]
    changes: tuple[Change, ...] = (
        *reports,
        *(TransactionCorrected(one, "x") for one in reports),
        TransactionRemoved("seed", "t0"),
    )
    reading = msgspec.structs.replace(LINKED, syncing=True)
    decision = decide(reading, TransactionsRead(changes, "c1", more=False), programme)
    kept = [one.message for one in decision.messages if one.target == ME and one.name is None]
    number = {0: 1, 1: 2, 30: 4}[days]
    assert kept == [*reports[-number:], *changes[10 - number : 10], changes[-1]]
    access = Access("item_1", "seed", "u1", "B", "4242", "card", TOKENS, CONSENT, NOW + DAY_MS)
    opened = decide(
        ConnectionState(Phase.UNKNOWN), OpenConnection("ls", access, "https://us/w"), programme
    )
    assert (ReadOn in [type(one.message) for one in opened.messages]) is bool(days)
    assert timers(opened)
