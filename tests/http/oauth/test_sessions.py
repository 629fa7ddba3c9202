"""Where a person is signed in: shown to them, and ended at once, by pages and by programs (OWASP ASVS 7.5.2)."""

import httpx
import msgspec
import pytest

from comptoir.actors.refresh_family.messages import Authorization
from comptoir.actors.sessions.machine import SessionsEnded
from comptoir.http.identity.authenticator import wall_seconds
from comptoir.http.oauth.opened import end_all, opened_by
from comptoir.http.oauth.sessions import FRESH_SECONDS, digest_of
from comptoir.http.oauth.signin import SESSIONS
from comptoir.http.principal import Unauthenticated
from tests.http.oauth.browser import Browser, enrolled, typed
from tests.http.oauth.conftest import ALLOWED, Server

WHO = "m.durand"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


def _key(cookie: str) -> str:
    return digest_of(cookie.partition("=")[2])


async def _signed_in(server: Server, *, age: int = 0, **changes: object) -> str:
    """A browser of WHO; its cookie."""
    listing = server.daemon.person_key(WHO)
    signed_in_at = wall_seconds() - age
    return await server.sign_in(subject=WHO, listing=listing, signed_in_at=signed_in_at, **changes)


async def _family(server: Server, cookie: str) -> dict[str, str]:
    """Tokens that a program got by that browser."""
    key = server.daemon.person_key(WHO)
    allowed = msgspec.structs.replace(
        ALLOWED, subject=WHO, listing=key, origin=_key(cookie), device="Chrome, Android"
    )
    assert isinstance(allowed, Authorization)
    tokens: dict[str, str] = (await server.redeem(await server.code(authorization=allowed))).json()
    assert await server.engine.quiesce(5)
    return tokens


async def _page(server: Server, cookie: str, lang: str = "en") -> httpx.Response:
    headers = {"cookie": cookie, "accept-language": lang}
    return await server.client.get(SESSIONS, headers=headers)


async def _end(server: Server, cookie: str, session: str, origin: str = "") -> httpx.Response:
    """Press a button of the page."""
    headers = {"cookie": cookie, "origin": origin or str(server.identity.issuer)}
    form = {"session": session}
    return await server.client.post(f"{SESSIONS}/end", data=form, headers=headers)


async def _ids(server: Server) -> list[str]:
    return [one.id for one in await opened_by(server.daemon, WHO, "")]


async def test_a_browser_is_listed_by_its_sign_in(named: Server) -> None:
    """S34: a sign-in by the form, with the browser as it says of itself, coarse; gone when it is signed out."""
    browser = Browser(named)
    named.client.headers["user-agent"] = FIREFOX
    seed = await enrolled(named, browser)
    assert await _ids(named) == [], "enrolling signed in, and it was signed out"
    await browser.go("/signin")
    await browser.send(sub=WHO, password=typed(named, seed))
    [one] = await opened_by(named.daemon, WHO, "")
    assert (one.device, one.methods, one.client_id) == ("Firefox, Linux", ("otp",), "")
    await browser.send()
    assert await _ids(named) == []


async def test_what_is_shown(server: Server) -> None:
    """OWASP ASVS 7.5.2: begun, last used, until when, which browser, which program, and which is this one; no
    cookie, no digest of one, and nobody else's.
    """
    cookie = await _signed_in(server, device="Firefox, Linux")
    await server.engine.advance_clock(60)
    other = await _signed_in(server)
    tokens = await _family(server, other)
    await server.sign_in(subject="u1", listing=server.daemon.person_key("u1"))
    await server.engine.advance_clock(60)
    await server.refresh(tokens["refresh_token"])
    found = await opened_by(server.daemon, WHO, _key(cookie))
    assert [(one.client_id, one.device, one.current) for one in found] == [
        ("web", "Chrome, Android", False), ("", "", False), ("", "Firefox, Linux", True),
    ]  # fmt: skip
    program, _, mine = found
    assert 60_000 <= program.used_at - program.begun_at < 70_000
    assert 60_000 <= program.begun_at - mine.begun_at < 70_000
    page = await _page(server, cookie)
    assert page.text.count("This browser") == 1
    for text in ("web, Chrome, Android", "Browser, Firefox, Linux", "Browser, unknown", "UTC"):
        assert text in page.text
    for secret in (cookie.partition("=")[2], _key(cookie), tokens["access_token"]):
        assert secret not in page.text
    french = await _page(server, cookie, "fr")
    assert '<html lang="fr">' in french.text
    assert "Ce navigateur" in french.text


async def test_nothing_else_is_open(server: Server) -> None:
    """WCAG 2.2: the empty state is said, and there is no button for it."""
    page = await _page(server, await _signed_in(server))
    assert "Nothing else is open." in page.text
    assert "End all others" not in page.text


async def test_one_ends_at_once_with_what_came_of_it(server: Server) -> None:
    """OWASP ASVS 7.5.2: from the answer on neither cookie nor tokens of it are taken, and said again it is
    the same; the others stay.
    """
    mine, lost = await _signed_in(server), await _signed_in(server)
    tokens = await _family(server, lost)
    [ended] = [one for one in await opened_by(server.daemon, WHO, _key(lost)) if one.current]
    late = await server.code(
        authorization=msgspec.structs.replace(
            ALLOWED, subject=WHO, listing=server.daemon.person_key(WHO), origin=_key(lost)
        )
    )
    for _ in range(2):
        assert (await _end(server, mine, ended.id)).status_code == 200
        assert (await _page(server, lost)).status_code == 303
        with pytest.raises(Unauthenticated, match="revoked"):
            await server.identity.authenticator.principal([f"Bearer {tokens['access_token']}"])
        refused = await server.refresh(tokens["refresh_token"])
        assert refused.json()["error"] == "invalid_grant"
    assert len(await _ids(server)) == 1
    given = (await server.redeem(late)).json()  # the code was out already
    assert await server.engine.quiesce(5)
    assert (await server.refresh(given["refresh_token"])).json()["error"] == "invalid_grant"
    assert len(await _ids(server)) == 1


async def test_all_others(server: Server) -> None:
    """OWASP ASVS 7.5.2: all but this browser, by one press."""
    mine = await _signed_in(server)
    others = [await _signed_in(server) for _ in range(3)]
    page = await _end(server, mine, "others")
    assert (page.status_code, "Nothing else is open." in page.text) == (200, True)
    for cookie in others:
        assert (await _page(server, cookie)).status_code == 303
    assert (await _page(server, mine)).status_code == 200


async def test_this_one_ends_too(server: Server) -> None:
    """OWASP ASVS 7.5.2: then the sign-in is shown, from which it leads back here."""
    mine = await _signed_in(server)
    [session] = await _ids(server)
    led = await _end(server, mine, session)
    assert (led.status_code, led.headers["location"]) == (303, "/signin?next=%2Fsignin%2Fsessions")


@pytest.mark.parametrize(("age", "good"), [(FRESH_SECONDS - 5, True), (FRESH_SECONDS + 5, False)])
async def test_an_end_wants_a_new_sign_in(server: Server, age: int, good: bool) -> None:
    """OWASP ASVS 7.5.2: who signed in long ago sees the list, and ends nothing before they have shown anew who
    they are.
    """
    mine, other = await _signed_in(server, age=age), await _signed_in(server)
    page = await _page(server, mine)
    assert ("sign in again" in page.text) is not good
    assert (f'action="{SESSIONS}/end"' in page.text) is good
    answer = await _end(server, mine, "others")
    assert answer.status_code == (200 if good else 400)
    assert good or 'data-code="SIGN_IN_STALE"' in answer.text
    assert ((await _page(server, other)).status_code == 200) is not good


async def test_a_client_is_asked_for_a_code(server: Server) -> None:
    """S3, X8: whoever came by a link shows anew who they are by a code, not by a password."""
    mine = await _signed_in(server, age=FRESH_SECONDS + 5, file="ONB-2025-00123")
    await _signed_in(server)
    page = await _page(server, mine)
    assert 'action="/portal/ONB-2025-00123/code/new"' in page.text
    assert "sign in again" not in page.text


@pytest.mark.parametrize("session", ["ses_" + "0" * 32, "", "others'", "ses_x"])
async def test_what_is_not_there(server: Server, session: str) -> None:
    """S34: an id that is nobody's, or somebody else's, ends nothing and says so."""
    mine = await _signed_in(server)
    answer = await _end(server, mine, session)
    assert answer.status_code == 400
    assert 'data-code="SESSION_UNKNOWN"' in answer.text
    assert len(await _ids(server)) == 1


async def test_somebody_elses_is_not_there(server: Server) -> None:
    """S34: nobody ends what is not theirs, though they know its id."""
    theirs = await _signed_in(server)
    [session] = await _ids(server)
    stranger = await server.sign_in(
        subject="u1", listing=server.daemon.person_key("u1"), signed_in_at=wall_seconds()
    )
    assert 'data-code="SESSION_UNKNOWN"' in (await _end(server, stranger, session)).text
    assert (await _page(server, theirs)).status_code == 200


async def test_a_page_elsewhere_ends_nothing(server: Server) -> None:
    """OWASP CSRF prevention: by its origin."""
    mine, other = await _signed_in(server), await _signed_in(server)
    evil = await _end(server, mine, "others", "https://evil.example")
    assert evil.status_code == 403
    assert (await _page(server, other)).status_code == 200


async def test_by_the_house(server: Server) -> None:
    """OWASP ASVS 7.4.5: all of one person's, on record with who asked for it; they may sign in again."""
    cookie = await _signed_in(server)
    await end_all(server.daemon, WHO, by="an.admin")
    assert (await _page(server, cookie)).status_code == 303
    assert (await _page(server, await _signed_in(server))).status_code == 200
    [event] = [one for one in server.tables.events if one.type == SessionsEnded.__name__]
    assert msgspec.json.decode(event.payload, type=SessionsEnded) == SessionsEnded(1, "an.admin")
