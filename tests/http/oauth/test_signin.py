"""People sign in on our pages, as a browser without scripts does: link, authenticator, password (S34, X8)."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from comptoir.actors.person.messages import InvitePerson
from comptoir.actors.person.throttle import FREE_FAILURES
from comptoir.actors.person.totp import STEP_SECONDS
from comptoir.http.oauth.persons import challenge_of
from comptoir.http.oauth.signin import link_digest
from tests.http.oauth.browser import (
    DAY_MS,
    WHO,
    Browser,
    Page,
    enrolled,
    invited,
    seed_of,
    typed,
)
from tests.http.oauth.conftest import BACK, VERIFIER, Server

WISH = {
    "client_id": "web", "redirect_uri": BACK, "response_type": "code", "scope": "openid",
    "code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256", "state": "s'\"<&>",
}  # fmt: skip


async def _ask_for_a_code(server: Server) -> httpx.Response:
    return await server.client.get("/oauth/authorize", params=WISH)


async def test_from_a_link_to_tokens(server: Server) -> None:
    """S34, X8: link, seed, password; later the client sends the browser, which signs in and comes back
    with a code that is worth tokens of this person, their roles and how they signed in.
    """
    browser = Browser(server)
    seed = await enrolled(server, browser)
    led = await _ask_for_a_code(server)
    await browser.go(led.headers["location"])
    done = await browser.send(sub="m.durand", password=typed(server, seed))
    assert done.status == 200
    assert "httponly" in done.headers["set-cookie"].lower()
    answer = await server.client.get(done.onward)
    heard = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    assert heard["state"] == WISH["state"], "it came back to the letter"
    body = (await server.redeem(heard["code"])).json()
    principal = await server.identity.authenticator.principal([f"Bearer {body['access_token']}"])
    assert (principal.subject, principal.roles) == ("m.durand", frozenset({"COMPLIANCE"}))
    assert principal.methods == frozenset({"otp"})


async def test_pages_can_be_used_by_everybody(server: Server) -> None:
    """WCAG 2.2 3.3.2: every field has a label, there is one h1; and no page has a script of its own or may be
    framed, its forms lead to us alone, and who it came from is told to us alone.
    """
    browser = Browser(server)
    pages = [await browser.go(await invited(server)), await browser.send()]
    pages.append(await browser.send(password="000000"))
    pages.append(await browser.go("/signin"))
    for page in pages:
        assert set(page.shown) <= page.labelled
        assert page.tags.count("h1") == 1
        assert "script" not in page.tags
        policy = page.headers["content-security-policy"]
        for part in ("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"):
            assert part in policy
        assert page.headers["referrer-policy"] == "same-origin"
        assert page.headers["cache-control"] == "no-store"


async def test_the_first_page_says_how_to_get_in(server: Server) -> None:
    """Interface.md 9: people, their programs, services and developers, each by their way."""
    page = Page(await server.client.get("/"))
    assert page.tags.count("h1") == 1
    for way in ('href="/signin"', "comptoir staff add", "/oauth/authorize", "comptoir client add",
                "POST /oauth/token", "comptoir token --sub USER --role CLIENT"):  # fmt: skip
        assert way in page.text
    server.daemon.identity = None
    bare = await server.client.get("/")
    assert "no accounts" in bare.text
    assert "/signin" not in bare.text


async def test_opening_a_link_uses_nothing(server: Server) -> None:
    """X8: mail programs open links; it is good until somebody has enrolled by it, and then no more."""
    browser, path = Browser(server), await invited(server)
    for _ in range(3):
        await browser.go(path)
    seed = seed_of(await browser.send())
    assert (await browser.send(password="000000")).status == 400
    assert (await browser.send(password=typed(server, seed))).status == 200
    await browser.go(path)
    over = await browser.send()
    assert (over.status, "This link is over" in over.text) == (400, True)


async def test_a_link_has_its_time(server: Server) -> None:
    """X8: in business time."""
    browser = Browser(server)
    await browser.go(await invited(server))
    await server.engine.advance_clock(DAY_MS / 1000)
    assert "This link is over" in (await browser.send()).text


@pytest.mark.parametrize("origin", ["", "null", "https://evil.example", "http://127.0.0.1"])
async def test_a_page_elsewhere_signs_nobody_in(server: Server, origin: str) -> None:
    """OWASP CSRF: a form that another page sends is refused, right or wrong, and uses nothing."""
    browser = Browser(server)
    seed = await enrolled(server, browser)
    fields = {"sub": "m.durand", "password": typed(server, seed)}
    await browser.go("/signin")
    answer = await browser.send(origin, **fields)
    assert answer.status == 403
    assert "set-cookie" not in answer.headers
    await browser.go("/signin")
    assert (await browser.send(**fields)).status == 200


async def test_wrong_is_wrong_in_one_way(server: Server) -> None:
    """S34: unknown, not enrolled, wrong, used, made to wait: one page, no cookie, and no word of which."""
    browser = Browser(server)
    seed = await enrolled(server, browser)
    right = typed(server, seed)
    await browser.go("/signin")
    assert (await browser.send(sub="m.durand", password=right)).status == 200
    server.client.cookies.clear()
    seen: set[tuple[int, str]] = set()
    tries: list[Mapping[str, str]] = [
        {"sub": "m.durand", "password": right},
        {"sub": "m.durand", "password": "000000"},
        {"sub": "nobody", "password": right},
        {"sub": "\x00", "password": right},
        {"sub": "", "password": ""},
        *({"sub": "m.durand", "password": "wrong!"} for _ in range(5)),
        {"sub": "m.durand", "password": typed(server, seed, 1)},
    ]
    for fields in tries:
        await browser.go("/signin")
        answer = await browser.send(**fields)
        assert "set-cookie" not in answer.headers
        seen.add((answer.status, answer.text))
    assert len(seen) == 1


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/", "//evil.example/oauth/authorize?a", "/oauth/authorize", "/signin?x",
        "/oauth/authorize?a\\b", "javascript:alert(1)", '/oauth/authorize?"><script>', "\r\nx: y",
    ],
)  # fmt: skip
async def test_a_sign_in_leads_nowhere_else(server: Server, wanted: str) -> None:
    """RFC 9700 4.11: only to our own endpoint; nothing of a request becomes part of a page."""
    browser = Browser(server)
    seed = await enrolled(server, browser)
    await browser.go("/signin?" + str(httpx.QueryParams({"next": wanted})))
    page = await browser.send(sub="m.durand", password=typed(server, seed), next=wanted)
    assert page.status == 200
    assert urlsplit(page.onward).netloc == ""
    assert page.onward in ("", wanted)
    assert "script" not in page.tags
    assert not page.onward or page.onward.startswith("/oauth/authorize?")


async def test_signing_out(server: Server) -> None:
    """S34: the cookie is taken away, and what it was is good for nothing."""
    browser = Browser(server)
    seed = await enrolled(server, browser)
    await browser.go("/signin")
    await browser.send(sub="m.durand", password=typed(server, seed))
    kept = dict(server.client.cookies)
    assert "/oauth/authorize" not in (await _ask_for_a_code(server)).headers["location"]
    out = await browser.send()
    assert "Max-Age=0" in out.headers["set-cookie"]
    server.client.cookies.update(kept)
    assert (await _ask_for_a_code(server)).headers["location"].startswith("/signin?")


@pytest.mark.parametrize("origin", ["", "null", "https://evil.example"])
async def test_a_page_elsewhere_signs_nobody_out(server: Server, origin: str) -> None:
    """OpenID Connect, ASVS 10.6.2: a person signs out by our own page; another's form ends no session."""
    browser = Browser(server)
    seed = await enrolled(server, browser)
    await browser.go("/signin")
    page = await browser.send(sub="m.durand", password=typed(server, seed))
    assert page.action == "/signin/out"
    assert (await browser.send(origin)).status == 403
    assert "/oauth/authorize" not in (await _ask_for_a_code(server)).headers["location"]


async def test_a_new_sign_in_ends_the_one_before(server: Server) -> None:
    """OWASP Session Management, ASVS 7.2.4: each sign-in has a cookie of its own, and the one that the
    browser had, by whomever it was put there, is good for nothing.
    """
    browser = Browser(server)
    seed = await enrolled(server, browser)
    cookies: list[str] = []
    for _ in range(2):
        await browser.go("/signin")
        await browser.send(sub="m.durand", password=typed(server, seed))
        cookies.append(server.client.cookies["session"])
        await server.engine.advance_clock(2 * STEP_SECONDS)
    assert cookies[0] != cookies[1]
    for cookie, known in zip(cookies, (False, True), strict=True):
        server.client.cookies.clear()
        server.client.cookies.set("session", cookie)
        led = (await _ask_for_a_code(server)).headers["location"]
        assert led.startswith(BACK if known else "/signin?")


async def test_a_link_is_made_once(server: Server) -> None:
    """Interface.md 1, X8: an invitation that is run again, since its answer was lost, is answered as the first
    time, also when its link was used meanwhile: the link stays used, and nobody loses what they have.
    """
    browser = Browser(server)
    path = await invited(server)
    again = InvitePerson("m.durand", ("COMPLIANCE",), link_digest(path.rpartition("=")[2]), DAY_MS)
    first = await server.engine.ask(WHO, again)
    assert first.replayed
    await browser.go(path)
    seed = seed_of(await browser.send())
    await browser.send(password=typed(server, seed))
    second = await server.engine.ask(WHO, again)
    assert (second.replayed, second.reply) == (True, first.reply)
    await browser.go(path)
    assert (await browser.send()).status == 400
    led = (await _ask_for_a_code(server)).headers["location"]
    assert led.startswith(BACK), "still signed in"


async def test_no_seed_and_no_link_is_kept_in_clear(server: Server) -> None:
    """S62: of link and cookie a digest is kept; the seed is actor state, which the journal seals."""
    browser = Browser(server)
    path = await invited(server)
    link = path.rpartition("=")[2]
    await browser.go(path)
    seed = seed_of(await browser.send())
    await browser.send(password=typed(server, seed))
    kept = repr(vars(server.tables))
    assert link_digest(link) not in kept, "used up"
    for secret in (link, server.client.cookies["session"]):
        assert secret not in kept


async def test_failures_of_others_keep_no_known_browser_out(server: Server) -> None:
    """OWASP ASVS 6.1.1: somebody behind the same address fails again and again; the browser in which the owner
    has signed in is let in by its cookie, also after they have signed out.
    """
    browser = Browser(server)
    seed = await enrolled(server, browser)
    await browser.go("/signin")
    done = await browser.send(sub="m.durand", password=typed(server, seed))
    assert "You are signed in" in done.text
    await browser.send()  # out
    kept = server.client.cookies["browser"]
    cookies = done.headers.get_list("set-cookie")
    [cookie] = [one for one in cookies if one.startswith("browser=")]
    assert cookie == f"browser={kept}; Path=/; Max-Age=15552000; HttpOnly; SameSite=Lax"
    server.client.cookies.clear()
    await server.engine.advance_clock(2 * STEP_SECONDS)
    for _ in range(FREE_FAILURES):
        await browser.go("/signin")
        assert (await browser.send(sub="m.durand", password="wrong!")).status == 400
    await browser.go("/signin")
    stranger = await browser.send(sub="m.durand", password=typed(server, seed))
    assert stranger.status == 400, "there nobody is asked"
    server.client.cookies["browser"] = kept
    await browser.go("/signin")
    known = await browser.send(sub="m.durand", password=typed(server, seed))
    assert "You are signed in" in known.text
    assert f"browser={kept};" in " ".join(known.headers.get_list("set-cookie"))
