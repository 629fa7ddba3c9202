"""Both scenarios of the source to a decision, with SIGKILL in every phase and the bureau away for ten minutes.

Rule: daemon and sandbox are processes of their own; the client comes in by the link and the code that the sandbox got,
and their papers are drawn there; after each SIGKILL the next daemon is asked what the one before it was.
Source: issue 8, "must show"; spec.md S4, S5, S13, S16, S27, X4, X5, X31, E5; interface.md 8 and 10.
"""

import json
import re
import secrets
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from comptoir.engine.testing import Answered, Process
from comptoir.http.contract_testing import Customer, eventually
from tests.contract.documents import INITIATION, Paper, to_people
from tests.contract.test_beginnings import TAX, service

Start = Callable[..., Process]
SECRET = "the-bureau-signs-with-this-secret-0123"
TEN_MINUTES = 600
AWAY = [
    {"party": "kyc", "operation": "verifications.create", "fault": "status", "status": 503},
    {"party": "kyc", "operation": "verifications.get", "fault": "status", "status": 503},
]
PAPERS: dict[str, dict[str, str]] = {
    "IDENTITY": {"kind": "passport", "surname": "TREMBLAY", "givenNames": "MARIE ANNE", "issuer": "CAN"},
    "PROOF_OF_RESIDENCE": {"kind": "residence"},
    "TAX_DECLARATION": {"kind": "tax"},
}  # fmt: skip
SECONDS_MAX = 90.0


class Scene:
    """A bank, the parties around it, and one client of theirs."""

    def __init__(self, daemon: Process, sandbox: Process, folder: Path) -> None:
        self.daemon, self.sandbox, self.folder = daemon, sandbox, folder
        self.browser = httpx.Client(trust_env=False)
        self.phone = f"+3361{secrets.randbelow(10**7):07d}"
        self.mail = f"{secrets.token_hex(6)}@example.org"
        self.number = ""
        self.tokens: dict[str, str] = {}
        self.sign_in()

    def sign_in(self) -> None:
        """Everybody who works here, at this daemon; the bureau hears where it is."""
        roles = {"advisor": "CONSEILLER", "compliance": "COMPLIANCE"}
        self.tokens = {name: self.daemon.token(name, role) for name, role in roles.items()}
        self.tokens["partner"] = service(self.daemon, f"cabinet-{secrets.token_hex(4)}")
        self.browser.base_url = self.daemon.url
        self.browser.headers["Origin"] = self.daemon.url
        hook = {"url": f"{self.daemon.url}/webhooks/kyc", "secret": SECRET}
        self.tells("POST", "/control/kyc/webhooks", hook)

    def dies(self) -> None:
        """SIGKILL, and the next one."""
        self.daemon.kill()
        self.daemon.start()
        self.sign_in()

    def tells(self, method: str, path: str, body: object = None) -> None:
        """The sandbox does as it is told."""
        answer = self.sandbox.request(method, path, json.dumps(body).encode() if body else b"")
        assert answer.status < 300, answer

    def by(self, who: str, method: str, path: str, body: object = None) -> Answered:
        """A request of somebody who works here, or for a partner."""
        headers = {
            "Authorization": f"Bearer {self.tokens[who]}",
            "Content-Type": "application/json",
        }
        content = json.dumps(body).encode() if body is not None else b""
        return self.daemon.request(method, path, content, headers)

    def file(self) -> dict[str, Any]:
        """As compliance sees it."""
        shown = self.by("compliance", "GET", f"/api/v1/onboarding/{self.number}")
        assert shown.status == 200, shown
        found: dict[str, Any] = json.loads(shown.body)
        return found

    def reaches(self, status: str) -> None:
        """Wait for it."""
        eventually(lambda: self.file()["status"] == status, SECONDS_MAX)

    def written(self, channel: str, to: str, what: str) -> str:
        """What stands in a message that the client got."""
        found: list[str] = []

        def there() -> bool:
            inbox = f"/control/inbox?channel={channel}&to={to.replace('+', '%2B')}"
            bodies = (str(one["body"]) for one in self.sandbox.get(inbox).json()["items"])
            found.extend(hit[0] for body in bodies if (hit := re.search(what, body)))
            return bool(found)

        eventually(there)
        return found[-1]

    def info(self) -> dict[str, str]:
        """Who she is."""
        return {**INITIATION["clientInfo"], "phone": self.phone, "email": self.mail}

    def enters(self) -> None:
        """By the link of her mail and the code on her telephone."""
        token = self.written("mail", self.mail, r"token=([\w-]+)").removeprefix("token=")
        file = {"onboardingId": self.number}
        began = self.browser.post("/portal/session", json={**file, "token": token})
        assert began.status_code == 204, began.text
        code = self.written("sms", self.phone, r"\b\d{6}\b")
        typed = self.browser.post("/portal/session/code", json={**file, "code": code})
        assert typed.status_code == 204, typed.text

    def sends(self, doc_type: str, then: Callable[[], None]) -> None:
        """The whole way of a document; something happens after it was announced, and after it was sent."""
        now = datetime.fromisoformat(
            self.daemon.post("/dev/v1/clock", {"advanceSeconds": 0}).json()["now"]
        )
        order = {
            "holder": "Marie Tremblay", "birth": "800515", "date": f"{now - timedelta(7):%d/%m/%Y}",
            **PAPERS[doc_type],
        }  # fmt: skip
        drawn = self.sandbox.request("POST", "/control/papers", json.dumps(order).encode())
        (self.folder / doc_type).write_bytes(drawn.body)
        paper = Paper(self.folder / doc_type)
        path = f"/api/v1/onboarding/{self.number}/documents"
        address = self.browser.post(path, json={
            "docType": doc_type, "filename": "a.pdf", "contentType": paper.media_type, "sizeBytes": paper.size,
        }).json()  # fmt: skip
        then()
        place = httpx.URL(address["uploadUrl"]).copy_with(port=httpx.URL(self.daemon.url).port)
        sent = httpx.put(place, content=paper.parts(), headers=address["headers"], timeout=60.0)
        assert sent.status_code == 200, sent.text
        done = self.browser.post(f"{path}/{address['documentId']}/complete", json={})
        assert done.status_code == 202, done.text
        then()
        shown = f"{path}/{address['documentId']}"
        eventually(lambda: self.browser.get(shown).json()["status"] == "accepted", SECONDS_MAX)


@pytest.fixture
def scene(comptoir_daemon: Start, comptoir_sandbox: Start, tmp_path: Path) -> Iterator[Scene]:
    """A bank with a bureau that it hears of soon after it is back."""
    sandbox = comptoir_sandbox()
    daemon = comptoir_daemon(
        **to_people(sandbox),
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_HTTP__RATE_LIMITS="off",
        COMPTOIR_PROVIDERS__KYC__BASE_URL=f"{sandbox.url}/kyc",
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


@pytest.mark.parametrize(
    ("begins", "wanted"),
    [
        (_begun_by_advisor, ("IDENTITY", "PROOF_OF_RESIDENCE", "TAX_DECLARATION")),
        (_submitted_by_partner, ("IDENTITY", "PROOF_OF_RESIDENCE")),
    ],
    ids=["advisor", "partner"],
)
def test_a_scenario_ends_once_whatever_dies(
    scene: Scene, begins: Callable[[Scene], None], wanted: tuple[str, ...]
) -> None:
    """S4, S5, S13, S16, S27, X4, E5: begun, complete, assessed with the bureau away for ten minutes, held, reviewed: a
    SIGKILL in every phase, and each step happened once; nobody but the reviewer has decided, and the bureau was asked
    once.
    """
    begins(scene)
    scene.dies()
    scene.enters()
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
    scene.tells("POST", f"/control/kyc/{scene.number}", {"score": 60})
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
    scene.reaches("KYC_APPROVED")
    moves = scene.by("compliance", "GET", f"/api/v1/onboarding/{scene.number}/history").json()[
        "items"
    ]
    assert [one["to"] for one in reversed(moves)] == [
        "INITIATED", "DOCUMENTS_PENDING", "DOCUMENTS_UPLOADED", "KYC_PENDING", "COMPLIANCE_HOLD",
        "KYC_APPROVED",
    ]  # fmt: skip
    asked = scene.sandbox.get("/control/kyc").json()["items"]
    assert [one["onboardingId"] for one in asked] == [scene.number]
    links = scene.sandbox.get(f"/control/inbox?channel=mail&to={scene.mail}").json()["items"]
    assert len(links) == 1, "she was written to once"
