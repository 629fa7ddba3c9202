"""Keys and sets of them: which may verify. Source: keys.py, weakness.py; RFC 7517, RFC 7518 6.3."""

import io
import json
import math
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from comptoir.engine.cli.checking import run_check
from comptoir.http.identity.checks import check_jwk, check_jwt
from comptoir.http.identity.keys import KEYS_MAX, KeySet, public_key
from comptoir.http.identity.refused import KEY_REASONS, KeyRefused
from comptoir.http.identity.weakness import MODULUS_BITS_MAX, weakness
from tests.http.identity.forge import b64, key, number, public_jwk

JWK = public_jwk(key("ours"), kid="k1", use="sig", alg="RS256")
N = key("ours").public_key().public_numbers().n
SECRETS = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")

TAKEN: list[dict[str, Any]] = [
    {}, {"use": None}, {"alg": None}, {"kid": None}, {"use": None, "key_ops": ["verify"]},
    {"key_ops": ["verify"]}, {"key_ops": ["sign", "verify"]}, {"use": None, "key_ops": ["x", "verify"]},
    {"x5c": ["not read"], "x5u": "https://not.called", "x5t": "AA", "ext": True, "iat": 1.5},
]  # fmt: skip
REFUSED: list[tuple[dict[str, Any], str]] = [
    *(({name: "AQAB"}, "key_private") for name in SECRETS),
    ({"d": None}, "key_private"),
    ({"kty": None}, "key_type_unsupported"),
    ({"kty": "rsa"}, "key_type_unsupported"),
    ({"kty": "EC"}, "key_type_unsupported"),
    ({"kty": ["RSA"]}, "key_type_unsupported"),
    ({"use": "enc"}, "key_use_refused"),
    ({"use": "SIG"}, "key_use_refused"),
    ({"use": ["sig"]}, "key_use_refused"),
    ({"alg": "RS384"}, "key_use_refused"),
    ({"alg": "PS256"}, "key_use_refused"),
    ({"alg": "none"}, "key_use_refused"),
    ({"key_ops": "verify"}, "key_malformed"),
    ({"key_ops": {"verify": 1}}, "key_malformed"),
    ({"key_ops": []}, "key_use_refused"),
    ({"key_ops": ["sign"]}, "key_use_refused"),
    ({"key_ops": ["verify", "verify"]}, "key_use_refused"),
    ({"key_ops": ["verify", "encrypt"]}, "key_use_refused"),
    ({"key_ops": [["verify"]]}, "key_use_refused"),
    ({"kid": 1}, "key_malformed"),
    ({"kid": ""}, "key_malformed"),
    ({"kid": "a b"}, "key_malformed"),
    ({"kid": "a" * 129}, "key_malformed"),
    ({"n": None}, "key_malformed"),
    ({"n": 5}, "key_malformed"),
    ({"n": ""}, "key_malformed"),
    ({"n": b64(b"\0" + N.to_bytes(256, "big"))}, "key_malformed"),
    ({"n": JWK["n"] + "=="}, "key_malformed"),
    ({"n": "A" * 4096}, "key_malformed"),
    ({"e": None}, "key_malformed"),
    ({"e": 65537}, "key_malformed"),
    ({"e": "AAEAAQ"}, "key_malformed"),
    ({"e": number(1)}, "key_weak"),
    ({"e": number(2)}, "key_weak"),
    ({"e": number(65536)}, "key_weak"),
    ({"e": number(2**33 + 1)}, "key_weak"),
    ({"n": number(N - 1)}, "key_weak"),
    ({"n": number(N >> 1 | 1)}, "key_weak"),
    ({"n": number(2**2047 + 1)}, "key_weak"),
    ({"n": number((2**1100 + 1) ** 2)}, "key_weak"),
    ({"n": number(3**1500)}, "key_weak"),
]


def _with(members: dict[str, Any]) -> dict[str, Any]:
    """The key with these members; None takes one away, but for a secret, which is then null."""
    return {n: v for n, v in {**JWK, **members}.items() if v is not None or n in SECRETS}


@pytest.mark.parametrize("members", TAKEN, ids=str)
def test_taken(members: dict[str, Any]) -> None:
    """S62: a sound public key, with or without what RFC 7517 leaves open; nothing in it is called."""
    assert check_jwk({"jwk": _with(members)}) == {"ok": True}


@pytest.mark.parametrize(("members", "reason"), REFUSED, ids=lambda value: str(value)[:40])
def test_refused(members: dict[str, Any], reason: str) -> None:
    """S62: no private, symmetric, weak or differently meant key verifies; the text quotes nothing of it."""
    with pytest.raises(KeyRefused) as caught:
        public_key(_with(members))
    assert caught.value.reason == reason
    assert JWK["n"][:12] not in caught.value.detail
    assert check_jwk({"jwk": _with(members)})["error"]["code"] == reason.upper()


def test_every_word_is_used() -> None:
    """Invariant 5: each word of a refusal is one that something is refused with."""
    assert {reason for _, reason in REFUSED} | {"key_set_malformed"} == KEY_REASONS


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
@pytest.mark.parametrize("exponent", [3, 65537])
def test_sizes_that_people_use(bits: int, exponent: int) -> None:
    """S62: drawn by a sound generator, a key is never weak."""
    numbers = key(f"size {exponent}", bits, exponent).public_key().public_numbers()
    assert weakness(numbers.n, numbers.e) is None


def test_factors() -> None:
    """SP 800-89 5.3.3 (S62): each prime below 752 is found as a factor; the next one is not looked for."""
    sound = N | 1
    while math.gcd(sound, math.prod(range(3, 760, 2))) != 1:
        sound += 2
    primes = [n for n in range(3, 752) if all(n % d for d in range(2, n))]
    assert len(primes) == 132
    for prime in primes:
        assert weakness(sound * prime, 65537) is not None
    assert weakness(sound * 757, 65537) is None
    assert weakness(1 << MODULUS_BITS_MAX | 1, 3) is not None


@given(st.integers(2**60, 2**61))
def test_roca(seed: int) -> None:
    """CVE-2017-15361 (S62): a modulus of the broken generator's form is found, whatever its exponents."""
    primorial = math.prod(n for n in range(2, 168) if all(n % d for d in range(2, n)))
    half = pow(65537, seed, primorial)
    modulus = (half + primorial * (2**810 + seed)) * (half + primorial * (2**811 + 2 * seed))
    # Real ones are products of primes of this form; the form is what is recognised.
    assume(math.gcd(modulus, math.prod(range(3, 752, 2))) == 1)
    assert "ROCA" in str(weakness(modulus, 65537))


class TestSets:
    """JWK Sets (RFC 7517 5; S62)."""

    def test_found_by_exact_kid(self) -> None:
        """A key is found by its own `kid`, and by no other text."""
        keys = KeySet.of({"keys": [JWK, public_jwk(key("second"), kid="k2")]})
        assert len(keys) == 2
        for name in ("K1", "k1 ", "k", "", "k1\0", "0"):
            assert keys.find(name) is None
        found = keys.find("k2")
        assert found is not None
        assert found.key_id == "k2"

    def test_without_kid(self) -> None:
        """A token that names no key is for the only one of a set of one."""
        assert KeySet.of({"keys": [JWK]}).find(None) is not None
        assert KeySet.of({"keys": [JWK, {**JWK, "use": "enc"}]}).find(None) is not None
        assert KeySet.of({"keys": [JWK, public_jwk(key("second"))]}).find(None) is None
        assert KeySet.of({"keys": []}).find(None) is None

    def test_a_secret_refuses_the_set(self) -> None:
        """Whoever publishes a private or symmetric key has lost it, and what it signed proves nothing."""
        for secret in ({**JWK, "kid": "x", "d": "AQAB"}, {"kty": "oct", "k": "AAAA"}):
            with pytest.raises(KeyRefused) as caught:
                KeySet.of({"keys": [JWK, secret]})
            assert caught.value.reason == "key_private"

    @pytest.mark.parametrize(
        "document",
        [None, [], "x", {}, {"keys": None}, {"keys": {}}, {"keys": [JWK] * (KEYS_MAX + 1)}],
        ids=lambda value: str(value)[:20],
    )
    def test_no_set(self, document: object) -> None:
        """What is no set, or too large a one, is refused as such."""
        with pytest.raises(KeyRefused) as caught:
            KeySet.of(document)
        assert caught.value.reason == "key_set_malformed"

    def test_what_is_no_key_is_passed_over(self) -> None:
        """Entries that mean nothing here take nothing from those that do."""
        odd: list[Any] = [
            None,
            1,
            "x",
            [],
            {},
            {"kty": "EC"},
            {"kty": "RSA", "n": "AQ", "e": "AQAB"},
        ]
        assert KeySet.of({"keys": [*odd, JWK]}).find("k1") is not None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
_MEMBERS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("kty", "use", "alg", "kid", "key_ops", "n", "e", "x5c"), _JSON),
)


@given(_MEMBERS.map(lambda members: {**JWK, **members}) | _MEMBERS | _JSON)
def test_any_key_is_judged(jwk: object) -> None:
    """Invariant 5, S62: whatever stands in place of a key or of its members, it is judged by name."""
    answer = check_jwk({"jwk": jwk})
    assert answer["ok"] or answer["error"]["code"].startswith(("KEY_", "CHECK_"))
    answer = check_jwt({"token": "a.b.c", "jwks": {"keys": [jwk, JWK]}})
    assert answer["error"]["code"] in {"TOKEN_MALFORMED", "KEY_PRIVATE"}


@pytest.mark.parametrize("kind", ["jwt", "jwk"])
@given(lines=st.lists(st.binary(max_size=40).filter(lambda line: b"\n" not in line), max_size=8))
def test_any_bytes_have_answers(kind: str, lines: list[bytes]) -> None:
    """check-command contract (S62): as many answers as lines, whatever they hold."""
    sink = io.BytesIO()
    run_check(kind, io.BytesIO(b"".join(line + b"\n" for line in lines)), sink)
    answers = [json.loads(line) for line in sink.getvalue().splitlines()]
    assert [answer["ok"] for answer in answers] == [False] * len(lines)


@pytest.mark.parametrize(
    "given_",
    [
        None, [], {}, {"token": 1, "jwks": {}}, {"token": "x"}, {"token": "x", "jwks": []},
        {"token": "x", "jwks": {}, "now": "1"}, {"token": "x", "jwks": {}, "now": -1},
        {"token": "x", "jwks": {}, "now": True}, {"token": "x", "jwks": {}, "issuer": 1},
    ],
    ids=str,
)  # fmt: skip
def test_malformed_input_is_an_answer(given_: object) -> None:
    """check-command contract (S62): what cannot be read is CHECK_INPUT_INVALID."""
    for check in (check_jwt, check_jwk):
        assert check(given_)["error"]["code"] == "CHECK_INPUT_INVALID"
