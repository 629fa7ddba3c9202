"""`comptoir check name-match` and `check screen`: the daemon's matcher behind a JSON seam.

The rule is that of `checks.py`: an input object gives an answer object, always. Source: check-command contract, kinds
`name-match` and `screen`.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Final

import msgspec

from comptoir.actors.check_answers import Answer, InvalidInputError, convert, refusal
from comptoir.actors.screening.clearing import fingerprint_of, said_of
from comptoir.actors.screening.evidence import BirthDate, Subject
from comptoir.actors.screening.index import Hit, Index
from comptoir.actors.screening.keys import single_keys
from comptoir.actors.screening.matching import MATCH_FROM, match
from comptoir.actors.screening.names import parse_name

__all__ = ["check_name_match", "screen_with"]

HITS_MAX: Final = 20
"""What a person can look through; more hits of one name are a name that names nobody."""
ALIASES_MAX: Final = 20
"""Shown of an entry; some have a hundred."""

_NameText = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
_Schema = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]{1,32}\Z")]
_CountryText = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]{2}\Z")]


class _SubjectInput(msgspec.Struct):
    name: _NameText
    birth_date: BirthDate | None = None
    country: _CountryText | None = None
    gender: str | None = None

    def subject(self) -> Subject:
        """As the matcher takes it."""
        return Subject(
            (self.name,),
            (self.birth_date,) if self.birth_date else (),
            frozenset({self.country.lower()} if self.country else ()),
            self.gender.lower() if self.gender else None,
        )


class _MatchInput(msgspec.Struct):
    query: _SubjectInput
    candidate: _SubjectInput
    schema: _Schema = "Person"


class _ScreenInput(_SubjectInput):
    schema: _Schema = "Person"
    countries: Annotated[tuple[_CountryText, ...], msgspec.Meta(max_length=8)] = ()
    """Further ones."""
    facts: bool = False
    """Whether each hit also has what its entry says, and the fingerprint that a clearance of it is of (E4)."""
    at_least: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    """The score that a hit has at least; the daemon says it with each search, and its child reads no settings."""

    def subject(self) -> Subject:
        """As the matcher takes it, with every country."""
        alone = super().subject()
        more = {one.lower() for one in self.countries}
        return msgspec.structs.replace(alone, countries=alone.countries | more)


def check_name_match(given: object, *, match_from: float = MATCH_FROM) -> Answer:
    """Compare two names: `score`, `match` (from that score on) and `features`."""
    try:
        asked = convert(given, _MatchInput)
    except InvalidInputError as error:
        return refusal("CHECK_INPUT_INVALID", str(error))
    found = match(asked.schema, asked.query.subject(), asked.candidate.subject())
    return {
        "ok": True,
        "score": found.score,
        "match": found.score >= match_from,
        "features": found.features,
    }


def screen_with(
    lists: Sequence[tuple[str, Index]], match_from: Callable[[], float] = lambda: MATCH_FROM
) -> Callable[[object], Answer]:
    """The check of names against these lists: `hits`, best first.

    Args:
        lists: what is searched, by name.
        match_from: what a hit scores at least, asked where a line does not say.
    """

    def check_screen(given: object) -> Answer:
        try:
            asked = convert(given, _ScreenInput)
        except InvalidInputError as error:
            return refusal("CHECK_INPUT_INVALID", str(error))
        subject = asked.subject()
        if asked.facts and not list(single_keys(parse_name(asked.name, asked.schema))):
            # Nobody is found under it, and so nobody would be cleared by it.
            return refusal("CHECK_INPUT_INVALID", "a name without a word cannot be searched for")
        at_least = match_from() if asked.at_least is None else asked.at_least
        found = [
            (name, hit)
            for name, index in lists
            for hit in index.search(asked.schema, subject, at_least=at_least)
        ]
        found.sort(key=lambda one: (-one[1].score, one[0], one[1].entry.id))
        hits = [_shown(name, hit) for name, hit in found[:HITS_MAX]]
        if asked.facts:
            for shown, (_, hit) in zip(hits, found, strict=False):
                shown.update(_facts(hit, subject))
        return {"ok": True, "hits": hits}

    return check_screen


def _shown(name: str, hit: Hit) -> Answer:
    return {
        "list": name, "id": hit.entry.id, "name": hit.name, "score": hit.score,
        "features": hit.features, "topics": list(hit.entry.topics),
    }  # fmt: skip


def _facts(hit: Hit, subject: Subject) -> Answer:
    """What a person is shown of the entry, and what a clearance is of."""
    entry = hit.entry
    return {
        "aliases": list(entry.names[:ALIASES_MAX]), "birth_dates": list(entry.birth_dates),
        "countries": list(entry.countries), "fingerprint": fingerprint_of(entry, subject),
        "said": msgspec.to_builtins(said_of(entry, subject)),
    }  # fmt: skip
