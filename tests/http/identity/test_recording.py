"""Tokens made by hand reach the audit log: each once, in order, whatever ends in between.

Source: recording.py, issued.py; interface.md 9; S36.
"""

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.issuance.machine import TokenIssuedByHand
from comptoir.actors.issuance.messages import BY_HAND, RecordToken
from comptoir.engine import Unavailable
from comptoir.engine.boot import memory_engine
from comptoir.http.identity import issued
from comptoir.http.identity.issuing import Grant
from comptoir.http.identity.recording import take_over
from comptoir.http.principal import Role
from comptoir.http.testing import FakeDaemon


def _made(folder: Path, *names: str) -> None:
    for name in names:
        grant = Grant(f"sub-{name}", (Role.CLIENT,), ("a:b",), "comptoir-cli", 900)
        issued.record(folder, issued.Issued(name, 1_800_000_000, grant, 1000))


def _told(daemon: FakeDaemon) -> list[str]:
    return [message.token_id for _, message in daemon.asks if isinstance(message, RecordToken)]


async def test_lines_go_in_order_and_once(tmp_path: Path, daemon: FakeDaemon) -> None:
    """S36: what was made is told in the order in which it was made, then there is nothing more."""
    _made(tmp_path, "a", "b", "c")
    assert await take_over(daemon, tmp_path) == 3
    assert await take_over(daemon, tmp_path) == 0
    _made(tmp_path, "d")
    assert await take_over(daemon, tmp_path) == 1
    assert _told(daemon) == ["a", "b", "c", "d"]
    assert {address for address, _ in daemon.asks} == {BY_HAND}


async def test_nothing_is_removed_before_it_is_durable(tmp_path: Path, daemon: FakeDaemon) -> None:
    """Invariant 1: while the database is away, lines wait, and those written meanwhile as well."""
    _made(tmp_path, "a")
    daemon.error = Unavailable("away")
    with pytest.raises(Unavailable):
        await take_over(daemon, tmp_path)
    _made(tmp_path, "b")
    daemon.error = None
    daemon.asks.clear()
    assert await take_over(daemon, tmp_path) == 1
    assert await take_over(daemon, tmp_path) == 1
    assert _told(daemon) == ["a", "b"]


async def test_a_foreign_line_holds_nothing_up(tmp_path: Path, daemon: FakeDaemon) -> None:
    """S36: a line that is not of the form is left out, and those beside it are not."""
    _made(tmp_path, "a")
    with (tmp_path / issued.RECORD_FILE).open("a") as file:
        file.write(json.dumps({"jti": 1}) + "\n[]\n{\n")
    _made(tmp_path, "b")
    assert await take_over(daemon, tmp_path) == 2
    assert _told(daemon) == ["a", "b"]


@given(ends=st.lists(st.integers(0, 4), max_size=4), lines=st.integers(1, 4))
def test_each_token_is_one_event(ends: list[int], lines: int) -> None:
    """S36: however often the daemon ends while it takes over, each token is in the log once."""
    names = [f"jti-{number}" for number in range(lines)]

    async def play() -> list[str]:
        with TemporaryDirectory() as made:
            folder = Path(made)
            _made(folder, *names)
            async with memory_engine() as engine:
                for (
                    end
                ) in ends:  # a life that ends after so many commits, before it removes anything
                    await _take_some(engine, folder, end)
                await take_over(_Whole(engine.ask), folder)
                found = [
                    json.loads(one.payload)["token_id"]
                    for one in await engine.journal.events(0, 100)
                    if one.type == TokenIssuedByHand.__name__
                ]
        return found

    assert trio.run(play) == names


class _Whole(FakeDaemon):
    """A daemon whose engine is a real one."""

    def __init__(self, ask: Callable[..., Any]) -> None:
        super().__init__()
        self.asked = ask


async def _take_some(engine: Any, folder: Path, commits: int) -> None:
    """A take-over that the daemon's end interrupts after so many commits."""
    left = commits

    async def ask(*asked: Any) -> Any:
        nonlocal left
        if left == 0:
            raise Unavailable("it ended")
        left -= 1
        return await engine.ask(*asked)

    try:
        await take_over(_Whole(ask), folder)
    except Unavailable:
        return
