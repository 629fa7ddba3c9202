"""A browser asks for a code: exact addresses, PKCE, whose errors go where (S34, RFC 6749, RFC 9700)."""

from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from comptoir.engine.errors import Unavailable
from comptoir.http.identity.authenticator import wall_seconds
from comptoir.http.identity.documents import openid_configuration
from comptoir.http.identity.opening import Identity
from comptoir.http.oauth.discovery import ENDPOINTS_SERVED
from comptoir.http.oauth.persons import challenge_of
from comptoir.http.oauth.sessions import cookie_name, set_cookie
from tests.http.oauth.conftest import BACK, SETTINGS, VERIFIER, Server

WISH = {
    "client_id": "web", "redirect_uri": BACK, "response_type": "code", "scope": "openid",
    "code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256",
    "state": "a state/of the client's&", "nonce": "the-nonce",
}  # fmt: skip


async def _ask(server: Server, cookie: str = "", **changes: str | None) -> httpx.Response:
    """Open the address, changed: None takes a parameter away."""
    wish = {name: value for name, value in {**WISH, **changes}.items() if value is not None}
    headers = {"cookie": cookie} if cookie else {}
    return await server.client.get("/oauth/authorize", params=wish, headers=headers)


def _back(answer: httpx.Response, to: str = BACK) -> dict[str, str]:
    """What the client hears, once each."""
    assert answer.status_code == 303, answer.text
    assert answer.headers["cache-control"] == "no-store"
    location = answer.headers["location"]
    assert location.startswith(to)
    pairs = parse_qsl(urlsplit(location).query, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


async def test_who_is_signed_in_gets_a_code(server: Server) -> None:
    """S34: the code goes to the client's address with state and issuer, and is worth tokens that say who
    it was and how they signed in.
    """
    heard = _back(await _ask(server, await server.sign_in()))
    assert heard.keys() == {"code", "state", "iss"}
    assert (heard["state"], heard["iss"]) == (WISH["state"], server.identity.issuer)
    body = (await server.redeem(heard["code"])).json()
    principal = await server.identity.authenticator.principal([f"Bearer {body['access_token']}"])
    assert (principal.subject, principal.methods) == ("u1", frozenset({"otp"}))
    assert body["id_token"]
    again = await server.redeem(heard["code"])
    assert again.json()["error"] == "invalid_grant"


@pytest.mark.parametrize("cookie", ["", "session=", "session=" + "a" * 43, "other=" + "a" * 43])
async def test_who_is_not_gets_none(server: Server, cookie: str) -> None:
    """OpenID Connect Core 3.1.2.6: with `prompt=none` the client hears `login_required`, with its state;
    else the person is led to our own page, which has the whole request to come back with.
    """
    heard = _back(await _ask(server, cookie, prompt="none"))
    assert (heard["error"], heard["state"]) == ("login_required", WISH["state"])
    assert "code" not in heard
    led = await _ask(server, cookie)
    assert led.status_code == 303
    place = urlsplit(led.headers["location"])
    assert (place.netloc, place.path) == ("", "/signin")
    wanted = urlsplit(dict(parse_qsl(place.query))["next"])
    assert (wanted.netloc, wanted.path) == ("", "/oauth/authorize")
    assert dict(parse_qsl(wanted.query)) == WISH


async def test_a_session_has_its_time(server: Server) -> None:
    """X8: seven days of business time, and no request makes them more."""
    cookie = await server.sign_in()
    await server.engine.advance_clock(6 * 24 * 3600)
    assert "code" in _back(await _ask(server, cookie))
    await server.engine.advance_clock(24 * 3600)
    assert _back(await _ask(server, cookie, prompt="none"))["error"] == "login_required"


async def test_two_cookies_are_none(server: Server) -> None:
    """RFC 6265bis 8.6: a cookie that somebody else has set beside ours signs nobody in."""
    cookie = await server.sign_in()
    other = await server.sign_in(subject="u2")
    assert (
        _back(await _ask(server, f"{cookie}; {other}", prompt="none"))["error"] == "login_required"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"},
        {"client_id": None},
        {"redirect_uri": None},
        {"redirect_uri": BACK + "/"},
        {"redirect_uri": BACK + "?a=b"},
        {"redirect_uri": BACK.upper()},
        {"redirect_uri": "https://app.example/b"},
        {"redirect_uri": "https://evil.example/"},
        {"client_id": "other", "redirect_uri": "https://app.example/b?x=1"},
        {"redirect_uri": "javascript:alert(1)"},
    ],
)
async def test_nothing_is_sent_to_whom_nobody_knows(
    server: Server, changes: dict[str, str | None]
) -> None:
    """RFC 9700 2.1, 4.1.3: to the letter, or the person sees a page and no browser goes anywhere."""
    answer = await _ask(server, await server.sign_in(), **changes)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "This sign-in cannot go on" in answer.text
    for value in changes.values():
        assert value is None or len(value) < 8 or value not in answer.text


async def test_an_address_keeps_its_query(server: Server) -> None:
    """RFC 6749 3.1.2: what stands in the registered address stays, and the answer follows."""
    address = "https://app.example/b?x=1"
    heard = _back(await _ask(server, await server.sign_in(), redirect_uri=address), address)
    assert heard.keys() == {"x", "code", "state", "iss"}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": VERIFIER}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"scope": "openid partner:submit"}, "invalid_scope"),
        ({"scope": "points:read"}, "invalid_scope"),
        ({"nonce": "n" * 513}, "invalid_request"),
        ({"nonce": "é"}, "invalid_request"),
        ({"prompt": "select_account"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"signed_in_since": "soon"}, "invalid_request"),
        ({"acr_values": "é"}, "invalid_request"),
        ({"request": "a.b.c"}, "request_not_supported"),
        ({"request_uri": "https://evil.example/"}, "request_uri_not_supported"),
    ],
)
async def test_a_known_client_hears_what_is_wrong(
    server: Server, changes: dict[str, str | None], error: str
) -> None:
    """S34, RFC 6749 4.1.2.1: by a stable word, with its state, and there is no code; whoever is signed in
    (a service's scope is none of a person's, X7).
    """
    heard = _back(await _ask(server, await server.sign_in(), **changes))
    assert (heard["error"], heard["state"], heard["iss"]) == (
        error,
        WISH["state"],
        server.identity.issuer,
    )
    assert "code" not in heard


async def test_what_stands_twice(server: Server) -> None:
    """RFC 6749 3.1: once each; a client or an address that stands twice is nobody's."""
    cookie = {"cookie": await server.sign_in()}
    for name, value in WISH.items():
        params = httpx.QueryParams([*WISH.items(), (name, value)])
        answer = await server.client.get("/oauth/authorize", params=params, headers=cookie)
        if name in ("client_id", "redirect_uri"):
            assert answer.status_code == 400
        elif name == "scope":
            assert _back(answer)["error"] == "invalid_request"
        else:
            assert _back(answer)["error"] in ("invalid_request", "unsupported_response_type")


@pytest.mark.parametrize(("age", "good"), [("", True), ("1000", True), ("50", False), ("0", False)])
async def test_a_sign_in_may_be_too_old(server: Server, age: str, good: bool) -> None:
    """OpenID Connect Core 3.1.2.1: after `max_age` seconds the person has to sign in again."""
    cookie = await server.sign_in(signed_in_at=wall_seconds() - 100)
    heard = _back(await _ask(server, cookie, max_age=age, prompt="none"))
    assert ("code" in heard) == good
    assert good or heard["error"] == "login_required"


async def test_storage_away(server: Server) -> None:
    """RFC 6749 4.1.2.1: the client hears `temporarily_unavailable`, not the person a page of errors."""
    cookie = await server.sign_in()
    server.daemon.error = Unavailable("the database is away")
    assert _back(await _ask(server, cookie))["error"] == "temporarily_unavailable"


async def test_who_is_no_client_any_more(server: Server) -> None:
    """S34: a client taken out of the settings gets nothing for a token that it still holds."""
    answer = await server.redeem(await server.code(), client_id="taken-out")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("issuer", "cookie"),
    [
        ("http://127.0.0.1:8080", "session=v; Path=/; Max-Age=9; HttpOnly; SameSite=Lax"),
        (
            "https://id.example",
            "__Host-session=v; Path=/; Max-Age=9; HttpOnly; SameSite=Lax; Secure",
        ),
    ],
)
def test_the_cookie(identity: Identity, issuer: str, cookie: str) -> None:
    """Interface.md 8: `__Host-` and Secure over TLS, which a browser wants together; plain on loopback."""
    own = Identity(SETTINGS, identity.keys, None)
    own.issuer = issuer
    assert set_cookie(own, "v", 9) == (b"set-cookie", cookie.encode())
    assert cookie.startswith(cookie_name(own) + "=")


def test_what_the_document_says() -> None:
    """RFC 8414 2, RFC 9207: the endpoint, S256 alone and the `iss` of every answer are announced."""
    document = openid_configuration("https://i", ENDPOINTS_SERVED, ("authorization_code",))
    assert document["authorization_endpoint"] == "https://i/oauth/authorize"
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["authorization_response_iss_parameter_supported"] is True


async def test_a_new_sign_in_is_asked_for_once(server: Server) -> None:
    """OpenID Connect Core 3.1.2.1: `prompt=login` asks whoever is signed in, also just now, to sign in again;
    after that the way back is open, and only after that.
    """
    now = wall_seconds()
    led = await _ask(server, await server.sign_in(signed_in_at=now), prompt="login")
    assert led.status_code == 303
    place = urlsplit(led.headers["location"])
    assert place.path == "/signin"
    wanted = dict(parse_qsl(place.query))["next"]
    given = dict(parse_qsl(urlsplit(wanted).query))
    assert {name: given[name] for name in WISH} == WISH
    assert "prompt" not in given
    before = await server.sign_in(signed_in_at=now - 1)
    again = await server.client.get(wanted, headers={"cookie": before})
    assert urlsplit(again.headers["location"]).path == "/signin"
    after = await server.sign_in(signed_in_at=wall_seconds())
    heard = _back(await server.client.get(wanted, headers={"cookie": after}))
    assert "code" in heard


@pytest.mark.parametrize(
    ("methods", "age_s", "heard"),
    [
        (("hwk", "user", "mfa"), 100, "code"),
        (("otp",), 100, "/signin"),
        (("otp",), 1, "unmet_authentication_requirements"),
    ],
)
async def test_two_factors_may_be_wanted(
    server: Server, methods: tuple[str, ...], age_s: int, heard: str
) -> None:
    """RFC 9470 section 4: who has shown two is not asked again; who has not is, once; a sign-in of just now
    that was no better is told to the client, so that nobody goes round in circles.
    """
    cookie = await server.sign_in(methods=methods, signed_in_at=wall_seconds() - age_s)
    answer = await _ask(server, cookie, acr_values=f"urn:other {SETTINGS.auth.mfa_acr}")
    if heard == "/signin":
        assert urlsplit(answer.headers["location"]).path == "/signin"
        quiet = _back(await _ask(server, cookie, acr_values=SETTINGS.auth.mfa_acr, prompt="none"))
        assert quiet["error"] == "login_required"
        return
    back = _back(answer)
    assert heard in (back.get("error"), *back)
    other = _back(await _ask(server, cookie, acr_values="urn:other"))
    assert "code" in other, "a class that is not ours is a wish (OpenID Connect Core 3.1.2.1)"


async def test_tokens_say_how_and_when(server: Server) -> None:
    """RFC 9068 2.2.1: `amr`, `acr` and `auth_time` of the sign-in; a refresh makes none of them newer."""
    signed_in_at = wall_seconds() - 200
    for methods, acr in ((("hwk", "user", "mfa"), SETTINGS.auth.mfa_acr), (("otp",), "")):
        cookie = await server.sign_in(methods=methods, signed_in_at=signed_in_at)
        code = _back(await _ask(server, cookie, scope="openid offline_access"))["code"]
        first = (await server.redeem(code)).json()
        second = (await server.refresh(first["refresh_token"])).json()
        for body in (first, second):
            header = [f"Bearer {body['access_token']}"]
            who = await server.identity.authenticator.principal(header)
            assert (who.methods, who.context) == (frozenset(methods), acr)
            assert who.signed_in_at == signed_in_at
