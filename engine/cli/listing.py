"""What `comptoir lists` does, and the lists that `comptoir check screen` opens.

Rule: a list that is not understood ends the command with its line, before one name was looked for. Source: issue 8,
deliver 3; check-command contract, kind `screen` ("lists from config or --list").
"""

import json
import os
import sys
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import typer

from comptoir.actors.screening.entries import Entry, ListInvalid
from comptoir.actors.screening.index import Header, Index, IndexInvalid, build_index
from comptoir.actors.screening.ofac import SDN
from comptoir.actors.screening.reading import apply_delta, read_list, source_of
from comptoir.engine.cli.errors import CommandError, one_line

__all__ = ["match_from", "open_lists", "run_build", "run_show"]


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
    """Open indices, and lists by way of an index that lasts as long as this; without one those of the settings.

    Raises:
        CommandError: USAGE, LIST_INVALID or FILE_UNREADABLE.
        SettingsError: there is no list given, and the settings are wrong.
    """
    lists = list(_given(paths)) or _configured()
    if not lists:
        remedy = "give --list FILE, or set screening.lists"
        raise CommandError("USAGE", "there is no list to search", remedy)
    with ExitStack() as stack:
        yield [(name, stack.enter_context(_open(path, stack))) for name, path in lists]


def _given(paths: tuple[Path, ...]) -> Iterator[tuple[str, Path]]:
    """Each list once, by its file's name: the files of OFAC's are one list, however many of them are named."""
    seen: set[Path] = set()
    for path in paths:
        with _told(path):
            source = source_of(path)
        if source not in seen:
            seen.add(source)
            yield (path.name if source == path else SDN), path


def match_from() -> float:
    """The score of a match, at least, by the daemon's settings.

    Raises:
        SettingsError: they are wrong.
    """
    from comptoir.engine.settings import Settings

    return Settings.load(None, os.environ).screening.match_from


def _configured() -> list[tuple[str, Path]]:
    """Those of the daemon's settings, by their names there."""
    # Here and not above: the daemon's own search is given its lists, and shall not read 30 modules of settings.
    from comptoir.engine.settings import Settings

    lists = Settings.load(None, os.environ).screening.lists
    return [(one.name, one.path) for one in lists]


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
