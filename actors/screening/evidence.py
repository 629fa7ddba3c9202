"""What a birth date, a country and a gender say about two subjects whose names are alike.

Rule: a factor up to 1 takes a share of the score, one above 1 gives a share of what is missing (1.3: three tenths).
Nothing is said where one side does not know. Dates may be a year or a month; day and month are changed round by
half of the world, and a digit slips. Source: issue 8, deliver 3.
"""

from collections.abc import Iterator
from typing import Annotated, Final

import msgspec
from rapidfuzz.distance import DamerauLevenshtein

__all__ = ["Subject", "evidence"]

_DATE: Final = r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?\Z"
BirthDate = Annotated[str, msgspec.Meta(pattern=_DATE)]
YEARS_NEAR: Final = 1


class Subject(msgspec.Struct, frozen=True):
    """Somebody or something with a name."""

    names: tuple[str, ...]
    birth_dates: tuple[BirthDate, ...] = ()
    countries: frozenset[str] = frozenset()
    """Lower-case ISO 3166 alpha-2."""
    gender: str | None = None


def evidence(one: Subject, other: Subject) -> Iterator[tuple[str, float]]:
    """What is known of both, beside their names."""
    if one.birth_dates and other.birth_dates:
        yield max(
            (_dates(a, b) for a in one.birth_dates for b in other.birth_dates),
            key=lambda found: found[1],
        )
    if one.countries and other.countries:
        alike = not one.countries.isdisjoint(other.countries)
        yield ("country agrees", 1.08) if alike else ("country differs", 0.9)
    if one.gender and other.gender and one.gender != other.gender:
        yield "gender differs", 0.75


def _dates(one: str, other: str) -> tuple[str, float]:
    years = one[:4] == other[:4]
    if one == other:
        return ("birth date agrees", 1.45) if len(one) > 4 else ("year of birth agrees", 1.2)  # noqa: PLR2004
    if one.startswith(other) or other.startswith(one):
        return "birth date agrees as far as it is known", 1.2
    if years and one[5:7] == other[8:] and one[8:] == other[5:7]:
        return "day and month of birth are changed round", 1.1
    if len(one) == len(other) and DamerauLevenshtein.distance(one, other) == 1:
        return "birth date differs by a digit", 0.97
    if years:
        return "year of birth agrees, the day does not", 0.9
    near = abs(int(one[:4]) - int(other[:4])) <= YEARS_NEAR
    return ("birth dates are within a year", 0.8) if near else ("birth date differs", 0.55)
