"""From the decision to the account over HTTP, with every outside party a process of its own and SIGKILL in each phase.

Rule: daemon and sandbox are processes of their own; the type of client wants no documents here, since those are
tests/contract/test_scenarios.py's.
Source: issue 9, "must show"; spec.md S4, S13, S16, S17, S28 to S32, X5, X9, E11, E14; interface.md 8 and 10.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import eventually
from tests.contract.documents import INITIATION, to_people
from tests.contract.opening import (
    PROFILE,
    advance,
    approves,
    contract,
    mainframe,
    moves,
    signs,
    to_accounts,
)
from tests.contract.scene import SECRET, Scene

Start = Callable[..., Process]
TYPES = {
    "QUICK": {"documents": [], "needs": ["national_id"], "entity": False, "parties": [], "contract": "management-individual"}
}  # fmt: skip
EIGHT_MINUTES = 480


@pytest.fixture
def scene(comptoir_daemon: Start, comptoir_sandbox: Start, tmp_path: Path) -> Iterator[Scene]:
    """A bank with a bureau, an authority and a mainframe."""
    sandbox = comptoir_sandbox()
    daemon = comptoir_daemon(
        **to_people(sandbox),
        **to_accounts(sandbox, tmp_path),
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_HTTP__RATE_LIMITS="off",
        COMPTOIR_PROVIDERS__KYC__BASE_URL=f"{sandbox.url}/kyc",
        COMPTOIR_WEBHOOKS__KYC__SECRETS=json.dumps([SECRET]),
        COMPTOIR_BREAKERS__DEFAULT__RECOVERY_S="1",
        COMPTOIR_ONBOARDING__TYPES=json.dumps(TYPES),
    )
    scene = Scene(daemon, sandbox, tmp_path)
    yield scene
    scene.browser.close()


def is_decided(scene: Scene) -> None:
    """Begun, completed by the client, held, and approved by a person."""
    body = {**INITIATION, "clientType": "QUICK", "clientInfo": scene.info()}
    begun = scene.by("advisor", "POST", "/api/v1/onboarding/initiate", body)
    assert begun.status == 201, begun
    scene.number = begun.json()["onboardingId"]
    scene.enters()
    file = f"/api/v1/onboarding/{scene.number}"
    wanted = scene.browser.get(file).json()["missingFields"]
    assert {"/nationalId/number", "/address/street", "/address/postalCode"} <= set(wanted)
    assert scene.browser.patch(f"{file}/profile", json=PROFILE).status_code == 200
    scene.reaches("KYC_PENDING")
    scene.tells("POST", f"/control/kyc/{scene.number}", {"score": 60})
    scene.reaches("COMPLIANCE_HOLD")
    verdict = {"decision": "approve", "reason": "known for years"}
    decided = scene.by("compliance", "POST", f"/api/v1/review/{scene.number}/decision", verdict)
    assert decided.status == 200, decided


def signature(scene: Scene, status: str, number: int) -> None:
    """Wait until the file says so of its contract."""

    def stands() -> bool:
        shown = scene.file()["signature"]
        return shown is not None and (shown["status"], shown["round"]) == (status, number)

    eventually(stands, 90.0)


def test_declined_reissued_signed_approved_and_opened_late(scene: Scene) -> None:
    """S4, S7, S13, S16, S28, X5, X9, E11: a SIGKILL in every phase; whoever decided the case is refused by name; the
    mainframe answers after eight minutes; one account, and no step twice.
    """
    is_decided(scene)
    scene.reaches("SIGNATURE_PENDING")
    scene.dies()
    signature(scene, "sent", 1)
    file = f"/api/v1/onboarding/{scene.number}"
    declined = scene.browser.post(f"{file}/signature/decline", json={"reason": "the fee"})
    assert declined.status_code == 200, declined.text
    signature(scene, "declined", 1)
    assert (scene.file()["waitingFor"], scene.file()["nextStep"]) == (
        "advisor",
        "SIGNATURE_REISSUE",
    )
    assert approves(scene).json()["code"] == "APPROVAL_NOT_AWAITED"
    assert scene.by("advisor", "POST", f"{file}/signature/reissue").status == 200
    scene.dies()
    signature(scene, "sent", 2)
    signs(scene)
    scene.dies()
    scene.reaches("SIGNED")
    assert contract(scene)["status"] == "signed"
    scene.tokens["decider"] = scene.daemon.token("compliance", "CONSEILLER")
    scene.tokens["stranger"] = scene.daemon.token("other-advisor", "CONSEILLER")
    for who, status, code in (("decider", 403, "FOUR_EYES"), ("stranger", 404, "NOT_FOUND")):
        refused = approves(scene, who)
        assert (refused.status, refused.json()["code"]) == (status, code)
    reply = {"clientId": scene.number, "reply": "SUCCESS", "delaySeconds": EIGHT_MINUTES}
    scene.tells("POST", "/control/mainframe/replies", reply)
    approved = approves(scene)
    assert (approved.status, approved.json()["status"]) == (200, "ACCOUNT_CREATION_PENDING")
    eventually(lambda: scene.number in mainframe(scene)["creations"])
    scene.dies()
    advance(scene, 40)
    eventually(lambda: scene.file()["account"]["status"] == "late")
    assert scene.file()["waitingFor"] == "mainframe"
    advance(scene, EIGHT_MINUTES)
    scene.reaches("COMPLETED")
    # A mail that was on its way at the kill is sent once more: nobody can know whether the carrier took it.
    assert scene.daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 30}).status == 200
    scene.dies()
    assert moves(scene) == [
        "INITIATED", "DOCUMENTS_PENDING", "DOCUMENTS_UPLOADED", "KYC_PENDING", "COMPLIANCE_HOLD", "KYC_APPROVED",
        "SIGNATURE_PENDING", "SIGNED", "ACCOUNT_CREATION_PENDING", "COMPLETED",
    ]  # fmt: skip
    there = mainframe(scene)
    assert there["creations"][scene.number] == 1
    own = scene.browser.get(file).json()["account"]
    assert (own["accountNumber"], "code" in own) == (there["accounts"][scene.number], False)
    assert scene.file()["account"]["accountNumber"] == "*" * (len(own["accountNumber"]) - 4) + own["accountNumber"][-4:]  # fmt: skip
    inbox = scene.sandbox.get(f"/control/inbox?channel=mail&to={scene.mail}").json()["items"]
    assert sum("votre compte est ouvert" in str(one["body"]) for one in inbox) == 1


def test_a_refused_account_ends_the_file(scene: Scene) -> None:
    """S18, X10: UNSUCCESSFUL is no success; INCOMPLETE for good, the contract kept, and a second try is not begun."""
    is_decided(scene)
    signature(scene, "sent", 1)
    signs(scene)
    scene.reaches("SIGNED")
    reply = {"clientId": scene.number, "reply": "UNSUCCESSFUL"}
    scene.tells("POST", "/control/mainframe/replies", reply)
    assert approves(scene).status == 200
    scene.reaches("INCOMPLETE")
    shown = scene.file()
    assert (shown["incompleteCause"], shown["summaryStatus"]) == ("account_refused", "REJECTED")
    assert mainframe(scene)["accounts"].get(scene.number) is None
    assert contract(scene)["status"] == "signed"
    resumed = scene.by("advisor", "POST", f"/api/v1/onboarding/{scene.number}/resume")
    assert resumed.json()["code"] == "ONBOARDING_OVER"
