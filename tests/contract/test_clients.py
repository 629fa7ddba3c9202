"""Section 9: services get credentials by `comptoir client`, and tokens for them.

Rule: the daemon is a process of its own; what it issues is judged by PyJWT.
Source: interface.md 9; RFC 6749 sections 2.3.1, 4.4 and 5; RFC 7009; spec.md S34, S36, S62, X7.
"""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote_plus, urlencode

import jwt
import pytest
import trio

from comptoir.engine.testing import Answered, Process
from comptoir.http.contract_testing import free_port
from tests.http.answered import Described

FORM = "application/x-www-form-urlencoded"
Start = Callable[..., Process]
Client = dict[str, str]


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Start) -> Process:
    """A daemon that takes tokens, and keeps its address over a restart."""
    return comptoir_daemon_shared(
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_HTTP__RATE_LIMITS="off",
        COMPTOIR_HTTP__PORT=str(free_port()),
    )


@pytest.fixture(scope="module")
def acme(daemon: Process) -> Client:
    """A service with two scopes."""
    return _added(daemon, "acme", "partner:submit", "a:b")


def _added(daemon: Process, name: str, *scopes: str) -> Client:
    words = [word for scope in scopes for word in ("--scope", scope)]
    client: Client = json.loads(daemon.run("client", "add", name, *words))
    assert client.keys() == {"clientId", "clientSecret"}
    return client


def _basic(client_id: str, secret: str) -> dict[str, str]:
    """RFC 6749 section 2.3.1."""
    both = f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()
    return {"Authorization": f"Basic {base64.b64encode(both).decode()}"}


def _posts(
    daemon: Process, path: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None
) -> Answered:
    body = urlencode(form).encode()
    return daemon.request("POST", path, body, {"Content-Type": FORM, **(headers or {})})


def _token(daemon: Process, client: Client, **form: str) -> Answered:
    """By client_secret_basic."""
    headers = _basic(client["clientId"], client["clientSecret"])
    return _posts(daemon, "/oauth/token", {"grant_type": "client_credentials", **form}, headers)


def _claims(daemon: Process, token: str) -> dict[str, Any]:
    found = daemon.get("/.well-known/openid-configuration").json()
    key = jwt.PyJWKClient(found["jwks_uri"]).get_signing_key_from_jwt(token)
    claims: dict[str, Any] = jwt.decode(
        token, key, ["RS256"], audience="comptoir", issuer=found["issuer"]
    )
    return claims


def _refusal(answer: Answered) -> tuple[int, str]:
    body = answer.json()
    assert body.keys() == {"error", "error_description"}
    assert answer.headers["cache-control"] == "no-store"
    return answer.status, body["error"]


def test_a_token_for_a_secret(daemon: Process, acme: Client) -> None:
    """X7, RFC 6749 4.4: both ways to show the secret; the token has the client's scopes and no role."""
    form = {
        "grant_type": "client_credentials", "scope": "a:b",
        "client_id": acme["clientId"], "client_secret": acme["clientSecret"],
    }  # fmt: skip
    for answer, scope in (
        (_token(daemon, acme), "partner:submit a:b"),
        (_posts(daemon, "/oauth/token", form), "a:b"),
    ):
        assert answer.status == 200, answer
        assert (answer.headers["cache-control"], answer.headers["pragma"]) == (
            "no-store",
            "no-cache",
        )
        body = answer.json()
        assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 900, scope)
        claims = _claims(daemon, body["access_token"])
        assert claims["sub"] == claims["client_id"] == acme["clientId"]
        assert (claims["roles"], claims["scope"]) == ([], scope)
        assert claims["exp"] - claims["iat"] == 900
    found = daemon.get("/.well-known/openid-configuration").json()
    assert "client_credentials" in found["grant_types_supported"]
    assert found["token_endpoint_auth_methods_supported"] == [
        "client_secret_basic", "client_secret_post", "none",
    ]  # fmt: skip


def test_a_service_is_nobody(daemon: Process, acme: Client) -> None:
    """X7: a service's token opens what names one of its scopes, and no person's data, its own name's
    included.
    """
    token = _token(daemon, acme).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    for path in (f"/api/v1/wallets/{acme['clientId']}", "/api/v1/clients"):
        answer = daemon.request("GET", path, headers=headers)
        assert (answer.status, answer.json()["code"]) == (403, "FORBIDDEN")


def test_what_is_refused(daemon: Process, acme: Client) -> None:
    """RFC 6749 5.2: each fault has its word; who tried by the header is told the scheme."""
    right = {"grant_type": "client_credentials"}
    mine = _basic(acme["clientId"], acme["clientSecret"])
    wrong = _basic(acme["clientId"], "cs_wrong")
    for form, headers, status, error in (
        ({}, mine, 400, "invalid_request"),
        ({"grant_type": "password"}, mine, 400, "unsupported_grant_type"),
        (right, {}, 401, "invalid_client"),
        (right, wrong, 401, "invalid_client"),
        (right, _basic("cl_nobody", "cs_wrong"), 401, "invalid_client"),
        (right, {"Authorization": "Bearer x"}, 401, "invalid_client"),
        (right, {"Authorization": "Basic !"}, 401, "invalid_client"),
        ({**right, "client_id": acme["clientId"]}, {}, 401, "invalid_client"),
        ({**right, "client_secret": acme["clientSecret"]}, {}, 400, "invalid_request"),
        ({**right, "client_secret": acme["clientSecret"]}, mine, 400, "invalid_request"),
        ({**right, "client_id": "another"}, mine, 400, "invalid_request"),
        ({**right, "scope": "a:b c:d"}, mine, 400, "invalid_scope"),
        ({**right, "scope": 'a"b'}, mine, 400, "invalid_scope"),
        ({**right, "scope": "a:b  a:b"}, mine, 400, "invalid_scope"),
    ):
        answer = _posts(daemon, "/oauth/token", form, headers)
        assert _refusal(answer) == (status, error), form
        tried = status == 401 and "Authorization" in headers
        assert ("www-authenticate" in answer.headers) == tried
    doubled = b"grant_type=client_credentials&grant_type=client_credentials"
    answer = daemon.request("POST", "/oauth/token", doubled, {"Content-Type": FORM, **mine})
    assert _refusal(answer) == (400, "invalid_request")
    as_json = {"Content-Type": "application/json", **mine}
    answer = daemon.request("POST", "/oauth/token", b"{}", as_json)
    assert _refusal(answer) == (400, "invalid_request")


def test_who_is_not_there_is_as_who_is(daemon: Process, acme: Client) -> None:
    """X7, S62: a wrong secret and an unknown client hear the same, to the byte, from a whole daemon. That
    it is after the same work: tests/http/oauth/test_client_secrets.py.
    """
    told: set[tuple[int, tuple[str, ...], bytes]] = set()
    for client_id in (acme["clientId"], "cl_" + "0" * 20):
        answer = _token(daemon, {"clientId": client_id, "clientSecret": "cs_wrong"})
        told.add((answer.status, tuple(sorted(answer.headers)), answer.body))
    assert len(told) == 1


def test_secrets_stay_secret(daemon: Process, acme: Client, comptoir_postgres_server: Any) -> None:
    """S36, S59: no secret and no token is in a log, in an event or in a list; the grant is on record."""
    token = _token(daemon, acme).json()["access_token"]
    said = daemon.log.read_text()
    assert acme["clientSecret"] not in said
    assert token not in said
    rows = [json.loads(line) for line in daemon.run("client", "list").splitlines()]
    [mine] = [row for row in rows if row["clientId"] == acme["clientId"]]
    assert mine.keys() == {"clientId", "name", "scopes", "registeredAt"}
    assert (mine["name"], mine["scopes"]) == ("acme", ["partner:submit", "a:b"])
    database = daemon.env["COMPTOIR_STORAGE__URL"].partition("@/")[2].partition("?")[0]
    text = (
        "select string_agg(encode(state, 'escape'), '') from comptoir.actor where kind = 'clients'"
    )
    kept = trio.run(comptoir_postgres_server.run_sql, text, database)
    assert kept
    assert acme["clientId"] not in kept, "sealed"
    events = "select count(*) > 0 from comptoir.event where type = 'ClientTokenGranted'"
    assert trio.run(comptoir_postgres_server.run_sql, events, database) == "t"


def test_revoked_is_revoked(comptoir_daemon: Start) -> None:
    """X7: a client that was revoked gets no more tokens, also after a kill; others do."""
    daemon = comptoir_daemon(COMPTOIR_AUTH__MODE="on", COMPTOIR_AUTH__ISSUER="https://c.example")
    url = ("--url", daemon.url)
    made = [
        json.loads(daemon.run("client", "add", name, "--scope", "a:b", *url))
        for name in ("one", "two")
    ]
    assert [_token(daemon, client).status for client in made] == [200, 200]
    gone = json.loads(daemon.run("client", "revoke", made[0]["clientId"], *url))
    assert gone == {"clientId": made[0]["clientId"], "status": "revoked"}
    for _ in range(2):
        assert [_token(daemon, client).status for client in made] == [401, 200]
        daemon.kill()
        daemon.start()
    again = json.loads(daemon.run("client", "revoke", made[0]["clientId"], "--url", daemon.url))
    assert again == gone, "the first answer may have been lost by the kill"
    left = json.loads(daemon.run("client", "list", "--url", daemon.url))
    assert left["clientId"] == made[1]["clientId"]


def test_a_client_has_its_minute(comptoir_daemon: Start) -> None:
    """S62: an address has its quota of attempts, and a client its quota of tokens."""
    daemon = comptoir_daemon(
        COMPTOIR_AUTH__MODE="on", COMPTOIR_HTTP__RATE_PER_MINUTE_AUTHENTICATED="3",
        COMPTOIR_HTTP__RATE_PER_MINUTE_ANONYMOUS="7",
    )  # fmt: skip
    one, two = _added(daemon, "one", "a:b"), _added(daemon, "two", "a:b")
    assert [_token(daemon, one).status for _ in range(4)] == [200, 200, 200, 429]
    assert _token(daemon, two).status == 200, "another client is not held up by it"
    wrong = {**one, "clientSecret": "cs_wrong"}
    assert [_token(daemon, wrong).status for _ in range(3)] == [401, 401, 429]
    limited = _token(daemon, two)
    assert (limited.status, limited.json()["code"]) == (429, "RATE_LIMITED")
    assert int(limited.headers["retry-after"]) >= 1


def test_revocation(daemon: Process, acme: Client) -> None:
    """RFC 7009: what nobody knows is as good as revoked; an access token is, and so again."""
    mine = _basic(acme["clientId"], acme["clientSecret"])
    assert _posts(daemon, "/oauth/revoke", {"token": "unknown"}, mine).status == 200
    token = _token(daemon, acme).json()["access_token"]
    for _ in range(2):
        assert _posts(daemon, "/oauth/revoke", {"token": token}, mine).status == 200
    assert _refusal(_posts(daemon, "/oauth/revoke", {}, mine)) == (400, "invalid_request")
    assert _refusal(_posts(daemon, "/oauth/revoke", {"token": "x"})) == (401, "invalid_client")


def test_the_command_is_refused_by_name(daemon: Process) -> None:
    """Interface.md 2: wrong names and scopes, clients and daemons that are not there."""
    for words, code in (
        (("add", "x" * 65, "--scope", "a:b"), "REQUEST_INVALID"),
        (("add", "acme", "--scope", 'a"b'), "REQUEST_INVALID"),
        (("revoke", "cl_nobody"), "NOT_FOUND"),
        (("list", "--url", "http://127.0.0.1:9"), "DAEMON_UNREACHABLE"),
    ):
        with pytest.raises(AssertionError, match=f"comptoir: {code}: "):
            daemon.run("client", *words)


def test_without_accounts_there_is_no_endpoint(comptoir_daemon: Start) -> None:
    """Interface.md 3: auth.mode loopback issues nothing, and announces nothing."""
    daemon = comptoir_daemon()
    for path in ("/oauth/jwks.json", "/.well-known/openid-configuration"):
        assert daemon.get(path).status == 404
    for path in ("/oauth/token", "/oauth/revoke"):
        assert _posts(daemon, path, {"grant_type": "client_credentials"}).status == 404


def test_it_is_described(daemon: Process, acme: Client) -> None:
    """S73: what the endpoints answer is what the description says, success and failure."""
    described = Described(daemon.get("/api/v1/openapi.json").json())
    headers = _basic(acme["clientId"], acme["clientSecret"])
    admin = {"Authorization": f"Bearer {daemon.token('eva', 'ADMIN')}"}
    for operation, answer in (
        ("getToken", _token(daemon, acme)),
        ("getToken", _token(daemon, acme, scope="z:z")),
        ("getToken", _posts(daemon, "/oauth/token", {"grant_type": "client_credentials"})),
        ("revokeToken", _posts(daemon, "/oauth/revoke", {"token": "x"}, headers)),
        ("revokeToken", _posts(daemon, "/oauth/revoke", {}, headers)),
        ("getKeys", daemon.get("/oauth/jwks.json")),
        ("getConfiguration", daemon.get("/.well-known/openid-configuration")),
        ("listClients", daemon.request("GET", "/api/v1/clients", headers=admin)),
        ("revokeClient", daemon.request("DELETE", "/api/v1/clients/cl_x", headers=admin)),
        ("registerClient", daemon.request("POST", "/api/v1/clients", b"{}", {
            **admin, "Content-Type": "application/json"})),
        ("registerClient", daemon.request("POST", "/api/v1/clients", b'{"name":"n","scopes":["a:b"]}', {
            **admin, "Content-Type": "application/json"})),
    ):  # fmt: skip
        of_the_answer = {
            name.encode(): value.encode()
            for name, value in answer.headers.items()
            if name not in {"connection", "transfer-encoding"}
        }
        described.holds(operation, answer.status, of_the_answer, answer.body)


def test_a_client_is_added_once(comptoir_daemon: Start) -> None:
    """Interface.md 1: under an Idempotency-Key, also across a kill; after a day the key is a new one."""
    daemon = comptoir_daemon(COMPTOIR_AUTH__MODE="on", COMPTOIR_AUTH__ISSUER="https://c.example")
    admin = {"Authorization": f"Bearer {daemon.token('eva', 'ADMIN')}", "Idempotency-Key": "once"}

    def added(name: str) -> Answered:
        body = json.dumps({"name": name, "scopes": ["a:b"]}).encode()
        headers = {**admin, "Content-Type": "application/json"}
        return daemon.request("POST", "/api/v1/clients", body, headers)

    first = added("one")
    assert (first.status, first.headers.get("idempotency-replayed")) == (201, None)
    for _ in range(2):
        again = added("one")
        assert (again.status, again.body) == (201, first.body)
        assert again.headers["idempotency-replayed"] == "true"
        other = added("two")
        assert (other.status, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
        daemon.kill()
        daemon.start()
    names = [
        json.loads(line)["name"]
        for line in daemon.run("client", "list", "--url", daemon.url).splitlines()
    ]
    assert names == ["one"]
    admin["Authorization"] = f"Bearer {daemon.token('ann', 'ADMIN')}"
    assert added("three").status == 201
    daemon.post("/dev/v1/clock", {"advanceSeconds": 86_401})
    assert added("four").status == 201


def test_a_service_and_a_token(daemon: Process) -> None:
    """RFC 7009, X7: an access token that its client gives back, and all of a client that is revoked, are
    refused from the answer on; another's are not.
    """
    one, two = _added(daemon, "one", "a:b"), _added(daemon, "two", "a:b")

    def back(client: Client, given: str) -> Answered:
        headers = _basic(client["clientId"], client["clientSecret"])
        return _posts(daemon, "/oauth/revoke", {"token": given}, headers)

    def token(client: Client) -> str:
        return str(_token(daemon, client).json()["access_token"])

    def status(text: str) -> int:
        headers = {"Authorization": f"Bearer {text}"}
        return daemon.request("GET", "/api/v1/staff", headers=headers).status

    first, second, others = token(one), token(one), token(two)
    assert back(two, first).json()["error"] == "invalid_grant"
    assert [status(x) for x in (first, second, others)] == [403, 403, 403]
    assert back(one, first).status == 200
    assert back(one, first).status == 200
    assert [status(x) for x in (first, second, others)] == [401, 403, 403]
    daemon.run("client", "revoke", one["clientId"])
    assert [status(x) for x in (first, second, others)] == [401, 401, 403]
    daemon.kill()
    daemon.start()
    assert [status(x) for x in (first, second, others)] == [401, 401, 403]
