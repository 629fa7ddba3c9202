"""A client that is not the house's own gets nothing before its person has said yes (RFC 6749 section 10.2)."""

import re
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from comptoir.http.identity.authenticator import wall_seconds
from comptoir.http.oauth.persons import challenge_of
from comptoir.http.oauth.signin import CONSENTS
from comptoir.http.principal import Unauthenticated
from tests.http.oauth.conftest import BACK, THEIRS, VERIFIER, Server

WISH = {
    "client_id": "partner", "redirect_uri": THEIRS, "response_type": "code", "scope": "openid",
    "code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256", "state": "<s>&",
}  # fmt: skip


async def _ask(server: Server, cookie: str, **changes: str) -> httpx.Response:
    headers = {"cookie": cookie, "accept-language": "en"}
    return await server.client.get("/oauth/authorize", params={**WISH, **changes}, headers=headers)


async def _post(server: Server, cookie: str, path: str, **form: str) -> httpx.Response:
    """A form of our own page."""
    headers = {"cookie": cookie, "origin": str(server.identity.issuer)}
    return await server.client.post(path, data=form, headers=headers)


def _heard(answer: httpx.Response, to: str = THEIRS) -> dict[str, str]:
    """What the client hears."""
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(to)
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def _next(page: httpx.Response) -> str:
    """What the form of a question carries along."""
    assert page.status_code == 200, page.text
    found = re.search(r'name="next" value="([^"]+)"', page.text)
    assert found is not None, page.text
    return unescape(found[1])


async def _says_yes(server: Server, cookie: str, page: httpx.Response) -> str:
    """Press the button; where the page goes on to."""
    done = await _post(server, cookie, "/oauth/consent", next=_next(page))
    assert done.status_code == 200, done.text
    found = re.search(r'content="0;url=([^"]+)"', done.text)
    assert found is not None
    return unescape(found[1])


async def _goes_on(server: Server, cookie: str, place: str) -> httpx.Response:
    return await server.client.get(place, headers={"cookie": cookie})


async def _tokens(server: Server, code: str, to: str = THEIRS) -> httpx.Response:
    form = {"code": code, "code_verifier": VERIFIER, "redirect_uri": to, "client_id": "partner"}
    return await server.post("/oauth/token", grant_type="authorization_code", **form)


async def test_asked_once_and_again_for_more(server: Server) -> None:
    """OWASP ASVS 7.6.2, 10.7.1, 10.7.2: the page names the client, where it is answered, and all that it wants; a
    yes is remembered for that, in every browser, and more is asked about again.
    """
    cookie = await server.sign_in()
    page = await _ask(server, cookie)
    for text in ("partner", "https://partner.example", "know who you are", "do all that you may"):
        assert text in page.text
    assert "go on while you are away" not in page.text
    assert "<s>" not in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert _heard(await _ask(server, cookie, prompt="none"))["error"] == "consent_required"
    heard = _heard(await _goes_on(server, cookie, await _says_yes(server, cookie, page)))
    assert heard["state"] == WISH["state"]
    assert (await _tokens(server, heard["code"])).status_code == 200
    other = await server.sign_in()
    assert "code" in _heard(await _ask(server, other, prompt="none"))
    more = await _ask(server, other, scope="openid offline_access")
    assert "go on while you are away" in more.text
    anew = await _ask(server, other, prompt="consent")
    assert "code" in _heard(await _goes_on(server, other, await _says_yes(server, other, anew)))


async def test_a_no_changes_nothing(server: Server) -> None:
    """RFC 6749 4.1.2.1: the client hears `access_denied`, and the next time the person is asked again."""
    cookie = await server.sign_in()
    page = await _ask(server, cookie)
    found = re.search(r'<a href="(/oauth/authorize[^"]+)"', page.text)
    assert found is not None
    heard = _heard(await _goes_on(server, cookie, unescape(found[1])))
    assert (heard["error"], heard["state"]) == ("access_denied", WISH["state"])
    assert _next(await _ask(server, cookie))


async def test_a_yes_comes_from_our_own_page(server: Server) -> None:
    """OWASP CSRF prevention: a page elsewhere allows nothing, nor does a request that is not registered."""
    cookie = await server.sign_in()
    carried = _next(await _ask(server, cookie))
    evil = await server.client.post(
        "/oauth/consent",
        data={"next": carried},
        headers={"cookie": cookie, "origin": "https://evil.example"},
    )
    assert evil.status_code == 403
    for wrong in ("", "https://evil.example/", carried.replace("partner.example", "evil.example")):
        assert (await _post(server, cookie, "/oauth/consent", next=wrong)).status_code == 400
    assert _next(await _ask(server, cookie))


async def test_who_is_nobody_says_nothing(server: Server) -> None:
    """S34: a yes without a session is none; going on with it leads to the sign-in."""
    cookie = await server.sign_in()
    page = await _ask(server, cookie)
    onward = await _says_yes(server, "session=" + "a" * 43, page)
    led = await _goes_on(server, "session=" + "a" * 43, onward)
    assert urlsplit(led.headers["location"]).path == "/signin"
    assert _next(await _ask(server, cookie))


async def test_a_program_on_the_device_is_asked_each_time(server: Server) -> None:
    """RFC 8252 8.6: who is answered on the person's own device may be another program that pretends."""
    cookie = await server.sign_in()
    page = await _ask(server, cookie, redirect_uri=BACK)
    onward = await _says_yes(server, cookie, page)
    assert "code" in _heard(await _goes_on(server, cookie, onward), BACK)
    await server.engine.advance_clock(61)
    assert _next(await _ask(server, cookie, redirect_uri=BACK))
    assert "code" in _heard(await _ask(server, cookie)), "at its registered host it is the one"


async def test_taken_back(server: Server) -> None:
    """OWASP ASVS 10.4.9, 10.7.3: the page lists whom one lets; taken back, tokens of that client end at once,
    a code that was out gives none, and the next time the person is asked.
    """
    cookie = await server.sign_in()
    onward = await _says_yes(server, cookie, await _ask(server, cookie))
    first = (await _tokens(server, _heard(await _goes_on(server, cookie, onward))["code"])).json()
    late = _heard(await _ask(server, cookie))["code"]
    listed = await server.client.get(CONSENTS, headers={"cookie": cookie})
    assert "<code>partner</code>" in listed.text
    bearer = [f"Bearer {first['access_token']}"]
    assert (await server.identity.authenticator.principal(bearer)).subject == "u1"
    gone = await _post(server, cookie, f"{CONSENTS}/withdraw", client_id="partner")
    assert "partner" not in gone.text
    form = {"refresh_token": first["refresh_token"], "client_id": "partner"}
    refused = await server.post("/oauth/token", grant_type="refresh_token", **form)
    assert refused.json()["error"] == "invalid_grant"
    with pytest.raises(Unauthenticated, match="revoked"):
        await server.identity.authenticator.principal(bearer)
    given = (await _tokens(server, late)).json()
    assert await server.engine.quiesce(5)
    form["refresh_token"] = given["refresh_token"]
    after = await server.post("/oauth/token", grant_type="refresh_token", **form)
    assert after.json()["error"] == "invalid_grant", "it ended when it was heard of"
    assert _next(await _ask(server, cookie))
    elsewhere = await server.client.post(
        f"{CONSENTS}/withdraw", data={"client_id": "partner"},
        headers={"cookie": cookie, "origin": "https://evil.example"},
    )  # fmt: skip
    assert elsewhere.status_code == 403


async def test_who_was_invited_anew_is_asked(server: Server) -> None:
    """S34: a yes is of the person as they were then (adr/0027)."""
    cookie = await server.sign_in(generation=1)
    await _says_yes(server, cookie, await _ask(server, cookie))
    assert "code" in _heard(await _ask(server, cookie))
    assert _next(await _ask(server, await server.sign_in(generation=2)))


async def test_the_page_wants_a_sign_in(server: Server) -> None:
    """S34: of nobody there is none, and the sign-in leads back to it."""
    led = await server.client.get(CONSENTS)
    assert led.status_code == 303
    assert dict(parse_qsl(urlsplit(led.headers["location"]).query)) == {"next": CONSENTS}


async def test_ones_own_programs_ask_nobody(server: Server) -> None:
    """Setting `auth.first_party`: no page, as for every client of the operator's own."""
    cookie = await server.sign_in(signed_in_at=wall_seconds())
    answer = await _ask(server, cookie, client_id="web", redirect_uri=BACK)
    assert "code" in _heard(answer, BACK)


async def test_in_french(server: Server) -> None:
    """WCAG 2.2, 3.1.1: clients come here too, in their language."""
    cookie = await server.sign_in()
    page = await server.client.get(
        "/oauth/authorize", params=WISH, headers={"cookie": cookie, "accept-language": "fr"}
    )
    assert '<html lang="fr">' in page.text
    assert "demande à agir en votre nom" in page.text
