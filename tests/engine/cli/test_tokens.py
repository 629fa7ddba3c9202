"""`comptoir token` and the checks of tokens, as their users run them.

Source: interface.md 9; check-command contract, kinds `jwt`, `jwk`, `aead-open`; S34, S36, S62.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest

from comptoir.http.identity.authenticator import OwnIssuer, TokenAuthenticator
from comptoir.http.identity.documents import jwks
from comptoir.http.identity.issuing import note_issuer
from comptoir.http.identity.signing import SigningKeys
from comptoir.http.principal import Role

ISSUER = "http://127.0.0.1:8080"


@pytest.fixture
def keys(tmp_path: Path) -> Callable[[], SigningKeys]:
    """The keys of the command's data folder, as the daemon opens them."""
    return lambda: SigningKeys.open(
        tmp_path / ".comptoir" / "keys" / "tokens.json", int(time.time())
    )


async def test_a_token_is_printed(
    run: Any, keys: Callable[[], SigningKeys], tmp_path: Path
) -> None:
    """interface.md 9, S34: one token and nothing else, which the daemon of that folder takes."""
    shown = run("token", "--sub", "u1", "--role", "CLIENT", "--role", "ADMIN", "--scope", "a b")
    assert (shown.status, shown.err, shown.out.count("\n")) == (0, "", 1)
    token = shown.out.strip()
    principal = await TokenAuthenticator([OwnIssuer(ISSUER, keys())]).principal([f"Bearer {token}"])
    assert principal.subject == "u1"
    assert principal.roles == {Role.CLIENT, Role.ADMIN}
    assert principal.scopes == {"a", "b"}
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 900
    assert abs(claims["iat"] - time.time()) < 60
    (line,) = (tmp_path / ".comptoir" / "keys" / "issued.jsonl").read_text().splitlines()
    assert json.loads(line)["jti"] == claims["jti"]
    assert token.rpartition(".")[2] not in line


def test_its_life(run: Any) -> None:
    """interface.md 9, S62: that of `--ttl`, else that of the settings."""

    def seconds(*arguments: str, **values: str) -> int:
        shown = run("token", "--sub", "u1", "--role", "CLIENT", *arguments, **values)
        claims = jwt.decode(shown.out.strip(), options={"verify_signature": False})
        return int(claims["exp"] - claims["iat"])

    assert seconds("--ttl", "5") == 5
    assert seconds(COMPTOIR_AUTH__ACCESS_TOKEN_MINUTES="3") == 180


def test_its_issuer(run: Any, tmp_path: Path) -> None:
    """interface.md 9: auth.issuer, else what the daemon noted, else the HTTP address; never a guess."""

    def issuer(**values: str) -> str:
        shown = run("token", "--sub", "u1", "--role", "CLIENT", **values)
        if shown.status:
            return str(shown.last_error.split(": ")[1])
        return str(jwt.decode(shown.out.strip(), options={"verify_signature": False})["iss"])

    assert issuer(COMPTOIR_HTTP__PORT="0") == "ISSUER_UNKNOWN"
    assert issuer(COMPTOIR_HTTP__PORT="8123") == "http://127.0.0.1:8123"
    note_issuer(tmp_path / ".comptoir" / "keys", "http://127.0.0.1:40321")
    assert issuer(COMPTOIR_HTTP__PORT="0") == "http://127.0.0.1:40321"
    assert issuer(COMPTOIR_AUTH__ISSUER="https://c.example") == "https://c.example"


@pytest.mark.parametrize(
    ("arguments", "values", "code"),
    [
        (("--sub", "u1", "--role", "CLIENT"), {"COMPTOIR_AUTH__DEV_TOKENS": "false"}, "DEV_TOKENS_OFF"),
        (("--sub", "u1", "--role", "CLIENT"),
         {"COMPTOIR_HTTP__HOST": "0.0.0.0", "COMPTOIR_AUTH__MODE": "on"}, "CONFIG_RULE_BROKEN"),
        (("--sub", "u1"), {}, "USAGE"),
        (("--role", "CLIENT"), {}, "USAGE"),
        (("--sub", "u1", "--role", "client"), {}, "USAGE"),
        (("--sub", "u1", "--role", "ROOT"), {}, "USAGE"),
        (("--sub", "", "--role", "CLIENT"), {}, "USAGE"),
        (("--sub", "u" * 256, "--role", "CLIENT"), {}, "USAGE"),
        (("--sub", "u\n1", "--role", "CLIENT"), {}, "USAGE"),
        (("--sub", "u1", "--role", "CLIENT", "--scope", 'a"'), {}, "USAGE"),
        (("--sub", "u1", "--role", "CLIENT", "--ttl", "0"), {}, "USAGE"),
        (("--sub", "u1", "--role", "CLIENT", "--ttl", "86401"), {}, "USAGE"),
    ],
)  # fmt: skip
def test_refused(
    run: Any, tmp_path: Path, arguments: tuple[str, ...], values: dict[str, str], code: str
) -> None:
    """interface.md 9, S62: refused by name, exit 2, and nothing was made, not even a key."""
    shown = run("token", *arguments, **values)
    assert (shown.status, shown.out) == (2, "")
    assert shown.last_error.startswith(f"comptoir: {code}: ")
    assert not (tmp_path / ".comptoir").exists()


def test_keys_that_others_may_read(
    run: Any, keys: Callable[[], SigningKeys], tmp_path: Path
) -> None:
    """S62: sign nothing: exit 5, as other secrets that are known."""
    keys()
    (tmp_path / ".comptoir" / "keys" / "tokens.json").chmod(0o644)
    shown = run("token", "--sub", "u1", "--role", "CLIENT")
    assert (shown.status, shown.out) == (5, "")
    assert shown.last_error.startswith("comptoir: TOKEN_KEYS_UNSAFE: ")


def test_tokens_are_checked(run: Any, keys: Callable[[], SigningKeys]) -> None:
    """check-command contract, S62: each of issuer, audience and time is asked where it is given."""
    token = run("token", "--sub", "u1", "--role", "CLIENT").out.strip()
    document = jwks(keys(), int(time.time()))
    right = {"token": token, "jwks": document}
    asked: list[dict[str, Any]] = [
        right,
        {**right, "issuer": ISSUER, "audience": "comptoir", "now": int(time.time())},
        {**right, "issuer": "x"},
        {**right, "audience": "x"},
        {**right, "now": int(time.time()) + 10_000},
        {**right, "now": int(time.time()) - 10_000},
        {**right, "token": token[:-1]},
        {**right, "jwks": {"keys": []}},
    ]
    shown = run("check", "jwt", stdin="\n".join(map(json.dumps, asked)).encode())
    answers = [json.loads(line) for line in shown.out.splitlines()]
    assert (shown.status, [answer["ok"] for answer in answers]) == (0, [True] * 2 + [False] * 6)
    assert answers[0]["claims"]["sub"] == "u1"
    assert [answer["error"]["code"] for answer in answers[2:]] == [
        "TOKEN_ISSUER_UNKNOWN", "TOKEN_AUDIENCE_MISMATCH", "TOKEN_EXPIRED", "TOKEN_NOT_YET_VALID",
        "TOKEN_MALFORMED", "TOKEN_KEY_UNKNOWN",
    ]  # fmt: skip
    jwk = document["keys"][0]
    keys_asked = "\n".join(json.dumps({"jwk": one}) for one in (jwk, {**jwk, "d": "AQAB"}))
    answers = [
        json.loads(line) for line in run("check", "jwk", stdin=keys_asked.encode()).out.splitlines()
    ]
    assert [answer["ok"] for answer in answers] == [True, False]
