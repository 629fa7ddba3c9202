"""Folds the decisions of many actors into one batch: at most one final write per key of every table.

The rule: what a folded batch leaves in the database is what its decisions would have left one by
one. PostgreSQL applies one of two updates of a row in one statement and silently loses the other, so
the second write of a key is folded into the first before anything is sent: an actor's last state, a
timer's last setting, a document's merged fields; what is created and cancelled in the same batch was
never there. Pure: no I/O, no clock; the vault's nonces are its only chance.

Ids and event numbers are given in the order of submission, so their order is the order of commits.
Source: design.md 2, 3, 7 (Folding).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from comptoir.engine.decision import Decision, LotOpened, Put
from comptoir.engine.journal import Decided, Duplicate, Gone, Pending, Run
from comptoir.engine.values import Address
from comptoir.storage.rows import (
    ActorWrite,
    MessageWrite,
    write_actors,
    write_documents,
    write_events,
    write_messages,
    write_once,
)
from comptoir.storage.runs import (
    CLASS_MESSAGE,
    CLASS_PARKED,
    CLASS_TIMER,
    STALE,
    Batch,
    Numbers,
    Outcome,
    Part,
    Unencodable,
    identify_message,
    write_attempts,
)
from comptoir.storage.sealing import Sealer
from comptoir.storage.sound import check_hidden, check_text, write_fields, write_value

__all__ = ["Known", "fold"]


class Known(NamedTuple):
    """What the writer remembers of the database, so that a fold need not ask."""

    answer: Callable[[bytes, int], bytes | None]
    """(digest, business time) -> the answer to a `once` key known to be taken then, or None."""
    version: Callable[[Address], int | None]
    """The version of an actor's durable state, 0 if it has none, or None: not remembered."""


class _Folder:
    """Applies decisions in order to the tables of one batch."""

    def __init__(self, numbers: Numbers, last_event: int, vault: Sealer, known: Known) -> None:
        self.numbers = numbers
        self.vault = vault
        self.known = known
        self.last_event = last_event
        self.decisions = 0
        self.once: dict[bytes, tuple[str, bytes, int, Address]] = {}
        self.once_at: int | None = None
        self.actors: dict[Address, ActorWrite] = {}
        self.consumed: set[int] = set()
        self.names: dict[tuple[Address, str], MessageWrite | None] = {}
        self.releases: dict[Address, int] = {}
        self.rows: dict[int, MessageWrite] = {}
        self.along: dict[int, MessageWrite] = {}
        """Those that their receivers have already, by the identity of what they have."""
        self.parked: dict[Address, list[int]] = {}
        self.dead: list[tuple[Any, ...]] = []
        self.lots: list[tuple[Any, ...]] = []
        self.lots_named: set[str] = set()
        self.transfers: list[tuple[Any, ...]] = []
        self.documents: dict[tuple[str, str], list[Any]] = {}
        self.events: list[tuple[Any, ...]] = []

    def add_part(self, part: Part) -> Outcome:
        """Apply the decisions of a part until one of them cannot be."""
        progress = part.progress
        run = progress.run
        outcome = Outcome(progress.done, progress.version, progress.state, [], False, None)
        stale = run.version is not None and self._is_stale(run.address, progress.version)
        for decided in run.decided[outcome.done : part.stop]:
            digests = self._digest(decided) if decided.decision.once else None
            outcome.why = self._find_duplicate(decided, digests) if digests else None
            if outcome.why is None:
                if stale:
                    outcome.why = STALE
                elif outcome.done == progress.barrier_at:
                    outcome.why = progress.barrier
                elif decided.consumed is not None:
                    outcome.why = self._find_gone(decided.consumed)
            if outcome.why is not None:
                break
            if digests:
                self._take_once(run.address, decided, digests)
            if run.version is not None:
                self._change_state(run, decided, outcome)
            self._apply(run.address, decided, outcome)
            outcome.done += 1
            self.decisions += 1
        return outcome

    def _is_stale(self, address: Address, version: int | None) -> bool:
        actor = self.actors.get(address)
        there = self.known.version(address) if actor is None else actor.version
        return there is not None and there != version

    def _digest(self, decided: Decided) -> dict[bytes, Any]:
        make = self.vault.once_digest
        return {make(once.scope, once.key): once for once in decided.decision.once}

    def _find_duplicate(self, decided: Decided, digests: Mapping[bytes, Any]) -> Duplicate | None:
        # Of several obstacles the first is told: a key that is taken, another version, a row that is
        # gone, bad data; as commit_batch meets them, and as the contract has it.
        for digest in digests:
            mine = self.once.get(digest)
            if mine is not None and mine[2] > decided.at:
                return Duplicate(mine[1])
            answer = None if mine is not None else self.known.answer(digest, decided.at)
            if answer is not None:
                return Duplicate(answer)
        return None

    def _find_gone(self, consumed: Pending) -> Gone | None:
        if not consumed.id:
            return None if id(consumed) in self.along else Gone()
        if consumed.id in self.consumed or (
            consumed.name is not None and (consumed.target, consumed.name) in self.names
        ):
            return Gone()
        return None

    def _consume(self, row: Pending) -> None:
        if row.id:
            self.consumed.add(row.id)
        else:
            made = self.along.pop(id(row))
            check_hidden(row, made.due_at)
            check_text(*row.target)
            del self.rows[made.id]

    def _take_once(self, address: Address, decided: Decided, digests: Mapping[bytes, Any]) -> None:
        reply = decided.decision.reply
        answer = b"" if reply is None else write_value(reply)
        if self.once_at is None or decided.at < self.once_at:
            self.once_at = decided.at
        for digest, once in digests.items():
            self.once[digest] = (once.scope, answer, decided.at + once.ttl_ms, address)

    def _change_state(self, run: Run, decided: Decided, outcome: Outcome) -> None:
        assert outcome.version is not None
        actor = self.actors.get(run.address)
        if actor is None:
            actor = self.actors[run.address] = ActorWrite(outcome.version)
        if decided.decision.state is outcome.state:
            return  # what it expects is checked all the same
        if actor.version > actor.expected:
            write_value(actor.state)  # what is hidden by this state must be sound as well
        actor.version += 1
        actor.schema = run.schema
        actor.at = decided.at
        actor.state = outcome.state = decided.decision.state
        outcome.version = actor.version

    def _apply(self, address: Address, decided: Decided, outcome: Outcome) -> None:
        decision = decided.decision
        if decided.consumed is not None:
            self._consume(decided.consumed)
        if decision.dead_letter is not None:
            self._bury(address, decided)
        for name in decision.cancel:
            self._forget(address, name)
        if decision.release:
            outcome.released = True
            self._release(address, decided.at)
        if decision.messages:
            self._send(address, decided, outcome)
        for event in decision.events:
            self.last_event += 1
            self.events.append((self.last_event, decided.at, address, event))
        for lot in decision.lots:
            self._open(lot)
        if decision.transfers:
            self._post(decision, decided.at)
        for put in decision.documents:
            self._put(put, decided.at)

    def _open(self, x: LotOpened) -> None:
        if x.id in self.lots_named:
            raise Unencodable("a transfer before it named this lot: apart, that one is refused")
        self.lots.append(
            (x.id, x.owner, x.source, x.tag, x.points, x.basis_cents, x.rate_bp, x.multiplier_bp,
             x.earned_at, x.expires_at)
        )  # fmt: skip

    def _put(self, put: Put, at: int) -> None:
        document = self.documents.get((put.collection, put.key))
        if document is None:
            self.documents[(put.collection, put.key)] = [put.owner, dict(put.fields), at]
            return
        write_fields(document[1])  # what is hidden by this merge must be sound as well
        check_text(document[0])
        document[0] = put.owner or document[0]
        document[1].update(put.fields)
        document[2] = at

    def _bury(self, address: Address, decided: Decided) -> None:
        letter = decided.decision.dead_letter
        assert letter is not None
        source = decided.consumed
        message = decided.message if source is None or source.message is None else source.message
        payload = b"" if source is None else source.payload
        if message is not None:
            payload = write_value(message)
        sender = address if source is None else source.sender
        created = decided.at if source is None else source.created_at
        attempts = None if source is None else write_attempts(source.attempts)
        row = self.numbers.draw()
        sealed = self.vault.seal(payload, identify_message(row, address), address, sender)
        self.dead.append(
            (row, address.kind, address.key, sender.kind, sender.key, sealed, created, attempts,
             letter.queue, letter.code, letter.detail, decided.at)
        )  # fmt: skip

    def _forget(self, target: Address, name: str) -> None:
        row = self.names.get((target, name))
        if row is not None:
            check_hidden(row.pending, row.due_at)
            del self.rows[row.id]
        self.names[(target, name)] = None

    def _release(self, address: Address, at: int) -> None:
        self.releases.setdefault(address, at)
        for row_id in self.parked.pop(address, ()):
            row = self.rows.get(row_id)
            if row is not None:
                check_hidden(row.pending, row.due_at)
                row.kind = CLASS_MESSAGE
                row.due_at = at

    def _send(self, address: Address, decided: Decided, outcome: Outcome) -> None:
        at, along = decided.at, decided.along
        for index, out in enumerate(decided.decision.messages):
            due, sender = out.due_at, out.sender or address
            if out.parked:
                kind = CLASS_PARKED
            elif due is None or due <= at:
                kind, due = CLASS_MESSAGE, at
            else:
                kind = CLASS_TIMER
            row_id = self.numbers.draw()
            pending = None if along is None else along.get(index)
            if pending is None:
                pending = Pending(
                    row_id, out.target, sender, due or 0, at, out.attempts, out.message, b"",
                    out.name,
                )  # fmt: skip
            row = self.rows[row_id] = MessageWrite(
                row_id, pending, kind, due, write_value(out.message)
            )
            if not pending.id:  # also one that was given back meanwhile
                self.along[id(pending)] = row
            if out.name is not None:
                self._forget(out.target, out.name)
                self.names[(out.target, out.name)] = row
            if kind == CLASS_PARKED:
                self.parked.setdefault(out.target, []).append(row_id)
            elif kind == CLASS_MESSAGE:
                outcome.outgoing.append(pending)

    def _post(self, decision: Decision[Any], at: int) -> None:
        first = 0
        for x in decision.transfers:
            entry = self.numbers.draw()
            first = first or entry
            if x.lot is not None:
                self.lots_named.add(x.lot)
            self.transfers.append(
                (entry, first, at, x.owner, x.kind, x.debit, x.credit, x.points, x.lot,
                 x.transaction, x.withdrawal, *x.after)
            )  # fmt: skip


def fold(
    parts: Sequence[Part], numbers: Numbers, last_event: int, vault: Sealer, known: Known
) -> Batch:
    """Fold parts, in order, into one batch.

    Args:
        parts: in the order of submission.
        numbers: where ids come from.
        last_event: number of the last durable event.
        vault: seals states, payloads, answers.
        known: what the writer remembers.

    Raises:
        Unencodable: a value of one of the decisions cannot be written.
    """
    folder = _Folder(numbers, last_event, vault, known)
    outcomes = [folder.add_part(part) for part in parts]
    for outcome in outcomes:
        if outcome.outgoing:
            outcome.outgoing = [
                x for x in outcome.outgoing if x.id in folder.rows or id(x) in folder.along
            ]
    arguments = (
        write_once(vault.seal, folder.once),
        folder.once_at,
        write_actors(vault.seal, folder.actors),
        sorted(folder.consumed),
        [(*target, name) for target, name in sorted(folder.names)],
        [(*target, at) for target, at in sorted(folder.releases.items())],
        write_messages(vault.seal, folder.rows),
        folder.dead,
        folder.lots,
        folder.transfers,
        write_documents(folder.documents),
        *write_events(vault.seal, folder.events),
    )
    return Batch(
        arguments,
        outcomes,
        folder.decisions,
        folder.last_event,
        {digest: (answer, expires) for digest, (_, answer, expires, _who) in folder.once.items()},
        [event[1] for event in folder.events],
        {address: x.version for address, x in folder.actors.items()},
        {
            address: x.expected
            for address, x in folder.actors.items()
            if x.version == x.expected and known.version(address) is None
        },
        [(row.pending, row.id) for row in folder.along.values()],
    )
