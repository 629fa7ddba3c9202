"""One attack: its name, the word that it is refused with, and what makes its token. Source: attacks.py."""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Attack"]


@dataclass(frozen=True)
class Attack:
    """One token that proves nothing."""

    name: str
    reason: str
    make: Callable[[], str]
    check: bool = True
    """Whether `comptoir check jwt` refuses it too."""

    def __str__(self) -> str:
        return self.name
