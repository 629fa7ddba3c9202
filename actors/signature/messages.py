"""What may be said to the signature of a contract, and what is answered (S7, S28).

One actor per file, under the file's number. Another machine may import this module and nothing else of this
package (design.md 1).
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from comptoir.engine.values import Message, Reply

__all__ = [
    "EMBEDDED",
    "KIND",
    "AdmitSigner",
    "ContractSigned",
    "DeclineContract",
    "DescribeSigning",
    "EarlierSigned",
    "EnvelopeReported",
    "EnvelopeTaken",
    "Evidence",
    "ForgetContract",
    "KeepContract",
    "OpenSigning",
    "ShowContract",
    "SignContract",
    "Signer",
    "SignerAdmitted",
    "SigningDescribed",
    "SigningEnded",
    "SigningOver",
    "SigningStarted",
    "SigningStatus",
    "SigningUnread",
    "StandingDue",
    "VoidSigning",
]

KIND = "signature"
EMBEDDED = "embedded"
"""The provider that is ours: the client signs in the portal, and the house seals it."""
SigningStatus = Literal[
    "preparing", "sent", "viewed", "signed", "declined", "expired", "voided", "failed"
]


class Signer(msgspec.Struct, frozen=True):
    """Who signs: the client, or who acts for it."""

    first_name: str
    last_name: str
    email: str
    phone: str
    """E.164; empty: none was given."""
    language: Literal["fr", "en"]
    user_id: str
    """`sub` of the client."""


class OpenSigning(Message, frozen=True):
    """Have this contract signed. The same `round` again is the same contract; a higher one is a new one, and voids what
    went before; but what is signed stays, and counts as the higher one, unless its file has ended since (KeepContract).
    """

    round: int
    """1, and one more each time that it is issued anew."""
    template: str
    """Of the client type's block: `management-individual`."""
    client_type: str
    signer: Signer
    values: Mapping[str, str]
    """What the contract says of its client, by path of the profile: `address/city`."""


class VoidSigning(Message, frozen=True):
    """It is not to be signed any more; what is signed stays signed."""

    reason: str
    """A stable code: `FILE_REFUSED`, `REISSUED`."""


class KeepContract(Message, frozen=True):
    """The file has ended badly after it was signed: keep what the rule keeps (S18)."""

    reason: str


class ForgetContract(Message, frozen=True):
    """The file goes: every contract of it goes as well, signed ones too."""


class EnvelopeReported(Message, frozen=True):
    """The provider says how an envelope stands: by webhook, or when it was asked (`healed`). A status that is known
    already, or is older, changes nothing.
    """

    provider: str
    envelope_id: str
    status: SigningStatus
    at: int
    """Of the change, as the provider says: ms since 1970."""
    reason: str = ""
    """Why it was declined or voided, as the provider passes it on: personal."""
    healed: bool = False


class Evidence(msgspec.Struct, frozen=True):
    """How somebody has signed in the portal: what is sealed with the contract, and may be shown to a court."""

    user_id: str
    document_sha256: str
    """Of what was shown to them."""
    consents: tuple[str, ...]
    """Versions of the texts that they agreed to (actors/signature/consents.py)."""
    language: Literal["fr", "en"]
    """In which they read them."""
    methods: tuple[str, ...]
    """By which they showed who they are, by the names of RFC 8176: `otp`, `sms`."""
    authenticated_at: int
    """When, by a one-time code: ms since 1970, by the wall's clock."""
    session_sha256: str
    """Of the browser's session; the session itself is nobody's to know."""
    signed_at: int = 0
    """Business time, ms; set by the machine."""
    viewed_at: int = 0
    """Likewise."""
    name: str = ""
    """Of who signed; likewise."""


class ShowContract(Message, frozen=True):
    """Its signer opens it in the portal."""

    user_id: str
    opened_at: int
    """By the wall's clock, as sign-ins are: ms since 1970."""


class SignContract(Message, frozen=True):
    """Its signer signs it in the portal."""

    evidence: Evidence


class AdmitSigner(Message, frozen=True):
    """Its signer is in by the portal, and goes on to its provider's own page to sign there."""

    user_id: str
    methods: tuple[str, ...]
    """By which they showed who they are, by the names of RFC 8176: `otp`, `sms`."""
    authenticated_at: int
    """When: ms since 1970, by the wall's clock."""
    ago_ms: int
    """How long ago that was."""
    recent: bool
    """Whether that is recent enough for whoever signs (`auth.step_up_minutes`)."""
    goes: bool = False
    """The address is there, and is given to them after this: that is on record."""


class SignerAdmitted(Reply, frozen=True):
    """What its provider is asked with for the address of that page; the address itself is in no message."""

    provider: str
    envelope_id: str
    signer: Signer


class DeclineContract(Message, frozen=True):
    """Its signer will not sign it, and says so in the portal."""

    user_id: str
    reason: str
    """In their words: personal."""


class SigningOver(Message, frozen=True):
    """One's own later self: who has not signed by then does not any more."""

    round: int


class StandingDue(Message, frozen=True):
    """One's own later self: nothing was heard for so long that one asks."""

    round: int


class DescribeSigning(Message, frozen=True):
    """Say how far it is."""


class EnvelopeTaken(Reply, frozen=True):
    """What became of a report."""

    status: Literal["accepted", "duplicate", "ignored"]


class SigningDescribed(Reply, frozen=True):
    """A signature."""

    status: SigningStatus
    round: int
    provider: str
    sent_at: int
    """Business time, ms; 0: not yet."""
    ended_at: int
    expires_at: int
    document_sha256: str
    """Of the PDF that is, or was, to be signed."""
    signed_sha256: str
    """Of the signed one; empty: there is none."""
    signed_path: str
    """Its key in the store of documents (engine/objects.py); empty: there is none."""
    document_path: str = ""
    """Of the one that is to be signed; empty: it is not drawn yet."""
    user_id: str = ""
    """Whose contract it is."""
    title: str = ""


class SigningUnread(Reply, frozen=True):
    """Nothing is signed: its signer has not opened it (SIGNATURE_UNREAD)."""


# What the file is told.


class SigningStarted(Message, frozen=True):
    """The contract is there, and its client has been asked to sign it."""

    round: int
    provider: str
    expires_at: int
    """Business time, ms."""


class ContractSigned(Message, frozen=True):
    """It is signed, and the signed document is kept (CONTRACT_SIGNED of S17)."""

    round: int
    provider: str
    signed_sha256: str
    at: int


class SigningEnded(Message, frozen=True):
    """It will not be signed: declined by the client, expired, or it could not be made or sent."""

    round: int
    outcome: Literal["declined", "expired", "failed"]
    code: str
    """Why, as a stable code: nothing personal."""
    at: int


class EarlierSigned(Message, frozen=True):
    """Its client had signed a contract that was issued anew: that one is kept as evidence, and nothing follows from it."""

    round: int
    """Of that contract."""
    provider: str
    at: int
