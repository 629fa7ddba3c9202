"""A client who gets into the portal by the link of its file and the code on its telephone, and sends documents.

Rule: daemon and sandbox are processes of their own; the code is in the sandbox's inbox.
Source: interface.md 8 and 10; spec.md S4, S12.
"""

import json
import re
from typing import Any

import httpx

from comptoir.engine.testing import Answered, Process
from comptoir.engine.trust import trust_of
from comptoir.http.contract_testing import eventually
from tests.contract.documents import INSPECTION_SECONDS_MAX, Applicant, Paper

__all__ = ["Browser"]


class Browser:
    """A client who got in by the link of its file and the code on its telephone."""

    def __init__(self, house: Process, carrier: Process, file: Applicant, phone: str) -> None:
        trusted, url = trust_of(house.url), house.url
        self.http = httpx.Client(
            base_url=url, headers={"Origin": url}, trust_env=False, verify=trusted, timeout=60.0
        )
        number, link = file.begun["onboardingId"], file.begun["clientPortalUrl"]
        entered = {"onboardingId": number, "token": link.partition("token=")[2]}
        assert self.http.post("/portal/session", json=entered).status_code == 204
        inbox = f"/control/inbox?channel=sms&to={phone.replace('+', '%2B')}"
        eventually(lambda: bool(carrier.get(inbox).json()["items"]))
        code = re.findall(r"\b\d{6}\b", carrier.get(inbox).json()["items"][-1]["body"])[0]
        typed = {"onboardingId": number, "code": code}
        assert self.http.post("/portal/session/code", json=typed).status_code == 204
        self.path = file.path

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answered:
        """As JSON, or as the bytes that are given."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"Content-Type": "application/json"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.http.request(method, path, content=content, headers=given)
        return Answered(answer.status_code, dict(answer.headers), answer.content)

    def get(self, path: str) -> Any:
        """What is there."""
        return self.http.get(path).json()

    def sends(self, paper: Paper, doc_type: str) -> dict[str, Any]:
        """The whole way of a document."""
        announced = {
            "docType": doc_type, "filename": "a.pdf", "contentType": paper.media_type,
            "sizeBytes": paper.size,
        }  # fmt: skip
        address = self.http.post(f"{self.path}/documents", json=announced).json()
        sent = self.http.put(
            address["uploadUrl"], content=paper.parts(), headers=address["headers"]
        )
        assert sent.status_code == 200, sent.text
        document = f"{self.path}/documents/{address['documentId']}"
        assert self.http.post(f"{document}/complete", json={}).status_code == 202
        eventually(lambda: self.get(document)["status"] != "inspecting", INSPECTION_SECONDS_MAX)
        shown: dict[str, Any] = self.get(document)
        return shown
