"""People sign in with a real browser: Debian's chromium, its virtual authenticator, and no script at all.

Rule: the browser judges what our own clients cannot: policies, origins, cookies, RP ids. Where there is no
chromium the tests are skipped (conftest.py); under TESTS_REQUIRE_BROWSER=1, which .ci/run sets, they fail instead.
Source: W3C Web Authentication Level 3, section 11 (automation) by the Chrome DevTools Protocol; spec.md S34.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import free_port

Start = Callable[..., Process]
WAIT_MS = 10_000


@pytest.fixture(scope="module")
def daemon(chromium: Browser, comptoir_daemon_shared: Start) -> Process:
    """A daemon under a name: browsers have no passkeys for addresses. Its time is this machine's, as that of
    an authenticator is.
    """
    del chromium  # without one, none is started
    port = free_port()
    issuer = f"http://localhost:{port}"
    return comptoir_daemon_shared(
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_AUTH__ISSUER=issuer,
        COMPTOIR_HTTP__PORT=str(port),
        COMPTOIR_CLOCK__MODE="wall",
    )


def _link(daemon: Process, sub: str) -> str:
    invited = json.loads(daemon.run("staff", "add", sub, "--role", "COMPLIANCE"))
    url = str(invited["enrolUrl"])
    assert url.startswith("http://localhost:")
    return url


def _password(seed: str, steps: int = 0) -> str:
    counter = (int(time.time()) // 30 + steps).to_bytes(8, "big")
    mac = hmac.new(base64.b32decode(seed), counter, hashlib.sha1).digest()
    offset = mac[-1] % 16
    return f"{(int.from_bytes(mac[offset : offset + 4], 'big') % 2**31) % 10**6:06d}"


def _device(page: Page) -> Callable[..., Any]:
    """Give the page's browser a platform authenticator that verifies its holder; commands of the protocol."""
    session: Any = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
        "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})

    def command(name: str, **given: Any) -> Any:
        return session.send(
            f"WebAuthn.{name}", {"authenticatorId": made["authenticatorId"], **given}
        )

    return command


def test_passkeys(daemon: Process, chromium: Browser) -> None:
    """S34, X8: by a link a passkey is made; signed out, it signs in alone; it is listed, and stays because it
    is the last; a holder whom the device does not verify gets nowhere; the page has no error.
    """
    page = chromium.new_page()
    page.set_default_timeout(WAIT_MS)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda told: faults.append(told.text) if told.type == "error" else None)
    command = _device(page)
    page.goto(_link(daemon, "m.durand"))
    page.get_by_label("A name for it").fill("the laptop")
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    (made,) = command("getCredentials")["credentials"]
    assert (made["isResidentCredential"], made["rpId"]) == (True, "localhost")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()

    page.goto(f"{page.url.partition('/signin')[0]}/signin?next=/signin/passkeys")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("cell", name="the laptop", exact=True)).to_be_visible()
    assert command("getCredentials")["credentials"][0]["signCount"] > made["signCount"]
    assert faults == []
    page.get_by_role("button", name="Remove the laptop").click()
    expect(page.locator("[data-code=PASSKEY_LAST]")).to_be_visible()

    page.context.clear_cookies()
    command("setUserVerified", isUserVerified=False)
    page.goto(page.url.partition("/signin")[0] + "/signin")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("It did not come to an end")).to_be_visible()
    page.close()


def test_without_scripts(daemon: Process, chromium: Browser) -> None:
    """S34: the authenticator's way needs no script, and its forms are taken for our own; of passkeys nothing
    is shown.
    """
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(_link(daemon, "a.martin"))
    expect(page.get_by_role("button", name="Make a passkey")).to_be_hidden()
    page.get_by_role("button", name="Show what to enter there").click()
    seed = page.locator("code").inner_text()
    page.get_by_label("Six digits").fill(_password(seed))
    page.get_by_role("button", name="Finish").click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.goto(page.url.partition("/signin")[0] + "/signin")
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
    page.get_by_label("Your id").fill("a.martin")
    page.get_by_label("Six digits").fill(_password(seed, 1))
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    context.close()
