"""Contracts and PDFs for tests of the edge: what a signature that is under way says; nothing is verified.

The rule: it fulfils that part of `comptoir.http.port.ApiPort`. Source: comptoir.http.signing_port.
"""

from comptoir.actors.gateways.signing_desk import SigningPlace, SigningView
from comptoir.actors.signature.messages import (
    EMBEDDED,
    KIND,
    AdmitSigner,
    DeclineContract,
    ShowContract,
    SignContract,
    Signer,
    SignerAdmitted,
    SigningDescribed,
    SigningStatus,
)
from comptoir.actors.signature.sheet import SignerSeen, Verdict
from comptoir.engine import Address, Message, Reply
from comptoir.engine.gateway_spec import CallFault

__all__ = ["FakeSigning", "of_signing"]

AT = 1_763_994_600_000
_MOVES: tuple[tuple[type[Message], SigningStatus], ...] = (
    (ShowContract, "viewed"), (SignContract, "signed"), (DeclineContract, "declined"),
)  # fmt: skip
SEEN = SignerSeen("Bank", "Root", AT, "B-LTA", intact=True, trusted=True, whole=True, evidence="{}")


def of_signing(address: Address, message: Message) -> Reply | None:
    """What a signature says; None: it is said to others."""
    if address.kind != KIND:
        return None
    owner = getattr(message, "user_id", "")
    if isinstance(message, AdmitSigner):
        signer = Signer("Ada", "Lovelace", "ada@example.org", "", "fr", owner)
        return SignerAdmitted("docusign", "env-1", signer)
    if isinstance(message, SignContract):
        owner = message.evidence.user_id
    moves: list[SigningStatus] = [word for kind, word in _MOVES if isinstance(message, kind)]
    status: SigningStatus = moves[0] if moves else "sent"
    return SigningDescribed(
        status, 1, EMBEDDED, AT, 0, AT + 1, "c" * 64, "", "",
        document_path=f"{address.key}/CONTRACT/contract_1.pdf", user_id=owner, title="Mandate",
    )  # fmt: skip


class FakeSigning:
    """Whoever asks hears of one good signature, of a PDF; of anything else, that it is none. Clients sign at one address."""

    sends_signers = True
    signing_fault: CallFault | None = None
    """Why there is no address; None: there is one."""

    async def signing_address(self, place: SigningPlace) -> SigningView:
        """Say it."""
        if self.signing_fault is not None:
            raise self.signing_fault
        return SigningView(f"https://sign.example/{place.envelope_id}?token=secret")

    async def verify_pdf(self, pdf: bytes) -> Verdict:
        """Say so."""
        if pdf.startswith(b"%PDF"):
            return Verdict(True, (SEEN,), ())
        return Verdict(False, (), ("NOT_A_PDF",))
