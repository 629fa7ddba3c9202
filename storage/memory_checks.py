"""What PostgreSQL refuses of a decision, under the same SQLSTATE and constraint name, in its order.

The rule: a decision with several faults is refused for the one that PostgreSQL meets first. That is:
what cannot be encoded for it (22000), what it cannot read (22021), and then the statements of
commit_batch in their order; of a row its CHECKs by name, then its unique keys; of the transfers the
dips, then the lots, then the balances. Pure. Source: storage/migrations/*.sql; storage/batch.py;
tests/storage/test_equivalence.py, which compares.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import orjson

from comptoir.engine.decision import Decision, LotOpened, Put, Transfer
from comptoir.engine.journal import Decided, Rejected
from comptoir.engine.values import Address, encode
from comptoir.storage.runs import Unencodable, write_attempts

__all__ = [
    "BIGINT",
    "RefusedRow",
    "check_accounts",
    "check_balance",
    "check_dips",
    "check_lot",
    "check_transfer",
    "check_values",
    "find_change",
    "write_fields",
]

KINDS: Final = frozenset(
    ("credit", "release", "clawback", "expiry", "hold", "hold_released", "payout", "adjustment")
)
BOOKS: Final = frozenset(
    ("available", "pending", "blocked", "shortfall", "issued", "paid", "expired")
)
BOOKS_NOT_NEGATIVE: Final = frozenset(("available", "pending", "blocked"))
TAKEN_FROM: Final = ("available:", "pending:", "blocked:")
BIGINT: Final = 1 << 63
INTEGER: Final = 1 << 31
MS_BEYOND: Final = 9_224_318_016_000_000
"""The end of PostgreSQL's timestamps, in ms since 1970."""
MS_MIN: Final = -210_866_803_200_000
"""Their beginning, in 4714 BC."""


class RefusedRow(Exception):
    """What PostgreSQL would answer."""

    def __init__(self, sqlstate: str, name: str = "") -> None:
        super().__init__(sqlstate, name)
        self.rejected = Rejected(sqlstate, name)


def check_values(address: Address, decided: Decided, *, changes: bool, schema: int) -> None:
    """Refuse what cannot be sent, or cannot be read by the server; before any statement runs.

    Raises:
        RefusedRow, Unencodable, TypeError, ValueError, OverflowError, RecursionError: refused.
    """
    decision = decided.decision
    _check_encoding(decided, changes=changes)
    texts = list(_texts(address, decided, changes=changes))
    for text in texts:
        text.encode()  # a lone surrogate raises UnicodeEncodeError, a ValueError
    numbers = list(_big_numbers(decided))
    small = [x for lot in decision.lots for x in (lot.rate_bp, lot.multiplier_bp)]
    if any(not -BIGINT <= x < BIGINT for x in numbers) or any(
        not -INTEGER <= x < INTEGER for x in (*small, schema)
    ):
        raise RefusedRow("22000")
    if any("\0" in text for text in texts):
        raise RefusedRow("22021")
    if any("\\u0000" in attempts for attempts in _attempts(decided)):
        raise RefusedRow("22P05")  # jsonb cannot hold it


def _check_encoding(decided: Decided, *, changes: bool) -> None:
    decision = decided.decision
    if changes:
        encode(decision.state)
    if decision.once and decision.reply is not None:
        encode(decision.reply)
    for value in (*decision.events, *(out.message for out in decision.messages)):
        encode(value)
    for put in decision.documents:
        write_fields(put)
    list(_attempts(decided))


def _attempts(decided: Decided) -> Iterator[str]:
    for out in decided.decision.messages:
        yield write_attempts(out.attempts) or ""
    if decided.decision.dead_letter is not None and decided.consumed is not None:
        yield write_attempts(decided.consumed.attempts) or ""


def _texts(address: Address, decided: Decided, *, changes: bool) -> Iterator[str]:
    decision = decided.decision
    letter = decision.dead_letter
    if changes or decision.cancel or decision.release or decision.events or letter is not None:
        yield from address
    yield from (once.scope for once in decision.once)
    yield from decision.cancel
    for out in decision.messages:
        yield from (*out.target, *(out.sender or address), out.name or "")
    if letter is not None:
        yield from (letter.queue, letter.code, letter.detail)
    for lot in decision.lots:
        yield from (lot.id, lot.owner, lot.source, lot.tag)
    for x in decision.transfers:
        yield from (x.debit, x.credit, x.kind, x.owner)
        yield from (x.lot or "", x.transaction or "", x.withdrawal or "")
    for put in decision.documents:
        yield from (put.collection, put.key, put.owner)


def _big_numbers(decided: Decided) -> Iterator[int]:
    decision, at = decided.decision, decided.at
    yield from (at + once.ttl_ms for once in decision.once)
    for out in decision.messages:
        if out.due_at is not None and (out.parked or out.due_at > at):
            yield out.due_at
    for lot in decision.lots:
        yield from (lot.points, lot.basis_cents, lot.earned_at, lot.expires_at or 0)
    for x in decision.transfers:
        yield from (x.points, *x.after)


def write_fields(put: Put) -> bytes:
    """The fields of a document as JSON.

    Raises:
        Unencodable, TypeError, ValueError: they cannot be.
    """
    text = orjson.dumps(dict(put.fields))
    if b"\\u0000" in text.replace(b"\\\\", b""):
        raise Unencodable("U+0000")
    return text


def check_lot(lot: LotOpened, *, there: bool) -> None:
    """Refuse a row of `lot`: column by column, then by its key."""
    faults = {
        "lot_points": lot.points <= 0,
        "lot_basis_cents": lot.basis_cents < 0,
        "lot_rate_bp": lot.rate_bp < 0,
        "lot_multiplier_bp": lot.multiplier_bp < 0,
    }
    _refuse_first(faults)
    for at in (lot.earned_at, lot.expires_at or 0):
        if not MS_MIN <= at < MS_BEYOND:
            raise RefusedRow("22008")
    if there:
        raise RefusedRow("23505", "lot_pkey")


def _refuse_first(faults: Mapping[str, bool]) -> None:
    for name, fault in faults.items():
        if fault:
            raise RefusedRow("23514", name)


def _owner(account: str) -> str:
    book, colon, owner = account.partition(":")
    return owner if colon else book


def check_transfer(x: Transfer) -> None:
    """Refuse a row of `transfer`, column by column."""
    faults = {
        "transfer_kind": x.kind not in KINDS,
        "transfer_points": x.points <= 0,
        "transfer_after": min(x.after) < 0,
    }
    _refuse_first(faults)


def check_accounts(x: Transfer) -> None:
    """Refuse a transfer that is none between two accounts, one of them its owner's."""
    faults = {
        "transfer_owner_takes_part": x.owner not in (_owner(x.debit), _owner(x.credit)),
        "transfer_two_accounts": x.debit == x.credit,
    }
    _refuse_first(faults)


def find_change(x: Transfer) -> int:
    """By how much a transfer changes its lot."""
    books = (f"available:{x.owner}", f"pending:{x.owner}")
    return x.points * ((x.credit in books) - (x.debit in books))


def check_dips(
    decision: Decision[Any],
    balances: Iterable[tuple[str, int]],
    lots: Iterable[tuple[int, int]],
) -> None:
    """Refuse balances that cross zero, then lots out of their bounds, where something is taken.

    Args:
        decision: whose transfers are posted.
        balances: account, points after it.
        lots: remaining after it, and points, of every lot that is named and there.
    """
    if not any(
        x.debit.startswith(TAKEN_FROM) or x.credit.startswith("shortfall:")
        for x in decision.transfers
    ):
        return
    for account, points in sorted(balances):
        book = account.partition(":")[0]
        if book in BOOKS_NOT_NEGATIVE and points < 0:
            raise RefusedRow("23514", "balance_not_negative")
        if book == "shortfall" and points > 0:
            raise RefusedRow("23514", "balance_shortfall_not_positive")
    if any(not 0 <= remaining <= points for remaining, points in lots):
        raise RefusedRow("23514", "lot_remaining")


def check_balance(account: str, points: int) -> None:
    """Refuse a row of `balance`."""
    book = account.partition(":")[0]
    if not -BIGINT <= points < BIGINT:
        raise RefusedRow("22003")
    faults = {
        "balance_book": book not in BOOKS,
        "balance_not_negative": book in BOOKS_NOT_NEGATIVE and points < 0,
        "balance_shortfall_not_positive": book == "shortfall" and points > 0,
    }
    _refuse_first(faults)
