"""The bodies of the operations about where people are signed in.

Source: interface.md 1; spec.md S34, S60; OWASP ASVS 5, 7.4.5 and 7.5.2.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

__all__ = [
    "SESSION_ID",
    "SessionEnded",
    "SessionList",
    "SessionShown",
    "SessionsEnded",
    "SignOut",
    "SignedOut",
]

SESSION_ID = r"^ses_[0-9a-f]{32}\Z"
_ID = Annotated[str, Meta(pattern=SESSION_ID)]


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    """Names in camelCase."""


class SessionShown(_Shape, frozen=True):
    """A browser in which somebody is signed in, or a program that holds tokens of theirs."""

    session_id: _ID
    kind: Literal["browser", "program"]
    client_id: Annotated[
        str | None, Meta(description="Of a program; null: a browser on our pages.")
    ]
    device: Annotated[
        str | None,
        Meta(
            description="Browser and system, coarse, such as `Firefox, Linux`; null: it did not say."
        ),
    ]
    methods: Annotated[list[str], Meta(description="How they signed in, RFC 8176.")]
    begun_at: str
    last_used_at: Annotated[
        str, Meta(description="Of a browser to a tenth of the time that it may be unused.")
    ]
    expires_at: Annotated[str, Meta(description="If it is not used until then.")]
    current: Annotated[bool, Meta(description="Whether it is the one that asks.")]


class SessionList(_Shape, frozen=True):
    """All that are open, the newest first."""

    items: Annotated[list[SessionShown], Meta(max_length=128)]
    next_cursor: None


class SessionEnded(_Shape, frozen=True):
    """It is good for nothing from now on, and nor is what came of it."""

    session_id: _ID
    status: Literal["ended"]


class SessionsEnded(_Shape, frozen=True):
    """All that were meant are good for nothing from now on."""

    status: Literal["ended"]


class SignOut(_Shape, frozen=True, forbid_unknown_fields=True):
    """Who is to be signed out wherever they are."""

    sub: Annotated[str, Meta(min_length=1, max_length=255)]


class SignedOut(_Shape, frozen=True):
    """Everything that they had open is good for nothing from now on; they may sign in again."""

    sub: str
    status: Literal["signed_out"]
