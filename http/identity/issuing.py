"""Our own access tokens: who our issuer is, and what a token of it says.

The rule: a token lives no longer than its key may verify, has an id of its own (`jti`), and names us
as its audience. Its issuer is a setting or the address that the daemon listens on; where that is any
free port, the daemon notes it in the data folder, so that a command finds the very same text.
Source: interface.md 9; RFC 9068 section 2.2; RFC 7519 section 4.1; spec.md S34, S62.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from comptoir.http.identity.signing import TOKEN_SECONDS_MAX, SigningKeys
from comptoir.http.principal import Role

__all__ = [
    "AUDIENCE",
    "BY_HAND",
    "BY_HAND_METHODS",
    "Grant",
    "draw_token_id",
    "issue",
    "issue_id_token",
    "note_issuer",
    "noted_issuer",
]

AUDIENCE: Final = "comptoir"
BY_HAND: Final = "comptoir-cli"
"""`client_id` of the tokens that the commands sign, so that whoever meets one knows where it is from."""
BY_HAND_METHODS: Final = ("mfa",)
"""What they say of a sign-in that was none: whoever reads the keys could say so by hand, and is asked for
nothing more."""
ISSUER_NOTE: Final = "issuer"
"""File beside the keys: the issuer of the daemon that listens, or listened last."""
NOTE_BYTES_MAX: Final = 4096
ID_BYTES: Final = 16
"""Of `jti`: 128 random bits."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token is to say."""

    subject: str
    roles: Sequence[Role]
    scopes: Sequence[str]
    client_id: str
    """Through which client, such as `comptoir-cli`."""
    seconds: int
    """Life, 1 to TOKEN_SECONDS_MAX."""
    methods: Sequence[str] = ()
    """`amr`: how the person signed in."""
    context: str = ""
    """`acr`: the class of that sign-in; empty: none that has a name."""
    signed_in_at: int = 0
    """`auth_time`, seconds since 1970; 0: nobody did."""
    family: str = ""
    """`sid`: key of the family that it came of."""
    generation: int | None = None
    """`gen`: of what the person had when they signed in (actors/person); None: nobody did."""


def draw_token_id() -> str:
    """A new `jti`."""
    return secrets.token_urlsafe(ID_BYTES)


def issue(
    keys: SigningKeys, issuer: str, grant: Grant, now: int, token_id: str | None = None
) -> tuple[str, str]:
    """One signed access token, and its `jti`.

    Args:
        keys: ours.
        issuer: ours.
        grant: what it says.
        now: seconds since 1970.
        token_id: its `jti`; None draws one.
    """
    assert 0 < grant.seconds <= TOKEN_SECONDS_MAX, "its key would be gone before it"
    token_id = token_id or draw_token_id()
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": grant.subject,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + grant.seconds,
        "jti": token_id,
        "client_id": grant.client_id,
        "roles": [role.value for role in grant.roles],
    }
    if grant.scopes:
        claims["scope"] = " ".join(grant.scopes)
    claims |= _sign_in(grant)
    if grant.family:
        claims["sid"] = grant.family
    if grant.generation is not None:
        claims["gen"] = grant.generation
    return keys.sign(claims), token_id


def issue_id_token(keys: SigningKeys, issuer: str, grant: Grant, now: int, nonce: str) -> str:
    """One signed ID token: it tells the client who signed in, and opens nothing here.

    Its type is `JWT` and its audience the client, so that it never passes for an access token.

    Args:
        keys: ours.
        issuer: ours.
        grant: what the access token beside it says.
        now: seconds since 1970.
        nonce: the client's, empty without one.

    Source: OpenID Connect Core 1.0 section 2.
    """
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": grant.subject,
        "aud": grant.client_id,
        "iat": now,
        "exp": now + grant.seconds,
        **_sign_in(grant),
    }
    if nonce:
        claims["nonce"] = nonce
    return keys.sign(claims, "JWT")


def _sign_in(grant: Grant) -> dict[str, Any]:
    """What both tokens say of how and when a person signed in (RFC 9068 section 2.2.1)."""
    said: dict[str, Any] = {}
    if grant.methods:
        said["amr"] = list(grant.methods)
    if grant.context:
        said["acr"] = grant.context
    if grant.signed_in_at:
        said["auth_time"] = grant.signed_in_at
    return said


def note_issuer(folder: Path, issuer: str) -> None:
    """Remember the issuer beside the keys; whoever listens calls it.

    Args:
        folder: DATA_DIR/keys, which exists.
        issuer: such as `http://127.0.0.1:40321`.
    """
    draft = folder / f".{ISSUER_NOTE}.{secrets.token_hex(4)}"
    draft.write_text(issuer, encoding="ascii")
    draft.replace(folder / ISSUER_NOTE)


def noted_issuer(folder: Path) -> str | None:
    """The issuer that was noted last; None where no daemon has listened yet."""
    try:
        with (folder / ISSUER_NOTE).open(encoding="ascii") as file:
            return file.read(NOTE_BYTES_MAX) or None
    except (OSError, ValueError):
        return None
