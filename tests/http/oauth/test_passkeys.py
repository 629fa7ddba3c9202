"""Passkeys on our pages, as our script and a browser do it; the device is software (S34, Web Authentication)."""

import re
from dataclasses import replace
from typing import Any

import httpx
import jwt
import pytest
from fido2.utils import websafe_encode

from comptoir.http.identity.opening import Identity
from comptoir.http.oauth.passkey_pages import PASSKEYS, REASONS, SCRIPT
from comptoir.http.oauth.persons import challenge_of
from comptoir.http.oauth.relying import CEREMONY_SECONDS, rp_id_of
from comptoir.http.oauth.requests import FORM
from tests.http.oauth.browser import Browser, enrolled, invited, typed
from tests.http.oauth.conftest import BACK, SETTINGS, VERIFIER, Server
from tests.http.oauth.passkeys import (
    ENROL,
    SIGN_IN,
    code_of,
    device_of,
    enrolled_by,
    is_in,
    link_of,
    options,
    post,
    sign_in_by,
)

WISH = {
    "client_id": "web", "redirect_uri": BACK, "response_type": "code", "scope": "openid",
    "code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256",
}  # fmt: skip


async def test_from_a_link_to_tokens(named: Server) -> None:
    """S34, X8, RFC 8176: a link and a passkey; later the passkey alone, without a name typed; and the tokens
    say that it was two factors by a key of one device.
    """
    device = device_of()
    assert is_in(await enrolled_by(named, device))
    named.client.cookies.clear()
    led = await named.client.get("/oauth/authorize", params=WISH)
    wanted = httpx.URL(led.headers["location"]).params["next"]
    done = await sign_in_by(named, device, next=wanted)
    assert is_in(done)
    assert "httponly" in done.headers["set-cookie"].lower()
    answer = await named.client.get(wanted)
    heard = httpx.URL(answer.headers["location"]).params
    body = (await named.redeem(heard["code"])).json()
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["roles"]) == ("m.durand", ["COMPLIANCE"])
    assert claims["amr"] == ["hwk", "user", "mfa"]


async def test_what_a_browser_is_asked(named: Server) -> None:
    """Web Authentication 5.4, 5.5: discoverable, the holder verified, no attestation; the RP id is the
    issuer's host; the user handle says nothing of the person; a cookie that no script reads names it.
    """
    link = await link_of(named)
    making = await options(named, ENROL, **link)
    assert making["rp"]["id"] == "localhost"
    assert making["attestation"] == "none"
    chosen = making["authenticatorSelection"]
    assert (chosen["residentKey"], chosen["userVerification"]) == ("required", "required")
    assert [one["alg"] for one in making["pubKeyCredParams"]] == [-7, -8, -257]
    assert making["user"]["id"] == websafe_encode(link["who"].encode())
    answer = await post(named, f"{SIGN_IN}/options")
    showing = answer.json()
    assert (showing["rpId"], showing["userVerification"]) == ("localhost", "required")
    assert showing["allowCredentials"] == []
    assert showing["challenge"] != making["challenge"]
    assert re.fullmatch(
        rf"ceremony=[\w-]{{43}}; Path=/; Max-Age={CEREMONY_SECONDS}; HttpOnly; SameSite=Lax",
        answer.headers["set-cookie"],
    )


async def test_a_challenge_is_used_once(named: Server) -> None:
    """Web Authentication 13.4.3: the same answer again, or another to the same challenge, signs nobody in."""
    device = device_of(counts=False)
    await enrolled_by(named, device)
    asked = await options(named, SIGN_IN)
    shown = device.get(asked)
    assert is_in(await post(named, SIGN_IN, credential=shown))
    for again in (shown, device.get(asked)):
        refused = await post(named, SIGN_IN, credential=again)
        assert (refused.status_code, code_of(refused)) == (400, "SIGN_IN_REFUSED")
        assert "set-cookie" not in refused.headers


async def test_a_wrong_answer_uses_the_challenge(named: Server) -> None:
    """S34: there is no second try at one challenge."""
    device = device_of()
    await enrolled_by(named, device)
    asked = await options(named, SIGN_IN)
    assert not is_in(await post(named, SIGN_IN, credential="{}"))
    assert not is_in(await post(named, SIGN_IN, credential=device.get(asked)))
    assert is_in(await sign_in_by(named, device))


async def test_a_challenge_has_its_time(named: Server) -> None:
    """S34: five minutes of business time, and no restart makes them more: it is an actor's timer."""
    device = device_of()
    await enrolled_by(named, device)
    for seconds, good in ((CEREMONY_SECONDS - 1, True), (CEREMONY_SECONDS, False)):
        asked = await options(named, SIGN_IN)
        await named.engine.advance_clock(seconds)
        assert is_in(await post(named, SIGN_IN, credential=device.get(asked))) == good


async def test_a_challenge_is_this_browsers(named: Server) -> None:
    """S34: an answer that was made in another browser, or without one, signs nobody in here."""
    device = device_of()
    await enrolled_by(named, device)
    shown = device.get(await options(named, SIGN_IN))
    del named.client.cookies["ceremony"]
    assert not is_in(await post(named, SIGN_IN, credential=shown))
    await options(named, SIGN_IN)
    assert not is_in(await post(named, SIGN_IN, credential=shown)), "another one's challenge"


async def test_a_challenge_is_for_one_thing(named: Server) -> None:
    """S34: one to sign in with makes no passkey, and the other way round."""
    device = device_of()
    await enrolled_by(named, device)
    making = await options(named, PASSKEYS)
    assert not is_in(await post(named, SIGN_IN, credential=device.get(making)))
    showing = {**await options(named, SIGN_IN), "user": {"id": device.handle}}
    made = device_of(2).create(showing)
    refused = await post(named, PASSKEYS, name="second", credential=made)
    assert (refused.status_code, code_of(refused)) == (400, "PASSKEY_NOT_ACCEPTED")


@pytest.mark.parametrize(
    "how",
    [{"verified": False}, {"present": False}, {"origin": "https://evil.example"}, {"rp_id": "evil.example"},
     {"framed": True}],
)  # fmt: skip
async def test_what_is_no_passkey_of_ours(named: Server, how: dict[str, Any]) -> None:
    """Web Authentication 7.1, 7.2: elsewhere made or shown, or by whoever holds the device: neither is taken,
    and the link is as good as before.
    """
    link = await link_of(named)
    for device, good in ((replace(device_of(), **how), False), (device_of(), True)):
        made = device.create(await options(named, ENROL, **link))
        answer = await post(named, ENROL, **link, name="key", credential=made)
        assert is_in(answer) == good
        assert good or (answer.status_code, code_of(answer)) == (400, "PASSKEY_NOT_ACCEPTED")
    handle = websafe_encode(link["who"].encode())
    wrong = replace(device_of(), handle=handle, **how)
    assert not is_in(await sign_in_by(named, wrong))
    assert is_in(await sign_in_by(named, device_of(handle=handle)))


async def test_a_copy_of_a_key_is_refused(named: Server) -> None:
    """Web Authentication 6.1.1: the counter goes back, nobody is signed in, and it is in the audit log."""
    device = device_of()
    await enrolled_by(named, device)
    copy = replace(device)
    assert is_in(await sign_in_by(named, device))
    assert not is_in(await sign_in_by(named, copy))
    assert "SignatureCounterRegressed" in repr(vars(named.tables))


async def test_wrong_is_wrong_in_one_way(named: Server) -> None:
    """S34: unknown person, unknown passkey, bad signature, nothing at all: one page; and however often it was
    wrong, the right one is good (OWASP ASVS 6.1.1).
    """
    device = device_of()
    await enrolled_by(named, device)
    named.client.cookies.clear()
    stranger = websafe_encode(b"nobody-of-ours")
    tries = [
        device_of(2, handle=device.handle), device_of(handle=stranger), replace(device, verified=False),
        *(device_of(2, handle=device.handle) for _ in range(4)),
    ]  # fmt: skip
    seen: set[tuple[int, str]] = set()
    for one in tries:
        answer = await sign_in_by(named, one)
        assert "session" not in named.client.cookies
        seen.add((answer.status_code, answer.text))
    for text in ("", "{}", "[" * 5000):
        await options(named, SIGN_IN)
        answer = await post(named, SIGN_IN, credential=text)
        seen.add((answer.status_code, answer.text))
    assert len(seen) == 1
    assert is_in(await sign_in_by(named, device))


@pytest.mark.parametrize("name", ["", " ", "n" * 65, "a\nb", "\x00"])
async def test_a_name_is_wanted(named: Server, name: str) -> None:
    """S34: by enrolment as on the page; nothing is made without one."""
    link = await link_of(named)
    made = device_of().create(await options(named, ENROL, **link))
    answer = await post(named, ENROL, **link, name=name, credential=made)
    assert (answer.status_code, code_of(answer)) == (400, "PASSKEY_NAME_INVALID")


async def test_a_link_is_used_once(named: Server) -> None:
    """X8: by a passkey as by an authenticator; and no challenge is given for one that is over."""
    link = await link_of(named)
    made = device_of().create(await options(named, ENROL, **link))
    assert is_in(await post(named, ENROL, **link, name="key", credential=made))
    for wrong in (link, {**link, "link": "a" * 43}, {**link, "who": "?"}, {"who": "x"}):
        assert (await post(named, f"{ENROL}/options", **wrong)).status_code == 404
        assert (
            "This link is over"
            in (await post(named, ENROL, **wrong, name="key", credential=made)).text
            or "PASSKEY_NOT_ACCEPTED"
            in (await post(named, ENROL, **wrong, name="key", credential=made)).text
        )


@pytest.mark.parametrize("origin", ["", "null", "https://evil.example", "http://localhost"])
@pytest.mark.parametrize(
    "path", [SIGN_IN, f"{SIGN_IN}/options", ENROL, f"{ENROL}/options", PASSKEYS, f"{PASSKEYS}/options",
             f"{PASSKEYS}/remove"],
)  # fmt: skip
async def test_a_page_elsewhere_does_nothing(named: Server, path: str, origin: str) -> None:
    """OWASP CSRF: what another page sends is refused, whoever is signed in, and uses nothing."""
    await enrolled_by(named, device_of())
    before = len(named.daemon.asks)
    headers = {"origin": origin, "content-type": FORM}
    answer = await named.client.post(path, content="id=x&name=x", headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert len(named.daemon.asks) == before


async def test_without_a_name_there_are_none(server: Server) -> None:
    """Web Authentication, "RP ID": under an address the pages offer no passkeys, and nothing is begun."""
    assert rp_id_of(server.identity) is None
    browser = Browser(server)
    for page in (await browser.go("/signin"), await browser.go(await invited(server))):
        assert "data-passkey" not in page.text
        assert "script" not in page.tags
    headers = {"origin": str(server.identity.issuer), "content-type": FORM}
    for path in (SIGN_IN, PASSKEYS):
        assert (await server.client.post(f"{path}/options", headers=headers)).status_code == 404


@pytest.mark.parametrize(
    ("issuer", "rp_id"),
    [
        ("https://id.example", "id.example"), ("https://ID.example:8443/x", "id.example"),
        ("http://localhost:8080", "localhost"), ("http://127.0.0.1:8080", None), ("https://[::1]", None),
    ],
)  # fmt: skip
def test_the_rp_id(identity: Identity, issuer: str, rp_id: str | None) -> None:
    """Web Authentication, "RP ID": the issuer's host, never one of a request; none for addresses."""
    own = Identity(SETTINGS, identity.keys, None)
    own.issuer = issuer
    assert rp_id_of(own) == rp_id


async def test_the_script_is_ours_and_alone(named: Server) -> None:
    """CSP 3: pages with passkeys load one script, a file of ours; inline there is none, and forms for
    passkeys are hidden until it runs; every field has its label.
    """
    browser = Browser(named)
    pages = [await browser.go("/signin"), await browser.go(await invited(named))]
    await enrolled_by(named, device_of())
    pages.append(await browser.go(PASSKEYS))
    for page in pages:
        assert re.findall(r"<script[^>]*>", page.text) == [f'<script src="{SCRIPT}" defer>']
        assert f'<script src="{SCRIPT}" defer></script>' in page.text
        assert not re.search(r"\son\w+=", page.text)
        for form in re.findall(r"<form[^>]*data-passkey[^>]*>", page.text):
            assert form.endswith(" hidden>")
        policy = page.headers["content-security-policy"]
        for part in (
            "default-src 'none'",
            "script-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
        ):
            assert part in policy
        assert "unsafe" not in policy
        assert set(page.shown) <= page.labelled
        assert page.tags.count("h1") == 1
    served = await named.client.get(SCRIPT)
    assert served.headers["content-type"] == "text/javascript; charset=utf-8"
    assert served.headers["x-content-type-options"] == "nosniff"
    for word in ("innerHTML", "eval", "localStorage", "document.write"):
        assert word not in served.text


async def test_without_the_script_passwords_still_do(named: Server) -> None:
    """S34: the same pages, by a browser without scripts."""
    browser = Browser(named)
    seed = await enrolled(named, browser)
    await browser.go("/signin")
    assert (await browser.send(sub="m.durand", password=typed(named, seed))).status == 200


async def test_every_code_has_its_words(named: Server) -> None:
    """S66's rule: a stable code for programs and tests, a sentence for the person, never the one alone."""
    del named
    assert all(
        re.fullmatch(r"[A-Z_]+", code) and text.endswith(".") for code, text in REASONS.items()
    )


async def test_nothing_of_a_passkey_is_kept_in_clear(named: Server) -> None:
    """S62: of the cookie a digest is kept; no challenge outlives its use."""
    device = device_of()
    await enrolled_by(named, device)
    asked = await options(named, SIGN_IN)
    value = named.client.cookies["ceremony"]
    assert is_in(await post(named, SIGN_IN, credential=device.get(asked)))
    kept = repr(vars(named.tables))
    assert value not in kept
    assert asked["challenge"] not in kept
