"""Section 8, KYC_COMPLETED: a client is assessed, from the documents to a decision, with all parties as processes.

Rule: daemon and sandbox are processes of their own; the bureau says what a test tells it to say, by a webhook that it
signs. Of the documents a passport is enough here: what they are is another module's.
Source: interface.md 8 (rows c1) and 10; spec.md S10, S11, S13, S17, S21 to S27, X2 to X4, E2, E3, E5.
"""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from comptoir.engine.signing_testing import sign_webhook
from comptoir.engine.testing import Answered, Process
from comptoir.http.contract_testing import eventually
from tests.actors.inspection.specimens import as_pdf, identity
from tests.actors.inspection.zones import Bearer
from tests.contract.documents import INITIATION, Applicant, Paper, to_people
from tests.http.kyc_webhooks import completed

Start = Callable[..., Process]
SECRET = "the-bureau-signs-with-this-secret-0123"
SECONDS_MAX = 60.0
NUMBERS = ("L898902C3", "K234567A8", "P765432C4", "H345678E2", "X456789F6")
MARIE = Bearer("TREMBLAY", "MARIE ANNE", birth="800515", nationality="CAN", issuer="CAN")


class Bank:
    """A daemon, the parties around it, and a passport."""

    def __init__(self, daemon: Process, sandbox: Process, papers: list[Paper]) -> None:
        self.daemon, self.sandbox, self.papers = daemon, sandbox, papers
        target = {"url": f"{daemon.url}/webhooks/kyc", "secret": SECRET}
        self.told(self.sandbox.post("/control/kyc/webhooks", target))

    @staticmethod
    def told(answer: Answered) -> None:
        """What the sandbox was told, it has taken."""
        assert answer.status < 300, answer

    def applies(self, **who: str) -> Applicant:
        """A client whose passport is accepted."""
        client = {**INITIATION["clientInfo"], **who}
        file = Applicant(self.daemon, clientInfo=client)
        assert file.sends(self.papers.pop())["status"] == "accepted"
        return file

    def ends(self, file: Applicant, **how: Any) -> None:
        """The bureau comes to this."""
        self.told(self.sandbox.post(f"/control/kyc/{file.begun['onboardingId']}", how))

    def reaches(self, file: Applicant, status: str) -> dict[str, Any]:
        """Wait for a status."""
        ended = ("COMPLIANCE_HOLD", "KYC_REJECTED", "KYC_APPROVED")
        eventually(lambda: file.shown()["status"] in (status, *ended), SECONDS_MAX)
        shown = file.shown()
        assert shown["status"] == status, (shown["status"], self.assessment(file))
        return shown

    def assessment(self, file: Applicant) -> dict[str, Any]:
        """What it came to, as compliance sees it."""
        answer = self.daemon.get(f"{file.path}/kyc")
        assert answer.status == 200, answer
        found: dict[str, Any] = answer.json()
        return found

    def published(self, file: Applicant) -> list[tuple[str, dict[str, Any]]]:
        """What the world is told of a file, in its order (S17); the feed has all that there is."""
        number = file.begun["onboardingId"]

        def events() -> list[dict[str, Any]]:
            items = self.daemon.get("/api/v1/events?limit=500").json()["items"]
            return [one for one in items if one["entity"] == number]

        eventually(lambda: any(one["type"] == "KYC_COMPLETED" for one in events()))
        return [(one["type"], one["data"]) for one in events()]

    def webhook(self, body: bytes) -> Answered:
        """One that somebody signed with the bureau's secret."""
        headers = sign_webhook(SECRET, body, time.time_ns() // 1_000_000)
        return self.daemon.request("POST", "/webhooks/kyc", body, headers)


LIST = (
    "id,schema,name,aliases,birth_date,countries,gender,topics\n"
    "e1,Person,Ivan Sorokin,Vanya Sorokin,1961-02-03,ru,male,sanction\n"
)
"""Of nobody who lives."""


PASSPORT_ALONE = {
    "documents": ["IDENTITY"], "needs": [], "entity": False, "parties": [],
    "contract": "management-individual",
}  # fmt: skip


def settings_of(sandbox: Process) -> dict[str, str]:
    """A bank whose bureau is the sandbox's; nobody else knows anything about people."""
    return {
        **to_people(sandbox),
        "COMPTOIR_PROVIDERS__KYC__BASE_URL": f"{sandbox.url}/kyc",
        "COMPTOIR_WEBHOOKS__KYC__SECRETS": json.dumps([SECRET]),
        "COMPTOIR_ONBOARDING__TYPES": json.dumps({"INDIVIDUAL": PASSPORT_ALONE}),
        "COMPTOIR_CLOCK__MODE": "wall",
    }


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> list[Paper]:
    """Passports of people called Marie Tremblay: one that two clients show is a person's to look at (S19)."""
    folder = tmp_path_factory.mktemp("papers")
    for number in NUMBERS:
        page = as_pdf(identity(replace(MARIE, number=number), "TD3"))
        (folder / f"{number}.pdf").write_bytes(page)
    return [Paper(folder / f"{number}.pdf") for number in NUMBERS]


@pytest.fixture(scope="module")
def bank(
    comptoir_daemon_shared: Start, comptoir_sandbox_shared: Start, papers: list[Paper]
) -> Bank:
    """One for all tests that do it no harm."""
    sandbox, own = comptoir_sandbox_shared(), papers[0].path.with_name("own.csv")
    own.write_text(LIST)
    lists = json.dumps([{"name": "own", "path": str(own)}])
    daemon = comptoir_daemon_shared(**settings_of(sandbox), COMPTOIR_SCREENING__LISTS=lists)
    return Bank(daemon, sandbox, papers)


def test_the_sources_example_is_approved_with_85(bank: Bank) -> None:
    """S10, S11, S13, S15, S17, X1, X6: the file waits for the bureau; all passed, score 85: KYC_APPROVED, and our own rules come to
    85 as well; S11's score is shown; the same webhook again is a duplicate, another one is ignored.
    """
    file = bank.applies()
    waits = bank.reaches(file, "KYC_PENDING")
    assert (waits["summaryStatus"], waits["nextStep"], waits["waitingFor"]) == (
        "KYC_PENDING", "KYC", "provider",
    )  # fmt: skip
    assert waits["kyc"] is None
    refused = file.announce(bank.papers[0])
    assert (refused.status, refused.json()["code"]) == (409, "DOCUMENTS_CLOSED")
    bank.ends(file, score=85)
    done = bank.reaches(file, "KYC_APPROVED")
    assert (done["summaryStatus"], done["nextStep"]) == ("APPROVED", "SIGNATURE")
    assert done["kyc"] == {"score": 85, "riskLevel": "LOW", "recommendation": "AUTO_APPROVE"}
    case = bank.assessment(file)["case"]
    assert (case["kycScore"], case["computedScore"], case["disagreements"]) == (85, 85, [])
    assert bank.published(file)[:3] == [
        ("ONBOARDING_INITIATED", {"clientType": "INDIVIDUAL", "initiatedBy": "CONSEILLER"}),
        ("DOCUMENTS_UPLOADED", {}),
        ("KYC_COMPLETED", {"score": 85, "recommendation": "AUTO_APPROVE"}),
    ]
    assert (case["decidedBy"], case["rulesVersion"][:7]) == ("SYSTEM", "config-")
    moves = bank.daemon.get(f"{file.path}/history").json()["items"]
    assert [(one["to"], one["event"]) for one in reversed(moves)][-3:] == [
        ("DOCUMENTS_UPLOADED", "DOCUMENTS_UPLOADED"), ("KYC_PENDING", "KYC_STARTED"),
        ("KYC_APPROVED", "KYC_COMPLETED"),
    ]  # fmt: skip
    late = bank.webhook(completed(file.begun["onboardingId"], score=20))
    assert (late.status, late.json()) == (200, {"status": "ignored"})
    assert file.shown()["status"] == "KYC_APPROVED"


def test_what_disagrees_is_held_and_alerted(bank: Bank) -> None:
    """X4: the bureau against itself and against us: neither approved nor rejected; counted, and told to compliance by name."""
    file = bank.applies()
    bank.ends(file, score=85, recommendation="REJECT")
    held = bank.reaches(file, "COMPLIANCE_HOLD")
    assert (held["waitingFor"], held["summaryStatus"]) == ("compliance", "KYC_PENDING")
    text = bank.daemon.get("/metrics").body.decode()
    for code in ("SCORE_AGAINST_RECOMMENDATION", "OURS_AGAINST_THEIRS"):
        assert code in bank.assessment(file)["case"]["disagreements"]
        assert f'comptoir_kyc_alerts_total{{code="{code}"}}' in text


def test_whom_a_list_has_is_not_scored_and_waits_for_a_person(bank: Bank) -> None:
    """S21, X3: whatever the bureau says, our own list holds the file, without a score; compliance sees who it could be."""
    file = bank.applies(firstName="Ivan", lastName="Sorokin", dateOfBirth="1961-02-03")
    bank.ends(file, score=85)
    held = bank.reaches(file, "COMPLIANCE_HOLD")
    assert held["waitingFor"] == "compliance"
    case = bank.assessment(file)["case"]
    assert (case["kycScore"], case["computedScore"]) == (85, None)
    assert "SANCTIONS_SUSPECTED" in case["reasons"]
    assert [(one["entryId"], one["topics"], one["word"]) for one in case["hits"]] == [
        ("e1", ["sanction"], ""),
    ]  # fmt: skip
    assert case["facts"]["lists"].keys() == {"own"}


def test_a_webhook_is_taken_once_and_only_from_the_bureau(bank: Bank) -> None:
    """Interface.md 6 and 8: signed with its own secret; sent twice a duplicate; of a file that nobody knows: ignored."""
    file = bank.applies()
    bank.reaches(file, "KYC_PENDING")
    body = completed(file.begun["onboardingId"])
    first, again = bank.webhook(body), bank.webhook(body)
    assert [(x.status, x.json()["status"]) for x in (first, again)] == [
        (202, "accepted"), (200, "duplicate"),
    ]  # fmt: skip
    bank.reaches(file, "KYC_APPROVED")
    forged = bank.daemon.request("POST", "/webhooks/kyc", body, sign_webhook("x" * 32, body, time.time_ns() // 1_000_000))  # fmt: skip
    assert (forged.status, forged.json()["code"]) == (401, "WEBHOOK_SIGNATURE_INVALID")
    assert bank.webhook(completed("ONB-1999-00001")).json() == {"status": "ignored"}


def test_what_was_decided_is_tried_under_other_rules(
    bank: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E2: the decisions of all files, as the lines that a dry run reads; nothing in them names a client."""
    # Without accounts there is no issuer whose token a command could show.
    monkeypatch.setitem(bank.daemon.env, "COMPTOIR_AUTH__ISSUER", bank.daemon.url)
    shown = bank.daemon.run("kyc", "export", "--url", bank.daemon.url)
    lines = [json.loads(line) for line in shown.splitlines()]
    assert lines
    scored = [line for line in lines if line["score"] is not None]
    assert {line["score"] for line in scored} == {85}
    for secret in ("Marie", "Tremblay", "1980-05-15", "example.com"):
        assert secret not in shown
    stricter = tmp_path / "v8.json"
    stricter.write_text('{"version": "v8", "addressVerified": 0}')
    run = bank.daemon.ran("kyc", "dry-run", str(stricter), "--format", "json", text=shown)
    assert run.returncode == 1
    assert len(json.loads(run.stdout)["flips"]) == len(scored)


def test_a_client_is_assessed_whatever_dies_meanwhile(
    comptoir_daemon: Start, comptoir_sandbox_shared: Start, papers: list[Paper]
) -> None:
    """S16, S27, E5: the bureau is away, so the question is parked; the daemon is killed; it comes back, the bureau comes back,
    and the client is approved: asked once, decided once.
    """
    sandbox = comptoir_sandbox_shared()
    away = [{"party": "kyc", "operation": "verifications.create", "fault": "status", "status": 503}]
    Bank.told(sandbox.request("PUT", "/control/faults", json.dumps(away).encode(), {"Content-Type": "application/json"}))  # fmt: skip
    daemon = comptoir_daemon(**settings_of(sandbox))
    bank = Bank(daemon, sandbox, papers)
    file = bank.applies()
    bank.reaches(file, "KYC_PENDING")
    daemon.kill()
    daemon.start()
    bank = Bank(daemon, sandbox, papers)
    assert file.shown()["status"] == "KYC_PENDING"
    Bank.told(sandbox.request("DELETE", "/control/faults"))
    bank.ends(file, score=85)
    bank.reaches(file, "KYC_APPROVED")
    begun = sandbox.get("/control/kyc").json()["items"]
    assert len([one for one in begun if one["onboardingId"] == file.begun["onboardingId"]]) == 1
