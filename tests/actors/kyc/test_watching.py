"""Decided cases, searched for again for as long as they are there: actors/kyc/watching.py."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.gateways.kyc_messages import (
    AddressChecked,
    CheckImpossible,
    CreditChecked,
    MediaSearched,
    PartyScreened,
    ScreenParty,
)
from comptoir.actors.kyc import Finding
from comptoir.actors.kyc.messages import (
    CaseDue,
    CaseReviewed,
    PartiesChanged,
    ReportTaken,
    RescreenCase,
)
from comptoir.actors.kyc.state import CLEARED, CaseDecided, Judged, KycState, Phase, described
from comptoir.actors.review.messages import WithdrawReview
from comptoir.actors.screening.clearing import Facts, Said
from comptoir.engine import Address, Decision
from tests.actors.assessed import (
    ANSWERS,
    ASK,
    EXAMPLE,
    HIT,
    LISTS,
    MARIE,
    NOT_HERE,
    OWNER,
    PASSED,
    RENAMED,
    SANCTIONED,
    SCREEN_R,
    R,
    alerts,
    opened,
    play,
    report,
    step,
    told,
)


def rescreened(state: KycState, *hits: object) -> Decision[KycState]:
    """A list has another version, and the search finds these."""
    asked = step(state, RescreenCase("demo", "2"))
    (question,) = asked.messages
    assert isinstance(question.message, ScreenParty)
    return step(asked.state, PartyScreened(question.message.reference, hits, {"demo": "bb" * 32}))  # type: ignore[arg-type]


def test_a_new_hit_holds_an_approved_case_and_a_cleared_one_is_silent() -> None:
    """S21, E4: an alert and a review; what a person has cleared speaks again only when list or client say otherwise."""
    approved = play((*ANSWERS, EXAMPLE))
    quiet = rescreened(approved)
    assert (quiet.state.phase, quiet.events, quiet.messages) == (Phase.APPROVED, (), ())
    assert quiet.state.lists == {"demo": "bb" * 32}
    found = rescreened(approved, SANCTIONED)
    assert (found.state.phase, alerts(found)) == (Phase.HELD, ("NEW_HIT",))
    assert not [x for x in found.events if isinstance(x, CaseDecided)]
    assert told(found).outcome == "held"
    assert told(found).score == 85, "what the advisor saw is what the advisor sees"
    (question,) = opened(found)
    assert question.reasons == ("NEW_HIT",)
    cleared = step(found.state, CaseReviewed(True, "cp-1", "other", round=question.round)).state
    silent = rescreened(cleared, SANCTIONED)
    assert (silent.state.phase, silent.events) == (Phase.APPROVED, ())
    changed = rescreened(cleared, msgspec.structs.replace(SANCTIONED, fingerprint="f3"))
    assert alerts(changed) == ("NEW_HIT",)


@pytest.mark.parametrize(
    "before", [play((*ANSWERS, EXAMPLE)), play((*ANSWERS, report(45)))], ids=lambda x: x.phase.value
)
def test_who_is_called_otherwise_is_searched_for_under_that_name(before: KycState) -> None:
    """S21, S33: everybody, as they are now; what is found holds an approved case, and is an alert of any; said again, nothing."""
    asked = step(before, PartiesChanged((RENAMED,)))
    (question,) = [x.message for x in asked.messages]
    assert isinstance(question, ScreenParty)
    searched = msgspec.structs.replace(RENAMED, former=("Marie Tremblay",))
    assert (question.party, question.reference) == (searched, f"{R}:screening:client:2")
    assert step(asked.state, PartiesChanged((RENAMED,))) == Decision(asked.state)
    found = step(asked.state, PartyScreened(question.reference, (SANCTIONED,), LISTS))
    assert alerts(found) == ("NEW_HIT",)
    assert [x.two_people for x in opened(found)] == [True]
    later = step(found.state, RescreenCase("demo", "3"))
    assert [x.message.party for x in later.messages if isinstance(x.message, ScreenParty)] == [
        searched
    ]


@given(st.lists(st.sampled_from(("Ada", "Bea", "Cyd", "Dot", "Eve", "Fay", "Marie")), max_size=12))
def test_former_names_are_kept_each_once_and_four_of_them(names: list[str]) -> None:
    """S21, S33, S63: whoever changes back and forth has no more names than they had; the present one is none of the former."""
    state = play((*ANSWERS, EXAMPLE))
    had = ["Marie Tremblay"]
    for first in names:
        party = msgspec.structs.replace(MARIE, first_name=first)
        state = step(state, PartiesChanged((party,))).state
        had = [party.name, *(x for x in had if x != party.name)]
        assert state.asked is not None
        (now,) = state.asked.parties
        assert (now.name, set(now.former) - set(had)) == (party.name, set())
        assert list(now.former) == had[1:5]


SAID = Said(Facts(("Marie T.",), ("1980",), topics=("sanction",)), Facts(("Marie Tremblay",)))
LISTED = msgspec.structs.replace(SANCTIONED, said=SAID)
MOVED = msgspec.structs.replace(
    LISTED, fingerprint="f3", said=msgspec.structs.replace(
        SAID, entry=msgspec.structs.replace(SAID.entry, birth_dates=("1980-05-15",))
    ),
)  # fmt: skip


def shown(state: KycState) -> list[Mapping[str, Any]]:
    """The hits, as compliance is shown them."""
    return list(described(state).hits)


def test_a_judged_hit_that_changes_is_shown_with_what_changed() -> None:
    """E4: who looks again sees what was said of it, and which fact came and which went; a hit that is new shows none."""
    found = rescreened(play((*ANSWERS, EXAMPLE)), LISTED)
    assert [(x["word"], x["wordBefore"], x["since"]) for x in shown(found.state)] == [("", "", [])]
    cleared = step(found.state, CaseReviewed(True, "cp-1", "another birth date")).state
    assert [(x["word"], x["since"]) for x in shown(cleared)] == [("cleared", [])]
    changed = rescreened(cleared, MOVED)
    assert alerts(changed) == ("NEW_HIT",)
    (hit,) = shown(changed.state)
    assert (hit["word"], hit["wordBefore"]) == ("", "cleared")
    assert hit["since"] == [
        {"side": "entry", "what": "birth_dates", "came": ("1980-05-15",), "went": ("1980",)}
    ]
    back = rescreened(changed.state, LISTED)
    assert (shown(back.state)[0]["word"], back.events) == ("cleared", ()), "it says what it said"


@pytest.mark.parametrize("what", ["list", "entry_id", "party"])
def test_a_word_is_of_one_entry_as_one_party(what: str) -> None:
    """E4: another list's entry, or another party, that says the very same was judged by nobody."""
    ask = msgspec.structs.replace(ASK, parties=(*ASK.parties, OWNER))
    both = MediaSearched(f"{R}:media:owner-1", ()), PartyScreened(f"{R}:screening:owner-1:1", (), LISTS)  # fmt: skip
    approved = play((*ANSWERS, *both, EXAMPLE), ask)
    assert approved.phase is Phase.APPROVED

    def next_search(state: KycState, client: object, owner: object) -> Decision[KycState]:
        asked = step(state, RescreenCase("demo", "2")).state
        first, second = (f"{R}:screening:{x}:{asked.searches}" for x in ("client", "owner-1"))
        known = step(asked, PartyScreened(first, client, LISTS))  # type: ignore[arg-type]
        last = step(known.state, PartyScreened(second, owner, LISTS))  # type: ignore[arg-type]
        return msgspec.structs.replace(last, events=(*known.events, *last.events))

    held = next_search(approved, (LISTED,), ()).state
    cleared = step(held, CaseReviewed(True, "cp-1", "somebody else")).state
    assert next_search(cleared, (LISTED,), ()).events == ()
    if what == "party":
        again = next_search(cleared, (LISTED,), (LISTED,))
    else:
        again = next_search(cleared, (msgspec.structs.replace(LISTED, **{what: "other"}),), ())
    assert alerts(again) == ("NEW_HIT",)
    assert shown(again.state)[-1]["wordBefore"] == ""


def test_a_sanction_takes_two_people_and_an_office_one() -> None:
    """E14, X3: a suspected sanction asks for two, whenever it comes; both are on its word, and the file hears of both."""
    office = rescreened(play((*ANSWERS, EXAMPLE)), HIT)
    assert [x.two_people for x in opened(office)] == [False]
    found = rescreened(play((*ANSWERS, EXAMPLE)), LISTED)
    assert [x.two_people for x in opened(found)] == [True]
    at_first = step(play(ANSWERS[:3]), PartyScreened(SCREEN_R, (LISTED,), LISTS)).state
    assert [x.two_people for x in opened(step(at_first, EXAMPLE))] == [True]
    named = step(play(ANSWERS), report(checks={**PASSED, "sanctionsCheck": "FAILED"}))
    assert [x.two_people for x in opened(named)] == [True], (
        "the bureau's word alone suspects as well"
    )
    cleared = step(found.state, CaseReviewed(True, "cp-2", "seen", 1, "cp-1"))
    assert (told(cleared).by, told(cleared).first) == ("cp-2", "cp-1")
    assert [(x.by, x.first, x.word) for x in cleared.state.words] == [("cp-2", "cp-1", CLEARED)]


def test_a_confirmed_sanction_takes_two_people_as_well() -> None:
    """E14, X3: what somebody has confirmed, and the next round finds again, is approved by no one person."""
    held = rescreened(play((*ANSWERS, EXAMPLE)), SANCTIONED).state
    rejected = step(held, CaseReviewed(False, "cp-1", "it is them", held.reviews)).state
    asked = step(rejected, msgspec.structs.replace(ASK, round=2)).state
    again = "ONB-2026-00001:2"
    for answer in (
        AddressChecked(f"{again}:address", True, 97, None),
        CreditChecked(f"{again}:credit", False, "fair"),
        MediaSearched(f"{again}:media:client", ()),
        PartyScreened(f"{again}:screening:client:{asked.searches}", (SANCTIONED,), LISTS),
    ):
        asked = step(asked, answer).state
    found = step(asked, msgspec.structs.replace(EXAMPLE, digest="9" * 64))
    assert found.state.decided is not None
    assert "SANCTIONS_CONFIRMED" in found.state.decided.reasons
    assert [x.two_people for x in opened(found)] == [True]


def test_a_word_of_an_older_release_still_counts() -> None:
    """E4: it did not keep whose hit it was; what says the same stays silent, and anything else is new."""
    held = rescreened(play((*ANSWERS, EXAMPLE)), LISTED).state
    old = Judged(LISTED.fingerprint, CLEARED, "cp-1", 1)
    known = msgspec.structs.replace(held, phase=Phase.APPROVED, words=(old,))
    assert rescreened(known, LISTED).events == ()
    changed = rescreened(known, MOVED)
    assert alerts(changed) == ("NEW_HIT",)
    assert [x["since"] for x in shown(changed.state)] == [[]]


def test_a_review_that_has_not_seen_the_new_hit_decides_nothing() -> None:
    """E4, X3: a hit that comes while a person looks opens the review anew, and the word of before does not count."""
    held = play((*ANSWERS, report(60)))
    assert (held.phase, held.reviews) == (Phase.HELD, 1)
    found = rescreened(held, SANCTIONED)
    assert opened(found)[0].round == 2
    late = step(found.state, CaseReviewed(True, "cp-1", "fine", round=1))
    assert late.state == found.state
    seen = step(found.state, CaseReviewed(True, "cp-1", "fine", round=2))
    assert seen.state.phase is Phase.APPROVED


def test_a_search_that_comes_too_late_for_the_decision_counts_all_the_same() -> None:
    """S27, X3: held for silence and approved by a person; the search that was parked all the while has somebody."""
    silent = play((*ANSWERS[:3], EXAMPLE))
    held = step(silent, CaseDue(), now=silent.due_at)
    assert "CHECKS_SILENT" in alerts(held)
    approved = step(held.state, CaseReviewed(True, "cp-1", "searched by hand")).state
    late = step(approved, PartyScreened(SCREEN_R, (SANCTIONED,), LISTS))
    assert (late.state.phase, alerts(late)) == (Phase.HELD, ("NEW_HIT",))
    assert opened(late)[0].round == 2


def test_a_rejected_client_is_watched_too() -> None:
    """S21: an alert, and nothing to decide."""
    rejected = step(play((*ANSWERS, report(60))), CaseReviewed(False, "cp-1", "no")).state
    found = rescreened(rejected, SANCTIONED)
    assert (found.state.phase, alerts(found), found.messages) == (Phase.REJECTED, ("NEW_HIT",), ())


def test_a_search_that_was_overtaken_does_not_count() -> None:
    """S21: of two versions of a list the last one is what a case was searched in."""
    approved = play((*ANSWERS, EXAMPLE))
    once = step(approved, RescreenCase("demo", "2")).state
    twice = step(once, RescreenCase("demo", "3")).state
    late = step(twice, PartyScreened(f"{R}:screening:client:2", (SANCTIONED,), {"demo": "bb"}))
    assert (late.state, late.events) == (twice, ())
    gone = step(twice, CheckImpossible(f"{R}:screening:client:3", "screening", "REFUSED"))
    assert (gone.state.phase, gone.state.waits, gone.state.hits) == (
        Phase.APPROVED,
        (),
        {"client": ()},
    )


def test_a_list_that_changes_while_a_case_is_checked_is_searched_again() -> None:
    """S21, S27: the case waits for the search of the new version."""
    asked = step(play(ANSWERS), RescreenCase("demo", "2")).state
    state = step(asked, EXAMPLE).state
    assert state.phase is Phase.CHECKING
    done = step(state, PartyScreened(f"{R}:screening:client:2", (), LISTS)).state
    assert done.phase is Phase.APPROVED
    nowhere = [
        *ANSWERS[:3],
        CheckImpossible(SCREEN_R, "screening", NOT_HERE),
        RescreenCase("demo", "1"),
    ]
    late = PartyScreened(f"{R}:screening:client:2", (), LISTS)
    loaded = play((*nowhere, late, report(checks={})))
    assert loaded.decided is not None
    assert loaded.decided.facts.sanctions is Finding.CLEAR, "there is a list by now"


def test_another_round_begins_anew_and_ends_the_review_of_before() -> None:
    """S16, E4: a file that comes again is assessed again; the review that was open is not needed any more."""
    held = play((*ANSWERS, report(60)))
    again = step(held, msgspec.structs.replace(ASK, round=2))
    assert again.state.phase is Phase.CHECKING
    assert again.messages[0].target == Address("review", "ONB-2026-00001")
    assert again.messages[0].message == WithdrawReview(1)
    assert (again.state.report, again.state.reviews) == (None, 1)
    assert step(again.state, report(60)).reply == ReportTaken("duplicate")
