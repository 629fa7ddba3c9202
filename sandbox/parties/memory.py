"""What parties remember: a bounded number of things, the oldest forgotten first."""

from collections import OrderedDict
from typing import TypeVar

from comptoir.sandbox.parties.bank import KEPT_MAX

T = TypeVar("T")


def keep(memory: OrderedDict[str, T], key: str, value: T, most: int = KEPT_MAX) -> None:
    """Remember it."""
    memory[key] = value
    if len(memory) > most:
        memory.popitem(last=False)
