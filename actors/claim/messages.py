"""What may be said about a claim, and what is answered (E9).

Another machine may import this module and nothing else of this package (design.md 1).
"""

from collections.abc import Sequence
from enum import StrEnum
from hashlib import blake2b
from typing import Final

import msgspec

from comptoir.actors.connection.messages import TransactionReported
from comptoir.actors.gateways.messages import Stated
from comptoir.actors.merchants.messages import words_of
from comptoir.engine.values import Message, Reply

__all__ = [
    "CASES",
    "COLLECTION",
    "KIND",
    "SAME_PERSON",
    "ClaimDescribed",
    "Claimed",
    "DescribeClaim",
    "GrantClaim",
    "OpenClaim",
    "PurchaseDelayed",
    "PurchaseFound",
    "PurchaseMissed",
    "Reason",
    "RefuseClaim",
    "SeekOn",
    "StateClaim",
    "Verdict",
    "place_of",
    "purchase_claim",
    "stated_claim",
    "verdict_of",
]

KIND = "claim"
COLLECTION = "claim"
"""The documents by which what waits for a decision is listed: `{"waits": bool}`, which names nobody."""
CASES = "match_case"
"""Collection of labelled cases: what was granted, as a line of a labelled set."""
SAME_PERSON: Final = "FOUR_EYES"
"""Nobody grants what they claim themselves."""
_TIME_MAX: Final = 10**15 - 1
_ID_BYTES: Final = 10


class Verdict(StrEnum):
    """Why a purchase gave no cashback, or that it did."""

    CREDITED = "credited"
    PENDING = "pending"
    """Its points are held, or it waits for its purchase (a refund)."""
    REFUNDED = "refunded"
    IGNORED = "ignored"
    """Another currency, say: the trace tells what was matched, the status that it does not earn."""
    NOT_MATCHED = "not_matched"
    """It is kept, and can be granted."""
    FETCHED = "fetched"
    """Nothing was kept of it; the provider has it, and it can be granted (X23)."""
    SEARCHED = "searched"
    """Nothing is kept of it; the provider is being asked."""
    NOT_FOUND = "not_found"
    """Nothing is kept of it, and the provider has none that could be it."""
    NOT_KEPT = "not_kept"
    """Nothing is kept of it, and the provider cannot be asked: the reason says why."""


class Reason(StrEnum):
    """Why a claim stands as it does, where its person can be told more than the verdict (reasons.py)."""

    SEARCHING = "SEARCHING"
    NOT_AT_BANK = "NOT_AT_BANK"
    BEFORE_LINK = "BEFORE_LINK"
    CONSENT_LAPSED = "CONSENT_LAPSED"
    CONSENT_REVOKED = "CONSENT_REVOKED"
    NO_ACCESS = "NO_ACCESS"
    OTHER_CURRENCY = "OTHER_CURRENCY"
    ASKED_TOO_OFTEN = "ASKED_TOO_OFTEN"
    PROVIDER_REFUSED = "PROVIDER_REFUSED"
    PROVIDER_SILENT = "PROVIDER_SILENT"


class Claimed(msgspec.Struct, frozen=True):
    """The purchase that is claimed."""

    report: TransactionReported
    link: str
    """Key of the connection that told it."""


def place_of(opened_at: int, claim_id: str = "") -> str:
    """The key of a claim's document: the newest first."""
    return f"{_TIME_MAX - opened_at:015d}:{claim_id}"


def purchase_claim(user_id: str, claimed: Claimed) -> str:
    """The id of the claim of a purchase: one for each, whoever opens it."""
    report = claimed.report
    return _id_of("purchase", user_id, claimed.link, (report.provider, report.transaction_id))


def stated_claim(user_id: str, link: str, stated: Stated) -> str:
    """The id of the claim of what a person states: the same however often they say the same."""
    said = (stated.date, str(stated.amount_cents), " ".join(words_of(stated.label)))
    return _id_of("stated", user_id, link, said)


def _id_of(what: str, user_id: str, link: str, about: Sequence[str]) -> str:
    # A connection's key is a keyed digest (X15) that nobody outside has: so nobody can reckon an id.
    text = "\x1f".join((what, user_id, link, *about))
    return (
        f"clm_{blake2b(text.encode('utf-8', 'surrogatepass'), digest_size=_ID_BYTES).hexdigest()}"
    )


def verdict_of(status: str) -> Verdict:
    """What a person is told of a purchase that is on record with this status."""
    return Verdict.PENDING if status == "received" else Verdict(status)


class OpenClaim(Message, frozen=True):
    """A person asks. Said again, it answers how far it is."""

    user_id: str
    verdict: Verdict
    trace: tuple[str, ...]
    claimed: Claimed | None = None
    """None: there is nothing to decide."""


class StateClaim(Message, frozen=True):
    """A person states a purchase of which nothing is kept: its provider is to be asked (X23)."""

    user_id: str
    link: str
    """Key of the connection that they name."""
    stated: Stated
    trace: tuple[str, ...]
    """How such a label is matched now."""


class PurchaseFound(Message, frozen=True):
    """The provider has it; told by the wallet, which knows whether it is on record."""

    report: TransactionReported
    trace: tuple[str, ...]
    """How it is matched; of one on record: how it was."""
    standing: str = ""
    """Status of one on record; empty: it is not."""


class PurchaseMissed(Message, frozen=True):
    """There is nothing to go on with."""

    reason: Reason


class PurchaseDelayed(Message, frozen=True):
    """The provider is away."""


class SeekOn(Message, frozen=True):
    """One's own later self: ask again, or give up."""


class GrantClaim(Message, frozen=True):
    """Somebody of the house says whose purchase it was."""

    maker: str
    partner_id: str


class RefuseClaim(Message, frozen=True):
    """Somebody of the house says that it was nobody's."""

    maker: str
    reason: str


class DescribeClaim(Message, frozen=True):
    """Say how far it is."""


class ClaimDescribed(Reply, frozen=True):
    """A claim."""

    status: str
    """`answered` (there is nothing to decide), `waiting` (the provider is being asked), `found` (it goes on as
    the claim of its purchase: `claim`), `open`, `granted` or `refused`.
    """
    user_id: str
    verdict: Verdict
    trace: tuple[str, ...]
    opened_at: int
    """Business time, ms."""
    report: TransactionReported | None = None
    partner_id: str = ""
    maker: str = ""
    """Who decided it."""
    reason: str = ""
    """Why it was refused."""
    decided_at: int = 0
    because: Reason | None = None
    claim: str = ""
    """Id of the claim of the purchase that was found."""
