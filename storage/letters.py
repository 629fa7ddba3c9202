"""The dead letters of a journal on PostgreSQL: found, replayed, discarded, deleted after their time.

The rule: a letter is in the clear but for its message. Whatever changes letters is written under the
writer's own epoch, and what it finds gone it leaves out: so asking twice does it once. A letter whose
message no key opens any more, because somebody was erased, holds up no other.
Source: design.md 3, 7; spec.md S64, X23; engine/letters.py (the contract).
"""

# ruff: noqa: S608  # statements are put together from constants of this module only

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from comptoir.engine.decision import Attempt
from comptoir.engine.errors import Erased, Superseded
from comptoir.engine.journal import DeadLetterRow, Pending
from comptoir.engine.letters import ID_MAX, LetterCount, LetterFilter
from comptoir.engine.values import Address
from comptoir.storage.books import Books
from comptoir.storage.bridge import Pool
from comptoir.storage.reads import read_attempts
from comptoir.storage.runs import identify_message, write_attempts
from comptoir.storage.sealing import Sealer
from comptoir.storage.session import LANE
from comptoir.storage.vault import KeysErased
from comptoir.storage.writer import Writer

__all__ = ["Letters"]

PURGE_ROWS_MAX: Final = 5_000
CODES_MAX: Final = 1_000
"""Reasons that one sum tells of: there are some dozens."""
REPLAYED: Final = "replayed"
"""The attempt that a replay adds: attempts before it are history, not budget."""

COLUMNS: Final = (
    "id, queue, kind, key, sender_kind, sender_key, code, detail, attempts, created_at, died_at"
)
WANTED: Final = """class = 'dead' and ($2 = '' or code = $2) and ($3 = '' or kind = $3)
    and died_at >= $4 and died_at < $5"""
QUEUES: Final = """(select distinct queue as name from comptoir.message
    where class = 'dead' and ($1 = '' or queue = $1)) queues"""
# A queue at a time: so every look goes down the index of its queue, and stops at the limit.
DEAD_SQL: Final = f"""
select {COLUMNS}, payload from comptoir.message
where class = 'dead' and ($1::text is null or queue = $1) order by id desc limit $2"""
LETTERS_SQL: Final = f"""
select found.* from {QUEUES} cross join lateral (
    select {COLUMNS} from comptoir.message where queue = queues.name and {WANTED} and id < $6
    order by id desc limit $7) found
order by id desc limit $7"""
IDS_SQL: Final = f"""
select found.id from {QUEUES} cross join lateral (
    select id from comptoir.message where queue = queues.name and {WANTED} and id > $6 and id <= $7
    order by id limit $8) found
order by id limit $8"""
COUNT_SQL: Final = f"""
select count(*) from {QUEUES} cross join lateral (
    select from comptoir.message where queue = queues.name and {WANTED} and id <= $6) found"""
LETTER_SQL: Final = (
    f"select {COLUMNS}, payload from comptoir.message where class = 'dead' and id = $1"
)
COUNT_DEAD_SQL: Final = """
select queue, count(*) from comptoir.message where class = 'dead' group by queue"""
SUM_SQL: Final = """
select queue, code, count(*), count(*) filter (where died_at >= $2), min(died_at)
from comptoir.message where class = 'dead' and queue = $1
group by queue, code order by count(*) desc, code collate "C" limit $3"""
REPLAY_READ_SQL: Final = """
select id, kind, key, sender_kind, sender_key, created_at, attempts, payload
from comptoir.message where class = 'dead' and id = any($1) order by id"""
REPLAY_SQL: Final = "select comptoir.replay_dead($1, $2, $3, $4, $5, $6)"
# Both write under the writer's own epoch only, and hold its row: how many rows are ours, and written.
DISCARD_SQL: Final = """
with mine as materialized (
    select from comptoir.writer where lane = $1 and epoch = $2 for update
), gone as (
    delete from comptoir.message where exists (select from mine) and class = 'dead'
        and id = any($3::bigint[])
    returning 1
) select (select count(*) from mine), (select count(*) from gone)"""
EXPIRE_SQL: Final = """
with mine as materialized (
    select from comptoir.writer where lane = $1 and epoch = $2 for update
), gone as (
    delete from comptoir.message where exists (select from mine) and class = 'dead' and id in (
        select id from comptoir.message
        where class = 'dead' and died_at <= $3 and queue <> all($4::text[]) limit $5)
    returning queue
) select (select count(*) from mine), array(select queue from gone)"""


def _bound(wanted: LetterFilter) -> tuple[str, str, str, int, int]:
    """A filter as the first five arguments of a statement."""
    since = 0 if wanted.died_from is None else wanted.died_from
    until = ID_MAX if wanted.died_before is None else wanted.died_before
    return wanted.queue, wanted.code, wanted.kind, since, until


def _row(x: Any, payload: bytes = b"") -> DeadLetterRow:
    target, sender = Address(x[2], x[3]), Address(x[4], x[5])
    return DeadLetterRow(
        x[0], x[1], target, sender, x[6], x[7], read_attempts(x[8]), x[9], x[10], payload
    )


class Letters(Books):
    """The dead letters of a journal; each method as in `engine.letters.DeadLetters`."""

    def __init__(self, pool: Pool, vault: Sealer, writer: Writer) -> None:
        super().__init__(pool, vault)
        self._writer = writer

    def _open_letter(self, x: Any) -> DeadLetterRow:
        return _row(x, self._vault.open(x[11], identify_message(x[0], Address(x[2], x[3]))))

    async def dead_letters(self, queue: str | None, limit: int) -> list[DeadLetterRow]:
        """Dead letters with their messages, newest first."""
        return [self._open_letter(x) for x in await self._fetch(DEAD_SQL, queue, limit)]

    async def letters(
        self, wanted: LetterFilter, before: int | None, limit: int
    ) -> list[DeadLetterRow]:
        """A page of dead letters without their messages, newest first, with ids below `before`."""
        below = ID_MAX if before is None else before
        return [_row(x) for x in await self._fetch(LETTERS_SQL, *_bound(wanted), below, limit)]

    async def letter_ids(
        self, wanted: LetterFilter, after: int, until: int, limit: int
    ) -> list[int]:
        """Ids of dead letters in (`after`, `until`], the oldest first."""
        rows = await self._fetch(IDS_SQL, *_bound(wanted), after, until, limit)
        return [x[0] for x in rows]

    async def count_letters(self, wanted: LetterFilter, until: int) -> int:
        """How many dead letters with ids up to `until` a filter covers."""
        return int((await self._fetch(COUNT_SQL, *_bound(wanted), until))[0][0])

    async def letter(self, letter_id: int) -> DeadLetterRow | None:
        """One dead letter without its message."""
        rows = await self._fetch(LETTER_SQL, letter_id)
        return _row(rows[0]) if rows else None

    async def open_letter(self, letter_id: int) -> bytes | None:
        """The message of one dead letter."""
        rows = await self._fetch(LETTER_SQL, letter_id)
        try:
            return self._open_letter(rows[0]).payload if rows else None
        except KeysErased:
            raise Erased from None

    async def count_dead_letters(self) -> dict[str, int]:
        """Queue -> number of dead letters."""
        return {row[0]: row[1] for row in await self._fetch(COUNT_DEAD_SQL)}

    async def sum_letters(self, queue: str, since: int) -> list[LetterCount]:
        """What the letters of a queue died of, most letters first."""
        return [LetterCount(*row) for row in await self._fetch(SUM_SQL, queue, since, CODES_MAX)]

    async def replay(self, ids: Sequence[int], now: int) -> list[Pending]:
        """Turn dead letters back into due messages, in one transaction; those rows, for delivery.

        They get new ids (after everything committed so far), and `replayed` as a last attempt.
        Ids that are no dead letters are left out, and so are letters that no key opens any more.
        """
        return await self._writer.perform(lambda: self._replay(ids, now))

    async def _replay(self, ids: Sequence[int], now: int) -> list[Pending]:
        writer = self._writer
        rows = await writer.call(REPLAY_READ_SQL, sorted(set(ids)))
        readable: list[tuple[Any, bytes]] = []
        for row in rows:
            try:
                payload = self._vault.open(
                    row[7], identify_message(row[0], Address(row[1], row[2]))
                )
            except KeysErased:
                continue  # nobody can read it again: it stays until its time is over
            readable.append((row, payload))
        revived: list[Pending] = []
        for (row, payload), fresh in zip(readable, writer.draw(len(readable)), strict=True):
            attempts = (*read_attempts(row[6]), Attempt(now, REPLAYED))
            target, sender = Address(row[1], row[2]), Address(row[3], row[4])
            revived.append(Pending(fresh, target, sender, now, row[5], attempts, None, payload))
        if revived:
            old = [row[0] for row, _ in readable]
            await writer.advance(REPLAY_SQL, writer.last_event, self._sealed(old, revived), now)
        return revived

    def _sealed(self, old: Sequence[int], revived: Sequence[Pending]) -> list[tuple[Any, ...]]:
        """The rows of a replay: which letter, and what it is from now on."""
        return [
            (
                letter,
                x.id,
                self._vault.seal(x.payload, identify_message(x.id, x.target), x.target, x.sender),
                write_attempts(x.attempts),
            )
            for letter, x in zip(old, revived, strict=True)
        ]

    async def discard(self, ids: Sequence[int]) -> int:
        """Delete these dead letters; how many of them there were."""
        chosen = sorted(set(ids))
        return await self._writer.perform(lambda: self._write(DISCARD_SQL, chosen))

    async def expire_dead(self, died_before: int, keep: Sequence[str] = ()) -> Counter[str]:
        """Delete a slice of the dead letters that died by then; answers how many of each queue."""
        epoch, kept = self._writer.epoch, list(keep)

        async def work() -> Counter[str]:
            arguments = (LANE, epoch, died_before, kept, PURGE_ROWS_MAX)
            ours, queues = (await self._writer.call(EXPIRE_SQL, *arguments))[0]
            if not ours:
                raise Superseded(f"the epoch is another's, ours was {epoch}")
            return Counter(queues)

        return await self._writer.perform(work)

    async def _write(self, sql: str, *arguments: object) -> int:
        """Write what is no decision, under our own epoch; answers how many rows.

        Raises:
            Superseded: the epoch is another's; nothing was written.
        """
        epoch = self._writer.epoch
        ours, rows = (await self._writer.call(sql, LANE, epoch, *arguments))[0]
        if not ours:
            raise Superseded(f"the epoch is another's, ours was {epoch}")
        return int(rows)
