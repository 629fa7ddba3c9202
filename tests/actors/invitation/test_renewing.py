"""A link that is over, by which another is asked for: a few times a day, and nobody learns whether one is sent (X8).

Source: spec.md S4, S9, X8; docs/portal.md.
"""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.invitation.messages import (
    InvitationExpired,
    InviteClient,
    LinkHeard,
    WantLink,
)
from comptoir.actors.invitation.state import LINKS_KEPT, InvitationState, LinkRenewed, Phase
from comptoir.actors.onboarding.link_messages import RenewLink
from comptoir.actors.onboarding.relinking import LinkSentAgain
from comptoir.actors.onboarding.state import Phase as FilePhase
from comptoir.engine import Address, Decision
from tests.actors.deciding import Case
from tests.actors.filed import BEGUN, MARIE, OPENED
from tests.actors.invitation.test_machine import (
    FILE,
    OTHER,
    TERMS_NOW,
    TOKEN,
    Invitation,
    digest,
    enter,
    invite,
    use,
)

DAY_MS = 86_400_000
NEW = RenewLink("https://x/portal/ONB?token=v", "d2", "listing", "r2", "en")


def want(token: str = TOKEN) -> WantLink:
    """Asked for by this link."""
    return WantLink(digest(token), "https://x/portal/F?token=v", "d2", "r2", "en")


def renewed(one: Invitation) -> list[RenewLink]:
    """What the file was told by the last decision."""
    return [x.message for x in one.last.messages if isinstance(x.message, RenewLink)]


def over(how: str) -> Invitation:
    """One whose link was used, used up, replaced, or is too old."""
    one = Invitation()
    one.ask(invite())
    if how == "used":
        one.ask(use())
    elif how == "in":
        one.ask(use())
        one.ask(enter())
    elif how == "spent":
        one.ask(use())
        for _ in range(TERMS_NOW.tries_max):
            one.ask(enter("999999"))
    elif how == "replaced":
        one.ask(invite(OTHER, reference="r9"))
    else:
        one.now += TERMS_NOW.link_ms
        one.ask(InvitationExpired())
    return one


@pytest.mark.parametrize("how", ["used", "in", "spent", "replaced", "expired"])
def test_a_link_that_is_over_asks_for_another(how: str) -> None:
    """X8: however it came to its end; the file hears of it, with where the client's sessions are listed."""
    one = over(how)
    assert one.ask(want()) == LinkHeard()
    assert one.happened() == (LinkRenewed(1),)
    assert renewed(one) == [RenewLink("https://x/portal/F?token=v", "d2", "p1", "r2", "en")]
    assert [x.target for x in one.last.messages] == [Address("onboarding", FILE)]


def test_of_what_has_ended_nothing_of_the_client_is_left() -> None:
    """S60: a digest of chance, times and the key of a list: no address, no telephone, no id."""
    state = over("expired").state
    assert state == InvitationState(Phase.ENDED, listing="p1", given=(digest(TOKEN),))


def test_who_has_no_link_of_it_is_answered_alike() -> None:
    """X8: the same answer, and nothing happens: of a file with links, and of one that never was."""
    for one in (over("used"), Invitation()):
        before = one.state
        assert one.ask(want("n" * 43)) == LinkHeard()
        assert (one.state, one.last.messages, one.happened()) == (before, (), ())


def test_the_links_of_an_earlier_release_are_known_while_they_are_good() -> None:
    """S16: a state that was written before their digests were kept knows the one that was not used."""
    one = Invitation()
    one.ask(invite())
    one.state = msgspec.structs.replace(one.state, given=())
    one.ask(want())
    assert len(renewed(one)) == 1


@given(st.lists(st.integers(0, DAY_MS // 2), min_size=1, max_size=30))
def test_in_no_day_are_there_more_than_are_allowed(pauses: list[int]) -> None:
    """X8: whatever the pauses, and through every new link that comes of it."""
    one, sent = over("used"), list[int]()
    for pause in pauses:
        one.now += pause
        one.ask(want())
        if renewed(one):
            sent.append(one.now)
            one.ask(invite(OTHER, reference=f"r{len(sent)}"))
    assert all(
        sum(1 for other in sent if at <= other < at + DAY_MS) <= TERMS_NOW.links_max for at in sent
    )
    assert len(one.state.given) <= LINKS_KEPT
    if sum(pauses) == 0:
        assert len(sent) == min(len(pauses), TERMS_NOW.links_max)


def file_says(phase: str, **terms: bool) -> Decision[Any]:
    """What a file does in this phase."""
    state = msgspec.structs.replace(BEGUN, phase=FilePhase(phase))
    case = Case(state, NEW)
    outcome = msgspec.structs.replace(
        case, files=msgspec.structs.replace(case.files, **terms)
    ).decide("onboarding")
    assert isinstance(outcome, Decision)
    return outcome


def test_the_file_sends_it_to_the_address_with_which_it_began() -> None:
    """S4, S44, X8: mail address and telephone of record, whatever is asked; in the language of the page."""
    decided = file_says("SIGNATURE_PENDING")
    assert decided.events == (LinkSentAgain(),)
    (sent,) = decided.messages
    told = sent.message
    assert isinstance(told, InviteClient)
    assert (sent.target.kind, told.email, told.phone, told.user_id, told.language) == (
        "invitation", MARIE.email, MARIE.phone, OPENED.user_id, "en",
    )  # fmt: skip


@pytest.mark.parametrize("phase", ["INCOMPLETE", "KYC_REJECTED"])
def test_a_file_that_is_over_sends_none(phase: str) -> None:
    """S14, X3: of a rejected client, and of one whose advisor has to resume the file, nothing is told."""
    assert file_says(phase).messages == ()


def test_where_nobody_carries_it_nothing_is_sent() -> None:
    """Interface.md 3: no carrier of mail, or of text messages for a client with a telephone."""
    assert file_says("SIGNATURE_PENDING", mail=False).messages == ()
    assert file_says("SIGNATURE_PENDING", sms=False).messages == ()
