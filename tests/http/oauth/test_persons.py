"""The grants of people over a socket, with real actors: codes, refresh tokens, their end (S34, S62)."""

import re
from typing import Any

import httpx
import jwt
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.refresh_family.messages import KIND as FAMILY
from comptoir.actors.refresh_family.messages import Authorization, EndFamily
from comptoir.engine.values import Address
from comptoir.http.identity.opening import Identity
from comptoir.http.oauth.opaque import draw_refresh_token, read_refresh_token
from comptoir.http.oauth.persons import challenge_of
from comptoir.http.principal import Role, Unauthenticated
from tests.http.oauth.conftest import VERIFIER, Server

WEEK_S = 7 * 24 * 3600
RACES = 100
"""Rounds over a socket; through the engine there are a thousand (tests/actors/refresh_family)."""


def _refused(answer: httpx.Response, code: str, status: int = 400) -> None:
    """RFC 6749 5.2: the error, and no token; never to be stored."""
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert answer.json().keys() == {"error", "error_description"}
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"


def _claims(token: str, identity: Identity, audience: str) -> tuple[dict[str, Any], str]:
    """Verified by another library; claims, and the type."""
    keys = jwt.PyJWKSet.from_dict(identity.jwks())
    header = jwt.get_unverified_header(token)
    key = next(one for one in keys.keys if one.key_id == header["kid"])
    claims = jwt.decode(token, key, algorithms=["RS256"], audience=audience)
    return claims, header["typ"]


def test_the_rfcs_challenge() -> None:
    """RFC 7636 appendix B: its verifier has its challenge."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


async def test_a_code_is_worth_tokens(server: Server) -> None:
    """S34, S62: an access token of 15 minutes that our own edge takes, an ID token for the client with
    its nonce, and a refresh token.
    """
    answer = await server.redeem(await server.code())
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 900)
    assert body["scope"] == "openid points:read"
    principal = await server.identity.authenticator.principal([f"Bearer {body['access_token']}"])
    assert (principal.subject, principal.client_id) == ("u1", "web")
    assert principal.roles == {Role.CLIENT}, "what is no role of ours grants nothing"
    assert principal.methods == {"otp"}
    claims, typ = _claims(body["id_token"], server.identity, "web")
    assert typ == "JWT"
    assert (claims["iss"], claims["sub"], claims["nonce"]) == (
        server.identity.issuer,
        "u1",
        "the-nonce",
    )
    assert (claims["auth_time"], claims["amr"]) == (1_764_000_000, ["otp"])
    assert claims["exp"] - claims["iat"] == 900
    assert re.fullmatch(r"ctr_[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}", body["refresh_token"])


async def test_an_id_token_opens_nothing(server: Server) -> None:
    """RFC 9068 4: it is for the client, and our edge refuses it."""
    body = (await server.redeem(await server.code())).json()
    with pytest.raises(Unauthenticated):
        await server.identity.authenticator.principal([f"Bearer {body['id_token']}"])


async def test_no_id_token_unasked(server: Server) -> None:
    """OpenID Connect Core 3.1.2.1: only the scope `openid` asks for one."""
    allowed = Authorization("u1", "web", scopes=("points:read",))
    body = (await server.redeem(await server.code(authorization=allowed))).json()
    assert "id_token" not in body


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": VERIFIER + "x"}, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1/back/"}, "invalid_grant"),
        ({"client_id": "other"}, "invalid_grant"),
    ],
)
async def test_who_is_not_the_client(server: Server, changes: dict[str, str], error: str) -> None:
    """RFC 6749 4.1.3, RFC 7636 4.6: without verifier, address or name no tokens, and the code is used."""
    code = await server.code()
    first = await server.redeem(code, **changes)
    _refused(first, error)
    second = await server.redeem(code)
    _refused(second, error)
    assert first.json() == second.json(), "nobody learns what was wrong"


@pytest.mark.parametrize("missing", ["code", "code_verifier", "redirect_uri", "client_id"])
async def test_what_must_be_there(server: Server, missing: str) -> None:
    """RFC 6749 5.2: a request that is not whole is told so, and uses nothing."""
    code = await server.code()
    _refused(await server.redeem(code, **{missing: ""}), "invalid_request")
    assert (await server.redeem(code)).status_code == 200


async def test_a_malformed_verifier_uses_nothing(server: Server) -> None:
    """RFC 7636 4.1: 43 to 128 of its alphabet; anything else is no presentation."""
    code = await server.code()
    for verifier in ("x" * 42, "x" * 129, "x" * 42 + "é", "x" * 42 + "+"):
        _refused(await server.redeem(code, code_verifier=verifier), "invalid_request")
    assert (await server.redeem(code)).status_code == 200


async def test_a_secret_is_nobodys_here(server: Server) -> None:
    """RFC 6749 5.2: a secret that cannot be verified is refused, by 401 and, of a header, a challenge."""
    form = {"grant_type": "refresh_token", "refresh_token": draw_refresh_token().text}
    answer = await server.client.post("/oauth/token", data=form, auth=("web", "a-secret"))
    _refused(answer, "invalid_client", 401)
    assert answer.headers["www-authenticate"].startswith("Basic ")
    _refused(await server.refresh("x", client_secret="a-secret"), "invalid_client", 401)


async def test_a_code_has_a_minute(server: Server) -> None:
    """S34: after 60 seconds of business time it is good for nothing."""
    code = await server.code()
    await server.engine.advance_clock(60)
    _refused(await server.redeem(code), "invalid_grant")


async def test_a_code_used_twice_takes_its_tokens_back(server: Server) -> None:
    """RFC 6749 4.1.2: refused, and what the first use gave is good for nothing: the refresh token and the access
    token.
    """
    code = await server.code()
    body = (await server.redeem(code)).json()
    bearer = [f"Bearer {body['access_token']}"]
    await server.identity.authenticator.principal(bearer)
    _refused(await server.redeem(code), "invalid_grant")
    assert await server.engine.quiesce(5)
    _refused(await server.refresh(body["refresh_token"]), "invalid_grant")
    with pytest.raises(Unauthenticated, match="revoked"):
        await server.identity.authenticator.principal(bearer)


async def test_a_refresh_token_is_used_once(server: Server) -> None:
    """S34: each use gives the next one, of the same family, and an access token; the old one ends all."""
    tokens = [(await server.redeem(await server.code())).json()["refresh_token"]]
    for _ in range(4):
        body = (await server.refresh(tokens[-1])).json()
        await server.identity.authenticator.principal([f"Bearer {body['access_token']}"])
        assert "id_token" not in body
        tokens.append(body["refresh_token"])
    assert len(set(tokens)) == len(tokens)
    assert len({token.partition(".")[0] for token in tokens}) == 1
    _refused(await server.refresh(tokens[2]), "invalid_grant")
    _refused(await server.refresh(tokens[-1]), "invalid_grant")


async def test_seven_days(server: Server) -> None:
    """S34: however often it is used."""
    token = (await server.redeem(await server.code())).json()["refresh_token"]
    for _ in range(6):
        await server.engine.advance_clock(WEEK_S / 7)
        token = (await server.refresh(token)).json()["refresh_token"]
    await server.engine.advance_clock(WEEK_S / 7)
    _refused(await server.refresh(token), "invalid_grant")


async def test_fewer_scopes(server: Server) -> None:
    """RFC 6749 6: narrower on demand, never wider, and a wish too many costs nothing."""
    token = (await server.redeem(await server.code())).json()["refresh_token"]
    _refused(await server.refresh(token, scope="points:write"), "invalid_scope")
    _refused(await server.refresh(token, scope='a"b'), "invalid_scope")
    body = (await server.refresh(token, scope="points:read")).json()
    assert body["scope"] == "points:read"
    principal = await server.identity.authenticator.principal([f"Bearer {body['access_token']}"])
    assert principal.scopes == {"points:read"}
    assert (await server.refresh(body["refresh_token"])).json()["scope"] == "openid points:read"


async def test_raced_over_a_socket(server: Server) -> None:
    """S34: of three at once one is answered with tokens, the others alike, and the family is over."""
    for _ in range(RACES):
        token = (await server.redeem(await server.code())).json()["refresh_token"]
        answers: list[httpx.Response] = []

        async def use(token: str, answers: list[httpx.Response]) -> None:
            answers.append(await server.refresh(token))

        async with trio.open_nursery() as nursery:
            for _user in range(3):
                nursery.start_soon(use, token, answers)
        won = [answer.json() for answer in answers if answer.status_code == 200]
        assert len(won) == 1
        _refused(await server.refresh(won[0]["refresh_token"]), "invalid_grant")


async def test_revoking(server: Server) -> None:
    """RFC 7009 2: any token of the family ends it; again, and for one never seen, it is 200 as well."""
    first = (await server.redeem(await server.code())).json()["refresh_token"]
    second = (await server.refresh(first)).json()["refresh_token"]
    _refused(await server.post("/oauth/revoke", token=second, client_id="other"), "invalid_grant")
    third = (await server.refresh(second)).json()["refresh_token"]
    for token in (first, first, third, draw_refresh_token().text, "no token at all"):
        answer = await server.post("/oauth/revoke", token=token)
        assert (answer.status_code, answer.json()) == (200, {})
    _refused(await server.refresh(third), "invalid_grant")


async def test_no_secret_is_kept(server: Server) -> None:
    """S62: neither code nor refresh token stands in a row of any table, nor in an actor's address."""
    code = await server.code()
    body = (await server.redeem(code)).json()
    token = read_refresh_token(body["refresh_token"])
    assert token is not None
    kept = repr(vars(server.tables))
    assert token.family in kept, "it is looked for where it would be"
    for secret in (code, token.name, token.secret, body["access_token"]):
        assert secret not in kept
    assert token.secret not in repr(token)


async def test_another_machine_may_end_a_family(server: Server) -> None:
    """S34: whoever finds out that a person must be signed out has a message for it."""
    body = (await server.redeem(await server.code())).json()
    token = read_refresh_token(body["refresh_token"])
    assert token is not None
    await server.engine.ask(Address(FAMILY, token.family), EndFamily("person_left"))
    _refused(await server.refresh(body["refresh_token"]), "invalid_grant")


@given(st.text(max_size=80))
def test_any_text_is_read_or_is_none(text: str) -> None:
    """A text is taken apart and put together to itself, or is no refresh token."""
    token = read_refresh_token(text)
    assert token is None or token.text == text
    drawn = draw_refresh_token()
    assert read_refresh_token(drawn.text) == drawn
    assert read_refresh_token(drawn.text + text) is None or not text
