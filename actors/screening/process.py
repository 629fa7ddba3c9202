"""Screening in a process of its own, so that no search ever holds the daemon's loop.

The rules:
- the child is `comptoir check screen`: one line in, one line out, in order. What a person runs by hand and what the
  daemon asks is one program;
- every search has a deadline. A child that is late, ends, or says what is no answer is killed and replaced, and the
  search is tried once more with the new one; then it is `ScreeningUnavailable`, which is no answer and clears nobody;
- the child ends with its input, so it outlives no daemon, not even one that was killed;
- one search at a time: the pipe is the queue, and whoever waits is bounded by who may ask.
Source: issue 8, deliver 3; design.md 2 ("nothing synchronous in the daemon takes over a millisecond").
"""

import os
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import PIPE
from typing import Final

import msgspec
import trio

from comptoir.actors.priority import give_way
from comptoir.actors.screening.clearing import Said
from comptoir.actors.screening.evidence import Subject
from comptoir.actors.screening.matching import MATCH_FROM

__all__ = [
    "ListHit",
    "Screening",
    "ScreeningStatistics",
    "ScreeningUnavailable",
    "open_screening",
]

SEARCH_SECONDS: Final = 5.0
"""A search takes milliseconds; a machine that swaps may take a thousand times as long."""
START_SECONDS: Final = 60.0
"""To read the interpreter and map the indices; a list that is no index yet is built first."""
ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024
"""Twenty hits with their explanations are a few kilobytes."""
TRIES: Final = 2


class ScreeningUnavailable(Exception):
    """There is no answer: the child could not be started, or did not answer in time, twice."""


class ListHit(msgspec.Struct, frozen=True):
    """A hit as `check screen` tells it."""

    list: str
    id: str
    name: str
    score: float
    features: dict[str, float]
    topics: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    birth_dates: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    fingerprint: str = ""
    """Of what the entry and the subject say (clearing.py)."""
    said: Said | None = None
    """That itself."""


class ScreeningStatistics(msgspec.Struct, frozen=True):
    """How it went so far."""

    searches: int
    """Answered."""
    started: int
    """Children; one where none was lost."""
    pid: int | None


class _Answer(msgspec.Struct):
    ok: bool
    hits: tuple[ListHit, ...] = ()
    error: dict[str, str] | None = None


class _LostError(Exception):
    """This child is of no use any more."""


_ANSWER: Final = msgspec.json.Decoder(_Answer)


class _Child:
    """One running program, and what it said that was not read yet."""

    def __init__(self, process: trio.Process) -> None:
        self.process = process
        self.buffer = b""

    async def ask(self, line: bytes) -> bytes:
        """Its answer to a line.

        Raises:
            _LostError: it ended, or says too much.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            await self.process.stdin.send_all(line + b"\n")
        except trio.BrokenResourceError:
            raise _LostError from None
        while b"\n" not in self.buffer:
            data = await self.process.stdout.receive_some()
            if not data or len(self.buffer) > ANSWER_BYTES_MAX:
                raise _LostError
            self.buffer += data
        answer, _, self.buffer = self.buffer.partition(b"\n")
        return answer


class Screening:
    """The lists, searched by a child; see `open_screening`."""

    def __init__(self, lists: Sequence[Path], match_from: float = MATCH_FROM) -> None:
        """Nothing is started yet.

        Args:
            lists: their indices.
            match_from: the score of a hit, at least.
        """
        self._lists = tuple(lists)
        self._match_from = match_from
        self._child: _Child | None = None
        self._turn = trio.Lock()
        self._searches = self._started = 0

    def __repr__(self) -> str:
        return f"<Screening of {len(self._lists)} lists: {self._searches} searches, {self._started} started>"

    def statistics(self) -> ScreeningStatistics:
        """How it went so far."""
        pid = self._child.process.pid if self._child is not None else None
        return ScreeningStatistics(self._searches, self._started, pid)

    async def search(self, schema: str, subject: Subject) -> tuple[ListHit, ...]:
        """Whom the lists may mean by a subject, best first; of several names, by its first.

        Raises:
            ScreeningUnavailable: nobody knows.
            ValueError: the subject cannot be asked for.
        """
        asked = {
            "schema": schema, "name": subject.names[0], "birth_date": next(iter(subject.birth_dates), None),
            "countries": sorted(subject.countries), "gender": subject.gender, "facts": True,
            "at_least": self._match_from,
        }  # fmt: skip
        async with self._turn:
            answer = await self._ask(msgspec.json.encode(asked))
            self._searches += 1
        if not answer.ok:
            raise ValueError((answer.error or {}).get("detail", ""))
        return answer.hits

    async def start(self) -> None:
        """Have a child that has the lists open.

        Raises:
            ScreeningUnavailable: it cannot be started.
        """
        async with self._turn:
            try:
                self._child = self._child or await self._start()
            except (_LostError, trio.TooSlowError, OSError):
                await self._drop()
                raise ScreeningUnavailable from None
            except trio.Cancelled:
                with trio.CancelScope(shield=True):
                    await self._drop()
                raise

    async def retire(self) -> None:
        """End the child when those who wait for it now have their answers."""
        async with self._turn:
            await self._drop()

    async def aclose(self) -> None:
        """End the child at once."""
        await self._drop()

    async def _ask(self, line: bytes) -> _Answer:
        for _ in range(TRIES):
            try:
                child = self._child or await self._start()
                with trio.fail_after(SEARCH_SECONDS):
                    return _ANSWER.decode(await child.ask(line))
            except (_LostError, trio.TooSlowError, msgspec.DecodeError, OSError):
                await self._drop()
            except trio.Cancelled:
                # Its answer would be read as that of the next search.
                with trio.CancelScope(shield=True):
                    await self._drop()
                raise
        raise ScreeningUnavailable

    async def _start(self) -> _Child:
        options = [option for path in self._lists for option in ("--list", str(path))]
        command = [sys.executable, "-m", "comptoir.engine.cli", "check", "screen", *options]
        # Settings and the secrets among them are none of its business.
        env = {key: value for key, value in os.environ.items() if not key.startswith("COMPTOIR_")}
        process = await trio.lowlevel.open_process(
            command, stdin=PIPE, stdout=PIPE, env=env, process_group=0
        )
        self._child = _Child(process)
        self._started += 1
        give_way(process.pid)
        with trio.fail_after(START_SECONDS):
            await self._child.ask(b"{}")
        return self._child

    async def _drop(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.process.kill()
        with trio.CancelScope(shield=True):
            await child.process.wait()
            for end in (child.process.stdin, child.process.stdout):
                if end is not None:
                    await end.aclose()


@asynccontextmanager
async def open_screening(
    lists: Sequence[Path], match_from: float = MATCH_FROM
) -> AsyncGenerator[Screening]:
    """A child that searches these lists or indices; it is started by the first search, and ends with this."""
    screening = Screening(lists, match_from)
    try:
        yield screening
    finally:
        with trio.CancelScope(shield=True):
            await screening.aclose()
