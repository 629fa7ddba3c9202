"""From the decision to the account over HTTP, with every outside party a process of its own and SIGKILL in each phase.

Rule: daemon and sandbox are processes of their own, one each for all of these files; the type of client wants no documents
here, since those are tests/contract/test_scenarios.py's.
Source: issue 9, "must show"; spec.md S4, S13, S14, S16 to S18, S28 to S32, X5, X9, E11, E14; interface.md 8 and 10.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import eventually
from tests.contract.documents import INITIATION, folder_of, to_people
from tests.contract.holding import killed_while_inspecting
from tests.contract.opening import (
    PROFILE,
    advance,
    approves,
    comes_again,
    contract,
    is_invited,
    links,
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
DAY_S = 86_400


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Process:
    """Everybody around the bank."""
    return comptoir_sandbox_shared()


@pytest.fixture(scope="module")
def bank(
    comptoir_daemon_shared: Start, sandbox: Process, tmp_path_factory: pytest.TempPathFactory
) -> Process:
    """A bank with a bureau, an authority and a mainframe."""
    return comptoir_daemon_shared(
        **to_people(sandbox),
        **to_accounts(sandbox, tmp_path_factory.mktemp("trust")),
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_HTTP__RATE_LIMITS="off",
        COMPTOIR_PROVIDERS__KYC__BASE_URL=f"{sandbox.url}/kyc",
        COMPTOIR_WEBHOOKS__KYC__SECRETS=json.dumps([SECRET]),
        COMPTOIR_BREAKERS__DEFAULT__RECOVERY_S="1",
        COMPTOIR_ONBOARDING__TYPES=json.dumps(TYPES),
    )


@pytest.fixture
def scene(bank: Process, sandbox: Process, tmp_path: Path) -> Iterator[Scene]:
    """A client of it."""
    scene = Scene(bank, sandbox, tmp_path)
    yield scene
    scene.browser.close()


def is_decided(scene: Scene) -> None:
    """Begun, completed by the client, held, and approved by a person."""
    is_held(scene)
    is_approved(scene)


def is_held(scene: Scene) -> None:
    """Begun, completed by the client, and held."""
    begins(scene)
    scene.enters()
    is_told_all(scene)
    is_assessed(scene)


def begins(scene: Scene) -> None:
    """By an advisor."""
    body = {**INITIATION, "clientType": "QUICK", "clientInfo": scene.info()}
    begun = scene.by("advisor", "POST", "/api/v1/onboarding/initiate", body)
    assert begun.status == 201, begun
    scene.number = begun.json()["onboardingId"]


def is_told_all(scene: Scene) -> None:
    """By its client, who says all that it wants."""
    file = f"/api/v1/onboarding/{scene.number}"
    wanted = scene.browser.get(file).json()["missingFields"]
    assert {"/nationalId/number", "/address/street", "/address/postalCode"} <= set(wanted)
    assert scene.browser.patch(f"{file}/profile", json=PROFILE).status_code == 200


def is_assessed(scene: Scene) -> None:
    """The bureau leaves it to a person."""
    scene.reaches("KYC_PENDING")
    scene.tells("POST", f"/control/kyc/{scene.number}", {"score": 60})
    scene.reaches("COMPLIANCE_HOLD")


def is_approved(scene: Scene) -> None:
    """By that person."""
    verdict = {"decision": "approve", "reason": "known for years"}
    decided = scene.by("compliance", "POST", f"/api/v1/review/{scene.number}/decision", verdict)
    assert decided.status == 200, decided


def has_one_account(scene: Scene) -> None:
    """COMPLETED, by one command; the file and the mainframe have the same number, and the client is told once."""
    scene.reaches("COMPLETED")
    assert scene.daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 30}).status == 200
    there = mainframe(scene)
    assert there["creations"][scene.number] == 1
    own = scene.browser.get(f"/api/v1/onboarding/{scene.number}").json()["account"]
    assert own["accountNumber"] == there["accounts"][scene.number]
    assert len(set(there["accounts"].values())) == len(there["accounts"])
    inbox = scene.sandbox.get(f"/control/inbox?channel=mail&to={scene.mail}").json()["items"]
    assert sum("votre compte est ouvert" in str(one["body"]) for one in inbox) == 1


def signature(scene: Scene, status: str, number: int) -> None:
    """Wait until the file says so of its contract."""

    def stands() -> bool:
        shown = scene.file()["signature"]
        return shown is not None and (shown["status"], shown["round"]) == (status, number)

    eventually(stands, 90.0)


def fired(scene: Scene) -> int:
    """How often the one fault in force was done."""
    (fault,) = scene.sandbox.get("/control/faults").json()["faults"]
    return int(fault["fired"])


def passes(scene: Scene, status: str) -> None:
    """Time goes on, a little at a time, until its file is there: what was parked is tried again."""

    def there() -> bool:
        advance(scene, 2)
        return bool(scene.file()["status"] == status)

    eventually(there, 90.0)


def test_declined_reissued_signed_approved_and_opened_late(scene: Scene) -> None:
    """S4, S7, S13, S16, S28, X5, X9, E11: a SIGKILL in every phase; whoever decided the case is refused by name; the
    mainframe answers after eight minutes; one account, and no step twice.
    """
    is_held(scene)
    claim = f"/api/v1/review/{scene.number}/claim"
    assert scene.by("compliance", "POST", claim, {}).status == 200
    scene.dies()
    assert scene.file()["status"] == "COMPLIANCE_HOLD"
    is_approved(scene)
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
    away = {"party": "trust", "operation": "timestamps.create", "fault": "status", "status": 503}
    scene.tells("PUT", "/control/faults", [away])
    signs(scene)
    eventually(lambda: fired(scene) > 0, 60.0)  # it is being sealed, and has no time stamp
    scene.dies()
    assert scene.file()["status"] == "SIGNATURE_PENDING"
    assert approves(scene).json()["code"] == "APPROVAL_NOT_AWAITED"
    scene.tells("DELETE", "/control/faults")
    passes(scene, "SIGNED")
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
    has_one_account(scene)
    # A mail that was on its way at the kill is sent once more: nobody can know whether the carrier took it.
    scene.dies()
    assert moves(scene) == [
        "INITIATED", "DOCUMENTS_PENDING", "DOCUMENTS_UPLOADED", "KYC_PENDING", "COMPLIANCE_HOLD", "KYC_APPROVED",
        "SIGNATURE_PENDING", "SIGNED", "ACCOUNT_CREATION_PENDING", "COMPLETED",
    ]  # fmt: skip
    has_one_account(scene)
    own = scene.browser.get(file).json()["account"]
    assert "code" not in own
    assert scene.file()["account"]["accountNumber"] == "*" * (len(own["accountNumber"]) - 4) + own["accountNumber"][-4:]  # fmt: skip


def test_killed_while_drawn_declined_signed_refused_and_begun_anew(scene: Scene) -> None:
    """S13, S14, S18, S28, E11: a SIGKILL while the contract is drawn, after the client has declined it, when it is signed, and when
    an advisor has refused the file: it goes on each time where it was, nothing is opened before the last word, and one account then.
    """
    is_held(scene)
    drafts = folder_of(scene.daemon) / "drafts"
    drafts.rename(drafts.with_name("away"))  # what is drawn cannot be kept
    is_approved(scene)
    signature(scene, "preparing", 1)
    assert scene.file()["status"] == "KYC_APPROVED"
    scene.dies()
    signature(scene, "sent", 1)
    file = f"/api/v1/onboarding/{scene.number}"
    assert scene.browser.post(f"{file}/signature/decline", json={}).status_code == 200
    signature(scene, "declined", 1)
    scene.dies()
    shown = scene.file()
    assert (shown["signature"]["status"], shown["waitingFor"]) == ("declined", "advisor")
    assert scene.by("advisor", "POST", f"{file}/signature/reissue").status == 200
    signature(scene, "sent", 2)
    signs(scene)
    scene.reaches("SIGNED")
    scene.dies()
    word = {"decision": "reject", "reason": "the fees were other ones"}
    assert scene.by("advisor", "POST", f"{file}/approval", word).status == 200
    scene.reaches("INCOMPLETE")
    scene.dies()
    assert (scene.file()["incompleteCause"], contract(scene)["status"]) == (
        "approval_refused",
        "signed",
    )
    assert scene.number not in mainframe(scene)["creations"]
    had = len(links(scene))
    resumed = scene.by("advisor", "POST", f"{file}/resume")
    assert resumed.status == 200, resumed
    is_assessed(scene)
    is_approved(scene)
    signature(scene, "sent", 3)
    comes_again(scene, had)
    signs(scene)
    scene.reaches("SIGNED")
    assert scene.number not in mainframe(scene)["creations"]
    assert approves(scene).status == 200
    has_one_account(scene)
    assert moves(scene) == [
        "INITIATED", "DOCUMENTS_PENDING", "DOCUMENTS_UPLOADED", "KYC_PENDING", "COMPLIANCE_HOLD", "KYC_APPROVED",
        "SIGNATURE_PENDING", "SIGNED", "INCOMPLETE", "DOCUMENTS_PENDING", "DOCUMENTS_UPLOADED", "KYC_PENDING",
        "COMPLIANCE_HOLD", "KYC_APPROVED", "SIGNATURE_PENDING", "SIGNED", "ACCOUNT_CREATION_PENDING", "COMPLETED",
    ]  # fmt: skip


def test_killed_before_the_client_is_written_to_and_while_a_paper_is_looked_at(
    scene: Scene,
) -> None:
    """S4, S5, S13, S16, S19: a SIGKILL in INITIATED, where no mail goes out, and in DOCUMENTS_UPLOADED, where one more paper is
    under inspection: the link is mailed once, the paper is looked at again, and the file goes on to its one account.
    """
    scene.tells("PUT", "/control/faults", [{"party": "sendgrid", "fault": "status", "status": 503}])
    begins(scene)
    eventually(lambda: fired(scene) > 0)
    assert scene.file()["status"] == "INITIATED"
    scene.dies()
    assert (scene.file()["status"], links(scene)) == ("INITIATED", [])
    scene.tells("DELETE", "/control/faults")
    passes(scene, "DOCUMENTS_PENDING")
    scene.enters()
    assert len(links(scene)) == 1
    with killed_while_inspecting(scene, "TAX_DECLARATION") as document:
        is_told_all(scene)
        assert scene.file()["status"] == "DOCUMENTS_UPLOADED"
    is_assessed(scene)
    assert scene.browser.get(document).json()["status"] == "accepted"
    is_approved(scene)
    signature(scene, "sent", 1)
    signs(scene)
    scene.reaches("SIGNED")
    assert approves(scene).status == 200
    has_one_account(scene)
    assert moves(scene) == [
        "INITIATED", "DOCUMENTS_PENDING", "DOCUMENTS_UPLOADED", "KYC_PENDING", "COMPLIANCE_HOLD", "KYC_APPROVED",
        "SIGNATURE_PENDING", "SIGNED", "ACCOUNT_CREATION_PENDING", "COMPLETED",
    ]  # fmt: skip


def test_a_rejected_client_stays_rejected(scene: Scene) -> None:
    """S13, S16, X4: a SIGKILL in KYC_REJECTED: no contract, no word of an advisor, no account, and nothing begins anew."""
    is_held(scene)
    verdict = {"decision": "reject", "reason": "the income is not theirs"}
    path = f"/api/v1/review/{scene.number}/decision"
    assert scene.by("compliance", "POST", path, verdict).status == 200
    scene.reaches("KYC_REJECTED")
    scene.dies()
    assert scene.file()["status"] == "KYC_REJECTED"
    assert approves(scene).json()["code"] == "APPROVAL_NOT_AWAITED"
    advance(scene, DAY_S)
    assert scene.daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 30}).status == 200
    shown = scene.file()
    assert (shown["status"], shown["signature"]) == ("KYC_REJECTED", None)
    assert moves(scene)[-2:] == ["COMPLIANCE_HOLD", "KYC_REJECTED"]
    assert scene.number not in mainframe(scene)["creations"]


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
    scene.dies()
    assert (scene.file()["status"], mainframe(scene)["accounts"].get(scene.number)) == (
        "INCOMPLETE",
        None,
    )
    assert contract(scene)["status"] == "signed"
    resumed = scene.by("advisor", "POST", f"/api/v1/onboarding/{scene.number}/resume")
    assert resumed.json()["code"] == "ONBOARDING_OVER"


def test_expired_issued_anew_and_signed_in_our_portal(scene: Scene) -> None:
    """S13, S14, S28, S36: nobody signs in time: expired, for good, its advisor is to act; the client, who has to come in anew, signs
    the next one, and the file is COMPLETED by it alone.
    """
    is_decided(scene)
    signature(scene, "sent", 1)
    user = scene.browser.get("/portal/session").json()["userId"]
    first = contract(scene)
    advance(scene, 14 * DAY_S + 1)
    signature(scene, "expired", 1)
    shown = scene.file()
    assert (shown["status"], shown["waitingFor"], shown["nextStep"]) == (
        "SIGNATURE_PENDING", "advisor", "SIGNATURE_REISSUE",
    )  # fmt: skip
    scene.dies()
    had = len(links(scene))
    is_invited(scene, user)
    comes_again(scene, had)
    file = f"/api/v1/onboarding/{scene.number}"
    agreed = {
        "documentSha256": first["documentSha256"],
        "consents": [one["version"] for one in first["consents"]],
    }
    late = scene.browser.post(f"{file}/signature/sign", json=agreed)
    assert (late.status_code, late.json()["code"]) == (410, "SIGNATURE_OVER")
    assert approves(scene).json()["code"] == "APPROVAL_NOT_AWAITED"
    assert scene.by("advisor", "POST", f"{file}/signature/reissue").status == 200
    signature(scene, "sent", 2)
    signs(scene)
    scene.reaches("SIGNED")
    assert contract(scene)["round"] == 2
    assert approves(scene).status == 200
    has_one_account(scene)
    assert moves(scene).count("SIGNED") == 1
