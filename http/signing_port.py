"""What the edge needs where contracts are signed, and signatures verified: a part of the port (comptoir.http.port).

Source: interface.md 8; docs/signature.md.
"""

from typing import Protocol

from comptoir.actors.gateways.signing_desk import SigningPlace, SigningView
from comptoir.actors.signature.sheet import Verdict

__all__ = ["SigningPort"]


class SigningPort(Protocol):
    """Who says where contracts are signed, and who looks at PDFs."""

    @property
    def sends_signers(self) -> bool:
        """Whether clients are sent from our page to one of the provider's, where they sign."""
        ...

    async def signing_address(self, place: SigningPlace) -> SigningView:
        """Where one of them signs; never kept.

        Raises:
            Stopping: it is not open yet.
            CallFault: there is no address, by the codes of actors/gateways/signing_desk.py.
        """
        ...

    async def verify_pdf(self, pdf: bytes) -> Verdict:
        """What is to be said of the signatures of a PDF.

        Raises:
            Stopping: it is not open yet.
            StudioFailed: too many wait, or it took too long.
        """
        ...
