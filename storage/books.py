"""The books of points, read from the ledger: months, withdrawals, lots.

The rule: every query goes down an index and is bounded by what it shows. The entry with which a month
begins is found by halving the range of ids (ids and times of a wallet rise together, because one actor
decides them one after the other): sixty probes of the key that is there, and no index of times, which every
credit would have to pay for. What leads from withdrawals and lots to their transfers are partial indexes,
in which no credit has an entry.
Source: engine/books.py (the contract); PostgreSQL manual 7.8.2 (recursive queries), 11.8 (partial indexes).
"""

# ruff: noqa: S608  # statements are put together from constants of this module only

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from comptoir.engine.books import Change, Fate, Month, Movement, Origin, Part, Total
from comptoir.storage.reads import ID_MAX, MS, Reads

__all__ = ["Books"]

NOTHING: Final[Change] = (0, 0, 0, 0)
BOOKS: Final = ("available", "pending", "blocked", "shortfall")


def _moved(book: str) -> str:
    """SQL: by how much a transfer changes one book of its owner; a shortfall rises with what is owed."""
    sign = "-" if book == "shortfall" else ""
    return (
        f"{sign}(case when credit = '{book}:' || owner then points else 0 end"
        f" - case when debit = '{book}:' || owner then points else 0 end)"
    )


MOVED: Final = ", ".join(_moved(book) for book in BOOKS)
SUMS: Final = ", ".join(f"sum({_moved(book)})::bigint" for book in BOOKS)
AFTER: Final = ", ".join(f"after_{book}" for book in BOOKS)
HALVES: Final = 64
"""Of a range of 63 bits."""

LAST_BEFORE_SQL: Final = f"""
with recursive search(low, high, steps) as (
    select 0::bigint, {ID_MAX}::bigint, 0
    union all
    select coalesce(probe.before, low), case when probe.before is null then middle else high end,
           steps + 1
    from search
    cross join lateral (select low + (high - low) / 2 as middle) as halved
    left join lateral (
        select case when at < timestamptz 'epoch' + $2 * interval '1 ms' then entry_id end as before
        from comptoir.transfer where owner = $1 and entry_id > middle
        order by entry_id limit 1) as probe on true
    where low < high and steps < {HALVES}
) select max(low) from search"""
"""The last entry before a time. Of what is at most `low` all is before it, of what is above `high` nothing."""
BALANCE_SQL: Final = f"""
select entry_id, {AFTER} from comptoir.transfer
where owner = $1 and entry_id <= $2 order by entry_id desc limit 1"""
TOTALS_SQL: Final = f"""
select kind::text, count(*), {SUMS} from comptoir.transfer
where owner = $1 and entry_id > $2 and entry_id <= $3 group by kind order by kind::text"""
MOVEMENTS_SQL: Final = f"""
select entry_id, {MS.format("at")}, kind::text, {MOVED}, {AFTER}, lot_id, transaction_id, withdrawal_id
from comptoir.transfer where owner = $1 and entry_id > $2 and entry_id <= $3
order by entry_id limit $4"""

# One statement and so one moment: a withdrawal may be given back while it is asked about.
# Of a lot what is blocked for it and not given back; of no lot what is owed for it. What becomes of lots goes
# by the lot's index: credits and releases are not in it, and neither takes points from a lot.
ORIGIN_SQL: Final = f"""
with taken as (
    select lot_id, sum(case when credit = 'blocked:' || owner then points
                            when debit = 'blocked:' || owner then -points else 0 end)::bigint as points
    from comptoir.transfer
    where withdrawal_id = $2 and owner = $1
      and (lot_id is not null or 'shortfall:' || owner in (debit, credit))
    group by lot_id
), part as (
    select l.id, t.points, l.source, l.points as lot_points, l.remaining, l.basis_cents, l.rate_bp,
           l.multiplier_bp, l.earned_at, l.expires_at,
           (sum(t.points) over (order by l.earned_at nulls last, l.id))::bigint as upto
    from taken t left join comptoir.lot l on l.id = t.lot_id
    where t.points > 0
), page as (
    select * from part where upto > $3 order by upto limit $4
), moved as (
    select lot_id, case when credit = 'shortfall:' || owner then 'netted'
                        when kind = 'hold_released' then 'hold'
                        when credit in ('available:' || owner, 'pending:' || owner)
                             and kind = 'adjustment' then 'granted'
                        else kind::text end as what,
           withdrawal_id,
           sum(case when debit in ('available:' || owner, 'pending:' || owner) then points else 0 end
             - case when credit in ('available:' || owner, 'pending:' || owner) then points else 0 end)::bigint
               as points
    from comptoir.transfer
    where lot_id = any(array(select id from page where id is not null)) and owner = $1
      and kind not in ('credit', 'release')
    group by lot_id, what, withdrawal_id
), ranked as (
    select *, row_number() over (partition by lot_id, what order by withdrawal_id) as rank
    from moved where points <> 0
), fate as (
    select lot_id, what, case when what = 'hold' and rank <= $5 then withdrawal_id end as whose,
           sum(points)::bigint as points
    from ranked group by lot_id, what, whose
)
select coalesce((select sum(points)::bigint from part), 0),
       (select json_agg(json_build_array(
            id, points, upto - points, coalesce(source, ''), coalesce(lot_points, 0),
            coalesce(remaining, 0), coalesce(basis_cents, 0), coalesce(rate_bp, 0),
            coalesce(multiplier_bp, 0), coalesce({MS.format("earned_at")}, 0), {MS.format("expires_at")})
        order by upto) from page),
       (select json_agg(json_build_array(lot_id, what, whose, points) order by lot_id, what, whose)
        from fate)"""
_ROWS: Final = msgspec.json.Decoder(list[list[Any]])


def _change(row: Sequence[Any], at: int) -> Change:
    return (int(row[at]), int(row[at + 1]), int(row[at + 2]), int(row[at + 3]))


class Books(Reads):
    """The books of a journal; each method as in `engine.books.BookReads`."""

    async def month(self, owner: str, since: int, until: int) -> Month:
        """A wallet between two times: where it begins and ends, and what its kinds come to."""
        first, opening = await self._balance(owner, since)
        last, closing = await self._balance(owner, until)
        rows = [] if first == last else await self._fetch(TOTALS_SQL, owner, first, last)
        totals = tuple(Total(row[0], row[1], _change(row, 2)) for row in rows)
        return Month(first, last, opening, closing, totals)

    async def _balance(self, owner: str, before: int) -> tuple[int, Change]:
        """The last entry before a time, and what there was after it."""
        found = (await self._fetch(LAST_BEFORE_SQL, owner, before))[0][0]
        rows = await self._fetch(BALANCE_SQL, owner, found) if found else []
        return (rows[0][0], _change(rows[0], 1)) if rows else (0, NOTHING)

    async def movements(self, owner: str, after: int, last: int, limit: int) -> list[Movement]:
        """A page of entries in their order."""
        rows = await self._fetch(MOVEMENTS_SQL, owner, after, last, limit)
        return [
            Movement(x[0], x[1], x[2], _change(x, 3), _change(x, 7), x[11], x[12], x[13])
            for x in rows
        ]

    async def origin(
        self, owner: str, withdrawal: str, after: int, limit: int, each: int
    ) -> Origin:
        """What a withdrawal is of, first in, first out."""
        rows = await self._fetch(ORIGIN_SQL, owner, withdrawal, after, limit, each)
        points, parts, fates = rows[0]
        return Origin(
            points,
            tuple(Part(*row) for row in _ROWS.decode(parts or "[]")),
            tuple(Fate(*row) for row in _ROWS.decode(fates or "[]")),
        )
