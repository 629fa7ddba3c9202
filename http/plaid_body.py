"""What Plaid's webhooks say, as reports of a connection.

Rules, and why:
- none of them carries a transaction: SYNC_UPDATES_AVAILABLE says that there is something to read, and the
  connection reads by its cursor;
- an error of an Item is one that its person can end in Link's update mode: nothing is read until then;
- a consent that ends in seven days (PENDING_DISCONNECT names no time) ends by that at the latest;
- what says the same again (the webhooks of the older `/transactions/get`), what is Link's own, and what asks
  for nothing of ours is taken and ignored: Plaid sends it unasked, and again for a day if it is refused.

Source: plaid.com/docs/api/items (webhooks), plaid.com/docs/api/products/transactions (webhooks),
plaid.com/docs/api/link (webhooks); spec.md S42, S52, X16, X20.
"""

from datetime import datetime
from typing import Final, NamedTuple

from comptoir.actors.connection.messages import ConnectionReported
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

__all__ = ["PROVIDER", "Told", "read"]

PROVIDER: Final = "plaid"
DISCONNECT_MS: Final = 7 * 86_400_000
"""From PENDING_DISCONNECT to the disconnection."""
TIME_CHARACTERS: Final = (1, 64)
EVENTS: Final = {
    ("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE"): "updates",
    ("ITEM", "ERROR"): "lapsed",
    ("ITEM", "LOGIN_REPAIRED"): "repaired",
    ("ITEM", "PENDING_EXPIRATION"): "ending",
    ("ITEM", "PENDING_DISCONNECT"): "ending",
    ("ITEM", "USER_PERMISSION_REVOKED"): "revoked",
    ("ITEM", "USER_ACCOUNT_REVOKED"): "lapsed",
}
"""What follows from a webhook: the word of `ConnectionReported`."""
IGNORED: Final = frozenset({
    ("ITEM", "NEW_ACCOUNTS_AVAILABLE"),
    ("ITEM", "WEBHOOK_UPDATE_ACKNOWLEDGED"),
    ("TRANSACTIONS", "DEFAULT_UPDATE"),
    ("TRANSACTIONS", "HISTORICAL_UPDATE"),
    ("TRANSACTIONS", "INITIAL_UPDATE"),
    ("TRANSACTIONS", "RECURRING_TRANSACTIONS_UPDATE"),
    ("TRANSACTIONS", "TRANSACTIONS_REMOVED"),
})  # fmt: skip
LINK: Final = "LINK"
"""All of this type is of Link itself, which the person's return tells us of."""


class Told(NamedTuple):
    """A right body: which Item it speaks of, and what follows."""

    item_id: str
    report: ConnectionReported | None
    """None: nothing."""


def read(body: bytes, reference: str, now_ms: int) -> Told:
    """Read a body, within its bound.

    Args:
        body: as received.
        reference: of this very webhook.
        now_ms: business time.

    Raises:
        BadBody: the first of rows 6, 7, 8 that applies; of row 7 every fault.
    """
    try:
        value = parse(body)
    except Malformed as error:
        raise BadBody(MALFORMED) from error
    found: list[FieldError] = []
    top = Fields(value, "", found)
    kind = top.text("webhook_type", (1, ID_CHARACTERS_MAX))
    code = top.text("webhook_code", (1, ID_CHARACTERS_MAX))
    stop_if_any(found)
    if kind == LINK or (kind, code) in IGNORED:
        return Told("", None)
    event = EVENTS.get((kind, code))
    if event is None:
        raise BadBody(UNSUPPORTED)
    item_id = top.identifier("item_id")
    until, account = 0, ""
    if code == "PENDING_EXPIRATION":
        until = _time_ms(top, "consent_expiration_time", found)
    elif code == "PENDING_DISCONNECT":
        until = now_ms + DISCONNECT_MS
    elif code == "USER_ACCOUNT_REVOKED":
        account = top.identifier("account_id")
    stop_if_any(found)
    if code == "ERROR" and not top.has("error"):
        return Told(item_id, None)
    return Told(item_id, ConnectionReported(PROVIDER, event, reference, until, account))


def _time_ms(top: Fields, key: str, found: list[FieldError]) -> int:
    """A time of RFC 3339, in ms since 1970."""
    text = top.text(key, TIME_CHARACTERS)
    if not text:
        return 0
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return round(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        pass
    found.append(FieldError(pointer=f"/{key}", code="DATE_INVALID", detail="a time of RFC 3339"))
    return 0
