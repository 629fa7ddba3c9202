"""What a case knows, what becomes of it on record, and how it is told.

A case is the assessment of the client of one file. Its state is sealed as a whole at rest, by its own key; events
name nobody. Source: spec.md S10, S11, S16, S21 to S27, X3, X4, E2, E4.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Any, Final

import msgspec

from comptoir.actors.gateways.kyc_messages import AddressChecked, CreditChecked, Headline, ListedHit
from comptoir.actors.kyc.deciding import Decided
from comptoir.actors.kyc.messages import AssessClient, BureauReported, CaseDescribed
from comptoir.actors.kyc.rules import Rules
from comptoir.actors.screening.clearing import Difference, Said, differences
from comptoir.engine import Event, State

__all__ = [
    "CLEARED",
    "CONFIRMED",
    "KNOWN",
    "PEP_TOPICS",
    "SANCTION_TOPIC",
    "AssessmentBegun",
    "BureauHeard",
    "CaseAlerted",
    "CaseDecided",
    "Judged",
    "KycState",
    "Phase",
    "ReportIgnored",
    "check_of",
    "described",
    "found_hits",
    "is_sanction",
    "open_hits",
    "reference_of",
    "word_on",
]

SANCTION_TOPIC: Final = "sanction"
PEP_TOPICS: Final = ("role.pep", "role.rca")
"""Topics of OpenSanctions (protocols.md 5.4): who holds an office, and who is close to them; the law wants the same care
of both (Directive (EU) 2015/849, articles 20 to 23).
"""
CLEARED: Final = "cleared"
"""A person has said that it is somebody else."""
KNOWN: Final = "known"
"""It may be the client; a person has seen it, and has accepted them all the same. No sanction is ever just known."""
CONFIRMED: Final = "confirmed"
"""A person has said that it is the client (X3)."""


class Phase(Enum):
    """How far a case is."""

    NONE = "none"
    CHECKING = "checking"
    APPROVED = "approved"
    HELD = "held"
    REJECTED = "rejected"


class Judged(msgspec.Struct, frozen=True):
    """A person's word on a hit: it holds while list and client say the same (E4)."""

    fingerprint: str
    word: str
    by: str
    at: int
    """Business time, ms."""
    party: str = ""
    list: str = ""
    entry_id: str = ""
    """Whose hit it was, of which list's entry: of another entry it says nothing, though that were to say the same."""
    said: Said | None = None
    """What list and client said then."""
    first: str = ""
    """Who had said it before, where that takes two people (E14)."""


class KycState(State, frozen=True):
    """Of one file."""

    phase: Phase
    asked: AssessClient | None = None
    begun_at: int = 0
    due_at: int = 0
    """Until when answers are waited for: business time, ms."""
    waits: tuple[str, ...] = ()
    """References of what was asked and has no answer yet (`reference_of`)."""
    impossible: Mapping[str, str] = {}
    """Reference -> why there is no answer."""
    verification_id: str = ""
    report: BureauReported | None = None
    digests: tuple[str, ...] = ()
    """Of all reports that were taken, in every round."""
    contradicted: bool = False
    """Whether the bureau has said two things."""
    address: AddressChecked | None = None
    credit: CreditChecked | None = None
    headlines: Mapping[str, tuple[Headline, ...]] = {}
    """Party -> what the press says."""
    hits: Mapping[str, tuple[ListedHit, ...]] = {}
    """Party -> whom the lists may have, by the last search."""
    lists: Mapping[str, str] = {}
    """List -> digest of the version that was searched last."""
    searches: int = 0
    words: tuple[Judged, ...] = ()
    """Of all rounds: what was cleared once stays silent."""
    reviews: int = 0
    """Opened so far."""
    rules: Rules | None = None
    """Those of `decided`: they explain it, whatever the settings say by then."""
    decided: Decided | None = None
    """As our rules decided it; a review decides beside it, and does not change it (E2)."""
    disagreements: tuple[str, ...] = ()
    by: str = ""
    first: str = ""
    """Of two who approved it: the first."""
    reviewed: str = ""
    decided_at: int = 0


class AssessmentBegun(Event, frozen=True):
    """The parties that know people were asked."""

    round: int
    client_type: str
    parties: int


class BureauHeard(Event, frozen=True):
    """A bureau's report counts."""

    round: int
    digest: str
    healed: bool
    """It was read: no webhook had come (E6)."""


class ReportIgnored(Event, frozen=True):
    """A bureau's report came when it could not count: nothing waited for it, or another one was there."""

    digest: str
    phase: str


class CaseDecided(Event, frozen=True):
    """A case was concluded, by our rules or by a person."""

    round: int
    rules_version: str
    score: int | None
    """Ours, and so is the recommendation."""
    recommendation: str
    factors: Mapping[str, int]
    outcome: str
    """`approved`, `held`, `rejected`."""
    by: str
    """SYSTEM, or the `sub` of who reviewed it."""
    reasons: tuple[str, ...] = ()
    disagreements: tuple[str, ...] = ()
    bureau_score: int | None = None
    facts_digest: str = ""


class CaseForgotten(Event, frozen=True):
    """Its file has gone, and so has the case."""


class CaseAlerted(Event, frozen=True):
    """Somebody of compliance should know at once: counted by code (docs/operations.md)."""

    round: int
    codes: tuple[str, ...]


def reference_of(file: str, round_: int, check: str, party: str = "", search: int = 0) -> str:
    """What a question is called: the same one again is the same question.

    The bureau is asked under `ONB-2026-00001:1`, which is the whole verification's name; a search of lists has its number,
    because there is one more whenever a list changes.
    """
    base = f"{file}:{round_}"
    if check == "identity":
        return base
    return ":".join(part for part in (base, check, party, str(search or "")) if part)


def check_of(reference: str) -> str:
    """Which check a question was of."""
    parts = reference.split(":")
    return parts[2] if len(parts) > 2 else "identity"  # noqa: PLR2004 - file, round, check


def is_sanction(hit: ListedHit) -> bool:
    """Whether whoever is listed is sanctioned."""
    return any(x == SANCTION_TOPIC or x.startswith(f"{SANCTION_TOPIC}.") for x in hit.topics)


def word_on(state: KycState, party: str, hit: ListedHit) -> str:
    """What a person has said of a hit; empty: nobody has said anything, or of other facts."""
    words = (x.word for x in _words_on(state, party, hit) if x.fingerprint == hit.fingerprint)
    return next(words, "")


def _words_on(state: KycState, party: str, hit: ListedHit) -> Iterator[Judged]:
    """What was said of this entry as this party, whatever both were then, the last first.

    A word of a release that did not keep whose hit it was is one on whatever says the same.
    """
    places = (party, hit.list, hit.entry_id), ("", "", "")
    return (
        x
        for x in reversed(state.words)
        if (x.party, x.list, x.entry_id) in places and (x.list or x.fingerprint == hit.fingerprint)
    )


def found_hits(state: KycState) -> Iterator[tuple[str, ListedHit]]:
    """All, each with the party that it may be."""
    return ((party, hit) for party, hits in state.hits.items() for hit in hits)


def open_hits(state: KycState) -> tuple[tuple[str, ListedHit], ...]:
    """Those that nobody has judged, each with the party that it may be."""
    return tuple((party, hit) for party, hit in found_hits(state) if not word_on(state, party, hit))


def described(state: KycState) -> CaseDescribed:
    """As it is told; what of it to whom, the edge knows."""
    report, decided = state.report, state.decided
    return CaseDescribed(
        state.phase.value,
        score=None if report is None else report.score,
        computed_score=None if decided is None else decided.score,
        risk_level=None if decided is None else decided.risk_level.value,
        recommendation=None if decided is None else decided.recommendation.value,
        reasons=() if decided is None else decided.reasons,
        disagreements=state.disagreements,
        waits_for=tuple(dict.fromkeys(check_of(one) for one in state.waits)),
        decided=None if decided is None else msgspec.to_builtins(decided),
        by=state.by,
        decided_at=state.decided_at,
        reviewed=state.reviewed,
        round=0 if state.asked is None else state.asked.round,
        review_round=state.reviews,
        rules=None if state.rules is None else msgspec.to_builtins(state.rules),
        checks={} if report is None else report.checks,
        impossible={check_of(one): code for one, code in state.impossible.items()},
        hits=tuple(_hits(state)),
        headlines=tuple(_headlines(state)),
    )


def _hits(state: KycState) -> Iterable[Mapping[str, Any]]:
    for party, hit in found_hits(state):
        shown = msgspec.to_builtins(hit)
        entry = shown.pop("entry_id")
        del shown["said"]
        word = word_on(state, party, hit)
        last = None if word else next(_words_on(state, party, hit), None)
        yield {
            "party": party, **shown, "entryId": entry, "word": word,
            "wordBefore": "" if last is None else last.word,
            "since": [msgspec.to_builtins(one) for one in _since(last, hit)],
        }  # fmt: skip


def _since(last: Judged | None, hit: ListedHit) -> tuple[Difference, ...]:
    """What is otherwise than when a person judged this hit (E4)."""
    if last is None or last.said is None or hit.said is None:
        return ()
    return differences(last.said, hit.said)


def _headlines(state: KycState) -> Iterable[Mapping[str, str]]:
    for party, found in state.headlines.items():
        for one in found:
            yield {
                "party": party, "title": one.title, "publisher": one.publisher,
                "publishedAt": one.published_at, "url": one.url,
            }  # fmt: skip
