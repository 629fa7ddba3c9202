"""A link that is over, by which another is asked for: a few times a day, and nobody learns whether one is sent (X8).

Source: spec.md S4, S9, X8; docs/portal.md.
"""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.browser_session.messages import EndSession
from comptoir.actors.erasure.messages import BeginErasure
from comptoir.actors.invitation.machine import MISSED_MAX
from comptoir.actors.invitation.messages import (
    ForgetInvitation,
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
    """One whose link was used without a code in time, used up, or is too old."""
    one = Invitation()
    one.ask(invite())
    if how == "waited":
        one.ask(use())
        one.now += TERMS_NOW.code_ms
    elif how == "stayed":
        one.ask(use())
        one.ask(enter())
        one.now += TERMS_NOW.session_ms
    elif how == "spent":
        one.ask(use())
        guess(one)
    else:
        one.now += TERMS_NOW.link_ms
        one.ask(InvitationExpired())
    return one


def good(how: str) -> Invitation:
    """One whose client has a link, or waits for a code, as the newest thing."""
    one = Invitation()
    one.ask(invite(OTHER if how == "replaced" else TOKEN, reference="r9"))
    if how == "replaced":
        one.ask(invite())
    elif how == "used":
        one.ask(use())
    return one


def guess(one: Invitation) -> None:
    """Wrong codes, until the link is dead."""
    for _ in range(TERMS_NOW.tries_max):
        one.ask(enter("999999"))


def come_in(one: Invitation, token: str, session: str) -> None:
    """By this link, with a session of its own."""
    one.ask(use(token))
    one.ask(msgspec.structs.replace(enter(), opens=session))


@pytest.mark.parametrize("how", ["waited", "stayed", "spent", "expired"])
def test_a_link_that_is_over_asks_for_another(how: str) -> None:
    """X8: however it came to its end; the file hears of it, with where the client's sessions are listed."""
    one = over(how)
    assert one.ask(want()) == LinkHeard()
    assert one.happened() == (LinkRenewed(1),)
    assert renewed(one) == [RenewLink("https://x/portal/F?token=v", "d2", "p1", "r2", "en")]
    assert [x.target for x in one.last.messages] == [Address("onboarding", FILE)]


@pytest.mark.parametrize("how", ["invited", "replaced", "used"])
def test_whoever_has_an_old_link_cuts_nobody_off(how: str) -> None:
    """X8: while the newest link is good, or its code may be typed, another one would end it: the same answer, and nothing."""
    one = good(how)
    before = one.state
    for token in (TOKEN, OTHER):
        assert one.ask(want(token)) == LinkHeard()
        assert (one.state, one.last.messages, one.happened()) == (before, (), ())


def test_a_session_that_is_open_is_not_ended_by_an_old_link() -> None:
    """X8: nothing is sent while the newest session is open; when it has ended before its time (it was idle, or its client has
    signed out) another link goes out.
    """
    one = Invitation()
    one.ask(invite())
    come_in(one, TOKEN, "first")
    before = one.state
    assert one.ask(want()) == LinkHeard("first")
    assert one.ask(msgspec.structs.replace(want(), over="another")) == LinkHeard("first")
    assert (one.state, one.last.messages) == (before, ())
    assert one.ask(msgspec.structs.replace(want(), over="first")) == LinkHeard()
    assert len(renewed(one)) == 1


def test_wrong_codes_count_on_over_links_that_were_asked_for() -> None:
    """NIST SP 800-63B-4, 3.2.2: whoever reads the client's mail has twenty tries, and no more until an advisor invites the
    client, or the client was in: whatever links they ask for, on however many days.
    """
    one = over("spent")
    for token in ("2" * 43, "3" * 43, "4" * 43, "5" * 43, "6" * 43):
        one.now += DAY_MS
        one.ask(msgspec.structs.replace(want(), digest=digest(token)))
        if renewed(one):
            one.ask(invite(token, reference=token))
            one.ask(use(token))
            guess(one)
    assert one.state.missed == MISSED_MAX
    one.ask(invite(OTHER, reference="advisor"))
    assert one.state.missed == 0
    one.ask(use(OTHER))
    guess(one)
    one.ask(want())
    assert len(renewed(one)) == 1


def test_two_requests_at_once_are_one() -> None:
    """X8: what was asked for and is not there yet is waited for, a minute long; and were it two, wrong codes would count on
    over both.
    """
    one = over("spent")
    one.ask(want())
    for passed in (0, 59_999):
        one.now += passed
        one.ask(msgspec.structs.replace(want(), digest="d3"))
        assert renewed(one) == []
    one.now += 1  # the file has not sent it
    one.ask(msgspec.structs.replace(want(), digest="d3"))
    assert len(renewed(one)) == 1
    for late in ("d2", "d3"):
        one.ask(msgspec.structs.replace(invite(reference=late), digest=late))
        assert one.state.missed == TERMS_NOW.tries_max


def ended_by(one: Invitation) -> tuple[set[str], set[str]]:
    """Sessions that an erasure ends, and whose keys go."""
    one.ask(ForgetInvitation())
    ended = {x.target.key for x in one.last.messages if isinstance(x.message, EndSession)}
    (begun,) = [x.message for x in one.last.messages if isinstance(x.message, BeginErasure)]
    return ended, {x.key for x in begun.what if x.kind == "browser_session"}


@pytest.mark.parametrize("then", ["", "invited", "used", "spent", "expired", "in"])
def test_an_erasure_ends_whatever_session_is_open(then: str) -> None:
    """X13, E13: also the one that came of a link before the newest, whatever became of that (docs/erasure.md)."""
    one = Invitation()
    one.ask(invite())
    come_in(one, TOKEN, "first")
    if then:
        one.ask(invite(OTHER, reference="r2"))
    if then in ("used", "spent"):
        one.ask(use(OTHER))
    if then == "spent":
        guess(one)
    if then == "expired":
        one.now += TERMS_NOW.link_ms
        one.ask(InvitationExpired())
    if then == "in":
        come_in(one, OTHER, "second")
    open_ones = {"first", "second"} if then == "in" else {"first"}
    assert ended_by(one) == (open_ones, open_ones)


def test_an_erasure_ends_the_session_of_an_earlier_release() -> None:
    """S16, E13: a state that was written before sessions were kept names the one it is in by."""
    one = Invitation()
    one.ask(invite())
    come_in(one, TOKEN, "first")
    one.state = msgspec.structs.replace(one.state, opened=())
    one.ask(invite(OTHER, reference="r2"))
    assert ended_by(one) == ({"first"}, {"first"})


def test_of_what_has_ended_nothing_of_the_client_is_left() -> None:
    """S60: a digest of chance, times and the key of a list: no address, no telephone, no id."""
    state = over("expired").state
    assert state == InvitationState(Phase.ENDED, listing="p1", given=(digest(TOKEN),))


def test_who_has_no_link_of_it_is_answered_alike() -> None:
    """X8: the same answer, and nothing happens: of a file with links, and of one that never was."""
    for one in (over("waited"), Invitation()):
        before = one.state
        assert one.ask(want("n" * 43)) == LinkHeard()
        assert (one.state, one.last.messages, one.happened()) == (before, (), ())


def test_the_links_of_an_earlier_release_are_known_while_they_are_good() -> None:
    """S16: a state that was written before their digests were kept knows the one that was not used, until its time is over."""
    one = Invitation()
    one.ask(invite())
    one.now += TERMS_NOW.link_ms
    one.state = msgspec.structs.replace(one.state, given=())
    one.ask(want())
    assert len(renewed(one)) == 1


@given(st.lists(st.integers(0, DAY_MS // 2), min_size=1, max_size=30))
def test_in_no_day_are_there_more_than_are_allowed(pauses: list[int]) -> None:
    """X8: whatever the pauses, and through every new link that comes of it and is used up."""
    one, sent = over("spent"), list[int]()
    for pause in pauses:
        one.now += pause
        one.ask(msgspec.structs.replace(want(), digest=digest(OTHER)))
        if renewed(one):
            sent.append(one.now)
            one.ask(invite(OTHER, reference=f"r{len(sent)}"))
            one.ask(use(OTHER))
            guess(one)
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
