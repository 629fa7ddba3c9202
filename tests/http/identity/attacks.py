"""Tokens that must not be taken: a table of name, word of the refusal, and what makes the token.

Rule: one thing is wrong with each, and wherever the attack allows it the signature is genuine, so that
nothing but the check that is meant can refuse it. `check` is False for what only the daemon asks (a
subject, roles, RFC 9068's type) and `comptoir check jwt`, which is not told whose token it is, does not.
Source: RFC 8725 (each of its sections 2 and 3); RFC 7515 section 10; RFC 9068 section 5.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.http.identity.attack import Attack
from tests.http.identity.attacks_claims import CLAIMS
from tests.http.identity.forge import (
    Forge,
    b64,
    having,
    heading,
    key,
    public_jwk,
    right_header,
)

__all__ = ["ATTACKS", "Attack"]


ALGORITHMS: tuple[Any, ...] = (
    "rs256", "RS256 ", "RS256\n", "RSA1_5", "", None, 256, True, ["RS256"], {"RS256": 1},
)  # fmt: skip
ODD_KIDS: tuple[Any, ...] = (
    "", " ", "ours-1 ", "ours-1\n", "ours-1\0", "' OR '1'='1", "a" * 129, "é", "$(id)", "a%00b",
    "../../../../dev/null\\", None, 1, 1.5, True, ["ours-1"], {"kid": "ours-1"},
)  # fmt: skip
ODD_TYPES: tuple[Any, ...] = (1, None, ["at+jwt"], {})
_EC = ec.generate_private_key(ec.SECP256R1())
_ED = ed25519.Ed25519PrivateKey.generate()
BAD = "signature_invalid"
_FAR = "https://attacker.example/keys"


def _header(name: str, reason: str, **members: Any) -> Attack:
    return Attack(f"header: {name}", reason, Forge(header=heading(**members)).token)


def _text(name: str, change: Callable[[str, str, str], str], reason: str = "malformed") -> Attack:
    return Attack(f"form: {name}", reason, lambda: change(*Forge().token().split(".")))


def _none(word: str, *, signature: str = "") -> Attack:
    header = heading(alg=word)
    return Attack(
        f"algorithm: {word}{' with a signature' if signature else ''}",
        "algorithm_unsupported" if signature else "malformed",
        lambda: ".".join((*Forge(header=header).parts(), signature)),
    )


def _mac(alg: str, secret: Callable[[], bytes]) -> str:
    """A token authenticated with what an attacker knows, under either name."""
    return Forge(header=heading(alg=alg)).mac(secret())


def _algorithms() -> Iterator[Attack]:
    for word in ("none", "None", "NONE", "nOnE"):
        yield _none(word)
        yield _none(word, signature="AAAA")
    secrets: dict[str, Callable[[], bytes]] = {
        "PEM": lambda: Forge().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "PKCS1 PEM": lambda: Forge().public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        "DER": lambda: Forge().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "modulus": public_jwk(key("ours"))["n"].encode,
        "JWK": lambda: json.dumps(public_jwk(key("ours"))).encode(),
        "nothing": lambda: b"",
    }
    for name, secret in secrets.items():
        yield Attack(
            f"algorithm: HS256 with our public key as {name}",
            "algorithm_unsupported",
            partial(_mac, "HS256", secret),
        )
        yield Attack(
            f"algorithm: RS256 that is HS256 with our public key as {name}",
            "signature_invalid",
            partial(_mac, "RS256", secret),
        )
    digests: dict[str, hashes.HashAlgorithm] = {"RS384": hashes.SHA384(), "RS512": hashes.SHA512()}
    for alg, digest in digests.items():
        yield Attack(
            f"algorithm: {alg}",
            "algorithm_unsupported",
            partial(Forge(header=heading(alg=alg)).rsa, digest),
        )
        yield Attack(
            f"algorithm: RS256 that is {alg}",
            "signature_invalid",
            partial(Forge().rsa, digest),
        )
    yield Attack(
        "algorithm: PS256", "algorithm_unsupported",
        lambda: Forge(header=heading(alg="PS256")).rsa(hashes.SHA256(), pss=True),
    )  # fmt: skip
    yield Attack(
        "algorithm: RS256 that is PS256", "signature_invalid",
        lambda: Forge().rsa(hashes.SHA256(), pss=True),
    )  # fmt: skip
    for alg in ("ES256", "ES256K"):
        yield Attack(
            f"algorithm: {alg}", "algorithm_unsupported",
            partial(Forge(header=heading(alg=alg)).elliptic, _EC),
        )  # fmt: skip
    for alg in ("EdDSA", "Ed25519"):
        yield Attack(
            f"algorithm: {alg}", "algorithm_unsupported",
            partial(Forge(header=heading(alg=alg)).edwards, _ED),
        )  # fmt: skip
    yield Attack(
        "algorithm: RS256 that is ES256", "signature_invalid", lambda: Forge().elliptic(_EC)
    )
    for other in ALGORITHMS:
        yield _header(f"alg {other!r}", "algorithm_unsupported", alg=other)
    bare = {"typ": "at+jwt", "kid": "ours-1"}
    yield Attack("algorithm: not named", "algorithm_unsupported", Forge(header=bare).token)


SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
"""DER before a SHA-256 in PKCS #1 v1.5 (RFC 8017 section 9.2, note 1)."""


def _paddings() -> Iterator[Attack]:
    """Signatures that are genuine but for their padding: what the private key made of other blocks."""

    def block(form: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
        return lambda text: form(hashlib.sha256(text).digest())

    def full(inside: bytes) -> bytes:
        return b"\0\1" + b"\xff" * (256 - 3 - len(inside)) + b"\0" + inside

    no_null = bytes.fromhex("302f300b0609608648016503040201" + "0420")
    forms: dict[str, Callable[[bytes], bytes]] = {
        "something after the digest": lambda d: (
            b"\0\1" + b"\xff" * 8 + b"\0" + SHA256_INFO + d + bytes(256 - 11 - 51)
        ),
        "a short padding, digest last": lambda d: (
            bytes(256 - 62) + b"\0\1" + b"\xff" * 8 + b"\0" + SHA256_INFO + d
        ),
        "block type 2": lambda d: b"\0\2" + full(SHA256_INFO + d)[2:],
        "block type 0": lambda d: b"\0\0" + full(SHA256_INFO + d)[2:],
        "a hole in the padding": lambda d: (
            full(SHA256_INFO + d)[:40] + b"\xfe" + full(SHA256_INFO + d)[41:]
        ),
        "no digest info": full,
        "no parameters": lambda d: full(no_null + d),
        "the digest info of SHA-512": lambda d: full(SHA256_INFO.replace(b"\2\1\5", b"\2\3\5") + d),
        "half a digest": lambda d: full(SHA256_INFO + d[:16]),
    }
    for name, form in forms.items():
        yield Attack(f"padding: {name}", BAD, partial(Forge().powered, block(form)))


def _keys() -> Iterator[Attack]:
    stranger = key("stranger")
    yield Attack(
        "key: a stranger's under our kid", "signature_invalid", Forge(signer=stranger).token
    )
    unknown = ("ours-2", "OURS-1", "ours-1.", "enc-1", "weak-1", "twin-1", "short")
    for kid in unknown:
        yield _header(f"kid {kid}", "key_unknown", kid=kid)
    for odd in ODD_KIDS:
        yield _header(f"kid {ascii(odd)[:24]} of {type(odd).__name__}", "malformed", kid=odd)
    yield _header("kid that is a path", "key_unknown", kid="../../../../dev/null")
    yield _header("kid that is an address", "key_unknown", kid=_FAR)
    nobody = {"alg": "RS256", "typ": "at+jwt"}
    yield Attack(
        "header: no kid, where there are several", "key_unknown", Forge(header=nobody).token
    )
    theirs = public_jwk(stranger, kid="ours-1", use="sig", alg="RS256")
    chosen: dict[str, Any] = {
        "jwk": theirs, "jku": _FAR, "x5u": _FAR, "x5c": [base64.b64encode(b"certificate").decode()],
    }  # fmt: skip
    for name, value in chosen.items():
        header = heading(**{name: value})
        yield Attack(f"header: {name} of a stranger's key", "header_forbidden",
                     Forge(header=header, signer=stranger).token)  # fmt: skip
        yield Attack(
            f"header: {name}, signed by us", "header_forbidden", Forge(header=header).token
        )
        yield _header(f"{name} null", "header_forbidden", **{name: None})


def _headers() -> Iterator[Attack]:
    for name, value in (
        ("crit", ["exp"]), ("crit", []), ("crit", ["b64"]), ("crit", None), ("b64", False),
        ("b64", True), ("cty", "JWT"), ("cty", "application/json"), ("enc", "A256GCM"), ("zip", "DEF"),
        ("epk", public_jwk(key("stranger"))), ("apu", "AA"), ("apv", "AA"), ("iv", "AA"), ("tag", "AA"),
        ("p2s", "AA"), ("p2c", 2**31),
    ):  # fmt: skip
        yield _header(f"{name} {str(value)[:20]}", "header_forbidden", **{name: value})
    for odd in ODD_TYPES:
        yield _header(f"typ {odd}", "malformed", typ=odd)
    for kind in (
        "JWS",
        "JOSE",
        "dpop+jwt",
        "logout+jwt",
        "at+jwt ",
        "at+jwt;v=1",
        "",
        "text/at+jwt",
    ):
        yield _header(f"typ {kind!r}", "type_refused", typ=kind)
    for kind in ("JWT", "jwt", "application/jwt"):
        forge = Forge(header=heading(typ=kind))
        yield Attack(f"header: typ {kind!r}", "type_refused", forge.token, check=False)
    untyped = Forge(header={"alg": "RS256", "kid": "ours-1"})
    yield Attack("header: no typ", "type_refused", untyped.token, check=False)
    good = json.dumps(right_header()).encode()
    for name, raw in {
        "alg twice": b'{"alg":"none","alg":"RS256","typ":"at+jwt","kid":"ours-1"}',
        "kid twice": b'{"alg":"RS256","typ":"at+jwt","kid":"x","kid":"ours-1"}',
        "an escaped name twice": b'{"alg":"RS256","typ":"at+jwt","\\u0061lg":"none","kid":"ours-1"}',
        "a list": b'["RS256"]',
        "a text": b'"RS256"',
        "null": b"null",
        "no JSON": b"RS256",
        "NaN": good[:-1] + b',"n":NaN}',
        "a byte-order mark": b"\xef\xbb\xbf" + good,
        "not UTF-8": good[:-1] + b',"n":"\xff"}',
        "something after it": good + b"{}",
        "a comment": good[:-1] + b"/**/}",
        "a lone surrogate": good[:-1] + b',"n":"\\ud800"}',
        "deep": good[:-1] + b',"n":' + b"[" * 40 + b"]" * 40 + b"}",
        "too large": good[:-1] + b',"n":"' + b"x" * 1024 + b'"}',
    }.items():
        yield Attack(f"header: {name}", "malformed", Forge(raw_header=raw).token)
    empty = Forge(raw_header=b"{}")
    yield Attack("header: empty object", "algorithm_unsupported", empty.token)


def _stray(part: str) -> str:
    """The same bytes by another last character, for a decoder that passes over stray bits."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    place = alphabet.index(part[-1])
    return part[:-1] + alphabet[place ^ 1]


def _padded(raw: bytes) -> bytes:
    """Some bytes whose base64url needs padding and has stray bits: their length is 1 above 3 n."""
    return raw + b" " * ((1 - len(raw)) % 3)


def _forms() -> Iterator[Attack]:
    yield _text("nothing", lambda h, p, s: "")
    yield _text("two dots", lambda h, p, s: "..")
    yield _text("one part", lambda h, p, s: h)
    yield _text("two parts", lambda h, p, s: f"{h}.{p}")
    yield _text("four parts", lambda h, p, s: f"{h}.{p}.{s}.{s}")
    yield _text("a fourth, empty part", lambda h, p, s: f"{h}.{p}.{s}.")
    yield _text("five parts, as an encrypted one", lambda h, p, s: f"{h}.{p}.{s}.AAAA.AAAA")
    yield _text("no header", lambda h, p, s: f".{p}.{s}")
    yield _text("no payload", lambda h, p, s: f"{h}..{s}")
    yield _text("no signature", lambda h, p, s: f"{h}.{p}.")
    yield _text("padding", lambda h, p, s: f"{h}.{p}.{s}==")
    yield _text("the other alphabet", lambda h, p, s: f"{h}.{p}.+/{s[2:]}")
    yield _text("a blank inside", lambda h, p, s: f"{h}.{p}. {s}")
    yield _text("a line break", lambda h, p, s: f"{h}.{p}.{s}\n")
    yield _text("a letter beyond ASCII", lambda h, p, s: f"{h}.{p}.{s[:-1]}\u00e9")
    yield _text("a digit of another script", lambda h, p, s: f"{h}.{p}.{s[:-1]}\u0661")
    yield _text("U+0000", lambda h, p, s: f"{h}.{p}.{s}\0")
    yield _text("a dangling character", lambda h, p, s: f"{h}.{p}.{s}AAA")
    yield _text("stray bits in the signature", lambda h, p, s: f"{h}.{p}.{_stray(s)}")
    spare = Forge(raw_header=_padded(json.dumps(right_header()).encode()))
    yield Attack(
        "form: stray bits in the header", "malformed",
        lambda: ".".join((_stray(spare.token().split(".")[0]), *spare.token().split(".")[1:])),
    )  # fmt: skip
    yield _text("a signature cut by a byte", lambda h, p, s: f"{h}.{p}.{b64(_raw(s)[:-1])}", BAD)
    yield _text("half a signature", lambda h, p, s: f"{h}.{p}.{b64(_raw(s)[:128])}", BAD)
    yield _text(
        "a signature with a zero before", lambda h, p, s: f"{h}.{p}.{b64(bytes(1) + _raw(s))}", BAD
    )
    yield _text(
        "a signature with a zero after", lambda h, p, s: f"{h}.{p}.{b64(_raw(s) + bytes(1))}", BAD
    )
    yield _text("a signature of zeros", lambda h, p, s: f"{h}.{p}.{b64(bytes(256))}", BAD)
    yield _text(
        "a signature of one", lambda h, p, s: f"{h}.{p}.{b64(bytes(255) + bytes([1]))}", BAD
    )
    yield _text(
        "our modulus as the signature",
        lambda h, p, s: f"{h}.{p}.{public_jwk(key('ours'))['n']}",
        BAD,
    )
    yield _text(
        "another payload",
        lambda h, p, s: f"{h}.{b64(json.dumps(having(sub='u2')).encode())}.{s}",
        BAD,
    )
    yield _text("another header", lambda h, p, s: f"{b64(_raw(h) + b' ')}.{p}.{s}", BAD)
    yield _text("too long", lambda h, p, s: f"{h}.{p}{'A' * 8192}.{s}")
    yield _text(
        "JSON instead", lambda h, p, s: json.dumps({"protected": h, "payload": p, "signature": s})
    )
    yield Attack("form: a token inside", "malformed",
                 lambda: Forge(raw_payload=Forge().token().encode()).token())  # fmt: skip
    yield Attack("form: a text that is a token", "malformed",
                 lambda: Forge(raw_payload=json.dumps(Forge().token()).encode()).token())  # fmt: skip


def _raw(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


ATTACKS: tuple[Attack, ...] = (
    *_algorithms(), *_paddings(), *_keys(), *_headers(), *_forms(), *CLAIMS,
)  # fmt: skip
