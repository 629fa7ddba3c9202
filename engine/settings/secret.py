"""Values that must never be seen: in a log, a repr, an error, a dump or a pickle.

Rule: the text of a secret leaves this type by `reveal()` only, so that a search for that word
finds every place which handles one.
Source: design.md 9.8; S72 (tokens never exposed).
"""

import hmac
import re
from typing import NoReturn

__all__ = ["MASK", "DatabaseUrl", "Secret"]

MASK = "********"
"""What is shown instead; its length says nothing about the secret's."""

# Strict on purpose: what is not surely a host, a port or a database may be part of a password.
_HOST = r"(?:[A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]*\])(?::[0-9]{1,5})?"
_DATABASE_URL = re.compile(
    r"(postgres(?:ql)?://)(?:([A-Za-z0-9._-]+)(:[^@/?#]*)?@)?"
    rf"({_HOST}(?:,{_HOST})*(?:/[A-Za-z0-9_-]*)?)(?:\?([^#]*))?"
)
_SSLMODE = re.compile(r"(?:^|&)(sslmode=(?:disable|allow|prefer|require|verify-ca|verify-full))$")


class Secret:
    """A text that shows itself as stars. Equal in constant time, hashable, never pickled."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Wrap `text` (may be empty: false in a condition)."""
        self._text = text

    def reveal(self) -> str:
        """Return the text itself: only to sign, to seal, to open or to connect."""
        return self._text

    def shown(self) -> str:
        """Return what people may see of it."""
        return MASK if self._text else ""

    def __str__(self) -> str:
        """Show the mask."""
        return self.shown()

    def __repr__(self) -> str:
        """Show the mask."""
        return f"{type(self).__name__}({self.shown()!r})"

    def __format__(self, spec: str) -> str:
        """Show the mask in f-strings too."""
        return format(self.shown(), spec)

    def __bool__(self) -> bool:
        """Say whether there is a text."""
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        """Compare in constant time."""
        if not isinstance(other, Secret):
            return NotImplemented
        mine, theirs = self._text.encode(), other.reveal().encode()
        return hmac.compare_digest(mine, theirs)

    def __hash__(self) -> int:
        """Hash by the text (process-local, salted by Python)."""
        return hash((Secret, self._text))

    def __copy__(self) -> "Secret":
        """Return itself: it cannot change."""
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> "Secret":
        """Return itself, so that dataclasses.asdict works without a pickle."""
        return self

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: a pickle is a file with the secret in it."""
        raise TypeError(f"a {type(self).__name__} is not pickled")


class DatabaseUrl(Secret):
    """A database address: secret as a whole, shown as user, host, port, database, sslmode only."""

    __slots__ = ()

    def shown(self) -> str:
        """Return the address with its password masked; one of an unusual form, only the mask."""
        text = self.reveal()
        form = _DATABASE_URL.fullmatch(text)
        if form is None:
            return MASK if text else ""
        scheme, user, password, place, query = form.groups(default="")
        login = f"{user}{password and ':' + MASK}@" if user else ""
        mode = _SSLMODE.search(query)
        return f"{scheme}{login}{place}{'?' + mode.group(1) if mode else ''}"
