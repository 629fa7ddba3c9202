"""Section 9: access tokens, against a daemon that takes them.

Rule: tokens are made by `comptoir token`, by what stands behind it (and is held to it here), or by PyJWT with the daemon's own key where no command would
make such a one; the daemon's functions are not asked.
Source: interface.md 1, 3, 5, 7 and 9; spec.md S34, S60, S62; docs/authorization.md.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
import trio

from comptoir.engine.testing import Answered, Process
from comptoir.http.contract_testing import Card, Customer, eventually

ROLES = ("CLIENT", "CONSEILLER", "COMPLIANCE", "ADMIN", "OPERATIONS")
SEES_ALL = {"COMPLIANCE", "OPERATIONS"}
Start = Callable[..., Process]
SECONDS_APART_MAX = 60
"""One is made after the other, on a busy machine."""


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Start) -> Process:
    """A daemon that takes tokens, with a manual clock."""
    return comptoir_daemon_shared(COMPTOIR_AUTH__MODE="on")


@pytest.fixture(scope="module")
def card(daemon: Process) -> Card:
    """Somebody with points."""
    customer = Customer(daemon)
    card = customer.card(rate_bp=1000)
    customer.buy(card, 10)
    customer.quiet()
    return card


def _asks(daemon: Process, path: str, token: str | None = None) -> Answered:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return daemon.request("GET", path, headers=headers)


def _wallet(user_id: str) -> str:
    return f"/api/v1/wallets/{user_id}"


def _signing_key(daemon: Process) -> dict[str, Any]:
    """The key that signs now, private half included."""
    folder = Path(daemon.env["COMPTOIR_STORAGE__DATA_DIR"])
    key: dict[str, Any] = json.loads((folder / "keys" / "tokens.json").read_text())["keys"][0]
    return key


def _made(key: dict[str, Any], issuer: str, sub: str, **claims: Any) -> str:
    """A token of a CLIENT as RFC 9068 has it, by PyJWT."""
    now = int(time.time())
    right = {
        "iss": issuer, "sub": sub, "aud": "comptoir", "iat": now, "exp": now + 900,
        "jti": f"{sub}-{now}", "client_id": "test", "roles": ["CLIENT"],
    }  # fmt: skip
    header = {"typ": "at+jwt", "kid": key["kid"]}
    return jwt.encode({**right, **claims}, jwt.PyJWK(key, "RS256"), "RS256", headers=header)


@pytest.mark.parametrize("role", ROLES)
def test_each_role(daemon: Process, card: Card, role: str) -> None:
    """S34, S60: own, another's and nobody's wallet, history and transaction, by role."""
    customer = Customer(daemon)
    purchase = customer.buy(card)
    customer.quiet()
    own = daemon.token(card.user_id, role)
    stranger = daemon.token(customer.name("stranger"), role)
    may = 200 if role in SEES_ALL else 403
    paths = [
        _wallet(card.user_id),
        f"{_wallet(card.user_id)}/entries",
        f"/api/v1/transactions/{purchase}",
    ]
    for path in paths:
        assert _asks(daemon, path, own).status == (200 if role == "CLIENT" else may)
        assert _asks(daemon, path, stranger).status == (404 if role == "CLIENT" else may)
    never = 404 if role == "CLIENT" or may == 200 else 403
    assert _asks(daemon, _wallet(customer.name("never")), own).status == never


def test_no_token(daemon: Process, card: Card) -> None:
    """Interface.md 9: without a token 401 and its challenge; what takes none goes on taking none."""
    for path in (
        _wallet(card.user_id),
        f"{_wallet(card.user_id)}/entries",
        "/api/v1/transactions/x",
    ):
        answer = _asks(daemon, path)
        assert (answer.status, answer.json()["code"]) == (401, "UNAUTHENTICATED")
        assert answer.headers["www-authenticate"] == 'Bearer realm="comptoir"'
    for path in ("/health/live", "/health/ready", "/metrics", "/docs", "/api/v1/openapi.json"):
        assert _asks(daemon, path).status == 200
        assert _asks(daemon, path, "no.token.this").status == 200


def test_tokens_that_do_not_hold(daemon: Process, card: Card) -> None:
    """S62: expired, of another issuer or audience, by another key, by a secret, changed: one answer."""
    key, path = _signing_key(daemon), _wallet(card.user_id)
    good = _made(key, daemon.url, card.user_id)
    assert _asks(daemon, path, good).status == 200, "so what is refused below is refused for itself"
    now = int(time.time())
    head, body, signature = good.split(".")
    by_secret = jwt.encode({"sub": card.user_id, "iss": daemon.url}, "s" * 32, "HS256")
    bad = {
        "expired": _made(key, daemon.url, card.user_id, iat=now - 2000, exp=now - 1000),
        "not_yet_valid": _made(key, daemon.url, card.user_id, nbf=now + 500),
        "issuer_unknown": _made(key, "https://elsewhere.example", card.user_id),
        "audience_mismatch": _made(key, daemon.url, card.user_id, aud="another"),
        "key_unknown": _made({**key, "kid": "another"}, daemon.url, card.user_id),
        "signature_invalid": f"{head}.{body}.{signature[:-4]}AAAA",
        "algorithm_unsupported": by_secret,
    }
    answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
    for reason, token in bad.items():
        headers = {"Authorization": f"Bearer {token}", "X-Request-Id": "the-same-one"}
        answer = daemon.request("GET", path, headers=headers)
        kept = {n: v for n, v in answer.headers.items() if n not in {"date", "ratelimit"}}
        answers[reason] = (answer.status, kept, answer.body)
        assert token not in daemon.log.read_text(), "no token stands in a log"
    assert len({repr(answer) for answer in answers.values()}) == 1, answers
    status, headers, _ = answers["expired"]
    assert (status, headers["www-authenticate"]) == (
        401, 'Bearer realm="comptoir", error="invalid_token"',
    )  # fmt: skip
    customer = Customer(daemon)
    for reason in bad:
        assert customer.metric("comptoir_tokens_total", result="refused", reason=reason) >= 1
    assert customer.metric("comptoir_tokens_total", result="accepted", reason="") >= 1


def test_a_short_life_ends(daemon: Process, card: Card) -> None:
    """S62: `exp` is wall time, with a minute for clocks that differ; business time moves nothing."""
    key, now = _signing_key(daemon), int(time.time())
    within = _made(key, daemon.url, card.user_id, iat=now - 900, exp=now - 30)
    beyond = _made(key, daemon.url, card.user_id, iat=now - 900, exp=now - 90)
    assert _asks(daemon, _wallet(card.user_id), within).status == 200
    assert _asks(daemon, _wallet(card.user_id), beyond).status == 401
    Customer(daemon).advance(7200)
    assert _asks(daemon, _wallet(card.user_id), within).status == 200


def test_tokens_of_tests_are_those_of_the_command(daemon: Process) -> None:
    """interface.md 9, 11: what a fixture gives says what the command's would, and is signed by the same key."""
    words = ["--sub", "u-1", "--role", "CLIENT", "--role", "ADMIN", "--scope", "a b", "--ttl", "60"]
    command = daemon.run("token", *words).strip()
    fixture = daemon.token("u-1", "CLIENT", "ADMIN", scope="a b", ttl_s=60)
    assert jwt.get_unverified_header(command) == jwt.get_unverified_header(fixture)
    said, ours = (
        jwt.decode(one, options={"verify_signature": False}) for one in (command, fixture)
    )
    assert said.pop("jti") != ours.pop("jti")
    for name in ("iat", "exp", "auth_time", "nbf"):
        assert (name in said) == (name in ours)
        assert abs(said.pop(name, 0) - ours.pop(name, 0)) <= SECONDS_APART_MAX
    assert said == ours
    daemon.env["COMPTOIR_AUTH__DEV_TOKENS"] = "false"
    with pytest.raises(AssertionError, match="DEV_TOKENS_OFF"):
        daemon.token("u-1", "CLIENT")
    del daemon.env["COMPTOIR_AUTH__DEV_TOKENS"]


def test_discovery_by_another_program(daemon: Process, card: Card) -> None:
    """Interface.md 9: PyJWT's client finds our keys by the document, and they verify our tokens."""
    found = daemon.get("/.well-known/openid-configuration").json()
    assert found["issuer"] == daemon.url
    assert found["token_endpoint"] == f"{daemon.url}/oauth/token"
    assert daemon.get("/oauth/jwks.json").headers["content-type"] == "application/jwk-set+json"
    token = daemon.token(card.user_id, "CLIENT", scope="a:b")
    key = jwt.PyJWKClient(found["jwks_uri"]).get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key, ["RS256"], audience="comptoir", issuer=daemon.url)
    assert (claims["sub"], claims["roles"], claims["scope"]) == (card.user_id, ["CLIENT"], "a:b")
    assert not {"d", "p", "q"} & daemon.get("/oauth/jwks.json").json()["keys"][0].keys()


def test_tokens_outlive_the_daemon(comptoir_daemon: Start) -> None:
    """S34: the keys are in the data folder: a daemon that was killed takes the tokens of before."""
    port = {"COMPTOIR_AUTH__ISSUER": "https://comptoir.example"}
    daemon = comptoir_daemon(COMPTOIR_AUTH__MODE="on", **port)
    customer = Customer(daemon)
    card = customer.card()
    customer.buy(card)
    customer.quiet()
    token = daemon.token(card.user_id, "CLIENT")
    daemon.kill()
    daemon.start()
    assert _asks(daemon, _wallet(card.user_id), token).status == 200
    found = daemon.get("/.well-known/openid-configuration").json()
    assert found["issuer"] == "https://comptoir.example"


def test_limits_by_principal(comptoir_daemon: Start) -> None:
    """S62: tokens bring limits: a principal has its minute, an address another."""
    daemon = comptoir_daemon(
        COMPTOIR_AUTH__MODE="on", COMPTOIR_HTTP__RATE_PER_MINUTE_AUTHENTICATED="3",
        COMPTOIR_HTTP__RATE_PER_MINUTE_ANONYMOUS="2",
    )  # fmt: skip
    ana, bea = daemon.token("ana", "CLIENT"), daemon.token("bea", "CLIENT")
    assert [_asks(daemon, _wallet("ana"), ana).status for _ in range(4)] == [404, 404, 404, 429]
    assert _asks(daemon, _wallet("bea"), bea).status == 404
    assert [_asks(daemon, _wallet("bea"), "x.y.z").status for _ in range(3)] == [401, 401, 429]


def test_an_issuer_that_is_away(comptoir_daemon: Start) -> None:
    """S34: whose keys cannot be had is no fault of the caller's: 503 with Retry-After, and our own
    tokens hold all the same.
    """
    away = "http://127.0.0.1:9"  # the discard service, which nobody runs
    daemon = comptoir_daemon(COMPTOIR_AUTH__MODE="on", COMPTOIR_AUTH__EXTERNAL__ISSUER=away)
    key = _signing_key(daemon)
    answer = _asks(daemon, _wallet("ana"), _made(key, away, "ana"))
    assert (answer.status, answer.json()["code"]) == (503, "ISSUER_UNAVAILABLE")
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["retryable"] is True
    assert _asks(daemon, _wallet("ana"), daemon.token("ana", "CLIENT")).status == 404
    customer = Customer(daemon)
    assert customer.metric("comptoir_issuer_fetches_total", result="failed") == 1
    assert customer.metric("comptoir_issuer_keys") == 0


def test_tokens_by_hand_are_on_record(
    comptoir_daemon: Start, comptoir_postgres_server: Any
) -> None:
    """S36, interface.md 9: each token that `comptoir token` makes is an event of the audit log, made
    while the daemon runs or before, and the file that had it is gone.
    """
    daemon = comptoir_daemon(start=False, COMPTOIR_AUTH__MODE="on")
    folder = Path(daemon.env["COMPTOIR_STORAGE__DATA_DIR"]) / "keys"
    database = daemon.env["COMPTOIR_STORAGE__URL"].partition("@/")[2].partition("?")[0]
    count = "select count(*) from comptoir.event where type = 'TokenIssuedByHand'"

    def recorded(events: int) -> bool:
        found = trio.run(comptoir_postgres_server.run_sql, count, database)
        return found == str(events) and not list(folder.glob("issued*"))

    daemon.env["COMPTOIR_AUTH__ISSUER"] = "https://comptoir.example"
    daemon.run("token", "--sub", "zephyrine", "--role", "CLIENT")
    assert list(folder.glob("issued*"))
    daemon.start()
    eventually(lambda: recorded(1))
    daemon.run("token", "--sub", "bea", "--role", "CLIENT")
    daemon.token("eva", "ADMIN")
    eventually(lambda: recorded(3))
    daemon.kill()
    daemon.run("token", "--sub", "ida", "--role", "CLIENT")
    daemon.start()
    eventually(lambda: recorded(4))
    assert "zephyrine" not in daemon.log.read_text()
