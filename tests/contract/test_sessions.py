"""Where somebody is signed in: a client with two browsers and an app, staff by the API; over a socket and a kill.

Rule: daemon and sandbox are processes of their own; nobody here sees inside.
Source: docs/portal.md; OWASP ASVS 5, 7.4.5 and 7.5.2; spec.md S34, S60, X8.
"""

import base64
import hashlib
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from comptoir.engine.asking_testing import ANSWER_SECONDS_MAX
from comptoir.engine.testing import Process
from comptoir.engine.trust import trust_of
from comptoir.http.contract_testing import free_port
from tests.contract.portal_client import (
    BACK,
    Client,
    People,
    Start,
    clients_of,
    settings_of,
)
from tests.http.answered import Described

API = "/api/v1/sessions"
VERIFIER = "a-verifier-that-is-as-long-as-RFC-7636-wants-it"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=")
WISH = {
    "client_id": "app", "redirect_uri": BACK, "response_type": "code",
    "code_challenge": CHALLENGE.decode(), "code_challenge_method": "S256",
}  # fmt: skip
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Process:
    """It plays SendGrid and Twilio."""
    return comptoir_sandbox_shared()


@pytest.fixture
def daemon(comptoir_daemon: Start, sandbox: Process) -> Process:
    """A daemon of its own, with an advisor who has just signed in."""
    port = str(free_port())  # the same after a kill: it is our issuer
    daemon = comptoir_daemon(**settings_of(sandbox), COMPTOIR_HTTP__PORT=port)
    daemon.bearer = daemon.token("c.martin", "CONSEILLER")
    return daemon


@pytest.fixture
def people(sandbox: Process) -> Iterator[People]:
    """Make clients of a daemon."""
    with clients_of(sandbox) as make:
        yield make


def _in(client: Client, number: int = 1) -> httpx.Client:
    """Let the client in by another link, with a browser that says what it is; the browser."""
    client.browser.headers["user-agent"] = FIREFOX
    assert client.invited().status == 201
    assert client.begin(client.token(number)).status_code == 204
    assert client.confirm(client.code(number)).status_code == 204
    return client.browser


def _twice(daemon: Process, people: People) -> tuple[httpx.Client, httpx.Client, Client]:
    """Somebody with two browsers, both of which are in."""
    once, again = people(daemon), people(daemon)
    for name in ("file", "user", "mail", "phone"):
        setattr(again, name, getattr(once, name))
    return _in(once), _in(again, 2), again


def _tokens(daemon: Process, browser: httpx.Client) -> dict[str, str]:
    """An app gets tokens by way of a browser."""
    answer = browser.get("/oauth/authorize", params=WISH)
    code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
    form = {
        "grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER,
        "redirect_uri": BACK, "client_id": "app",
    }  # fmt: skip
    given = httpx.post(
        f"{daemon.url}/oauth/token",
        data=form,
        verify=trust_of(daemon.url),
        trust_env=False,
        timeout=ANSWER_SECONDS_MAX,
    )
    tokens: dict[str, str] = given.json()
    assert daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 10}).status == 200
    return tokens


def _token(daemon: Process, sub: str, role: str, *words: str) -> str:
    """By hand, of a sign-in as it is told."""
    return daemon.run("token", "--sub", sub, "--role", role, *words).strip()


def _by_token(daemon: Process, tokens: dict[str, str], method: str, path: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    return httpx.request(
        method, f"{daemon.url}{path}", headers=headers, verify=trust_of(daemon.url), trust_env=False
    )


def test_a_client_ends_another_browser(daemon: Process, people: People) -> None:
    """ASVS 7.5.2: each browser and program is listed, with the one that asks marked; one that is ended is refused
    from the answer on and after a kill, with the tokens that an app got by it; said again, it is the same.
    """
    described = Described(daemon.get("/api/v1/openapi.json").json())
    lost, mine, client = _twice(daemon, people)
    tokens = _tokens(daemon, lost)
    listed = mine.get(API)
    described.answered("listSessions", listed)
    items = listed.json()["items"]
    assert [(one["kind"], one["clientId"], one["current"]) for one in items] == [
        ("program", "app", False), ("browser", None, True), ("browser", None, False),
    ]  # fmt: skip
    assert {one["device"] for one in items} == {"Firefox, Linux"}
    assert items[2]["methods"] == ["mca", "otp", "sms"]
    assert client.user not in listed.text
    wallet = f"/api/v1/wallets/{client.user}"
    assert _by_token(daemon, tokens, "GET", wallet).status_code == 404
    for _ in range(2):
        gone = mine.delete(f"{API}/{items[2]['sessionId']}")
        described.answered("endSession", gone)
        assert gone.json() == {"sessionId": items[2]["sessionId"], "status": "ended"}
        assert lost.get("/portal/session").status_code == 404
        assert lost.get(API).status_code == 401
        assert _by_token(daemon, tokens, "GET", wallet).status_code == 401
        daemon.kill()
        daemon.start()
    assert [one["current"] for one in mine.get(API).json()["items"]] == [True]
    strange = people(daemon)
    assert _in(strange).delete(f"{API}/{items[1]['sessionId']}").status_code == 404
    assert mine.get(API).status_code == 200, "nobody ends what is not theirs"


def test_who_signed_in_long_ago_shows_who_they_are(daemon: Process, people: People) -> None:
    """ASVS 7.5.2: a browser that was left open sees the list, and ends nothing; with a code that is sent to the same
    telephone it is a new sign-in, and the session before has ended.
    """
    _lost, mine, client = _twice(daemon, people)
    old = mine.cookies["session"]
    headers = {"Origin": daemon.url}
    code = client.send("/portal/session/code/new")
    assert code.status_code == 204
    typed = client.confirm(client.code(3))
    assert typed.status_code == 204
    assert mine.cookies["session"] != old
    again = httpx.Client(
        verify=trust_of(daemon.url),
        base_url=daemon.url,
        trust_env=False,
        cookies={"session": old},
        timeout=ANSWER_SECONDS_MAX,
    )
    with again:
        assert again.get("/portal/session").status_code == 404
        assert again.post(
            "/portal/session/code/new", json={"onboardingId": client.file}, headers=headers
        ).status_code == 410, "what has ended sends no code"  # fmt: skip
    daemon.bearer = _token(daemon, client.user, "CLIENT", "--signed-in-ago", "301")
    assert daemon.get(API).status == 200
    for path in (API, f"{API}/ses_{'0' * 32}"):
        stale = daemon.request("DELETE", path)
        assert (stale.status, stale.json()["code"]) == (401, "STEP_UP_REQUIRED")
        assert 'max_age="300"' in stale.headers["www-authenticate"]
        assert "acr_values" not in stale.headers["www-authenticate"]
    assert len(mine.get(API).json()["items"]) == 2
    assert mine.delete(API, params={"keep": "current"}).status_code == 200
    assert [one["current"] for one in mine.get(API).json()["items"]] == [True]


def test_a_program_ends_others_and_itself(daemon: Process, people: People) -> None:
    """ASVS 7.5.2: by an app's token: all but itself, though it came of a browser that ends; then itself."""
    first, second, _ = _twice(daemon, people)
    tokens = _tokens(daemon, first)
    refused = _by_token(daemon, tokens, "DELETE", f"{API}?keep=others")
    assert (refused.status_code, refused.json()["code"]) == (422, "REQUEST_INVALID")
    assert _by_token(daemon, tokens, "DELETE", f"{API}?keep=current").status_code == 200
    assert [x.get("/portal/session").status_code for x in (first, second)] == [404, 404]
    [mine] = _by_token(daemon, tokens, "GET", API).json()["items"]
    assert (mine["kind"], mine["current"]) == ("program", True)
    assert _by_token(daemon, tokens, "DELETE", API).json() == {"status": "ended"}
    assert _by_token(daemon, tokens, "GET", API).status_code == 401


def test_the_house_signs_somebody_out(daemon: Process, people: People) -> None:
    """ASVS 7.4.5: an ADMIN with two factors, of a client too, and whether or not they are there; who asked for it is
    on record, and the client may come back.
    """
    first, second, client = _twice(daemon, people)
    body = {"sub": client.user}
    for role, words, status in (
        ("COMPLIANCE", (), 403), ("ADMIN", ("--amr", "otp"), 401), ("ADMIN", (), 200), ("ADMIN", (), 200),
    ):  # fmt: skip
        daemon.bearer = _token(daemon, "an.admin", role, *words)
        assert daemon.post("/api/v1/sign-outs", body).status == status
        expected = 404 if status == 200 else 200
        assert [x.get("/portal/session").status_code for x in (first, second)] == [expected] * 2
    nobody = daemon.post("/api/v1/sign-outs", {"sub": "never-seen"})
    assert nobody.json() == {"sub": "never-seen", "status": "signed_out"}
    assert daemon.post("/api/v1/sign-outs", {"sub": ""}).status == 422
    daemon.bearer = daemon.token("c.martin", "CONSEILLER")
    assert _in(client, 3).get("/portal/session").status_code == 200


def test_staff_without_a_session(daemon: Process) -> None:
    """Interface.md 9: a token made by hand came of no session: the list is empty, and all of nothing ends."""
    daemon.bearer = daemon.token("o.petit", "OPERATIONS")
    assert daemon.get(API).json() == {"items": [], "nextCursor": None}
    assert daemon.request("DELETE", API).json() == {"status": "ended"}
