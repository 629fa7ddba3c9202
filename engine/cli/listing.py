"""What `comptoir lists` does, and the lists that `comptoir check screen` opens.

Rule: a list that is not understood ends the command with its line, before one name was looked for. Source: issue 8,
deliver 3.
"""

import json
import sys
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import typer

from comptoir.actors.screening.entries import Entry, ListInvalid
from comptoir.actors.screening.index import Header, Index, IndexInvalid, build_index
from comptoir.actors.screening.reading import apply_delta, read_list
from comptoir.engine.cli.errors import CommandError, one_line

__all__ = ["open_lists", "run_build", "run_show"]


def run_build(source: Path, path: Path, delta: Path | None, form: str) -> None:
    """Write the index of a list.

    Raises:
        CommandError: LIST_INVALID or FILE_UNREADABLE.
    """
    with _told(source):
        entries: Iterable[Entry] = read_list(source)
        if delta is not None:
            entries = _changed(entries, delta)
        header = build_index(entries, path, _progress if sys.stderr.isatty() else None)
    _show(path, header, form)


def run_show(path: Path, form: str) -> None:
    """Tell what an index is of.

    Raises:
        CommandError: LIST_INVALID or FILE_UNREADABLE.
    """
    with _told(path), Index(path) as index:
        _show(path, index.header, form)


@contextmanager
def open_lists(paths: tuple[Path, ...]) -> Generator[list[tuple[str, Index]]]:
    """Open indices, and lists by way of an index that lasts as long as this.

    Raises:
        CommandError: USAGE, LIST_INVALID or FILE_UNREADABLE.
    """
    if not paths:
        raise CommandError("USAGE", "there is no list to search", "give --list FILE")
    with ExitStack() as stack:
        yield [(path.name, stack.enter_context(_open(path, stack))) for path in paths]


def _open(path: Path, stack: ExitStack) -> Index:
    with _told(path):
        try:
            return Index(path)
        except (IndexInvalid, IsADirectoryError):
            pass
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="comptoir-list-")))
        build_index(read_list(path), folder / "index")
        return Index(folder / "index")


def _changed(entries: Iterable[Entry], delta: Path) -> Iterator[Entry]:
    known = {entry.id: entry for entry in entries}
    with _told(delta), delta.open("rb") as lines:
        apply_delta(known, lines)
    yield from known.values()


@contextmanager
def _told(path: Path) -> Generator[None]:
    name = one_line(str(path))
    try:
        yield
    except (ListInvalid, IndexInvalid, ValueError) as error:
        text = f"{name}: {error}"
        raise CommandError("LIST_INVALID", text, "give the list as its publisher does") from None
    except OSError as error:
        text = f"{name} cannot be read ({error.strerror})"
        raise CommandError("FILE_UNREADABLE", text, "name a readable file") from None


def _progress(names: int) -> None:
    typer.echo(f"\r{names:,} names", err=True, nl=False)


def _show(path: Path, header: Header, form: str) -> None:
    if form == "json":
        told = {"version": header.version, "entries": header.entries, "names": header.names}
        typer.echo(json.dumps(told))
        return
    typer.echo(
        f"{one_line(str(path))}: {header.entries:,} entries, {header.names:,} names, "
        f"version {header.version[:16]}"
    )
