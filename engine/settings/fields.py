"""How a setting is declared: one row with default, unit, range, meaning and spec line.

Rule: everything that the loader, config.toml, docs/configuration.md and `comptoir config` need to
know of a setting stands in its one row, so that none of them can say something else.
Source: interface.md 3; style: fields documented where they stand, the unit last in the name.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar, cast

from comptoir.engine.settings.kinds import FlagKind, IntegerKind, Kind, NumberKind, Plain
from comptoir.engine.settings.problems import Fault, SettingsError, suggestion

__all__ = [
    "PREFIX",
    "Key",
    "Option",
    "Section",
    "TableKind",
    "flag",
    "integer",
    "keys",
    "number",
    "option",
    "options",
    "rebuilt",
    "section",
    "sections",
]

T = TypeVar("T")
S = TypeVar("S", bound="Section")
PREFIX = "COMPTOIR_"


@dataclass(frozen=True, slots=True)
class Option:
    """What is known of a setting beside its name and its default."""

    kind: Kind
    unit: str
    """Unit of the value (`ms`, `points`), empty where it has none."""
    text: str
    """One sentence: what it is for."""
    source: str
    """Spec lines (`S55, X16`), or `ours` for a choice of this project."""


def option(default: T, kind: Kind, text: str, source: str, unit: str = "") -> T:
    """Declare a setting of any kind. The default must be immutable."""
    row = {"option": Option(kind, unit, text, source)}
    if type(default).__hash__ is None:  # dataclasses refuse these, even a read-only mapping
        return field(default_factory=lambda: default, metadata=row)
    return field(default=default, metadata=row)


def integer(default: int, unit: str, span: tuple[int, int], text: str, source: str) -> int:
    """Declare an integer between two bounds, both included."""
    return option(default, IntegerKind(*span), text, source, unit)


def number(default: float, unit: str, span: tuple[float, float], text: str, source: str) -> float:
    """Declare a duration that may have decimals."""
    return option(default, NumberKind(*span), text, source, unit)


def flag(default: bool, text: str, source: str) -> bool:
    """Declare a switch."""
    return option(default, FlagKind(), text, source)


def section(factory: Callable[[], S]) -> S:
    """Declare a section inside a section; its text is the docstring of its class."""
    return field(default_factory=factory)


@dataclass(frozen=True, slots=True)
class Section:
    """A table of settings. A value that its row does not allow cannot be constructed."""

    def __post_init__(self) -> None:
        """Check every value of the table.

        Raises:
            SettingsError: with every wrong value, named `Class.field`.
        """
        problems = [
            fault.problem(f"{type(self).__name__}.{name}")
            for name, row in options(type(self)).items()
            if (fault := _fault_of(row.kind, getattr(self, name))) is not None
        ]
        if problems:
            raise SettingsError(problems)


def _fault_of(kind: Kind, value: object) -> Fault | None:
    """Return what the kind has against the value."""
    try:
        kind.check(value)
    except Fault as fault:
        return fault
    return None


class _Fields(NamedTuple):
    """What the fields of a table are; they are asked for with every value."""

    rows: Mapping[str, Option]
    others: tuple[str, ...]
    """The names of those that are no rows: sections, for the most part."""


_FIELDS: dict[type[Section], _Fields] = {}


def _fields_of(table: type[Section]) -> _Fields:
    found = _FIELDS.get(table)
    if found is None:
        every = {entry.name: entry.metadata for entry in dataclasses.fields(table)}
        rows = {name: cast(Option, of["option"]) for name, of in every.items() if "option" in of}
        others = tuple(name for name in every if name not in rows)
        found = _FIELDS[table] = _Fields(MappingProxyType(rows), others)
    return found


def options(table: type[Section]) -> Mapping[str, Option]:
    """Return the rows of a table by name, sections inside it left out."""
    return _fields_of(table).rows


@dataclass(frozen=True, slots=True)
class Key:
    """One setting at its place in the whole, with its value."""

    path: tuple[str, ...]
    option: Option
    value: object

    @property
    def dotted(self) -> str:
        """Name in the file: `webhooks.window_ms`."""
        return ".".join(self.path)

    @property
    def variable(self) -> str:
        """Name in the environment: `COMPTOIR_WEBHOOKS__WINDOW_MS` (interface.md 3)."""
        return PREFIX + "__".join(self.path).upper()


def sections(of: Section) -> Iterator[tuple[str, Section]]:
    """Yield the tables directly inside a table, by name."""
    for name in _fields_of(type(of)).others:
        inner = getattr(of, name)
        if isinstance(inner, Section):
            yield name, inner


def keys(of: Section, path: tuple[str, ...] = ()) -> Iterator[Key]:
    """Yield every setting of a table and of the tables inside it, in file order."""
    for name, row in options(type(of)).items():
        yield Key((*path, name), row, getattr(of, name))
    for name, inner in sections(of):
        yield from keys(inner, (*path, name))


def rebuilt(of: S, values: Mapping[tuple[str, ...], object]) -> S:
    """Return a copy with the values at these paths, in tables at any depth.

    Args:
        of: the table to copy.
        values: typed values by path, e.g. `{("http", "port"): 0}`; paths must exist.

    Raises:
        SettingsError: a value that its row does not allow.
    """
    changes: dict[str, Any] = {path[0]: value for path, value in values.items() if len(path) == 1}
    for name, inner in sections(of):
        below = {path[1:]: value for path, value in values.items() if path[0] == name and path[1:]}
        if below:
            changes[name] = rebuilt(inner, below)
    return dataclasses.replace(of, **changes)


@dataclass(frozen=True, slots=True)
class TableKind(Kind):
    """A value that is itself a table of settings, as each entry of a list of tables."""

    table: type[Section]

    @property
    def allowed(self) -> str:
        """Say what is allowed."""
        rows = options(self.table)
        return "a table of " + ", ".join(f"{name} ({rows[name].kind.allowed})" for name in rows)

    @property
    def brief(self) -> str:
        """Say it briefly."""
        rows = options(self.table)
        return "a table of " + ", ".join(f"{name} ({rows[name].kind.brief})" for name in rows)

    @property
    def hides(self) -> bool:
        """Keep a table out of errors and lists that holds what is kept out of them."""
        return any(row.kind.hides for row in options(self.table).values())

    def read(self, raw: object) -> Section:
        """Take a table that has every key and no other."""
        if type(raw) is not dict:
            raise self.wrong_type(raw)
        given, rows = cast(dict[str, object], raw), options(self.table)
        for name in given:
            if name not in rows:
                remedy = suggestion(name, tuple(rows))
                raise Fault("CONFIG_KEY_UNKNOWN", "is not a key", remedy, f".{name}")
        values: dict[str, Any] = {}
        for name, row in rows.items():
            if name not in given:
                text = f"lacks the key {name}"
                raise Fault("CONFIG_VALUE_TYPE", text, f"give {name}: {row.kind.allowed}")
            try:
                values[name] = row.kind.read(given[name])
            except Fault as fault:
                raise fault.within(f".{name}") from None
        return self.table(**values)

    def check(self, value: object) -> None:
        """Want the table's own class; it has checked its values itself."""
        if type(value) is not self.table:
            raise self.wrong_type(value)

    def dump(self, value: object) -> Plain:
        """Write the table, secrets included."""
        table, rows = cast(Section, value), options(self.table)
        return {name: row.kind.dump(getattr(table, name)) for name, row in rows.items()}

    def show(self, value: object) -> Plain:
        """Write the table as people may see it."""
        table, rows = cast(Section, value), options(self.table)
        return {name: row.kind.show(getattr(table, name)) for name, row in rows.items()}
