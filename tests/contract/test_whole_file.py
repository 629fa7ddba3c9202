"""One file from a partner's submission to the account, looked at from all sides: what proves its decision years later, and
what of its client stands anywhere in clear.

Rule: daemon and sandbox are processes of their own; the search is of every row of every table, and of every file that the
daemon writes, for values that its client, its partner and its reviewer gave.
Source: interface.md 8; spec.md S5, S8, S9, S20, S35, S60, X12, E1, E2, E16; docs/kyc.md, docs/threat-model.md.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from comptoir.engine.testing import Answered, Process
from comptoir.http.contract_testing import eventually
from tests.contract.documents import INITIATION, Paper
from tests.contract.opening import PROFILE, approves, codes, signs, submitted, to_everybody
from tests.contract.scene import PAPERS, SECONDS_MAX, Scene
from tests.contract.test_beginnings import TAX, claims_of, jcs
from tests.contract.test_conventions import is_problem
from tests.contract.test_kept import whole_of

Start = Callable[..., Process]
IBAN = "FR7630006000011234567890189"
NOTE = f"she will pay in from {IBAN}, her sister's"
LIST = (
    "id,schema,name,aliases,birth_date,countries,gender,topics\n"
    "e1,Person,Ivan Sorokin,Vanya Sorokin,1961-02-03,ru,male,sanction\n"
)
"""Of nobody who lives, and of nobody here."""
WANTED = ("IDENTITY", "PROOF_OF_RESIDENCE")
"""Her taxes are attested by the partner (X31)."""


@dataclass
class Whole:
    """A file that has come to its end, and what was given to come there."""

    scene: Scene
    submission: dict[str, Any]
    receipt: dict[str, str]
    secrets: dict[str, str]
    """By what they are."""
    told: dict[str, Any]
    """What was answered: the assessment, the review, the approval."""

    @property
    def path(self) -> str:
        """Of its resources."""
        return f"/api/v1/onboarding/{self.scene.number}"

    def seen(self, who: str, path: str) -> Any:
        """What somebody who works here is shown."""
        answer = self.scene.by(who, "GET", path)
        assert answer.status == 200, answer
        return json.loads(answer.body)


@pytest.fixture(scope="module")
def scene(
    comptoir_daemon_shared: Start,
    comptoir_sandbox_shared: Start,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Scene]:
    """A bank with everybody whom it asks, a watch list and a key store."""
    folder = tmp_path_factory.mktemp("whole")
    sandbox = comptoir_sandbox_shared()
    (folder / "own.csv").write_text(LIST)
    daemon = comptoir_daemon_shared(
        **to_everybody(sandbox, folder),
        COMPTOIR_SCREENING__LISTS=json.dumps([{"name": "own", "path": str(folder / "own.csv")}]),
        COMPTOIR_VAULT__STORE=str(folder / "keys.db"),
    )
    scene = Scene(daemon, sandbox, folder)
    yield scene
    scene.browser.close()


@pytest.fixture(scope="module")
def whole(scene: Scene) -> Whole:
    """Submitted, completed, held, reviewed by a person, signed, approved, opened."""
    submission, answered = submitted(scene)
    whole = Whole(scene, submission, answered["receipt"], {}, {})
    scene.tells("POST", f"/control/kyc/{scene.number}", {"score": 60})
    link = scene.written("mail", scene.mail, r"token=([\w-]+)")
    scene.enters()
    said = scene.browser.patch(f"{whole.path}/profile", json=PROFILE)
    assert said.status_code == 200, said.text
    for doc_type in WANTED:
        scene.sends(doc_type, lambda: None)
    scene.reaches("COMPLIANCE_HOLD")
    review = f"/api/v1/review/{scene.number}"
    scene.by("compliance", "POST", f"{review}/claim", {})
    noted = scene.by("compliance", "POST", f"{review}/notes", {"text": NOTE})
    assert noted.status == 200, noted
    verdict = {"decision": "approve", "reason": "known for years"}
    assert scene.by("compliance", "POST", f"{review}/decision", verdict).status == 200
    eventually(lambda: scene.file()["status"] == "SIGNATURE_PENDING", SECONDS_MAX)
    signs(scene)
    scene.reaches("SIGNED")
    assert approves(scene).status == 200
    scene.reaches("COMPLETED")
    whole.secrets = {"the link's": link.removeprefix("token=")}
    whole.secrets |= {f"a cookie, {x.name}": str(x.value) for x in scene.browser.cookies.jar}
    whole.secrets |= {f"the token of {who}": token for who, token in scene.tokens.items()}
    whole.told = {
        "case": whole.seen("compliance", f"{whole.path}/kyc")["case"],
        "review": whole.seen("compliance", review),
        "file": whole.seen("advisor", whole.path),
    }
    return whole


def test_a_partners_program_begins_a_file(scene: Scene) -> None:
    """S3, S5, S8, S9, X7, interface.md 8: by the same route as an advisor, with exactly the keys of S9; it is the file of the
    configured advisor, what it says is the partner's, and the partner is told how far it is and nothing else.
    """
    body = {**INITIATION, "initiatedBy": "PARTNER"}
    begun = scene.by("partner", "POST", "/api/v1/onboarding/initiate", body)
    assert begun.status == 201, begun
    assert begun.json().keys() == {
        "onboardingId", "status", "nextStep", "clientPortalUrl", "expiresAt", "createdAt",
    }  # fmt: skip
    path = f"/api/v1/onboarding/{begun.json()['onboardingId']}"
    fields = scene.by("advisor", "GET", f"{path}/profile").json()["fields"]
    assert fields["/lastName"]["source"].startswith("partner:cl_")
    is_problem(scene.by("partner", "GET", path), 403, "FORBIDDEN")
    (mine,) = [
        one
        for one in scene.by("partner", "GET", "/api/v1/partner/submissions").json()["items"]
        if one["onboardingId"] == begun.json()["onboardingId"]
    ]
    assert mine.keys() == {"onboardingId", "summaryStatus", "createdAt"}
    refused = scene.by("partner", "POST", "/api/v1/onboarding/initiate", INITIATION)
    assert is_problem(refused, 422, "REQUEST_INVALID")["errors"][0]["pointer"] == "/initiatedBy"
    brought = scene.by("advisor", "POST", "/api/v1/onboarding/initiate", body)
    assert brought.status == 201, brought
    own = f"/api/v1/onboarding/{brought.json()['onboardingId']}"
    fields = scene.by("advisor", "GET", f"{own}/profile").json()["fields"]
    assert fields["/lastName"]["source"] == "advisor", "who brought it has said nothing to us"
    numbers = {begun.json()["onboardingId"], brought.json()["onboardingId"]}

    def told() -> dict[str, str]:
        feed = scene.by("compliance", "GET", "/api/v1/events?limit=500").json()["items"]
        return {one["entity"]: one["data"].get("initiatedBy") for one in feed if one["entity"] in numbers}  # fmt: skip

    eventually(lambda: told() == dict.fromkeys(numbers, "PARTNER"))


def digest_of(shown: dict[str, Any]) -> str:
    """Of what is shown, in the order in which it is shown; of lists that are sets, in theirs (docs/kyc.md)."""
    lists = cast("dict[str, list[str]]", {k: x for k, x in shown.items() if isinstance(x, list)})
    sets = {name: sorted(x) for name, x in lists.items()}
    text = json.dumps({**shown, **sets}, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_decision_has_all_that_proves_it(whole: Whole) -> None:
    """E1 (its data), E2, E16, S26, X4: of a file that has ended, over the API: every input, with who gave it; the documents by
    their digests; the rules and their version, the list that was searched by its own digest, and a decision that comes out of
    them again; who decided what and why; the contract and the signed one by their digests, and the submission by its receipt.
    """
    scene, case = whole.scene, whole.told["case"]
    (own,) = whole.seen("compliance", "/api/v1/lists")["items"]
    assert case["facts"]["lists"] == {"own": own["version"]}
    assert case["factsDigest"] == digest_of(case["facts"])
    assert case["rulesDigest"] == digest_of(case["rules"])
    assert case["rulesVersion"] == case["rules"]["version"]
    lines = [
        line
        for line in scene.daemon.run("kyc", "export", "--url", scene.daemon.url).splitlines()
        if json.loads(line)["id"] == scene.number
    ]
    (scene.folder / "rules.json").write_text(json.dumps(case["rules"]))
    again = scene.daemon.ran(
        "kyc", "dry-run", str(scene.folder / "rules.json"), "--format", "json", text=lines[0]
    )
    assert (again.returncode, json.loads(again.stdout)["flips"]) == (0, []), again
    assert (case["kycScore"], case["computedScore"], case["recommendation"]) == (
        60,
        70,
        "MANUAL_REVIEW",
    )
    assert case["checks"]["identityVerification"] == "PASSED"
    assert (case["decidedBy"], case["reviewedReason"]) == ("compliance", "known for years")
    review = whole.told["review"]
    assert (review["decidedBy"], review["reason"]) == ("compliance", "known for years")
    assert [(one["by"], one["text"]) for one in review["notes"]] == [("compliance", NOTE)]
    file = whole.told["file"]
    sent = {
        doc_type: hashlib.sha256((scene.folder / doc_type).read_bytes()).hexdigest()
        for doc_type in WANTED
    }
    assert {one["docType"]: one["sha256"] for one in file["documents"]} == sent
    assert all(one["fields"] for one in file["documents"])
    assert (file["approval"]["decision"], file["approval"]["by"]) == ("approve", "advisor")
    profile = whole.seen("advisor", f"{whole.path}/profile")["fields"]
    assert profile["/tax/year"]["source"].startswith("partner:")
    assert profile["/nationalId/number"]["source"] == "client"
    assert {one["at"] for one in profile.values()} != {None}
    moves = whole.seen("compliance", f"{whole.path}/history")["items"]
    assert {"compliance", "advisor"} < {one["actor"] for one in moves}
    assert all(one["at"] for one in moves)
    _signed_is_what_was_signed(whole)
    claims = claims_of(scene.daemon, whole.receipt)
    assert claims["sha256"] == hashlib.sha256(jcs(whole.submission).encode()).hexdigest()


def _signed_is_what_was_signed(whole: Whole) -> None:
    """By its digest, and by what anybody may ask of it."""
    scene = whole.scene
    contract = whole.seen("compliance", f"{whole.path}/signature")
    signed = scene.by("compliance", "GET", f"{whole.path}/signature/contract").body
    assert hashlib.sha256(signed).hexdigest() == contract["signedSha256"]
    assert contract["documentSha256"] != contract["signedSha256"]
    asked: Answered = scene.daemon.request("POST", "/verify", signed, {"Content-Type": "application/pdf"})  # fmt: skip
    assert (asked.status, asked.json()["valid"]) == (200, True), asked


def values_of(whole: Whole) -> dict[str, str]:
    """What nobody may find who has the database and the folders, by what it is."""
    scene, account = whole.scene, whole.told["file"]["account"]["accountNumber"]
    passport = next(x for x in whole.told["file"]["documents"] if x["docType"] == "IDENTITY")
    return {
        "family name": "Tremblay", "family name as printed": "TREMBLAY", "given name": "Marie",
        "given names as printed": PAPERS["IDENTITY"]["givenNames"], "birth": "1980-05-15",
        "national id": "046454286", "national id as typed": "046 454 286", "mail": scene.mail,
        "telephone": scene.phone, "telephone's digits": scene.phone[1:], "street": "123 rue Sherbrooke",
        "postal code": "H3A 1B1", "passport": passport["fields"]["documentNumber"],
        "income": str(TAX["referenceIncomeCents"]), "IBAN": IBAN, "note": "her sister's",
        "account": str(account), "reason of the review": "known for years",
        "partner's reference": "cabinet-17", **whole.secrets,
    }  # fmt: skip


def test_nothing_of_it_stands_in_clear(whole: Whole, comptoir_postgres_server: Any) -> None:
    """S20, S35, S59, S60, X12: after a whole file no national id, name, IBAN, account, token or cookie of it, and no piece of its
    papers, is in any row of any table, in any file of the daemon's folders, in its log or in its metrics. In clear are
    the number of the file and who works on it, which the same search finds.
    """
    daemon = whole.scene.daemon
    text = whole_of(comptoir_postgres_server, daemon)
    assert whole.scene.number in text, "the search finds what is there"
    data = Path(daemon.env["COMPTOIR_STORAGE__DATA_DIR"])
    files = {one: one.read_bytes() for one in data.rglob("*") if one.is_file()}
    kept = [one for one in files if "documents" in one.parts and one.name != "names.json"]
    assert len(kept) >= len(WANTED) + 1, "its papers and its contract are there"
    said = daemon.log.read_text() + daemon.get("/metrics").body.decode()
    for what, value in values_of(whole).items():
        assert value not in text, what
        assert value.encode().hex() not in text, what
        assert value not in said, what
        assert not [one for one, held in files.items() if value.encode() in held], what
    for piece in pieces_of(whole):
        assert piece.hex() not in text
        assert piece.decode("latin-1") not in text
        assert not [one for one, held in files.items() if piece in held]
    assert not [one for one in codes(whole.scene) if f'"{one}"' in text], "nor a code"


def pieces_of(whole: Whole) -> Iterator[bytes]:
    """Parts of its papers and of its contract that are long enough to be nobody else's."""
    papers = [Paper(whole.scene.folder / x).path.read_bytes() for x in WANTED]
    path = f"{whole.path}/signature/contract"
    papers.append(whole.scene.by("compliance", "GET", path).body)
    for paper in papers:
        yield paper[:64] if not paper.startswith(b"%PDF") else paper[20:84]
        for place in (len(paper) // 3, len(paper) // 2, len(paper) - 200):
            yield paper[place : place + 48]
