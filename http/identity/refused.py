"""The one way in which a token or a key is refused: a stable word, and a text that quotes neither.

The rule: the word is an interface (log, metric, `comptoir check`), the text is not; no text repeats
anything that the token says, since whoever sent it is not known and a subject is a personal datum.
Source: design.md 9.5; RFC 6750 section 3.1 (to the outside, all of it is `invalid_token`).
"""

from typing import Final

__all__ = ["KEY_REASONS", "TOKEN_REASONS", "KeyRefused", "TokenRefused"]

TOKEN_REASONS: Final = frozenset({
    "malformed",                # not three canonical base64url parts of bounded size, not strict JSON
    "header_forbidden",         # a header parameter that would choose the key, the meaning or a nesting
    "algorithm_unsupported",    # anything but RS256
    "type_refused",             # `typ` is not that of an access token
    "key_unknown",              # no key of the issuer has this `kid`, or none is named and there are several
    "keys_unavailable",         # the issuer's keys cannot be had now
    "signature_invalid",        # not signed by that key
    "claims_invalid",           # a claim that is missing, of a wrong type or out of bounds
    "issuer_unknown",           # nobody whom we trust, or not the one asked for
    "audience_mismatch",        # meant for somebody else
    "expired",                  # `exp` is over
    "not_yet_valid",            # `nbf` or `iat` is to come
    "revoked",                  # ended before its time: by its person, its client, or by itself
    "revocations_unknown",      # a daemon that is starting cannot say yet
})  # fmt: skip
"""Every word that a token is refused with."""

KEY_REASONS: Final = frozenset({
    "key_malformed",            # no object, a value of a wrong type, not canonical base64url
    "key_type_unsupported",     # not RSA
    "key_private",              # a secret where a public key belongs
    "key_use_refused",          # `use`, `key_ops` or `alg` say that it is for something else
    "key_weak",                 # under 2048 bits, a bad exponent, a factor that is known
    "key_set_malformed",        # no JWK Set, or too large a one
})  # fmt: skip
"""Every word that a key is refused with."""


class TokenRefused(Exception):
    """A token proves nothing."""

    def __init__(self, reason: str, detail: str) -> None:
        """Args: a word of TOKEN_REASONS; what is wrong, without a value of the token."""
        assert reason in TOKEN_REASONS
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class KeyRefused(Exception):
    """A key, or a set of them, is none that tokens may be verified with."""

    def __init__(self, reason: str, detail: str) -> None:
        """Args: a word of KEY_REASONS; what is wrong, without a value of the key."""
        assert reason in KEY_REASONS
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
