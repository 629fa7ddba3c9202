"""How a provider says that a connection stands: shown, in what it ends, and what is read for it (S66, X20)."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from comptoir.actors.connection.conditions import CONDITIONS, NONE, PERSON, TIME, condition_of
from comptoir.actors.connection.healing import HEALING, READING
from comptoir.actors.connection.machine import MACHINE, ConnectionState, Phase
from comptoir.actors.connection.messages import (
    CONNECTIONS,
    Condition,
    ConnectionReported,
    ExtendConsent,
    ReadOn,
    ReportHeld,
    RotateTokens,
    TokensRefreshed,
    TransactionReported,
    TransactionsRead,
    TransactionsUnread,
)
from comptoir.actors.connection.reports import AFTER_TRY_MS, TRY_MS_MAX
from comptoir.actors.connection.state import (
    ConditionChanged,
    ConnectionSynced,
    ConsentLapsed,
    ConsentRestored,
    ConsentShortened,
)
from comptoir.actors.connection.views import show_connection
from comptoir.actors.gateways.messages import ReadTransactions, Tokens
from comptoir.actors.linking.messages import Consent
from comptoir.actors.merchants import Builder, Partner
from comptoir.actors.merchants.messages import CATALOGUE
from comptoir.actors.programme import DAY_MS, PROGRAMME, Programme
from comptoir.engine.decision import Decision, Outgoing
from comptoir.engine.machine import Context
from comptoir.engine.values import Address, Message

NOW = 1_800_000_000_000
ME = Address("connection", "blind-index")
POWENS = Address("bank_powens", "")
TOKENS = Tokens("access-1", "3", NOW + 90 * DAY_MS)
LINKED = ConnectionState(
    Phase.LINKED, "7", "u1", "powens", "Banque", "4242", id="cn_1", tokens=TOKENS,
    consent=Consent("v1", "accounts", 90), consent_expires_at=NOW + 30 * DAY_MS, linked_at=NOW,
)  # fmt: skip
LAPSED = msgspec.structs.replace(
    LINKED, phase=Phase.LAPSED, consent_expires_at=NOW, agreed_until=NOW + 30 * DAY_MS,
    condition=condition_of("credentials_wrong"),
)  # fmt: skip
IMPORTED = ConnectionState(Phase.LINKED, "7", "u1", "powens")
AWAY = condition_of("bank_unavailable", NOW + 3_600_000)
PURCHASE = TransactionReported(
    "powens", "transaction.created", "1", 10_000, "EUR", "DEBIT", "2026-11-21", "CB CHEZ NOUS"
)


def _catalogue() -> Any:
    builder = Builder(7)
    builder.add((Partner(id="p", name="Chez Nous", rate_bp=500),))
    return builder.build()


REFERENCES = {PROGRAMME: Programme(), CATALOGUE: _catalogue()}


def _decide(state: ConnectionState, message: Message) -> Decision[ConnectionState]:
    outcome = MACHINE.decide(state, message, Context(ME, NOW, 3, REFERENCES))
    assert isinstance(outcome, Decision)
    return outcome


def _told(condition: Condition | None = None, until: int = 0) -> ConnectionReported:
    return ConnectionReported("powens", "state", "r1", until, condition=condition)


def _shown(decision: Decision[ConnectionState]) -> dict[str, Any]:
    """The connection as its person sees it after the decision."""
    (document,) = (put for put in decision.documents if put.collection == CONNECTIONS)
    fields: Any = document.fields["cn_1"]
    return show_connection(fields)


PERSONS = [name for name, meaning in CONDITIONS.items() if meaning.remedy == PERSON]
OTHERS = [name for name, meaning in CONDITIONS.items() if meaning.remedy != PERSON]


@pytest.mark.parametrize("name", PERSONS)
def test_its_person_must_act(name: str) -> None:
    """X20, S66: nothing is read until they have; what to do, in both languages, and the code."""
    decision = _decide(LINKED, _told(condition_of(name)))
    assert decision.state.phase is Phase.LAPSED
    assert decision.events == (ConditionChanged("cn_1", name), ConsentLapsed("cn_1", "provider"))
    shown = _shown(decision)
    assert shown["status"] == "expired"
    assert (shown["condition"]["name"], shown["condition"]["remedy"]) == (name, "person")
    assert shown["condition"]["code"] == "BANK_CONNECTION_EXPIRED"
    assert set(shown["condition"]["userAction"]) == {"fr", "en"}
    assert all(shown["condition"]["userAction"].values())
    assert shown["condition"]["nextTryAt"] is None


@pytest.mark.parametrize("name", OTHERS)
def test_nobody_need_act(name: str) -> None:
    """S66: it stays in force; that it cannot be read now, until when, and that it is not theirs to end."""
    decision = _decide(LINKED, _told(condition_of(name, NOW + 3_600_000)))
    assert decision.state.phase is Phase.LINKED
    assert decision.events == (ConditionChanged("cn_1", name),)
    shown = _shown(decision)
    assert (shown["status"], shown["condition"]["remedy"]) == ("active", CONDITIONS[name].remedy)
    assert shown["condition"]["remedy"] in (TIME, NONE)
    assert shown["condition"]["code"] == "BANK_PROVIDER_UNAVAILABLE"
    assert shown["condition"]["nextTryAt"] == "2027-01-15T09:00:00.000Z"


def test_an_error_without_a_reason_is_tried_again() -> None:
    """S52 (connection.error: alert and retry): shown as the bank's, and read a while after the next try."""
    failing = ConnectionReported("seed", "failing", "r1")
    decision = _decide(LINKED, failing)
    assert decision.state.phase is Phase.LINKED
    assert decision.events == (ConditionChanged("cn_1", "bank_unavailable"),)
    assert _shown(decision)["condition"]["remedy"] == TIME
    (again,) = (out for out in decision.messages if isinstance(out.message, ReadOn))
    assert again.due_at is not None
    assert NOW < again.due_at <= NOW + 3_600_000
    well = _decide(decision.state, _told())
    assert well.events == (ConditionChanged("cn_1", ""),)
    assert _decide(IMPORTED, failing).messages == (), "nobody can read it"


def test_a_word_that_nobody_knows() -> None:
    """Protocols.md 5.1: what a provider adds later can be ended by nobody here."""
    assert condition_of("somethingNew") == Condition("unknown", NONE, 0)


def test_it_is_read_after_the_next_try() -> None:
    """S63, E6: a webhook that says that all is well may be lost."""
    decision = _decide(LINKED, _told(AWAY))
    (again,) = decision.messages
    assert again == Outgoing(ME, ReadOn(), AWAY.next_try + AFTER_TRY_MS, "reading")
    for never in (0, NOW, NOW + TRY_MS_MAX + 1):
        away = condition_of("bank_unavailable", never)
        assert _decide(LINKED, _told(away)).messages == ()


def test_told_again() -> None:
    """X16: what is known already changes nothing; each report is taken once."""
    known = msgspec.structs.replace(LINKED, condition=AWAY)
    decision = _decide(known, _told(AWAY))
    assert (decision.state, decision.events, decision.documents) == (known, (), ())
    assert [(one.scope, one.key) for one in decision.once] == [
        ("webhook", "powens:connection.state:r1")
    ]
    assert _decide(LINKED, _told()).documents == ()


def test_all_is_well_again() -> None:
    """S66: then nothing is to be done."""
    decision = _decide(msgspec.structs.replace(LINKED, condition=AWAY), _told())
    assert decision.state == LINKED
    assert decision.events == (ConditionChanged("cn_1", ""),)
    assert _shown(decision)["condition"] is None


def test_repaired_by_its_person() -> None:
    """X20: the consent of before is in force again, and what was bought meanwhile is read."""
    decision = _decide(LAPSED, _told())
    assert decision.state.phase is Phase.LINKED
    assert decision.state.condition is None
    assert decision.events == (ConditionChanged("cn_1", ""), ConsentRestored("cn_1"))
    assert ReadOn() in [one.message for one in decision.messages]
    shown = _shown(decision)
    assert (shown["status"], shown["condition"]) == ("active", None)


def test_something_else_in_the_way() -> None:
    """S66: while its person must act, what they are told is what is so now."""
    decision = _decide(LAPSED, _told(condition_of("confirmation_required")))
    assert decision.state.phase is Phase.LAPSED
    assert _shown(decision)["condition"]["name"] == "confirmation_required"


def test_after_the_consents_own_end() -> None:
    """X20: well or not, what its person agreed to is over; that is what they are told."""
    over = msgspec.structs.replace(LAPSED, agreed_until=0)
    decision = _decide(over, _told())
    assert decision.state.phase is Phase.LAPSED
    assert _shown(decision)["condition"]["name"] == "consent_ended"


def test_a_renewal_ends_it() -> None:
    """X20: a new consent is in force; nothing is in the way any more."""
    extend = ExtendConsent("ls", TOKENS, Consent("v1", "a", 90), NOW + DAY_MS)
    decision = _decide(LAPSED, extend)
    assert decision.state.condition is None
    assert _shown(decision)["condition"] is None


def test_until_when_the_bank_lets_us_read() -> None:
    """X20, E10: an earlier end counts, a later one is none of the provider's to give."""
    until = NOW + 10 * DAY_MS
    decision = _decide(LINKED, _told(until=until))
    assert decision.state.consent_expires_at == until
    assert decision.events == (ConsentShortened("cn_1", until),)
    both = _decide(msgspec.structs.replace(LINKED, condition=AWAY), _told(until=until))
    assert both.events == (ConditionChanged("cn_1", ""), ConsentShortened("cn_1", until))
    assert _shown(both)["condition"] is None
    assert _decide(LINKED, _told(until=NOW + 60 * DAY_MS)).state == LINKED


@pytest.mark.parametrize("name", ["credentials_wrong", "bank_unavailable"])
def test_an_imported_one_goes_on(name: str) -> None:
    """What was imported has no consent that could end: its purchases are told, and count."""
    decision = _decide(IMPORTED, _told(condition_of(name, NOW + 1000)))
    assert (decision.state.phase, decision.documents, decision.messages) == (Phase.LINKED, (), ())
    assert _decide(decision.state, PURCHASE).reply.outcome == "matched"  # type: ignore[union-attr]
    assert _decide(IMPORTED, ConnectionReported("powens", "lapsed", "r1")).state == IMPORTED


@pytest.mark.parametrize("phase", [Phase.REVOKING, Phase.REVOKED])
def test_after_its_end(phase: Phase) -> None:
    """S57: nothing follows from it any more."""
    over = msgspec.structs.replace(LINKED, phase=phase)
    assert _decide(over, _told(AWAY)).state == over


def test_before_its_connection() -> None:
    """Interface.md 6, row 11: kept, and heeded when it appears."""
    parked = _decide(ConnectionState(Phase.UNKNOWN), _told(AWAY))
    (kept,) = parked.messages
    assert kept.message == ReportHeld(_told(AWAY))
    held = msgspec.structs.replace(LINKED, held=1)
    taken = _decide(held, ReportHeld(_told(AWAY)))
    assert (taken.state.held, taken.state.condition) == (0, AWAY)


def test_a_reading_says_it_too() -> None:
    """Issue 6: fed by reads; after all that was read, and where it is news alone."""
    reading = msgspec.structs.replace(LINKED, syncing=True)
    wrong = _told(condition_of("credentials_wrong"))
    reports = tuple(msgspec.structs.replace(PURCHASE, transaction_id=str(n)) for n in range(150))
    first = _decide(reading, TransactionsRead(reports, "c2", more=False, stands=wrong))
    assert wrong not in [one.message for one in first.messages]
    last = first.messages[-1].message
    assert isinstance(last, TransactionsRead)
    second = _decide(first.state, last)
    assert Outgoing(ME, wrong) in second.messages
    assert _decide(second.state, wrong).state.phase is Phase.LAPSED
    for known in (_told(), _told(until=LINKED.consent_expires_at)):
        quiet = _decide(reading, TransactionsRead((), "c2", more=False, stands=known))
        assert [one.name for one in quiet.messages] == [HEALING]
    ends = _told(until=NOW + DAY_MS)
    told = _decide(reading, TransactionsRead((), "c2", more=False, stands=ends))
    assert Outgoing(ME, ends) in told.messages


def test_an_access_that_was_replaced_meanwhile() -> None:
    """S45: a reading by the old token ends nothing; it is read by the new one."""
    reading = msgspec.structs.replace(LINKED, syncing=True, cursor="c1")
    late = TransactionsUnread(refused=False, cursor="c1", ended=True, access="access-0")
    decision = _decide(reading, late)
    assert decision.state.phase is Phase.LINKED
    (asked,) = decision.messages
    again = ReadTransactions("cn_1:3", "7", "", "c1", link=ME.key)
    assert asked == Outgoing(POWENS, again), "at once, and not in a while"
    assert decision.events == (ConnectionSynced("cn_1", 0, complete=False),)
    by_this_one = msgspec.structs.replace(late, access="access-1")
    assert _decide(reading, by_this_one).state.phase is Phase.LAPSED


def test_an_access_that_is_being_replaced() -> None:
    """S45: the provider has ended it, and the new one is not here yet: then what was cut off is read by that."""
    reading = msgspec.structs.replace(LINKED, syncing=True, cursor="c1")
    rotating = _decide(reading, RotateTokens()).state
    late = TransactionsUnread(refused=False, cursor="c1", ended=True, access="access-1")
    cut_off = _decide(rotating, late)
    assert (cut_off.state.phase, cut_off.state.syncing, cut_off.messages) == (
        Phase.LINKED,
        False,
        (),
    )
    tokens = Tokens("access-2", "3", NOW + 10**9)
    refreshed = _decide(cut_off.state, TokensRefreshed(tokens))
    assert [one.message for one in refreshed.messages if one.name == READING] == [ReadOn()]
    assert not refreshed.state.rotating
    undisturbed = _decide(_decide(LINKED, RotateTokens()).state, TokensRefreshed(tokens))
    assert [one.message for one in undisturbed.messages if one.name == READING] == []
    ended = msgspec.structs.replace(late, access="access-2")
    assert _decide(refreshed.state, ended).state.phase is Phase.LAPSED


def test_what_was_bought_before() -> None:
    """S60: a provider may tell of years; before the look-back it is nobody's business, and nothing stays."""
    linked_at = int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp() * 1000)
    state = msgspec.structs.replace(LINKED, linked_at=linked_at)
    assert _decide(state, PURCHASE).reply.outcome == "matched"  # type: ignore[union-attr]
    before = msgspec.structs.replace(PURCHASE, date="2026-11-20")
    decision = _decide(state, before)
    assert decision.reply.outcome == "withdrawn"  # type: ignore[union-attr]
    assert (decision.messages, decision.documents) == ((), ())
    refund = msgspec.structs.replace(before, direction="CREDIT")
    assert _decide(state, refund).messages, "a refund is of whatever it is of"
