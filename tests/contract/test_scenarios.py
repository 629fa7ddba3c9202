"""Both scenarios of the source to the account, with SIGKILL in every phase and the bureau away for ten minutes.

Rule: daemon and sandbox are processes of their own; the client comes in by the link and the code that the sandbox got,
and their papers are drawn there; after each SIGKILL the next daemon is asked what the one before it was.
Source: issue 8, "must show"; spec.md S4, S5, S13, S16, S27, X4, X5, X31, E5; interface.md 8 and 10.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import Customer
from tests.contract.documents import INITIATION, to_people
from tests.contract.opening import PROFILE, approves, mainframe, moves, signs, to_accounts
from tests.contract.scene import SECRET, Scene
from tests.contract.test_beginnings import TAX

Start = Callable[..., Process]
TEN_MINUTES = 600
BY_RULE, BY_A_PERSON = 85, 60
"""Points of the bureau (S23)."""
AWAY = [
    {"party": "kyc", "operation": "verifications.create", "fault": "status", "status": 503},
    {"party": "kyc", "operation": "verifications.get", "fault": "status", "status": 503},
]


@pytest.fixture
def scene(comptoir_daemon: Start, comptoir_sandbox: Start, tmp_path: Path) -> Iterator[Scene]:
    """A bank with a bureau that it hears of soon after it is back."""
    sandbox = comptoir_sandbox()
    daemon = comptoir_daemon(
        **to_people(sandbox),
        **to_accounts(sandbox, tmp_path),
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_HTTP__RATE_LIMITS="off",
        COMPTOIR_PROVIDERS__KYC__BASE_URL=f"{sandbox.url}/kyc",
        COMPTOIR_PROVIDERS__CREDIT__BASE_URL=f"{sandbox.url}/credit",
        COMPTOIR_PROVIDERS__ADVERSE_MEDIA__BASE_URL=f"{sandbox.url}/media",
        COMPTOIR_PROVIDERS__ADDRESSES_CANADA_POST__BASE_URL=sandbox.url,
        COMPTOIR_WEBHOOKS__KYC__SECRETS=json.dumps([SECRET]),
        COMPTOIR_BREAKERS__KYC__RECOVERY_S="1",
        COMPTOIR_ONBOARDING__PARTNER_ADVISOR="advisor",
    )
    scene = Scene(daemon, sandbox, tmp_path)
    yield scene
    scene.browser.close()


def _begun_by_advisor(scene: Scene) -> None:
    body = {**INITIATION, "clientInfo": scene.info()}
    begun = scene.by("advisor", "POST", "/api/v1/onboarding/initiate", body)
    assert begun.status == 201, begun
    scene.number = begun.json()["onboardingId"]


def _submitted_by_partner(scene: Scene) -> None:
    submission = {
        "reference": "cabinet-17", "clientType": "INDIVIDUAL", "clientInfo": scene.info(),
        "profile": {"tax": TAX},
    }  # fmt: skip
    taken = scene.by("partner", "POST", "/api/v1/partner/submissions", submission)
    assert taken.status == 201, taken
    scene.number = taken.json()["onboardingId"]


def _reviewed(scene: Scene) -> None:
    """A person of compliance takes it up, and approves it."""
    scene.reaches("COMPLIANCE_HOLD")
    scene.dies()
    review = f"/api/v1/review/{scene.number}"
    claimed = scene.by("compliance", "POST", f"{review}/claim", {})
    assert claimed.status == 200, claimed
    scene.dies()
    verdict = {"decision": "approve", "reason": "known for years"}
    decided = scene.by("compliance", "POST", f"{review}/decision", verdict)
    assert decided.status == 200, decided
    scene.dies()


@pytest.mark.parametrize(
    ("begins", "wanted", "score"),
    [
        (_begun_by_advisor, ("IDENTITY", "PROOF_OF_RESIDENCE", "TAX_DECLARATION"), BY_RULE),
        (_submitted_by_partner, ("IDENTITY", "PROOF_OF_RESIDENCE"), BY_A_PERSON),
    ],
    ids=["advisor", "partner"],
)
def test_a_scenario_ends_once_whatever_dies(
    scene: Scene, begins: Callable[[Scene], None], wanted: tuple[str, ...], score: int
) -> None:
    """S4, S5, S13, S16, S23, S27, S28, S29, X4, X5, E5: begun, complete, assessed with the bureau away for ten minutes,
    approved by rule or held and reviewed, signed, approved, opened: a SIGKILL in every phase, and each step happened once;
    nobody but the reviewer has decided, the bureau and the mainframe were asked once.
    """
    begins(scene)
    scene.dies()
    scene.enters()
    said = scene.browser.patch(f"/api/v1/onboarding/{scene.number}/profile", json=PROFILE)
    assert said.status_code == 200, said.text
    scene.tells("PUT", "/control/faults", AWAY)
    for at, doc_type in enumerate(wanted):
        # In DOCUMENTS_PENDING: with a document announced, and with one that is being looked at.
        scene.sends(doc_type, scene.dies if at == 0 else lambda: None)
    scene.reaches("KYC_PENDING")
    scene.dies()
    assert scene.file()["waitingFor"] == "provider"
    Customer(scene.daemon).advance(TEN_MINUTES)
    scene.tells("POST", "/control/clock", {"advanceSeconds": TEN_MINUTES})
    assert scene.file()["status"] == "KYC_PENDING"
    scene.tells("DELETE", "/control/faults")
    scene.tells("POST", f"/control/kyc/{scene.number}", {"score": score})
    held = score == BY_A_PERSON
    if held:
        _reviewed(scene)
    scene.reaches("SIGNATURE_PENDING")
    scene.dies()
    signs(scene)
    scene.reaches("SIGNED")
    scene.dies()
    approved = approves(scene)
    assert approved.status == 200, approved
    scene.dies()
    scene.reaches("COMPLETED")
    assert moves(scene) == [
        "INITIATED", "DOCUMENTS_PENDING", "DOCUMENTS_UPLOADED", "KYC_PENDING",
        *(["COMPLIANCE_HOLD"] if held else []), "KYC_APPROVED", "SIGNATURE_PENDING", "SIGNED",
        "ACCOUNT_CREATION_PENDING", "COMPLETED",
    ]  # fmt: skip
    assert mainframe(scene)["creations"] == {scene.number: 1}
    asked = scene.sandbox.get("/control/kyc").json()["items"]
    assert [one["onboardingId"] for one in asked] == [scene.number]
    links = scene.sandbox.get(f"/control/inbox?channel=mail&to={scene.mail}").json()["items"]
    asked_for = [one for one in links if "token=" in str(one["body"])]
    assert len(asked_for) == 1, "she was invited once"
    assert len(links) == 3, "and told of her contract and her account"
