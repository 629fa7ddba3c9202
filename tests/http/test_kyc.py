"""Assessments at the edge: who is told what (E3), and the decisions that a dry run reads (E2): http/kyc.py.

Source: interface.md 8; spec.md S26, X3, E2, E3; docs/kyc.md.
"""

import json
from typing import Any

import msgspec
import pytest
import trio
from hypothesis import given

from comptoir.actors.kyc import Facts, Finding, Rules, decide
from comptoir.actors.kyc.messages import KIND, CaseDescribed
from comptoir.actors.kyc.replay import read_stored
from comptoir.actors.onboarding.messages import FileDescribed, KycShown, Opened
from comptoir.engine import Address, Message
from comptoir.http import kyc, onboarding
from comptoir.http.kyc_testing import CASE
from comptoir.http.operation import Access, Call
from comptoir.http.principal import Principal, Role
from comptoir.http.shapes_kyc import CaseTold, DecisionPage
from comptoir.http.testing import FakeAnswer, FakeDaemon
from tests.actors.kyc.test_deciding import facts

FILE = "ONB-2026-00001"
OPENED = Opened("INDIVIDUAL", "CONSEILLER", "adv-1", "a@bank.example", "cli_1", "", "")
KEPT = KycShown(85, "LOW", "AUTO_APPROVE", "SYSTEM")
WITHHELD = KycShown(None, None, None, "SYSTEM", withheld=True)


class Desk:
    """One file and its case, as different people see them."""

    def __init__(self, case: CaseDescribed = CASE, kept: KycShown | None = KEPT) -> None:
        self.daemon = FakeDaemon()
        self.case = case
        file = FileDescribed("KYC_APPROVED", OPENED, (), (), (), 1, 2, 3, kept)

        async def asked(address: Address, _message: Message) -> FakeAnswer:
            return FakeAnswer(self.case if address.kind == KIND else file)

        self.daemon.asked = asked

    async def told(self, role: Role, work: Any = kyc.shown) -> dict[str, Any]:
        """What somebody of a role sees."""
        sub = {Role.CLIENT: "cli_1", Role.CONSEILLER: "adv-1", Role.COMPLIANCE: "cp-1"}[role]
        access = Access(None if role is Role.COMPLIANCE else sub)
        who = Principal(sub, "https://id.example", frozenset({role}))
        answer = await work(
            self.daemon, Call("abcdefgh", {"onboardingId": FILE}, {}, "", b"", access, who)
        )
        assert answer.status == 200, answer.body
        found: dict[str, Any] = json.loads(answer.body)
        return found


def case_of(known: Facts, **changes: Any) -> CaseDescribed:
    """A case that was decided from these."""
    decided = decide(Rules(), known)
    return msgspec.structs.replace(
        CASE, computed_score=decided.score, decided=msgspec.to_builtins(decided), reasons=decided.reasons,
        **changes,
    )  # fmt: skip


WITHOUT_A_WORD = Desk(CASE, WITHHELD)
"""Of all examples: to make a daemon costs more than to ask it."""


async def test_compliance_sees_everything_and_others_their_part() -> None:
    """E3, S26: factor by factor for all; facts, hits and the bureau's words for compliance only."""
    desk = Desk(case_of(Facts(identity_verified=True, documents_valid=True, pep=Finding.CLEAR, sanctions=Finding.CLEAR)))  # fmt: skip
    whole = await desk.told(Role.COMPLIANCE)
    msgspec.convert(whole, CaseTold)
    assert whole["case"]["hits"][0]["entryId"] == "Q1"
    assert whole["whatIf"] == {
        "changes": ["address_verified"], "score": 85, "recommendation": "AUTO_APPROVE",
    }  # fmt: skip
    for role in (Role.CONSEILLER, Role.CLIENT):
        part = await desk.told(role)
        msgspec.convert(part, CaseTold)
        assert "case" not in part
        assert (part["score"], part["whatIf"]) == (whole["score"], whole["whatIf"])
        assert sum(one["points"] for one in part["factors"]) == part["score"]
        assert "no_pep_no_sanctions" not in str(part)
    assert (await desk.told(Role.CONSEILLER, onboarding.show))["kyc"] == {
        "score": 85, "riskLevel": "LOW", "recommendation": "AUTO_APPROVE",
    }  # fmt: skip
    assert "kyc" not in await desk.told(Role.CLIENT, onboarding.show)


@given(facts)
@pytest.mark.parametrize("role", [Role.CONSEILLER, Role.CLIENT])
def test_who_was_found_is_told_as_any_other_who_waits(role: Role, known: Facts) -> None:
    """X3, E3: of a case with a reason of anti-money-laundering the words are the same for all, whatever else is known."""
    desk = WITHOUT_A_WORD
    told: list[dict[str, Any]] = []
    for finding in (Finding.SUSPECTED, Finding.CONFIRMED):
        desk.case = case_of(msgspec.structs.replace(known, sanctions=finding))
        told.append(trio.run(desk.told, role))
    desk.case = case_of(Facts(identity_verified=None, documents_valid=True))
    assert told == [trio.run(desk.told, role)] * 2
    assert told[0]["code"] == "UNDER_REVIEW"


async def test_what_disagrees_is_not_told_either() -> None:
    """X4, E3: a bureau that has found what we have not would be heard by its score."""
    desk = Desk(msgspec.structs.replace(CASE, disagreements=("OURS_AGAINST_THEIRS",)), WITHHELD)
    assert (await desk.told(Role.CONSEILLER))["code"] == "UNDER_REVIEW"
    assert (await desk.told(Role.CONSEILLER, onboarding.show))["kyc"] == {
        "score": None, "riskLevel": None, "recommendation": None,
    }  # fmt: skip
    assert (await desk.told(Role.COMPLIANCE))["case"]["disagreements"] == ["OURS_AGAINST_THEIRS"]
    assert (await desk.told(Role.COMPLIANCE, onboarding.show))["kyc"]["score"] == 85


async def test_before_a_decision_there_is_nothing_to_tell() -> None:
    """S26: not begun, and begun."""
    for status, code in (("none", "NOT_ASSESSED"), ("checking", "UNDER_REVIEW")):
        desk = Desk(CaseDescribed(status), None)  # type: ignore[arg-type]
        for role in (Role.CLIENT, Role.CONSEILLER, Role.COMPLIANCE):
            told = await desk.told(role)
            msgspec.convert(told, CaseTold)
            assert (told["code"], told["score"], told["factors"]) == (code, None, [])
        assert (await desk.told(Role.CONSEILLER, onboarding.show))["kyc"] is None


async def test_decisions_are_the_lines_that_a_dry_run_reads() -> None:
    """E2: page after page, each file once, in their order."""
    daemon = FakeDaemon()
    names = [f"ONB-2026-0000{n}" for n in range(1, 6)]
    daemon.file_owners = dict.fromkeys(names, "cli_1")
    lines: list[bytes] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": ["2"], **({"cursor": [cursor]} if cursor else {})}
        answer = await kyc.listed(daemon, Call("abcdefgh", {}, query, "", b""))
        page = json.loads(answer.body)
        msgspec.convert(page, DecisionPage)
        lines += [json.dumps(item).encode() for item in page["items"]]
        cursor = page["nextCursor"]
    assert [one.id for one in read_stored(lines)] == names


@pytest.mark.parametrize("query", [{"limit": ["0"]}, {"cursor": ["x"]}, {"cursor": ["ONB-2026-00001"] * 2}])  # fmt: skip
async def test_a_wrong_page_is_refused(query: dict[str, list[str]]) -> None:
    """Interface.md 1."""
    answer = await kyc.listed(FakeDaemon(), Call("abcdefgh", {}, query, "", b""))
    assert answer.status == 422
