"""The grant `client_credentials`: a service gets a token for itself, with scopes and no role.

The rule: a token has scopes that its client has, all of them where it names none, and `sub` is the client's
id, which is nobody's `userId`. The grant is durable, and in the audit log by the token's `jti`, before the
token is signed. There is no refresh token: who has the secret asks again.
Source: RFC 6749 section 4.4; RFC 9068 section 2.2; spec.md S34, X7; interface.md 9.
"""

from comptoir.actors.clients.messages import CLIENTS, SCOPE_REFUSED, GrantToken, TokenGranted
from comptoir.engine import Refused
from comptoir.http.identity.claims import is_scope
from comptoir.http.identity.issuing import Grant, draw_token_id
from comptoir.http.oauth.answers import OAuthError, TokenAnswer
from comptoir.http.oauth.client_secrets import not_proven, proven_client
from comptoir.http.oauth.requests import TokenRequest
from comptoir.http.port import Port
from comptoir.http.shapes import SCOPES_MAX

__all__ = ["client_credentials", "scopes_of"]


async def client_credentials(port: Port, request: TokenRequest) -> TokenAnswer:
    """See `grants.Granter`."""
    identity = port.identity
    assert identity is not None, "without accounts there is no endpoint"
    client_id, digest = await proven_client(port, request)
    scopes = scopes_of(request.form.get("scope", ""))
    token_id, life_s = draw_token_id(), identity.life_s
    try:
        answer = await port.ask(CLIENTS, GrantToken(client_id, digest, scopes, token_id, life_s))
    except Refused as refused:
        if refused.code == SCOPE_REFUSED:
            raise OAuthError("invalid_scope", "the client has not all of these scopes") from None
        raise not_proven(request) from None  # revoked in between
    granted = answer.reply
    assert isinstance(granted, TokenGranted)
    token = identity.issue(Grant(client_id, (), granted.scopes, client_id, life_s), token_id)
    return TokenAnswer(token, life_s, " ".join(granted.scopes))


def scopes_of(text: str) -> tuple[str, ...]:
    """The scopes that a parameter names, each once.

    Raises:
        OAuthError: `invalid_scope`.
    """
    words = tuple(dict.fromkeys(text.split(" "))) if text else ()
    if len(words) > SCOPES_MAX or not all(map(is_scope, words)):
        raise OAuthError("invalid_scope", f"scope is no text of up to {SCOPES_MAX} words")
    return words
