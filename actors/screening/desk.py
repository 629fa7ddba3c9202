"""The watch lists of a daemon: which version of each is searched, and how the next one takes its place.

The rules:
- what is searched is what the lists' actors have committed (actors/watch_list), opened again at a start, and every
  version that was loaded since;
- a search is one child's over all lists at once, so what it answers names the very versions that it had open. While
  one of the lists is not there nobody is searched for: that would clear somebody who is on it;
- a version takes its predecessor's place when a child has it open; who waits for the one before is still answered by it;
- the index of a version is a file of its own. Those of no version that may be needed again go.
Source: spec.md S21, S27; issue 8, deliver 3; docs/screening.md.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import structlog
import trio

from comptoir.actors.gateways.list_messages import LoadList
from comptoir.actors.screening.entries import ListInvalid
from comptoir.actors.screening.evidence import Subject
from comptoir.actors.screening.index import Header, Index, IndexInvalid
from comptoir.actors.screening.loading import UNREADABLE, WRONG, Said, Task, index_path
from comptoir.actors.screening.matching import MATCH_FROM
from comptoir.actors.screening.process import ListHit, Screening, ScreeningUnavailable
from comptoir.actors.screening.reading import list_files

__all__ = ["ListDesk", "ListRefused", "Loaded", "Searched"]

log = structlog.get_logger("comptoir.lists")

FILES_MAX: Final = 64
"""In a list's folder; OFAC's has four."""
LINE_BYTES_MAX: Final = 65_536
SHARE_MIN: Final = 0.5
"""Of its entries: a list that loses more at once was cut short on its way, until somebody says that it was not."""
CHANGING: Final = "LIST_CHANGING"
SHRUNK: Final = "LIST_SHRUNK"
NAMES_TOLD: Final = 100_000
"""A line in the log for so many."""
_COMMAND: Final = (sys.executable, "-I", "-m", "comptoir.actors.screening.loading")


class ListRefused(Exception):
    """A list cannot be taken as it is; the version before stays."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


class Loaded(NamedTuple):
    """A version that is searched now."""

    version: str
    entries: int
    names: int
    look: str
    """How its files looked: name, size and time of each, digested."""


class Searched(NamedTuple):
    """What a search found, and in what."""

    hits: tuple[ListHit, ...]
    versions: Mapping[str, str]


class _Serving(NamedTuple):
    screening: Screening
    versions: Mapping[str, str]
    names: Mapping[str, str]
    """By the index's file."""


class ListDesk:
    """The lists of one daemon."""

    def __init__(
        self, lists: Mapping[str, Path], folder: Path, match_from: float = MATCH_FROM
    ) -> None:
        """Nothing is open yet.

        Args:
            lists: name -> where it comes from.
            folder: where the indices go.
            match_from: the score of a hit, at least.
        """
        self._sources = {name: path.absolute() for name, path in lists.items()}
        self._folder = folder.absolute()
        self._match_from = match_from
        self._open: dict[str, Header] = {}
        self._serving: _Serving | None = None
        self._one_at_a_time = trio.Lock()
        self.reading: dict[str, int] = {}
        """List that is read now -> names so far."""
        self.reader: int | None = None
        """The process that reads it."""

    def __repr__(self) -> str:
        return f"<ListDesk {len(self._open)} of {len(self._sources)} lists>"

    @property
    def names(self) -> tuple[str, ...]:
        """The lists that there are to be."""
        return tuple(self._sources)

    @property
    def is_whole(self) -> bool:
        """Whether every list is there."""
        return self._open.keys() == self._sources.keys()

    async def open(self, known: Mapping[str, str]) -> None:
        """Take up what was committed; what is not there any more has to be loaded.

        Args:
            known: list -> its version.
        """
        if not self._sources:
            return
        await trio.to_thread.run_sync(self._take_up, known)
        self._serving = self._serving_of(self._open)

    def _take_up(self, known: Mapping[str, str]) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self._folder.glob("*.idx"):
            if path.name.partition(".")[0] not in self._sources:
                path.unlink()  # of a list that is configured no more
        for name in self._sources:
            version = known.get(name, "")
            with suppress(OSError, IndexInvalid), Index(index_path(self._folder, name, version)) as index:  # fmt: skip
                if index.header.version == version:
                    self._open[name] = index.header

    async def search(self, schema: str, subject: Subject) -> Searched:
        """Whom the lists may mean by a subject.

        Raises:
            ScreeningUnavailable: a list is not there yet, or the child does not answer.
            ValueError: the subject cannot be asked for.
        """
        serving = self._serving
        if serving is None or not self.is_whole:
            raise ScreeningUnavailable
        found = await serving.screening.search(schema, subject)
        hits = (msgspec.structs.replace(hit, list=serving.names[hit.list]) for hit in found)
        return Searched(tuple(hits), serving.versions)

    async def load(self, wanted: LoadList) -> Loaded | None:
        """Have a list's present version searched; None: it is the one that is.

        Raises:
            ListRefused: it cannot be read.
            ScreeningUnavailable: whoever reads or searches it was lost.
        """
        async with self._one_at_a_time:
            return await self._load(wanted)

    async def _load(self, wanted: LoadList) -> Loaded | None:
        name, version = wanted.list, wanted.version
        source = self._sources[name]
        now = await trio.to_thread.run_sync(_look_at, source)
        before = self._open.get(name)
        if now == wanted.look and before is not None and before.version == version:
            return None
        self.reading[name] = 0
        try:
            said = await self._read(name, source)
        finally:
            del self.reading[name]
        if await trio.to_thread.run_sync(_look_at, source) != now:
            raise ListRefused(CHANGING, "its file changed while it was read")
        if before is not None and not wanted.anyway and said.entries < before.entries * SHARE_MIN:
            detail = (
                f"{said.entries} entries, and there were {before.entries}: reload it if that is so"
            )
            raise ListRefused(SHRUNK, detail)
        loaded = Loaded(said.version, said.entries, said.names, now)
        if before is None or before.version != said.version:
            await self._replace(name, Header(said.version, said.entries, said.names, {}))
        keep = {(one, header.version) for one, header in self._open.items()} | {(name, version)}
        await trio.to_thread.run_sync(self._clean, keep, name)
        return loaded

    async def _replace(self, name: str, header: Header) -> None:
        """Have the lists searched with this one among them, as soon as a child has them open; else as they were."""
        headers = {**self._open, name: header}
        serving = self._serving_of(headers)
        if headers.keys() == self._sources.keys():
            await serving.screening.start()
        old, self._open, self._serving = self._serving, headers, serving
        if old is not None:
            with trio.CancelScope(shield=True):
                await old.screening.retire()

    def _serving_of(self, headers: Mapping[str, Header]) -> _Serving:
        versions = {name: header.version for name, header in sorted(headers.items())}
        paths = {name: index_path(self._folder, name, one) for name, one in versions.items()}
        return _Serving(
            Screening(tuple(paths.values()), self._match_from),
            versions,
            {p.name: n for n, p in paths.items()},
        )

    def _clean(self, keep: set[tuple[str, str]], name: str) -> None:
        """Remove this list's other indices, and what a child that was killed left of it."""
        kept = {index_path(self._folder, one, version) for one, version in keep}
        for path in (*self._folder.glob(f"{name}.*.idx"), *self._folder.glob(f".{name}.*")):
            if path not in kept:
                path.unlink(missing_ok=True)

    async def _read(self, name: str, source: Path) -> Said:
        """Have a child make the index; it ends with this."""
        task = Task(name, str(source), str(self._folder))
        environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
        child = await trio.lowlevel.open_process(
            _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=environment, process_group=0,
        )  # fmt: skip
        self.reader = child.pid
        try:
            said = await _converse(child, task, lambda names: self._progress(name, names))
        except trio.BrokenResourceError:
            said = None
        finally:
            self.reader = None
            with trio.CancelScope(shield=True):
                if child.returncode is None:
                    child.kill()
                await child.wait()
                for pipe in (child.stdin, child.stdout):
                    if pipe is not None:
                        await pipe.aclose()
        if said is None:
            raise ScreeningUnavailable
        if said.code:
            raise ListRefused(said.code, said.detail)
        return said

    def _progress(self, name: str, names: int) -> None:
        if names // NAMES_TOLD > self.reading[name] // NAMES_TOLD:
            log.info("a list is read", list=name, names=names)
        self.reading[name] = names

    async def aclose(self) -> None:
        """End the child."""
        if self._serving is not None:
            await self._serving.screening.aclose()


async def _converse(
    child: trio.Process, task: Task, progress: Callable[[int], None]
) -> Said | None:
    """Its last word; None: it ended without one."""
    assert child.stdin is not None
    assert child.stdout is not None
    await child.stdin.send_all(msgspec.json.encode(task) + b"\n")
    buffer = b""
    while part := await child.stdout.receive_some():
        *lines, buffer = (buffer + part).split(b"\n")
        if len(buffer) > LINE_BYTES_MAX:
            return None
        for line in lines:
            said = msgspec.json.decode(line, type=Said)
            if said.version or said.code:
                return said
            progress(said.names)
    return None


def _look_at(source: Path) -> str:
    """Name, size and time of each of its files, digested; they are read when it is another."""
    try:
        files = sorted(source.iterdir())[:FILES_MAX] if source.is_dir() else list_files(source)
        seen = [[one.name, (at := one.stat()).st_size, at.st_mtime_ns] for one in files]
    except OSError as error:
        raise ListRefused(UNREADABLE, error.strerror or "") from None
    except ListInvalid as error:
        raise ListRefused(WRONG, str(error)) from None
    return sha256(msgspec.json.encode(seen)).hexdigest()
