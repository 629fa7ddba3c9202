"""What an auditor asks the database while the daemon works: is the ledger whole at this moment?

Rule: one statement, so one snapshot; read as the server's superuser through psql, so that nothing of
the daemon's own code stands between the tables and the answer. Everything but the figures must be 0.
Source: design.md 7 and 9 (invariant 4); interface.md 5 (SQL for auditors); issue 2, "Must show".
"""

import json
from typing import Any, Final, NamedTuple

from comptoir.storage.embedded import EmbeddedPostgres

__all__ = ["Audit", "audit", "credited", "wallets"]

AUDIT_SQL: Final = """
with newest as (
    select distinct on (owner) owner, after_available, after_pending, after_blocked, after_shortfall
    from comptoir.transfer order by owner, entry_id desc
), posted as (
    select split_part(account, ':', 1) as book, substr(account, strpos(account, ':') + 1) as owner,
           sum(points) as points
    from report.posting group by 1, 2
), books as (
    select owner, coalesce(sum(points) filter (where book = 'available'), 0) as available,
           coalesce(sum(points) filter (where book = 'pending'), 0) as pending,
           -coalesce(sum(points) filter (where book = 'shortfall'), 0) as shortfall
    from posted where owner <> '' group by owner
), lots as (
    select user_id, sum(remaining) as remaining from report.lot group by user_id
)
select json_build_object('unbalanced', (select coalesce(sum(points), 0) from report.posting),
 'negative', (select count(*) from report.wallet
              where least(available, pending, blocked, shortfall) < 0),
 'credited_twice', (select count(*) from (select 1 from report.entry where kind = 'credit'
                    group by transaction_id having count(*) > 1) as twice),
 'lots_differ', (select count(*) from report.wallet w full join lots l using (user_id)
                 where coalesce(w.available + w.pending, 0) <> coalesce(l.remaining, 0)),
 'postings_differ', (select count(*) from report.wallet w full join books b on b.owner = w.user_id
                     where (w.available, w.pending, w.shortfall)
                           is distinct from (b.available, b.pending, b.shortfall)),
 'states_differ', (select count(*) from report.wallet w full join newest n on n.owner = w.user_id
                   where (w.available, w.pending, w.blocked, w.shortfall) is distinct from
                   (n.after_available, n.after_pending, n.after_blocked, n.after_shortfall)),
 'events_differ', (select count(distinct number) - coalesce(max(number), 0) from comptoir.event),
 'leaves_differ', (select coalesce(sum(octet_length(hashes)), 0) / 32 from comptoir.leaf)
                  - (select count(*) from comptoir.event),
 'dead', (select count(*) from comptoir.message where class = 'dead'),
 'due', (select count(*) from comptoir.message where class = 'message'),
 'parked', (select count(*) from comptoir.message where class in ('parked', 'timer')),
 'entries', (select count(*) from report.entry),
 'points', (select coalesce(sum(available + pending), 0) from report.wallet));
"""
CREDITED_SQL: Final = """
select coalesce(json_agg(json_build_array(transaction_id, user_id, points)), '[]') from (
    select transaction_id, user_id, sum(points) as points from report.entry group by 1, 2) as net;
"""
WALLETS_SQL: Final = """
select coalesce(json_object_agg(user_id,
    json_build_array(available, pending, blocked, shortfall)), '{}') from report.wallet;
"""


class Audit(NamedTuple):
    """The ledger in one snapshot. The first nine are faults and must be 0 at any moment."""

    unbalanced: int
    """Sum of all postings."""
    negative: int
    """Wallets with a balance below zero."""
    credited_twice: int
    """Transactions with more than one credit."""
    lots_differ: int
    """Wallets whose lots do not sum to their balance."""
    postings_differ: int
    """Wallets whose transfers do not sum to their balances."""
    states_differ: int
    """Wallets whose actor knew other balances at its last transfer than the ledger has."""
    events_differ: int
    """Gaps and repeats in the dense numbers of the journal's events."""
    leaves_differ: int
    """Leaves of the audit log, less the events that they are of."""
    dead: int
    """Dead letters."""
    due: int
    parked: int
    entries: int
    points: int
    """Available and pending, of all wallets."""

    @property
    def faults(self) -> dict[str, int]:
        """What is not as it must be; empty when all is well."""
        return {name: value for name, value in list(self._asdict().items())[:9] if value}


async def audit(postgres: EmbeddedPostgres, database: str = "comptoir") -> Audit:
    """Look at the ledger once.

    Raises:
        StorageUnavailable: the server does not answer.
    """
    return Audit(**json.loads(await postgres.run_sql(AUDIT_SQL, database)))


async def credited(
    postgres: EmbeddedPostgres, database: str = "comptoir"
) -> dict[str, list[tuple[str, int]]]:
    """By transaction: the users that it was credited to, with points less those taken back."""
    found: dict[str, list[tuple[str, int]]] = {}
    rows: list[Any] = json.loads(await postgres.run_sql(CREDITED_SQL, database))
    for transaction, user, points in rows:
        found.setdefault(transaction, []).append((user, points))
    return found


async def wallets(
    postgres: EmbeddedPostgres, database: str = "comptoir"
) -> dict[str, tuple[int, int, int, int]]:
    """By user: available, pending, blocked, shortfall."""
    rows: dict[str, list[int]] = json.loads(await postgres.run_sql(WALLETS_SQL, database))
    return {user: (a, p, b, s) for user, (a, p, b, s) in rows.items()}
