"""A bank that has contracts signed by DocuSign, and clients of it who sign there: for scenes of files.

Rule: daemon and sandbox are processes of their own; a client presses what DocuSign's page has, in a browser of theirs.
Source: interface.md 8 and 10; spec.md S28; protocols.md 5.3.
"""

import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from comptoir.engine.asking_testing import ANSWER_SECONDS_MAX
from comptoir.engine.testing import Process
from comptoir.engine.trust import trust_of
from comptoir.http.contract_testing import eventually, free_port
from tests.contract.documents import INITIATION, to_people
from tests.contract.opening import PROFILE, advance, approves, mainframe, to_accounts
from tests.contract.scene import SECRET, Scene

__all__ = ["DOCUSIGN_KEY", "File", "settings_of"]

DOCUSIGN_KEY = "docusign-connect-signs-with-this-key"
TYPES = {
    "QUICK": {"documents": [], "needs": ["national_id"], "entity": False, "parties": [], "contract": "management-individual"}
}  # fmt: skip
SECONDS_MAX = 90.0
TOLD_APART_S = 2.0


def settings_of(sandbox: Process, folder: Path, **values: str) -> dict[str, str]:
    """Of a daemon of that bank, whose clients sign on DocuSign's page."""
    port = free_port()
    return {
        **to_people(sandbox),
        **to_accounts(sandbox, folder),
        "COMPTOIR_AUTH__MODE": "on",
        "COMPTOIR_AUTH__ISSUER": f"http://127.0.0.1:{port}",
        "COMPTOIR_HTTP__PORT": str(port),
        "COMPTOIR_HTTP__RATE_LIMITS": "off",
        "COMPTOIR_PROVIDERS__KYC__BASE_URL": f"{sandbox.url}/kyc",
        "COMPTOIR_WEBHOOKS__KYC__SECRETS": json.dumps([SECRET]),
        "COMPTOIR_BREAKERS__DEFAULT__RECOVERY_S": "1",
        "COMPTOIR_ONBOARDING__TYPES": json.dumps(TYPES),
        "COMPTOIR_SIGNING__PROVIDER": "docusign",
        "COMPTOIR_PROVIDERS__DOCUSIGN__BASE_URL": f"{sandbox.url}/docusign",
        "COMPTOIR_PROVIDERS__DOCUSIGN__TIMEOUT_S": "10",
        "COMPTOIR_PROVIDERS__DOCUSIGN__SIGNING": "embedded",
        "COMPTOIR_WEBHOOKS__DOCUSIGN__SECRETS": json.dumps([DOCUSIGN_KEY]),
        **values,
    }


class File(Scene):
    """One file of it, from its beginning on."""

    names: Mapping[str, str] = MappingProxyType({})
    """Of its client, where they matter."""

    def info(self) -> dict[str, str]:
        """Who they are."""
        return {**super().info(), **self.names}

    def sign_in(self) -> None:
        """As in every scene; and DocuSign hears where the daemon is."""
        super().sign_in()
        hook = {"url": f"{self.daemon.url}/webhooks/docusign", "secret": DOCUSIGN_KEY}
        self.tells("POST", "/control/docusign/webhooks", hook)

    @property
    def path(self) -> str:
        """Of its API."""
        return f"/api/v1/onboarding/{self.number}"

    def begins(self) -> "File":
        """As far as the client's contract: begun, completed by the client, held, and approved by a person."""
        body = {**INITIATION, "clientType": "QUICK", "clientInfo": self.info()}
        begun = self.by("advisor", "POST", "/api/v1/onboarding/initiate", body)
        assert begun.status == 201, begun
        self.number = begun.json()["onboardingId"]
        self.enters()
        assert self.browser.patch(f"{self.path}/profile", json=PROFILE).status_code == 200
        self.is_decided()
        self.stands("sent", 1)
        return self

    def enters(self) -> None:
        """As every client; when that was matters to who asks where to sign."""
        super().enters()
        self.entered_at = time.time()

    def is_decided(self) -> None:
        """Held, and approved by a person: not before their code is older than the contract that follows.

        Sign-ins are told in whole seconds, so two of them tell which was first.
        """
        self.reaches("KYC_PENDING")
        self.tells("POST", f"/control/kyc/{self.number}", {"score": 60})
        self.reaches("COMPLIANCE_HOLD")
        eventually(lambda: time.time() - self.entered_at > TOLD_APART_S)
        verdict = {"decision": "approve", "reason": "known for years"}
        decided = self.by("compliance", "POST", f"/api/v1/review/{self.number}/decision", verdict)
        assert decided.status == 200, decided

    def stands(self, status: str, number: int, passes: int = 0) -> None:
        """Wait until the file says so of its contract; so many seconds of business time go by at every look."""

        def there() -> bool:
            if passes:
                advance(self, passes)
            shown = self.file()["signature"]
            return shown is not None and (shown["status"], shown["round"]) == (status, number)

        eventually(there, SECONDS_MAX)

    def settles(self) -> None:
        """All that is due is handled."""
        assert self.daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 30}).status == 200

    def contract(self) -> dict[str, Any]:
        """The contract, as whoever works on it sees it."""
        shown = self.by("compliance", "GET", f"{self.path}/signature")
        assert shown.status == 200, shown
        found: dict[str, Any] = shown.json()
        return found

    def address(self, key: str = "") -> str:
        """Where its client signs, for their own program; they have typed a code since it was sent."""
        headers = {"Idempotency-Key": key} if key else {}
        answer = self.browser.post(f"{self.path}/signature/address", headers=headers)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["url"])

    def presses(self, address: str, outcome: str = "sign", reason: str = "") -> str:
        """Its client opens DocuSign's page and presses a button; where they are sent then."""
        with httpx.Client(
            trust_env=False, verify=trust_of(address), timeout=ANSWER_SECONDS_MAX
        ) as there:
            page = there.get(address)
            assert (page.status_code, "<form" in page.text) == (200, True), page.text
            pressed = there.post(address, data={"outcome": outcome, "reason": reason})
        assert pressed.status_code in (200, 303), pressed.text
        return str(pressed.headers.get("location", ""))

    def comes_back(self, location: str) -> str:
        """The page that its client is shown afterwards."""
        parts = urlsplit(location)
        assert parts.path == f"/portal/{self.number}/contract"
        page = self.browser.get(f"{parts.path}?{parts.query}")
        assert page.status_code == 200, page.text
        assert parse_qs(parts.query).keys() == {"event"}
        return page.text

    def envelopes(self) -> list[dict[str, Any]]:
        """All that DocuSign has of it, the oldest first."""
        items = self.sandbox.get("/control/signatures").json()["items"]
        return [one for one in items if one["reference"].startswith(f"{self.number}:")]

    def ends(self, **how: Any) -> None:
        """Its client, as a test has them do it."""
        self.tells("POST", f"/control/signatures/{self.number}", how)

    def faults(self, *rows: dict[str, Any]) -> None:
        """What DocuSign does from now on; nothing: it is well."""
        if rows:
            self.tells("PUT", "/control/faults", [{"party": "docusign", **one} for one in rows])
        else:
            self.tells("DELETE", "/control/faults")

    def mails(self) -> list[str]:
        """What its client was written, by anybody; the oldest first."""
        inbox = self.sandbox.get(f"/control/inbox?channel=mail&to={self.mail}").json()["items"]
        return [str(one["body"]) for one in inbox]

    def link_of_docusign(self) -> str:
        """In the newest mail of DocuSign's."""
        found = [
            hit[0]
            for body in self.mails()
            if (hit := re.search(r"http\S+/docusign/sign/\S+", body))
        ]
        assert found, self.mails()
        return found[-1]

    def completes(self) -> None:
        """Signed: approved by the advisor, and an account on the mainframe, once."""
        self.reaches("SIGNED")
        assert approves(self).status == 200
        advance(self, 40)
        self.reaches("COMPLETED")
        assert mainframe(self)["creations"][self.number] == 1
        assert self.contract()["signedSha256"]
