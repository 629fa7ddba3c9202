"""Keys that protect nothing are refused by name, wherever they come from (storage/keys/local.py)."""

import pytest

from comptoir.storage.keys.errors import KeyDoubled, KeyKnown, KeyWeak
from comptoir.storage.keys.local import check_keys

GOOD = bytes.fromhex("4f1c8ab2097de36655d2c1f09b3a7e8114cd60a2f7395b8e02ddf46a91c78b30")


@pytest.mark.parametrize(
    ("keys", "refusal"),
    [
        ({"k1": bytes(range(32))}, KeyKnown),
        (
            {
                "k1": bytes.fromhex(
                    "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"
                )
            },
            KeyKnown,
        ),
        ({"k1": GOOD, "k2": b"\0" * 32}, KeyWeak),
        ({"k1": GOOD[:16] * 2}, KeyWeak),
        ({"k1": GOOD, "k2": GOOD}, KeyDoubled),
    ],
    ids=["counted", "of a standard", "zeros", "half a key twice", "under two names"],
)
def test_refused_by_name(keys: dict[str, bytes], refusal: type[Exception]) -> None:
    """S45, S62: the name of the key is told, and nothing of it."""
    with pytest.raises(refusal) as caught:
        check_keys(keys)
    assert list(keys)[-1] in str(caught.value)
    assert not any(key.hex() in str(caught.value) for key in keys.values())


def test_drawn_keys_are_taken() -> None:
    """S45: two that were drawn at random."""
    check_keys({"k1": GOOD, "k2": GOOD[::-1]})
