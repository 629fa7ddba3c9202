"""Each client has the grants that it needs, and what is drawn for anybody cannot be guessed (S34, X7)."""

import secrets
from collections.abc import Callable

import pytest

from comptoir.actors.clients.messages import CLIENTS, RegisterClient
from comptoir.http.identity.issuing import draw_token_id
from comptoir.http.oauth.client_secrets import digest_of, draw_client
from comptoir.http.oauth.grants import GRANTS
from comptoir.http.oauth.opaque import draw_code, draw_refresh_token
from comptoir.http.oauth.sessions import draw_session
from comptoir.http.oauth.signin import draw_link
from tests.http.asking import any_call
from tests.http.oauth.conftest import BACK, VERIFIER, Server

BYTES_MIN = 16
"""128 bits: what OWASP ASVS 7.2.3 wants of a session's name, and RFC 6749 10.10 of what must not be guessed."""


async def test_a_persons_client_has_no_grant_of_services(server: Server) -> None:
    """ASVS 10.4.4: who has no secret gets nothing for itself, and neither does anybody by a password or by a
    token in the address (OAuth 2.1 has left both out).
    """
    answer = await server.post("/oauth/token", grant_type="client_credentials")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    for grant in ("password", "implicit", "urn:ietf:params:oauth:grant-type:device_code"):
        answer = await server.post("/oauth/token", grant_type=grant, username="u1", password="x")
        assert answer.json()["error"] == "unsupported_grant_type"
    assert GRANTS.keys() == {"authorization_code", "refresh_token", "client_credentials"}


async def test_a_service_has_no_grant_of_persons(server: Server) -> None:
    """ASVS 10.4.4: a code and a refresh token of a person are nothing in the hands of a service, and both
    are as good as before to the client that they were given to.
    """
    client_id, secret = draw_client(any_call())
    await server.engine.ask(CLIENTS, RegisterClient(client_id, "acme", ("a:b",), digest_of(secret)))
    code = await server.code()
    token = (await server.redeem(await server.code())).json()["refresh_token"]
    persons: dict[str, dict[str, str]] = {
        "authorization_code": {"code": code, "code_verifier": VERIFIER, "redirect_uri": BACK},
        "refresh_token": {"refresh_token": token},
    }
    for grant, form in persons.items():
        posted = {"grant_type": grant, **form}
        answer = await server.client.post("/oauth/token", data=posted, auth=(client_id, secret))
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert (await server.redeem(code)).status_code == 200
    assert (await server.refresh(token)).status_code == 200


@pytest.mark.parametrize(
    "draw",
    [
        draw_session, draw_code, draw_token_id, lambda: draw_link(any_call()),
        lambda: draw_client(any_call())[1],
        lambda: draw_refresh_token().secret, lambda: draw_refresh_token().name,
    ],
)  # fmt: skip
def test_what_is_drawn(draw: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """ASVS 7.2.3, RFC 6749 10.10: by the system's generator and nothing else, of 128 bits and more."""
    assert len({draw() for _ in range(1_000)}) == 1_000
    drawn: list[int] = []

    def counted(nbytes: int | None = None) -> str:
        assert nbytes is not None
        drawn.append(nbytes)
        return "A" * nbytes

    for name in ("token_urlsafe", "token_hex"):
        monkeypatch.setattr(secrets, name, counted)

    def counted_bytes(nbytes: int | None = None) -> bytes:
        return counted(nbytes).encode()

    monkeypatch.setattr(secrets, "token_bytes", counted_bytes)
    assert draw() == draw(), "nothing else goes into it"
    assert min(drawn) >= BYTES_MIN or draw.__name__ == "<lambda>"
    assert max(drawn) >= BYTES_MIN
