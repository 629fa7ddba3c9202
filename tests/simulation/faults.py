"""What can go wrong, when it can, and the list of it that a seed draws.

Rule: a fault is a value (kind, the commit from which on it is due, the phase of the daemon that it
waits for, parameters), so that a run is its seed and its list, and a failing one can be tried again
with a part of the list. A fault whose phase does not come soon hits in the next phase that it can.
Source: design.md 8; issue 3, deliver 4 and "Must show", first line.
"""

import random
from typing import Final

import msgspec

__all__ = [
    "COMMITS_MIN",
    "IMPOSSIBLE",
    "KINDS",
    "PHASES",
    "Fault",
    "draw_faults",
    "possible",
]

PHASES: Final = (
    "starting",
    "idle",
    "deciding",
    "committing",
    "answering",
    "delivering",
    "calling",
    "stopping",
)
"""What the daemon is doing: recovering; nothing; decided and not sent; sent and not durable; durable
and nobody told; one run of the batch told; a call of a party under way; a graceful stop."""

IN_BATCH: Final = ("starting", "committing", "stopping")
IN_CALL: Final = ("calling", "stopping")
SERVING: Final = ("idle", "deciding", "committing", "answering", "delivering", "calling")
ASKED: Final = (*SERVING[1:], "stopping")

KINDS: Final[dict[str, tuple[str, ...]]] = {
    "crash": PHASES,
    "take-over": PHASES,
    "pause": PHASES,
    "stop": tuple(phase for phase in PHASES if phase != "stopping"),
    "database away": PHASES,
    "answer lost": IN_BATCH,
    "slow commit": IN_BATCH,
    "party slow": IN_CALL,
    "party fails": IN_CALL,
    "party hangs": IN_CALL,
    "party half": IN_CALL,
    "clock jump": PHASES,
    "asker gone": ASKED,
    "machine crash": SERVING,
    "poison": SERVING,
    "crowd": SERVING,
    "flood": SERVING,
}
"""Kind -> the phases in which it can hit."""

_NO_BATCH = (
    "it is about one batch on its way, which is the phase committing, or a start's or a stop's"
)
_NO_CALL = "it is about one call of a party, which is the phase calling, or one within a stop"
_NO_WORK = "it is work that comes in, and the edge takes none while starting or stopping"
IMPOSSIBLE: Final = {
    "stop": "a stop within a stop is no other event",
    **dict.fromkeys(("answer lost", "slow commit"), _NO_BATCH),
    **dict.fromkeys(("party slow", "party fails", "party hangs", "party half"), _NO_CALL),
    "asker gone": "while starting nobody is heard, and while idle nobody waits",
    **dict.fromkeys(("machine crash", "poison", "crowd", "flood"), _NO_WORK),
}
"""Why the other cells of the table stay empty."""

COMMITS_MIN: Final = 200
CRASHES_MIN: Final = 5
AT_MAX: Final = 185
JUMPS_S: Final = (0.5, 7.0, 61.0, 3_700.0, 90_000.0, 2_700_000.0)
"""From half a second to a month; the third is beyond every back-off, the fifth beyond a day's wait."""


class Fault(msgspec.Struct, frozen=True):
    """One thing that goes wrong."""

    kind: str
    at: int
    """Due from this commit on."""
    phase: str
    """It waits for this phase, for a while."""
    seconds: float = 0.0
    count: int = 1
    flag: bool = False
    """A variant of the kind."""

    def __str__(self) -> str:
        extra = f" {self.seconds:g}s" if self.seconds else ""
        extra += f" x{self.count}" if self.count > 1 else ""
        return f"{self.kind} from commit {self.at}, {self.phase}{extra}{' variant' * self.flag}"


def possible(kind: str, phase: str) -> bool:
    """Whether this kind can hit in this phase."""
    return phase in KINDS[kind]


def draw_faults(seed: int) -> tuple[Fault, ...]:
    """The list of a seed: every kind at least once, crashes at least five times, in order."""
    rng = random.Random(f"{seed}/faults")
    kinds = [*KINDS]
    kinds += ["crash"] * (CRASHES_MIN + rng.randint(-1, 1))
    kinds += rng.choices([*KINDS], k=rng.randint(2, 7))
    faults = [_draw(rng, kind) for kind in kinds]
    return tuple(sorted(faults, key=lambda fault: fault.at))


def _draw(rng: random.Random, kind: str) -> Fault:
    at, phase = rng.randint(4, AT_MAX), rng.choice(KINDS[kind])
    seconds, count = 0.0, 1
    match kind:
        case "pause" | "database away":
            seconds = rng.choice((0.05, 0.6, 3.0, 9.0))
        case "slow commit":
            seconds, count = rng.choice((0.01, 0.3, 2.0)), rng.randint(1, 4)
        case "answer lost" | "asker gone":
            count = rng.randint(1, 3)
        case "party slow":
            seconds, count = rng.choice((0.4, 1.9, 2.5)), rng.randint(1, 5)
        case "party fails" | "party hangs" | "party half":
            count = rng.choice((1, 1, 2, 5))
        case "clock jump":
            seconds = rng.choice(JUMPS_S)
        case "machine crash" | "poison" | "flood":
            count = rng.randint(1, 3)
        case "crowd":
            count = rng.randint(6, 12)
        case _:
            pass
    return Fault(kind, at, phase, seconds, count, rng.random() < 0.5)
