"""The public keys that may verify tokens: JSON Web Keys, each judged once, when its set is read.

The rule: only sound RSA public keys for signatures verify anything. In a set, keys for other purposes
(another type, another algorithm, encryption) and weak ones are passed over, since providers publish
such beside the right ones. A secret in a set refuses the set: whoever publishes private or symmetric
keys has lost them, and nothing that they signed proves anything. A `kid` that two usable keys share
names neither. Keys are found by exact `kid` alone; certificates and addresses in a key are not read.
Source: RFC 7517 sections 4 and 5; RFC 7518 sections 6.3 and 6.4; RFC 8725 section 3.5.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from joserfc.jwk import RSAKey

from comptoir.http.identity.base64url import unsigned
from comptoir.http.identity.compact import ALGORITHM, is_key_id
from comptoir.http.identity.refused import KeyRefused
from comptoir.http.identity.weakness import weakness

__all__ = ["KEYS_MAX", "KeySet", "PublicKey", "public_key"]

KEYS_MAX: Final = 64
"""Keys of one set; providers rotate two or three."""
VALUE_CHARS_MAX: Final = 2048
"""Of `n` and `e` as text: 8192 bits have 1366."""
SECRET_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
SIGNING_OPERATIONS: Final = frozenset({"sign", "verify"})


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that may verify tokens."""

    key_id: str | None
    """`kid`, None if it has none."""
    key: RSAKey


def public_key(jwk: object) -> PublicKey:
    """Judge one JSON Web Key, already decoded from JSON.

    Raises:
        KeyRefused: it may not verify RS256 tokens.
    """
    if not isinstance(jwk, dict):
        raise KeyRefused("key_malformed", "a key is an object")
    members = cast("dict[str, object]", jwk)
    if not SECRET_MEMBERS.isdisjoint(members):
        raise KeyRefused("key_private", "a secret stands where a public key belongs")
    if members.get("kty") != "RSA":
        raise KeyRefused("key_type_unsupported", "kty is not RSA")
    _judge_purpose(members)
    key_id = members.get("kid")
    if "kid" in members and not is_key_id(key_id):
        raise KeyRefused("key_malformed", "a kid that is none")
    modulus, exponent = _number(members, "n"), _number(members, "e")
    fault = weakness(modulus, exponent)
    if fault is not None:
        raise KeyRefused("key_weak", f"the key {fault}")
    numbers = RSAPublicNumbers(exponent, modulus)
    return PublicKey(cast("str | None", key_id), RSAKey.import_key(numbers.public_key()))


def _judge_purpose(members: Mapping[str, object]) -> None:
    """Refuse a key that says it is for something else than verifying RS256."""
    if members.get("use", "sig") != "sig" or members.get("alg", ALGORITHM) != ALGORITHM:
        raise KeyRefused("key_use_refused", f"use is not sig, or alg is not {ALGORITHM}")
    if "key_ops" not in members:
        return
    given = members["key_ops"]
    if not isinstance(given, list):
        raise KeyRefused("key_malformed", "key_ops is no list")
    operations = cast("list[object]", given)
    if "verify" not in operations or any(operations.count(one) > 1 for one in operations):
        raise KeyRefused("key_use_refused", "key_ops has no verify, or something twice")
    if "use" in members and not all(one in SIGNING_OPERATIONS for one in operations):
        raise KeyRefused("key_use_refused", "key_ops contradicts use")


def _number(members: Mapping[str, object], name: str) -> int:
    text = members.get(name)
    number = unsigned(text) if isinstance(text, str) and len(text) <= VALUE_CHARS_MAX else None
    if number is None:
        raise KeyRefused("key_malformed", f"{name} is not a number in canonical base64url")
    return number


class KeySet:
    """The usable keys of a JWK Set."""

    __slots__ = ("_by_id", "_only")

    def __init__(self, keys: list[PublicKey]) -> None:
        """Args: keys that were judged; a `kid` that several of them have names none of them."""
        times = Counter(key.key_id for key in keys)
        self._by_id = {
            key.key_id: key for key in keys if key.key_id is not None and times[key.key_id] == 1
        }
        self._only = keys[0] if len(keys) == 1 else None

    def __repr__(self) -> str:
        return f"<KeySet of {len(self._by_id)}>"

    def __len__(self) -> int:
        return len(self._by_id)

    @classmethod
    def of(cls, document: object) -> "KeySet":
        """Read a JWK Set, already decoded from JSON.

        Raises:
            KeyRefused: no set, too large a one, or one that publishes a secret.
        """
        listed = (
            cast("dict[str, object]", document).get("keys") if isinstance(document, dict) else None
        )
        if not isinstance(listed, list):
            raise KeyRefused("key_set_malformed", "not an object with a list of keys")
        entries = cast("list[object]", listed)
        if len(entries) > KEYS_MAX:
            raise KeyRefused("key_set_malformed", f"over {KEYS_MAX} keys")
        found = [_usable(entry) for entry in entries]
        return cls([key for key in found if key is not None])

    def find(self, key_id: str | None) -> PublicKey | None:
        """The key of that `kid`; without one, the only key of a set of one."""
        return self._only if key_id is None else self._by_id.get(key_id)


def _usable(jwk: object) -> PublicKey | None:
    """The key, or None for one that is passed over."""
    try:
        return public_key(jwk)
    except KeyRefused as refused:
        if refused.reason == "key_private":
            raise
        return None
