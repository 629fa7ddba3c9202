"""Machines as tables: the one source that is executed, checked, drawn and enumerated.

Two rules. Everything about a machine's transitions is in its rows, so the drawing cannot lie.
A machine is pure: no I/O, no clock, no chance, no logging; what it needs of the world comes in
the message or in the frozen `Context`.

Theory of operation. A machine has phases (the nodes of the diagram) and messages. A row says: in
this phase, this message is handled by this function, and the state ends in one of these phases. A
pair without a row is filled when the module is imported with the machine's declared refusal, so
that every pair has an answer and the drawn table shows it. Declaring the table checks it: no pair
twice, every phase reachable from the first, no way out of a terminal phase, every message handled
somewhere.

Source: spec.md S16 (explicit, validated transitions, each testable alone); design.md 4. The shape
follows h11's state tables and Erlang's gen_statem, which also returns data instead of acting.
"""

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from enum import Enum
from hashlib import blake2b
from typing import Any, Generic, TypeVar

import msgspec

from comptoir.engine.decision import Decision, Refusal
from comptoir.engine.values import Address, Message, State

__all__ = ["Context", "Machine", "MachineError", "Row", "row"]

S = TypeVar("S", bound=State)
M = TypeVar("M", bound=Message)

_NOTHING: Mapping[str, Any] = {}


class Context(msgspec.Struct, frozen=True, gc=False):
    """The world as a decision may see it: frozen, complete, recorded."""

    address: Address
    """The actor's own."""
    now: int
    """Business time, ms since 1970."""
    version: int
    """Of the state that is being decided on: unique per (actor, change)."""
    references: Mapping[str, Any] = _NOTHING
    """Immutable snapshots of read-mostly data by name (design.md 2)."""
    facts: Any = None
    """What the row's lookup found among this actor's own committed rows; None without one."""
    attempts: int = 0
    """How often this message was tried before."""

    def draw_id(self, prefix: str, ordinal: int = 0) -> str:
        """An identifier that is new for every change of every actor, and the same when replayed.

        Returns:
            `prefix_` and 20 hexadecimal digits of a digest over (address, version, ordinal): 80
            bits, so that a billion of them collide with a chance below one in a million.
        """
        seed = f"{self.address.kind}|{self.address.key}|{self.version}|{ordinal}"
        return f"{prefix}_{blake2b(seed.encode(), digest_size=10).hexdigest()}"


Handler = Callable[[Any, Any, Context], "Decision[Any] | Refusal"]


class MachineError(Exception):
    """A table that lies: raised when the module that declares it is imported."""


class Row(msgspec.Struct, frozen=True):
    """One line of the table."""

    source: Enum
    message: type[Message]
    then: Handler
    targets: tuple[Enum, ...]
    """Every phase in which the state may be afterwards."""
    refused: bool = False
    """Filled in: the pair is answered by the machine's declared refusal."""


def row(
    source: Enum,
    message: type[M],
    then: "Callable[[S, M, Context], Decision[S] | Refusal]",
    *targets: Enum,
) -> Row:
    """Declare that in phase `source`, `message` is handled by `then` and leads to `targets`."""
    return Row(source, message, then, targets)


class Machine(Generic[S]):
    """A checked table. Iterating over it yields all rows, the filled ones last."""

    def __init__(
        self,
        name: str,
        *,
        phases: type[Enum],
        messages: tuple[type[Message], ...],
        rows: tuple[Row, ...],
        terminal: tuple[Enum, ...] = (),
        refusal: Refusal | None = None,
    ) -> None:
        """Check the table and fill its gaps.

        Args:
            name: Of the kind, as in addresses and file names.
            phases: An Enum; its first member is the phase of an actor never heard of.
            messages: Every message type that may be sent to this machine.
            rows: The table.
            terminal: Phases that are never left.
            refusal: The answer to every pair without a row; default CONFLICT.

        Raises:
            MachineError: naming the row or phase that is wrong.
        """
        self.name = name
        self.phases = tuple(phases)
        self.messages = messages
        self.terminal = terminal
        self.initial = self.phases[0]
        self.refusal = refusal or Refusal("CONFLICT", f"a {name} in this phase does not take this")
        self._rows: dict[tuple[Enum, type[Message]], Row] = {}
        strangers = [str(phase) for phase in terminal if phase not in self.phases]
        if strangers:
            raise MachineError(f"{name}: terminal, but not its phases: {', '.join(strangers)}")
        for line in rows:
            self._add(line)
        self._check_reachable()
        for phase in self.phases:
            for message in messages:
                if (phase, message) not in self._rows:
                    filled = Row(phase, message, self._refuse, (phase,), refused=True)
                    self._rows[phase, message] = filled

    def _refuse(self, _state: S, _message: Message, _context: Context) -> Refusal:
        return self.refusal

    def _add(self, line: Row) -> None:
        where = f"{self.name}: {line.source.name} x {line.message.__name__}"
        if (line.source, line.message) in self._rows:
            raise MachineError(f"{where}: two rows for one pair")
        if line.message not in self.messages:
            raise MachineError(f"{where}: the message is not declared")
        if not line.targets:
            raise MachineError(f"{where}: no target phase")
        unknown = [p for p in (line.source, *line.targets) if p not in self.phases]
        if unknown:
            raise MachineError(f"{where}: not a phase of this machine: {unknown[0]}")
        if line.source in self.terminal and line.targets != (line.source,):
            raise MachineError(f"{where}: leads out of a terminal phase")
        self._rows[line.source, line.message] = line

    def _check_reachable(self) -> None:
        ways: dict[Enum, list[Enum]] = {}
        for line in self._rows.values():
            ways.setdefault(line.source, []).extend(line.targets)
        reached, next_ones = {self.initial}, [self.initial]
        while next_ones:
            for target in ways.get(next_ones.pop(), ()):
                if target not in reached:
                    reached.add(target)
                    next_ones.append(target)
        lost = [p.name for p in self.phases if p not in reached]
        if lost:
            raise MachineError(f"{self.name}: phases that nothing leads to: {', '.join(lost)}")
        stuck = [p.name for p in self.phases if p not in self.terminal and p not in ways]
        if stuck:
            raise MachineError(
                f"{self.name}: phases without a row, not terminal: {', '.join(stuck)}"
            )
        heard = {line.message for line in self._rows.values()}
        unheard = [m.__name__ for m in self.messages if m not in heard]
        if unheard:
            raise MachineError(f"{self.name}: messages that no phase takes: {', '.join(unheard)}")

    def decide(self, state: S, message: Message, context: Context) -> "Decision[S] | Refusal":
        """Run the row of (phase, message type); the runner asserts that the row did not lie.

        Raises:
            KeyError: the message is not one of this machine's: a bug in the caller.
            AssertionError: the handler left the phases that its row declares: a bug in the machine.
        """
        line = self._rows[state.phase, type(message)]
        outcome = line.then(state, message, context)
        if isinstance(outcome, Refusal):
            return outcome
        phase = outcome.state.phase
        assert phase in line.targets, f"{self.name}: {state.phase} to undeclared {phase}"
        return outcome

    def around(self, wrap: Callable[[Handler], Handler]) -> "Machine[S]":
        """The same table, each of its handlers inside another: what is to be done with every decision, whatever
        the row. Phases, targets and the drawing stay as they are.
        """
        made = copy(self)  # what was checked of it holds: to check it again is a tenth of a start
        made._rows = {  # noqa: SLF001  # of this very class
            pair: line if line.refused else msgspec.structs.replace(line, then=wrap(line.then))
            for pair, line in self._rows.items()
        }
        return made

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    def __repr__(self) -> str:
        filled = sum(r.refused for r in self)
        size = f"{len(self.phases)} phases, {len(self._rows)} rows, {filled} refused"
        return f"<Machine {self.name}: {size}>"

    def mermaid(self) -> str:
        """The diagram, made from the rows that are executed."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial.name}"]
        for line in self:
            if not line.refused:
                lines += [
                    f"    {line.source.name} --> {target.name} : {line.message.__name__}"
                    for target in line.targets
                ]
        lines += [f"    {phase.name} --> [*]" for phase in self.terminal]
        return "\n".join(lines) + "\n"

    def table(self) -> str:
        """Every (phase, message) pair as a Markdown table: targets, or the refusal's code."""
        names = [m.__name__ for m in self.messages]
        lines = [f"| phase | {' | '.join(names)} |", "| --- " * (len(names) + 1) + "|"]
        for phase in self.phases:
            cells = [self._cell(phase, m) for m in self.messages]
            lines.append(f"| {phase.name} | {' | '.join(cells)} |")
        return "\n".join(lines) + "\n"

    def _cell(self, phase: Enum, message: type[Message]) -> str:
        line = self._rows[phase, message]
        if line.refused:
            return f"*{self.refusal.code}*"
        return ", ".join(target.name for target in line.targets)
