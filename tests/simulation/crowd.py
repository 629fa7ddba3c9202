"""The toys of a run: actors that flood each other, ask parties, set timers, crash and are spoilt.

Rule: every label is used once, so that "took effect once" can be read from the states; what is asked
is asked again until it is acknowledged. The ring's mailboxes hold one message and its kind has one
actor less in memory than the ring has members, so everybody is in everybody's way.
Source: design.md 2, 3, 5; issue 3, deliver 4.
"""

import random
from collections import Counter
from typing import TYPE_CHECKING, Final

import trio

from comptoir.engine.errors import EngineError, Failed, Refused
from comptoir.engine.toys import Call, Do, Send
from comptoir.engine.values import Address
from tests.simulation.daemon import Gone
from tests.simulation.parties import NO

if TYPE_CHECKING:
    from tests.simulation.world import World

__all__ = ["Crowd"]

RING: Final = 4
TOYS: Final = 3
HOPS: Final = 5


class Crowd:
    """Makes work for toys and remembers what must come of it."""

    def __init__(self, world: "World", seed: int) -> None:
        self._world = world
        self._rng = random.Random(f"{seed}/crowd")
        self._serial = 0
        self.open = 0
        self.expected: Counter[tuple[str, str]] = Counter()
        """(kind, label) -> how often it must be in the states in the end."""
        self.doomed: set[str] = set()
        """Labels that crash for ever or are refused by the database: each ends as a dead letter."""
        self.calls: dict[str, str] = {}
        """Reference -> party."""

    def _label(self, what: str) -> str:
        self._serial += 1
        return f"{what}{self._serial}"

    # Work.

    def errand(self) -> None:
        """A toy does something, sends on, sets timers, and asks a party."""
        rng = self._rng
        label = self._label("job")
        kind = rng.choice(("payout", "payout", "query"))
        reference = f"{NO if rng.random() < 0.1 else ''}{label}"
        self.calls[reference] = kind
        timer = self._expect("toy", f"timer {label}")
        sent = self._expect("toy", f"sent {label}")
        due = rng.choice((100, 900, 5_000, 90_000_000))
        sends = (
            Send("toy", self._toy(), Do(sent, send=(Send("toy", self._toy(), Do(timer), due),))),
            Send(kind, "", Call(reference)),
        )
        named = Send("toy", self._toy(), Do(self._expect("toy", f"named {label}")), 400, label)
        self._ask("toy", self._toy(), Do(label, add=1, once=label, send=(*sends, named)))
        self._expect("toy", label)

    def flood(self, width: int) -> None:
        """Every member of the ring sends chains around it."""
        for start in range(RING):
            for _ in range(width):
                label = self._label("flood")
                first = self._chain(label, start, HOPS)
                self._ask("ring", str(start), first)

    def _chain(self, label: str, at: int, hops: int) -> Do:
        name = self._expect("ring", f"{label}.{hops}")
        sends: tuple[Send, ...] = ()
        if hops:
            following = self._chain(label, at + 1, hops - 1)
            sends = (Send("ring", str((at + 1) % RING), following),)
            if hops == HOPS:
                aside = self._expect("ring", f"{label}.aside")
                sends = (*sends, Send("ring", str((at + 1) % RING), Do(aside)))
        return Do(name, once=name if hops == HOPS else "", send=sends)

    def crowd(self, members: int) -> None:
        """Wake up more actors than memory has room for."""
        for _ in range(members):
            label = self._expect("toy", self._label("visit"))
            self._ask("toy", label, Do(label, once=label))

    def crash(self, count: int, *, always: bool) -> None:
        """A machine crashes: once, or whenever it sees the message."""
        target = self._toy()
        for _ in range(count):
            label = self._label("crash")
            if always:
                self.doomed.add(label)
            else:
                self._expect("toy", label)
            how = "always" if always else "first"
            carrier = self._expect("toy", f"carries {label}")
            sends = (Send("toy", target, Do(label, crash=how)),)
            self._ask("toy", self._toy(), Do(carrier, once=carrier, send=sends))

    def spoil(self, count: int, *, sent: bool) -> None:
        """Decide what no database takes; as an ask, or as a row."""
        for _ in range(count):
            label = self._label("poison")
            self.doomed.add(label)
            if not sent:
                self._ask("toy", self._toy(), Do(label, spoil=True))
                continue
            carrier = self._expect("toy", f"carries {label}")
            sends = (Send("toy", self._toy(), Do(label, spoil=True)),)
            self._ask("toy", self._toy(), Do(carrier, once=carrier, send=sends))

    def _toy(self) -> str:
        return str(self._rng.randrange(TOYS))

    def _expect(self, kind: str, label: str) -> str:
        self.expected[kind, label] += 1
        return label

    # Asking.

    def _ask(self, kind: str, key: str, message: Do) -> None:
        self.open += 1
        rng = random.Random(f"{kind}/{message.label}")
        self._world.start(self._until_taken, Address(kind, key), message, rng)

    async def _until_taken(self, address: Address, message: Do, rng: random.Random) -> None:
        await trio.sleep(rng.choice((0.0, 0.1)))
        while not await self._taken(address, message, rng):  # noqa: ASYNC110  # as a client does
            await trio.sleep(rng.uniform(0.05, 0.5))
        if message.once:
            self._world.checker.acknowledged("toy", message.once)
        self.open -= 1

    async def _taken(self, address: Address, message: Do, rng: random.Random) -> bool:
        """One attempt: whether there is an answer, or the failure that was meant."""
        daemon = self._world.pick(rng)
        if daemon is None:
            return False
        try:
            await daemon.ask(address, message)
        except Failed:
            return message.label in self.doomed
        except Refused:
            raise
        except (EngineError, Gone):
            return False
        return True
