"""The grants of people: a code for tokens, a refresh token for the next ones; and their end.

The rule: tokens are made only from what an actor has answered, so from what is durable. Clients here are
public, as programs on people's devices are: they have no secret, and show instead that the code or the
token was given to them. Whatever is wrong with either is `invalid_grant` in one and the same words.
Source: spec.md S34; RFC 6749 sections 4.1.3 and 6; RFC 7009; RFC 7636 sections 4.5 and 4.6; OpenID
Connect Core 1.0 sections 2 and 3.1.3.
"""

import re
from hashlib import sha256
from typing import Final

from comptoir.actors.authorization_code.messages import KIND as CODE
from comptoir.actors.authorization_code.messages import CodeRedeemed, RedeemCode
from comptoir.actors.refresh_family.messages import KIND as FAMILY
from comptoir.actors.refresh_family.messages import (
    Authorization,
    Revoked,
    RevokeFamily,
    RotateToken,
    TokenRefused,
    TokenRotated,
)
from comptoir.actors.revocation.messages import Ground
from comptoir.actors.revocation.views import Given
from comptoir.engine import Address, Refused
from comptoir.http.identity import base64url
from comptoir.http.identity.authenticator import wall_seconds
from comptoir.http.identity.claims import is_scope
from comptoir.http.identity.issuing import Grant, issue_id_token
from comptoir.http.identity.opening import Identity
from comptoir.http.identity.refused import TokenRefused as Unproven
from comptoir.http.oauth.answers import OAuthError, TokenAnswer
from comptoir.http.oauth.ending import end_access
from comptoir.http.oauth.opaque import (
    RefreshToken,
    code_key,
    draw_refresh_token,
    read_refresh_token,
)
from comptoir.http.oauth.requests import TokenRequest
from comptoir.http.port import Port
from comptoir.http.principal import Role

__all__ = [
    "authorization_code",
    "challenge_of",
    "public_client",
    "refresh_token",
    "revoke_access_token",
    "revoke_refresh_token",
]

OPENID: Final = "openid"
"""The scope that asks for an ID token."""
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}").fullmatch
"""RFC 7636 section 4.1."""
_ROLES: Final = {role.value: role for role in Role}


async def authorization_code(port: Port, request: TokenRequest) -> TokenAnswer:
    """`grant_type=authorization_code`: RFC 6749 section 4.1.3 with RFC 7636.

    Raises:
        OAuthError: `invalid_request`, `invalid_client`, `invalid_grant`.
    """
    client_id = _wanted_client(port, request)
    text, verifier = request.want("code"), request.want("code_verifier")
    redirect_uri = request.want("redirect_uri")
    if not _VERIFIER(verifier):
        raise OAuthError("invalid_request", "code_verifier is not that of RFC 7636, 4.1")
    key = code_key(text)
    if key is None:
        raise _no_grant()
    identity = _identity(port)
    token = draw_refresh_token()
    redeem = RedeemCode(
        client_id, redirect_uri, challenge_of(verifier),
        token.family, token.digest, identity.refresh_ms,
    )  # fmt: skip
    reply = (await port.ask(Address(CODE, key), redeem)).reply
    if not isinstance(reply, CodeRedeemed):
        raise _no_grant()
    return _answer(identity, reply.authorization, token, reply.nonce)


async def refresh_token(port: Port, request: TokenRequest) -> TokenAnswer:
    """`grant_type=refresh_token`: RFC 6749 section 6, each token once (RFC 9700 section 4.14.2).

    Raises:
        OAuthError: `invalid_request`, `invalid_client`, `invalid_scope`, `invalid_grant`.
    """
    client_id = _wanted_client(port, request)
    scopes = tuple(dict.fromkeys(request.form.get("scope", "").split()))
    if not all(map(is_scope, scopes)):
        raise OAuthError("invalid_scope", "a scope has a character that none has")
    given = read_refresh_token(request.want("refresh_token"))
    if given is None:
        raise _no_grant()
    successor = given.successor()
    rotate = RotateToken(client_id, given.digest, successor.digest, scopes)
    reply = (await port.ask(Address(FAMILY, given.family), rotate)).reply
    if isinstance(reply, TokenRefused) and reply.reason == "scope_exceeded":
        raise OAuthError("invalid_scope", "more than was allowed at the sign-in")
    if not isinstance(reply, TokenRotated):
        raise _no_grant()
    return _answer(_identity(port), reply.authorization, successor, None)


async def revoke_refresh_token(port: Port, client_id: str, text: str) -> bool:
    """Revoke a refresh token, and with it all of its family (see `revocation.Revoker`).

    Raises:
        OAuthError: `invalid_grant`: the token was issued to another client (RFC 7009 section 2.1).
    """
    token = read_refresh_token(text)
    if token is None:
        return False
    try:
        answer = await port.ask(Address(FAMILY, token.family), RevokeFamily(client_id))
    except Refused:
        raise OAuthError("invalid_grant", "the token was issued to another client") from None
    if isinstance(answer.reply, Revoked) and answer.reply.ended:
        await end_access(port, Ground.FAMILY, token.family)
    return True


async def revoke_access_token(port: Port, client_id: str, text: str) -> bool:
    """Revoke one access token of ours (see `revocation.Revoker`); its family goes on (RFC 7009 2.1).

    Raises:
        OAuthError: `invalid_grant`: it was issued to another client; `unsupported_token_type`: by another
            issuer, who alone can end it.
    """
    identity = _identity(port)
    try:
        issuer, claims = await identity.authenticator.judge(text)
    except Unproven:
        return False
    if issuer.name != identity.issuer:
        raise OAuthError("unsupported_token_type", "another issuer's: ask there")
    if claims["client_id"] != client_id:
        raise OAuthError("invalid_grant", "the token was issued to another client")
    await end_access(port, Ground.TOKEN, claims["jti"])
    return True


def challenge_of(verifier: str) -> str:
    """`BASE64URL-ENCODE(SHA256(ASCII(code_verifier)))` (RFC 7636 section 4.2)."""
    return base64url.encoded(sha256(verifier.encode("ascii")).digest())


def public_client(port: Port, request: TokenRequest) -> str | None:
    """The client of people that the request says it is from: the code or the token shows whether that is
    so. None: it gives a secret, or is not registered (any more).
    """
    given = request.credentials
    if given is None or given.secret is not None:
        return None
    return given.client_id if _identity(port).redirect_uris(given.client_id) else None


def _wanted_client(port: Port, request: TokenRequest) -> str:
    if request.credentials is None:
        raise OAuthError("invalid_request", "client_id is missing")
    client_id = public_client(port, request)
    if client_id is None:
        text = "people sign in through clients of auth.clients, which have no secret"
        raise OAuthError("invalid_client", text, challenge=request.credentials.basic)
    return client_id


def _no_grant() -> OAuthError:
    return OAuthError("invalid_grant", "it is not known, not yours, used, expired or revoked")


def _identity(port: Port) -> Identity:
    assert port.identity is not None, "the endpoint is there only where there are accounts"
    return port.identity


def _answer(
    identity: Identity, allowed: Authorization, token: RefreshToken, nonce: str | None
) -> TokenAnswer:
    """Tokens for what was allowed; with a nonce, empty or not, an ID token if one was asked for.

    Raises:
        OAuthError: `invalid_grant`: what it came of was ended meanwhile.
    """
    assert identity.issuer is not None, "asked before anybody could have"
    now = wall_seconds()
    given = Given(
        now * 1000, "", allowed.client_id, token.family, allowed.person, allowed.generation
    )
    if identity.is_over(given):  # while it was on its way; nothing is to survive that
        raise _no_grant()
    grant = Grant(
        allowed.subject,
        [_ROLES[word] for word in allowed.roles if word in _ROLES],
        allowed.scopes,
        allowed.client_id,
        identity.life_s,
        allowed.methods,
        identity.context_of(allowed.methods),
        allowed.signed_in_at,
        token.family,
        allowed.generation if allowed.person else None,
    )
    access = identity.issue(grant)
    id_token = ""
    if nonce is not None and OPENID in allowed.scopes:
        id_token = issue_id_token(identity.keys, identity.issuer, grant, now, nonce)
    scope = " ".join(allowed.scopes)
    return TokenAnswer(access, grant.seconds, scope, token.text, id_token)
