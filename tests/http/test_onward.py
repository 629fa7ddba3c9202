"""The last word on a signed file over HTTP, and how far a file is in its readers' words (http/onward.py, file_stages.py)."""

from typing import Any, cast

import msgspec
import pytest

from comptoir.actors.onboarding.completing import described
from comptoir.actors.onboarding.machine import MACHINE
from comptoir.actors.onboarding.messages import FileDescribed
from comptoir.actors.onboarding.onward_messages import (
    AccountKept,
    Onward,
    OnwardRefused,
    SigningKept,
)
from comptoir.actors.onboarding.state import OnboardingState, Phase
from comptoir.engine import Reply
from comptoir.engine.envelope import Answer
from comptoir.http import onboarding, onward
from comptoir.http.answers import Response
from comptoir.http.file_stages import (
    NEXT_STEPS,
    SUMMARIES,
    masked,
    next_step,
    summary_of,
    waits_for,
)
from comptoir.http.operation import Access, Call
from comptoir.http.port import Port
from comptoir.http.principal import Principal, Role
from tests.actors.onward import OPEN_TERMS, PENDING, SENT, SIGNED, at

replace = msgspec.structs.replace
NUMBER = "ONB-2027-00001"
DONE = at(Phase.COMPLETED, Onward(SigningKept("signed", 1), account=AccountKept("created", "FR00123456")))  # fmt: skip
WORD = b'{"decision":"approve","reason":"as agreed"}'


def told(state: OnboardingState) -> FileDescribed:
    """What a file says of itself."""
    return described(state, OPEN_TERMS)


class OneFile:
    """A port behind which there is one file, of a house without accounts."""

    identity = None

    def __init__(self, state: OnboardingState, then: Reply | None = None) -> None:
        self.file, self.then = told(state), then
        self.heard: list[str] = []

    async def ask(self, _address: object, message: object) -> Answer:
        """Describe it; of anything else the answer that it was given."""
        self.heard.append(type(message).__name__)
        return Answer(self.file if self.heard[-1] == "DescribeFile" else self.then or self.file)


def call(who: str, role: Role, body: bytes = WORD) -> Call:
    """Of somebody with this role."""
    access = Access(None if role is Role.COMPLIANCE else who)
    principal = Principal(who, "iss", frozenset({role}))
    return Call("abcdefgh", {"onboardingId": NUMBER}, {}, "application/json", body, access, principal)  # fmt: skip


def shown(answer: Response) -> dict[str, Any]:
    """Its body."""
    found: dict[str, Any] = msgspec.json.decode(answer.body)
    return found


def test_every_phase_has_its_words() -> None:
    """S13, S15, X6, E17: a coarse status for each, and a next step for each that goes on."""
    phases = {one.value for one in Phase} - {"NONE"}
    assert set(SUMMARIES) == phases
    assert phases - set(NEXT_STEPS) == {"COMPLETED", "INCOMPLETE", "KYC_REJECTED"}
    assert {one.value for one in MACHINE.phases} - {"NONE"} == phases


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (SENT, ("APPROVED", "SIGNATURE", "client")),
        (at(Phase.SIGNATURE_PENDING, Onward(SigningKept("declined", 1))), ("APPROVED", "SIGNATURE_REISSUE", "advisor")),
        (at(Phase.KYC_APPROVED, Onward(SigningKept("preparing", 1))), ("APPROVED", "SIGNATURE", "provider")),
        (at(Phase.KYC_APPROVED, Onward()), ("APPROVED", "SIGNATURE", None)),
        (SIGNED, ("APPROVED", "APPROVAL", "advisor")),
        (PENDING, ("APPROVED", "ACCOUNT_CREATION", "mainframe")),
        (DONE, ("APPROVED", None, None)),
        (replace(at(Phase.INCOMPLETE, Onward()), cause="contract_not_signed"), ("DOCS_PENDING", None, None)),
        (replace(at(Phase.INCOMPLETE, Onward()), cause="account_refused"), ("REJECTED", None, None)),
    ],
)  # fmt: skip
def test_for_whom_it_waits(
    state: OnboardingState, words: tuple[str, str | None, str | None]
) -> None:
    """S13, S15, S39, E17: the advisor where a contract was declined, the mainframe where it is late."""
    file = told(state)
    assert (summary_of(file), next_step(file), waits_for(file)) == words


@pytest.mark.parametrize(
    ("who", "role", "number"),
    [
        ("cli_1", Role.CLIENT, "FR00123456"), ("adv-1", Role.CONSEILLER, "FR00123456"),
        ("cp-1", Role.COMPLIANCE, "******3456"),
    ],
)  # fmt: skip
async def test_an_account_is_whole_for_whose_it_is(who: str, role: Role, number: str) -> None:
    """S34, S72: the client and the file's advisor; of the mainframe's reason and the last word a client hears nothing."""
    file = shown(await onboarding.show(cast("Port", OneFile(DONE)), call(who, role)))
    assert file["account"]["accountNumber"] == number
    assert ("code" in file["account"], "approval" in file) == (role is not Role.CLIENT,) * 2


def test_a_short_number_is_not_seen_at_all() -> None:
    """S34: four characters of four would be all of it."""
    assert (masked("1234"), masked("12345"), masked("")) == ("****", "*2345", "")


async def test_whoever_decided_hears_why_it_is_not_theirs() -> None:
    """X5: 403 FOUR_EYES, though the file is another advisor's; who knows nothing of it hears that it is not there."""
    for who, status, code in (("cp-1", 403, "FOUR_EYES"), ("adv-2", 404, "NOT_FOUND")):
        port = OneFile(SIGNED)
        answer = await onward.approve(cast("Port", port), call(who, Role.CONSEILLER))
        assert (answer.status, shown(answer)["code"], port.heard) == (
            status,
            code,
            ["DescribeFile"],
        )


async def test_an_advisor_approves_their_own_and_nobodys() -> None:
    """S4, S5, X5: the file's own advisor may; a partner's that is nobody's is any advisor's to approve."""
    assert SIGNED.opened is not None
    nobodys = replace(SIGNED, opened=replace(SIGNED.opened, advisor=""))
    for state, who in ((SIGNED, "adv-1"), (nobodys, "adv-2")):
        port = OneFile(state)
        answer = await onward.approve(cast("Port", port), call(who, Role.CONSEILLER))
        assert (answer.status, port.heard) == (200, ["DescribeFile", "ApproveFile"])


async def test_what_the_mainframe_cannot_hold_is_pointed_at() -> None:
    """S30, X12: the fields by their pointers, nothing of what they say."""
    refused = OnwardRefused("ACCOUNT_FIELDS_UNFIT", ("nationalId/number", "address/street"))
    port = cast("Port", OneFile(SIGNED, refused))
    answer = await onward.approve(port, call("adv-1", Role.CONSEILLER))
    body = shown(answer)
    assert (answer.status, body["code"]) == (409, "ACCOUNT_FIELDS_UNFIT")
    assert [one["pointer"] for one in body["errors"]] == ["/nationalId/number", "/address/street"]


@pytest.mark.parametrize("reason", ["", "   ", "a\\nb"])
async def test_a_word_has_its_reason(reason: str) -> None:
    """E14: one line that says why."""
    port = OneFile(SIGNED)
    body = f'{{"decision":"reject","reason":"{reason}"}}'.encode()
    answer = await onward.approve(cast("Port", port), call("adv-1", Role.CONSEILLER, body))
    assert (answer.status, port.heard) == (422, [])


async def test_a_contract_is_issued_anew_by_its_advisor_alone() -> None:
    """S28: and why it is not, by name."""
    port = OneFile(SENT, OnwardRefused("SIGNATURE_NOT_OPEN"))
    for who, status in (("adv-2", 404), ("adv-1", 409)):
        answer = await onward.reissue(cast("Port", port), call(who, Role.CONSEILLER))
        assert answer.status == status
