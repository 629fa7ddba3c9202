"""Section 9: a person of the house is invited, enrols, signs in by a client, and is known after a kill.

Rule: the daemon is a process of its own, and so is every command; one-time passwords are made here from
RFC 6238 alone, by the standard library.
Source: interface.md 9; spec.md S34, S62, X8.
"""

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest

from comptoir.engine.asking_testing import ANSWER_SECONDS_MAX
from comptoir.engine.testing import Process
from comptoir.engine.trust import trust_of

BACK = "https://app.example/back"
VERIFIER = "a-verifier-that-is-as-long-as-RFC-7636-wants-it"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=")
Start = Callable[..., Process]


@pytest.fixture
def daemon(comptoir_daemon: Start) -> Process:
    """A daemon with a client that people sign in through."""
    clients = json.dumps({"web": [BACK]})
    return comptoir_daemon(
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_AUTH__CLIENTS=clients,
        COMPTOIR_AUTH__FIRST_PARTY='["web"]',
    )


def _password(seed: bytes) -> str:
    counter = (int(time.time()) // 30).to_bytes(8, "big")
    mac = hmac.new(seed, counter, hashlib.sha1).digest()
    offset = mac[-1] % 16
    return f"{(int.from_bytes(mac[offset : offset + 4], 'big') % 2**31) % 10**6:06d}"


def _send(browser: httpx.Client, path: str, form: Mapping[str, str]) -> httpx.Response:
    headers = {"Origin": str(browser.base_url).rstrip("/")}
    return browser.post(path, data=form, headers=headers)


def _enrolled(daemon: Process, browser: httpx.Client) -> None:
    """By the link that the command prints; signed in afterwards."""
    invited = json.loads(daemon.run("staff", "add", "m.durand", "--role", "COMPLIANCE"))
    link = dict(parse_qsl(urlsplit(str(invited["enrolUrl"])).query))
    assert browser.get(invited["enrolUrl"]).status_code == 200
    shown = _send(browser, "/signin/enrol", link).text
    found = re.search(r"<code>([A-Z2-7]+)</code>", shown)
    assert found is not None
    form = {**link, "password": _password(base64.b32decode(found[1]))}
    assert _send(browser, "/signin/enrol/confirm", form).status_code == 200
    assert _send(browser, "/signin/enrol", link).status_code == 400


def _tokens(daemon: Process, form: Mapping[str, str]) -> httpx.Response:
    return httpx.post(
        f"{daemon.url}/oauth/token",
        data={"client_id": "web", **form},
        verify=trust_of(daemon.url),
        trust_env=False,
        timeout=ANSWER_SECONDS_MAX,
    )


def test_a_person_of_the_house(daemon: Process) -> None:
    """S34, X8: from `comptoir staff add` to an API call, and on after SIGKILL: the refresh token is taken
    once, by the next process as by the first, and the old one ends the family.
    """
    with httpx.Client(
        verify=trust_of(daemon.url),
        base_url=daemon.url,
        trust_env=False,
        timeout=ANSWER_SECONDS_MAX,
    ) as browser:
        _enrolled(daemon, browser)
        wish = {
            "client_id": "web", "redirect_uri": BACK, "response_type": "code", "state": "s",
            "code_challenge": CHALLENGE.decode(), "code_challenge_method": "S256",
        }  # fmt: skip
        answer = browser.get("/oauth/authorize?" + urlencode(wish))
        heard = parse_qs(urlsplit(answer.headers["location"]).query)
    form = {"code": heard["code"][0], "code_verifier": VERIFIER, "redirect_uri": BACK}
    first = _tokens(daemon, {"grant_type": "authorization_code", **form}).json()
    daemon.kill()
    daemon.start()
    refresh = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = _tokens(daemon, refresh).json()
    asked = daemon.request(
        "GET",
        "/api/v1/wallets/nobody",
        headers={"Authorization": f"Bearer {second['access_token']}"},
    )
    assert asked.status == 404, "COMPLIANCE may look, and there is nobody"
    assert _tokens(daemon, refresh).json()["error"] == "invalid_grant"
    again = {**refresh, "refresh_token": second["refresh_token"]}
    assert _tokens(daemon, again).json()["error"] == "invalid_grant"
    said = daemon.said()
    for secret in (first["refresh_token"], second["access_token"], heard["code"][0], "m.durand"):
        assert secret not in said


def test_who_may_not_be_invited(daemon: Process) -> None:
    """S34: a role that is none of the house's is refused by name, and nobody is invited."""
    with pytest.raises(AssertionError, match="REQUEST_INVALID"):
        daemon.run("staff", "add", "m.durand", "--role", "CLIENT")
