"""Whom the house trusts, as its files say: engine/boot/sealing.py (S28)."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from comptoir.actors.signature.sheet import Verdict
from comptoir.actors.signature.studio import Studio
from comptoir.engine.boot.contracts import Verifier, Verifying
from comptoir.engine.boot.sealing import open_house
from comptoir.engine.settings import Secret, Settings, SettingsError
from comptoir.sandbox.parties.trust import PASSWORD, Authority


def test_roots_of_time_stamps_are_none_of_signers(tmp_path: Path) -> None:
    """S28: the house seals by all of them; a signer leads to its own root or one of `signing.trust`, and to no other."""
    now = datetime.now(UTC)
    own, signers, stamps = (Authority("http://127.0.0.1", now) for _ in range(3))
    (tmp_path / "house.p12").write_bytes(own.pkcs12())
    (tmp_path / "signers.pem").write_bytes(signers.pem())
    (tmp_path / "stamps.pem").write_bytes(stamps.pem())
    house = open_house(Settings().having({
        ("signing", "certificate"): str(tmp_path / "house.p12"),
        ("signing", "password"): Secret(PASSWORD),
        ("signing", "trust"): str(tmp_path / "signers.pem"),
        ("signing", "stamp_trust"): str(tmp_path / "stamps.pem"),
    }))  # fmt: skip
    own_root, signers_root, stamps_root = (
        one.root.public_bytes(Encoding.DER) for one in (own, signers, stamps)
    )
    assert house.roots == (signers_root, own_root)
    assert house.stamp_roots == (stamps_root,)
    assert house.trust == (signers_root, stamps_root)


@pytest.mark.parametrize("place", ["trust", "stamp_trust"])
def test_a_file_of_roots_that_is_none_is_told_by_its_name(tmp_path: Path, place: str) -> None:
    """S28: which setting is wrong."""
    (tmp_path / "roots.pem").write_text("hello")
    with pytest.raises(SettingsError, match=rf"signing\.{place} "):
        open_house(Settings().having({("signing", place): str(tmp_path / "roots.pem")}))


class _Heard(Studio):
    """One that says whom it was told to trust."""

    async def verify(
        self, pdf: bytes, roots: tuple[bytes, ...], at: int, stamp_roots: tuple[bytes, ...] = ()
    ) -> Verdict:
        """Nothing of the file."""
        del pdf, at
        return Verdict(False, (), (repr(roots), repr(stamp_roots)))


class _Now(Verifying):
    """The part of a daemon that verifies."""

    def now_ms(self) -> int:
        """At the beginning."""
        return 0


async def test_who_verifies_is_told_of_both() -> None:
    """S28: what `signing.stamp_trust` says reaches `POST /verify`."""
    daemon = _Now()
    daemon.verifier = Verifier(_Heard(1, 1, 1.0), (b"signer",), (b"stamp",))
    assert (await daemon.verify_pdf(b"")).problems == ("(b'signer',)", "(b'stamp',)")
