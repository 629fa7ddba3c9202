"""What the daemon holds, seen from outside: wallets over HTTP, the ledger by the auditors' views.

Rule: the demo does not ask the daemon's memory; it reads what any user and any auditor can read.
Source: interface.md 5 (SQL for auditors), 7 (wallets).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import httpx
import trio

from comptoir.engine.cli.errors import EXIT_OTHER, CommandError
from comptoir.storage.bridge import Target, open_bridge

__all__ = ["Books", "read_books", "read_wallets"]

READERS = 8
"""Requests at once: enough to keep the daemon busy."""
SECONDS_MAX = 60.0

BOOKS_SQL = """
select count(*) filter (where partner_id is not null) as matched,
       count(*) filter (where points > 0) as credited,
       count(*) filter (where points < 0) as clawed_back,
       (select coalesce(sum(points), 0) from report.posting)::bigint as ledger_sum
from report.transaction where starts_with(transaction_id, $1)"""


@dataclass(frozen=True, slots=True)
class Books:
    """What the ledger and the transactions of one run say."""

    matched: int
    """Purchases and refunds that found their partner."""
    credited: int
    clawed_back: int
    ledger_sum: int
    """Of every posting ever made: 0, or the books are wrong."""


async def read_wallets(client: httpx.AsyncClient, users: Sequence[str]) -> dict[str, int]:
    """Every user's points over HTTP; 0 for one never seen.

    Raises:
        CommandError: the daemon answers something else.
        httpx.HTTPError: it does not answer.
    """
    found: dict[str, int] = {}
    waiting: Iterator[str] = iter(users)

    async def read() -> None:
        for user in waiting:  # shared: each reader takes the next one
            found[user] = await _points(client, user)

    async with trio.open_nursery() as nursery:
        for _ in range(READERS):
            nursery.start_soon(read)
    return found


async def _points(client: httpx.AsyncClient, user: str) -> int:
    answer = await client.get(f"/api/v1/wallets/{user}")
    while answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:  # a minute passes, and there is more
        await trio.sleep(float(answer.headers["Retry-After"]))
        answer = await client.get(f"/api/v1/wallets/{user}")
    if answer.status_code == HTTPStatus.NOT_FOUND:
        return 0
    if answer.status_code != HTTPStatus.OK:
        text = f"the daemon answers {answer.status_code} for a wallet"
        raise CommandError("WALLET_UNREADABLE", text, "see its log", exit_status=EXIT_OTHER)
    balance = answer.json()["balance"]
    held = int(balance["available"]) + int(balance["pending"]) + int(balance["blocked"])
    return held - int(balance["shortfall"])


async def read_books(url: str, transactions: str) -> Books:
    """The books of one run.

    Args:
        url: of the database.
        transactions: how the run's transaction ids begin.

    Raises:
        ConnectionLost: the database does not answer.
    """
    async with open_bridge() as bridge:
        connection = await bridge.connect(Target(url, "comptoir demo"))
        try:
            (row,) = await connection.fetch(BOOKS_SQL, transactions, seconds=SECONDS_MAX)
        finally:
            await connection.close()
    return Books(row["matched"], row["credited"], row["clawed_back"], row["ledger_sum"])
