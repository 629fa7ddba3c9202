"""What a provider reports of a connection, and how it is read until there is nothing new (S45, S57, X16, X20)."""

from typing import Any

import msgspec
import pytest

from comptoir.actors.candidates.messages import DropCandidate
from comptoir.actors.connection.healing import HEALING
from comptoir.actors.connection.machine import MACHINE, ConnectionState, Phase
from comptoir.actors.connection.messages import (
    ConnectionReported,
    ConsentEnding,
    ExtendConsent,
    LinkConnection,
    Noted,
    ReadOn,
    ReportHeld,
    RotateTokens,
    TransactionCorrected,
    TransactionRemoved,
    TransactionReported,
    TransactionsRead,
    TransactionsUnread,
)
from comptoir.actors.connection.state import (
    ConnectionSynced,
    ConsentLapsed,
    ConsentRestored,
    ConsentShortened,
    RevocationAsked,
)
from comptoir.actors.connection.syncing import PIECE, READ_AGAIN_MS
from comptoir.actors.connection.transactions import HELD_MAX
from comptoir.actors.gateways.messages import ReadTransactions, RevokeAccess, Tokens
from comptoir.actors.linking.messages import Consent
from comptoir.actors.merchants import Builder, Partner
from comptoir.actors.merchants.messages import CATALOGUE
from comptoir.actors.programme import DAY_MS, PROGRAMME, Programme
from comptoir.actors.wallet.messages import ClawBack, Restate, TakeBack
from comptoir.engine.decision import Decision, Outgoing, Refusal
from comptoir.engine.machine import Context
from comptoir.engine.values import Address, Message

NOW = 1_800_000_000_000
ME = Address("connection", "blind-index")
PLAID = Address("bank_plaid", "")
TOKENS = Tokens("access-1", "", 0)
LINKED = ConnectionState(
    Phase.LINKED, "item_1", "u1", "plaid", id="cn_1", tokens=TOKENS, consent=Consent("v1", "accounts", 90),
    consent_expires_at=NOW + 30 * DAY_MS, cursor="c1", account="acc_1",
)  # fmt: skip
LAPSED = msgspec.structs.replace(
    LINKED, phase=Phase.LAPSED, consent_expires_at=NOW, agreed_until=NOW + 30 * DAY_MS
)
UNKNOWN = ConnectionState(Phase.UNKNOWN)
PURCHASE = TransactionReported(
    "plaid", "transaction.created", "b1", 10_000, "EUR", "DEBIT", "2026-11-21", "CB CHEZ NOUS"
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


def _report(event: str = "updates", **changes: Any) -> ConnectionReported:
    return ConnectionReported("plaid", event, "r1", **changes)


def _asked(decision: Decision[ConnectionState]) -> list[Message]:
    return [one.message for one in decision.messages if one.target == PLAID]


def test_something_to_read_is_read() -> None:
    """S51, X16: by the cursor and of the one account, once per report."""
    decision = _decide(LINKED, _report())
    assert _asked(decision) == [
        ReadTransactions("cn_1:3", "item_1", "", "c1", "acc_1", link=ME.key)
    ]
    assert decision.state.syncing
    assert decision.reply == Noted()
    assert [(one.scope, one.key) for one in decision.once] == [
        ("webhook", "plaid:connection.updates:r1")
    ]


def test_what_comes_meanwhile_is_read_afterwards() -> None:
    """S63: nothing that was reported is left unread, and it is read once for all that came meanwhile."""
    reading = _decide(LINKED, _report()).state
    for _ in range(3):
        decision = _decide(reading, _report())
        assert decision.messages == ()
        reading = decision.state
    done = _decide(reading, TransactionsRead((), "c2", more=False))
    assert _asked(done) == [ReadTransactions("cn_1:3", "item_1", "", "c2", "acc_1", link=ME.key)]
    idle = _decide(done.state, TransactionsRead((), "c3", more=False))
    assert [one.name for one in idle.messages] == [HEALING], "and by itself when nobody asks"
    assert (idle.state.syncing, idle.state.cursor) == (False, "c3")


def test_what_could_not_be_read_is_tried_again() -> None:
    """S63: Plaid may not tell it twice."""
    reading = msgspec.structs.replace(LINKED, syncing=True)
    decision = _decide(reading, TransactionsUnread(refused=False, cursor="c1"))
    (again,) = decision.messages
    assert again == Outgoing(ME, ReadOn(), NOW + READ_AGAIN_MS, "reading")
    assert not decision.state.syncing
    assert _asked(_decide(decision.state, ReadOn()))
    refused = _decide(reading, TransactionsUnread(refused=True, cursor="c1"))
    assert refused.messages == ()
    both = _decide(
        msgspec.structs.replace(reading, again=True), TransactionsUnread(refused=True, cursor="c1")
    )
    assert len(both.messages) == 1


def test_a_long_page_is_taken_in_pieces() -> None:
    """No decision is long; the cursor counts when the last piece is taken, in order."""
    reports = tuple(msgspec.structs.replace(PURCHASE, transaction_id=str(n)) for n in range(250))
    state = msgspec.structs.replace(LINKED, syncing=True)
    left: Message = TransactionsRead(reports, "c2", more=False)
    taken: list[Message] = []
    for size in (PIECE, PIECE, 50):
        decision = _decide(state, left)
        told = [one.message for one in decision.messages if one.target == ME]
        state, pages = decision.state, [one for one in told if isinstance(one, TransactionsRead)]
        taken += told[:size]
        (event,) = decision.events
        assert event == ConnectionSynced("cn_1", size, complete=not pages)
        assert (state.cursor == "c2") is not bool(pages)
        left = pages[0] if pages else left
    assert tuple(taken) == reports


@pytest.mark.parametrize("unread", [True, False])
def test_its_person_must_act(unread: bool) -> None:
    """X20: as by a webhook, so by a refusal to read: expired, and every timer struck."""
    told = (
        TransactionsUnread(refused=False, cursor="c1", ended=True) if unread else _report("lapsed")
    )
    decision = _decide(LINKED, told)
    assert decision.state.phase is Phase.LAPSED
    assert decision.state.agreed_until == LINKED.consent_expires_at
    assert ConsentLapsed("cn_1", "provider") in decision.events
    assert {"consent:end", "reading"} <= set(decision.cancel)
    assert _decide(decision.state, ReadOn()).messages == ()
    assert _asked(_decide(decision.state, _report())) == []


def test_repaired_without_them() -> None:
    """LOGIN_REPAIRED: the consent of before is in force again, for as long as it was to be."""
    decision = _decide(LAPSED, _report("repaired"))
    assert decision.state.phase is Phase.LINKED
    assert decision.state.consent_expires_at == LAPSED.agreed_until
    assert decision.events == (ConsentRestored("cn_1"),)
    due = {one.name: one.due_at for one in decision.messages}
    assert due["consent:7"] == LAPSED.agreed_until - 7 * DAY_MS
    assert due["reading"] == NOW
    over = msgspec.structs.replace(LAPSED, agreed_until=0)
    assert _decide(over, _report("repaired")).state.phase is Phase.LAPSED, "its time was over"


def test_it_ends_earlier() -> None:
    """X20, E10: the calendar is drawn anew; a later end is none of the provider's to give."""
    until = NOW + 7 * DAY_MS + 1
    decision = _decide(LINKED, _report("ending", until=until))
    assert decision.state.consent_expires_at == until
    assert decision.events == (ConsentShortened("cn_1", until),)
    timers = {one.name: (one.message, one.due_at) for one in decision.messages}
    assert timers["consent:7"] == (ConsentEnding(7), NOW + 1)
    assert "consent:14" in decision.cancel
    later = _decide(LINKED, _report("ending", until=LINKED.consent_expires_at + 1))
    assert later.state == LINKED


@pytest.mark.parametrize("state", [LINKED, LAPSED])
def test_revoked_by_its_person_there(state: ConnectionState) -> None:
    """S57: as if they had done it here; the provider is told until nothing is left of it."""
    decision = _decide(state, _report("revoked"))
    assert decision.state.phase is Phase.REVOKING
    assert decision.events == (RevocationAsked("cn_1"),)
    (asked,) = _asked(decision)
    assert isinstance(asked, RevokeAccess)
    assert _decide(decision.state, _report("revoked")).state == decision.state


def test_an_account_that_is_not_ours() -> None:
    """S60: of the Item's other accounts nothing is anybody's business."""
    assert _decide(LINKED, _report("lapsed", account="acc_2")).state == LINKED
    assert _decide(LINKED, _report("lapsed", account="acc_1")).state.phase is Phase.LAPSED


def test_before_its_connection() -> None:
    """Interface.md 6, row 11: kept, released, given up; a bounded number."""
    report = _report()
    decision = _decide(UNKNOWN, report)
    assert decision.reply == Noted("parked")
    until = NOW + Programme().unknown_connection_ms
    assert decision.messages == (Outgoing(ME, ReportHeld(report), until, parked=True),)
    letter = _decide(decision.state, ReportHeld(report)).dead_letter
    assert letter is not None
    assert letter.code == "CONNECTION_UNKNOWN"
    assert _decide(decision.state, LinkConnection("item_1", "u1")).release
    held = msgspec.structs.replace(LINKED, held=1)
    taken = _decide(held, ReportHeld(report))
    assert taken.state.held == 0
    assert _asked(taken)
    full = msgspec.structs.replace(UNKNOWN, held=HELD_MAX)
    refused = MACHINE.decide(full, report, Context(ME, NOW, 3, REFERENCES))
    assert isinstance(refused, Refusal)


def test_an_imported_one_has_nothing_to_read_by() -> None:
    """What was imported has no tokens: a report of it is taken, and nothing follows."""
    imported = ConnectionState(Phase.LINKED, "item_1", "u1", "plaid")
    for event in ("updates", "ending", "revoked", "repaired"):
        decision = _decide(imported, _report(event, until=NOW + 1))
        assert (decision.messages, decision.state) == ((), imported)


def test_tokens_without_an_end() -> None:
    """S45: what does not end is not replaced; a renewal after the provider's word is read at once."""
    renewed = _decide(LAPSED, ExtendConsent("ls", TOKENS, Consent("v1", "a", 90), NOW + DAY_MS))
    kinds = [type(one.message) for one in renewed.messages]
    assert RotateTokens not in kinds
    assert ReadOn in kinds
    assert renewed.state.agreed_until == 0
    ending = msgspec.structs.replace(TOKENS, expires_at=NOW + DAY_MS)
    again = _decide(LINKED, ExtendConsent("ls", ending, Consent("v1", "a", 90), NOW + DAY_MS))
    assert RotateTokens in [type(one.message) for one in again.messages]
    assert ReadOn not in [type(one.message) for one in again.messages]


def test_told_anew() -> None:
    """E8: its wallet is asked to bring it to what it is; who matches no partner is asked nothing."""
    decision = _decide(LINKED, TransactionCorrected(PURCHASE, "p1"))
    (sent,) = decision.messages
    assert sent.target == Address("wallet", "u1")
    assert isinstance(sent.message, Restate)
    assert (sent.message.replaces, sent.message.credit.transaction_id) == ("p1", "b1")
    assert sent.message.document["transaction_id"] == "b1"
    assert decision.documents == ()
    assert decision.once == ()
    assert sent.message.revision == 0
    elsewhere = msgspec.structs.replace(PURCHASE, merchant_name="NOBODY")
    assert _decide(LINKED, TransactionCorrected(elsewhere, "p1")).messages == ()
    refund = msgspec.structs.replace(PURCHASE, direction="CREDIT")
    corrected = _decide(LINKED, TransactionCorrected(refund, "p1"))
    assert not any(isinstance(one.message, ClawBack) for one in corrected.messages)


def test_told_anew_after_the_end() -> None:
    """S49, S60: of what was bought while the consent was in force, as a report is."""
    before = msgspec.structs.replace(PURCHASE, date="2026-01-01")
    after = msgspec.structs.replace(PURCHASE, date="2030-01-01")
    assert _decide(LAPSED, TransactionCorrected(before, "p1")).messages
    assert not _decide(LAPSED, TransactionCorrected(after, "p1")).messages


def test_what_never_happened() -> None:
    """X24, X23: its wallet knows whether it earned anything, and its user's candidates whether it is kept."""
    for state in (LINKED, LAPSED):
        assert _decide(state, TransactionRemoved("plaid", "t1")).messages == (
            Outgoing(Address("wallet", "u1"), TakeBack("plaid", "t1")),
            Outgoing(Address("candidates", "u1"), DropCandidate("plaid", "t1")),
        )
