"""What a file is told and keeps of its way from the decision to the account (S13, S17, X5).

Part of what may be said to a file (`messages`), in a module of its own: nobody but its own machine and the edge needs it.
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from comptoir.engine.values import Message, Reply

__all__ = [
    "CAUSES",
    "AccountKept",
    "ApprovalDue",
    "ApprovalKept",
    "ApproveFile",
    "CorrectionKept",
    "Onward",
    "OnwardRefused",
    "ReissueSignature",
    "SignatureDue",
    "SigningKept",
]

CAUSES: Final = ("contract_not_signed", "approval_refused", "account_refused")
"""Why a file is INCOMPLETE that was decided already."""


class ApproveFile(Message, frozen=True):
    """An advisor has the last word on a signed file (S4, X5)."""

    approve: bool
    by: str
    """`sub`; empty: there are no accounts."""
    reason: str


class ReissueSignature(Message, frozen=True):
    """An advisor has the contract issued anew: what went before is void."""

    by: str


class SignatureDue(Message, frozen=True):
    """One's own later self: nobody has signed in time."""


class ApprovalDue(Message, frozen=True):
    """One's own later self: nobody has approved in time."""


class SigningKept(msgspec.Struct, frozen=True):
    """How far the signature of the contract is."""

    status: Literal["none", "preparing", "sent", "signed", "declined", "expired", "failed", "voided"] = "none"  # fmt: skip
    round: int = 0
    """1, and one more each time that it is issued anew; it never goes back."""
    provider: str = ""
    expires_at: int = 0
    """Of the envelope, as its provider says: business time, ms; 0: not known."""
    due_at: int = 0
    """Last moment for the signature; 0: there is none yet."""
    at: int = 0
    """When it became so."""
    code: str = ""
    """Why it ended without a signature, as a stable code."""
    sha256: str = ""
    """Of the signed document."""
    reissues: int = 0


class ApprovalKept(msgspec.Struct, frozen=True):
    """The last word of an advisor, or when it is due."""

    due_at: int = 0
    """Business time, ms; 0: it is not awaited yet."""
    told: int = 0
    """How often somebody was reminded of it."""
    approved: bool | None = None
    """None: nobody has decided."""
    by: str = ""
    reason: str = ""
    at: int = 0


class AccountKept(msgspec.Struct, frozen=True):
    """The account on the mainframe."""

    status: Literal["none", "asked", "late", "created", "refused", "held"] = "none"
    """held: answers contradict each other, or none came for too long; operations find out, and what they find is told."""
    number: str = ""
    code: str = ""
    """The mainframe's reason in its own words, or ours; in no event and no mail."""
    asked_at: int = 0
    at: int = 0
    """When it was answered."""


class CorrectionKept(msgspec.Struct, frozen=True):
    """The last thing that was corrected of a client who has an account (syncing.py)."""

    number: int = 0
    """They count from 1; 0: there is none."""
    status: Literal["none", "asked", "taken", "applied", "refused", "unconfirmed"] = "none"
    """taken: the mainframe has it; applied: it has said that its profile is so."""
    fields: Mapping[str, str] = {}
    """As they are to be, by path."""
    by: str = ""
    at: int = 0
    """When it was wanted."""
    code: str = ""
    """Why it was refused, as a stable code."""


class Onward(msgspec.Struct, frozen=True):
    """What a file has behind its decision: where it stands follows from it (onward.py)."""

    signing: SigningKept = SigningKept()
    approval: ApprovalKept = ApprovalKept()
    account: AccountKept = AccountKept()
    correction: CorrectionKept = CorrectionKept()
    reviewers: tuple[str, ...] = ()
    """`sub` of everybody who has decided its case: they do not approve it as well (X5)."""


class OnwardRefused(Reply, frozen=True):
    """It cannot be so now."""

    code: str
    paths: tuple[str, ...] = ()
    """Of the profile, where that is why: what is missing, or what the mainframe could not hold."""
