"""Files and documents of tests, by whoever may: an advisor, a client, and their uploads.

Rule: written from interface.md 8, over a socket; a document is uploaded with what its address says, to wherever
it leads.
Source: interface.md 8; spec.md S8, S9, S12.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from comptoir.engine.testing import Answered, Process
from comptoir.engine.trust import trust_of
from comptoir.http.contract_testing import eventually
from tests.storage.objects.seaweed import BUCKET, REGION, Seaweed

__all__ = [
    "INITIATION", "Applicant", "Paper", "drafts", "folder_of", "in_s3", "make_pdf", "to_people",
]  # fmt: skip

PART = 65_536
INSPECTION_SECONDS_MAX = 90.0
"""A page is read in two seconds by a processor of its own, and tests have none."""
INITIATION: dict[str, Any] = {
    "clientType": "INDIVIDUAL", "initiatedBy": "CONSEILLER", "conseillerEmail": "jean.dupont@bnc.ca",
    "clientInfo": {
        "firstName": "Marie", "lastName": "Tremblay", "email": "marie.tremblay@example.com",
        "phone": "+1-514-555-1234", "dateOfBirth": "1980-05-15", "residenceCountry": "CA",
        "taxResidence": "CA",
    },
    "metadata": {"source": "CRM", "campaignId": "Q4-2025-PROMO"},
}  # fmt: skip
"""The source's own (S8)."""


@dataclass(frozen=True)
class Paper:
    """A document on the disk of whoever sends it."""

    path: Path
    media_type: str = "application/pdf"

    @property
    def size(self) -> int:
        """Bytes."""
        return self.path.stat().st_size

    @property
    def sha256(self) -> str:
        """In hexadecimal."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def parts(self) -> Iterator[bytes]:
        """Its bytes, as they are read."""
        with self.path.open("rb") as file:
            while part := file.read(PART):
                yield part


def make_pdf(path: Path, mebibytes: float) -> Paper:
    """A PDF of one page with a picture of noise, as large as wanted: header, objects, table, trailer (ISO 32000)."""
    width = 1024
    height = max(1, int(mebibytes * 1024 / 3))
    picture = (
        f"<< /Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /DeviceRGB "
        f"/BitsPerComponent 8 /Length {3 * width * height} >>\nstream\n"
    )
    drawing = b"q 500 0 0 700 50 50 cm /P Do Q"
    heads = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(drawing), drawing),
    ]
    places: list[int] = []
    with path.open("wb") as file:
        file.write(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
        for number, head in enumerate(heads, 1):
            places.append(file.tell())
            file.write(b"%d 0 obj\n%b\nendobj\n" % (number, head))
        places.append(file.tell())
        file.write(b"5 0 obj\n" + picture.encode())
        for _ in range(height):
            file.write(os.urandom(3 * width))
        file.write(b"\nendstream\nendobj\n")
        places.append(file.tell())
        file.write(b"6 0 obj\n<< /XObject << /P 5 0 R >> >>\nendobj\n")
        table = file.tell()
        file.write(b"xref\n0 7\n0000000000 65535 f \n")
        file.writelines(b"%010d 00000 n \n" % place for place in places)
        file.write(b"trailer\n<< /Size 7 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % table)
    return Paper(path)


class Applicant:
    """A file of a daemon without accounts, where whoever is on this machine is everybody."""

    def __init__(self, daemon: Process, **changes: object) -> None:
        self.daemon = daemon
        answer = daemon.post("/api/v1/onboarding/initiate", {**INITIATION, **changes})
        assert answer.status == 201, answer
        self.begun: dict[str, Any] = answer.json()
        self.path = f"/api/v1/onboarding/{self.begun['onboardingId']}"

    def announce(self, paper: Paper, doc_type: str = "IDENTITY", **changes: object) -> Answered:
        """Ask for an address."""
        body = {
            "docType": doc_type, "filename": "passeport de Marie.pdf",
            "contentType": paper.media_type, "sizeBytes": paper.size, "sha256": paper.sha256,
        }  # fmt: skip
        return self.daemon.post(f"{self.path}/documents", {**body, **changes})

    def upload(self, address: dict[str, Any], paper: Paper) -> httpx.Response:
        """Send it there, in parts."""
        url = address["uploadUrl"]
        return httpx.put(
            url,
            content=paper.parts(),
            headers=address["headers"],
            timeout=60.0,
            verify=trust_of(url),
        )

    def complete(self, address: dict[str, Any]) -> Answered:
        """Say that it was sent."""
        return self.daemon.post(f"{self.path}/documents/{address['documentId']}/complete", {})

    def document(self, address: dict[str, Any]) -> dict[str, Any]:
        """How far it is."""
        found = self.daemon.get(f"{self.path}/documents/{address['documentId']}")
        assert found.status == 200, found
        shown: dict[str, Any] = found.json()
        return shown

    def settled(self, address: dict[str, Any]) -> dict[str, Any]:
        """What became of it once the store has answered, and the inspection."""
        eventually(lambda: self.document(address)["status"] != "inspecting", INSPECTION_SECONDS_MAX)
        return self.document(address)

    def sends(self, paper: Paper, doc_type: str = "IDENTITY") -> dict[str, Any]:
        """The whole way of a document."""
        answer = self.announce(paper, doc_type)
        assert answer.status == 201, answer
        address: dict[str, Any] = answer.json()
        uploaded = self.upload(address, paper)
        assert uploaded.status_code == 200, uploaded.text
        completed = self.complete(address)
        assert completed.status == 202, completed
        return self.settled(address)

    def shown(self) -> dict[str, Any]:
        """The file."""
        found = self.daemon.get(self.path)
        assert found.status == 200, found
        file: dict[str, Any] = json.loads(found.body)
        return file


def to_people(carrier: Process) -> dict[str, str]:
    """Settings of a daemon that reaches its clients."""
    return {
        "COMPTOIR_PROVIDERS__SENDGRID__BASE_URL": carrier.url,
        "COMPTOIR_PROVIDERS__TWILIO__BASE_URL": carrier.url,
    }


def mails_late(carrier: Process, count: int, ms: int) -> None:
    """So many mails are taken so much later."""
    late = {"party": "sendgrid", "operation": "*", "fault": "latency", "ms": ms, "count": count}
    answer = carrier.request("PUT", "/control/faults", json.dumps([late]).encode())
    assert answer.status == 200, answer


def in_s3(server: Seaweed) -> dict[str, str]:
    """Settings of a daemon that keeps documents there."""
    return {
        "COMPTOIR_DOCUMENTS__STORE": "s3",
        "COMPTOIR_DOCUMENTS__BUCKET": BUCKET,
        "COMPTOIR_DOCUMENTS__S3__REGION": REGION,
        "COMPTOIR_DOCUMENTS__S3__ENDPOINT_URL": server.url,
        "COMPTOIR_DOCUMENTS__S3__ACCESS_KEY_ID": server.access_key,
        "COMPTOIR_DOCUMENTS__S3__SECRET_ACCESS_KEY": server.secret_key,
    }


def folder_of(process: Process) -> Path:
    """Where a daemon keeps documents."""
    return Path(process.env["COMPTOIR_STORAGE__DATA_DIR"]) / "documents"


def drafts(process: Process) -> list[Path]:
    """Uploads that it is writing."""
    return list((folder_of(process) / "drafts").iterdir())
