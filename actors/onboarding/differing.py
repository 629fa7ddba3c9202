"""Where an accepted document says something else than a person has declared, field by field and why. Pure functions.

Rules:
- a document is held against what people say now, not when it was inspected: whoever declares an address afterwards, or puts a
  wrong one right, is judged by that. What documents themselves suggested to the profile is nobody's word;
- only what both say is compared; what could not be read apart is told nowhere;
- an address is compared by its parts, as those who know addresses do (gateways/likeness.py). `addressMatch` has the least that
  explains how it is written otherwise: `accents` (with capitals and signs between), `abbreviations` (with particles, flats, bis
  or B, the order of lines), `letters` (some are wrong, or a first name is left out); else `different`, and `addressDiffers`
  the parts: `number`, `street`, `postalCode`, `city`;
- a sum is compared in whole units, as notices tell it, and of one year only;
- each difference is a code of its own among the reasons of its document; which of them count as S20's inconsistency is
  configured (`onboarding.differences_counted`).

Source: spec.md S4, S5, S20, S25; issue 8, 2; docs/documents.md.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from anyascii import anyascii

from comptoir.actors.gateways.likeness import CITY, STREET, Likeness, likeness
from comptoir.actors.kyc.messages import PostalAddress
from comptoir.actors.onboarding.countries import alpha2
from comptoir.actors.onboarding.messages import DOCUMENT, Document, DocumentStatus, Said, Value
from comptoir.actors.onboarding.reading import suggested
from comptoir.actors.onboarding.state import OnboardingState

__all__ = ["DIFFERENT", "compared", "declared_address", "match_address"]

DIFFERENT: Final = "different"
NEAR_SHARE: Final = 0.7
"""Of what a street or a city is worth: less is another one (a kind of street that one side leaves out is within it)."""
CENTS: Final = 100
DIGITS_MAX: Final = 15
"""Of an income that was read; a longer row of digits is none, and Python makes no number of one of thousands."""
_PARTS: Final = ("street", "postalCode", "city", "province", "country")
Found = Iterator[tuple[str, str, str]]
"""Fields that say how they agree, with it, and the code where they do not (empty: they do)."""


def compared(state: OnboardingState) -> tuple[Document, ...]:
    """The documents of a file, the accepted ones with how they agree with what was declared."""
    known = {path: value for path, said in state.said.items() if (value := _by_person(said))}
    return tuple(
        _with_matches(one, known) if one.status is DocumentStatus.ACCEPTED else one
        for one in state.documents
    )


def _by_person(said: tuple[Said, ...]) -> Value:
    """What a person says of a field, the first of them; None: nobody, or that there is none."""
    return next((x.value for x in said if not x.source.startswith(f"{DOCUMENT}:")), None)


def _with_matches(document: Document, known: Mapping[str, Value]) -> Document:
    find = _COMPARES.get(document.doc_type)
    found = tuple(find(document, known)) if find is not None else ()
    if not found:
        return document
    codes = (code for _, _, code in found if code)
    return msgspec.structs.replace(
        document,
        fields={**document.fields, **{name: how for name, how, _ in found}},
        reasons=tuple(dict.fromkeys((*document.reasons, *codes))),
    )


def _identity(document: Document, known: Mapping[str, Value]) -> Found:
    """Nationality, by country; what is none (a stateless person) is not compared. Nobody declares a document's number."""
    nationality = alpha2(document.fields.get("nationality", ""))
    yield from _alike("nationality", nationality, known.get("nationality"), "NATIONALITY_DIFFERS")


def _residence(document: Document, known: Mapping[str, Value]) -> Found:
    declared = declared_address(known)
    parts = suggested(document, declared.country)
    read = _address({path: value for path, value in parts.items() if path != "address/country"})
    if declared == PostalAddress(country=declared.country) or read == PostalAddress():
        return
    how, parts_apart = match_address(declared, read)
    yield "addressMatch", how, "ADDRESS_DIFFERS" if parts_apart else ""
    if parts_apart:
        yield "addressDiffers", ", ".join(parts_apart), ""


def _tax(document: Document, known: Mapping[str, Value]) -> Found:
    fields = document.fields
    country = fields.get("taxCountry", "")
    residences = known.get("taxResidences")
    if country and isinstance(residences, tuple):
        agrees = country in residences
        yield "taxResidenceMatch", *_told(agrees, "TAX_RESIDENCE_DIFFERS")
    number = known.get(f"taxNumbers/{country}") or _social_number(country, known)
    yield from _alike("taxNumber", fields.get("taxNumber"), number, "TAX_NUMBER_DIFFERS")
    if country and known.get("tax/country") not in (None, country):
        return
    year, wanted = fields.get("taxYear"), known.get("tax/year")
    if year and isinstance(wanted, int):
        yield "taxYearMatch", *_told(year == str(wanted), "TAX_YEAR_DIFFERS")
    income, cents = fields.get("referenceIncome"), known.get("tax/referenceIncomeCents")
    same_year = not year or wanted is None or year == str(wanted)
    if income and len(income) <= DIGITS_MAX and same_year and isinstance(cents, int):
        agrees = abs(int(income) * CENTS - cents) < CENTS
        yield "referenceIncomeMatch", *_told(agrees, "TAX_INCOME_DIFFERS")


def _social_number(country: str, known: Mapping[str, Value]) -> Value:
    """In Canada taxes are paid under the number of social insurance."""
    return (
        known.get("nationalId/number")
        if known.get("nationalId/type") == "SIN" and country == "CA"
        else None
    )


_COMPARES: Final = {
    "IDENTITY": _identity, "PROOF_OF_RESIDENCE": _residence, "TAX_DECLARATION": _tax,
}  # fmt: skip


def _alike(name: str, read: str | None, declared: Value, code: str) -> Found:
    """Numbers and codes: the same but for blanks, signs between and capitals."""
    if read and isinstance(declared, str) and declared:
        yield f"{name}Match", *_told(_bare(read) == _bare(declared), code)


def _told(agrees: bool, code: str) -> tuple[str, str]:
    return ("same", "") if agrees else (DIFFERENT, code)


def _bare(text: str) -> str:
    return re.sub(r"[^0-9A-Z]", "", anyascii(text).upper())


def _address(known: Mapping[str, Value]) -> PostalAddress:
    found = (known.get(f"address/{part}") for part in _PARTS)
    return PostalAddress(*(value if isinstance(value, str) else "" for value in found))


def declared_address(known: Mapping[str, Value]) -> PostalAddress:
    """Where somebody says to live; of the country that of their residence, where the address has none."""
    address = _address(known)
    country = address.country or known.get("residenceCountry")
    return msgspec.structs.replace(address, country=country if isinstance(country, str) else "")


def match_address(declared: PostalAddress, read: PostalAddress) -> tuple[str, tuple[str, ...]]:
    """How an address that was read is the declared one, and the parts in which it is not."""
    if _written(declared) == _written(read):
        return "same", ()
    best = max(_likenesses(declared, read), key=lambda one: one.of_100)
    apart = tuple(_apart(declared, read, best))
    if apart:
        return DIFFERENT, apart
    if _plain(declared) == _plain(read):
        return "accents", ()
    exact = best.street in (STREET, STREET // 2) and best.city in (CITY, round(CITY / 2))
    return ("abbreviations" if exact else "letters"), ()


def _likenesses(declared: PostalAddress, read: PostalAddress) -> Iterator[Likeness]:
    """Whichever line of several has the street: a building or a flat may stand above it or below."""
    for ours in _lines(declared.street):
        for theirs in _lines(read.street):
            one, other = (
                msgspec.structs.replace(x, street=line)
                for x, line in ((declared, ours), (read, theirs))
            )
            yield likeness(one, other)


def _lines(street: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((street, *(line.strip() for line in street.split(",")))))


def _apart(declared: PostalAddress, read: PostalAddress, best: Likeness) -> Iterator[str]:
    if declared.street and read.street:
        if not best.number:
            yield "number"
        if best.street < STREET * NEAR_SHARE:
            yield "street"
    if declared.postal_code and read.postal_code and not best.postal_code:
        yield "postalCode"
    if declared.city and read.city and best.city < CITY * NEAR_SHARE:
        yield "city"


def _written(address: PostalAddress) -> tuple[str, ...]:
    return tuple(" ".join(x.split()) for x in (address.street, address.postal_code, address.city))


def _plain(address: PostalAddress) -> tuple[str, ...]:
    return tuple(
        re.sub(r"[^0-9A-Z]+", "", anyascii(x).upper())
        for x in (address.street, address.postal_code, address.city)
    )
