"""The kinds of value that need care: addresses, paths, secrets, and values made of values.

Rule: a list is bounded, a refused entry is named by its position (`[1]`) or its name, and a list
of secrets is as hidden as each of them.
Source: interface.md 3 (lists and objects are JSON in a variable); design.md 9.8.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, TypeAlias, cast
from urllib.parse import urlsplit

from comptoir.engine.settings.kinds import TEXT_MAX, Kind, Plain, TextKind, from_json
from comptoir.engine.settings.problems import Fault
from comptoir.engine.settings.secret import Secret

__all__ = [
    "BlocksKind",
    "ListKind",
    "MapKind",
    "Network",
    "NetworkKind",
    "PathKind",
    "SecretKind",
    "UrlKind",
    "database_url",
    "key_32_bytes",
]

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class UrlKind(Kind):
    """Address of an outside party, or empty. Credentials and queries have no place in it."""

    schemes: tuple[str, ...] = ("http", "https")

    @property
    def allowed(self) -> str:
        """Say what is allowed."""
        named = "|".join(f"{one}(s)" for one in self.schemes if f"{one}s" in self.schemes)
        return f"{named}://host[:port][/path] without credentials or query, or empty"

    def read(self, raw: object) -> str:
        """Take an address."""
        self.check(raw)
        return cast(str, raw)

    @property
    def hides(self) -> bool:
        """Keep a refused address out of errors: what is wrong with it may be a password in it."""
        return True

    def check(self, value: object) -> None:
        """Want an address that httpx can append a path to."""
        if type(value) is not str:
            raise self.wrong_type(value)
        if value and not _is_address(value, self.schemes):
            raise self.out_of_range(value)


def _is_address(text: str, schemes: tuple[str, ...]) -> bool:
    """Say whether the text is an address of one of these schemes, and of nothing but host, port and path."""
    if len(text) > TEXT_MAX or not text.isascii() or not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    bare = not (parts.query or parts.fragment or "@" in parts.netloc or "?" in text or "#" in text)
    return parts.scheme in schemes and bool(parts.hostname) and bare and port != 0


@dataclass(frozen=True, slots=True)
class PathKind(Kind):
    """A folder or a file, relative to the working folder or absolute."""

    @property
    def allowed(self) -> str:
        """Say what is allowed."""
        return "a path"

    def read(self, raw: object) -> Path:
        """Take a path that is not empty."""
        TextKind(self.allowed).check(raw)
        return Path(cast(str, raw))

    def check(self, value: object) -> None:
        """Want a `Path`."""
        if not isinstance(value, Path):
            raise self.wrong_type(value)

    def dump(self, value: object) -> Plain:
        """Write the path as text."""
        return str(value)


@dataclass(frozen=True, slots=True)
class NetworkKind(Kind):
    """An address or a network of addresses, IPv4 or IPv6."""

    @property
    def allowed(self) -> str:
        """Say what is allowed."""
        return "an IP address or a network such as 10.0.0.0/8, host bits zero"

    def read(self, raw: object) -> Network:
        """Take an address (a network of one) or a network."""
        if type(raw) is not str:  # ip_network would take an integer as an address
            raise self.wrong_type(raw)
        try:
            return ipaddress.ip_network(raw)
        except ValueError:
            raise self.out_of_range(raw) from None

    def check(self, value: object) -> None:
        """Want a network."""
        if not isinstance(value, ipaddress.IPv4Network | ipaddress.IPv6Network):
            raise self.wrong_type(value)

    def dump(self, value: object) -> Plain:
        """Write the network as text."""
        return str(value)


def database_url(text: str) -> bool:
    """Say whether the text is empty or an address of PostgreSQL that can be taken apart."""
    if not text.isprintable() or " " in text:  # urlsplit would drop line breaks, not refuse them
        return False
    try:
        return not text or urlsplit(text).scheme in ("postgresql", "postgres")
    except ValueError:
        return False


def key_32_bytes(text: str) -> bool:
    """Say whether the text is the base64 of 32 bytes (an AES-256 key)."""
    return re.fullmatch(r"[A-Za-z0-9+/]{43}=", text) is not None


@dataclass(frozen=True, slots=True)
class SecretKind(Kind):
    """A text that is never shown."""

    what: str
    accepts: Callable[[str], bool] = bool
    wraps: type[Secret] = Secret
    secret: ClassVar[bool] = True

    @property
    def allowed(self) -> str:
        """Say what is allowed."""
        return self.what

    def read(self, raw: object) -> Secret:
        """Take a text and wrap it."""
        if type(raw) is not str:
            raise self.wrong_type(raw)
        value = self.wraps(raw)
        self.check(value)
        return value

    def check(self, value: object) -> None:
        """Want a wrapped text of the form; it must be UTF-8, because it is used as bytes."""
        if type(value) is not self.wraps:
            raise self.wrong_type(value)
        text = value.reveal()
        surrogate = any("\ud800" <= letter <= "\udfff" for letter in text)
        if len(text) > TEXT_MAX or surrogate or not self.accepts(text):
            raise self.out_of_range(value)

    def dump(self, value: object) -> Plain:
        """Reveal the text."""
        return cast(Secret, value).reveal()

    def show(self, value: object) -> Plain:
        """Show the mask."""
        return cast(Secret, value).shown()


@dataclass(frozen=True, slots=True)
class ListKind(Kind):
    """A list of values of one kind, without repeats, kept as a tuple."""

    item: Kind
    least: int = 0
    most: int = 1000
    repeats: bool = False
    """Whether a value may stand twice (delays may, addresses may not)."""

    @property
    def allowed(self) -> str:
        """Say what is allowed."""
        unlike = "" if self.repeats else ", all different"
        return f"a list of {self.least} to {self.most}{unlike}, each {self.item.allowed}"

    @property
    def brief(self) -> str:
        """Say it briefly."""
        return f"list of {self.least}..{self.most}, each {self.item.brief}"

    @property
    def hides(self) -> bool:
        """Keep a list of secrets out of errors."""
        return self.item.hides

    def read(self, raw: object) -> tuple[object, ...]:
        """Take a list; the first refused entry is named by its position."""
        if type(raw) is not list:
            raise self.wrong_type(raw)
        values: list[object] = []
        for position, entry in enumerate(cast(list[object], raw)[: self.most + 1]):
            try:
                values.append(self.item.read(entry))
            except Fault as fault:
                raise fault.within(f"[{position}]") from None
        self.check(tuple(values))
        return tuple(values)

    def read_text(self, text: str) -> tuple[object, ...]:
        """Take a JSON list."""
        return self.read(from_json(self, text))

    def check(self, value: object) -> None:
        """Want a tuple of right values, bounded in number."""
        if type(value) is not tuple:
            raise self.wrong_type(value)
        values = cast(tuple[object, ...], value)
        if not self.least <= len(values) <= self.most:
            raise Fault("CONFIG_VALUE_RANGE", f"has {len(values)} entries", f"give {self.allowed}")
        for position, entry in enumerate(values):
            try:
                self.item.check(entry)
            except Fault as fault:
                raise fault.within(f"[{position}]") from None
        if not self.repeats and len(set(values)) != len(values):
            raise Fault("CONFIG_VALUE_RANGE", "has an entry twice", f"give {self.allowed}")

    def dump(self, value: object) -> Plain:
        """Write the list, secrets included."""
        return [self.item.dump(entry) for entry in cast(tuple[object, ...], value)]

    def show(self, value: object) -> Plain:
        """Write the list as people may see it."""
        return [self.item.show(entry) for entry in cast(tuple[object, ...], value)]


@dataclass(frozen=True, slots=True)
class MapKind(Kind):
    """Values of one kind by name, kept as a read-only mapping in the order given."""

    item: Kind
    most: int

    @property
    def allowed(self) -> str:
        """Say what is allowed."""
        return f"a table of at most {self.most}: a name of [A-Za-z0-9_-] and {self.item.allowed}"

    @property
    def hides(self) -> bool:
        """Keep a map of secrets out of errors."""
        return self.item.hides

    def read(self, raw: object) -> Mapping[str, object]:
        """Take a table."""
        if type(raw) is not dict:
            raise self.wrong_type(raw)
        values: dict[str, object] = {}
        for position, (name, entry) in enumerate(cast(dict[str, object], raw).items()):
            try:
                values[name] = self.item.read(entry)
            except Fault as fault:
                # by position: name and key may have been exchanged, and then the name is secret
                raise fault.within(f"[{position}]") from None
        self.check(values)
        return MappingProxyType(values)

    def read_text(self, text: str) -> Mapping[str, object]:
        """Take a JSON object."""
        return self.read(from_json(self, text))

    def check(self, value: object) -> None:
        """Want a mapping of right names to right values, bounded in number."""
        if not isinstance(value, Mapping):
            raise self.wrong_type(value)
        values = cast(Mapping[str, object], value)
        if len(values) > self.most or not all(_NAME.fullmatch(name) for name in values):
            raise self.out_of_range(dict(values))
        for entry in values.values():
            self.item.check(entry)

    def dump(self, value: object) -> Plain:
        """Write the table, secrets included."""
        values = cast(Mapping[str, object], value)
        return {name: self.item.dump(entry) for name, entry in values.items()}

    def show(self, value: object) -> Plain:
        """Write the table as people may see it."""
        values = cast(Mapping[str, object], value)
        return {name: self.item.show(entry) for name, entry in values.items()}


@dataclass(frozen=True, slots=True)
class BlocksKind(MapKind):
    """Tables by name over built-in ones: one that is given adds to them, or takes the place of its namesake."""

    base: Mapping[str, object]
    """What is there without being given."""
    name: str
    """What a name looks like."""

    @property
    def allowed(self) -> str:
        """Say what is allowed."""
        return f"at most {self.most} tables, each named {self.name}: {self.item.allowed}"

    @property
    def brief(self) -> str:
        """Say it briefly."""
        return f"at most {self.most} tables, each named {self.name}"

    def read(self, raw: object) -> Mapping[str, object]:
        """Take tables; those that are built in and not given stay."""
        given = super(BlocksKind, self).read(raw)
        values = MappingProxyType({**self.base, **given})
        self.check(values)
        return values

    def check(self, value: object) -> None:
        """Want names of the form, too."""
        super(BlocksKind, self).check(value)
        values = cast(Mapping[str, object], value)
        if not all(re.fullmatch(self.name, name) for name in values):
            raise self.out_of_range(list(values))
