"""The form of a file's page by which a client completes what its profile lacks, without a script.

The rule: only what is lacking is asked for, and only what is a text or a choice; people behind a client who is no person
are many fields each, and are completed in an app or with the advisor. What is typed is said of the profile as the API's
PATCH says it, with the same checks, under the client's own name.
Source: spec.md S2, S5, S16, E16; RFC 7396; WCAG 2.2 (3.3.1, 3.3.2); docs/onboarding.md.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
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
    "CHOICES", "COUNTRIES", "NATIONAL_ID", "TEXTS", "askable", "form_of", "say", "wrong_of",
]  # fmt: skip

TEXTS: Final = (
    "address/street", "address/city", "address/postalCode", "address/province", "entity/name",
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


def askable(lacking: Iterable[str]) -> list[str]:
    """Of what is lacking, what the form asks for, each once."""
    found: dict[str, None] = {}
    for path in lacking:
        if path.partition("/")[0] == "nationalId":
            found |= dict.fromkeys(NATIONAL_ID)
        elif path in (*TEXTS, *COUNTRIES) or path in CHOICES or path.startswith("taxNumbers/"):
            found[path] = None
    return list(found)


def form_of(paths: Iterable[str], number: str, language: Language) -> str:
    """The form that asks for these."""
    inputs = "\n".join(_input(path, language) for path in paths)
    button = f"<button>{OF_FILE[language]['save']}</button>"
    return f'<form method="post" action="/portal/{number}/file">\n{inputs}\n{button}\n</form>\n'


def _input(path: str, language: Language) -> str:
    name, ident = escape(field_name(path, language)), f"field-{escape(path.replace('/', '-'))}"
    if path in CHOICES:
        column = 0 if language == "fr" else 1
        options = "".join(
            f'<option value="{value}">{escape(both[column])}</option>'
            for value, both in CHOICES[path].items()
        )
        control = f'<select id="{ident}" name="{escape(path)}"><option value=""></option>{options}</select>'
        return f'<label for="{ident}">{name}</label>\n{control}'
    hint = f" ({OF_FILE[language]['country_code']})" if path in (*COUNTRIES, NATIONAL_ID[1]) else ""
    length = 2 if hint else 200
    return (
        f'<label for="{ident}">{name}{hint}</label>\n'
        f'<input id="{ident}" name="{escape(path)}" maxlength="{length}">'
    )


async def say(
    port: Port, call: Call, who: Principal, form: Mapping[str, str], lacking: Iterable[str]
) -> Response:
    """What was typed, said of the profile by its client."""
    asked = askable(lacking)
    given = {path: form.get(path, "").strip() for path in asked}
    said = {
        path: value.upper() if path in (*COUNTRIES, NATIONAL_ID[1]) else value
        for path, value in given.items()
        if value
    }
    body = json.dumps(nested(said)).encode()
    patch = replace(
        call, body=body, media_type="application/json", principal=who, access=Access(who.subject),
        headers=(),
    )  # fmt: skip
    return await profiles.change(port, patch)


def wrong_of(answer: Response, language: Language) -> str:
    """Why it was not taken, for people."""
    words, told = OF_FILE[language], cast("dict[str, Any]", json.loads(answer.body))
    places = [str(one["pointer"]).lstrip("/") for one in told.get("errors", ())]
    if not places:
        return words["not_saved"]
    return words["wrong_field"].format(field=escape(field_name(places[0], language)))
