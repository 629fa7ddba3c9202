"""Hits that were written before a hit told what list and client said, read by the release of now.

Rule: what is read is what that release wrote: the same bytes without the fields that it had not.
Source: spec.md S16, E4; design.md 4 (old states); docs/screening.md.
"""

from typing import Any

import msgspec

from comptoir.actors.gateways.kyc_messages import ListedHit, PartyScreened
from comptoir.actors.kyc.messages import CaseReviewed
from comptoir.actors.kyc.state import KycState, Phase
from comptoir.engine.values import encode
from tests.actors.assessed import ANSWERS, EXAMPLE, LISTS, SCREEN_R, alerts, play, step
from tests.actors.kyc.test_watching import LISTED, MOVED, rescreened, shown

LATER = {"said", "first", "party", "entry_id", "list"}
"""Fields that a word has and had not; of a hit it was `said` alone."""


def older(value: msgspec.Struct) -> bytes:
    """As the earlier release wrote it."""
    return msgspec.json.encode(_without(msgspec.json.decode(encode(value))))


def _without(value: Any) -> Any:
    if isinstance(value, list):
        return [_without(one) for one in value]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(value, dict):
        return value
    gone = LATER if "word" in value else {"said"} if "fingerprint" in value else set[str]()
    return {k: _without(v) for k, v in value.items() if k not in gone}  # pyright: ignore[reportUnknownVariableType]


def test_an_answer_of_an_older_search_is_read_and_judged() -> None:
    """E4, S16: it holds the client, is shown without a difference, and may be cleared."""
    message = PartyScreened(SCREEN_R, (LISTED,), LISTS)
    assert b'"said"' not in older(message)
    read = msgspec.json.decode(older(message), type=PartyScreened)
    assert [one.said for one in read.hits] == [None]
    held = step(play((*ANSWERS[:3], EXAMPLE)), read).state
    assert [(x["entryId"], x["word"], x["since"]) for x in shown(held)] == [
        (LISTED.entry_id, "", []),
    ]  # fmt: skip
    half = step(held, CaseReviewed(True, "cp-1", "somebody else")).state
    assert half.phase is Phase.APPROVED
    assert [one["word"] for one in shown(half)] == ["cleared"]


def test_a_case_that_was_judged_by_an_older_release_goes_on() -> None:
    """E4, S16: its state is read; the word that is on it still silences the same hit, speaks no more of one that changed, and of
    that no difference is told, since nobody wrote down what was said then.
    """
    found = rescreened(play((*ANSWERS, EXAMPLE)), LISTED)
    cleared = step(found.state, CaseReviewed(True, "cp-1", "another birth date")).state
    written = older(cleared)
    assert b'"said"' not in written
    read = msgspec.json.decode(written, type=KycState)
    assert [one.said for hits in read.hits.values() for one in hits] == [None]
    assert [(one.word, one.said, one.first) for one in read.words] == [("cleared", None, "")]
    same = rescreened(read, LISTED)
    assert (same.state.phase, same.events) == (Phase.APPROVED, ())
    changed = rescreened(read, MOVED)
    assert alerts(changed) == ("NEW_HIT",)
    (hit,) = shown(changed.state)
    assert (hit["word"], hit["since"]) == ("", [])


def test_an_older_hit_is_no_other_one() -> None:
    """E4: with and without what it tells, it has the fingerprint by which it is known."""
    read = msgspec.json.decode(older(LISTED), type=ListedHit)
    assert read == msgspec.structs.replace(LISTED, said=None)
    assert read.fingerprint == LISTED.fingerprint
