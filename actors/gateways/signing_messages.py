"""What is asked of those who make contracts and have them signed, and what they answer (S28).

Whoever asks is answered with a message under the same `reference`. Source: spec.md S28; docs/signature.md.
"""

from collections.abc import Mapping

from comptoir.actors.signature.messages import Evidence, Signer, SigningStatus
from comptoir.engine.values import Address, Message

__all__ = [
    "CONTRACTS",
    "SIGNING",
    "ContractMade",
    "CreateEnvelope",
    "EnvelopeCreated",
    "EnvelopeGone",
    "EnvelopeStands",
    "FetchSigned",
    "MakeContract",
    "ReadEnvelope",
    "SignedFetched",
    "SigningRefused",
    "VoidEnvelope",
]

CONTRACTS = Address("contracts", "")
"""Who draws contracts, in a process of its own."""
SIGNING = Address("signing", "")
"""Who has them signed: DocuSign, or the signer of ours."""


class MakeContract(Message, frozen=True):
    """Draw the contract, and keep it under this key."""

    reference: str
    path: str
    """Key in the store of documents, as engine/objects.py writes it."""
    template: str
    client_type: str
    signer: Signer
    values: Mapping[str, str]
    at: int
    """The contract's date: business time, ms."""


class ContractMade(Message, frozen=True):
    """It lies there."""

    reference: str
    sha256: str
    pages: int
    title: str = ""
    """As its reader is shown it."""
    path: str = ""
    """There. Empty: the release before did not say it."""


class CreateEnvelope(Message, frozen=True):
    """Send this contract to its signer. Asked again under the same reference it is the same envelope."""

    reference: str
    """`ONB-2026-00001:1`: the file and the round."""
    path: str
    sha256: str
    title: str
    signer: Signer
    expires_at: int
    """Business time, ms."""


class EnvelopeCreated(Message, frozen=True):
    """The signer has been asked."""

    reference: str
    provider: str
    envelope_id: str


class ReadEnvelope(Message, frozen=True):
    """No webhook has come: how does it stand?"""

    reference: str
    envelope_id: str


class EnvelopeStands(Message, frozen=True):
    """So it stands."""

    reference: str
    envelope_id: str
    status: SigningStatus
    at: int
    reason: str = ""


class FetchSigned(Message, frozen=True):
    """Fetch the signed document with the provider's evidence, and keep it under this key."""

    reference: str
    envelope_id: str
    path: str
    document_path: str = ""
    """Where the contract is that was sent."""
    evidence: Evidence | None = None
    """How it was signed, where that was in our portal: None elsewhere, for the provider has it."""


class SignedFetched(Message, frozen=True):
    """It lies there."""

    reference: str
    sha256: str
    path: str = ""
    """There. Empty: the release before did not say it."""


class VoidEnvelope(Message, frozen=True):
    """It is not to be signed any more."""

    reference: str
    envelope_id: str
    reason: str
    repeated: bool = False
    """It was said before and will be said again: a provider that is away need not be told each time."""


class EnvelopeGone(Message, frozen=True):
    """It cannot be signed any more; or it could not be voided, because it is signed (`signed`)."""

    reference: str
    signed: bool = False
    envelope_id: str = ""
    """Empty: the release before did not say it."""


class SigningRefused(Message, frozen=True):
    """There will be no answer: the provider refuses it for good, or none is configured; or nobody can say what became
    of it (OUTCOME_UNKNOWN).
    """

    reference: str
    code: str
