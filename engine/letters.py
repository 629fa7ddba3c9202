"""Dead letters as an operator meets them: which are wanted, what is told of each, what they add up to.

The rule: what is listed is what is in the clear (queue, reason, attempts, times, addressee); the message
itself is sealed, is opened for one letter at a time, and only where somebody may read it. A letter has an
id of its own and never another one: one that is replayed is no letter any more, and if it dies again it
is another. So whatever is done to an id is done once, however often it is asked for.
Source: design.md 3; spec.md S64, X23.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from comptoir.engine.decision import Attempt
from comptoir.engine.values import Address

__all__ = [
    "ID_MAX",
    "DeadLetterRow",
    "DeadLetters",
    "LetterCount",
    "LetterFilter",
    "LetterReads",
]

ID_MAX = (1 << 63) - 1
"""The greatest id that a row may have."""


class LetterFilter(msgspec.Struct, frozen=True):
    """Which letters are meant; what is empty or None binds nothing."""

    queue: str = ""
    code: str = ""
    """Why they died."""
    kind: str = ""
    """Of the actor or gateway that they are addressed to."""
    died_from: int | None = None
    """Business time, ms since 1970: at it or later."""
    died_before: int | None = None
    """Business time, ms: earlier than it."""

    def covers(self, row: "DeadLetterRow") -> bool:
        """Say whether a letter is one of them."""
        return (
            self.queue in ("", row.queue)
            and self.code in ("", row.code)
            and self.kind in ("", row.target.kind)
            and (self.died_from is None or row.died_at >= self.died_from)
            and (self.died_before is None or row.died_at < self.died_before)
        )


class DeadLetterRow(msgspec.Struct, frozen=True, gc=False):
    """A dead letter."""

    id: int
    queue: str
    target: Address
    sender: Address
    code: str
    detail: str
    attempts: tuple[Attempt, ...]
    created_at: int
    died_at: int
    payload: bytes
    """The message, unsealed; empty in a list."""


class LetterCount(msgspec.Struct, frozen=True, gc=False):
    """How many letters of one queue died of one thing."""

    queue: str
    code: str
    letters: int
    fresh: int
    """Those of them that died at `since` or later."""
    oldest: int
    """When the first of them died: business time, ms."""


class LetterReads(Protocol):
    """What can be asked about dead letters."""

    async def letters(
        self, wanted: LetterFilter, before: int | None, limit: int
    ) -> list[DeadLetterRow]:
        """A page of dead letters without their messages, newest first, with ids below `before`."""
        ...

    async def letter_ids(
        self, wanted: LetterFilter, after: int, until: int, limit: int
    ) -> list[int]:
        """Ids of dead letters in (`after`, `until`], the oldest first."""
        ...

    async def count_letters(self, wanted: LetterFilter, until: int) -> int:
        """How many dead letters with ids up to `until` a filter covers."""
        ...

    async def letter(self, letter_id: int) -> DeadLetterRow | None:
        """One dead letter without its message; None where there is none of this id."""
        ...

    async def open_letter(self, letter_id: int) -> bytes | None:
        """The message of one dead letter; None where there is none of this id.

        Raises:
            Erased: it is of somebody who was erased.
        """
        ...

    async def count_dead_letters(self) -> dict[str, int]:
        """Queue -> number of dead letters."""
        ...

    async def sum_letters(self, queue: str, since: int) -> list[LetterCount]:
        """What the letters of a queue died of, most letters first."""
        ...


class DeadLetters(LetterReads, Protocol):
    """The part of a journal that has to do with dead letters."""

    async def dead_letters(self, queue: str | None, limit: int) -> list[DeadLetterRow]:
        """Dead letters with their messages, newest first."""
        ...

    async def discard(self, ids: Sequence[int]) -> int:
        """Delete these dead letters; how many of them there were."""
        ...

    async def expire_dead(self, died_before: int, keep: Sequence[str] = ()) -> Mapping[str, int]:
        """Delete a slice of the dead letters that died at `died_before` or earlier, but for the
        queues to keep; queue -> how many (empty: none are left).
        """
        ...
