"""Codes and refresh tokens as texts: drawn here and nowhere else, and known to the daemon by digest only.

The rule: a text is random and says nothing; what goes to an actor is its digest, so that neither the
database nor a message can be used in its place. SHA-256 without salt, since 256 random bits cannot be
guessed from their digest; a slow digest is for what people think of.
Source: RFC 6749 sections 1.5 and 10.10; RFC 9700 section 4.14.2; docs/adr/0020.
"""

import re
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

__all__ = ["RefreshToken", "code_key", "draw_code", "draw_refresh_token", "read_refresh_token"]

NAME_BYTES: Final = 16
"""Of a family's name: 128 random bits."""
SECRET_BYTES: Final = 32
"""Of a code, and of a refresh token's secret: 256 random bits."""
_REFRESH: Final = re.compile(r"ctr_([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})").fullmatch
"""The prefix lets scanners of leaked secrets know it."""
_CODE: Final = re.compile(r"ctc_[A-Za-z0-9_-]{43}").fullmatch


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One refresh token, taken apart."""

    name: str
    """Of its family: the same in all tokens of it."""
    secret: str

    def __repr__(self) -> str:
        return "<RefreshToken>"

    @property
    def text(self) -> str:
        """What the client keeps."""
        return f"ctr_{self.name}.{self.secret}"

    @property
    def family(self) -> str:
        """The key of its family's actor."""
        return _digest(self.name)

    @property
    def digest(self) -> str:
        """What the family knows it by."""
        return _digest(self.secret)

    def successor(self) -> "RefreshToken":
        """A new one of the same family."""
        return RefreshToken(self.name, secrets.token_urlsafe(SECRET_BYTES))


def draw_refresh_token() -> RefreshToken:
    """The first one of a new family."""
    return RefreshToken(secrets.token_urlsafe(NAME_BYTES), secrets.token_urlsafe(SECRET_BYTES))


def read_refresh_token(text: str) -> RefreshToken | None:
    """Take one apart; None if no refresh token of ours looks like that."""
    found = _REFRESH(text)
    return None if found is None else RefreshToken(found[1], found[2])


def draw_code() -> str:
    """A new authorization code."""
    return f"ctc_{secrets.token_urlsafe(SECRET_BYTES)}"


def code_key(text: str) -> str | None:
    """The key of a code's actor; None if no code of ours looks like that."""
    return _digest(text) if _CODE(text) else None


def _digest(text: str) -> str:
    return sha256(text.encode("ascii")).hexdigest()
