"""What Powens says of a connection: how it stands, and reports of single card transactions.

Rules, and why:
- two webhooks are served. CONNECTION_SYNCED holds how a connection stands, and every account of it with what
  is new. CONNECTION_DELETED is the connection itself, without anything around it: its person has ended it.
  Other events are refused by name; nothing of them is needed, and each comes again as a sync;
- which transactions count, and what the words of a state mean, is said in powens_meaning.py, since the same
  is read of answers;
- Powens tells a purchase as often as it changes: `last_update` numbers its words. One that is `deleted` (or
  not `active`) never happened, until a later word says otherwise. A refund is told once, and its deletion
  once: what it took back is given back;
- Powens names no merchant and no category: the label is the wording, as the bank wrote it;
- the day is `rdate`, of the purchase itself, where there is one; `value` is in the account's currency;
- reports are made in the order of their days, so that what takes back comes after what it takes back.

Source: docs.powens.com/api-reference/user-connections/connections (webhooks), docs.powens.com/documentation/
integration-guides/webhooks (`id_webhook_data`); protocols.md 5.1; spec.md S42, S52, S60, X16, X23.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import Final, NamedTuple

from comptoir.actors.connection.messages import ConnectionReported, TransactionReported
from comptoir.actors.gateways.powens_meaning import (
    CREATED,
    DELETED,
    PROVIDER,
    REMOVED_SUFFIX,
    is_a_cards,
    moment_ms,
    revision_of,
    stands,
)
from comptoir.http.payload_fields import (
    CURRENCIES,
    ID_CHARACTERS_MAX,
    MALFORMED,
    NAME_CHARACTERS_MAX,
    UNSUPPORTED,
    BadBody,
    Fields,
    stop_if_any,
)
from comptoir.http.problems import FieldError
from comptoir.http.strict_json import Malformed, parse

__all__ = ["CREATED", "DELETED", "PROVIDER", "Synced", "read"]

LABEL_CHARACTERS_MAX: Final = 65_536
REFERENCE_CHARACTERS: Final = 32
"""Of the digest that stands for a body without a number of its own."""


class Synced(NamedTuple):
    """A right body: which connection it speaks of, how that stands, and what earns or takes back."""

    connection_id: str
    stands: ConnectionReported
    """To be heeded before the reports: it may let them be looked at."""
    reports: tuple[TransactionReported, ...]


def read(body: bytes) -> Synced:
    """Read a body, decoded and within its bound.

    Raises:
        BadBody: the first of rows 6, 7, 8 that applies; of row 7 every fault.
    """
    try:
        value = parse(body)
    except Malformed as error:
        raise BadBody(MALFORMED) from error
    found: list[FieldError] = []
    top = Fields(value, "", found)
    stop_if_any(found)
    number = top.reference("id_webhook_data") if top.has("id_webhook_data") else ""
    reference = number or sha256(body).hexdigest()[:REFERENCE_CHARACTERS]
    if not top.has("connection"):
        return _deleted(top, reference, found)
    connection = top.inside("connection")
    if not connection.has("accounts"):
        stop_if_any(found)
        raise BadBody(UNSUPPORTED)
    connection_id = connection.reference("id")
    told = _stands(connection, reference)
    reports = [
        report for account in connection.objects("accounts") for report in _reports_of(account)
    ]
    stop_if_any(found)
    reports.sort(key=lambda one: (one.date, one.direction == "CREDIT"))
    return Synced(connection_id, told, tuple(reports))


def _deleted(top: Fields, reference: str, found: list[FieldError]) -> Synced:
    """CONNECTION_DELETED: a connection, and known as one by what only connections have."""
    if not all(top.has(key) for key in ("id", "id_connector", "connector_uuid")):
        raise BadBody(UNSUPPORTED)
    connection_id = top.reference("id")
    stop_if_any(found)
    return Synced(connection_id, ConnectionReported(PROVIDER, "revoked", reference), ())


def _stands(connection: Fields, reference: str) -> ConnectionReported:
    """How it stands; until when the bank lets it be read counts while all is well."""
    texts = {
        key: connection.text(key, (0, ID_CHARACTERS_MAX), required=False)
        for key in ("state", "next_try", "expire")
    }
    active = connection.flag("active", default=True)
    condition = stands(texts["state"] or None, texts["next_try"], active=active)
    return ConnectionReported(
        PROVIDER, "state", reference, moment_ms(texts["expire"]), condition=condition
    )


def _reports_of(account: Fields) -> Iterator[TransactionReported]:
    """The reports of one account; an account without transactions was looked at, and had none."""
    if not account.has("transactions"):
        return
    currency = ""
    for transaction in account.objects("transactions"):
        if not _counts(transaction):
            continue
        if not currency:  # asked for only where something may be earned in it
            currency = account.inside("currency").choice("id", CURRENCIES, "an ISO 4217 code")
        report = _report(transaction, currency)
        if report is not None:
            yield report


def _counts(transaction: Fields) -> bool:
    """Whether a transaction may be a card's, or a refund, and is booked."""
    kind = transaction.text("type", (0, ID_CHARACTERS_MAX), required=False)
    return is_a_cards(kind, 1) and not transaction.flag("coming", default=False)


def _report(transaction: Fields, currency: str) -> TransactionReported | None:
    """One report, or None where no money moved by card."""
    value = transaction.signed_amount("value") if transaction.has("value") else 0
    kind = transaction.text("type", (0, ID_CHARACTERS_MAX), required=False)
    if not value or not is_a_cards(kind, value):
        return None
    identity = transaction.reference("id")
    removed = transaction.has("deleted") or not transaction.flag("active", default=True)
    purchase = value < 0
    updated = transaction.text("last_update", (0, ID_CHARACTERS_MAX), required=False)
    return TransactionReported(
        provider=PROVIDER,
        event=DELETED if removed else CREATED,
        transaction_id=f"{identity}{REMOVED_SUFFIX}" if removed and not purchase else identity,
        amount_cents=abs(value),
        currency=currency,
        direction="DEBIT" if purchase or removed else "CREDIT",
        date=transaction.day("rdate" if transaction.has("rdate") else "date"),
        merchant_name=_label(transaction),
        revision=revision_of(updated) if purchase else None,
        removed=removed and purchase,
    )


def _label(transaction: Fields) -> str:
    """The wording, as near to the bank's own as there is."""
    for key in ("original_wording", "simplified_wording"):
        if transaction.has(key):
            break
    else:
        key = "wording"
    # Cut rather than refused: names are matched at the beginning, and one long line must not keep
    # back what else the body tells.
    return transaction.text(key, (0, LABEL_CHARACTERS_MAX), required=False)[:NAME_CHARACTERS_MAX]
