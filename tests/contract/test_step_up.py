"""Section 9: whatever staff changes wants two factors, and what hurts most a sign-in of the last minutes.

Rule: the daemon is a process of its own, the device is software; what a client does next it reads from the
challenge. Source: RFC 9470; docs/authorization.md; spec.md S34; interface.md 9.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest

from comptoir.engine.asking_testing import ANSWER_SECONDS_MAX
from comptoir.engine.testing import Answered, Process
from comptoir.engine.trust import trust_of
from comptoir.http.contract_testing import free_port
from tests.actors.person.authenticator import Authenticator

BACK = "https://app.example/back"
VERIFIER = "a-verifier-that-is-as-long-as-RFC-7636-wants-it"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=")
WISH = {
    "client_id": "web", "redirect_uri": BACK, "response_type": "code", "prompt": "none",
    "code_challenge": CHALLENGE.decode(), "code_challenge_method": "S256",
}  # fmt: skip
Start = Callable[..., Process]


@pytest.fixture
def daemon(comptoir_daemon: Start) -> Process:
    """A daemon under a name, with a client that people sign in through."""
    port = free_port()
    return comptoir_daemon(
        COMPTOIR_AUTH__MODE="on", COMPTOIR_AUTH__CLIENTS=json.dumps({"web": [BACK]}),
        COMPTOIR_AUTH__FIRST_PARTY='["web"]',
        COMPTOIR_AUTH__ISSUER=f"http://localhost:{port}", COMPTOIR_HTTP__PORT=str(port),
        COMPTOIR_AUTH__STEP_UP_MINUTES="2",
    )  # fmt: skip


def _registers(daemon: Process, token: str, name: str = "acme") -> Answered:
    """An operation that wants a recent sign-in."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = json.dumps({"name": name, "scopes": ["a:b"]}).encode()
    return daemon.request("POST", "/api/v1/clients", body, headers)


def _revokes(daemon: Process, token: str) -> Answered:
    """An operation that wants two factors, whenever it was."""
    path = "/api/v1/clients/cl_" + "0" * 20
    return daemon.request("DELETE", path, headers={"Authorization": f"Bearer {token}"})


def _wanted(answer: Answered) -> dict[str, str]:
    """What the challenge asks a client to ask for."""
    assert (answer.status, answer.json()["code"]) == (401, "STEP_UP_REQUIRED")
    said = dict(re.findall(r'([a-z_]+)="([^"]*)"', answer.headers["www-authenticate"]))
    assert said.pop("realm") == "comptoir"
    assert said.pop("error") == "insufficient_user_authentication"
    return said


def _token(daemon: Process, *words: str) -> str:
    return daemon.run("token", "--sub", "ada", "--role", "ADMIN", *words).strip()


def test_how_and_when_somebody_signed_in(daemon: Process) -> None:
    """S34: one factor changes nothing, two long ago change what hurts least; reading takes any sign-in."""
    single, old, fresh = (
        _token(daemon, "--amr", "otp"), _token(daemon, "--signed-in-ago", "300"), _token(daemon),
    )  # fmt: skip
    acr = daemon.get("/.well-known/openid-configuration").json()["acr_values_supported"][0]
    assert _wanted(_registers(daemon, single)) == {"acr_values": acr, "max_age": "120"}
    assert _wanted(_revokes(daemon, single)) == {"acr_values": acr}
    assert _wanted(_registers(daemon, old)) == {"acr_values": acr, "max_age": "120"}
    assert _revokes(daemon, old).status == 404, "there is no such client, and it may ask"
    assert _registers(daemon, fresh).status == 201
    for token in (single, old, fresh):
        shown = daemon.request(
            "GET", "/api/v1/clients", headers={"Authorization": f"Bearer {token}"}
        )
        assert [one["name"] for one in shown.json()["items"]] == ["acme"], "once"


def test_what_the_challenge_asks_for_is_had(daemon: Process) -> None:
    """RFC 9470 sections 3 and 4: with the values of the challenge a client gets its person a token that is
    enough; from a browser whose person has shown one factor it gets none.
    """
    origin = daemon.env["COMPTOIR_AUTH__ISSUER"]
    wanted = _wanted(_registers(daemon, _token(daemon, "--amr", "otp")))
    invited = json.loads(daemon.run("staff", "add", "eva", "--role", "ADMIN"))
    link = dict(parse_qsl(urlsplit(str(invited["enrolUrl"])).query))
    device = Authenticator(1, "localhost", origin)
    with httpx.Client(
        verify=trust_of(daemon.url),
        base_url=daemon.url,
        trust_env=False,
        headers={"Origin": origin},
        timeout=ANSWER_SECONDS_MAX,
    ) as browser:
        making = browser.post("/signin/enrol/passkey/options", data=link).json()
        form = {**link, "name": "key", "credential": device.create(making)}
        assert browser.post("/signin/enrol/passkey", data=form).status_code == 200
        led = browser.get("/oauth/authorize?" + urlencode({**WISH, **wanted}))
    code = parse_qs(urlsplit(led.headers["location"]).query)["code"][0]
    form = {
        "grant_type": "authorization_code", "client_id": "web", "code": code,
        "code_verifier": VERIFIER, "redirect_uri": BACK,
    }  # fmt: skip
    given = httpx.post(
        f"{daemon.url}/oauth/token",
        data=form,
        verify=trust_of(daemon.url),
        trust_env=False,
        timeout=ANSWER_SECONDS_MAX,
    ).json()
    assert _registers(daemon, given["access_token"]).status == 201
