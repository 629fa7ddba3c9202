"""What Tink's webhooks say, as reports of a connection.

Rules, and why:
- each link is a Tink user of its own, whom we have named: `externalUserId` is the connection, whatever else the
  body has (only `refresh:finished` names the credentials);
- none of them carries a transaction: one that says that some were modified makes the connection read;
- `refresh:finished` says how the consent stands, and until when;
- deletions are told here alone, by ids: no reading could tell what is not there from what it did not ask for.
  Each is a report of its own. When the purchase was, and which way its money went, is not told: it is told as
  what gives back, of the first day of all, so that no consent's span keeps it out;
- what became of an account as such is nothing to us: taken, so that it is not sent again, and ignored.

Source: docs.tink.com/resources/transactions/webhooks-for-transactions; spec.md S42, S52, S57, S60, X16, X20.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from comptoir.actors.connection.messages import ConnectionReported, TransactionReported
from comptoir.actors.gateways.amounts import NO_CURRENCY
from comptoir.actors.gateways.tink_meaning import DELETED, PROVIDER, stands
from comptoir.http.payload_fields import (
    ID_CHARACTERS_MAX,
    MALFORMED,
    UNSUPPORTED,
    BadBody,
    Fields,
    stop_if_any,
)
from comptoir.http.problems import FieldError
from comptoir.http.strict_json import Malformed, parse

__all__ = ["BOOKED", "DELETIONS", "IGNORED", "MODIFIED", "REFRESHED", "Told", "read"]

REFRESHED: Final = "refresh:finished"
MODIFIED: Final = "account-transactions:modified"
BOOKED: Final = "account-booked-transactions:modified"
DELETIONS: Final = "account-transactions:deleted"
IGNORED: Final = frozenset({"account:created", "account:updated"})
NO_DAY: Final = "1970-01-01"


class Told(NamedTuple):
    """A right body: whose connection it speaks of, and what follows."""

    user: str
    """The link's name, by which its Tink user was made."""
    stands: ConnectionReported | None
    """To be heeded first; None: nothing is said of the connection."""
    reports: tuple[TransactionReported, ...]


def read(body: bytes, reference: str) -> Told:
    """Read a body, within its bound.

    Args:
        body: as received.
        reference: of this very webhook.

    Raises:
        BadBody: the first of rows 6, 7, 8 that applies; of row 7 every fault.
    """
    try:
        value = parse(body)
    except Malformed as error:
        raise BadBody(MALFORMED) from error
    found: list[FieldError] = []
    top = Fields(value, "", found)
    event = top.text("event", (1, ID_CHARACTERS_MAX))
    stop_if_any(found)
    if event in IGNORED:
        return Told("", None, ())
    if event not in (REFRESHED, MODIFIED, BOOKED, DELETIONS):
        raise BadBody(UNSUPPORTED)
    user = top.inside("context").identifier("externalUserId")
    content = top.inside("content")
    report: ConnectionReported | None = None
    removals: tuple[TransactionReported, ...] = ()
    if event == REFRESHED:
        report = _refreshed(content, reference)
    elif event == DELETIONS:
        removals = tuple(_removals(content))
    else:
        account = content.inside("account").identifier("id")
        report = ConnectionReported(PROVIDER, "updates", reference, account=account)
    stop_if_any(found)
    return Told(user, report, removals)


def _refreshed(content: Fields, reference: str) -> ConnectionReported:
    """How the consent stands; its end counts while all is well."""
    status = content.identifier("credentialsStatus")
    until = content.whole("sessionExpiryDate", required=False)
    return ConnectionReported(PROVIDER, "state", reference, until, condition=stands(status))


def _removals(content: Fields) -> Iterator[TransactionReported]:
    """Of every transaction that is named."""
    for identity in content.inside("transactions").identifiers("ids"):
        yield TransactionReported(
            provider=PROVIDER,
            event=DELETED,
            transaction_id=identity,
            amount_cents=0,
            currency=NO_CURRENCY,
            direction="CREDIT",
            date=NO_DAY,
            merchant_name="",
            removed=True,
        )
