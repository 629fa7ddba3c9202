"""The texts of contracts: one file per type of contract, in each language, with places for what differs.

The rules: a template is data (TOML), and what is filled in is text, never anything that is executed or laid out; a place that
nobody knows, a language that is missing or a part without words is refused when the daemon starts; a place that has to
be filled and is not (`{address/city}`, where `{address/city?}` may stay empty) refuses the contract by name.
Source: spec.md S1, S6, S28; docs/signature.md.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from comptoir.actors.signature.sheet import Part, Sheet

__all__ = [
    "LANGUAGES",
    "PLACES",
    "SHIPPED",
    "Incomplete",
    "Template",
    "TemplateError",
    "filled",
    "read_templates",
]

SHIPPED: Final = Path(__file__).parent / "contracts"
LANGUAGES: Final = ("fr", "en")
PLACES: Final = frozenset((
    "house", "number", "date", "clientType", "firstName", "lastName", "dateOfBirth", "nationality", "residenceCountry",
    "address/street", "address/postalCode", "address/city", "address/province", "address/country",
    "entity/name", "entity/legalForm", "entity/registrationNumber", "entity/country", "entity/foundedOn",
))  # fmt: skip
"""What a contract may say of its client: paths of the profile (docs/onboarding.md), and a few of ours."""
_PLACE: Final = re.compile(r"\{([A-Za-z/]+)(\??)\}")
TEMPLATES_MAX: Final = 100
TEMPLATE_BYTES_MAX: Final = 256 * 1024
NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}").fullmatch


class TemplateError(Exception):
    """A template that is not to be used: which one, and why."""


class Incomplete(Exception):
    """The client's file does not say what the contract has to say; its text is the place."""


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    heading: str
    text: list[str]


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A contract in one language."""

    title: str
    signature: str
    """What stands over the place for the signature."""
    parts: list[_Part]

    def texts(self) -> Iterator[str]:
        """All of its words."""
        yield self.title
        yield self.signature
        for part in self.parts:
            yield part.heading
            yield from part.text


Templates = Mapping[str, Mapping[str, Template]]
"""By name, then by language."""


def read_templates(folders: tuple[Path, ...]) -> Templates:
    """All of them; a later folder's takes the place of its namesake.

    Raises:
        TemplateError: see the rules.
    """
    found: dict[str, Mapping[str, Template]] = {}
    for folder in folders:
        if not folder.is_dir():
            raise TemplateError(f"{folder} is no folder")
        paths = sorted(folder.glob("*.toml"))
        if len(paths) > TEMPLATES_MAX:
            raise TemplateError(f"{folder} has more than {TEMPLATES_MAX} templates")
        found |= {path.stem: _read(path) for path in paths}
    return found


def _read(path: Path) -> Mapping[str, Template]:
    name = path.stem
    if not NAME(name):
        raise TemplateError(f"{name}: a name is of a-z, 0-9 and -")
    try:
        if path.stat().st_size > TEMPLATE_BYTES_MAX:
            raise TemplateError(f"{name}: over {TEMPLATE_BYTES_MAX} bytes")
        read = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), dict[str, Template])
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise TemplateError(f"{name}: {error}") from error
    if set(read) != set(LANGUAGES):
        raise TemplateError(f"{name}: languages are {', '.join(LANGUAGES)}, all of them")
    for language, template in read.items():
        _check(f"{name} [{language}]", template)
    return read


def _check(place: str, template: Template) -> None:
    if not template.parts or not all(one.strip() for one in template.texts()):
        raise TemplateError(f"{place}: a part without words")
    for text in template.texts():
        unknown = [found[1] for found in _PLACE.finditer(text) if found[1] not in PLACES]
        if unknown:
            raise TemplateError(f"{place}: nobody knows {{{unknown[0]}}}")
        if set("{}") & set(_PLACE.sub("", text)):
            raise TemplateError(f"{place}: a brace that is no place")


def filled(template: Template, language: str, values: Mapping[str, str], at: int) -> Sheet:
    """The contract of one client.

    Args:
        template: its words.
        language: of them.
        values: by place.
        at: its date, ms since 1970.

    Raises:
        Incomplete: a place has to be filled, and is not.
    """

    def say(text: str) -> str:
        return _PLACE.sub(lambda found: _value(found, values), text)

    def is_said(text: str) -> bool:
        optional = [found[1] for found in _PLACE.finditer(text) if found[2]]
        return all(values.get(place, "").strip() for place in optional)

    parts = tuple(
        Part(say(one.heading), tuple(say(text) for text in one.text if is_said(text)))
        for one in template.parts
    )
    signer = f"{values.get('firstName', '')} {values.get('lastName', '')}".strip()
    return Sheet(
        language, say(template.title), values.get("house", ""), values.get("number", ""), parts,
        say(template.signature), signer, at,
    )  # fmt: skip


def _value(found: re.Match[str], values: Mapping[str, str]) -> str:
    value = values.get(found[1], "").strip()
    if not value and not found[2]:
        raise Incomplete(found[1])
    return value
