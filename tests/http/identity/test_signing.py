"""Our own keys and tokens: made once, kept private, rotated without refusing anybody.

Source: signing.py, issuing.py, issued.py, documents.py; interface.md 9; S34, S62; RFC 9068, RFC 7638.
"""

import errno
import json
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest

from comptoir.http.identity import issued
from comptoir.http.identity.authenticator import OwnIssuer, TokenAuthenticator
from comptoir.http.identity.documents import jwks, openid_configuration
from comptoir.http.identity.issuing import Grant, issue, note_issuer, noted_issuer
from comptoir.http.identity.signing import KEYS_MAX, RETIRED_SECONDS, SigningKeys, SigningKeysUnsafe
from comptoir.http.principal import Principal, Role, Unauthenticated
from tests.http.identity.conftest import private_row
from tests.http.identity.forge import ISSUER, NOW, key

Opened = Callable[..., SigningKeys]
GRANT = Grant("u1", (Role.CLIENT, Role.ADMIN), ("a:b", "c"), "comptoir-cli", 900)
DAY = 86_400


def _authenticator(keys: SigningKeys, now: int = NOW) -> TokenAuthenticator:
    return TokenAuthenticator([OwnIssuer(ISSUER, keys)], now=lambda: now)


async def _principal(keys: SigningKeys, token: str, now: int = NOW) -> Principal:
    return await _authenticator(keys, now).principal([f"Bearer {token}"])


async def test_a_token_of_ours_is_taken(opened: Opened) -> None:
    """interface.md 9, S34: what `issue` signs says who asks, until it expires."""
    keys = opened()
    token, token_id = issue(keys, ISSUER, GRANT, NOW)
    assert await _principal(keys, token) == Principal(
        "u1", ISSUER, frozenset({Role.CLIENT, Role.ADMIN}), frozenset({"a:b", "c"}),
        client_id="comptoir-cli", expires_at=NOW + 900,
    )  # fmt: skip
    assert token_id != issue(keys, ISSUER, GRANT, NOW)[1]
    assert (await _principal(keys, token, NOW + 900 + 59)).subject == "u1"
    with pytest.raises(Unauthenticated, match="expired"):
        await _principal(keys, token, NOW + 900 + 60)


async def test_a_token_of_ours_is_right_to_another_library(opened: Opened) -> None:
    """RFC 9068 2, S62: PyJWT verifies it by what we publish, and finds every claim that is asked for."""
    keys = opened()
    token, token_id = issue(keys, ISSUER, GRANT, NOW)
    header = jwt.get_unverified_header(token)
    assert header["typ"] == "at+jwt"
    (found,) = [
        one for one in jwt.PyJWKSet.from_dict(jwks(keys, NOW)).keys if one.key_id == header["kid"]
    ]
    claims = jwt.decode(
        token, found, algorithms=["RS256"], audience="comptoir", issuer=ISSUER,
        options={"verify_exp": False, "verify_iat": False},
    )  # fmt: skip
    assert claims == {
        "iss": ISSUER, "sub": "u1", "aud": "comptoir", "iat": NOW, "exp": NOW + 900, "jti": token_id,
        "client_id": "comptoir-cli", "roles": ["CLIENT", "ADMIN"], "scope": "a:b c",
    }  # fmt: skip


async def test_signed_by_another_of_our_name(opened: Opened, tmp_path: Path) -> None:
    """S62: another folder's key is nobody's, even under our issuer's name."""
    stranger = SigningKeys.open(tmp_path / "other" / "tokens.json", NOW)
    token, _ = issue(stranger, ISSUER, GRANT, NOW)
    with pytest.raises(Unauthenticated, match="key_unknown"):
        await _principal(opened(), token)


def test_the_file_is_for_its_owner(opened: Opened, key_file: Path) -> None:
    """S62: made at the first start with mode 0600 in a folder of 0700; the second start has the same key."""
    first = jwks(opened(), NOW)
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(key_file.parent.stat().st_mode) == 0o700
    assert jwks(opened(), NOW) == first
    assert [path.name for path in key_file.parent.iterdir()] == ["tokens.json"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_file_that_others_may_read(opened: Opened, key_file: Path, mode: int) -> None:
    """S62: is refused by name, with what to do, and left as it is."""
    opened()
    key_file.chmod(mode)
    before = key_file.read_bytes()
    with pytest.raises(SigningKeysUnsafe) as caught:
        opened()
    assert (caught.value.code, caught.value.exit_status) == ("TOKEN_KEYS_UNSAFE", 5)
    assert key_file.read_bytes() == before


def test_a_link_is_not_followed(opened: Opened, key_file: Path, tmp_path: Path) -> None:
    """S62: keys are read from the folder itself."""
    opened()
    moved = key_file.rename(tmp_path / "elsewhere")
    key_file.symlink_to(moved)
    with pytest.raises(OSError, match="symbolic"):
        opened()


def _broken() -> list[tuple[str, list[Any]]]:
    row = private_row(key("ours"), "x")
    good = private_row(key("ours"), str(row["kid"]))
    return [
        ("empty", []),
        ("a kid that is not its thumbprint", [row]),
        (
            "a public key",
            [{n: v for n, v in good.items() if n not in {"d", "p", "q", "dp", "dq", "qi"}}],
        ),
        ("a weak key", [private_row(key("weak", 1024), "x")]),
        ("no time", [{n: v for n, v in good.items() if n != "made_at"}]),
        ("a time that is none", [{**good, "made_at": "1"}]),
        ("halves of two keys", [{**good, "d": private_row(key("second"), "x")["d"]}]),
        ("no object", [1]),
    ]


@pytest.mark.parametrize(
    ("name", "rows"), _broken(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_file_of_something_else(
    signing_file: Callable[[list[dict[str, Any]]], Path],
    opened: Opened,
    name: str,
    rows: list[dict[str, Any]],
) -> None:
    """Invariant 5, S62: is refused by name, and the error quotes nothing of it."""
    signing_file(rows)
    with pytest.raises(SigningKeysUnsafe) as caught:
        opened()
    assert caught.value.__context__ is None, name
    assert "tokens.json" in str(caught.value)


async def test_rotation(opened: Opened) -> None:
    """S62: after a rotation the new key signs, tokens of the old one are taken for as long as they live,
    and the set shows both; a day and an hour later only the new one is left.
    """
    keys = opened()
    old, _ = issue(keys, ISSUER, GRANT, NOW)
    keys.rotate(NOW + 10)
    new, _ = issue(keys, ISSUER, GRANT, NOW + 10)
    assert jwt.get_unverified_header(old)["kid"] != jwt.get_unverified_header(new)["kid"]
    for reader in (keys, opened(NOW + 10)):
        assert (await _principal(reader, old, NOW + 20)).subject == "u1"
        assert (await _principal(reader, new, NOW + 20)).subject == "u1"
        assert len(jwks(reader, NOW + 20)["keys"]) == 2
        last = NOW + 10 + RETIRED_SECONDS
        assert [one["kid"] for one in jwks(reader, last)["keys"]] == [
            jwt.get_unverified_header(new)["kid"]
        ]
        with pytest.raises(Unauthenticated, match="key_unknown"):
            await _principal(reader, old, last)


def test_a_start_rotates_by_age(opened: Opened) -> None:
    """auth.signing_key_days, S62: a start with an old key makes a new one; a command never does."""
    first = jwks(opened(), NOW)["keys"]
    assert jwks(opened(NOW + 90 * DAY - 1, 90), NOW)["keys"] == first
    assert jwks(opened(NOW + 90 * DAY), NOW)["keys"] == first
    second = opened(NOW + 90 * DAY, 90)
    assert [one["kid"] for one in jwks(second, NOW + 90 * DAY)["keys"]][1:] == [first[0]["kid"]]
    assert second.is_older(NOW + 180 * DAY, 90)
    assert not second.is_older(NOW + 180 * DAY - 1, 90)


@pytest.mark.parametrize("days_max", [None, 90])
def test_starts_at_once(opened: Opened, days_max: int | None) -> None:
    """S62: of starts at the same moment one makes the first key, or the next one, and all have it."""
    if days_max is not None:
        opened()
    with ThreadPoolExecutor(4) as pool:
        starts = [pool.submit(opened, NOW + 90 * DAY, days_max) for _ in range(8)]
        found = [jwks(start.result(), NOW) for start in starts]
    assert all(one == found[0] for one in found)
    assert len(found[0]["keys"]) == (1 if days_max is None else 2)


async def test_a_rotation_that_fails_changes_nothing(
    opened: Opened, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S62: a full disk in the middle of a rotation leaves the key that signs, in memory and on disk."""
    keys = opened()
    before = key_file.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as failing:
        failing.setattr("os.fsync", full)
        with pytest.raises(OSError, match="full"):
            keys.rotate(NOW)
    assert key_file.read_bytes() == before
    token, _ = issue(keys, ISSUER, GRANT, NOW)
    assert (await _principal(opened(), token)).subject == "u1"
    keys.rotate(NOW)
    assert len(jwks(opened(), NOW)["keys"]) == 2


def test_rotations_are_bounded(
    opened: Opened, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S62: however often it is rotated, the file keeps so many keys, the newest first."""
    monkeypatch.setattr("comptoir.http.identity.signing.KEYS_MAX", 3)
    keys = opened()
    assert KEYS_MAX > 3
    kids = [jwks(keys, NOW)["keys"][0]["kid"]]
    for _ in range(4):
        keys.rotate(NOW)
        kids.insert(0, jwks(keys, NOW)["keys"][0]["kid"])
    assert [one["kid"] for one in jwks(keys, NOW)["keys"]] == kids[:3]
    assert [row["kid"] for row in json.loads(key_file.read_bytes())["keys"]] == kids[:3]


def test_what_is_published_is_public(opened: Opened) -> None:
    """S62: the set has what verifies and no more, and no text of ours has the rest."""
    keys = opened()
    for jwk in jwks(keys, NOW)["keys"]:
        assert jwk.keys() == {"kty", "n", "e", "kid", "use", "alg"}
    assert len(repr(keys)) < 120


def test_openid_configuration() -> None:
    """interface.md 9, S34: endpoints that are there are announced, and no others."""
    bare = openid_configuration(ISSUER)
    assert bare["issuer"] == ISSUER
    assert bare["jwks_uri"] == f"{ISSUER}/oauth/jwks.json"
    assert not any("endpoint" in name for name in bare)
    assert bare["response_types_supported"] == bare["grant_types_supported"] == []
    served = ["authorization_endpoint", "token_endpoint", "revocation_endpoint"]
    whole = openid_configuration(ISSUER, served, ["authorization_code", "refresh_token"])
    assert [whole[name] for name in served] == [
        f"{ISSUER}/oauth/authorize", f"{ISSUER}/oauth/token", f"{ISSUER}/oauth/revoke",
    ]  # fmt: skip
    assert whole["code_challenge_methods_supported"] == ["S256"]
    assert whole["id_token_signing_alg_values_supported"] == ["RS256"]


def test_the_issuer_is_noted(tmp_path: Path) -> None:
    """interface.md 9: a command finds the very text that the daemon on a free port uses."""
    assert noted_issuer(tmp_path) is None
    note_issuer(tmp_path, "http://127.0.0.1:40321")
    note_issuer(tmp_path, "http://127.0.0.1:40322")
    assert noted_issuer(tmp_path) == "http://127.0.0.1:40322"
    assert len(list(tmp_path.iterdir())) == 1


def test_tokens_made_by_hand_are_on_record(tmp_path: Path) -> None:
    """interface.md 9, S36: each is a line that waits for the audit log, given again until it is taken."""
    assert issued.waiting(tmp_path) == []
    for number in (1, 2):
        issued.record(tmp_path, issued.Issued(f"t{number}", NOW, GRANT, 0))
    assert stat.S_IMODE((tmp_path / issued.RECORD_FILE).stat().st_mode) == 0o600
    first = issued.waiting(tmp_path)
    assert [row["jti"] for row in first] == ["t1", "t2"]
    assert first[0] == {
        "jti": "t1", "at": NOW, "sub": "u1", "roles": ["CLIENT", "ADMIN"], "scopes": ["a:b", "c"],
        "clientId": "comptoir-cli", "seconds": 900, "uid": 0,
    }  # fmt: skip
    issued.record(tmp_path, issued.Issued("t3", NOW, GRANT, 0))
    assert issued.waiting(tmp_path) == first
    issued.taken(tmp_path)
    assert [row["jti"] for row in issued.waiting(tmp_path)] == ["t3"]
    issued.taken(tmp_path)
    assert issued.waiting(tmp_path) == []


def test_a_torn_line_takes_no_other_with_it(tmp_path: Path) -> None:
    """Invariant 5, S36: what a full disk or a crash left half is passed over, the lines around it are not."""
    for number in (1, 2):
        issued.record(tmp_path, issued.Issued(f"t{number}", NOW, GRANT, 0))
        with (tmp_path / issued.RECORD_FILE).open("ab") as file:
            file.write(b'{"jti":"torn')
    issued.record(tmp_path, issued.Issued("t3", NOW, GRANT, 0))
    assert [row["jti"] for row in issued.waiting(tmp_path)] == ["t1", "t2", "t3"]


def test_the_record_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Invariant 5: a full record takes no more, so that no token goes without."""
    monkeypatch.setattr(issued, "FILE_BYTES_MAX", 100)
    made = issued.Issued("t1", NOW, GRANT, 0)
    issued.record(tmp_path, made)
    with pytest.raises(issued.RecordFull):
        issued.record(tmp_path, made)
    assert len(issued.waiting(tmp_path)) == 1
