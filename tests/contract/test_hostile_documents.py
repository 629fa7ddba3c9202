"""Section 8, files and documents that nobody who means well sends: wrong requests, and hostile files that are read.

Source: interface.md 1, 8; spec.md S8, S19; issue 8.
"""

from pathlib import Path
from typing import Any

import pytest

from comptoir.engine.testing import Process
from tests.actors.inspection.hostile import BOMBS, OCR_BOMBS, SNEAKS
from tests.contract.documents import INITIATION, Applicant, Paper
from tests.contract.test_conventions import is_problem

TYPES = ("IDENTITY", "PROOF_OF_RESIDENCE", "TAX_DECLARATION")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"clientType": "PERSON"}, "/clientType"),
        ({"conseillerEmail": "nobody"}, "/conseillerEmail"),
        ({"clientInfo": {**INITIATION["clientInfo"], "dateOfBirth": "1980-02-30"}},
         "/clientInfo/dateOfBirth"),
        ({"clientInfo": {**INITIATION["clientInfo"], "phone": "+0-1"}}, "/clientInfo/phone"),
        ({"status": "COMPLETED"}, ""),
    ],
)  # fmt: skip
def test_a_wrong_request_says_where(with_folder: Process, changes: Any, pointer: str) -> None:
    """Interface.md 1: 422 with the place, and nothing is begun."""
    answer = with_folder.post("/api/v1/onboarding/initiate", {**INITIATION, **changes})
    body = is_problem(answer, 422, "REQUEST_INVALID")
    assert body["errors"][0]["pointer"] == pointer


NOISE = "INSPECTION_TOO_LONG|TEXT_UNREADABLE"
"""Given up at its bound, or read to its end and nothing found: whichever comes first on this machine."""


def test_hostile_files_are_ends_of_documents_and_of_nothing_else(
    with_folder: Process, tmp_path: Path
) -> None:
    """Issue 8, S19: several at once, as documents that are read: each comes to an end by name, no answer is a 5xx, and the
    daemon goes on. What has to be computed to its bound before it is given up is noise alone; the rest of the bombs are sent by
    the bench, and all are looked at in test_inspector.py.
    """
    file = Applicant(with_folder)
    hostile = [
        *SNEAKS.values(),
        *((BOMBS[name], "bomb", "") for name in ("wide png", "wide jpeg", "wide picture", "deep", "round")),
        (OCR_BOMBS["noisy pages"], "noise.pdf", NOISE),
    ]  # fmt: skip
    sent: list[tuple[dict[str, Any], str]] = []
    for number, (make, filename, flag) in enumerate(hostile):
        data = make()
        media_type = "image/jpeg" if data.startswith(b"\xff\xd8") else "application/pdf"
        paper = Paper(tmp_path / str(number), media_type)
        paper.path.write_bytes(data)
        doc_type = TYPES[number % len(TYPES)]
        address = file.announce(paper, doc_type, filename=filename).json()
        assert file.upload(address, paper).status_code == 200
        assert file.complete(address).status == 202
        sent.append((address, flag))
    for address, flag in sent:
        shown = file.settled(address)
        assert shown["status"] in ("refused", "redo"), shown
        codes = {reason["code"] for reason in shown["reasons"]}
        assert codes & {*flag.split("|")} or not flag, (flag, codes)
    assert with_folder.get("/health/ready").status == 200
