"""A bank, the parties around it and one client of theirs, as scenes of files play them over HTTP.

Rule: daemon and sandbox are processes of their own; the client comes in by the link and the code that the sandbox got,
and their papers are drawn there.
Source: issue 8, "must show"; spec.md S4, S5; interface.md 8 and 10.
"""

import json
import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from comptoir.engine.asking_testing import ANSWER_SECONDS_MAX
from comptoir.engine.testing import Answered, Process
from comptoir.engine.trust import trust_of
from comptoir.http.contract_testing import eventually
from tests.contract.documents import INITIATION, Paper
from tests.contract.test_beginnings import service

__all__ = ["SECONDS_MAX", "SECRET", "Scene"]

SECRET = "the-bureau-signs-with-this-secret-0123"
PAPERS: dict[str, dict[str, Any]] = {
    "IDENTITY": {"kind": "passport", "surname": "TREMBLAY", "givenNames": "MARIE ANNE", "issuer": "CAN"},
    "PROOF_OF_RESIDENCE": {
        "kind": "residence", "address": ["123 rue Sherbrooke", "Montreal QC H3A 1B1"],
    },
    "TAX_DECLARATION": {"kind": "tax"},
}  # fmt: skip
SECONDS_MAX = 90.0


class Scene:
    """A bank, the parties around it, and one client of theirs."""

    def __init__(self, daemon: Process, sandbox: Process, folder: Path) -> None:
        self.daemon, self.sandbox, self.folder = daemon, sandbox, folder
        self.browser = httpx.Client(
            trust_env=False, verify=trust_of(daemon.url), timeout=ANSWER_SECONDS_MAX
        )
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
        shown = self.uploads(doc_type, then)
        self.says_sent(shown)
        then()
        eventually(lambda: self.browser.get(shown).json()["status"] == "accepted", SECONDS_MAX)

    def says_sent(self, shown: str) -> None:
        """A document is there, as its client says: it is looked at."""
        done = self.browser.post(f"{shown}/complete", json={})
        assert done.status_code == 202, done.text

    def uploads(self, doc_type: str, then: Callable[[], None] = lambda: None) -> str:
        """A document as far as its place; something happens after it was announced. Its path."""
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
        sent = httpx.put(
            place, content=paper.parts(), headers=address["headers"], timeout=60.0,
            verify=trust_of(self.daemon.url),
        )  # fmt: skip
        assert sent.status_code == 200, sent.text
        return f"{path}/{address['documentId']}"
