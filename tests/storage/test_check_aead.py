"""`comptoir check aead-open` against published vectors. Source: check-command contract; NIST's GCM vectors."""

import base64
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.engine.cli.checking import run_check
from comptoir.storage.check_aead import check

KEY = "feffe9928665731c6d6a8f9467308308" * 2
NONCE = "cafebabefacedbaddecaf888"
TEXT = (
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255"
)
SEALED = (
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
)
VECTORS = [
    # The Galois/Counter Mode of Operation (McGrew, Viega), appendix B, cases 13 to 16: AES-256.
    ("00" * 32, "00" * 12, "", "", "530f8afbc74536b9a963b4f1c4cb738b"),
    ("00" * 32, "00" * 12, "", "00" * 16,
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"),
    (KEY, NONCE, "", TEXT, SEALED + "b094dac5d93471bdec1a502270e3cc6c"),
    (KEY, NONCE, "feedfacedeadbeeffeedfacedeadbeefabaddad2", TEXT[:-8],
     SEALED[:-8] + "76fc6ece0f4e1768cddf8853bb2d551b"),
]  # fmt: skip


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _asked(key: str, nonce: str, aad: str, sealed: str) -> dict[str, Any]:
    names = ("key_b64", "nonce_b64", "aad_b64", "ciphertext_b64")
    return dict(
        zip(names, (_b64(bytes.fromhex(x)) for x in (key, nonce, aad, sealed)), strict=True)
    )


LAST = _asked(*VECTORS[3][:3], VECTORS[3][4])


@pytest.mark.parametrize(("key", "nonce", "aad", "text", "sealed"), VECTORS)
def test_published_vectors(key: str, nonce: str, aad: str, text: str, sealed: str) -> None:
    """S62: AES-256-GCM opens what its authors sealed."""
    answer = check({**_asked(key, nonce, aad, sealed), "ignored": 1})
    assert answer == {"ok": True, "plaintext_b64": _b64(bytes.fromhex(text))}


@given(st.sampled_from(sorted(LAST)), st.data())
def test_every_bit_matters(name: str, data: st.DataObject) -> None:
    """S62: with any bit of key, nonce, associated data or ciphertext changed, nothing is told of the text."""
    raw = bytearray(base64.b64decode(LAST[name]))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    answer = check({**LAST, name: _b64(bytes(raw))})
    assert answer["error"]["code"] == "AEAD_TAMPERED"
    assert "plaintext_b64" not in answer


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"key_b64": _b64(bytes(16))}, "AEAD_KEY_REFUSED"),
        ({"key_b64": _b64(bytes(24))}, "AEAD_KEY_REFUSED"),
        ({"key_b64": ""}, "AEAD_KEY_REFUSED"),
        ({"nonce_b64": _b64(bytes(16))}, "AEAD_NONCE_REFUSED"),
        ({"nonce_b64": _b64(bytes(8))}, "AEAD_NONCE_REFUSED"),
        ({"nonce_b64": ""}, "AEAD_NONCE_REFUSED"),
        ({"ciphertext_b64": ""}, "AEAD_TAMPERED"),
        ({"ciphertext_b64": _b64(bytes(15))}, "AEAD_TAMPERED"),
        ({"ciphertext_b64": _b64(base64.b64decode(LAST["ciphertext_b64"])[:-1])}, "AEAD_TAMPERED"),
        ({"key_b64": "no base64"}, "CHECK_INPUT_INVALID"),
        ({"aad_b64": "AA"}, "CHECK_INPUT_INVALID"),
        ({"aad_b64": None}, "CHECK_INPUT_INVALID"),
        ({"aad_b64": "é"}, "CHECK_INPUT_INVALID"),
        ({"nonce_b64": 1}, "CHECK_INPUT_INVALID"),
    ],
)
def test_refused(changed: dict[str, Any], code: str) -> None:
    """S62: no weaker key, nonce or tag than ours, and malformed input by its name."""
    assert check({**LAST, **changed})["error"]["code"] == code


@given(st.lists(st.binary(max_size=40).filter(lambda line: b"\n" not in line), max_size=8))
def test_any_bytes_have_answers(lines: list[bytes]) -> None:
    """check-command contract (S62): as many answers as lines, whatever they hold."""
    sink = io.BytesIO()
    run_check("aead-open", io.BytesIO(b"".join(line + b"\n" for line in lines)), sink)
    answers = [json.loads(line) for line in sink.getvalue().splitlines()]
    assert [answer["ok"] for answer in answers] == [False] * len(lines)
