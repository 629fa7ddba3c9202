"""What the edge needs where signatures are verified: a part of the port (comptoir.http.port).

Source: interface.md 8; docs/signature.md.
"""

from typing import Protocol

from comptoir.actors.signature.sheet import Verdict

__all__ = ["SigningPort"]


class SigningPort(Protocol):
    """Who looks at PDFs."""

    async def verify_pdf(self, pdf: bytes) -> Verdict:
        """What is to be said of the signatures of a PDF.

        Raises:
            Stopping: it is not open yet.
            StudioFailed: too many wait, or it took too long.
        """
        ...
