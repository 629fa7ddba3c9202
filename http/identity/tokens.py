"""One token verified: form, key, signature, type, claims, in that order, each by its own module.

The rule: nothing that a token says is believed before its signature holds, and the signature is
computed by joserfc over the very text that was taken apart here. The library is asked for nothing
else: the key is found by us, and it knows one algorithm.
Source: RFC 7515 section 5.2; RFC 8725; RFC 9068 section 4; spec.md S34, S62.
"""

from typing import Final

from joserfc import jws
from joserfc.errors import JoseError

from comptoir.http.identity import claims
from comptoir.http.identity.claims import Claims, Expected
from comptoir.http.identity.compact import (
    ALGORITHM,
    TOKEN_CHARS_MAX,
    Compact,
    TypeRule,
    type_allowed,
)
from comptoir.http.identity.keys import PublicKey
from comptoir.http.identity.refused import TokenRefused

__all__ = ["REGISTRY", "signature_holds", "verified"]

REGISTRY: Final = jws.JWSRegistry(algorithms=[ALGORITHM], strict_check_header=False)
"""What joserfc may do. It need not judge headers: what is left of them after `compact` is harmless."""
REGISTRY.max_header_length = REGISTRY.max_payload_length = TOKEN_CHARS_MAX
REGISTRY.max_signature_length = TOKEN_CHARS_MAX


def signature_holds(token: Compact, key: PublicKey) -> bool:
    """Say whether the key signed the token."""
    try:
        jws.deserialize_compact(token.text, key.key, registry=REGISTRY)
    except JoseError:
        return False
    return True


def verified(token: Compact, key: PublicKey | None, expected: Expected, rule: TypeRule) -> Claims:
    """The claims of a token that proves them.

    Args:
        token: taken apart.
        key: what its issuer has under its `kid`; None refuses it.
        expected: issuer, audience, time.
        rule: which `typ` it may have.

    Raises:
        TokenRefused: see `refused.TOKEN_REASONS`.
    """
    if key is None:
        raise TokenRefused("key_unknown", "no usable key of the issuer has that kid")
    if not signature_holds(token, key):
        raise TokenRefused("signature_invalid", "not signed by the key that it names")
    if not type_allowed(token.type, rule):
        raise TokenRefused("type_refused", "typ is not that of an access token")
    return claims.judge(claims.read(token.payload), expected)
