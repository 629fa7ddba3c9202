"""No setting is a promise that nobody keeps: each row is read by the program, or says who will.

Rule: the product's own source is searched, by `ast`, for every row: an attribute of the row's name on
something that is its section (`settings.storage.data_dir`; `storage.data_dir` after `storage =
settings.storage`; `party.timeout_s` where `party: Provider`). What a later part of the product is to
read says so in its row or in its section: "used by card linking". A row that several sections share
(`Provider`) is one row.
Source: design.md 5 (every bound is held); S74; issue 3, deliver 8.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from comptoir.engine.settings import Settings
from comptoir.engine.settings.fields import Section, options, sections

ROOT = Path(__file__).resolve().parents[3]
ROOMS = ("engine", "storage", "actors", "http", "sandbox")
LATER = "used by "
"""What a row says, or its section, that belongs to a part of the product yet to come."""


@dataclass(frozen=True)
class Row:
    """One setting, at its place."""

    path: tuple[str, ...]
    table: str
    """The class of its section, as it is annotated where it is handed on."""
    later: bool

    @property
    def dotted(self) -> str:
        """As in the file."""
        return ".".join(self.path)


def rows(of: Section, path: tuple[str, ...] = (), later: bool = False) -> Iterator[Row]:
    """Every row below a section; a section's promise is that of all its rows."""
    later = later or LATER in " ".join((type(of).__doc__ or "").split())
    for name, option in options(type(of)).items():
        yield Row((*path, name), _declared_by(type(of), name), later or LATER in option.text)
    for name, inner in sections(of):
        yield from rows(inner, (*path, name), later)


def _declared_by(table: type[Section], name: str) -> str:
    """The class in which a row stands: a section that has rows of its own beside has it from there."""
    declares = (one for one in table.__mro__ if name in vars(one).get("__annotations__", {}))
    return next(declares).__name__


ROWS = tuple(rows(Settings()))


@dataclass
class Reading:
    """What a piece of source reads of the settings."""

    by_section: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """(name of the section, name of the row)"""
    by_table: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """(class of the section, name of the row)"""

    def has(self, row: Row) -> bool:
        """Whether this row is read."""
        section = row.path[-2]
        return (section, row.path[-1]) in self.by_section or (
            row.table,
            row.path[-1],
        ) in self.by_table


def read(tree: ast.Module) -> Reading:
    """Look at every attribute of a module, knowing what its names were assigned from."""
    found = Reading()
    aliases = dict(
        pair for node in ast.walk(tree) if isinstance(node, ast.Assign) for pair in _assigned(node)
    )
    tables = {
        given.arg: ast.unparse(given.annotation).strip("\"'")
        for given in ast.walk(tree)
        if isinstance(given, ast.arg) and given.annotation is not None
    }
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Attribute(attr=section), attr=row):
                found.by_section.add((section, row))
            case ast.Attribute(value=ast.Name(id=name), attr=row):
                if name in aliases:
                    found.by_section.add((aliases[name], row))
                if name in tables:
                    found.by_table.add((tables[name], row))
            case _:
                pass
    return found


def _assigned(node: ast.Assign) -> Iterator[tuple[str, str]]:
    """`a = x.b` and `a, c = x.b, y.d`: the name, and the last attribute that it stands for."""
    target, value = node.targets[0], node.value
    pairs = [(target, value)]
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        pairs = list(zip(target.elts, value.elts, strict=False))
    for left, right in pairs:
        if isinstance(left, ast.Name) and isinstance(right, ast.Attribute):
            yield left.id, right.attr


@pytest.fixture(scope="module")
def readings() -> list[Reading]:
    """What each module of the product reads, but for the settings themselves."""
    own = ROOT / "engine" / "settings"
    files = [
        path
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        if not path.is_relative_to(own) and not path.name.endswith("testing.py")
    ]
    sources = [path.read_text(encoding="utf-8") for path in files]
    return [read(ast.parse(text)) for text in sources if "ettings" in text or "rovider" in text]


@pytest.mark.parametrize("row", [row for row in ROWS if not row.later], ids=lambda row: row.dotted)
def test_every_row_is_read(readings: list[Reading], row: Row) -> None:
    """S74: what an operator may set changes what the program does; else the row is not there."""
    same = [other for other in ROWS if (other.table, other.path[-1]) == (row.table, row.path[-1])]
    found = any(reading.has(one) for one in same for reading in readings)
    assert found, "nothing reads it: wire it or remove it"


def test_a_row_that_nothing_reads_is_found() -> None:
    """The search itself: an attribute of the same name on another thing is no reading."""
    text = "storage = self.settings.storage\nuse(storage.data_dir, other.url, x.http.port)\n"
    found = read(ast.parse(text + "def f(party: Provider): return party.timeout_s"))
    read_rows = {row.dotted for row in ROWS if found.has(row)}
    assert {"storage.data_dir", "http.port", "providers.fcm.timeout_s"} <= read_rows
    assert not {"storage.url", "ingest.port", "http.host", "storage.lease_s"} & read_rows
