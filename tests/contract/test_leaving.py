"""Section 9: who leaves has nothing left, at once and after a kill; what two people decide takes two.

Rule: the daemon is a process of its own, and so is every command; nobody here sees inside.
Source: interface.md 7 and 9; spec.md S34, S59, S60, S62, E14; RFC 7009.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest
import trio

from comptoir.engine.testing import Answered, Process
from comptoir.engine.trust import trust_of
from comptoir.http.contract_testing import eventually, free_port
from tests.actors.person.authenticator import Authenticator

BACK = "https://app.example/back"
VERIFIER = "a-verifier-that-is-as-long-as-RFC-7636-wants-it"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=")
WISH = {
    "client_id": "web", "redirect_uri": BACK, "response_type": "code",
    "code_challenge": CHALLENGE.decode(), "code_challenge_method": "S256",
}  # fmt: skip
Start = Callable[..., Process]


def _settings(tmp_path: Path, port: int) -> dict[str, str]:
    return {
        "COMPTOIR_AUTH__MODE": "on", "COMPTOIR_AUTH__CLIENTS": json.dumps({"web": [BACK]}),
        "COMPTOIR_AUTH__FIRST_PARTY": '["web"]',
        "COMPTOIR_AUTH__ISSUER": f"http://localhost:{port}", "COMPTOIR_HTTP__PORT": str(port),
        "COMPTOIR_HTTP__RATE_LIMITS": "off", "COMPTOIR_VAULT__STORE": str(tmp_path / "keys.db"),
    }  # fmt: skip


@pytest.fixture
def daemon(comptoir_daemon: Start, tmp_path: Path) -> Process:
    """A daemon that keeps its address and its keys over a restart."""
    return comptoir_daemon(**_settings(tmp_path, free_port()))


@dataclass
class Signed:
    """Somebody who has signed in, with a browser and with a program."""

    daemon: Process
    browser: httpx.Client
    access: str
    refresh: str

    @property
    def headers(self) -> dict[str, str]:
        """Of a request with their token."""
        return {"Authorization": f"Bearer {self.access}"}

    def asks(self, method: str, path: str, body: object = None) -> Answered:
        """A request with their token."""
        data = None if body is None else json.dumps(body).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        return self.daemon.request(method, path, data, {**self.headers, **kind})

    def file(self, folder: Path) -> tuple[str, str]:
        """Their token, as commands take it."""
        (folder / "token").write_text(self.access)
        return ("--token-file", str(folder / "token"))

    def refreshed(self) -> httpx.Response:
        """Use their refresh token."""
        form = {"grant_type": "refresh_token", "refresh_token": self.refresh}
        return _tokens(self.daemon, form)

    def leads(self) -> str:
        """Where their browser is sent for a code."""
        answer = self.browser.get("/oauth/authorize?" + urlencode(WISH))
        return urlsplit(answer.headers["location"]).path


def _tokens(daemon: Process, form: dict[str, str]) -> httpx.Response:
    data = {"client_id": "web", **form}
    return httpx.post(
        f"{daemon.url}/oauth/token", data=data,
        verify=trust_of(daemon.url), trust_env=False, timeout=30.0,
    )  # fmt: skip


def _enrol(browser: httpx.Client, url: str) -> httpx.Response:
    """Enrol by a link, with a passkey, which is two factors; the last page, or why there is none."""
    link = dict(parse_qsl(urlsplit(url).query))
    making = browser.post("/signin/enrol/passkey/options", data=link)
    if making.status_code != 200:
        return making
    device = Authenticator(1, "localhost", browser.headers["origin"])
    form = {**link, "name": "key", "credential": device.create(making.json())}
    return browser.post("/signin/enrol/passkey", data=form)


def _code(browser: httpx.Client) -> str:
    answer = browser.get("/oauth/authorize?" + urlencode(WISH))
    return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]


def _redeemed(daemon: Process, code: str) -> httpx.Response:
    form = {"code": code, "code_verifier": VERIFIER, "redirect_uri": BACK}
    return _tokens(daemon, {"grant_type": "authorization_code", **form})


def _browser(daemon: Process) -> httpx.Client:
    """One that keeps cookies, and no connection."""
    limits = httpx.Limits(max_keepalive_connections=0)
    headers = {"Origin": _issuer(daemon)}
    return httpx.Client(
        verify=trust_of(daemon.url), base_url=daemon.url, trust_env=False, limits=limits, timeout=30.0,
        headers=headers,
    )  # fmt: skip


def _issuer(daemon: Process) -> str:
    """Under a name: browsers have no passkeys for addresses."""
    return daemon.env["COMPTOIR_AUTH__ISSUER"]


def _sign(daemon: Process, url: str) -> Signed:
    browser = _browser(daemon)
    assert _enrol(browser, url).status_code == 200
    given = _redeemed(daemon, _code(browser)).json()
    return Signed(daemon, browser, given["access_token"], given["refresh_token"])


def _added(daemon: Process, sub: str, *roles: str) -> dict[str, str]:
    words = [word for role in roles for word in ("--role", role)]
    found: dict[str, str] = json.loads(daemon.run("staff", "add", sub, *words))
    return found


@pytest.fixture
def people(daemon: Process) -> tuple[Signed, Signed]:
    """Eva, the first ADMIN, made on the machine; and Max, an ADMIN by two of the house."""
    eva = _sign(daemon, _added(daemon, "eva", "ADMIN")["enrolUrl"])
    asked = _added(daemon, "max", "ADMIN")
    assert eva.asks("POST", f"/api/v1/approvals/{asked['approvalId']}/approve").status == 200
    _settled(daemon)
    max_ = _sign(daemon, asked["enrolUrl"])
    return eva, max_


def _settled(daemon: Process) -> None:
    assert daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 10}).status == 200


def _over(person: Signed) -> None:
    """Nothing of theirs is taken: token, refresh token, browser."""
    answer = person.asks("GET", "/api/v1/staff")
    assert (answer.status, answer.json()["code"]) == (401, "UNAUTHENTICATED")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert person.refreshed().json()["error"] == "invalid_grant"
    assert person.leads() == "/signin"


def test_dismissed_at_once_and_for_good(daemon: Process, people: tuple[Signed, Signed]) -> None:
    """S60, S62: from the answer on, everything of theirs is refused, also by the next process after a
    SIGKILL, and others' is not; a code that was out opens nothing, nor does a link.
    """
    eva, gone = people
    code = _code(gone.browser)
    assert gone.asks("GET", "/api/v1/staff").status == 200
    link = _added(daemon, "zoe", "CONSEILLER")["enrolUrl"]
    for sub in ("max", "zoe"):
        assert eva.asks("POST", "/api/v1/staff/removals", {"sub": sub}).status == 200
    _over(gone)
    assert _redeemed(daemon, code).json()["error"] == "invalid_grant"
    assert _enrol(gone.browser, link).status_code == 404
    daemon.kill()
    daemon.start()
    _over(gone)
    shown = eva.asks("GET", "/api/v1/staff").json()["items"]
    assert {(one["sub"], one["status"]) for one in shown} == {
        ("eva", "enrolled"), ("max", "removed"), ("zoe", "removed"),
    }  # fmt: skip
    rows = [json.loads(line) for line in daemon.run("staff", "list").splitlines()]
    assert sorted(row["sub"] for row in rows) == ["eva", "max", "zoe"]
    assert "max" not in re.findall(r"\w+", daemon.said())


def test_who_takes_over_knows(
    comptoir_daemon: Start, daemon: Process, people: tuple[Signed, Signed], tmp_path: Path
) -> None:
    """S62, S71: a daemon that stood by while somebody was dismissed refuses them as the first did."""
    eva, gone = people
    settings = {**_settings(tmp_path, free_port()), "COMPTOIR_AUTH__ISSUER": _issuer(daemon)}
    folder = {"COMPTOIR_STORAGE__DATA_DIR": daemon.env["COMPTOIR_STORAGE__DATA_DIR"]}
    second = comptoir_daemon(start=False, **settings, **folder)
    second.ready = {"http": f"http://127.0.0.1:{settings['COMPTOIR_HTTP__PORT']}"}
    second.spawn()

    def stands_by() -> bool:
        try:
            return bool(second.get("/health/ready").json()["status"] == "standby")
        except OSError:
            return False

    eventually(stands_by, 60)
    asked = second.request("GET", "/api/v1/staff", headers=gone.headers)
    assert asked.status == 503, "it does not know yet who is over, and says so"
    with pytest.raises(AssertionError, match="FORBIDDEN"):
        daemon.run("staff", "remove", "max")
    removed = json.loads(daemon.run("staff", "remove", "max", *eva.file(tmp_path)))
    assert removed["status"] == "removed"
    daemon.kill()
    second.wait_ready()
    refused = second.request("GET", "/api/v1/staff", headers=gone.headers)
    assert refused.status == 401
    kept = second.request("GET", "/api/v1/staff", headers=eva.headers)
    assert kept.status == 200


def test_invited_anew_is_somebody_new(daemon: Process, people: tuple[Signed, Signed]) -> None:
    """S34: who changes roles, or has lost the telephone, keeps nothing that was given before."""
    eva, old = people
    answer = eva.asks("POST", "/api/v1/staff", {"sub": "max", "roles": ["CONSEILLER"]})
    assert answer.status == 201, "a role is taken away by one person"
    _over(old)
    new = _sign(daemon, answer.json()["enrolUrl"])
    assert new.asks("GET", "/api/v1/staff").status == 403, "and nothing is left of the old one"
    assert new.refreshed().status_code == 200


def test_two_people(daemon: Process, people: tuple[Signed, Signed], tmp_path: Path) -> None:
    """E14: who asks does not approve, by API or command; the second does, by either; a command without a person is none."""
    eva, max_ = people
    wanted = {"sub": "ida", "roles": ["COMPLIANCE"]}
    asked = eva.asks("POST", "/api/v1/staff", wanted)
    assert asked.status == 202
    path = f"/api/v1/approvals/{asked.json()['approvalId']}"
    assert _enrol(_browser(daemon), asked.json()["enrolUrl"]).status_code == 404, "not yet"
    refused = eva.asks("POST", f"{path}/approve")
    assert (refused.status, refused.json()["code"]) == (403, "FOUR_EYES")
    shown = max_.asks("GET", path).json()
    assert (shown["status"], shown["subject"], shown["details"], shown["maker"]) == (
        "pending", "ida", ["COMPLIANCE"], "eva",
    )  # fmt: skip
    assert shown["digest"] == asked.json()["digest"]
    assert _waiting(max_) == [shown]
    assert [json.loads(x) for x in daemon.run("approval", "list").splitlines()] == [shown]
    assert max_.asks("POST", f"{path}/approve").json()["checker"] == "max"
    _settled(daemon)
    ida = _sign(daemon, asked.json()["enrolUrl"])
    assert ida.asks("GET", path).status == 403
    assert ida.asks("GET", "/api/v1/approvals").status == 403
    assert _waiting(max_) == [], "it waits no more"
    assert max_.asks("POST", f"{path}/reject").status == 409
    with pytest.raises(AssertionError, match=r"FORBIDDEN.*--token-file"):
        _added(daemon, "tom", "OPERATIONS")
    words = ("staff", "add", "tom", "--role", "OPERATIONS", *eva.file(tmp_path))
    mine = json.loads(daemon.run(*words))["approvalId"]
    assert eva.asks("POST", f"/api/v1/approvals/{mine}/approve").json()["code"] == "FOUR_EYES"
    theirs = max_.asks("POST", "/api/v1/erasures", {"sub": "ida"}).json()["approvalId"]
    for name, who in ((mine, eva), (theirs, max_)):
        with pytest.raises(AssertionError, match="FOUR_EYES"):
            daemon.run("approval", "approve", name, *who.file(tmp_path))
    approved = json.loads(daemon.run("approval", "approve", mine, *max_.file(tmp_path)))
    assert (approved["maker"], approved["checker"]) == ("eva", "max")
    rejected = json.loads(daemon.run("approval", "reject", theirs, *eva.file(tmp_path)))
    assert (rejected["status"], rejected["checker"]) == ("rejected", "eva")


def _waiting(person: Signed) -> list[dict[str, Any]]:
    """What waits for a second person, page by page."""
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        query = f"&cursor={cursor}" if cursor else ""
        answer = person.asks("GET", f"/api/v1/approvals?limit=1{query}")
        assert answer.status == 200, answer
        found += answer.json()["items"]
        cursor = answer.json()["nextCursor"]
    return found


def test_what_waits_is_listed(daemon: Process, people: tuple[Signed, Signed]) -> None:
    """E14: what is to be decided first comes first; what was decided, withdrawn or is over is not there,
    also after a SIGKILL.
    """
    eva, max_ = people
    made: list[str] = []
    for sub in ("ida", "tom", "kim"):
        body = {"sub": sub, "roles": ["COMPLIANCE"]}
        made.append(eva.asks("POST", "/api/v1/staff", body).json()["approvalId"])
        daemon.post("/dev/v1/clock", {"advanceSeconds": 60})
    assert [one["approvalId"] for one in _waiting(max_)] == made
    assert eva.asks("POST", f"/api/v1/approvals/{made[0]}/reject").status == 200
    daemon.kill()
    daemon.start()
    assert [one["subject"] for one in _waiting(max_)] == ["tom", "kim"]
    assert [one["status"] for one in _waiting(eva)] == ["pending"] * 2, "the maker sees it, too"
    wrong = max_.asks("GET", "/api/v1/approvals?cursor=x")
    assert (wrong.status, wrong.json()["code"]) == (422, "REQUEST_INVALID")
    assert daemon.post("/dev/v1/clock", {"advanceSeconds": 3 * 86_400}).status == 200
    assert _waiting(max_) == []


def test_nobody_approves_in_time(daemon: Process, people: tuple[Signed, Signed]) -> None:
    """E14: a proposal has its time, after which nobody approves it."""
    eva, max_ = people
    asked = eva.asks("POST", "/api/v1/keys/rotations", {"key": "data"})
    assert asked.status == 202
    path = f"/api/v1/approvals/{asked.json()['approvalId']}"
    assert daemon.post("/dev/v1/clock", {"advanceSeconds": 3 * 86_400}).status == 200
    late = max_.asks("POST", f"{path}/approve")
    assert (late.status, late.json()["code"]) == (409, "CONFLICT")
    assert max_.asks("GET", path).json()["status"] == "expired"


@pytest.mark.parametrize("key", ["wrap", "subject"])
def test_a_key_is_replaced_by_two(daemon: Process, people: tuple[Signed, Signed], key: str) -> None:
    """E14, X14: a rotation that was asked for over HTTP begins when a second person has approved it."""
    eva, max_ = people
    asked = eva.asks("POST", "/api/v1/keys/rotations", {"key": key}).json()
    assert json.loads(daemon.run("keys", "status", "--format", "json"))["rotations"] == []
    assert max_.asks("POST", f"/api/v1/approvals/{asked['approvalId']}/approve").status == 200

    def done() -> bool:
        rows = json.loads(daemon.run("keys", "status", "--format", "json"))["rotations"]
        return [(x["key"], x["state"]) for x in rows] == [(key, "done")]

    eventually(done)


def test_erased(
    daemon: Process, people: tuple[Signed, Signed], comptoir_postgres_server: Any, tmp_path: Path
) -> None:
    """S59, X13: two people have somebody's keys destroyed: what they had ends, nothing of theirs opens
    again, and the audit log still has its leaves.
    """
    eva, gone = people
    third = _sign(daemon, _added(daemon, "kim", "CONSEILLER")["enrolUrl"])
    asked = json.loads(daemon.run("person", "erase", "kim", *gone.file(tmp_path)))
    place = f"/api/v1/erasures/{asked['erasureId']}"
    assert eva.asks("GET", place).status == 404, "not before it is approved"
    assert eva.asks("POST", f"/api/v1/approvals/{asked['approvalId']}/approve").status == 200
    _settled(daemon)
    _over(third)
    database = daemon.env["COMPTOIR_STORAGE__URL"].partition("@/")[2].partition("?")[0]
    count = "select count(*) from comptoir.event"
    events = int(trio.run(comptoir_postgres_server.run_sql, count, database))
    assert daemon.post("/dev/v1/clock", {"advanceSeconds": 180}).status == 200

    def erased() -> bool:
        return bool(eva.asks("GET", place).json()["status"] == "erased")

    eventually(erased)
    assert eva.asks("GET", place).json()["keys"] >= 3, "the person's, the session's, the family's"
    _nobody_reads(eva)
    daemon.kill()
    daemon.start()
    _nobody_reads(eva)
    assert int(trio.run(comptoir_postgres_server.run_sql, count, database)) >= events
    assert gone.asks("GET", "/api/v1/staff").status == 200, "nobody else is touched"
    assert daemon.get("/health/ready").json()["status"] == "ready"


def _nobody_reads(eva: Signed) -> None:
    """Whoever asks for the one who was erased hears so, and lists are without them."""
    for path, body in (
        ("/api/v1/staff/removals", {"sub": "kim"}),
        ("/api/v1/staff", {"sub": "kim", "roles": ["CONSEILLER"]}),
        ("/api/v1/erasures", {"sub": "kim"}),
    ):
        answer = eva.asks("POST", path, body)
        assert (answer.status, answer.json()["code"]) == (410, "VAULT_ERASED"), path
    shown = eva.asks("GET", "/api/v1/staff").json()["items"]
    assert sorted(one["sub"] for one in shown) == ["eva", "max"]
