"""The bank connection's machine: parked, released, given up; matched, dropped, refunded (S52, X16-X24)."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.connection.machine import (
    MACHINE,
    ConnectionLinked,
    ConnectionState,
    Phase,
    TransactionMatched,
)
from comptoir.actors.connection.messages import (
    LinkConnection,
    Linked,
    TransactionHeld,
    TransactionReported,
    TransactionTaken,
    once_key,
)
from comptoir.actors.connection.transactions import HELD_MAX
from comptoir.actors.merchants import Builder, Partner
from comptoir.actors.merchants.messages import CATALOGUE
from comptoir.actors.programme import PROGRAMME, Programme
from comptoir.actors.wallet.messages import TRANSACTIONS, ClawBack, Credit, Restate, TakeBack
from comptoir.engine.decision import Decision, Outgoing, Refusal
from comptoir.engine.machine import Context
from comptoir.engine.values import Address, Message

NOW = 1_800_000_000_000
ME = Address("connection", "blind-index")
PROGRAMME_RULES = Programme()
UNKNOWN = ConnectionState(Phase.UNKNOWN)
LINKED = ConnectionState(Phase.LINKED, "cn1", "u1", "seed")
PARTNERS = (
    Partner(id="plain", name="Chez Nous", rate_bp=500),
    Partner(id="capped", name="Aux Halles", rate_bp=300, cap_cents_purchase=5_000),
    Partner(id="monthly", name="La Mare", rate_bp=200, cap_cents_month=20_000),
)
REPORT = TransactionReported(
    "seed", "transaction.created", "tx1", 10_000, "EUR", "DEBIT", "2026-11-21", "CB CHEZ NOUS"
)


def _catalogue() -> Any:
    builder = Builder(7)
    builder.add(PARTNERS)
    return builder.build()


REFERENCES = {PROGRAMME: PROGRAMME_RULES, CATALOGUE: _catalogue()}


def _decide(state: ConnectionState, message: Message) -> Decision[ConnectionState]:
    outcome = MACHINE.decide(state, message, Context(ME, NOW, 3, REFERENCES))
    assert isinstance(outcome, Decision)
    return outcome


def _report(**changes: object) -> TransactionReported:
    return msgspec.structs.replace(REPORT, **changes)


def test_purchase_of_an_unknown_card_is_parked() -> None:
    """interface.md 6, row 11: kept as a whole, for 24 hours at most, under its own `once` key."""
    decision = _decide(UNKNOWN, REPORT)
    assert decision.reply == TransactionTaken("parked")
    until = NOW + PROGRAMME_RULES.unknown_connection_ms
    assert decision.messages == (Outgoing(ME, TransactionHeld(REPORT), until, parked=True),)
    assert decision.state.held == 1
    assert not decision.documents, "of an unknown card nothing is kept but the sealed row"
    assert not decision.events


def test_number_held_for_an_unknown_card_is_bounded() -> None:
    """Nothing is unbounded: beyond the bound a purchase is refused, and changed nothing."""
    state = msgspec.structs.replace(UNKNOWN, held=HELD_MAX - 1)
    full = _decide(state, REPORT).state
    assert full.held == HELD_MAX
    outcome = MACHINE.decide(full, REPORT, Context(ME, NOW, 3, REFERENCES))
    assert isinstance(outcome, Refusal)
    assert outcome.code == "OVERLOADED"


def test_what_waited_in_vain_is_a_dead_letter() -> None:
    """interface.md 6, row 11: after 24 hours it goes to dlq:transactions, and is no longer held."""
    decision = _decide(msgspec.structs.replace(UNKNOWN, held=2), TransactionHeld(REPORT))
    assert decision.dead_letter is not None
    assert (decision.dead_letter.queue, decision.dead_letter.code) == (
        "dlq:transactions",
        "CONNECTION_UNKNOWN",
    )
    assert decision.state.held == 1
    assert REPORT.merchant_name not in decision.dead_letter.detail


def test_linking_releases_what_waited() -> None:
    """The parked purchases become due when their connection appears, once."""
    link = LinkConnection("cn1", "u1", bank_name="Banque", card_last4="1234")
    decision = _decide(msgspec.structs.replace(UNKNOWN, held=2), link)
    assert decision.release
    assert decision.reply == Linked("imported")
    assert decision.events == (ConnectionLinked("u1", "seed"),)
    assert decision.state.phase is Phase.LINKED
    again = _decide(decision.state, link)
    assert again.reply == Linked("unchanged")
    assert again.state is decision.state
    assert not again.release
    changed = _decide(decision.state, msgspec.structs.replace(link, bank_name="Autre"))
    assert changed.reply == Linked("updated")
    assert not changed.release


def test_released_purchase_is_taken_like_any_other() -> None:
    """A held purchase is routed once known, and takes no second `once` key."""
    direct = _decide(LINKED, REPORT)
    held = _decide(msgspec.structs.replace(LINKED, held=1), TransactionHeld(REPORT))
    assert held.state.held == 0
    assert held.once == ()
    assert (held.messages, held.documents, held.events) == (
        direct.messages,
        direct.documents,
        direct.events,
    )


def test_each_word_is_taken_once() -> None:
    """X16, ADR 0033: of a provider that numbers its words each has a key of its own; of others the first has."""
    words = [
        _report(revision=revision, amount_cents=cents)
        for revision in (None, 0, 1, 2)
        for cents in (10_000, 20_000)
    ]
    keys = [_decide(LINKED, word).once[0].key for word in words]
    assert len(set(keys)) == 5
    assert set(keys[:4]) == {"seed:transaction.created:tx1"}
    told = _decide(LINKED, _report(revision=3))
    (sent,) = told.messages
    assert isinstance(sent.message, Restate)
    assert sent.message.revision == 3
    assert told.documents == (), "its wallet knows whether there is one"


def test_told_as_one_that_never_happened() -> None:
    """E8, X23: it goes to the wallet with what people would see; of what no partner sold, its id alone."""
    gone = _report(revision=3, removed=True)
    (sent,) = _decide(LINKED, gone).messages
    assert isinstance(sent.message, Restate)
    assert sent.message.removed
    nobody = _decide(LINKED, msgspec.structs.replace(gone, merchant_name="NOBODY"))
    assert [one.message for one in nobody.messages] == [TakeBack("seed", "tx1", 3)]
    assert nobody.documents == ()


def test_matched_purchase_goes_to_the_wallet() -> None:
    """S52: matched, documented, and sent to the user's wallet with the rate of that moment."""
    decision = _decide(LINKED, REPORT)
    (sent,) = decision.messages
    assert sent.target == Address("wallet", "u1")
    assert isinstance(sent.message, Credit)
    assert (sent.message.amount_cents, sent.message.eligible_cents) == (10_000, 10_000)
    assert (sent.message.partner_id, sent.message.rate_bp) == ("plain", 500)
    (put,) = decision.documents
    assert (put.collection, put.key, put.owner) == (TRANSACTIONS, "seed:tx1", "u1")
    assert put.fields["status"] == "received"
    assert put.fields["trace"]
    assert decision.events == (
        TransactionMatched("seed", "tx1", "plain", "u1", 10_000, "DEBIT", 7),
    )
    assert decision.state is LINKED


@pytest.mark.parametrize(
    ("label", "amount", "eligible", "month", "cap"),
    [
        ("AUX HALLES", 4_999, 4_999, "", 0),
        ("AUX HALLES", 10_000, 5_000, "", 0),
        ("LA MARE", 10_000, 10_000, "2026-11", 20_000),
    ],
)
def test_caps_travel_with_the_credit(
    label: str, amount: int, eligible: int, month: str, cap: int
) -> None:
    """interface.md 4: the cap per purchase cuts here, the cap per month is the wallet's to count."""
    decision = _decide(LINKED, _report(merchant_name=label, amount_cents=amount))
    credit = decision.messages[0].message
    assert isinstance(credit, Credit)
    assert (credit.eligible_cents, credit.month, credit.cap_cents_month) == (eligible, month, cap)


def test_unmatched_purchase_leaves_its_digest_only() -> None:
    """X23: counted and dropped; nothing is kept but the `once` key, for 30 days."""
    decision = _decide(LINKED, _report(merchant_name="UNKNOWN SHOP"))
    assert decision.reply == TransactionTaken("unmatched")
    assert (decision.messages, decision.documents, decision.events) == ((), (), ())
    assert decision.state is LINKED
    assert decision.once[0].ttl_ms == PROGRAMME_RULES.once_unmatched_ms


def test_other_currency_is_taken_and_not_credited() -> None:
    """interface.md 6: a currency other than EUR is taken, outcome `ignored`, and seen as such."""
    decision = _decide(LINKED, _report(currency="GBP"))
    assert decision.reply == TransactionTaken("ignored")
    assert not decision.messages
    assert decision.documents[0].fields["status"] == "ignored"


@pytest.mark.parametrize(
    ("label", "original", "outcome"),
    [
        ("CB CHEZ NOUS", "tx0", "refund"),
        ("CB CHEZ NOUS", "", "refund"),
        ("NO PARTNER", "tx0", "refund"),
        ("NO PARTNER", "", "unmatched"),
    ],
)
def test_refund_follows_its_purchase(label: str, original: str, outcome: str) -> None:
    """X24: a refund goes to the wallet when it names its purchase or is at a partner's."""
    report = _report(direction="CREDIT", merchant_name=label, original_transaction_id=original)
    decision = _decide(LINKED, report)
    assert decision.reply == TransactionTaken(outcome)
    sent = [one.message for one in decision.messages]
    assert [type(one) for one in sent] == ([ClawBack] if outcome == "refund" else [])
    for message in sent:
        assert isinstance(message, ClawBack)
        assert (message.refund_id, message.original_id) == ("tx1", original)


def test_anonymous_refund_bears_its_purchases_tag() -> None:
    """interface.md 6: same connection, partner and amount have the same opaque tag, others do not."""

    def tag(state: ConnectionState, report: TransactionReported) -> str:
        message = _decide(state, report).messages[0].message
        assert isinstance(message, Credit | ClawBack)
        return message.tag

    bought = tag(LINKED, REPORT)
    assert tag(LINKED, _report(direction="CREDIT", transaction_id="rf")) == bought
    assert tag(LINKED, _report(amount_cents=9_999)) != bought
    assert tag(LINKED, _report(merchant_name="AUX HALLES")) != bought
    for secret in ("cn1", "u1", "plain", "10000"):
        assert secret not in bought


@given(
    st.sampled_from((UNKNOWN, LINKED)),
    st.builds(
        TransactionReported,
        provider=st.sampled_from(("seed", "plaid")),
        event=st.just("transaction.created"),
        transaction_id=st.sampled_from(("tx1", "tx2")),
        amount_cents=st.integers(0, 9_999_999_999),
        currency=st.sampled_from(("EUR", "GBP")),
        direction=st.sampled_from(("DEBIT", "CREDIT")),
        date=st.just("2026-11-21"),
        merchant_name=st.sampled_from(("CB CHEZ NOUS", "AUX HALLES", "LA MARE", "X", "")),
        original_transaction_id=st.sampled_from(("", "tx1", "tx0")),
    ),
)
def test_every_report_is_taken_once(state: ConnectionState, report: TransactionReported) -> None:
    """X16: whatever a report says, it takes exactly one key, made of provider, event and id alone;
    the points that it may earn never exceed its amount, and no money is sent elsewhere.
    """
    decision = _decide(state, report)
    (once,) = decision.once
    assert once.scope == "webhook"
    assert once.key == once_key(report.provider, report.event, report.transaction_id)
    assert once.ttl_ms > 0
    assert isinstance(decision.reply, TransactionTaken)
    for sent in decision.messages:
        if isinstance(sent.message, Credit):
            assert 0 <= sent.message.eligible_cents <= report.amount_cents
            assert (report.direction, report.currency) == ("DEBIT", "EUR")
        assert sent.target in (ME, Address("wallet", state.user_id))
