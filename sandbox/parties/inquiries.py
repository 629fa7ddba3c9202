"""Whoever scores credit, and whoever searches the press: what tests have said of a name, else what is said of everybody.

Rules: everybody has a good score that is not high, and nobody is in the press, so that what a test has not spoken of
changes no decision. A name is the whole name of a party, in any case.
Source: spec.md S21, S24, E15; interface.md 10; docs/providers.md.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from comptoir.sandbox.errors import Refused, decode
from comptoir.sandbox.faults import Direction, Operation
from comptoir.sandbox.parties.memory import keep
from comptoir.sandbox.parties.party import Act, Effect, Inbound, Party, require_bearer
from comptoir.sandbox.parties.people_shapes import Given, Score, Search, Text
from comptoir.sandbox.wire.router import Call, Route
from comptoir.sandbox.wire.server import Outcome, json_reply

CREDIT: Final = "credit"
MEDIA: Final = "media"
SCORES = Operation("scores.create", Direction.INBOUND)
SEARCHES = Operation("searches.create", Direction.INBOUND)
USUAL_SCORE: Final = 680
BANDS: Final = ((760, "EXCELLENT"), (725, "VERY_GOOD"), (660, "GOOD"), (560, "FAIR"), (300, "POOR"))
EVERYBODY: Final = ""
Json = dict[str, Any]


class Scored(Given, frozen=True):
    """`POST /control/credit`: whoever is called so has this score; null: is not known. Without a name: everybody else."""

    score: Annotated[int, Meta(ge=300, le=900)] | None
    name: Text | None = None


class Article(Given, frozen=True):
    """One article."""

    title: Annotated[str, Meta(min_length=1, max_length=2_000)]
    publisher: str = "The Comptoir Courier"
    published_at: str = "2026-01-15"
    url: str = "https://press.example/1"


class Written(Given, frozen=True):
    """`POST /control/media`: what there is of whoever is called so. Without a name: of everybody else."""

    items: Annotated[list[Article], Meta(max_length=500)]
    name: Text | None = None


@dataclass(slots=True)
class Credit:
    """Scores by name."""

    _scores: OrderedDict[str, int | None] = field(default_factory=OrderedDict[str, int | None])

    def party(self) -> Party:
        """What it is asked."""
        act = _answering(self._score)
        return Party(CREDIT, inbound=(Inbound(SCORES, "POST", "/credit/scores", act),))

    def routes(self) -> list[Route]:
        """What tests say."""
        return [Route("POST", "/control/credit", self._set)]

    def reset(self) -> None:
        """Everybody is as usual."""
        self._scores.clear()

    async def _set(self, call: Call) -> Outcome:
        said = decode(call.request.body, Scored)
        keep(self._scores, _key(said.name), said.score)
        return json_reply(200, {"names": len(self._scores)})

    def _score(self, call: Call) -> Json:
        asked = decode(call.request.body, Score)
        usual = self._scores.get(EVERYBODY, USUAL_SCORE)
        score = self._scores.get(_key(asked.party.name), usual)
        band = "" if score is None else next(word for least, word in BANDS if score >= least)
        return {"reference": asked.reference, "score": score, "band": band}


@dataclass(slots=True)
class Press:
    """Articles by name."""

    _articles: OrderedDict[str, list[Article]] = field(
        default_factory=OrderedDict[str, list[Article]]
    )

    def party(self) -> Party:
        """What it is asked."""
        act = _answering(self._search)
        return Party(MEDIA, inbound=(Inbound(SEARCHES, "POST", "/media/searches", act),))

    def routes(self) -> list[Route]:
        """What tests say."""
        return [Route("POST", "/control/media", self._set)]

    def reset(self) -> None:
        """Nobody is in the press."""
        self._articles.clear()

    async def _set(self, call: Call) -> Outcome:
        said = decode(call.request.body, Written)
        keep(self._articles, _key(said.name), said.items)
        return json_reply(200, {"names": len(self._articles)})

    def _search(self, call: Call) -> Json:
        asked = decode(call.request.body, Search)
        usual = self._articles.get(EVERYBODY, [])
        found = self._articles.get(_key(asked.party.name), usual)
        end = asked.page * asked.limit
        shown = found[end - asked.limit : end]
        return {
            "reference": asked.reference,
            "items": [msgspec.to_builtins(one) for one in shown],
            "more": end < len(found),
        }


def _key(name: str | None) -> str:
    return EVERYBODY if name is None else " ".join(name.casefold().split())


def _answering(answer: Callable[[Call], Json]) -> Act:
    """An operation that changes nothing: a bearer token, then what `answer(call)` says."""

    def act(call: Call) -> Effect:
        try:
            require_bearer(call)
            document = answer(call)
        except Refused as refusal:
            return Effect(json_reply(refusal.status, refusal.document()), happened=False)
        return Effect(json_reply(200, document), happened=False)

    return act
