"""Readings of pending rows at the same time share a query, and nobody gets another's rows.

Source: storage/reads.py; design.md 2, 3 (a start reads every address that has work left).
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
import trio

from comptoir.engine.values import Address
from comptoir.storage.journal_testing import NOW, Desk, keep, tell

ADDRESSES = 40
OFFICE = Address("push", "push")


def _address(number: int) -> Address:
    return Address("wallet", f"w{number:02d}")


async def _leave(journal: Any) -> dict[Address, list[int]]:
    """Address n gets n % 5 rows; by address, their ids."""
    targets = [_address(n) for turn in range(5) for n in range(ADDRESSES) if n % 5 > turn]
    messages = tuple(tell(target, f"{target.key}") for target in targets)
    fate = await Desk(journal).write(OFFICE, keep(messages=messages), stateless=True)
    ids: dict[Address, list[int]] = {_address(n): [] for n in range(ADDRESSES)}
    for row in fate.outgoing:
        ids[row.target].append(row.id)
    return ids


async def _all_at_once(readings: list[Callable[[], Awaitable[Any]]]) -> list[Any]:
    found: list[Any] = [None] * len(readings)

    async def read(number: int) -> None:
        try:
            found[number] = await readings[number]()
        except Exception as error:  # noqa: BLE001  # what each of them hears is what is tested
            found[number] = error

    async with trio.open_nursery() as nursery:
        for number in range(len(readings)):
            nursery.start_soon(read, number)
    return found


async def test_each_gets_its_own_rows_in_order(
    postgres: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Design.md 2: forty readings of different limits and times, each the rows of its address in id
    order, with fewer queries than readings.
    """
    async with postgres.open() as journal:
        ids = await _leave(journal)
        queries: list[str] = []
        fetch = journal._fetch

        async def counted(sql: str, *arguments: object) -> list[Any]:
            queries.append(sql)
            found: list[Any] = await fetch(sql, *arguments)
            return found

        monkeypatch.setattr(journal, "_fetch", counted)
        found = await _all_at_once(
            [
                partial(journal.pending, _address(n), 256 if n % 2 else 2, NOW + n)
                for n in range(ADDRESSES)
            ]
        )
        for number, rows in enumerate(found):
            expected = ids[_address(number)][: 256 if number % 2 else 2]
            assert [row.id for row in rows] == expected
            assert {row.target for row in rows} <= {_address(number)}
        before, same = len(queries), 32
        await _all_at_once([partial(journal.pending, _address(n), 100, NOW) for n in range(same)])
        assert len(queries) - before <= 2


async def test_one_that_cannot_be_read_hurts_no_other(postgres: Any) -> None:
    """Design.md 5: an address that the database cannot be asked for is its own reader's error."""
    async with postgres.open() as journal:
        ids = await _leave(journal)
        addresses = [_address(3), Address("wallet", "\ud800"), _address(4)]
        first, error, last = await _all_at_once(
            [partial(journal.pending, a, 10, NOW) for a in addresses]
        )
        assert isinstance(error, Exception)
        assert [row.id for row in first] == ids[_address(3)]
        assert [row.id for row in last] == ids[_address(4)]
