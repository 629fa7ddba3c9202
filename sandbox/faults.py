"""Scripted faults: which party misbehaves, in which operation, how, how often and when.

Rule: a fault that can never fire is refused when it is set, with the place and the nearest right
name; what fires is a function of the seed and of the order of calls.

Source: interface.md 10 (`PUT /control/faults`, the script file); issue 2, deliver 6.
"""

import random
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, cast

import trio

from comptoir.sandbox.errors import Flaw, Refused, nearest

FAULTS_MAX = 256
MILLISECONDS_MAX = 86_400_000
# A call that is never answered still ends: the caller's deadline is what a test looks at.
TIMEOUT_MS = 60_000
# Twice the daemon's window of five minutes (S55, X16).
SKEW_MS = 600_000


class Direction(Enum):
    """Who calls whom."""

    INBOUND = "the daemon calls the party"
    OUTBOUND = "the party sends to the daemon"


class Kind(Enum):
    """How a party misbehaves. The contract's word is the value."""

    TIMEOUT = "timeout"
    LATENCY = "latency"
    STATUS = "status"
    DROP_AFTER_EFFECT = "drop_after_effect"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    LATE = "late"
    FORGED = "forged"
    WRONG_CLOCK = "wrong_clock"
    REPLAY = "replay"
    LOST = "lost"

    @property
    def direction(self) -> Direction:
        inbound = {Kind.TIMEOUT, Kind.LATENCY, Kind.STATUS, Kind.DROP_AFTER_EFFECT}
        return Direction.INBOUND if self in inbound else Direction.OUTBOUND


# What `ms` is where it is not given: how long, or how far off.
_MS_DEFAULT = {
    Kind.TIMEOUT: TIMEOUT_MS,
    Kind.LATENCY: 1_000,
    Kind.LATE: SKEW_MS,
    Kind.WRONG_CLOCK: SKEW_MS,
}


@dataclass(frozen=True, slots=True)
class Operation:
    """What can fail: `name` is unique within its party."""

    name: str
    direction: Direction


Catalogue = Mapping[str, tuple[Operation, ...]]
"""The operations of every party, by the party's name or other name."""


@dataclass(frozen=True, slots=True)
class FaultSpec:
    """One row of the list, checked."""

    party: str
    operation: str
    """An operation of the party, or `*` for all of them."""
    kind: Kind
    probability: float = 1.0
    count: int | None = None
    """How many times at most; None = without end."""
    ms: int = 0
    status: int = 503
    at_s: float = 0.0
    """From when, in seconds since the list was set."""
    until_s: float | None = None

    def document(self) -> dict[str, object]:
        """The row as the control API writes it."""
        return {
            "party": self.party,
            "operation": self.operation,
            "fault": self.kind.value,
            "probability": self.probability,
            "count": self.count,
            "ms": self.ms,
            "status": self.status,
            "at": self.at_s,
            "until": self.until_s,
        }


_FIELDS = tuple(FaultSpec("", "", Kind.TIMEOUT).document())


class _Row:
    """Reads one row field by field; the first thing wrong becomes a `Flaw`."""

    def __init__(self, pointer: str, row: Mapping[str, object]) -> None:
        self._pointer = pointer
        self._row = row

    def wrong(self, name: str, code: str, detail: str) -> "_Wrong":
        return _Wrong(Flaw(f"{self._pointer}/{name}", code, detail))

    def text(self, name: str, default: str | None = None) -> str:
        value = self._row.get(name, default)
        if value is None:
            raise self.wrong(name, "FIELD_MISSING", "the field is required")
        if not isinstance(value, str):
            raise self.wrong(name, "FIELD_INVALID", "expected a text")
        return value

    def number(self, name: str, low: float, high: float) -> float | None:
        value = self._row.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(name, "FIELD_INVALID", "expected a number")
        if not low <= value <= high:
            raise self.wrong(name, "FIELD_INVALID", f"must be between {low:g} and {high:g}")
        return float(value)

    def integer(self, name: str, low: int, high: int) -> int | None:
        value = self._row.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise self.wrong(name, "FIELD_INVALID", "expected an integer")
        found = self.number(name, low, high)
        return None if found is None else int(found)


class _Wrong(Exception):
    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.detail)
        self.flaw = flaw


def parse_faults(rows: object, catalogue: Catalogue) -> tuple[FaultSpec, ...]:
    """Checks a whole list; raises `Refused` 422 with every flaw (one a row) and changes nothing."""
    if not isinstance(rows, list):
        raise Refused(422, "FAULT_INVALID", "expected a list of faults")
    listed = cast("list[object]", rows)
    if len(listed) > FAULTS_MAX:
        raise Refused(422, "FAULT_INVALID", f"more than {FAULTS_MAX} faults")
    specs: list[FaultSpec] = []
    flaws: list[Flaw] = []
    for index, row in enumerate(listed):
        try:
            specs.append(_parse(f"/{index}", row, catalogue))
        except _Wrong as wrong:
            flaws.append(wrong.flaw)
    if flaws:
        detail = f"{flaws[0].pointer}: {flaws[0].detail}"
        raise Refused(422, "FAULT_INVALID", detail, tuple(flaws))
    return tuple(specs)


def _parse(pointer: str, row: object, catalogue: Catalogue) -> FaultSpec:
    if not isinstance(row, dict):
        raise _Wrong(Flaw(pointer, "FIELD_INVALID", "expected an object"))
    fields = cast("dict[str, object]", row)
    read = _Row(pointer, fields)
    for name in fields:
        if name not in _FIELDS:
            detail = f"unknown field: {nearest(name, _FIELDS)}"
            raise read.wrong(name, "FIELD_UNKNOWN", detail)
    party = read.text("party")
    if party not in catalogue:
        detail = f"no such party is played: {nearest(party, catalogue)}"
        raise read.wrong("party", "PARTY_UNKNOWN", detail)
    kind = _kind(read)
    operation = _operation(read, kind, catalogue[party])
    at_s = read.number("at", 0, 1e9) or 0.0
    until_s = read.number("until", 0, 1e9)
    if until_s is not None and until_s <= at_s:
        raise read.wrong("until", "FIELD_INVALID", "must be after `at`")
    probability = read.number("probability", 0, 1)
    return FaultSpec(
        party=party,
        operation=operation,
        kind=kind,
        probability=1.0 if probability is None else probability,
        count=read.integer("count", 1, 1_000_000_000),
        ms=read.integer("ms", 0, MILLISECONDS_MAX) or _MS_DEFAULT.get(kind, 0),
        status=read.integer("status", 300, 599) or 503,
        at_s=at_s,
        until_s=until_s,
    )


def _kind(read: _Row) -> Kind:
    word = read.text("fault")
    try:
        return Kind(word)
    except ValueError:
        detail = f"no such fault: {nearest(word, [kind.value for kind in Kind])}"
        raise read.wrong("fault", "FAULT_UNKNOWN", detail) from None


def _operation(read: _Row, kind: Kind, operations: tuple[Operation, ...]) -> str:
    """The operation's name, if the fault can happen to it."""
    name = read.text("operation", "*")
    fitting = [found.name for found in operations if found.direction is kind.direction]
    if not fitting:
        detail = f"this party has no operation where {kind.direction.value}"
        raise read.wrong("fault", "FAULT_NOT_APPLICABLE", detail)
    if name == "*" or name in fitting:
        return name
    if any(found.name == name for found in operations):
        detail = f"the fault is for where {kind.direction.value}: {nearest(name, fitting)}"
        raise read.wrong("fault", "FAULT_NOT_APPLICABLE", detail)
    detail = f"no such operation: {nearest(name, [*fitting, '*'])}"
    raise read.wrong("operation", "OPERATION_UNKNOWN", detail)


def parse_script(text: str, catalogue: Catalogue) -> tuple[int, tuple[FaultSpec, ...]]:
    """Reads a fault script: TOML, `[[fault]]` tables and an optional `seed`. Raises `Refused`."""
    try:
        document: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Refused(422, "SCRIPT_INVALID", f"not TOML: {error}") from None
    for name in document:
        if name not in {"seed", "fault"}:
            remedy = nearest(name, ["seed", "fault"])
            raise Refused(422, "SCRIPT_INVALID", f"unknown key {name}: {remedy}")
    seed = document.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise Refused(422, "SCRIPT_INVALID", "seed: expected an integer")
    return seed, parse_faults(document.get("fault", []), catalogue)


@dataclass(slots=True)
class _Armed:
    spec: FaultSpec
    chance: random.Random
    fired: int = 0


@dataclass(slots=True)
class Faults:
    """The faults in force. `draw` is asked at every call of every party."""

    now: Callable[[], float] = trio.current_time
    seed: int = 0
    _armed: list[_Armed] = field(default_factory=list[_Armed])
    _since: float = 0.0

    def set(self, specs: tuple[FaultSpec, ...], seed: int = 0) -> None:
        """Replaces the whole list; counts, chance and the time for `at` start anew."""
        self.seed = seed
        self._since = self.now()
        self._armed = [
            _Armed(spec, random.Random(f"{seed}:{index}")) for index, spec in enumerate(specs)
        ]

    def __bool__(self) -> bool:
        return bool(self._armed)

    def draw(self, party: str, operation: Operation) -> tuple[FaultSpec, ...]:
        """The faults that happen to this call, in the order of the list; each is used up by one."""
        fired: list[FaultSpec] = []
        for armed in self._armed:
            spec = armed.spec
            if spec.party != party or spec.kind.direction is not operation.direction:
                continue
            if spec.operation in {"*", operation.name} and self._happens(armed):
                armed.fired += 1
                fired.append(spec)
        return tuple(fired)

    def _happens(self, armed: _Armed) -> bool:
        spec = armed.spec
        if spec.count is not None and armed.fired >= spec.count:
            return False
        elapsed = self.now() - self._since
        if elapsed < spec.at_s or (spec.until_s is not None and elapsed >= spec.until_s):
            return False
        return armed.chance.random() < spec.probability

    def document(self) -> dict[str, object]:
        """The list in force, with how often each fault has fired."""
        rows = [{**armed.spec.document(), "fired": armed.fired} for armed in self._armed]
        return {"seed": self.seed, "faults": rows}
