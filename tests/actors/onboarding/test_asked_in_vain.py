"""What a file is told that has no place in it, or no way out: it stands as it is, and says so where somebody waits.

Source: spec.md S16 (each transition tested alone); docs/onboarding.md.
"""

import msgspec
import pytest

from comptoir.actors.gateways.document_messages import ObjectAbsent, ObjectFound
from comptoir.actors.gateways.messages import SendMail
from comptoir.actors.onboarding import onward_events as facts
from comptoir.actors.onboarding.link_messages import RenewLink
from comptoir.actors.onboarding.onward_messages import (
    AccountKept,
    ApproveFile,
    OnwardRefused,
    ReissueSignature,
)
from comptoir.actors.onboarding.relinking import LinkSentAgain
from comptoir.actors.onboarding.state import OnboardingState, Phase
from comptoir.engine import Message
from tests.actors.filed import BEGUN, INSPECTING, NOW
from tests.actors.onboarding.test_onward import decide, sent
from tests.actors.onboarding.test_syncing import there
from tests.actors.onward import COMPLETED, CREATED, OPEN_TERMS, PENDING, SENT, SIGNED

replace = msgspec.structs.replace
LINK = RenewLink("https://x/portal/ONB?token=v", "d2", "listing", "r2", "en")


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (INSPECTING, ObjectFound("doc_9", 300, "application/pdf", "ab" * 32)),
        (INSPECTING, ObjectAbsent("doc_9", "OBJECTS_UNAVAILABLE")),
        (replace(COMPLETED, forgotten=True), there(1, address__city="LAVAL")),
        (replace(BEGUN, client=None), LINK),
    ],
)
def test_word_about_what_is_not_there_changes_nothing(
    state: OnboardingState, message: Message
) -> None:
    """S16, S19: of a document that is no more, of a client who is forgotten: late, and without effect."""
    made = decide(state, message)
    assert (made.state, made.messages, made.events) == (state, (), ())


@pytest.mark.parametrize(
    ("sms", "phone", "goes"), [(True, "+1", True), (False, "+1", False), (False, "", True)]
)
def test_a_link_goes_only_where_its_code_can_follow(sms: bool, phone: str, goes: bool) -> None:
    """S14, X8: whoever has a telephone is sent the code there; where none can be sent, no link goes either."""
    assert BEGUN.client is not None
    state = replace(BEGUN, client=replace(BEGUN.client, phone=phone))
    made = decide(state, LINK, terms=replace(OPEN_TERMS, sms=sms))
    assert made.state == state
    assert bool(made.messages) is goes
    assert made.events == ((LinkSentAgain(),) if goes else ())


def test_an_account_that_is_asked_for_is_not_refused() -> None:
    """S8, S28: the advisor's word came before it; the mainframe's is awaited now."""
    asked = replace(
        SIGNED, onward=replace(SIGNED.onward, account=AccountKept("asked", asked_at=NOW - 1))
    )
    made = decide(asked, ApproveFile(False, "adv-1", "moved away"))
    assert (made.state, made.reply) == (asked, OnwardRefused("APPROVAL_NOT_AWAITED"))


def test_no_contract_is_issued_anew_for_a_type_that_is_configured_no_more() -> None:
    """S28: it would have no template; what is open stays open."""
    made = decide(SENT, ReissueSignature("adv-1"), terms=replace(OPEN_TERMS, types={}))
    assert (made.state, made.reply) == (SENT, OnwardRefused("CLIENT_TYPE_UNKNOWN"))


def test_an_account_is_there_without_mail() -> None:
    """S7, S28: where no mail is configured the file is completed all the same, and the journal says who was not told."""
    made = decide(PENDING, CREATED, terms=replace(OPEN_TERMS, mail=False))
    assert made.state.phase is Phase.COMPLETED
    assert facts.StaffUntold("MAIL_NOT_CONFIGURED") in made.events
    assert sent(made, SendMail) == []
