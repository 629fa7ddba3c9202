"""Decisions on clients as each of those concerned sees them, with every party that is asked for facts in a process.

Rule: one daemon with accounts, and one sandbox that is bureau, credit agency, press and postal services; types of client
that bring one paper, which nobody has to read but for whom it is to approve. Every answer is held to the description of the API.
Source: interface.md 8 (rows c1); spec.md S7, S11, S16, S23 to S26, S40, X2 to X5, E2, E3, E14, E17.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from comptoir.engine.testing import Answered, Process
from comptoir.http.contract_testing import eventually
from tests.contract.documents import INITIATION, Paper, make_pdf, to_people
from tests.contract.scene import SECONDS_MAX, SECRET, Scene
from tests.contract.test_conventions import is_problem
from tests.http.answered import Described

Start = Callable[..., Process]
NEXT_DAY = timedelta(days=1, hours=2)
PLAIN: dict[str, Any] = {
    "documents": ["CONTRACT"], "needs": [], "entity": False, "parties": [],
    "contract": "management-individual",
}  # fmt: skip
TYPES = {
    "PLAIN": PLAIN,
    "SHOWN": {**PLAIN, "documents": ["IDENTITY"]},
    "OWNED": {
        **PLAIN, "entity": True, "parties": [{"role": "beneficial_owner", "least": 1, "most": 3}],
        "needs": ["entity"], "contract": "management-company",
    },
}  # fmt: skip
"""Only who is to be approved shows what has to be read."""
LIST = (
    "id,schema,name,aliases,birth_date,countries,gender,topics\n"
    "e7,Person,Igor Malinov,,1959-09-09,ru,male,sanction\n"
)
"""Of nobody who lives."""


class Case(Scene):
    """One client of the bank, and answers that are held to what is said of them."""

    described: Described

    def begins(self, client_type: str = "PLAIN", **who: str) -> None:
        """A file, whose client has come in."""
        body = {**INITIATION, "clientType": client_type, "clientInfo": {**self.info(), **who}}
        begun = self.by("advisor", "POST", "/api/v1/onboarding/initiate", body)
        self.holds("initiateOnboarding", begun, 201)
        self.number = begun.json()["onboardingId"]
        self.enters()

    @property
    def path(self) -> str:
        """Of the file."""
        return f"/api/v1/onboarding/{self.number}"

    @property
    def review(self) -> str:
        """Of its review."""
        return f"/api/v1/review/{self.number}"

    def holds(self, operation: str, answer: Answered, status: int = 200) -> dict[str, Any]:
        """An answer as expected and as described."""
        assert answer.status == status, answer
        headers = {
            name.lower().encode(): value.encode()
            for name, value in answer.headers.items()
            if name.lower() not in {"connection", "transfer-encoding"}
        }
        self.described.holds(operation, status, headers, answer.body)
        found: dict[str, Any] = answer.json()
        return found

    def shows(self, **changes: str) -> None:
        """The client's passport, drawn with these changes."""
        order = {
            "kind": "passport",
            "surname": "TREMBLAY",
            "givenNames": "MARIE ANNE",
            "birth": "800515",
            **changes,
        }
        drawn = self.sandbox.post("/control/papers", {**order, "format": "pdf"})
        assert drawn.status == 200, drawn
        (self.folder / "passport.pdf").write_bytes(drawn.body)
        self.brings(Paper(self.folder / "passport.pdf"), "IDENTITY")

    def brings(self, paper: Paper, doc_type: str = "CONTRACT") -> None:
        """The one paper that is wanted of the client, who announces it, sends it and says so."""
        body = {
            "docType": doc_type, "filename": "a.pdf", "contentType": paper.media_type,
            "sizeBytes": paper.size,
        }  # fmt: skip
        announced = self.browser.post(f"{self.path}/documents", json=body)
        assert announced.status_code == 201, announced.text
        address = announced.json()
        sent = self.browser.put(
            address["uploadUrl"], content=paper.path.read_bytes(), headers=address["headers"]
        )
        assert sent.status_code == 200, sent.text
        done = self.browser.post(f"{self.path}/documents/{address['documentId']}/complete", json={})
        assert done.status_code == 202, done.text

    def ends(self, status: str, **how: Any) -> dict[str, Any]:
        """The bureau comes to this, and the file to that."""
        self.tells("POST", f"/control/kyc/{self.number}", how)
        ends = ("COMPLIANCE_HOLD", "KYC_REJECTED", "SIGNATURE_PENDING", "KYC_APPROVED")
        eventually(lambda: self.file()["status"] in ends, SECONDS_MAX)
        shown = self.holds("getOnboarding", self.by("compliance", "GET", self.path))
        assert shown["status"] == status, (shown["status"], self.case())
        return shown

    def case(self) -> dict[str, Any]:
        """The assessment, as compliance sees it."""
        found = self.holds("getAssessment", self.by("compliance", "GET", f"{self.path}/kyc"))
        case: dict[str, Any] = found["case"]
        return case

    def told(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What client and advisor hear of it."""
        mine = self.browser.get(f"{self.path}/kyc")
        assert mine.status_code == 200, mine.text
        advisors = self.holds("getAssessment", self.by("advisor", "GET", f"{self.path}/kyc"))
        return mine.json(), advisors

    def last_move(self) -> tuple[Any, ...]:
        """From, to, by whom."""
        items = self.holds(
            "getOnboardingHistory", self.by("compliance", "GET", f"{self.path}/history")
        )
        last = items["items"][0]
        return last["from"], last["to"], last["actor"]

    def now(self) -> datetime:
        """By the daemon's clock."""
        moved = self.daemon.post("/dev/v1/clock", {"advanceSeconds": 0}).json()
        return datetime.fromisoformat(moved["now"]).astimezone(UTC)


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Process:
    """Everybody who is asked."""
    return comptoir_sandbox_shared()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of papers and a list."""
    return tmp_path_factory.mktemp("decisions")


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Start, sandbox: Process, folder: Path) -> Process:
    """With every party, and a list."""
    (folder / "own.csv").write_text(LIST)
    parties = {"KYC": "/kyc", "CREDIT": "/credit", "ADVERSE_MEDIA": "/media", "ADDRESSES_BAN": "/ban", "ADDRESSES_CANADA_POST": ""}  # fmt: skip
    return comptoir_daemon_shared(
        **to_people(sandbox),
        **{f"COMPTOIR_PROVIDERS__{name}__BASE_URL": f"{sandbox.url}{path}" for name, path in parties.items()},
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_HTTP__RATE_LIMITS="off",
        COMPTOIR_ONBOARDING__TYPES=json.dumps(TYPES),
        COMPTOIR_SCREENING__LISTS=json.dumps([{"name": "own", "path": str(folder / "own.csv")}]),
        COMPTOIR_WEBHOOKS__KYC__SECRETS=json.dumps([SECRET]),
    )  # fmt: skip


@pytest.fixture
def case(daemon: Process, sandbox: Process, folder: Path) -> Iterator[Case]:
    """A client of one's own."""
    scene = Case(daemon, sandbox, folder)
    scene.described = Described(daemon.get("/api/v1/openapi.json").json())
    yield scene
    scene.browser.close()


@pytest.fixture
def paper(folder: Path) -> Paper:
    """One that nobody has sent before."""
    return make_pdf(folder / "contract.pdf", 0.01)


def test_an_approved_client_sees_what_counted(case: Case) -> None:
    """S11, S23, S24, E3: approved by rule; client and advisor read the same score, factor by factor, and what would raise it;
    neither sees a search; who is nobody here sees nothing. History says who moved it.
    """
    case.begins("SHOWN")
    case.tells("POST", "/control/credit", {"score": 800})
    assert [one["code"] for one in case.told()] == ["NOT_ASSESSED"] * 2
    case.shows(number="LA0000001")
    case.ends("KYC_APPROVED", score=85)
    whole = case.case()
    assert (whole["kycScore"], whole["decidedBy"]) == (85, "SYSTEM")
    assert whole["waitsFor"] == []
    mine, advisors = case.told()
    for part in (mine, advisors):
        assert (part["code"], part["score"]) == ("DECIDED", whole["computedScore"])
        assert sum(one["points"] for one in part["factors"]) == part["score"]
        assert "case" not in part
        assert "no_pep_no_sanctions" not in json.dumps(part)
    assert mine["whatIf"] == advisors["whatIf"]
    assert case.last_move() == ("KYC_PENDING", "KYC_APPROVED", "system")
    stranger = case.by("partner", "GET", f"{case.path}/kyc")
    assert stranger.status in (403, 404), stranger


def test_what_fails_is_rejected(case: Case, paper: Paper) -> None:
    """S16, S23, X2, X4: bureau and rules agree on REJECT: the file ends, nobody signs, nobody opens; further papers are refused."""
    case.begins("SHOWN")
    case.tells("POST", "/control/credit", {"score": 400})
    case.shows(number="LA0000002", expiry="200101")
    shown = case.ends("KYC_REJECTED", score=20, checks={"identityVerification": "FAILED"})
    assert (shown["summaryStatus"], shown["waitingFor"]) == ("REJECTED", None)
    assert case.case()["recommendation"] == "REJECT"
    late = case.browser.post(f"{case.path}/documents", json={
        "docType": "CONTRACT", "filename": "b.pdf", "contentType": paper.media_type, "sizeBytes": paper.size,
    })  # fmt: skip
    assert (late.status_code, late.json()["code"]) == (409, "DOCUMENTS_CLOSED")
    mine, advisors = case.told()
    assert (mine["recommendation"], advisors["recommendation"]) == ("REJECT", "REJECT")
    assert "documents_expired" in {one["factor"] for one in mine["factors"]}
    assert case.sandbox.get("/control/mainframe").json()["accounts"] == {}


def test_a_politically_exposed_client_is_a_persons_decision(case: Case, paper: Paper) -> None:
    """X3, S25, E3, X5: a PEP is held whatever the score, and never rejected by points; client and advisor hear that it is looked
    at, and nothing of why; a reviewer puts it off, takes it up, gives it back; another one rejects it, and is named.
    """
    case.begins()
    case.brings(paper)
    case.ends("COMPLIANCE_HOLD", score=85, checks={"pepCheck": "FAILED"})
    assert [one["code"] for one in case.told()] == ["UNDER_REVIEW"] * 2
    assert len({json.dumps(one["text"]) for one in case.told()}) == 1
    opened = case.holds("getReview", case.by("compliance", "GET", case.review))
    assert opened["status"] == "open"
    until = (case.now() + NEXT_DAY).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    put_off = {"until": until, "reason": "waiting for a letter"}
    snoozed = case.holds(
        "snoozeReview", case.by("compliance", "POST", f"{case.review}/snooze", put_off)
    )
    assert (snoozed["status"], snoozed["snoozedUntil"][:16]) == ("snoozed", until[:16])
    claimed = case.holds("claimReview", case.by("compliance", "POST", f"{case.review}/claim", {}))
    assert claimed["claimedBy"] == "compliance"
    freed = case.holds("releaseReview", case.by("compliance", "POST", f"{case.review}/release", {}))
    assert (freed["status"], freed["claimedBy"]) == ("open", None)
    verdict = {"decision": "reject", "reason": "source of wealth not shown"}
    is_problem(case.by("advisor", "POST", f"{case.review}/decision", verdict), 403, "FORBIDDEN")
    decided = case.holds(
        "decideReview", case.by("compliance", "POST", f"{case.review}/decision", verdict)
    )
    assert (decided["status"], decided["decidedBy"]) == ("rejected", "compliance")
    eventually(lambda: case.file()["status"] == "KYC_REJECTED")
    assert case.last_move() == ("COMPLIANCE_HOLD", "KYC_REJECTED", "compliance")
    assert (case.case()["decidedBy"], case.case()["reviewedReason"]) == (
        "compliance", "source of wealth not shown",
    )  # fmt: skip
    for part in case.told():
        assert "wealth" not in json.dumps(part), "a reviewer's words are compliance's"


def test_an_owner_whom_a_list_has_holds_the_company(case: Case, paper: Paper) -> None:
    """S1, S21, X3: each beneficial owner is searched as a person; whom the list has is named to compliance, and to nobody else."""
    case.begins("OWNED")
    owner = {
        "role": "beneficial_owner", "firstName": "Igor", "lastName": "Malinov", "dateOfBirth": "1959-09-09",
        "residenceCountry": "FR", "control": "SHARES", "sharePercent": 60,
    }  # fmt: skip
    body = {
        "entity": {"name": "Atelier Imaginaire SAS", "country": "FR", "legalForm": "SAS"},
        "parties": {"owner-1": owner},
    }
    said = case.browser.patch(f"{case.path}/profile", json=body)
    assert said.status_code == 200, said.text
    case.brings(paper)
    case.ends("COMPLIANCE_HOLD", score=85)
    whole = case.case()
    assert "SANCTIONS_SUSPECTED" in whole["reasons"]
    assert [(one["entryId"], one["name"]) for one in whole["hits"]] == [("e7", "Igor Malinov")]
    assert whole["hits"][0]["party"] != "client"
    for part in case.told():
        assert "Malinov" not in json.dumps(part)


def test_switches_send_everybody_to_a_person(case: Case, paper: Paper, folder: Path) -> None:
    """S40: without automatic approval, and for countries that a person approves, a file is held whatever its points."""
    for number, (name, value) in enumerate(
        (("ONBOARDING__AUTO_APPROVAL", "false"), ("SCORING__MANUAL_COUNTRIES", '["CA"]'))
    ):
        case.daemon.stop()
        case.daemon.env[f"COMPTOIR_{name}"] = value
        case.daemon.start()
        del case.daemon.env[f"COMPTOIR_{name}"]
        case.sign_in()
        case.mail, case.phone = f"switch-{number}@example.org", f"+336120000{number:02d}"
        case.browser.cookies.clear()
        case.begins()
        case.brings(make_pdf(folder / f"{number}.pdf", 0.01))
        case.ends("COMPLIANCE_HOLD", score=85)
        assert "AUTO_APPROVAL_OFF" in case.case()["reasons"], name
