"""A held file is reviewed: from the client's documents to a person's decision, and what was measured of it.

Source: interface.md 8 (rows c1); spec.md S7, S11, S26, S39, X4, X5, E14, E17; docs/review.md.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from comptoir.engine.testing import Answered, Process
from comptoir.http.contract_testing import Customer, eventually
from tests.contract.documents import INITIATION, Applicant, Paper, to_people
from tests.contract.entering import Browser
from tests.contract.test_conventions import is_problem

DAY_S = 86_400
TEAM = "kyc@bank.example"
PHONE = INITIATION["clientInfo"]["phone"].replace("-", "")
MEASURES = "/api/v1/onboarding/measures"
QUEUE = "/api/v1/review/queue"


class House:
    """A bank's people, by their tokens, and a client of theirs with her documents."""

    def __init__(self, daemon: Process, sandbox: Process, folder: Path) -> None:
        self.daemon, self.sandbox, self.folder = daemon, sandbox, folder
        self.tokens: dict[str, str] = {}
        self.sign_in()

    def sign_in(self) -> None:
        """Their tokens, of this start of the daemon: its port is its issuer's."""
        roles = {"advisor": ("CONSEILLER", "COMPLIANCE"), "eva": ("COMPLIANCE",), "max": ("COMPLIANCE",), "ops": ("OPERATIONS",)}  # fmt: skip
        self.tokens = {name: self.daemon.token(name, *has) for name, has in roles.items()}

    def by(self, name: str, path: str, body: object = None, *, post: bool = False) -> Answered:
        """A request of somebody."""
        self.daemon.bearer = self.tokens[name]
        return self.daemon.post(path, body or {}) if post else self.daemon.get(path)

    def mails(self, word: str) -> int:
        """How many of compliance's have this word in their subject."""
        items = self.sandbox.get(f"/control/inbox?channel=mail&to={TEAM}").json()["items"]
        return sum(word in str(one) for one in items)

    def sends_all(self, file: Applicant) -> None:
        """Its client comes in by link and code, and sends what is needed."""
        week_ago = time.strftime("%d/%m/%Y", time.gmtime(time.time() - 7 * DAY_S))
        of_marie = {"holder": "Marie Tremblay", "date": week_ago, "format": "pdf"}
        papers: dict[str, dict[str, Any]] = {
            "IDENTITY": {
                "kind": "passport", "surname": "TREMBLAY", "givenNames": "MARIE ANNE", "issuer": "CAN",
                "birth": "800515", "format": "pdf",
            },
            "PROOF_OF_RESIDENCE": {"kind": "residence", **of_marie},
            "TAX_DECLARATION": {"kind": "tax", **of_marie},
        }  # fmt: skip
        browser = Browser(self.daemon, self.sandbox, file, PHONE)
        for doc_type, wanted in papers.items():
            drawn = self.sandbox.post("/control/papers", wanted)
            assert drawn.status == 200, drawn
            path = self.folder / f"{doc_type}.pdf"
            path.write_bytes(drawn.body)
            assert browser.sends(Paper(path), doc_type)["status"] == "accepted"
        browser.http.close()


@pytest.fixture(scope="module")
def house(
    comptoir_daemon_shared: Callable[..., Process],
    carrier: Process,
    tmp_path_factory: pytest.TempPathFactory,
) -> House:
    """A daemon with accounts and a manual clock, and nobody who verifies identities (S27)."""
    daemon = comptoir_daemon_shared(
        **to_people(carrier),
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_MEASURES__CASES_MIN="1",
        COMPTOIR_ONBOARDING__COMPLIANCE_EMAILS=f'["{TEAM}"]',
    )
    return House(daemon, carrier, tmp_path_factory.mktemp("papers"))


def test_a_held_file_is_reviewed_by_another_person(house: House) -> None:
    """S7, S11, X4, X5, E14, E17: with nobody who has checked her identity the client's file is held; compliance is told;
    who began the file hears FOUR_EYES; another claims it, it is overdue and told once more, and they approve it. Claim, note and due date outlive a SIGKILL, and
    so does what was measured of it.
    """
    house.daemon.bearer = house.tokens["advisor"]
    file = Applicant(house.daemon)
    review = f"/api/v1/review/{file.begun['onboardingId']}"
    is_problem(house.by("eva", review), 404, "NOT_FOUND")
    house.sends_all(file)
    eventually(lambda: house.by("eva", QUEUE).json()["items"] != [])
    (waiting,) = house.by("eva", QUEUE).json()["items"]
    assert (waiting["onboardingId"], waiting["status"], waiting["overdue"]) == (
        file.begun["onboardingId"], "open", False,
    )  # fmt: skip
    assert "IDENTITY_NOT_CHECKED" in waiting["reasons"]
    eventually(lambda: house.mails("examen demandé") == 1)
    is_problem(house.by("ops", QUEUE), 403, "FORBIDDEN")
    decision = {"decision": "approve", "reason": "met in person, passport seen"}
    is_problem(house.by("advisor", f"{review}/claim", post=True), 403, "FOUR_EYES")
    is_problem(house.by("advisor", f"{review}/decision", decision, post=True), 403, "FOUR_EYES")
    assert house.by("eva", f"{review}/claim", post=True).json()["claimedBy"] == "eva"
    is_problem(house.by("max", f"{review}/decision", decision, post=True), 409, "REVIEW_CLAIMED")
    noted = house.by("max", f"{review}/notes", {"text": "I know her"}, post=True).json()
    assert [(one["by"], one["text"]) for one in noted["notes"]] == [("max", "I know her")]
    claimed = house.by("eva", review).json()
    house.daemon.kill()
    house.daemon.start()
    house.sign_in()
    assert house.by("eva", review).json() == claimed
    is_problem(house.by("max", f"{review}/decision", decision, post=True), 409, "REVIEW_CLAIMED")
    assert house.by("eva", f"{QUEUE}?mine=true").json()["items"] != []

    Customer(house.daemon).advance(7 * DAY_S)
    eventually(lambda: house.mails("en retard") == 1)
    (late,) = house.by("eva", f"{QUEUE}?overdue=true").json()["items"]
    assert (late["status"], late["claimedBy"]) == ("open", None), "the claim has lapsed as well"
    decided = house.by("eva", f"{review}/decision", decision, post=True)
    assert (decided.status, decided.json()["status"]) == (200, "approved")
    assert house.by("eva", f"{review}/decision", decision, post=True).body == decided.body
    history = f"{file.path}/history"
    eventually(lambda: house.by("eva", history).json()["items"][0]["to"] == "KYC_APPROVED")
    assert house.by("eva", QUEUE).json()["items"] == []
    measured_and_kept(house)


def measured_and_kept(house: House) -> None:
    """What was told of that file, before and after a SIGKILL, over the API and by the command."""
    house.by("ops", MEASURES)
    house.daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 30})
    found = house.by("ops", MEASURES).json()
    assert (found["decisions"], found["outcomes"]) == (1, {"held": 1})
    assert found["files"] == {
        "begun": 1,
        "decided": 1,
        "abandoned": 0,
        "resumed": 0,
        "corrected": 0,
        "completed": 0,
        "refused": 0,
        "entered": 1,
        "mistaken": 0,
    }
    assert {"STAGE_COMPLIANCE_HOLD", "TO_DECISION_REVIEWED"} <= set(found["alerts"]), found[
        "alerts"
    ]
    assert (found["entryErrorShare"], found["falsePositiveShare"]) == (0.0, 0.0)
    assert found["reviews"] == {"MANUAL_REVIEW:approved": 1, "overdue": 1}
    stages = {one["stage"]: one for one in found["stages"]}
    assert stages["COMPLIANCE_HOLD"]["waitsFor"] == "compliance"
    assert stages["COMPLIANCE_HOLD"]["meanHours"] >= 7 * 24
    assert stages["DOCUMENTS_PENDING"]["waitsFor"] == "client"
    told = (
        'comptoir_kyc_share{outcome="held"} 1.0',
        "comptoir_kyc_window_decisions 1.0",
        'comptoir_onboarding_alert{code="STAGE_COMPLIANCE_HOLD"} 1.0',
        'comptoir_onboarding_late_share{stage="TO_DECISION_REVIEWED"} 1.0',
    )
    metrics = house.daemon.get("/metrics").body.decode()
    assert 'comptoir_reviews_total{change="escalated"} 1.0' in metrics
    assert all(one in metrics for one in told)
    house.daemon.kill()
    house.daemon.start()
    house.sign_in()
    assert house.by("ops", MEASURES).json() == found
    house.daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 30})
    metrics = house.daemon.get("/metrics").body.decode()
    assert all(one in metrics for one in told), "a restart loses no share (S26)"
    shown = house.daemon.run("kyc", "report")
    assert "COMPLIANCE_HOLD" in shown
    assert "ALERT TO_DECISION_REVIEWED" in shown, "S27: a week is longer than three days"
