"""Puts a test between the writer and its connection: before a statement is sent, after its answer."""

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import pytest

from comptoir.storage.bridge import Connection

__all__ = ["watch_statements"]


def watch_statements(
    monkeypatch: pytest.MonkeyPatch,
    *,
    before: Callable[[str], None] = lambda _sql: None,
    after: Callable[[str], None] = lambda _sql: None,
) -> None:
    """Call `before` and `after` with the text of each statement; what they raise is a crash there."""
    start, answer = Connection.start, Connection.answer
    sent: WeakKeyDictionary[Any, str] = WeakKeyDictionary()

    def watched_start(self: Connection, sql: str, *arguments: object) -> Any:
        before(sql)
        query = start(self, sql, *arguments)
        sent[query] = sql
        return query

    async def watched_answer(self: Connection, query: Any, seconds: float | None = None) -> Any:
        rows = await answer(self, query, seconds)
        after(sent.get(query, ""))
        return rows

    monkeypatch.setattr(Connection, "start", watched_start)
    monkeypatch.setattr(Connection, "answer", watched_answer)
