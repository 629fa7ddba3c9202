"""The form of a file's page by which a client completes what its profile lacks, without a script.

The rule: only what is lacking is asked for, and only what is a text or a choice; people behind a client who is no person
are many fields each, and are completed in an app or with the advisor. What is typed is said of the profile as the API's
PATCH says it, with the same checks, under the client's own name. What is not taken is typed once: the form comes back with all
of it, and says at the field what is wrong and how it is right.
Source: spec.md S2, S5, S16, E16; RFC 7396; WCAG 2.2 (3.3.1, 3.3.2, 3.3.3, 3.3.7); WAI-ARIA 1.2 (aria-invalid); docs/onboarding.md.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from types import MappingProxyType
from typing import Any, Final, cast

from comptoir.http import profiles
from comptoir.http.answers import Response
from comptoir.http.operation import Access, Call
from comptoir.http.page import Language
from comptoir.http.port import Port
from comptoir.http.portal.file_words import OF_FILE, field_name
from comptoir.http.principal import Principal
from comptoir.http.profile_leaves import nested

__all__ = [
    "CHOICES", "COUNTRIES", "NATIONAL_ID", "TEXTS", "Typed", "askable", "form_of", "say", "typed_of",
    "wrong_of",
]  # fmt: skip

PROVINCE: Final = "address/province"
TEXTS: Final = (
    "address/street", "address/city", "address/postalCode", PROVINCE, "entity/name",
)  # fmt: skip
COUNTRIES: Final = ("address/country", "nationality", "entity/country")
NATIONAL_ID: Final = ("nationalId/type", "nationalId/country", "nationalId/number")
"""It comes whole, or not at all."""
CHOICES: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = MappingProxyType({
    "occupation/status": {
        "EMPLOYED": ("Salarié", "Employed"), "SELF_EMPLOYED": ("Indépendant", "Self-employed"),
        "RETIRED": ("Retraité", "Retired"), "STUDENT": ("Étudiant", "Student"),
        "UNEMPLOYED": ("Sans emploi", "Unemployed"), "OTHER": ("Autre", "Other"),
    },
    "wealth/sourceOfFunds": {
        "SALARY": ("Salaires", "Salary"), "BUSINESS": ("Entreprise", "Business"),
        "SALE": ("Vente d'un bien", "A sale"), "INHERITANCE": ("Héritage", "Inheritance"),
        "INVESTMENTS": ("Placements", "Investments"), "PENSION": ("Pension", "Pension"),
        "OTHER": ("Autre", "Other"),
    },
    "nationalId/type": {
        "SIN": ("NAS (Canada)", "SIN (Canada)"), "NIR": ("NIR (France)", "NIR (France)"),
        "SSN": ("SSN (États-Unis)", "SSN (United States)"), "OTHER": ("Autre", "Other"),
    },
})  # fmt: skip
CAPITALS: Final = ("country", "province")
UNFIT: Final = "PROFILE_FIELD_UNFIT"
_LENGTHS: Final[Mapping[str, int]] = MappingProxyType({
    "country": 2, "province": 3, "code": 32, "name": 100, "number": 33, "text": 200,
})  # fmt: skip
_HOW: Final[Mapping[str, str]] = MappingProxyType({
    "country": "how_country", "province": "how_province", "code": "how_code", "number": "how_number",
})  # fmt: skip
"""What is said of a field before anything is wrong."""
_RIGHT: Final[Mapping[str, str]] = MappingProxyType({
    **_HOW, "name": "how_text", "text": "how_text", "choice": "how_choice",
})  # fmt: skip


def askable(lacking: Iterable[str]) -> list[str]:
    """Of what is lacking, what the form asks for, each once."""
    found: dict[str, None] = {}
    for path in lacking:
        if path.partition("/")[0] == "nationalId":
            found |= dict.fromkeys(NATIONAL_ID)
        elif path in (*TEXTS, *COUNTRIES) or path in CHOICES or path.startswith("taxNumbers/"):
            found[path] = None
    return list(found)


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed, and what of it was not taken."""

    values: Mapping[str, str] = field(default_factory=dict[str, str])
    """By path."""
    place: str = ""
    """Path of the field that is wrong, or of what it belongs to; empty: none is, or which one is not known."""
    code: str = ""
    """Why."""

    def is_wrong(self, path: str) -> bool:
        """Whether it is this field."""
        return bool(self.place) and (path == self.place or path.startswith(f"{self.place}/"))


def form_of(paths: Iterable[str], number: str, language: Language, typed: Typed) -> str:
    """The form that asks for these, with what was typed before."""
    inputs = "\n".join(_input(path, language, typed) for path in paths)
    button = f"<button>{OF_FILE[language]['save']}</button>"
    return f'<form method="post" action="/portal/{number}/file">\n{inputs}\n{button}\n</form>\n'


def _input(path: str, language: Language, typed: Typed) -> str:
    """A label, how it is to be, what is wrong, and the control that these describe."""
    name, ident = escape(field_name(path, language)), f"field-{escape(path.replace('/', '-'))}"
    value, wrong = typed.values.get(path, ""), typed.is_wrong(path)
    hint = _HOW.get(_kind_of(path), "")
    notes = {f"{ident}-hint": OF_FILE[language][hint]} if hint else {}
    if wrong:
        notes[f"{ident}-wrong"] = _told(path, typed, language)
    shown = "".join(f'<p id="{at}">{escape(text)}</p>\n' for at, text in notes.items())
    described = f' aria-describedby="{" ".join(notes)}"' if notes else ""
    said = f'id="{ident}" name="{escape(path)}"{described}' + ' aria-invalid="true"' * wrong
    label = f'<label for="{ident}">{name}</label>\n{shown}'
    if path not in CHOICES:
        length = _LENGTHS[_kind_of(path)]
        return f'{label}<input {said} maxlength="{length}" value="{escape(value)}">'
    options = "".join(
        f'<option value="{one}"{" selected" if one == value else ""}>'
        f"{escape(both[0 if language == 'fr' else 1])}</option>"
        for one, both in CHOICES[path].items()
    )
    return f'{label}<select {said}><option value=""></option>{options}</select>'


def _kind_of(path: str) -> str:
    """By what is allowed in it."""
    if path in (*COUNTRIES, NATIONAL_ID[1]):
        return "country"
    if path == "address/postalCode" or path.startswith("taxNumbers/"):
        return "code"
    named = {PROVINCE: "province", "address/city": "name", NATIONAL_ID[2]: "number"}
    return named.get(path, "choice" if path in CHOICES else "text")


def _told(path: str, typed: Typed, language: Language) -> str:
    """What is wrong with a field, and how it is right."""
    words = OF_FILE[language]
    kind = _kind_of(path)
    how = words["unfit" if typed.code == UNFIT else _RIGHT[kind]].format(most=_LENGTHS.get(kind))
    return f"{words['wrong_field'].format(field=field_name(path, language))} {how}"


async def say(
    port: Port, call: Call, who: Principal, form: Mapping[str, str], asked: Iterable[str]
) -> Response:
    """What was typed, said of the profile by its client."""
    given = {path: form.get(path, "").strip() for path in asked}
    said = {
        path: value.upper() if _kind_of(path) in CAPITALS else value
        for path, value in given.items()
        if value
    }
    body = json.dumps(nested(said)).encode()
    patch = replace(
        call, body=body, media_type="application/json", principal=who, access=Access(who.subject),
        headers=(),
    )  # fmt: skip
    return await profiles.change(port, patch)


def typed_of(answer: Response, form: Mapping[str, str], asked: Iterable[str]) -> Typed:
    """What of the form was not taken."""
    told = cast("dict[str, Any]", json.loads(answer.body))
    values = {path: form.get(path, "") for path in asked}
    first = cast("list[dict[str, str]]", told.get("errors") or [{}])[0]
    return Typed(values, first.get("pointer", "").lstrip("/"), first.get("code", ""))


def wrong_of(typed: Typed, asked: Iterable[str], language: Language) -> str:
    """Why it was not taken, for people: each field that may be it."""
    if not typed.place:
        return escape(OF_FILE[language]["not_saved"])
    wrong = [path for path in asked if typed.is_wrong(path)]
    if not wrong:
        name = field_name(typed.place, language)
        return escape(OF_FILE[language]["wrong_field"].format(field=name))
    return "<br>\n".join(escape(_told(path, typed, language)) for path in wrong)
