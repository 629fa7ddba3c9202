"""A challenge outlives the daemon that drew it, and its use does too: SIGKILL before and after the answer.

Rule: the daemon is a process of its own; the device is software, made of Yubico's encodings.
Source: spec.md S34; W3C Web Authentication Level 3 section 13.4.3; design.md 2.
"""

import json
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

import httpx

from comptoir.engine.asking_testing import ANSWER_SECONDS_MAX
from comptoir.engine.testing import Process
from comptoir.engine.trust import trust_of
from comptoir.http.contract_testing import free_port
from tests.actors.person.authenticator import Authenticator

Start = Callable[..., Process]


def test_a_challenge_survives_and_is_used_once(comptoir_daemon: Start) -> None:
    """S34: asked of one process, answered to the next, which signs the person in; and to the one after that,
    which does not, though the device's counter would let it.
    """
    port = free_port()
    origin = f"http://localhost:{port}"
    daemon = comptoir_daemon(
        COMPTOIR_AUTH__MODE="on", COMPTOIR_AUTH__ISSUER=origin, COMPTOIR_HTTP__PORT=str(port)
    )
    device = Authenticator(1, "localhost", origin, counts=False)
    invited = json.loads(daemon.run("staff", "add", "m.durand", "--role", "ADMIN"))
    link = dict(parse_qsl(urlsplit(str(invited["enrolUrl"])).query))
    headers = {"origin": origin}
    with httpx.Client(
        verify=trust_of(daemon.url),
        base_url=daemon.url,
        trust_env=False,
        headers=headers,
        timeout=ANSWER_SECONDS_MAX,
    ) as browser:
        making = browser.post("/signin/enrol/passkey/options", data=link).json()
        daemon.kill()
        daemon.start()
        form = {**link, "name": "key", "credential": device.create(making)}
        assert "You are signed in" in browser.post("/signin/enrol/passkey", data=form).text
        asked = browser.post("/signin/passkey/options", data={"credential": ""})
        form = {"credential": device.get(asked.json())}
        daemon.kill()
        daemon.start()
        assert "You are signed in" in browser.post("/signin/passkey", data=form).text
        daemon.kill()
        daemon.start()
        again = browser.post("/signin/passkey", data=form)
        assert again.status_code == 400
        assert "SIGN_IN_REFUSED" in again.text
    assert "m.durand" not in daemon.said()
