"""What may be said to a ceremony, and what it answers (S34; Web Authentication, "ceremony").

Another machine may import this module and nothing else of this package (design.md 1).
"""

from typing import Literal

from comptoir.engine.values import Message, Reply

__all__ = [
    "KIND",
    "BeginCeremony",
    "CeremonyBegun",
    "CeremonyExpired",
    "CeremonyFinished",
    "CeremonyRefused",
    "FinishCeremony",
    "Purpose",
]

KIND = "ceremony"

Purpose = Literal["enrol", "register", "sign_in"]
"""By a link, from a page of who is signed in, or to sign in: an answer to one is none to another."""


class BeginCeremony(Message, frozen=True):
    """A browser asks for a challenge."""

    purpose: Purpose
    who: str
    """Key of the person's actor; empty where they are to be found out."""
    challenge: str
    """In base64url, drawn by whoever asks for it."""
    lifetime_ms: int
    """In business time."""


class FinishCeremony(Message, frozen=True):
    """The browser comes back: the challenge is used, whatever it brings."""

    purpose: Purpose
    who: str


class CeremonyExpired(Message, frozen=True):
    """One's own later self: nobody came."""


class CeremonyBegun(Reply, frozen=True):
    """The challenge may be handed out."""

    expires_at: int
    """Business time, ms since 1970."""


class CeremonyFinished(Reply, frozen=True):
    """What the answer must have been given to."""

    challenge: str


class CeremonyRefused(Reply, frozen=True):
    """There is no challenge for it."""

    reason: str
    """`unknown`, `expired`, `used`, `purpose_mismatch` or `person_mismatch`; the outside hears none."""
