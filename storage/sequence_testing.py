"""Sequences of journal operations as data: what one journal is asked, any is; and how they shrink.

The rule: a plan names nothing that a journal chose. Rows are consumed by their place among those that
were seen, versions follow from what was settled, times are absolute. So the same plan can be played
on every journal, and answers can be compared. Shrinking leaves out operations, runs, decisions and
fields for as long as the answers still differ. Source: issue 3, deliver 5; engine/journal.py.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from comptoir.engine.values import Address
from comptoir.storage.journal_testing import Page, Remind

__all__ = [
    "DecisionPlan",
    "Expire",
    "Operation",
    "Purge",
    "Read",
    "Replay",
    "Restart",
    "RunPlan",
    "Sequence",
    "Setting",
    "Submit",
    "TakeOver",
    "shorter",
]


@dataclass(frozen=True, slots=True)
class DecisionPlan:
    """A decision, but for its state and for the row that it consumes."""

    at: int
    fields: Mapping[str, Any]
    state: Page | None
    """None: the very object that the actor had before."""
    consumed: int | None
    """Which of the rows seen so far, modulo their number; odd ones prefer rows for this actor."""
    message: Remind | None
    labels: frozenset[str]
    """What is in it, for the table of what occurred."""
    sends_along: bool = False
    """Its receivers have what it sends before it is durable, if one of them consumes it."""
    takes_along: bool = False
    """It consumes one of those of the same operation, if there is any."""


@dataclass(frozen=True, slots=True)
class RunPlan:
    """A run of one actor."""

    address: Address
    decisions: tuple[DecisionPlan, ...]
    stateless: bool = False
    tentative: bool = True
    """Decided on what the actor's earlier runs of this operation would leave; else on what is durable."""
    skew: int = 0
    """How far its version is from the right one."""


@dataclass(frozen=True, slots=True)
class Submit:
    """Runs submitted together; all of their fates are waited for."""

    runs: tuple[RunPlan, ...]
    lose: str = ""
    """`answer` of the next commit, or its `request`: the connection breaks after it, or before."""


@dataclass(frozen=True, slots=True)
class Read:
    """A read. The second argument of `entries` is the place of an entry among those seen."""

    name: str
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Replay:
    """Dead letters to replay, by their place among those seen; one id that is none comes with them."""

    which: tuple[int, ...]
    now: int


@dataclass(frozen=True, slots=True)
class Purge:
    """Forget expired keys."""

    now: int


@dataclass(frozen=True, slots=True)
class Expire:
    """Delete dead letters that died by then, but for the queues to keep."""

    died_before: int
    keep: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """Keep a setting."""

    value: str


@dataclass(frozen=True, slots=True)
class Restart:
    """Close the journal and open another."""


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Another journal is opened beside it; then the first one is given these runs, and more to do."""

    runs: tuple[RunPlan, ...]
    now: int
    first: int
    """Which of its writes comes first, and finds out."""


Operation = Submit | Read | Replay | Purge | Expire | Setting | Restart | TakeOver


@dataclass(frozen=True, slots=True)
class Sequence:
    """What is played."""

    seed: int
    batch_decisions_max: int
    operations: tuple[Operation, ...]

    def __str__(self) -> str:
        lines = [f"seed {self.seed}, batches of {self.batch_decisions_max}"]
        lines += [f"  {n}: {operation}" for n, operation in enumerate(self.operations)]
        return "\n".join(lines)


def shorter(sequence: Sequence) -> Iterator[Sequence]:
    """Sequences with something left out: many operations, one, a run, a decision, a field."""
    operations = sequence.operations
    size = len(operations) // 2
    while size:
        for start in range(0, len(operations), size):
            yield replace(sequence, operations=operations[:start] + operations[start + size :])
        size //= 2
    for place, operation in enumerate(operations):
        for smaller in _smaller(operation):
            yield replace(
                sequence, operations=(*operations[:place], smaller, *operations[place + 1 :])
            )


def _smaller(operation: Operation) -> Iterator[Operation]:
    if not isinstance(operation, Submit | TakeOver):
        return
    runs = operation.runs
    for place, run in enumerate(runs):
        if len(runs) > 1:
            yield replace(operation, runs=(*runs[:place], *runs[place + 1 :]))
        for smaller in _smaller_runs(run):
            yield replace(operation, runs=(*runs[:place], smaller, *runs[place + 1 :]))


def _smaller_runs(run: RunPlan) -> Iterator[RunPlan]:
    for place, plan in enumerate(run.decisions):
        before, after = run.decisions[:place], run.decisions[place + 1 :]
        if before or after:
            yield replace(run, decisions=(*before, *after))
        for name, value in plan.fields.items():
            if value:
                fields = {key: kept for key, kept in plan.fields.items() if key != name}
                yield replace(run, decisions=(*before, replace(plan, fields=fields), *after))
        if plan.consumed is not None:
            yield replace(run, decisions=(*before, replace(plan, consumed=None), *after))
