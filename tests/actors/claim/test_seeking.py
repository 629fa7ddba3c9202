"""A claim whose provider is asked: how long it waits, what ends it, and what is asked for it (X23)."""

from typing import Any

import msgspec
import pytest

from comptoir.actors.claim.machine import MACHINE, ClaimState, Phase
from comptoir.actors.claim.messages import (
    ClaimDescribed,
    Claimed,
    OpenClaim,
    PurchaseDelayed,
    PurchaseFound,
    PurchaseMissed,
    Reason,
    SeekOn,
    Verdict,
    purchase_claim,
    stated_claim,
)
from comptoir.actors.connection import machine as connection
from comptoir.actors.connection.messages import (
    PurchaseRead,
    PurchaseUnread,
    SeekPurchase,
)
from comptoir.actors.connection.state import PurchaseSought
from comptoir.actors.gateways.messages import FindPurchase, Stated, bank
from comptoir.actors.merchants import Builder, Partner
from comptoir.actors.merchants.messages import CATALOGUE
from comptoir.actors.programme import DAY_MS, PROGRAMME, Programme
from comptoir.actors.wallet.messages import TellStanding
from comptoir.engine.decision import Decision
from comptoir.engine.machine import Context
from comptoir.engine.values import Address
from tests.actors import banking
from tests.actors.claiming import NOW, REPORT, STATED, STATES, WAITING

ME = Address("claim", "clm_1")
CARD = Address("connection", "card")
MINUTE_MS = 60_000
ASKED = SeekPurchase("clm_1", STATED)
C = connection.Phase
P1 = Partner(id="p1", name="Chez Nous", rate_bp=500)


def decide(state: ClaimState, message: object, now: int = NOW) -> Decision[ClaimState]:
    """Let a claim decide."""
    decision = MACHINE.decide(state, message, Context(ME, now, 2, {}))  # type: ignore[arg-type]  # one of its own
    assert isinstance(decision, Decision)
    return decision


def connect(state: Any, message: object, now: int = NOW, **fields: Any) -> Decision[Any]:
    """Let a connection decide, among one partner."""
    builder = Builder(1)
    builder.add([P1])
    references = {PROGRAMME: Programme(**fields), CATALOGUE: builder.build()}
    context = Context(CARD, now, 7, references)
    decision = connection.MACHINE.decide(state, message, context)  # type: ignore[arg-type]  # one of its own
    assert isinstance(decision, Decision)
    return decision


def missed(decision: Decision[Any]) -> Reason:
    """What a claim is told by it, and nothing else is said to anybody."""
    (sent,) = decision.messages
    assert sent.target == ME
    assert isinstance(sent.message, PurchaseMissed)
    return sent.message.reason


def test_the_connection_is_asked_and_the_claim_waits() -> None:
    """X23: what is stated goes to the connection; a timer ends the waiting, whatever becomes of the call."""
    decision = decide(ClaimState(Phase.NONE), STATES)
    assert (decision.state.phase, decision.state.because) == (Phase.WAITING, Reason.SEARCHING)
    asked, timer = decision.messages
    assert (asked.target, asked.message) == (Address("connection", "link-1"), ASKED)
    assert (timer.target, timer.due_at, timer.name) == (ME, NOW + 30 * DAY_MS, "seeking")


def test_away_it_asks_again_every_ten_minutes() -> None:
    """S63, X23: as often as the gateway gives up; such a question is not a new one."""
    (timer,) = decide(WAITING, PurchaseDelayed()).messages
    assert (timer.due_at, timer.name) == (NOW + 10 * MINUTE_MS, "seeking")
    later = decide(WAITING, SeekOn(), NOW + 10 * MINUTE_MS)
    assert later.messages[0].message == SeekPurchase("clm_1", STATED, again=True)
    assert later.state.phase is Phase.WAITING


def test_it_waits_for_a_month_at_most() -> None:
    """X18, X23: then its person is told that nobody has answered, and may ask again."""
    over = decide(WAITING, SeekOn(), NOW + 30 * DAY_MS)
    assert (over.state.phase, over.state.verdict, over.state.because) == (
        Phase.ANSWERED, Verdict.NOT_KEPT, Reason.PROVIDER_SILENT,
    )  # fmt: skip
    assert (over.messages, over.state.stated) == ((), None)


@pytest.mark.parametrize("reason", Reason)
def test_what_is_missed_is_answered(reason: Reason) -> None:
    """X23: with its verdict; the timer goes, and what was stated is forgotten."""
    over = decide(WAITING, PurchaseMissed(reason))
    verdicts = {
        Reason.NOT_AT_BANK: Verdict.NOT_FOUND,
        Reason.OTHER_CURRENCY: Verdict.IGNORED,
    }
    assert over.state.verdict is verdicts.get(reason, Verdict.NOT_KEPT)
    assert (over.state.because, over.state.stated, over.cancel) == (reason, None, ("seeking",))


def test_the_same_question_soon_has_the_same_answer() -> None:
    """X23: for ten minutes nobody is asked again, then it may be otherwise."""
    answered = decide(WAITING, PurchaseMissed(Reason.NOT_AT_BANK)).state
    soon = decide(answered, STATES, NOW + 10 * MINUTE_MS - 1)
    assert (soon.messages, soon.state) == ((), answered)
    assert isinstance(soon.reply, ClaimDescribed)
    assert soon.reply.because is Reason.NOT_AT_BANK
    later = decide(answered, STATES, NOW + 10 * MINUTE_MS)
    assert later.state.phase is Phase.WAITING


def test_what_is_found_is_the_claim_of_its_purchase() -> None:
    """X23, E9: the very claim that it would be if it had been kept: one, whatever was stated."""
    decision = decide(WAITING, PurchaseFound(REPORT, ("why",)))
    claimed = Claimed(REPORT, "link-1")
    (sent,) = decision.messages
    assert sent.target == Address("claim", purchase_claim("u1", claimed))
    assert sent.message == OpenClaim("u1", Verdict.FETCHED, ("why",), claimed)
    assert (decision.state.phase, decision.state.claim) == (Phase.FOUND, sent.target.key)
    assert (decision.state.stated, decision.state.claimed) == (None, None), (
        "it keeps nothing itself"
    )


def test_ids_are_of_one_person_and_card() -> None:
    """S60, X15: another person, card, purchase or statement is another claim; case and accents are none."""
    claimed = Claimed(REPORT, "link-1")
    other = msgspec.structs.replace(REPORT, transaction_id="tx8")
    ids = {
        purchase_claim("u1", claimed), purchase_claim("u2", claimed), purchase_claim("u1", Claimed(REPORT, "link-2")),
        purchase_claim("u1", Claimed(other, "link-1")), stated_claim("u1", "link-1", STATED),
        stated_claim("u2", "link-1", STATED), stated_claim("u1", "link-2", STATED),
        stated_claim("u1", "link-1", msgspec.structs.replace(STATED, amount_cents=1)),
        stated_claim("u1", "link-1", msgspec.structs.replace(STATED, date="2026-11-22")),
    }  # fmt: skip
    assert len(ids) == 9
    assert stated_claim("u1", "l", Stated("d", 1, "Café")) == stated_claim(
        "u1", "l", Stated("d", 1, "CAFE")
    )


def test_what_comes_late_changes_nothing() -> None:
    """X23: an answer of a question that was given up, or was answered otherwise."""
    for phase in (Phase.OPEN, Phase.FOUND, Phase.ANSWERED, Phase.GRANTED, Phase.REFUSED):
        state = ClaimState(phase, "u1")
        for late in (
            PurchaseFound(REPORT, ()),
            PurchaseMissed(Reason.NOT_AT_BANK),
            PurchaseDelayed(),
            SeekOn(),
        ):
            decision = decide(state, late)
            assert (decision.state, decision.messages) == (state, ())


# What the connection makes of it.


def test_the_provider_is_asked_by_the_access_that_there_is() -> None:
    """X23, S57, S59: through its gateway, for the account that is read; the call has no token in it."""
    state = msgspec.structs.replace(banking.LINKED, account="acc_1")
    (sent,) = connect(state, ASKED).messages
    assert sent.target == bank("seed")
    assert isinstance(sent.message, FindPurchase)
    assert sent.message.access == ""
    assert (sent.message.link, sent.message.stated, sent.message.account, sent.message.claim) == (
        "card", STATED, "acc_1", "clm_1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tokens": None}, Reason.NO_ACCESS),
        ({"linked_at": NOW}, Reason.BEFORE_LINK),
        ({"phase": C.LAPSED}, Reason.CONSENT_LAPSED),
        ({"phase": C.REVOKING}, Reason.CONSENT_REVOKED),
        ({"phase": C.REVOKED}, Reason.CONSENT_REVOKED),
    ],
)
def test_where_nothing_may_be_read_nothing_is_asked(changes: Any, reason: Reason) -> None:
    """S57, S60, X23: no access, a day that the consent does not cover, a consent that is over."""
    assert missed(connect(msgspec.structs.replace(banking.LINKED, **changes), ASKED)) is reason


def test_a_provider_is_asked_so_often_a_day() -> None:
    """Protocols.md 5.1 (fair use): whatever is stated; asking again for what waits does not count."""
    state: Any = banking.LINKED
    for number in range(20):
        state = connect(state, ASKED, NOW + number).state
    assert missed(connect(state, ASKED, NOW + 20)) is Reason.ASKED_TOO_OFTEN
    again = msgspec.structs.replace(ASKED, again=True)
    assert connect(state, again, NOW + 20).messages[0].target == bank("seed")
    assert connect(state, ASKED, NOW + DAY_MS).messages[0].target == bank("seed")


def test_an_access_that_was_replaced_ends_nothing() -> None:
    """S45, X18, X23: it is asked by the new one, of which this says nothing."""
    unread = PurchaseUnread("clm_1", STATED, refused=False, ended=True, access="old")
    decision = connect(banking.LINKED, unread)
    (sent,) = decision.messages
    assert isinstance(sent.message, FindPurchase)
    assert (sent.message.link, decision.state.phase) == ("card", C.LINKED)


def test_an_access_that_is_being_replaced_ends_nothing() -> None:
    """S45, X23: the claim comes back to it when the new one is there."""
    state = msgspec.structs.replace(banking.LINKED, rotating=True)
    unread = PurchaseUnread("clm_1", STATED, refused=False, ended=True, access="at")
    decision = connect(state, unread)
    assert decision.state.phase is C.LINKED
    assert [one.message for one in decision.messages] == [PurchaseDelayed()]


def test_the_persons_turn_ends_the_consent() -> None:
    """X20, X23: as a reading's does; the claim hears what helps."""
    decision = connect(
        banking.LINKED, PurchaseUnread("clm_1", STATED, refused=False, ended=True, access="at")
    )
    assert decision.state.phase is C.LAPSED
    assert [one.message for one in decision.messages if one.target == ME] == [
        PurchaseMissed(Reason.CONSENT_LAPSED)
    ]


def test_refused_or_away() -> None:
    """S63, X23: a no is one; what is away is come back to."""
    refused = PurchaseUnread("clm_1", STATED, refused=True, access="at")
    assert missed(connect(banking.LINKED, refused)) is Reason.PROVIDER_REFUSED
    away = msgspec.structs.replace(refused, refused=False)
    (sent,) = connect(banking.LINKED, away).messages
    assert (sent.target, sent.message) == (ME, PurchaseDelayed())


def test_what_was_read_after_a_revocation_is_dropped() -> None:
    """S60, X23: from the moment at which its person has ended it nothing is kept, whatever was on its way."""
    for phase in (C.REVOKING, C.REVOKED):
        state = msgspec.structs.replace(banking.LINKED, phase=phase)
        decision = connect(state, PurchaseRead("clm_1", REPORT))
        assert missed(decision) is Reason.CONSENT_REVOKED
        assert "CHEZ VOUS" not in repr(decision)


def test_after_the_end_only_what_was_bought_before() -> None:
    """S49, S57, X23: the answer came when the consent was over."""
    day = 1_795_219_200_000  # 2026-11-21, the report's
    for over, phase in ((day, Reason.CONSENT_LAPSED), (day + 1, None)):
        state = msgspec.structs.replace(banking.LAPSED, consent_expires_at=over)
        decision = connect(state, PurchaseRead("clm_1", REPORT))
        if phase is None:
            assert isinstance(decision.messages[0].message, TellStanding)
        else:
            assert missed(decision) is phase


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        (None, Reason.NOT_AT_BANK),
        (msgspec.structs.replace(REPORT, currency="CHF"), Reason.OTHER_CURRENCY),
        (msgspec.structs.replace(REPORT, date="2026-11-18"), Reason.BEFORE_LINK),
    ],
)
def test_what_is_found_and_cannot_count(report: Any, reason: Reason) -> None:
    """S60, X23: nothing there, another currency, or bought before the link although stated as of after it."""
    state = msgspec.structs.replace(banking.LINKED, linked_at=1_795_132_800_000)
    decision = connect(state, PurchaseRead("clm_1", report))
    assert missed(decision) is reason
    assert decision.events == (PurchaseSought("cn_1", report is not None),)


def test_a_partners_is_taken_as_if_it_had_been_told() -> None:
    """X16, E6, X23: first that, as found without a webhook, and then what is told to the claim."""
    report = msgspec.structs.replace(REPORT, merchant_name="CB CHEZ NOUS")
    first, second = connect(banking.LINKED, PurchaseRead("clm_1", report)).messages
    assert first.target == second.target == CARD
    assert first.message == msgspec.structs.replace(report, healed=True)
    assert second.message == PurchaseRead("clm_1", report, taken=True)
    (told,) = connect(banking.LINKED, second.message).messages
    assert (told.target, type(told.message)) == (Address("wallet", "u1"), TellStanding)
