"""Both scenarios of the source to the account, with SIGKILL in every phase and the bureau away for ten minutes.

Rule: daemon and sandbox are processes of their own; the client comes in by the link and the code that the sandbox got,
and their papers are drawn there; after each SIGKILL the next daemon is asked what the one before it was.
Source: issues 8 and 9, "must show"; spec.md S4, S5, S13, S16, S17, S27, S33, X4, X5, X31, E5; interface.md 8 and 10.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import Customer, eventually
from tests.contract.documents import INITIATION
from tests.contract.opening import (
    PROFILE,
    approves,
    mainframe,
    moves,
    signs,
    submitted,
    to_everybody,
)
from tests.contract.scene import SECONDS_MAX, Scene

Start = Callable[..., Process]
TEN_MINUTES = 600
BY_RULE, BY_A_PERSON = 85, 60
"""Points of the bureau (S23)."""
EXCELLENT = 800
"""Credit, without which an address that nobody knows leaves it to a person."""
TOLD = (
    "ONBOARDING_INITIATED",
    "DOCUMENTS_UPLOADED",
    "KYC_COMPLETED",
    "CONTRACT_SIGNED",
    "ACCOUNT_CREATED",
)
"""S17; of a file whose reasons are withheld nobody is told what its assessment came to (E3)."""
SAID = ("type", "position", "entity", "data")
AWAY = [
    {"party": "kyc", "operation": "verifications.create", "fault": "status", "status": 503},
    {"party": "kyc", "operation": "verifications.get", "fault": "status", "status": 503},
]


@pytest.fixture
def scene(comptoir_daemon: Start, comptoir_sandbox: Start, tmp_path: Path) -> Iterator[Scene]:
    """A bank with a bureau that it hears of soon after it is back."""
    sandbox = comptoir_sandbox()
    daemon = comptoir_daemon(
        **to_everybody(sandbox, tmp_path),
        COMPTOIR_BREAKERS__KYC__RECOVERY_S="1",
        COMPTOIR_OUTWARD__THIS_MACHINE="true",
        COMPTOIR_OUTWARD__POLL_MS="20",
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
    submitted(scene)


def _case(scene: Scene) -> str:
    """What compliance is told of its assessment."""
    return scene.by("compliance", "GET", f"/api/v1/onboarding/{scene.number}/kyc").body.decode()


def _reviewed(scene: Scene) -> None:
    """A person of compliance takes it up, writes a note, and approves it: what they did is there after each SIGKILL."""
    scene.reaches("COMPLIANCE_HOLD")
    scene.dies()
    review = f"/api/v1/review/{scene.number}"
    for path, body in (("claim", {}), ("notes", {"text": "the employer was rung up"})):
        done = scene.by("compliance", "POST", f"{review}/{path}", body)
        assert done.status == 200, done
        scene.dies()
    shown = scene.by("compliance", "GET", review).json()
    assert (shown["status"], shown["claimedBy"]) == ("claimed", "compliance")
    assert [one["text"] for one in shown["notes"]] == ["the employer was rung up"]
    verdict = {"decision": "approve", "reason": "known for years"}
    decided = scene.by("compliance", "POST", f"{review}/decision", verdict)
    assert decided.status == 200, decided
    scene.dies()
    assert scene.by("compliance", "GET", review).json()["status"] == "approved"


def _is_told(scene: Scene) -> None:
    """The house has an endpoint at the sandbox's subscriber."""
    scene.tokens["admin"] = scene.daemon.token("ada", "ADMIN")
    body = {"url": f"{scene.sandbox.url}/subscriber/events"}
    made = scene.by("admin", "POST", "/api/v1/webhook-endpoints", body)
    assert made.status == 201, made
    scene.tells("PUT", "/control/subscriber/secrets", {"items": [made.json()["secret"]]})


def _heard(scene: Scene) -> dict[str, dict[str, Any]]:
    """What the subscriber was told, by id, in the order in which each came first."""
    found: dict[str, dict[str, Any]] = {}
    for one in scene.sandbox.get("/control/subscriber/deliveries").json()["items"]:
        assert found.setdefault(one["id"], one["body"]) == one["body"], "the same, however often"
    return found


def _the_world_was_told(scene: Scene, channel: str, *, held: bool) -> None:
    """S17: its events in their order, once each in the feed, and by webhook at least once, none before an earlier one."""
    told = tuple(one for one in TOLD if not held or one != "KYC_COMPLETED")
    eventually(lambda: len(_heard(scene)) >= len(told))
    feed = json.loads(scene.by("compliance", "GET", "/api/v1/events?limit=500").body)["items"]
    assert [one["position"] for one in feed] == [*range(1, len(feed) + 1)]
    assert {one["entity"] for one in feed} == {scene.number}
    assert tuple(one["type"] for one in feed) == told
    data = {one["type"]: one["data"] for one in feed}
    assert data["ONBOARDING_INITIATED"] == {"clientType": "INDIVIDUAL", "initiatedBy": channel}
    assert data["CONTRACT_SIGNED"] == {"provider": "embedded", "round": 1}
    assert _heard(scene) == {
        one["id"]: {"timestamp": one["at"], **{name: one[name] for name in SAID}} for one in feed
    }
    assert [*_heard(scene)] == [one["id"] for one in feed]


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
    S17, S33: the world was told of it in the order of the source.
    """
    scene.tells("POST", "/control/credit", {"score": EXCELLENT})
    _is_told(scene)
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
    assert scene.file()["status"] == "KYC_PENDING", _case(scene)
    scene.tells("DELETE", "/control/faults")
    scene.tells("POST", f"/control/kyc/{scene.number}", {"score": score})
    held = score == BY_A_PERSON
    if held:
        _reviewed(scene)
    waits = ("SIGNATURE_PENDING",) if held else ("SIGNATURE_PENDING", "COMPLIANCE_HOLD")
    eventually(lambda: scene.file()["status"] in waits, SECONDS_MAX)
    assert scene.file()["status"] == "SIGNATURE_PENDING", _case(scene)
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
    # The mail about the account goes out after COMPLETED; one that was under way at a kill comes twice, and says the same.
    Customer(scene.daemon).quiet()
    inbox = scene.sandbox.get(f"/control/inbox?channel=mail&to={scene.mail}").json()["items"]
    letters = {(str(one["title"]), str(one["body"])) for one in inbox}
    invitations = [body for _, body in letters if "token=" in body]
    assert len(invitations) == 1, "she was invited once"
    assert len(letters) == 3, "and told of her contract and her account"
    channel = "PARTNER" if begins is _submitted_by_partner else "CONSEILLER"
    _the_world_was_told(scene, channel, held=held)
