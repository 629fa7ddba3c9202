"""Plays a sequence of operations on a journal and writes down everything that it answered.

The rule: what is written down holds no number that a journal may choose freely. Ids of messages and
entries count by their rank (their order is the contract, their value is not: a batch that is folded
again draws new ones); how runs were grouped into batches leaves no trace, with one exception: a row
that is sent and forgotten by two decisions of one operation may or may not have been handed over in
between (its consumer would be told `Gone`), so it is left out. Source: issue 3, deliver 5.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Protocol

import msgspec
import trio

from comptoir.engine.decision import Decision
from comptoir.engine.errors import EngineError
from comptoir.engine.journal import DeadLetterRow, Decided, Entry, Fate, Pending, Rejected, Run
from comptoir.engine.values import Address, encode
from comptoir.storage.journal_testing import BLANK
from comptoir.storage.sequence_testing import (
    DecisionPlan,
    Expire,
    Operation,
    Purge,
    Read,
    Replay,
    Restart,
    RunPlan,
    Setting,
    Submit,
    TakeOver,
)
from comptoir.storage.sequence_testing import Sequence as Plan
from comptoir.storage.transcript_testing import Id, Transcript, find_difference, is_list

__all__ = ["Stage", "Transcript", "find_difference", "play"]

NO_SUCH_ID = 42
FATES_SECONDS = 20


class Stage(Protocol):
    """Where sequences are played: durable tables, and journals on them."""

    journal: Any
    """The one that is the writer now."""

    async def restart(self) -> None:
        """Close the journal, open another."""
        ...

    async def take_over(self) -> Any:
        """Open another journal beside this one, which it supersedes; answers the first."""
        ...

    async def close(self, journal: Any) -> None:
        """End a journal; what waits is lost or committed, as it has it."""
        ...

    def lose(self, what: str) -> None:
        """Break the connection: before the next batch is sent, or before its answer is heard."""
        ...

    async def dump(self) -> dict[str, Any]:
        """Every table as it is, but for what is sealed."""
        ...


class _Player:
    """Remembers what a caller of the journal would: rows, versions, states, ids."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.transcript = Transcript()
        self.rows: list[Pending] = []
        self.entries: list[int] = []
        self.durable: dict[Address, tuple[int, object]] = {}
        self.along: list[Pending] = []
        """Of the operation that is being built: what went along and was not consumed."""
        self._settled: list[tuple[Run, Fate]] = []
        self._told = trio.Event()

    async def play(self, operation: Operation) -> Any:
        """Do one operation; everything that came of it."""
        journal, count = self.stage.journal, self.transcript.occurred
        if isinstance(operation, Submit):
            if operation.lose:
                self.stage.lose(operation.lose)
                count["lost " + operation.lose, "-"] += 1
            return await self.submit(journal, operation.runs)
        if isinstance(operation, Read):
            return await self.read(operation)
        if isinstance(operation, Replay):
            return await self.replay(journal, operation)
        if isinstance(operation, Purge):
            purged = await _attempt(lambda: journal.purge(operation.now))
            count["purge", "some" if purged else "none"] += 1
            return purged
        if isinstance(operation, Expire):
            gone = await journal.expire_dead(operation.died_before, operation.keep)
            count["expire_dead", "some" if gone else "none"] += 1
            return dict(gone)
        if isinstance(operation, Setting):
            await journal.put_setting("name", operation.value)
            count["put_setting", "-"] += 1
            return None
        if isinstance(operation, Restart):
            await self.stage.restart()
            count["restart", "-"] += 1
            return self.figures()
        return await self.take_over(operation)

    async def take_over(self, operation: TakeOver) -> Any:
        """Every way to write through the superseded journal, and reading what is there."""
        first = await self.stage.take_over()
        dead = [x.id for x in await first.dead_letters(None, 1)]
        works: list[Callable[[], Awaitable[Any]]] = [
            lambda: first.purge(operation.now),
            lambda: first.put_setting("name", "never"),
            lambda: first.replay(dead, operation.now) if dead else first.purge(operation.now),
            lambda: first.discard(dead),
            lambda: first.expire_dead(operation.now),
            lambda: self.submit(first, operation.runs),
        ]
        works = works[operation.first :] + works[: operation.first]
        answers = [await _attempt(work) for work in works]
        answers += [first.available, await first.wait_stopped()]
        await self.stage.close(first)
        self.transcript.occurred["take-over", "-"] += 1
        return [answers, self.figures()]

    def figures(self) -> dict[str, Any]:
        """What the journal tells of itself, as far as it is not a matter of grouping."""
        figures = self.stage.journal.statistics()
        names = ("connected", "epoch", "last_event", "runs_waiting", "decisions_total",
                 "refusals_total", "rejections_total", "stopped")  # fmt: skip
        return {name: getattr(figures, name) for name in names}

    async def submit(self, journal: Any, plans: Sequence[RunPlan]) -> Any:
        """Submit runs, wait for their fates."""
        tentative = dict(self.durable)
        self.along = []
        runs = [self.build(plan, tentative) for plan in plans]
        self._settled = []
        for run in runs:
            journal.submit(run)
        with trio.fail_after(FATES_SECONDS):
            while len(self._settled) < len(runs):
                self._told = trio.Event()
                await self._told.wait()
        touched = Counter(_names_touched(plans))
        told: list[Any] = []
        for run, fate in self._settled:
            self.learn(run, fate)
            self.count(plans[runs.index(run)], fate)
            # Whether a row that went along is still there to be told of is a matter of grouping.
            outgoing = [
                x
                for x in fate.outgoing
                if not x.along and (x.name is None or touched[x.target, x.name] == 1)
            ]
            self.rows.extend(outgoing)
            rows = [self.show(x) for x in outgoing]
            told.append([runs.index(run), fate.count, _tell(run, fate), fate.released, rows])
        return [told, self.figures()]

    def build(self, plan: RunPlan, tentative: dict[Address, tuple[int, object]]) -> Run:
        """The run of a plan."""
        basis = tentative if plan.tentative else self.durable
        version, state = basis.get(plan.address, (0, BLANK))
        version = max(0, version + plan.skew)
        before, first = state, version
        decided: list[Decided] = []
        for step in plan.decisions:
            if step.state is not None:
                state, version = step.state, version + 1
            row = self.choose_along(plan.address, step) or self.choose(plan.address, step)
            message = step.message if row is None or row.message is None else row.message
            decision: Decision[Any] = Decision(state=state, **step.fields)
            decided.append(Decided(decision, step.at, row, message))
            if step.sends_along:
                decided[-1].along = self.send_along(plan.address, decided[-1])
        if plan.stateless:
            return Run(plan.address, None, decided, self.settle)
        tentative[plan.address] = (version, state)
        return Run(plan.address, first, decided, self.settle, state=before, schema=1 + first % 3)

    def send_along(self, address: Address, decided: Decided) -> dict[int, Pending]:
        """Rows for what goes along: whatever is due at once and has no name."""
        sent: dict[int, Pending] = {}
        for index, out in enumerate(decided.decision.messages):
            if out.due_at is None and out.name is None and not out.parked:
                sender, at = out.sender or address, decided.at
                sent[index] = Pending(
                    0, out.target, sender, at, at, out.attempts, out.message, along=True
                )
        self.along.extend(sent.values())
        return sent

    def choose_along(self, address: Address, step: DecisionPlan) -> Pending | None:
        """What went along in this operation: once, or by mistake once more."""
        if not step.takes_along or not self.along:
            return None
        rows = [row for row in self.along if row.target == address] or self.along
        row = rows[(step.consumed or 0) % len(rows)]
        if (step.consumed or 0) % 5:
            self.along.remove(row)
        self.transcript.occurred["taken along", "-"] += 1
        return row

    def choose(self, address: Address, step: DecisionPlan) -> Pending | None:
        """The row that a plan means: odd numbers prefer the latest that are addressed to the actor."""
        place = step.consumed
        if place is None or not self.rows:
            return None
        rows = self.rows
        if place % 2:
            rows = [row for row in rows if row.target == address][-4:] or rows
        return rows[place // 2 % len(rows)]

    def settle(self, run: Run, fate: Fate) -> None:
        """A run heard of its fate."""
        self._settled.append((run, fate))
        self._told.set()

    def learn(self, run: Run, fate: Fate) -> None:
        """Remember the version and the state that are durable now."""
        if run.version is None or not fate.count:
            return
        version, state = run.version, run.state
        for decided in run.decided[: fate.count]:
            if decided.decision.state is not state:
                version, state = version + 1, decided.decision.state
        self.durable[run.address] = (version, state)

    def count(self, plan: RunPlan, fate: Fate) -> None:
        """Note what each decision held, and what became of it."""
        why = type(fate.why).__name__
        if why == "Lost":
            why = getattr(fate.why, "code", "")
        for place, step in enumerate(plan.decisions):
            came = "durable" if place < fate.count else why if place == fate.count else "undone"
            for label in step.labels:
                self.transcript.occurred[label, came] += 1
            if plan.skew and not plan.stateless:
                self.transcript.occurred["another version", came] += 1
        if fate.released:
            self.transcript.occurred["release", "told"] += 1

    async def replay(self, journal: Any, operation: Replay) -> Any:
        """Replay dead letters, a pending row and an id that nobody has."""
        ids = [NO_SUCH_ID, *(row.id for row in self.rows[-1:])]
        letters = await journal.dead_letters(None, 100)
        if letters:
            ids += [letters[place % len(letters)].id for place in operation.which]
        rows = await journal.replay(ids, operation.now)
        self.rows.extend(rows)
        self.transcript.occurred["replay", "some" if rows else "none"] += 1
        return [self.show(row) for row in rows]

    async def read(self, operation: Read) -> Any:
        """Ask, and remember the ids that were told."""
        arguments = list(operation.arguments)
        if operation.name == "entries" and arguments[1] is not None:
            place = arguments[1]
            arguments[1] = self.entries[place % len(self.entries)] if self.entries else None
        method = getattr(self.stage.journal, operation.name)
        answer = await method(*arguments, **operation.options)
        if answer and operation.name in ("pending", "due_timers"):
            known = {row.id for row in self.rows}
            self.rows.extend(row for row in answer if row.id not in known)
        elif answer and operation.name == "entries":
            self.entries.extend(x.id for x in answer if x.id not in self.entries)
        self.transcript.occurred[f"read {operation.name}", "some" if answer else "none"] += 1
        if operation.name == "letter_ids":
            return [Id(letter_id) for letter_id in answer]
        if operation.name == "backlog":
            return [[address, Id(greatest)] for address, greatest in answer]
        if is_list(answer):
            return [self.show(x) for x in answer]
        return answer

    def show(self, value: Any) -> Any:
        """A row, with its ids to be ranked and its payload encoded."""
        if isinstance(value, Pending):
            payload = value.payload if value.message is None else encode(value.message)
            return [Id(value.id), value.target, value.sender, value.due_at, value.created_at,
                    value.attempts, payload, value.name]  # fmt: skip
        if isinstance(value, Entry | DeadLetterRow):
            return [Id(value.id), *msgspec.structs.astuple(value)[1:]]
        return value


def _tell(run: Run, fate: Fate) -> str:
    """Why a run was cut. Where two owners name one lot in one decision, it depends on the server's plan
    which of two rules of the ledger is met first.
    """
    if isinstance(fate.why, Rejected):
        transfers = run.decided[fate.count].decision.transfers
        owners = {(x.lot, x.owner) for x in transfers if x.lot is not None}
        if len(owners) > len({lot for lot, _ in owners}):
            return "Rejected"
    return repr(fate.why)


def _names_touched(plans: Sequence[RunPlan]) -> Iterator[tuple[Address, str]]:
    for plan, step in ((run, step) for run in plans for step in run.decisions):
        yield from ((plan.address, name) for name in step.fields.get("cancel", ()))
        for out in step.fields.get("messages", ()):
            if out.name is not None:
                yield out.target, out.name


async def _attempt(work: Callable[[], Awaitable[Any]]) -> Any:
    try:
        return await work()
    except EngineError as error:
        return type(error).__name__


async def play(stage: Stage, plan: Plan) -> Transcript:
    """Play a sequence on fresh tables, and look at all of them in the end."""
    player = _Player(stage)
    for operation in plan.operations:
        player.transcript.answers.append(await player.play(operation))
    dump = await stage.dump()
    for row in (*dump["message"], *dump["transfer"]):
        row["id"] = Id(row["id"])
    player.transcript.answers.append(dump)
    return player.transcript
