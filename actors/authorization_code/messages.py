"""What may be said to an authorization code, and what it answers (S34, RFC 6749 section 4.1, RFC 7636).

Another machine may import this module and nothing else of this package (design.md 1). No message has
a code, a verifier or a token in it: whoever has them sends their digests.
"""

from comptoir.actors.refresh_family.messages import Authorization
from comptoir.engine.values import Message, Reply

__all__ = [
    "KIND",
    "CodeExpired",
    "CodeIssued",
    "CodeRedeemed",
    "CodeRefused",
    "IssueCode",
    "RedeemCode",
]

KIND = "authorization_code"


class IssueCode(Message, frozen=True):
    """A person has signed in and let a client act: there is a code for it."""

    authorization: Authorization
    redirect_uri: str
    """To which it is sent, to the letter."""
    challenge: str
    """`code_challenge` of method S256: base64url of SHA-256 over the verifier (RFC 7636 section 4.2)."""
    nonce: str
    """The client's, for the ID token; empty without one (OpenID Connect Core 1.0 section 3.1.2.1)."""
    lifetime_ms: int


class RedeemCode(Message, frozen=True):
    """A client presents a code: it is used, whatever the answer."""

    client_id: str
    redirect_uri: str
    challenge: str
    """Computed from the verifier that it shows."""
    family: str
    """Key of the family of refresh tokens that is to be opened."""
    digest: str
    """Of its first token's secret."""
    family_ms: int
    """How long the family may live."""


class CodeExpired(Message, frozen=True):
    """One's own later self: nobody came."""


class CodeIssued(Reply, frozen=True):
    """The code may be sent to the client."""

    expires_at: int
    """Business time, ms since 1970."""


class CodeRedeemed(Reply, frozen=True):
    """Tokens may be handed out; their family is as durable as this answer."""

    authorization: Authorization
    nonce: str


class CodeRefused(Reply, frozen=True):
    """Nothing is handed out. To the outside all reasons are one: `invalid_grant`."""

    reason: str
    """`unknown`, `expired`, `reused`, `client_mismatch`, `redirect_mismatch`, `verifier_mismatch`."""
