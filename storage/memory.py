"""The tables of a journal in memory: one decision at a time, with the constraints of the real ones.

The rule: a decision is applied as a whole or not at all, unfolded, in order; what PostgreSQL would
refuse is refused here under the same SQLSTATE and constraint name. Deterministic: no clock, no
chance, no order that depends on hashing. Source: storage/migrations/*.sql; design.md 8.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import orjson

from comptoir.engine.decision import Attempt, Decision, LotOpened, Outgoing, Put, Transfer
from comptoir.engine.journal import Decided, Duplicate, Gone, Lost, Pending, Recorded, Rejected
from comptoir.engine.values import Address, encode
from comptoir.storage.memory_checks import (
    BIGINT,
    RefusedRow,
    check_accounts,
    check_balance,
    check_dips,
    check_lot,
    check_transfer,
    check_values,
    find_change,
    write_fields,
)
from comptoir.storage.runs import (
    CLASS_MESSAGE,
    CLASS_PARKED,
    CLASS_TIMER,
    STALE,
    Numbers,
    Progress,
    Unencodable,
)

__all__ = ["LotRow", "MemoryTables", "MessageRow"]


class MessageRow(msgspec.Struct, gc=False):
    """A row of `message`."""

    id: int
    target: Address
    sender: Address
    payload: bytes
    kind: str
    """message, timer, parked, dead."""
    due_at: int | None
    created_at: int
    name: str | None = None
    attempts: tuple[Attempt, ...] = ()
    queue: str = ""
    code: str = ""
    detail: str = ""
    died_at: int = 0

    def pending(self) -> Pending:
        """As read back from a database."""
        return Pending(
            self.id, self.target, self.sender, self.due_at or 0, self.created_at, self.attempts,
            None, self.payload, self.name,
        )  # fmt: skip


class LotRow(msgspec.Struct, gc=False):
    """A row of `lot`."""

    opened: LotOpened
    remaining: int = 0


class MemoryTables:
    """What is durable. It outlives the journals that are opened on it, as a database would."""

    def __init__(self) -> None:
        self.epoch = 0
        self.batch = 0
        self.actors: dict[Address, tuple[int, int, bytes, int]] = {}
        """address -> version, schema, state, updated_at."""
        self.messages: dict[int, MessageRow] = {}
        self.by_target: dict[Address, dict[int, MessageRow]] = {}
        self.names: dict[tuple[Address, str], int] = {}
        self.once: dict[tuple[str, str], tuple[bytes, int]] = {}
        self.lots: dict[str, LotRow] = {}
        self.transfers: dict[int, tuple[int, int, Transfer]] = {}
        """entry id -> set id, at, transfer."""
        self.balances: dict[str, int] = {}
        self.documents: dict[tuple[str, str], tuple[str, dict[str, Any], int]] = {}
        """(collection, key) -> owner, body, updated_at."""
        self.events: list[Recorded] = []
        self.settings: dict[str, str] = {}
        self._undo: list[Callable[[], object]] = []

    def apply(self, progress: Progress, decided: Decided, numbers: Numbers) -> bool:
        """Apply the next decision of a run; False, with the reason, if it cannot be.

        Raises nothing of its own: a refusal is `progress.why`, and changed nothing.
        """
        self._undo.clear()
        outgoing, released = len(progress.outgoing), progress.released
        try:
            why = self._find_obstacle(progress, decided)
            if why is None:
                self._write(progress, decided, numbers)
                progress.done += 1
                return True
            progress.why = why
        except RefusedRow as refused:
            progress.why = refused.rejected
        except (Unencodable, TypeError, ValueError, OverflowError, RecursionError):
            progress.why = Rejected("22000", "")
        for undo in reversed(self._undo):
            undo()
        del progress.outgoing[outgoing:]
        progress.released = released
        return False

    def _find_obstacle(
        self, progress: Progress, decided: Decided
    ) -> Duplicate | Gone | Lost | None:
        """Of several obstacles the first: a key that is taken, another version, a row that is gone."""
        for once in decided.decision.once:
            taken = self.once.get((once.scope, once.key))
            if taken is not None and taken[1] > decided.at:
                return Duplicate(taken[0])
        if progress.version is not None:
            row = self.actors.get(progress.run.address)
            if progress.version != (row[0] if row else 0):
                return STALE
        consumed = decided.consumed
        if consumed is not None:
            there = self.messages.get(consumed.id)
            if there is None or there.kind == "dead":
                return Gone()
        return None

    def _write(self, progress: Progress, decided: Decided, numbers: Numbers) -> None:
        decision, at = decided.decision, decided.at
        run = progress.run
        address = run.address
        changes = progress.version is not None and decision.state is not progress.state
        check_values(address, decided, changes=changes, schema=run.schema if changes else 0)
        for once in decision.once:
            answer = b"" if decision.reply is None else encode(decision.reply)
            self._set(self.once, (once.scope, once.key), (answer, at + once.ttl_ms))
        if decided.consumed is not None:
            self._remove(decided.consumed.id)
        if decision.dead_letter is not None:
            self._bury(address, decided, numbers)
        for name in decision.cancel:
            self._forget(address, name)
        if decision.release:
            self._release(address, at)
            progress.released = True
        for index, out in enumerate(decision.messages):
            along = None if decided.along is None else decided.along.get(index)
            self._send(progress, out, at, numbers, along)
        for event in decision.events:
            number = len(self.events) + 1
            recorded = Recorded(number, at, address, type(event).__name__, encode(event))
            self.events.append(recorded)
            self._undo.append(self.events.pop)
        for lot in decision.lots:
            self._open_lot(lot)
        self._post(decision, at, numbers)
        for put in decision.documents:
            self._put(put, at)
        self._change_state(progress, decided)

    def _change_state(self, progress: Progress, decided: Decided) -> None:
        state = decided.decision.state
        if progress.version is None or state is progress.state:
            return
        version = progress.version + 1
        row = (version, progress.run.schema, encode(state), decided.at)
        self._set(self.actors, progress.run.address, row)
        progress.version, progress.state = version, state

    def _bury(self, address: Address, decided: Decided, numbers: Numbers) -> None:
        letter, source = decided.decision.dead_letter, decided.consumed
        assert letter is not None
        message = decided.message if source is None or source.message is None else source.message
        payload = b"" if source is None else source.payload
        row = MessageRow(
            numbers.draw(),
            address,
            address if source is None else source.sender,
            payload if message is None else encode(message),
            "dead",
            None,
            decided.at if source is None else source.created_at,
            None,
            () if source is None else source.attempts,
            letter.queue,
            letter.code,
            letter.detail,
            decided.at,
        )
        self._insert(row)

    def _send(
        self, progress: Progress, out: Outgoing, at: int, numbers: Numbers, along: Pending | None
    ) -> None:
        due, kind = out.due_at, CLASS_TIMER
        if out.parked:
            kind = CLASS_PARKED
        elif due is None or due <= at:
            due, kind = at, CLASS_MESSAGE
        sender = out.sender or progress.run.address
        if out.name is not None:
            self._forget(out.target, out.name)
        payload = encode(out.message)
        row = MessageRow(
            numbers.draw(), out.target, sender, payload, kind, due, at, out.name, out.attempts
        )
        self._insert(row)
        if kind == CLASS_MESSAGE:
            pending = row.pending() if along is None else along
            pending.message, pending.payload = out.message, b""
            progress.outgoing.append(pending)
        if along is not None:
            self._number(along, row.id)

    def _number(self, along: Pending, row_id: int) -> None:
        """Its receiver has it already: from here on by its id."""

        def undo() -> None:
            along.id = 0

        along.id = row_id
        self._undo.append(undo)

    def _open_lot(self, lot: LotOpened) -> None:
        check_lot(lot, there=lot.id in self.lots)
        self._set(self.lots, lot.id, LotRow(lot))

    def _post(self, decision: Decision[Any], at: int, numbers: Numbers) -> None:
        """All transfers of a decision as one statement: deltas first, then the constraints."""
        set_id = 0
        for transfer in decision.transfers:
            check_transfer(transfer)
            entry = numbers.draw()
            set_id = set_id or entry
            self._set(self.transfers, entry, (set_id, at, transfer))
        for transfer in decision.transfers:
            check_accounts(transfer)
        accounts: dict[str, int] = {}
        named: dict[str, int] = {}
        for x in decision.transfers:
            accounts[x.credit] = accounts.get(x.credit, 0) + x.points
            accounts[x.debit] = accounts.get(x.debit, 0) - x.points
            if x.lot is not None:
                named[x.lot] = named.get(x.lot, 0) + find_change(x)
        balances = [(name, self.balances.get(name, 0) + x) for name, x in accounts.items()]
        rows = [(self.lots[lot], change) for lot, change in named.items() if lot in self.lots]
        after = [(row.remaining + change, row.opened.points) for row, change in rows]
        check_dips(decision, balances, after)
        self._move_lots(decision, named)
        for account, points in sorted(balances, key=lambda x: (x[0] not in self.balances, x[0])):
            check_balance(account, points)
            self._set(self.balances, account, points)

    def _move_lots(self, decision: Decision[Any], named: dict[str, int]) -> None:
        owners = {(x.lot, x.owner) for x in decision.transfers if x.lot is not None}
        foreign = len(owners) > len(named)
        for lot, change in named.items():
            row = self.lots.get(lot)
            if row is None or (lot, row.opened.owner) not in owners:
                foreign = True
                continue
            remaining = row.remaining + change
            if not -BIGINT <= remaining < BIGINT:
                raise RefusedRow("22003")
            if not 0 <= remaining <= row.opened.points:
                raise RefusedRow("23514", "lot_remaining")
            self._set(self.lots, lot, LotRow(row.opened, remaining))
        if foreign:
            raise RefusedRow("CT005", "transfer_lot_of_owner")

    def _put(self, put: Put, at: int) -> None:
        owner, body, _ = self.documents.get((put.collection, put.key), ("", {}, 0))
        merged = {**body, **orjson.loads(write_fields(put))}
        self._set(self.documents, (put.collection, put.key), (put.owner or owner, merged, at))

    def _release(self, address: Address, at: int) -> None:
        for row in list(self.by_target.get(address, {}).values()):
            if row.kind == CLASS_PARKED:
                self._remove(row.id)
                self._insert(msgspec.structs.replace(row, kind=CLASS_MESSAGE, due_at=at))

    def _forget(self, target: Address, name: str) -> None:
        row_id = self.names.get((target, name))
        if row_id is not None:
            self._remove(row_id)

    def _insert(self, row: MessageRow) -> None:
        def undo() -> None:
            self._take_out(row)

        self._put_in(row)
        self._undo.append(undo)

    def _remove(self, row_id: int) -> None:
        row = self.messages[row_id]

        def undo() -> None:
            self._put_in(row)

        self._take_out(row)
        self._undo.append(undo)

    def _put_in(self, row: MessageRow) -> None:
        self.messages[row.id] = row
        self.by_target.setdefault(row.target, {})[row.id] = row
        if row.name is not None:
            self.names[(row.target, row.name)] = row.id

    def _take_out(self, row: MessageRow) -> None:
        del self.messages[row.id]
        rows = self.by_target[row.target]
        del rows[row.id]
        if not rows:
            del self.by_target[row.target]
        if row.name is not None:
            del self.names[(row.target, row.name)]

    def _set(self, table: dict[Any, Any], key: object, value: object) -> None:
        before = table.get(key)

        def undo() -> None:
            if before is None:
                del table[key]
            else:
                table[key] = before

        table[key] = value
        self._undo.append(undo)

    def revive(self, row: MessageRow, fresh: int, now: int, attempt: Attempt) -> MessageRow:
        """Turn a dead letter into a due message under a new id."""
        self._take_out(row)
        revived = MessageRow(
            fresh, row.target, row.sender, row.payload, CLASS_MESSAGE, now, row.created_at,
            None, (*row.attempts, attempt),
        )  # fmt: skip
        self._put_in(revived)
        return revived

    def expire_actors(self, kind: str, before: int) -> int:
        """Delete the actors of a kind that are old and that nothing waits for; how many."""
        waited_for = {row.target for row in self.messages.values() if row.kind != "dead"}
        old = [
            address
            for address, row in self.actors.items()
            if address.kind == kind and row[3] <= before and address not in waited_for
        ]
        for address in old:
            del self.actors[address]
        return len(old)

    def discard(self, ids: Sequence[int]) -> int:
        """Delete these dead letters; how many of them there were."""
        rows = [self.messages.get(row_id) for row_id in sorted(set(ids))]
        dead = [row for row in rows if row is not None and row.kind == "dead"]
        for row in dead:
            self._take_out(row)
        return len(dead)

    def expire_dead(self, died_before: int, keep: Sequence[str]) -> Counter[str]:
        """Delete the dead letters that died by then; how many of each queue."""
        old = [
            row
            for row in self.messages.values()
            if row.kind == "dead" and row.died_at <= died_before and row.queue not in keep
        ]
        for row in old:
            self._take_out(row)
        return Counter(row.queue for row in old)
