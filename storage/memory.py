"""The tables of a journal in memory: one decision at a time, with the constraints of the real ones.

The rule: a decision is applied as a whole or not at all, unfolded, in order; what PostgreSQL would
refuse is refused here under the same SQLSTATE and constraint name. Deterministic: no clock, no
chance, no order that depends on hashing. Source: storage/migrations/*.sql; design.md 8.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec
import orjson

from comptoir.engine.decision import Attempt, Decision, LotOpened, Outgoing, Put, Transfer
from comptoir.engine.journal import Decided, Duplicate, Gone, Lost, Pending, Recorded, Rejected
from comptoir.engine.values import Address, encode
from comptoir.storage.runs import (
    CLASS_MESSAGE,
    CLASS_PARKED,
    CLASS_TIMER,
    STALE,
    Numbers,
    Progress,
)

__all__ = ["LotRow", "MemoryTables", "MessageRow"]

KINDS: Final = frozenset(
    ("credit", "release", "clawback", "expiry", "hold", "hold_released", "payout", "adjustment")
)
BOOKS: Final = frozenset(
    ("available", "pending", "blocked", "shortfall", "issued", "paid", "expired")
)
BOOKS_NOT_NEGATIVE: Final = frozenset(("available", "pending", "blocked"))
BIGINT: Final = 1 << 63
INTEGER: Final = 1 << 31
YEAR_MS_MAX: Final = 9_224_318_016_000_000
"""The end of PostgreSQL's timestamps, in ms since 1970."""


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


class _RefusedRow(Exception):
    """What PostgreSQL would answer."""

    def __init__(self, sqlstate: str, name: str = "") -> None:
        super().__init__(sqlstate, name)
        self.rejected = Rejected(sqlstate, name)


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
        outgoing = len(progress.outgoing)
        try:
            why = self._find_obstacle(progress, decided)
            if why is None:
                self._write(progress, decided, numbers)
                progress.done += 1
                return True
            progress.why = why
        except _RefusedRow as refused:
            progress.why = refused.rejected
        except (TypeError, ValueError, OverflowError, RecursionError):
            progress.why = Rejected("22000", "")
        for undo in reversed(self._undo):
            undo()
        del progress.outgoing[outgoing:]
        return False

    def _find_obstacle(
        self, progress: Progress, decided: Decided
    ) -> Duplicate | Gone | Lost | None:
        address = progress.run.address
        if progress.version is not None:
            row = self.actors.get(address)
            if progress.version != (row[0] if row else 0):
                return STALE
        for once in decided.decision.once:
            taken = self.once.get((once.scope, once.key))
            if taken is not None and taken[1] > decided.at:
                return Duplicate(taken[0])
        consumed = decided.consumed
        if consumed is not None:
            there = self.messages.get(consumed.id)
            if there is None or there.kind == "dead":
                return Gone()
        return None

    def _write(self, progress: Progress, decided: Decided, numbers: Numbers) -> None:
        decision, at = decided.decision, decided.at
        address = progress.run.address
        _check_text(address.kind, address.key)
        _check_time(at)
        for once in decision.once:
            answer = b"" if decision.reply is None else encode(decision.reply)
            _check_text(once.scope)
            self._set(self.once, (once.scope, once.key), (answer, _check_big(at + once.ttl_ms)))
        if decided.consumed is not None:
            self._remove(decided.consumed.id)
        if decision.dead_letter is not None:
            self._bury(address, decided, numbers)
        for name in decision.cancel:
            _check_text(name)
            self._forget(address, name)
        if decision.release:
            self._release(address, at)
            progress.released = True
        for out in decision.messages:
            self._send(progress, out, at, numbers)
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
        _check_text(letter.queue, letter.code, letter.detail)
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

    def _send(self, progress: Progress, out: Outgoing, at: int, numbers: Numbers) -> None:
        due, kind = out.due_at, CLASS_TIMER
        if out.parked:
            kind = CLASS_PARKED
        elif due is None or due <= at:
            due, kind = at, CLASS_MESSAGE
        sender = out.sender or progress.run.address
        _check_text(*out.target, out.name or "")
        _check_big(due or 0)
        if out.name is not None:
            self._forget(out.target, out.name)
        payload = encode(out.message)
        row = MessageRow(
            numbers.draw(), out.target, sender, payload, kind, due, at, out.name, out.attempts
        )
        self._insert(row)
        if kind == CLASS_MESSAGE:
            pending = row.pending()
            pending.message, pending.payload = out.message, b""
            progress.outgoing.append(pending)

    def _open_lot(self, lot: LotOpened) -> None:
        _check_text(lot.id, lot.owner, lot.source, lot.tag)
        _check_time(lot.earned_at)
        _check_time(lot.expires_at or 0)
        for value in (lot.rate_bp, lot.multiplier_bp):
            if not 0 <= value < INTEGER:
                raise _RefusedRow("23514" if value < 0 else "22000")
        if _check_big(lot.points) <= 0:
            raise _RefusedRow("23514", "lot_points_check")
        if _check_big(lot.basis_cents) < 0:
            raise _RefusedRow("23514", "lot_basis_cents_check")
        if lot.id in self.lots:
            raise _RefusedRow("23505", "lot_pkey")
        self._set(self.lots, lot.id, LotRow(lot))

    def _post(self, decision: Decision[Any], at: int, numbers: Numbers) -> None:
        """All transfers of a decision as one statement: deltas first, then the constraints."""
        lots: dict[str, int] = {}
        accounts: dict[str, int] = {}
        set_id = 0
        for transfer in decision.transfers:
            _check_transfer(transfer)
            entry = numbers.draw()
            set_id = set_id or entry
            self._set(self.transfers, entry, (set_id, at, transfer))
            books = (f"available:{transfer.owner}", f"pending:{transfer.owner}")
            if transfer.lot is not None:
                row = self.lots.get(transfer.lot)
                if row is None or row.opened.owner != transfer.owner:
                    raise _RefusedRow("CT005", "transfer_lot_of_owner")
                change = (transfer.credit in books) - (transfer.debit in books)
                lots[transfer.lot] = lots.get(transfer.lot, 0) + change * transfer.points
            accounts[transfer.credit] = accounts.get(transfer.credit, 0) + transfer.points
            accounts[transfer.debit] = accounts.get(transfer.debit, 0) - transfer.points
        for lot, change in lots.items():
            row = self.lots[lot]
            remaining = row.remaining + change
            if not 0 <= remaining <= row.opened.points:
                raise _RefusedRow("23514", "lot_remaining")
            self._set(self.lots, lot, LotRow(row.opened, remaining))
        for account, change in accounts.items():
            self._set(self.balances, account, self._check_balance(account, change))

    def _check_balance(self, account: str, change: int) -> int:
        points = self.balances.get(account, 0) + change
        book = account.partition(":")[0]
        if book not in BOOKS:
            raise _RefusedRow("23514", "balance_book")
        if not -BIGINT <= points < BIGINT:
            raise _RefusedRow("22003")
        if book in BOOKS_NOT_NEGATIVE and points < 0:
            raise _RefusedRow("23514", "balance_not_negative")
        if book == "shortfall" and points > 0:
            raise _RefusedRow("23514", "balance_shortfall_not_positive")
        return points

    def _put(self, put: Put, at: int) -> None:
        _check_text(put.collection, put.key, put.owner)
        text = orjson.dumps(dict(put.fields))
        if b"\\u0000" in text.replace(b"\\\\", b""):
            raise _RefusedRow("22000")
        owner, body, _ = self.documents.get((put.collection, put.key), ("", {}, 0))
        merged = {**body, **orjson.loads(text)}
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


def _check_text(*values: str) -> None:
    for value in values:
        value.encode()  # a lone surrogate raises UnicodeEncodeError, a ValueError
        if "\0" in value:
            raise _RefusedRow("22021")


def _check_big(value: int) -> int:
    if not -BIGINT <= value < BIGINT:
        raise _RefusedRow("22000")
    return value


def _check_time(value: int) -> None:
    if _check_big(value) >= YEAR_MS_MAX:
        raise _RefusedRow("22008")


def _check_transfer(x: Transfer) -> None:
    _check_text(x.debit, x.credit, x.kind, x.owner, x.lot or "", x.transaction or "",
                x.withdrawal or "")  # fmt: skip
    if _check_big(x.points) <= 0:
        raise _RefusedRow("23514", "transfer_points")
    if any(_check_big(points) < 0 for points in x.after):
        raise _RefusedRow("23514", "transfer_after")
    if x.kind not in KINDS:
        raise _RefusedRow("23514", "transfer_kind")
    if x.debit == x.credit:
        raise _RefusedRow("23514", "transfer_two_accounts")
    owners = (x.debit.partition(":")[2], x.credit.partition(":")[2])
    if x.owner not in owners:
        raise _RefusedRow("23514", "transfer_owner_takes_part")
