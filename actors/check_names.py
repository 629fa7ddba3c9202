"""`comptoir check name-match` and `check screen`: the daemon's matcher behind a JSON seam.

The rule is that of `checks.py`: an input object gives an answer object, always. Source: check-command contract, kinds
`name-match` and `screen`.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Final

import msgspec

from comptoir.actors.checks import Answer, InvalidInputError, convert, refusal
from comptoir.actors.screening.evidence import BirthDate, Subject
from comptoir.actors.screening.index import Index
from comptoir.actors.screening.matching import MATCH_FROM, match

__all__ = ["check_name_match", "screen_with"]

HITS_MAX: Final = 20
"""What a person can look through; more hits of one name are a name that names nobody."""

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


def check_name_match(given: object) -> Answer:
    """Compare two names: `score`, `match` and `features`."""
    try:
        asked = convert(given, _MatchInput)
    except InvalidInputError as error:
        return refusal("CHECK_INPUT_INVALID", str(error))
    found = match(asked.schema, asked.query.subject(), asked.candidate.subject())
    return {
        "ok": True,
        "score": found.score,
        "match": found.score >= MATCH_FROM,
        "features": found.features,
    }


def screen_with(lists: Sequence[tuple[str, Index]]) -> Callable[[object], Answer]:
    """The check of names against these lists: `hits`, best first."""

    def check_screen(given: object) -> Answer:
        try:
            asked = convert(given, _ScreenInput)
        except InvalidInputError as error:
            return refusal("CHECK_INPUT_INVALID", str(error))
        hits = [
            {
                "list": name, "id": hit.entry.id, "name": hit.name, "score": hit.score,
                "features": hit.features, "topics": list(hit.entry.topics),
            }
            for name, index in lists
            for hit in index.search(asked.schema, asked.subject())
        ]  # fmt: skip
        hits.sort(key=lambda one: (-float(str(one["score"])), str(one["list"]), str(one["id"])))
        return {"ok": True, "hits": hits[:HITS_MAX]}

    return check_screen
