"""Section 8, `POST /portal/session`: a client is invited, gets in, is known after a kill, and signs out.

Rule: daemon and sandbox are processes of their own; what the client reads is in the sandbox's inbox.
Source: interface.md 3, 8 and 10; spec.md S4, S34, S44, X8.
"""

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest

from comptoir.engine.asking_testing import ANSWER_SECONDS_MAX
from comptoir.engine.testing import Process
from comptoir.engine.trust import trust_of
from tests.contract.portal_client import (
    BACK,
    Client,
    People,
    Start,
    clients_of,
    settings_of,
)
from tests.http.answered import Described


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Process:
    """It plays SendGrid and Twilio."""
    return comptoir_sandbox_shared()


@pytest.fixture(scope="module")
def shared(comptoir_daemon_shared: Start, sandbox: Process) -> Process:
    """A daemon for all tests that do it no harm."""
    return comptoir_daemon_shared(**settings_of(sandbox))


@pytest.fixture
def daemon(shared: Process) -> Process:
    """It, with an advisor who has just signed in."""
    shared.bearer = shared.token("c.martin", "CONSEILLER")
    return shared


@pytest.fixture
def people(sandbox: Process) -> Iterator[People]:
    """Make clients of a daemon."""
    with clients_of(sandbox) as make:
        yield make


@pytest.fixture
def client(daemon: Process, people: People) -> Client:
    """A client with a telephone."""
    return people(daemon)


def test_the_way_in(comptoir_daemon: Start, sandbox: Process, people: People) -> None:
    """S4, S34, X8: link by mail, 204 and a cookie, code by text message, in; known after SIGKILL; a second
    use is 410; signed out, nobody; and neither link nor code nor cookie was ever written anywhere.
    """
    daemon = comptoir_daemon(**settings_of(sandbox))
    daemon.bearer = daemon.token("c.martin", "CONSEILLER")
    client = people(daemon)
    described = Described(daemon.get("/api/v1/openapi.json").json())
    answer = client.invited()
    assert answer.status == 201
    assert answer.json() == {
        "onboardingId": client.file, "codeBy": "sms", "expiresAt": answer.json()["expiresAt"],
    }  # fmt: skip
    token = client.token()
    assert len(token) == 43, "256 bits"
    begun = client.begin(token)
    assert (begun.status_code, begun.content) == (204, b"")
    assert re.match(
        r"session=\S{43}; Path=/; .*HttpOnly; SameSite=Lax", begun.headers["set-cookie"]
    )
    first = client.browser.cookies["session"]
    assert client.browser.get("/portal/session").status_code == 404, "no one yet"
    again = people(daemon)
    again.file = client.file
    second = again.begin(token)
    assert (second.status_code, second.json()["code"]) == (410, "PORTAL_LINK_OVER")
    code = client.code()
    assert client.confirm(code).status_code == 204
    assert client.browser.cookies["session"] != first, "a new one for who has signed in"
    daemon.kill()
    daemon.start()
    client.browser.base_url = httpx.URL(daemon.url)
    shown = client.browser.get("/portal/session")
    described.answered("getPortalSession", shown)
    assert shown.status_code == 200, shown.text
    assert shown.json() == {
        "userId": client.user, "methods": ["mca", "otp", "sms"],
        "expiresAt": shown.json()["expiresAt"],
    }  # fmt: skip
    last = client.browser.cookies["session"]
    assert client.browser.delete("/portal/session").status_code == 204
    client.browser.cookies.set("session", last)
    assert client.browser.get("/portal/session").status_code == 404, "also who kept the cookie"
    said = daemon.log.read_text()
    for secret in (token, code, first, last, client.mail, client.phone, client.user):
        assert secret not in said
    metrics = daemon.get("/metrics").body.decode()
    for secret in (token, client.mail, client.user):
        assert secret not in metrics


def test_a_session_reaches_its_own_objects_only(client: Client, daemon: Process) -> None:
    """S34: by the same policy as a CLIENT's token: its own, no other's, and nothing of the house's."""
    client.gets_in()
    own = client.browser.get(f"/api/v1/wallets/{client.user}")
    other = client.browser.get("/api/v1/wallets/somebody-else")
    assert (own.status_code, own.json()["code"]) == (404, "NOT_FOUND"), "no wallet yet, and no 403"
    assert other.status_code == 404
    assert client.browser.get("/api/v1/clients").status_code == 403
    nobody = httpx.get(
        f"{daemon.url}/api/v1/wallets/{client.user}",
        verify=trust_of(daemon.url),
        trust_env=False,
        timeout=ANSWER_SECONDS_MAX,
    )
    assert nobody.status_code == 401


def test_what_was_asked_once_is_sent_once(client: Client) -> None:
    """Interface.md 1: the same key gets the first answer and no second mail; for another body it is 422."""
    first, repeat = client.invited("k-1"), client.invited("k-1")
    assert (first.status, repeat.status, repeat.body) == (201, 201, first.body)
    assert repeat.headers["idempotency-replayed"] == "true"
    reused = client.invited("k-1", language="fr")
    assert (reused.status, reused.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    client.inbox("mail", 1)
    old = client.token()
    assert client.invited("k-2").status == 201
    assert client.begin(old).status_code == 410, "superseded"
    assert client.begin(client.token(2)).status_code == 204


def test_a_client_without_a_telephone(daemon: Process, people: People) -> None:
    """X8: the code is a second mail."""
    client = people(daemon, phone=False)
    client.invited()
    assert client.begin(client.token()).status_code == 204
    found = re.search(r"\b\d{6}\b", client.inbox("mail", 2)[-1]["body"])
    assert found is not None
    assert client.confirm(found[0]).status_code == 204
    assert client.browser.get("/portal/session").json()["methods"] == ["otp"]


def test_tries_are_few(client: Client) -> None:
    """ASVS 6.6.3: after the fifth wrong code the link is dead, and a new one helps."""
    client.invited()
    client.begin(client.token())
    wrong = f"{(int(client.code()) + 1) % 10**6:06d}"
    for _ in range(4):
        answer = client.confirm(wrong)
        assert (answer.status_code, answer.json()["code"]) == (403, "PORTAL_CODE_WRONG")
    assert client.confirm(wrong).status_code == 410
    assert client.confirm(client.code()).status_code == 410
    client.invited()
    assert client.begin(client.token(2)).status_code == 204


def test_times_are_business_time(client: Client, daemon: Process) -> None:
    """S9, X8, ASVS 6.5.5, 7.3: a code for ten minutes, another one then; idle for half an hour, out; a
    link for a week.
    """
    client.invited()
    client.begin(client.token())
    late = client.code()
    daemon.post("/dev/v1/clock", {"advanceSeconds": 600})
    assert client.confirm(late).status_code == 403
    assert client.send("/portal/session/code/new").status_code == 204
    assert client.confirm(client.code(2)).status_code == 204
    daemon.post("/dev/v1/clock", {"advanceSeconds": 1500})
    assert client.browser.get("/portal/session").status_code == 200
    daemon.post("/dev/v1/clock", {"advanceSeconds": 1500})
    assert client.browser.get("/portal/session").status_code == 200, "it was used in between"
    daemon.post("/dev/v1/clock", {"advanceSeconds": 1800})
    assert client.browser.get("/portal/session").status_code == 404
    client.invited()
    daemon.post("/dev/v1/clock", {"advanceSeconds": 7 * 86_400})
    assert client.begin(client.token(2)).status_code == 410


def test_two_uses_of_one_link(client: Client, daemon: Process, people: People) -> None:
    """X8: of many at once one wins, one code goes out, and only the winner's browser takes it."""
    client.invited()
    token = client.token()
    rivals = [people(daemon) for _ in range(16)]
    for rival in rivals:
        rival.file = client.file
    with ThreadPoolExecutor(len(rivals)) as pool:
        begun = [pool.submit(rival.begin, token) for rival in rivals]
        answers = [one.result().status_code for one in begun]
    assert sorted(answers) == [204] + [410] * 15
    winner = rivals[answers.index(204)]
    code = client.code()
    for rival in rivals:
        if rival is not winner:
            assert rival.confirm(code).status_code == 410
    assert winner.confirm(code).status_code == 204


def test_nobody_learns_what_exists(client: Client) -> None:
    """X8: a file that never was, a wrong token, one that was used: the same answer, to the byte."""
    client.invited()
    token = client.token()
    assert client.begin(token).status_code == 204
    seen: set[tuple[int, str]] = set()
    for file, given in (
        (client.file, token), (client.file, "x" * 43), ("ONB-2025-99999", "x" * 43),
        ("no number", "no token"),
    ):  # fmt: skip
        answer = client.send("/portal/session", onboardingId=file, token=given)
        body = {**answer.json(), "requestId": ""}
        seen.add((answer.status_code, json.dumps(body, sort_keys=True)))
    assert len(seen) == 1


def test_a_page_elsewhere(client: Client, daemon: Process) -> None:
    """S34 (CSRF): it can neither begin nor end a session, nor call the API with one."""
    client.gets_in()
    evil = {"Origin": "https://evil.example"}
    link = {"onboardingId": client.file, "token": "x" * 43}
    for answer in (
        client.browser.post("/portal/session", json=link, headers=evil),
        client.browser.delete("/portal/session", headers=evil),
        client.browser.delete("/portal/session", headers={"Sec-Fetch-Site": "cross-site"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
    change = client.browser.delete("/api/v1/clients/cl_1", headers=evil)
    assert change.status_code == 401, "the cookie is not there"
    assert client.browser.delete("/api/v1/clients/cl_1").status_code == 403
    assert client.browser.get("/portal/session").status_code == 200


def test_the_pages(client: Client, daemon: Process) -> None:
    """S3, X8: a person with a browser without scripts: opening uses nothing, a button does; in French for
    who reads French; the code is typed with a blank as telephones show it.
    """
    client.invited()
    link = client.link()
    headers = {"Origin": daemon.url, "Accept-Language": "fr-FR,fr;q=0.9"}
    for _ in range(2):
        opened = client.browser.get(link, headers=headers)
        assert opened.status_code == 200
        assert 'lang="fr"' in opened.text
        assert "script" not in opened.text
        assert opened.headers["referrer-policy"] == "strict-origin"
        assert "default-src 'none'" in opened.headers["content-security-policy"]
    path = urlsplit(link).path
    used = client.browser.post(path, data={"token": client.token()}, headers=headers)
    assert (used.status_code, client.token() in used.text) == (200, False)
    wrong = client.browser.post(f"{path}/code", data={"code": "nothing"}, headers=headers)
    assert wrong.status_code == 403
    assert "restants : 4" in wrong.text
    form = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    assert client.browser.post(f"{path}/code/new", headers=form).status_code == 200
    code = client.code(2)
    done = client.browser.post(
        f"{path}/code", data={"code": f"{code[:3]} {code[3:]}"}, headers=headers
    )
    assert done.status_code == 200
    assert "Vous êtes connecté" in done.text
    assert client.browser.get("/portal/session").json()["userId"] == client.user
    assert client.browser.get(link, headers=headers).status_code == 200, "nothing is looked up"
    over = client.browser.post(path, data={"token": client.token()}, headers=headers)
    assert over.status_code == 410
    out = client.browser.post("/signin/out", headers=form)
    assert "Vous êtes déconnecté" in out.text
    assert client.browser.get("/portal/session").status_code == 404


def test_a_client_may_get_tokens(client: Client) -> None:
    """S3, S34: whoever is in by a link may use an app of ours, too: the session is one of the
    authorization server's.
    """
    client.gets_in()
    wish = {
        "client_id": "app", "redirect_uri": BACK, "response_type": "code",
        "code_challenge": "A" * 43, "code_challenge_method": "S256",
    }  # fmt: skip
    answer = client.browser.get("/oauth/authorize", params=wish)
    assert "code=ctc_" in answer.headers["location"]


def test_without_a_carrier(comptoir_daemon: Start, people: People) -> None:
    """Interface.md 3: an empty address refuses by name what needs it."""
    daemon = comptoir_daemon(COMPTOIR_AUTH__MODE="on")
    daemon.bearer = daemon.token("c.martin", "CONSEILLER")
    answer = people(daemon).invited()
    assert (answer.status, answer.json()["code"]) == (409, "MAIL_NOT_CONFIGURED")


def test_a_carrier_that_fails_and_comes_back(client: Client, sandbox: Process) -> None:
    """S63: tried again by durable timers; a mail that was lost on its way back goes out twice, a link that
    works.
    """
    faults = [{"party": "sendgrid", "fault": "status", "status": 503, "count": 2}]
    put = sandbox.request("PUT", "/control/faults", json.dumps(faults).encode())
    assert put.status == 200
    assert client.invited().status == 201
    began = time.monotonic()
    while not sandbox.get(f"/control/inbox?channel=mail&to={client.mail}").json()["items"]:
        client.daemon.post("/dev/v1/clock", {"advanceSeconds": 5})
        assert time.monotonic() - began < 30
    assert client.begin(client.token()).status_code == 204
