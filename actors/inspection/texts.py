"""What stands in the text of a proof of residence or a tax notice, French or English: holder, address, dates, sums.

The rule: a holder is looked for, not guessed: the declared name is there, or it is not. A date is that of the
document if it stands beside a word that says so, else the latest that is not to come. What is not found is not made up.
Source: spec.md S19, S20; docs/documents.md.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from comptoir.actors.inspection.names import as_read, spellings

__all__ = ["address_after", "date_of_document", "find_holder", "tax_fields"]

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "janvier january janv jan", "fevrier february fevr feb", "mars march mar", "avril april avr apr",
            "mai may", "juin june jun", "juillet july juil jul", "aout august aug",
            "septembre september sept sep", "octobre october oct", "novembre november nov",
            "decembre december dec",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
_NUMERIC: Final = re.compile(r"\b(\d{1,2})[./-](\d{1,2})[./-](\d{4})\b")
_ISO: Final = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_WORDY: Final = re.compile(r"\b(\d{1,2})(?:er|st|nd|rd|th)?\s+([A-Za-zéûÉÛ]{3,9})\.?,?\s+(\d{4})\b")
_WORDY_US: Final = re.compile(r"\b([A-Z][a-z]{2,8})\.?\s+(\d{1,2}),?\s+(\d{4})\b")
_SAYS: Final = re.compile(
    r"\b(date|le|du|dated?|issued|[ée]mis|[ée]tabli|facture|invoice)\b", re.IGNORECASE
)
_POSTAL: Final = re.compile(r"\b(?:\d{5}|[A-Z]\d[A-Z]\s?\d[A-Z]\d)\b")
ADDRESS_LINES_MAX: Final = 5
_TAX_YEAR: Final = re.compile(
    r"(?:revenus?(?: de l.ann[ée]e)?|imp[ôo]ts? sur les revenus de|tax year|ann[ée]e d.imposition|income of)\s*:?\s*(20\d\d)",
    re.IGNORECASE,
)
_TAX_NUMBER: Final = re.compile(r"num[ée]ro fiscal[^0-9]{0,40}((?:\d\s?){13})\b", re.IGNORECASE)
_TAX_NUMBER_CANADA: Final = re.compile(
    r"(?:social insurance number|num[ée]ro d.assurance sociale|\bSIN\b|\bNAS\b)[^0-9]{0,40}(\d{3}[ -]?\d{3}[ -]?\d{3})\b",
    re.IGNORECASE,
)
_TAX_COUNTRIES: Final = {
    "CA": re.compile(
        r"canada revenue agency|agence du revenu du canada|revenu qu[ée]bec|notice of assessment|avis de cotisation",
        re.IGNORECASE,
    ),
    "FR": re.compile(
        r"num[ée]ro fiscal|direction g[ée]n[ée]rale des finances publiques|avis d.imp[ôo]t",
        re.IGNORECASE,
    ),
}
"""Whose notice it is, by who says so or what only they have."""
_TAX_INCOME: Final = re.compile(
    r"(?:revenu fiscal de r[ée]f[ée]rence|total income|revenu total)[^0-9]{0,20}(\d{1,3}(?:[ .,]?\d{3}){0,4})(?!\d)",
    re.IGNORECASE,
)


def find_holder(text: str, first_name: str, last_name: str) -> str | None:
    """The first line in which the declared name stands: all words of the last name, and one of the first name."""
    lasts, firsts = spellings(last_name), spellings(first_name)
    for line in text.splitlines():
        here = {word for words in spellings(line) for word in words}
        if _stands(lasts, here) and any(here.intersection(first) for first in firsts):
            return " ".join(line.split())
    return _find_foreign(text, first_name, last_name)


def _find_foreign(text: str, first_name: str, last_name: str) -> str | None:
    """The first line that may be the name where it has letters that OCR has not learnt: all words of the last name, and one
    of the first name, but for those.
    """
    lasts, firsts = as_read(last_name), as_read(first_name)
    if not lasts and not firsts:
        return None
    for line in text.splitlines():
        here = {word for words in spellings(line) for word in words}
        last = _all_read(lasts, here) if lasts else _stands(spellings(last_name), here)
        plain = {word for words in spellings(first_name) for word in words}
        if last and (here & plain or any(_all_read((one,), here) for one in firsts)):
            return " ".join(line.split())
    return None


def _stands(names: Iterable[tuple[str, ...]], here: set[str]) -> bool:
    return any(words and set(words) <= here for words in names)


def _all_read(shapes: Iterable[re.Pattern[str]], here: set[str]) -> bool:
    return all(any(shape.fullmatch(word) for word in here) for shape in shapes)


def address_after(text: str, holder: str) -> str | None:
    """The lines below the holder, up to the one with a postal code."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    lines = [line for line in lines if line]
    if holder not in lines:
        return None
    found: list[str] = []
    for line in lines[lines.index(holder) + 1 :][:ADDRESS_LINES_MAX]:
        found.append(line)
        if _POSTAL.search(line.upper()):
            return ", ".join(found)
    return None


def date_of_document(text: str, today: date) -> date | None:
    """The date that a document gives itself; None: none that has been."""
    latest: list[date] = []
    for line in text.splitlines():
        here = [day for day in _days(line) if day <= today]
        if here and _SAYS.search(line):
            return here[0]
        latest += here
    return max(latest, default=None)


def _days(line: str) -> Iterator[date]:
    """Dates in a line, day first as in France; what is no day is none."""
    found = [(y, m, d) for d, m, y in _NUMERIC.findall(line)]
    found += _ISO.findall(line)
    for d, name, y in _WORDY.findall(line):
        found.append((y, _month(name), d))
    for name, d, y in _WORDY_US.findall(line):
        found.append((y, _month(name), d))
    for year, month, day in found:
        try:
            yield date(int(year), int(month), int(day))
        except ValueError:
            continue


def _month(name: str) -> str:
    """Its number, 0 where it is none."""
    return str(_MONTHS.get(name.lower().translate(str.maketrans("éû", "eu")), 0))


def tax_fields(text: str) -> dict[str, str]:
    """Country, year, number and income of a tax notice, as far as they stand there."""
    one_line = " ".join(text.split())
    country = next((x for x, says in _TAX_COUNTRIES.items() if says.search(one_line)), "")
    number = _TAX_NUMBER_CANADA if country == "CA" else _TAX_NUMBER
    found = {"taxYear": _TAX_YEAR, "taxNumber": number, "referenceIncome": _TAX_INCOME}
    shown = {"taxCountry": country} if country else {}
    for name, pattern in found.items():
        if match := pattern.search(one_line):
            shown[name] = re.sub(r"[ .,-]", "", match[1])
    return shown
