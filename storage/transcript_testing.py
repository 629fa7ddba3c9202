"""What a journal answered to a sequence, so that two journals' answers can be compared.

The rule: ids count by their rank among all that were seen, since each journal chooses its own.
Source: issue 3, deliver 5; engine/journal.py.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, TypeGuard

__all__ = ["Id", "Transcript", "find_difference", "is_list"]


class Id:
    """An id that a journal chose: it counts by its rank among all that were seen."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


@dataclass
class Transcript:
    """What became of each operation."""

    answers: list[Any] = field(default_factory=list[Any])
    occurred: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    """(what was asked, what came of it) -> how often."""
    _ranked: list[Any] | None = None

    def ranked(self) -> list[Any]:
        """The answers, with every id replaced by its rank."""
        if self._ranked is None:
            self._ranked = self._rank()
        return self._ranked

    def _rank(self) -> list[Any]:
        seen: set[int] = set()
        _find_ids(self.answers, seen)
        ranks = {number: f"#{rank}" for rank, number in enumerate(sorted(seen))}
        return [_replace_ids(answer, ranks) for answer in self.answers]

    def masked(self) -> list[Any]:
        """The answers without ids."""
        return [_replace_ids(answer, None) for answer in self.answers]


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether it is a list or a tuple, of whatever."""
    return isinstance(value, (list, tuple))


def is_dict(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_leaf(value: object) -> bool:
    """Nearly all are: told first, since every answer of thousands of sequences is walked through."""
    return value is None or isinstance(value, (str, int))


def _find_ids(value: Any, found: set[int]) -> None:
    if _is_leaf(value):
        return
    if isinstance(value, Id):
        found.add(value.number)
    elif is_list(value):
        for part in value:
            _find_ids(part, found)
    elif is_dict(value):
        for part in value.values():
            _find_ids(part, found)


def _replace_ids(value: Any, ranks: dict[int, str] | None) -> Any:
    if _is_leaf(value):
        return value
    if isinstance(value, Id):
        return "#" if ranks is None else ranks[value.number]
    if is_list(value):
        return [_replace_ids(part, ranks) for part in value]
    if is_dict(value):
        return {key: _replace_ids(part, ranks) for key, part in value.items()}
    return value


def find_difference(one: Transcript, other: Transcript) -> tuple[int, Any, Any] | None:
    """The first operation that was answered differently, and how; what differs in ids only, last."""
    if one.ranked() == other.ranked():
        return None
    for first, second in ((one.masked(), other.masked()), (one.ranked(), other.ranked())):
        for place, (here, there) in enumerate(zip(first, second, strict=False)):
            if here != there:
                return (place, *_narrow(here, there))
    return (min(len(one.answers), len(other.answers)), len(one.answers), len(other.answers))


def _narrow(here: Any, there: Any) -> tuple[Any, Any]:
    """The innermost parts that differ."""
    if is_list(here) and is_list(there):
        return _narrow_lists(here, there)
    if is_dict(here) and is_dict(there):
        keys = [key for key in {**here, **there} if here.get(key) != there.get(key)]
        pairs = [_narrow(here.get(key), there.get(key)) for key in keys]
        return [(k, x[0]) for k, x in zip(keys, pairs, strict=True)], [x[1] for x in pairs]
    return here, there


def _narrow_lists(here: list[Any], there: list[Any]) -> tuple[Any, Any]:
    if len(here) != len(there):
        return here, there
    pairs = [pair for pair in zip(here, there, strict=True) if pair[0] != pair[1]]
    if len(pairs) == 1:
        return _narrow(*pairs[0])
    mine: list[Any] = [pair[0] for pair in pairs]
    its: list[Any] = [pair[1] for pair in pairs]
    return mine, its
