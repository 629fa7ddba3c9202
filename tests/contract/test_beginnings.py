"""Section 8, the beginnings of a file: types, profiles, partners' submissions, reminders, files that go on.

Rule: one daemon with accounts, a fifth type of client and a manual clock, one sandbox; each test has files of its own.
A receipt is verified by PyJWT with the keys that the daemon publishes, a digest by an encoder of RFC 8785 of ours.
Source: interface.md 8 (rows c1) and 9; spec.md S1, S5, S8, S9, S14, S16, E16, X8, X31; docs/onboarding.md.
"""

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import httpx
import jwt
import pytest

from comptoir.engine.asking_testing import ANSWER_SECONDS_MAX
from comptoir.engine.testing import Answered, Process
from comptoir.engine.trust import trust_of
from comptoir.http.contract_testing import Customer, eventually
from tests.contract.documents import (
    INITIATION,
    Applicant,
    make_pdf,
    to_people,
)
from tests.contract.entering import Browser
from tests.contract.test_conventions import is_problem

Start = Callable[..., Process]
ADVISOR, OTHER = "c.martin", "d.petit"
PARTNERSHIP = {
    "PARTNERSHIP": {
        "documents": ["CONTRACT"], "needs": ["entity", "address"], "entity": True,
        "parties": [{"role": "beneficial_owner", "least": 1, "most": 3}],
        "contract": "management-partnership",
    }
}  # fmt: skip
OWNER = {
    "role": "beneficial_owner", "firstName": "Ada", "lastName": "Moreau", "dateOfBirth": "1970-01-02",
    "residenceCountry": "FR", "control": "SHARES", "sharePercent": 60,
}  # fmt: skip
TAX = {"year": 2024, "country": "FR", "referenceIncomeCents": 4567800, "currency": "EUR"}


@pytest.fixture(scope="module")
def house(comptoir_daemon_shared: Start, carrier: Process) -> Process:
    """A daemon with accounts and a fifth type of client, which is a block of its configuration and nothing else."""
    return comptoir_daemon_shared(
        **to_people(carrier),
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_HTTP__RATE_LIMITS="off",
        COMPTOIR_ONBOARDING__TYPES=json.dumps(PARTNERSHIP),
        COMPTOIR_ONBOARDING__PARTNER_ADVISOR=ADVISOR,
    )


def service(house: Process, name: str) -> str:
    """A token of a new partner's program, by its secret (RFC 6749 section 4.4)."""
    made = json.loads(house.run("client", "add", name, "--scope", "partner:submit"))
    form = {
        "grant_type": "client_credentials", "client_id": made["clientId"],
        "client_secret": made["clientSecret"],
    }  # fmt: skip
    answer = httpx.post(
        f"{house.url}/oauth/token",
        data=form,
        verify=trust_of(house.url),
        timeout=ANSWER_SECONDS_MAX,
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


@pytest.fixture(scope="module")
def tokens(house: Process) -> dict[str, str]:
    """Of an advisor, another one, a partner's program, another one, COMPLIANCE."""
    return {
        "advisor": house.token(ADVISOR, "CONSEILLER"),
        "other": house.token(OTHER, "CONSEILLER"),
        "partner": service(house, "cabinet"),
        "rival": service(house, "rival"),
        "compliance": house.token("comp", "COMPLIANCE"),
    }


Enters = Callable[..., "tuple[Applicant, Browser]"]


class Caller:
    """One of them."""

    def __init__(self, house: Process, token: str) -> None:
        self.house, self.token = house, token

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answered:
        """As JSON, or as the bytes that are given."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.house.request(method, path, b"" if method == "GET" else content, given)

    def get(self, path: str) -> Any:
        """What is there."""
        found = self.send("GET", path)
        assert found.status == 200, found
        return found.json()


@pytest.fixture
def callers(house: Process, tokens: dict[str, str]) -> dict[str, Caller]:
    """By who they are."""
    house.bearer = tokens["advisor"]
    return {name: Caller(house, token) for name, token in tokens.items()}


@pytest.fixture
def enters(
    house: Process, carrier: Process, tokens: dict[str, str]
) -> Iterator[Callable[..., tuple[Applicant, Browser]]]:
    """Begin a file, and get its client in."""
    house.bearer = tokens["advisor"]
    browsers: list[Browser] = []

    def enter(**changes: Any) -> tuple[Applicant, Browser]:
        phone = f"+3361{secrets.randbelow(10**7):07d}"
        info = {**INITIATION["clientInfo"], "phone": phone, **changes.pop("clientInfo", {})}
        file = Applicant(house, clientInfo=info, **changes)
        browsers.append(Browser(house, carrier, file, phone))
        return file, browsers[-1]

    yield enter
    for browser in browsers:
        browser.http.close()


def submission(**changes: Any) -> dict[str, Any]:
    """What an accountant knows of a client."""
    return {
        "reference": f"cabinet-{secrets.token_hex(4)}", "clientType": "INDIVIDUAL",
        "clientInfo": INITIATION["clientInfo"], "profile": {"tax": TAX, "nationality": "CA"}, **changes,
    }  # fmt: skip


def claims_of(house: Process, receipt: dict[str, str]) -> dict[str, Any]:
    """What a receipt says, verified with what the daemon publishes."""
    jws = receipt["jws"]
    assert jwt.get_unverified_header(jws)["typ"] == "receipt+jwt"
    uri = house.get("/.well-known/openid-configuration").json()["jwks_uri"]
    key = jwt.PyJWKClient(uri).get_signing_key_from_jwt(jws)
    found: dict[str, Any] = jwt.decode(jws, key, ["RS256"], options={"verify_iat": False})
    return found


def jcs(value: Any) -> str:
    """RFC 8785 for what these bodies have: objects, lists, texts, integers, booleans, null."""
    if isinstance(value, dict):
        table = cast("dict[str, Any]", value)
        names = sorted(table, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{jcs(name)}:{jcs(table[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(jcs, cast("tuple[Any, ...]", value))) + "]"
    return json.dumps(value, ensure_ascii=False)


def test_a_fifth_type_is_a_block_of_the_configuration(
    house: Process, callers: dict[str, Caller], enters: Enters, tmp_path: Path
) -> None:
    """S1: nothing knows of a partnership but its block: begun, its profile and its document asked for by it, refused
    where the block does not allow it, and complete when nothing of the block is missing.
    """
    (file, client), advisor = enters(clientType="PARTNERSHIP"), callers["advisor"]
    shown = file.shown()
    assert shown["missing"] == ["CONTRACT"]
    assert "parties:beneficial_owner" in shown["missingFields"]
    path = f"{file.path}/profile"
    entity = {"name": "Lilas & Cie SNC", "country": "FR", "legalForm": "SNC"}
    told = advisor.send("PATCH", path, {
        "entity": entity, "parties": {"owner-1": OWNER},
        "address": {"street": "1 rue des Lilas", "city": "Paris", "country": "FR"},
    })  # fmt: skip
    assert (told.status, told.json()["missing"]) == (200, []), told
    wrong = advisor.send("PATCH", path, {"parties": {"settlor-1": {"role": "settlor"}}})
    body = is_problem(wrong, 422, "REQUEST_INVALID")
    assert body["errors"][0] == {
        "pointer": "/parties/settlor-1/role", "code": "PROFILE_ROLE_UNKNOWN",
        "detail": "no role of this type of client",
    }  # fmt: skip
    unknown = house.post("/api/v1/onboarding/initiate", {**INITIATION, "clientType": "CLUB"})
    assert is_problem(unknown, 422, "REQUEST_INVALID")["errors"][0]["code"] == "CLIENT_TYPE_UNKNOWN"
    paper = make_pdf(tmp_path / "contract.pdf", 0.01)
    assert client.sends(paper, "CONTRACT")["status"] == "accepted"
    shown = file.shown()
    assert shown["status"] not in ("INITIATED", "DOCUMENTS_PENDING", "INCOMPLETE")
    late = client.send("PATCH", path, {"nationality": "FR"})
    is_problem(late, 409, "PROFILE_CLOSED")


def test_a_profile_says_who_said_what(callers: dict[str, Caller], enters: Enters) -> None:
    """S5, interface.md 8: a merge patch of the advisor and one of the client, each under its own name; null takes away;
    numbers of people are never shown whole; a stale If-Match changes nothing; other media types are refused.
    """
    (file, client), advisor = enters(), callers["advisor"]
    path = f"{file.path}/profile"
    assert advisor.get(path)["fields"]["/lastName"]["source"] == "advisor"
    first = advisor.send("PATCH", path, {
        "address": {"street": "1 rue X", "city": "Pari"}, "occupation": {"status": "RETIRED"},
        "nationalId": {"type": "SIN", "country": "CA", "number": "046 454 286"},
    }, Content_Type="application/merge-patch+json")  # fmt: skip
    assert first.status == 200, first
    tag = first.headers["etag"]
    corrected = client.send(
        "PATCH", path, {"address": {"city": "Paris"}, "occupation": None}, If_Match=tag
    )
    assert corrected.status == 200, corrected
    shown = corrected.json()
    assert shown["profile"]["address"] == {"street": "1 rue X", "city": "Paris"}
    assert "occupation" not in shown["profile"]
    city = shown["fields"]["/address/city"]
    assert (city["value"], city["source"], city["contested"]) == ("Paris", "client", False)
    assert [(one["value"], one["source"]) for one in city["others"]] == [("Pari", "advisor")]
    assert shown["profile"]["nationalId"]["number"].endswith("286")
    assert "046" not in json.dumps(shown)
    is_problem(
        client.send("PATCH", path, {"nationality": "FR"}, If_Match=tag), 412, "PRECONDITION_FAILED"
    )
    wrong = {"nationalId": {"type": "SIN", "country": "CA", "number": "046 454 287"}}
    assert is_problem(client.send("PATCH", path, wrong), 422, "REQUEST_INVALID")["errors"][0][
        "pointer"
    ] == ("/nationalId/number")
    xml = client.send("PATCH", path, b"<a/>", Content_Type="application/xml")
    is_problem(xml, 415, "MEDIA_TYPE_UNSUPPORTED")
    assert callers["compliance"].get(path) == client.get(path)
    is_problem(callers["compliance"].send("PATCH", path, {}), 403, "FORBIDDEN")
    is_problem(callers["other"].send("GET", path), 404, "NOT_FOUND")


def test_a_partner_submits_and_has_a_receipt(
    house: Process, callers: dict[str, Caller], carrier: Process
) -> None:
    """S5, E16, X31: scenario 2: the file is there with what was attested, no tax declaration is asked for, the client
    has its link by mail; the receipt is verified by another's library; its digest is that of what was sent, however its
    names are ordered; the same again is the same file and the same receipt.
    """
    partner, mail = callers["partner"], f"{secrets.token_hex(6)}@example.org"
    sent = submission(clientInfo={**INITIATION["clientInfo"], "email": mail})
    taken = partner.send("POST", "/api/v1/partner/submissions", sent)
    assert taken.status == 201, taken
    assert taken.json().keys() == {"onboardingId", "receipt"}
    number, receipt = taken.json()["onboardingId"], taken.json()["receipt"]
    claims = claims_of(house, receipt)
    who = jwt.decode(partner.token, options={"verify_signature": False})["sub"]
    assert (claims["sub"], claims["onboardingId"], claims["sequence"]) == (who, number, 1)
    assert claims["sha256"] == hashlib.sha256(jcs(sent).encode()).hexdigest()
    assert (
        sent["clientInfo"]["lastName"]
        not in base64.urlsafe_b64decode(receipt["jws"].split(".")[1] + "==").decode()
    ), "a receipt says nothing of the client"
    shuffled = json.dumps(dict(reversed(list(sent.items()))), indent=1).encode()
    again = partner.send("POST", "/api/v1/partner/submissions", shuffled)
    assert (again.status, again.json()) == (201, taken.json())
    file = callers["advisor"].get(f"/api/v1/onboarding/{number}")
    assert file["missing"] == ["IDENTITY", "PROOF_OF_RESIDENCE"]
    profile = callers["advisor"].get(f"/api/v1/onboarding/{number}/profile")
    assert profile["fields"]["/tax/year"]["source"] == f"partner:{who}"
    assert profile["accelerated"] is True
    inbox = f"/control/inbox?channel=mail&to={mail}"
    eventually(lambda: f"/portal/{number}?token=" in carrier.get(inbox).body.decode())


def test_a_changed_submission_amends_and_the_client_contests(
    house: Process, callers: dict[str, Caller]
) -> None:
    """E16: amended with a receipt of its own; what the client contradicts stands as attested, both shown, and its tax
    declaration is wanted again; how the client is reached does not change; a partner sees how far its own file is.
    """
    partner, sent = callers["partner"], submission()
    first = partner.send("POST", "/api/v1/partner/submissions", sent).json()
    changed = {**sent, "profile": {"tax": {**TAX, "referenceIncomeCents": 5_000_000}}}
    second = partner.send("POST", "/api/v1/partner/submissions", changed).json()
    assert second["onboardingId"] == first["onboardingId"]
    assert second["receipt"] != first["receipt"]
    assert claims_of(house, second["receipt"])["sequence"] == 2
    path = f"/api/v1/onboarding/{first['onboardingId']}"
    profile = callers["advisor"].get(f"{path}/profile")
    assert profile["profile"]["tax"]["referenceIncomeCents"] == 5_000_000
    assert "nationality" not in profile["profile"], "what is not said any more was not said"
    against = (
        callers["advisor"].send("PATCH", f"{path}/profile", {"tax": {**TAX, "year": 2023}}).json()
    )
    assert "/tax/year" in against["contested"]
    assert against["profile"]["tax"]["year"] == 2024
    assert "TAX_DECLARATION" in callers["advisor"].get(path)["missing"]
    other = {**sent, "clientInfo": {**sent["clientInfo"], "email": "x@example.org"}}
    refused = is_problem(
        partner.send("POST", "/api/v1/partner/submissions", other), 422, "REQUEST_INVALID"
    )
    assert refused["errors"][0] == {
        "pointer": "/clientInfo", "code": "SUBMISSION_FIELD_FIXED",
        "detail": "as it was submitted first: it does not change",
    }  # fmt: skip
    status = partner.get(f"/api/v1/partner/submissions/{sent['reference']}")
    assert status == {
        "reference": sent["reference"], "onboardingId": first["onboardingId"],
        "summaryStatus": status["summaryStatus"], "receipt": second["receipt"], "amended": 1,
    }  # fmt: skip
    own = f"/api/v1/partner/submissions/{sent['reference']}"
    is_problem(callers["rival"].send("GET", own), 404, "NOT_FOUND")
    is_problem(partner.send("GET", path), 403, "FORBIDDEN")
    is_problem(
        callers["advisor"].send("POST", "/api/v1/partner/submissions", sent), 403, "FORBIDDEN"
    )


def test_a_file_is_reminded_of_ends_and_goes_on(
    house: Process, enters: Enters, carrier: Process, tmp_path: Path
) -> None:
    """S14, S16, S18: two reminders before its end, then INCOMPLETE with its cause; what was accepted stays; its advisor
    has it go on, with a new link, and only what is missing is asked for; who may not know of it hears 404.
    """
    mail = f"{secrets.token_hex(6)}@example.org"
    file, client = enters(clientInfo={"email": mail})
    sent = client.sends(make_pdf(tmp_path / "one.pdf", 0.01), "CONTRACT")
    clock = Customer(house)
    inbox = f"/control/inbox?channel=mail&to={mail}"

    def told(reminders: int) -> bool:
        mails = carrier.get(inbox).body.decode()
        return len(re.findall("Votre dossier vous attend", mails)) == reminders

    for day, reminders in ((4, 1), (2, 2)):
        clock.advance(day * 86_400 + 60)
        eventually(partial(told, reminders))
    advisor = Caller(house, house.token(ADVISOR, "CONSEILLER"))
    is_problem(advisor.send("POST", f"{file.path}/resume"), 409, "ONBOARDING_NOT_INCOMPLETE")
    clock.advance(86_400)
    eventually(lambda: advisor.get(file.path)["status"] == "INCOMPLETE")
    shown = advisor.get(file.path)
    assert shown["incompleteCause"] == "documents_missing"
    assert [one["documentId"] for one in shown["documents"]] == [sent["documentId"]]
    rival = Caller(house, house.token(OTHER, "CONSEILLER"))
    is_problem(rival.send("POST", f"{file.path}/resume"), 404, "NOT_FOUND")
    key = secrets.token_hex(8)
    resumed = [advisor.send("POST", f"{file.path}/resume", Idempotency_Key=key) for _ in range(2)]
    assert [one.status for one in resumed] == [200, 200], resumed
    assert resumed[0].json() == resumed[1].json()
    link = resumed[0].json()["clientPortalUrl"]
    assert link != file.begun["clientPortalUrl"]
    eventually(lambda: link in carrier.get(inbox).body.decode())
    shown = advisor.get(file.path)
    assert (shown["status"], shown["incompleteCause"]) == ("DOCUMENTS_PENDING", None)
    assert [one["status"] for one in shown["documents"]] == ["accepted"]
    moves = [one["event"] for one in advisor.get(f"{file.path}/history")["items"]]
    assert moves[:2] == ["ONBOARDING_RESUMED", "ONBOARDING_EXPIRED"]
