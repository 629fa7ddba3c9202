"""The mailbox of a gateway: calls that wait, and lanes of which each has a bound of its own (S18).

Rules:
- the oldest call goes first, but one whose lane is full waits where it is, and those of other lanes pass it: so whoever is
  slow holds up what is their own, and nobody else's;
- all wait in the one bounded mailbox; a lane is an empty word where its gateway has none.

Source: spec.md S18 (bulkhead), S65; design.md 5.
"""

from collections import Counter
from typing import cast

import msgspec

from comptoir.engine.gateway_spec import GatewaySpec
from comptoir.engine.journal import Pending
from comptoir.engine.mailbox import Mailbox
from comptoir.engine.spec import decoder_of
from comptoir.engine.values import Message

__all__ = ["LanedMailbox"]


class LanedMailbox(Mailbox[Pending]):
    """Calls that wait for one gateway, oldest first; one reader."""

    __slots__ = ("_calls_max", "_decoder", "_held", "_spec", "_under_way")

    def __init__(self, spec: GatewaySpec) -> None:
        """Make it, with the bounds of its gateway."""
        super().__init__(spec.bounds.mailbox_max)
        self._spec, self._calls_max = spec, spec.bounds.lane_calls_max
        self._decoder = decoder_of(tuple(spec.operations))
        self._held: dict[int, str] = {}
        """Lanes of calls that were taken and not left yet, by id."""
        self._under_way = Counter[str]()

    async def take_next(self) -> Pending:
        """Wait until there is a call that may go, and take it; its place in its lane is held until it is left."""
        while (place := self._free()) is None:
            await self._sleep()
        row = self._items.pop(place)
        if self._calls_max and row.id not in self._held:
            lane = self._held[row.id] = self._lane_of(row)
            self._under_way[lane] += 1
        return row

    def _free(self) -> int | None:
        """Where the oldest one is that may go."""
        if not self._calls_max:
            return 0 if self._items else None
        lanes = ((place, self._lane_of(row)) for place, row in enumerate(self._items))
        return next(
            (place for place, lane in lanes if self._under_way[lane] < self._calls_max), None
        )

    def leave(self, row: Pending) -> None:
        """A call that was taken has ended: another of its lane may go."""
        lane = self._held.pop(row.id, None)
        if lane is None:
            return
        self._under_way[lane] -= 1
        if not self._under_way[lane]:
            del self._under_way[lane]
        self._wake()

    def read(self, row: Pending) -> Message | None:
        """What a call asks; None: nobody can read it."""
        if row.message is not None:
            return row.message
        try:
            return cast("Message", self._decoder.decode(row.payload))
        except msgspec.DecodeError:
            return None

    def _lane_of(self, row: Pending) -> str:
        message = self.read(row)
        return "" if message is None else self._spec.lane(message)

    def drain(self) -> list[Pending]:
        """Take everything at once, without waiting; nothing is under way."""
        self._held.clear()
        self._under_way.clear()
        return super().drain()
