"""What the token endpoint says, of success and of failure.

The rule: a grant returns a `TokenAnswer` or raises an `OAuthError`, and this module alone gives them their
form. An error's description is ours and quotes nothing that was sent.
Source: RFC 6749 sections 5.1 and 5.2; RFC 7009 section 2.2.1; RFC 9110 section 11.6.1.
"""

from dataclasses import dataclass
from typing import Final

from comptoir.http.answers import Response, json_response
from comptoir.http.problems import problem

__all__ = [
    "ERROR_CODES",
    "OAuthError",
    "TokenAnswer",
    "TooMany",
    "error_response",
    "token_response",
    "too_many",
]

ERROR_CODES: Final = (
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "unsupported_token_type",
)
"""Every `error` that a client may hear (RFC 6749 section 5.2; the last one RFC 7009 section 2.2.1)."""
_CHALLENGE: Final = b'Basic realm="comptoir", charset="UTF-8"'


class OAuthError(Exception):
    """A request of a client is refused."""

    def __init__(self, code: str, description: str, *, challenge: bool = False) -> None:
        """Keep what the client hears.

        Args:
            code: one of ERROR_CODES.
            description: for its developer: ASCII without quotes and backslashes.
            challenge: it tried the Authorization header, so the answer is to name the scheme.
        """
        assert code in ERROR_CODES
        super().__init__(code)
        self.code = code
        self.description = description
        self.challenge = challenge

    @property
    def status(self) -> int:
        """401 for a client that is not who it says, 400 for everything else."""
        return 401 if self.code == "invalid_client" else 400


class TooMany(Exception):
    """A client has asked too often (S62)."""

    def __init__(self, retry_after_s: int) -> None:
        """Args: whole seconds until it may ask again."""
        super().__init__("RATE_LIMITED")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """What a grant gives."""

    access_token: str
    expires_in_s: int
    scope: str
    """The scopes that it has, with a space between each two; empty where it has none."""
    refresh_token: str = ""
    """Empty: there is none."""
    id_token: str = ""
    """Likewise."""

    def __repr__(self) -> str:
        return f"<TokenAnswer {self.scope!r}>"


def token_response(answer: TokenAnswer, ticket: str) -> Response:
    """RFC 6749 section 5.1: tokens, never to be stored by a cache.

    Args:
        answer: what the grant gave.
        ticket: the request id.
    """
    body: dict[str, object] = {
        "access_token": answer.access_token,
        "token_type": "Bearer",
        "expires_in": answer.expires_in_s,
    }
    if answer.scope:
        body["scope"] = answer.scope
    if answer.refresh_token:
        body["refresh_token"] = answer.refresh_token
    if answer.id_token:
        body["id_token"] = answer.id_token
    return _uncached(json_response(200, body, ticket))


def error_response(error: OAuthError, ticket: str) -> Response:
    """RFC 6749 section 5.2: why there is no token."""
    body = {"error": error.code, "error_description": error.description}
    answer = _uncached(json_response(error.status, body, ticket))
    if error.challenge:
        answer.headers.append((b"www-authenticate", _CHALLENGE))
    return answer


def too_many(much: TooMany, ticket: str) -> Response:
    """The same problem as at every other door: RFC 6749 has no word for it."""
    return problem("RATE_LIMITED", ticket, retry_after_s=much.retry_after_s)


def _uncached(answer: Response) -> Response:
    """Say it to caches of HTTP/1.0 too, as section 5.1 wants; every answer has `no-store` already."""
    answer.headers.append((b"pragma", b"no-cache"))
    return answer
