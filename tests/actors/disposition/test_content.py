"""What of a dead letter is shown, and what never is (S58, S59, X23; invariant 8)."""

import re

import msgspec
import pytest

from comptoir.actors.connection.messages import (
    Access,
    OpenConnection,
    TransactionHeld,
    TransactionReported,
    TransactionsRead,
)
from comptoir.actors.disposition.content import READABLE, content_of
from comptoir.actors.gateways import bus_messages as bus
from comptoir.actors.gateways import core_messages as banking
from comptoir.actors.gateways import document_messages as documents
from comptoir.actors.gateways import kyc_messages as people
from comptoir.actors.gateways import list_messages as lists
from comptoir.actors.gateways import messages as gateways
from comptoir.actors.gateways import outward_messages as outward
from comptoir.actors.gateways import signing_messages as signing
from comptoir.actors.gateways.messages import ReadTransactions, SendMail, Tokens
from comptoir.actors.linking.messages import Consent
from comptoir.engine.boot import machines
from comptoir.engine.values import Message, encode

REPORT = TransactionReported(
    "seed", "transaction.created", "tx1", 1000, "EUR", "DEBIT", "2026-11-21", "CB CHEZ NOUS"
)
SECRETIVE = re.compile(
    r"access|refresh|token|secret|password|\bcode\b|verifier|challenge|state|link|digest|proof|seed|text"
    r"|connection_id|cursor|key_|_key|credential|expires_at|device"
)
"""How fields are called that let anybody in, or that S58 and S59 keep to themselves."""
EXCUSED = {
    ("NoticeRefused", "code"), ("LettersUnsettled", "code"), ("ObjectAbsent", "code"), ("CheckImpossible", "code"), ("SigningRefused", "code"),
}  # fmt: skip
"""Reasons, which are codes of ours."""


def _messages() -> dict[str, type[Message]]:
    """Every message that may be a dead letter."""
    said = [message for machine in machines().values() for message in machine.messages]
    of_parties = [
        value
        for module in (gateways, documents, people, lists, outward, bus, banking, signing)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Message) and value is not Message
    ]
    return {message.__name__: message for message in (*said, *of_parties)}


def test_what_is_shown_is_there() -> None:
    """No row of the table is about a message or a field that is no more."""
    known = _messages()
    assert set(READABLE) <= set(known)
    for name, fields in READABLE.items():
        assert set(fields) <= {x.name for x in msgspec.structs.fields(known[name])}, name


@pytest.mark.parametrize("name", READABLE)
def test_nothing_that_lets_anybody_in_is_shown(name: str) -> None:
    """S59, invariant 8: no field of such a name stands in the table."""
    for field in READABLE[name]:
        assert not SECRETIVE.search(field) or (name, field) in EXCUSED, field


def test_a_purchase_is_shown_whole() -> None:
    """S64: who analyses dlq:transactions sees which purchase it is."""
    shown = content_of(encode(REPORT))
    assert shown.message == "TransactionReported"
    assert shown.withheld == ()
    assert shown.fields["merchant_name"] == "CB CHEZ NOUS"
    held = content_of(encode(TransactionHeld(REPORT)))
    assert held.fields["report"]["transaction_id"] == "tx1"
    read = content_of(encode(TransactionsRead((REPORT,), "s3cret", more=True)))
    assert read.fields["reports"][0]["amount_cents"] == 1000
    assert read.withheld == ("cursor",)


@pytest.mark.parametrize(
    "message",
    [
        ReadTransactions("r1", "C4NARY", "C4NARY", "C4NARY"),
        SendMail("r1", "client@example.org", "Your access", "C4NARY"),
        OpenConnection(
            "C4NARY",
            Access("C4NARY", "seed", "u1", "B", "4242", "c", Tokens("C4NARY", "C4NARY", 1),
                   Consent("v", "s", 1), 1),
            "u",
        ),
    ],
)  # fmt: skip
def test_what_lets_anybody_in_is_withheld_and_said_so(message: Message) -> None:
    """S59: tokens, connections and texts are not shown; that they are there is."""
    shown = content_of(encode(message))
    assert shown.message == type(message).__name__
    assert shown.withheld
    assert "C4NARY" not in repr(shown)


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"7", b'{"type": "Unknown", "x": "C4NARY"}'])
def test_what_cannot_be_read_shows_nothing(payload: bytes) -> None:
    """A message of another release, or of none, has a name at most."""
    shown = content_of(payload)
    assert shown.message in ("", "Unknown")
    assert not shown.fields
