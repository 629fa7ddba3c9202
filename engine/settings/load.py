"""Reading settings: built-in defaults, then config.toml, then the environment.

Rule: everything wrong is collected before anything is refused; a name that is not known is never
skipped; nothing of a secret's text reaches a problem.
Source: interface.md 2 (where the file is looked for), interface.md 3 (variables, `_FILE`).
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar, cast

from comptoir.engine.settings.fields import (
    PREFIX,
    Key,
    Section,
    keys,
    options,
    rebuilt,
    sections,
)
from comptoir.engine.settings.problems import (
    Fault,
    Problem,
    SettingsError,
    nearest,
    slips_of,
    suggestion,
)

__all__ = ["CONFIG_VARIABLE", "OTHER_VARIABLES", "Reading", "read"]

S = TypeVar("S", bound=Section)

CONFIG_VARIABLE = "COMPTOIR_CONFIG"
"""Variable that names the configuration file (interface.md 2)."""
OTHER_VARIABLES = frozenset({CONFIG_VARIABLE})
"""Variables with our prefix that are not settings; any other one stops the start."""
DEFAULT_FILE = Path("config.toml")
FILE_SUFFIX = "_FILE"
FILE_BYTES_MAX = 1_048_576
"""Largest configuration or secret file (ours: ours has some 60 KiB)."""
PLACE_MAX = 200
"""Characters of a place that a problem repeats (ours)."""
_LINE = re.compile(r"\(at line ([0-9]+)")


@dataclass(slots=True)
class Reading:
    """What one reading found: values and their origins by path, and problems."""

    values: dict[tuple[str, ...], object] = field(default_factory=dict[tuple[str, ...], object])
    origins: dict[str, str] = field(default_factory=dict[str, str])
    problems: list[Problem] = field(default_factory=list[Problem])

    def take(self, key: Key, value: object, origin: str) -> None:
        """Keep a value; a later one (the environment's) wins."""
        self.values[key.path] = value
        self.origins[key.dotted] = origin


def read(defaults: S, path: Path | None, env: Mapping[str, str]) -> tuple[S, dict[str, str]]:
    """Read the file and the environment over the defaults.

    Args:
        defaults: what holds where nothing else is said.
        path: the file, which must exist; None looks at $COMPTOIR_CONFIG, then ./config.toml.
        env: the whole environment; variables without our prefix are left alone.

    Returns:
        The settings, and the origin of each key that is not a default.

    Raises:
        SettingsError: with everything that is wrong.
    """
    reading = Reading()
    file, explicit = _file(path, env)
    text = _text(reading, file, explicit)
    if text is not None:
        table = _parse(reading, file, text)
        _take_table(reading, defaults, table, (), str(file))
    _take_environment(reading, defaults, env)
    if reading.problems:
        raise SettingsError(reading.problems)
    return rebuilt(defaults, reading.values), reading.origins


def _file(path: Path | None, env: Mapping[str, str]) -> tuple[Path, bool]:
    """Choose the file; say whether someone named it, so that it must exist."""
    if path is not None:
        return path, True
    if CONFIG_VARIABLE in env:
        return Path(env[CONFIG_VARIABLE]), True
    return DEFAULT_FILE, False


def _text(reading: Reading, file: Path, explicit: bool) -> str | None:
    """Read the configuration file as UTF-8, or note why not."""
    name = str(file)
    try:
        raw = _bounded(file)
    except FileNotFoundError:
        if explicit:
            _note(reading, "CONFIG_FILE_MISSING", name, "does not exist", "name a file that does")
        return None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path, or too large
        reason = getattr(error, "strerror", None) or "no file, or too large"
        remedy = "name a readable file under 1 MiB"
        _note(reading, "CONFIG_FILE_UNREADABLE", name, f"cannot be read ({reason})", remedy)
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        where = f"{name}:{line}"
        _note(reading, "CONFIG_FILE_MALFORMED", where, "is not UTF-8", "save it as UTF-8")
        return None


def _bounded(file: Path) -> bytes:
    """Read a file of at most FILE_BYTES_MAX bytes."""
    with file.open("rb") as stream:
        raw = stream.read(FILE_BYTES_MAX + 1)
    if len(raw) > FILE_BYTES_MAX:
        raise ValueError("too large")
    return raw


def _note(reading: Reading, code: str, place: str, text: str, remedy: str) -> None:
    """Note a problem; the place may be anyone's text, so only its printable form is kept."""
    shown = ascii(place[:PLACE_MAX])[1:-1]
    reading.problems.append(Problem(code, shown, f"{shown} {text}", remedy))


def _parse(reading: Reading, file: Path, text: str) -> dict[str, object]:
    """Parse TOML; a problem names the line and never quotes it, for it may hold a secret."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        where = f"{file}:{found.group(1) if found else text.count(chr(10)) + 1}"
    except (ValueError, RecursionError):  # an integer of 5,000 digits; a thousand brackets
        where = str(file)
    remedy = "correct it (key = value, texts in quotes, each key once)"
    _note(reading, "CONFIG_FILE_MALFORMED", where, "is not TOML", remedy)
    return {}


def _take_table(
    reading: Reading, at: Section, table: Mapping[str, object], path: tuple[str, ...], file: str
) -> None:
    """Take a table of the file, and the tables inside it."""
    rows, inner = options(type(at)), dict(sections(at))
    for name, raw in table.items():
        place = ".".join((*path, name))
        if name in inner and isinstance(raw, dict):
            below = cast(dict[str, object], raw)
            _take_table(reading, inner[name], below, (*path, name), file)
        elif name in inner:
            remedy = f"make it a table, [{place}]"
            _note(reading, "CONFIG_VALUE_TYPE", place, f"is a value (in {file})", remedy)
        elif name in rows:
            key = Key((*path, name), rows[name], None)
            try:
                reading.take(key, key.option.kind.read(raw), "file")
            except Fault as fault:
                reading.problems.append(fault.problem(place, file))
        else:
            remedy = suggestion(name, (*rows, *inner))
            _note(reading, "CONFIG_KEY_UNKNOWN", place, f"is not a key (in {file})", remedy)


def _take_environment(reading: Reading, defaults: Section, env: Mapping[str, str]) -> None:
    """Take every variable with our prefix."""
    given = sorted(name for name in env if name.startswith(PREFIX))
    by_variable = {key.variable: key for key in keys(defaults)} if given else {}
    for variable in given:
        if variable in by_variable:
            _take_text(reading, by_variable[variable], env[variable], variable)
        elif variable.removesuffix(FILE_SUFFIX) in by_variable:
            plain = variable.removesuffix(FILE_SUFFIX)
            if plain in env:
                text = f"and {plain} are both set"
                _note(reading, "CONFIG_ENV_TWICE", variable, text, "keep one of them")
                continue
            text_of_file = _secret_file(reading, variable, env[variable])
            if text_of_file is not None:
                _take_text(reading, by_variable[plain], text_of_file, variable)
        elif variable not in OTHER_VARIABLES:
            _unknown_variable(reading, variable, tuple(by_variable))


def _take_text(reading: Reading, key: Key, text: str, variable: str) -> None:
    """Take the text of a variable or of the file that it names."""
    source = "secret file" if variable != key.variable else "environment"
    try:
        reading.take(key, key.option.kind.read_text(text), f"{source} {variable}")
    except Fault as fault:
        reading.problems.append(fault.problem(variable))


def _unknown_variable(reading: Reading, variable: str, variables: tuple[str, ...]) -> None:
    """Refuse a variable, with the nearest right name."""
    # without the prefix, which all share: it would make everything look alike
    names = [name.removeprefix(PREFIX) for name in (*variables, *sorted(OTHER_VARIABLES))]
    # a name may end so by itself (kafka.certificate_file): then nothing is taken away
    named_so = slips_of(variable.removeprefix(PREFIX), names)
    plain = variable if named_so else variable.removesuffix(FILE_SUFFIX)
    name = nearest(plain.removeprefix(PREFIX), names)
    found = PREFIX + name if name else None
    if found and plain != variable and found not in OTHER_VARIABLES:
        found += FILE_SUFFIX
    remedy = f"did you mean {found}?" if found else "unset it"
    _note(reading, "CONFIG_ENV_UNKNOWN", variable, "is not a variable of comptoir", remedy)


def _secret_file(reading: Reading, variable: str, name: str) -> str | None:
    """Read the value that stands in a file, without its one line end."""
    try:
        text = _bounded(Path(name)).decode()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8, or over 1 MiB"
        text = f"names a file that cannot be read ({reason})"
        remedy = "name a readable UTF-8 file that holds nothing but the value"
        _note(reading, "CONFIG_SECRET_FILE", variable, text, remedy)
        return None
    return text.removesuffix("\n").removesuffix("\r")
