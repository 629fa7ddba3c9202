"""What an invitation may say to its file: whoever has a link that is over wants another one (X8).

Another machine may import this module beside `messages` (design.md 1).
"""

from comptoir.actors.invitation.messages import Language
from comptoir.engine.values import Message

__all__ = ["RenewLink"]


class RenewLink(Message, frozen=True):
    """The client has no link that is good: another one, to the address of record. Nothing is answered."""

    link: str
    """The whole address with its secret."""
    digest: str
    listing: str
    reference: str
    language: Language
