"""What a document is worth as what it was sent as: what was read of it, held against what was declared.

The rule: pure: a report, what is known of the client and a day give flags and fields, and the same ones again. An
expired document and one that says something else than was declared are told, and taken: what they cost is the
scoring's business (S20, S25). What cannot be read, or is too old to prove anything, is asked for again.
Source: spec.md S4, S19, S20, S25; docs/documents.md.
"""

import calendar
from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

import msgspec

from comptoir.actors.inspection.flags import is_accepted
from comptoir.actors.inspection.mrz import Zone, ZoneUnreadable, read_zone, repair_zone
from comptoir.actors.inspection.names import DIFFERENT, match_names
from comptoir.actors.inspection.printed import as_printed, printed_words
from comptoir.actors.inspection.report import Report
from comptoir.actors.inspection.texts import (
    address_after,
    date_of_document,
    find_holder,
    tax_fields,
)

__all__ = ["READ_TYPES", "Declared", "Findings", "judge"]

PROOF_MONTHS_MAX: Final = 3
"""A proof of residence is to be younger (issue 8; what French banks ask for)."""
CONFIDENCE_MIN: Final = 0.5
"""Below, half of the words are guesses."""
WORDS_MIN: Final = 8
CARD_YEARS: Final = 10
CARD_YEARS_LONG: Final = 15
_LONG_CARDS: Final = ("2004-01", "2013-12")
"""French cards of adults that were issued in these months hold fifteen years (decree 2013-1188)."""
ADULT_YEARS: Final = 18


class Declared(msgspec.Struct, frozen=True):
    """What the client's file says."""

    first_name: str
    last_name: str
    birth_date: str
    """ISO 8601."""


class Findings(msgspec.Struct, frozen=True):
    """What a document turned out to be."""

    flags: tuple[str, ...]
    fields: dict[str, str]


def judge(report: Report, doc_type: str, declared: Declared, today: date) -> Findings:
    """Judge a document.

    Args:
        report: of its inspection, with what was read where its type is among READ_TYPES.
        doc_type: what it was sent as.
        declared: what is known of the client.
        today: of business time.
    """
    read = READ_TYPES.get(doc_type)
    if read is None or not is_accepted(report.flags):
        return Findings(report.flags, {})
    flags, fields = read(report, declared, today)
    return Findings((*report.flags, *flags), fields)


Read = tuple[list[str], dict[str, str]]


def _identity(report: Report, declared: Declared, today: date) -> Read:
    printed = printed_words(report.text)
    try:
        zone = as_printed(repair_zone(list(report.zone), today, printed), printed)
    except ZoneUnreadable:
        return ["ZONE_UNREADABLE"], {}
    if not zone.holds:
        return ["ZONE_UNREADABLE"], {}
    number = zone.document_number
    if number not in printed and number != read_zone(list(report.zone), today).document_number:
        number = ""  # one digit of ten fits a wrong repair: what is not printed, too, is not told
    ends = _end_of(zone)
    matched = match_names(
        (declared.first_name, declared.last_name), (zone.given_names, zone.surname),
        truncated=zone.truncated,
    )  # fmt: skip
    flags: list[str] = []
    if ends is not None and ends < today.isoformat():
        flags.append("DOCUMENT_EXPIRED")
    if matched == DIFFERENT or not declared.birth_date.startswith(zone.birth_date or "?"):
        flags.append("DATA_INCONSISTENT")
    fields = {
        "format": zone.format, "documentNumber": number, "issuer": zone.issuer,
        "surname": zone.surname, "givenNames": zone.given_names, "nationality": zone.nationality,
        "birthDate": zone.birth_date or "", "sex": zone.sex, "expiryDate": ends or "",
        "nameMatch": matched,
    }  # fmt: skip
    return flags, {name: value for name, value in fields.items() if value}


def _end_of(zone: Zone) -> str | None:
    """The last day of its validity; the French card only says when it began."""
    if zone.expiry_date is not None or zone.issue_month is None or zone.birth_date is None:
        return zone.expiry_date
    year, month = (int(part) for part in zone.issue_month.split("-"))
    first, last = _LONG_CARDS
    adult = f"{int(zone.birth_date[:4]) + ADULT_YEARS}{zone.birth_date[4:7]}" <= zone.issue_month
    years = CARD_YEARS_LONG if adult and first <= zone.issue_month <= last else CARD_YEARS
    return f"{year + years}-{month:02d}-{calendar.monthrange(year + years, month)[1]}"


def _residence(report: Report, declared: Declared, today: date) -> Read:
    if _is_unreadable(report):
        return ["TEXT_UNREADABLE"], {}
    fields, flags = _holder(report, declared)
    if "holder" in fields and (address := address_after(report.text, fields["holder"])):
        fields["address"] = address
    day = date_of_document(report.text, today)
    if day is None:
        return [*flags, "DATE_NOT_FOUND"], fields
    fields["issueDate"] = day.isoformat()
    if day < _months_before(today, PROOF_MONTHS_MAX):
        flags.append("PROOF_TOO_OLD")
    return flags, fields


def _tax(report: Report, declared: Declared, _today: date) -> Read:
    if _is_unreadable(report):
        return ["TEXT_UNREADABLE"], {}
    fields, flags = _holder(report, declared)
    return flags, {**fields, **tax_fields(report.text)}


def _holder(report: Report, declared: Declared) -> tuple[dict[str, str], list[str]]:
    holder = find_holder(report.text, declared.first_name, declared.last_name)
    return ({}, ["DATA_INCONSISTENT"]) if holder is None else ({"holder": holder}, [])


def _is_unreadable(report: Report) -> bool:
    return report.confidence < CONFIDENCE_MIN or len(report.text.split()) < WORDS_MIN


def _months_before(day: date, months: int) -> date:
    """The same day so many months before, or the last one of that month."""
    at = day.year * 12 + day.month - 1 - months
    year, month = at // 12, at % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


READ_TYPES: Final[Mapping[str, Callable[[Report, Declared, date], Read]]] = MappingProxyType(
    {"IDENTITY": _identity, "PROOF_OF_RESIDENCE": _residence, "TAX_DECLARATION": _tax}
)
"""Types of documents of which something is read; of the others it is enough that they are sound."""
