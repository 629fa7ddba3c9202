"""The kinds of value that a setting can have: read from TOML, from JSON and from a variable.

Rule: nothing is coerced. A file's value has the kind's own type or is refused (an integer is not
a float, a boolean is not an integer, a text is not a number); a variable's text is parsed by the
kind. The one widening is an integer where seconds may have decimals.
Source: interface.md 3; design.md 7 (no value that the database or a log cannot hold).
"""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, TypeAlias, cast

import orjson

from comptoir.engine.settings.problems import Fault

__all__ = [
    "TEXT_MAX",
    "ChoiceKind",
    "FlagKind",
    "IntegerKind",
    "Kind",
    "NumberKind",
    "Plain",
    "TextKind",
    "from_json",
]

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain]"

TEXT_MAX = 4096
"""Characters of the longest single value; generous for a database address (ours)."""
SHOWN_MAX = 60
"""Characters of a refused value that an error repeats (ours)."""
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,29})")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")
_TYPE_NAMES: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "float",
    str: "text",
    list: "list",
    dict: "table",
}


class Kind(ABC):
    """What a value may be. `read*` give the typed value or raise `Fault`."""

    __slots__ = ()
    secret: ClassVar[bool] = False

    @property
    @abstractmethod
    def allowed(self) -> str:
        """Say what is allowed, to follow "give ": `an integer from 0 to 65535`."""

    @property
    def brief(self) -> str:
        """Say the same in the fewest words, for config.toml: `0..65535`."""
        return self.allowed

    @abstractmethod
    def read(self, raw: object) -> object:
        """Turn a value of TOML or JSON into the typed value."""

    @abstractmethod
    def check(self, value: object) -> None:
        """Raise `Fault` unless `value` is a right value, already typed."""

    def read_text(self, text: str) -> object:
        """Turn the text of a variable into the typed value."""
        return self.read(text)

    def dump(self, value: object) -> Plain:
        """Turn a typed value back into what TOML and JSON hold, secrets included."""
        return cast(Plain, value)

    def show(self, value: object) -> Plain:
        """Turn a typed value into what people may see."""
        return self.dump(value)

    @property
    def hides(self) -> bool:
        """Say whether errors must keep the value to themselves."""
        return self.secret

    def wrong_type(self, raw: object) -> Fault:
        """Refuse a value of another type."""
        name = _TYPE_NAMES.get(type(raw), type(raw).__name__)
        text = f"is of type {name}" if self.hides else f"is of type {name}, {_shown(raw)}"
        return Fault("CONFIG_VALUE_TYPE", text, f"give {self.allowed}")

    def out_of_range(self, raw: object) -> Fault:
        """Refuse a value of the right type which is not allowed."""
        text = "is not an allowed value" if self.hides else f"is {_shown(raw)}"
        return Fault("CONFIG_VALUE_RANGE", text, f"give {self.allowed}")


def _shown(raw: object) -> str:
    """Repeat a refused value: on one line, cut short."""
    try:
        text = ascii(raw)
    except ValueError:  # an integer of more digits than Python prints
        return "too long to show"
    return text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 3] + "..."


def from_json(kind: Kind, text: str) -> object:
    """Read a list or an object from a variable; the text itself stays out of the error."""
    try:
        return cast(object, orjson.loads(text))
    except ValueError:
        fault = Fault("CONFIG_VALUE_TYPE", "is not JSON", f"give {kind.allowed}, as JSON")
    raise fault  # outside the handler: the decoder's error carries the whole text


@dataclass(frozen=True, slots=True)
class FlagKind(Kind):
    """true or false."""

    @property
    def allowed(self) -> str:
        """Say what is allowed."""
        return "true or false"

    def read(self, raw: object) -> bool:
        """Take a boolean and nothing that merely looks like one."""
        self.check(raw)
        return cast(bool, raw)

    def read_text(self, text: str) -> bool:
        """Take `true` or `false`."""
        if text not in ("true", "false"):
            raise self.wrong_type(text)
        return text == "true"

    def check(self, value: object) -> None:
        """Want a boolean."""
        if type(value) is not bool:
            raise self.wrong_type(value)


@dataclass(frozen=True, slots=True)
class IntegerKind(Kind):
    """An integer between two bounds, both included."""

    least: int
    most: int

    @property
    def allowed(self) -> str:
        """Say what is allowed."""
        return f"an integer from {self.least} to {self.most}"

    @property
    def brief(self) -> str:
        """Say it briefly."""
        return f"{self.least}..{self.most}"

    def read(self, raw: object) -> int:
        """Take an integer; neither a float nor a boolean is one."""
        self.check(raw)
        return cast(int, raw)

    def read_text(self, text: str) -> int:
        """Take decimal digits with an optional minus, at most 30 of them."""
        if not _INTEGER.fullmatch(text):
            raise self.wrong_type(text)
        return self.read(int(text))

    def check(self, value: object) -> None:
        """Want an integer between the bounds."""
        if type(value) is not int:
            raise self.wrong_type(value)
        if not self.least <= value <= self.most:
            raise self.out_of_range(value)


@dataclass(frozen=True, slots=True)
class NumberKind(Kind):
    """A duration that may have decimals. Never money."""

    least: float
    most: float

    @property
    def allowed(self) -> str:
        """Say what is allowed."""
        return f"a number from {self.least:g} to {self.most:g}"

    @property
    def brief(self) -> str:
        """Say it briefly."""
        return f"{self.least:g}..{self.most:g}"

    def read(self, raw: object) -> float:
        """Take a float or an integer; infinities and NaN are outside every bound."""
        if type(raw) is int and self.least <= raw <= self.most:  # first: float(10**400) overflows
            return float(raw)
        if type(raw) is int:
            raise self.out_of_range(raw)
        self.check(raw)
        return cast(float, raw)

    def read_text(self, text: str) -> float:
        """Take decimal digits with an optional point; no exponent, no `nan`."""
        if not _NUMBER.fullmatch(text):
            raise self.wrong_type(text)
        return self.read(float(text))

    def check(self, value: object) -> None:
        """Want a number between the bounds (an integer written in code is one)."""
        if type(value) not in (int, float):
            raise self.wrong_type(value)
        if not self.least <= cast(float, value) <= self.most:
            raise self.out_of_range(value)

    def dump(self, value: object) -> Plain:
        """Write 10.0 as 10, which reads the same."""
        number = cast(float, value)
        return int(number) if number == int(number) else number


@dataclass(frozen=True, slots=True)
class TextKind(Kind):
    """A text of a given form. Line breaks, control characters, lone surrogates are refused."""

    what: str = "a text"
    pattern: str = r".+"

    @property
    def allowed(self) -> str:
        """Say what is allowed."""
        return self.what

    def read(self, raw: object) -> str:
        """Take a text."""
        self.check(raw)
        return cast(str, raw)

    def check(self, value: object) -> None:
        """Want a printable text of the form."""
        if type(value) is not str:
            raise self.wrong_type(value)
        # isprintable is false for controls, line separators and surrogates alike
        if len(value) > TEXT_MAX or not value.isprintable() or value != value.strip():
            raise self.out_of_range(value)
        if not re.fullmatch(self.pattern, value):
            raise self.out_of_range(value)


@dataclass(frozen=True, slots=True)
class ChoiceKind(Kind):
    """One word of a few."""

    choices: tuple[str, ...]

    @property
    def allowed(self) -> str:
        """Say what is allowed."""
        return "one of " + ", ".join(self.choices)

    @property
    def brief(self) -> str:
        """Say it briefly."""
        return "|".join(self.choices)

    def read(self, raw: object) -> str:
        """Take one of the words."""
        self.check(raw)
        return cast(str, raw)

    def check(self, value: object) -> None:
        """Want one of the words."""
        if type(value) is not str:
            raise self.wrong_type(value)
        if value not in self.choices:
            raise self.out_of_range(value)
