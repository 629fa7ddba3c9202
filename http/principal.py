"""Who asks: what a verified token says of its bearer, and nothing more.

The rule: everything that decides who may do what takes a `Principal`, never a token; whoever makes one
has verified signature, issuer, audience and time before.
Source: spec.md S34, S62, X7; interface.md 9; RFC 9068 (claims), RFC 8176 (`amr`).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

__all__ = ["Authenticator", "Principal", "Role", "Unauthenticated", "Undecided"]


class Role(StrEnum):
    """What a person is in the programme (S34), with OPERATIONS (X7)."""

    CLIENT = "CLIENT"
    CONSEILLER = "CONSEILLER"
    COMPLIANCE = "COMPLIANCE"
    ADMIN = "ADMIN"
    OPERATIONS = "OPERATIONS"


@dataclass(frozen=True, slots=True)
class Principal:
    """One verified caller: a person with roles, or a service with scopes."""

    subject: str
    """`sub`: of a CLIENT the `userId`."""
    issuer: str
    """`iss`: who vouches for the subject; the same `sub` of two issuers is two principals."""
    roles: frozenset[Role] = frozenset()
    scopes: frozenset[str] = frozenset()
    """Such as `partner:submit`."""
    methods: frozenset[str] = frozenset()
    """`amr`: how the person signed in, as RFC 8176 names it."""
    context: str = ""
    """`acr`: the class of that sign-in, as its issuer names it."""
    signed_in_at: int = 0
    """`auth_time`, seconds since 1970; 0: the token does not say, and it was long ago."""
    client_id: str = ""
    """Through which registered client, empty if the token does not say."""
    expires_at: int = 0
    """`exp`, seconds since 1970."""
    session: str = ""
    """Of ours: key of the actor of what it came of, a browser's session or a family of tokens; else empty."""


class Unauthenticated(Exception):
    """There is no token, or it proves nothing. Its text is for our log and never quotes the token."""

    def __init__(self, reason: str) -> None:
        """Args: a stable word for the reason, such as `expired`."""
        super().__init__(reason)
        self.reason = reason


class Undecided(Exception):
    """Whether the token proves anything cannot be known now: who vouches for it is away."""

    def __init__(self, reason: str, retry_after_s: int) -> None:
        """Args: a stable word for the reason; whole seconds after which to ask again."""
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s


class Authenticator(Protocol):
    """Turns what a request carries into who asks."""

    async def principal(self, authorization: list[str]) -> Principal:
        """Judge the values of all Authorization headers of one request.

        Raises:
            Unauthenticated: none, more than one, not of the form `Bearer TOKEN`, or not valid.
            Undecided: whoever issued it cannot be asked for its keys.
        """
        ...
