"""Whose signature is good: certificates for signing, under a root of signers (S28).

What is verified of bytes and times is in test_sealing.py, with what seals.
"""

# pyright: reportPrivateUsage=false

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pyhanko.sign
import pytest
import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12
from cryptography.x509.oid import NameOID

from comptoir.actors.signature.drawing import draw
from comptoir.actors.signature.sealing import seal
from comptoir.actors.signature.studio import Studio
from comptoir.actors.signature.verifying import verify
from comptoir.sandbox.parties.trust import PASSWORD, Authority
from tests.actors.signature.authority import NOW_MS, SHEET, Serving, seal_of, serving

NOT_TRUSTED = ("SIGNER_NOT_TRUSTED",)


@dataclass(frozen=True)
class Signer:
    """Who signs, by which key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@pytest.fixture(scope="module")
def served() -> Iterator[Serving]:
    """The house's authority."""
    with serving() as one:
        yield one


@pytest.fixture(scope="module")
def another() -> Iterator[Serving]:
    """A public one of another name, all of whose customers have certificates under its root."""

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Another {text}")])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("comptoir.sandbox.parties.trust._name", name)
        with serving() as one:
            yield one


@pytest.fixture(scope="module")
def contract() -> bytes:
    """A contract."""
    return draw(SHEET).pdf


def root_of(served: Serving) -> bytes:
    """Its root, in DER."""
    return served.authority.root.public_bytes(Encoding.DER)


def for_sessions(authority: Authority) -> Signer:
    """A customer of the authority's, certified for signatures that nobody stands by (TLS, a sign-in)."""
    key, model = ec.generate_private_key(ec.SECP256R1()), authority.house
    builder = (
        x509.CertificateBuilder()
        .subject_name(model.subject)
        .issuer_name(model.issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(model.not_valid_before_utc)
        .not_valid_after(model.not_valid_after_utc)
    )
    for one in model.extensions:
        value: x509.ExtensionType = one.value
        if isinstance(value, x509.KeyUsage):
            value = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
        if isinstance(value, x509.SubjectKeyIdentifier):
            value = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = builder.add_extension(value, one.critical)
    return Signer(builder.sign(authority._key, hashes.SHA256()), key)


def signed_by(signer: Signer, contract: bytes, served: Serving) -> bytes:
    """The contract, signed as a house would, by somebody whom our own sealing would not let."""
    shut = BestAvailableEncryption(PASSWORD.encode())
    file = pkcs12.serialize_key_and_certificates(
        b"x", signer.key, signer.certificate, [served.authority.root], shut
    )
    real: Any = pyhanko.sign.PdfSignatureMetadata

    def lenient(**given: Any) -> Any:
        return real(**{**given, "signer_key_usage": set[str]()})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyhanko.sign, "PdfSignatureMetadata", lenient)
        done = seal(msgspec.structs.replace(seal_of(contract, served), pkcs12=file))
    assert done.code == ""
    return done.pdf


def test_a_certificate_for_sessions_signs_no_contract(served: Serving, contract: bytes) -> None:
    """S28: a key usage of digitalSignature alone, under a root that is trusted; now, and when it has expired."""
    pdf = signed_by(for_sessions(served.authority), contract, served)
    for at in (NOW_MS, NOW_MS + 5 * 365 * 86_400_000):
        verdict = verify(pdf, (root_of(served),), at)
        assert (verdict.valid, verdict.problems) == (False, NOT_TRUSTED)
        (seen,) = verdict.signers
        assert (seen.intact, seen.trusted) == (True, False)


def test_a_time_stamping_authority_signs_no_contract(served: Serving, contract: bytes) -> None:
    """S28: its certificate is for time stamps alone (RFC 3161, 2.3), whatever its key usage says."""
    authority = served.authority
    pdf = signed_by(Signer(authority.tsa, authority._tsa_key), contract, served)
    assert verify(pdf, (root_of(served),), NOW_MS).problems == NOT_TRUSTED


def test_a_root_of_time_stamps_is_none_of_signers(
    served: Serving, another: Serving, contract: bytes
) -> None:
    """S28: whoever has a certificate of the time stamping authority's is no good signer by that."""
    pdf = seal(seal_of(contract, another)).pdf
    ours, theirs = (root_of(served),), (root_of(another),)
    assert verify(pdf, theirs, NOW_MS).valid
    assert verify(pdf, ours, NOW_MS, theirs).problems == NOT_TRUSTED


async def test_time_stamps_may_lead_to_a_root_of_their_own(
    served: Serving, another: Serving, contract: bytes
) -> None:
    """S28: the house by its root, the time by another's; without that the time is not proven."""
    ours, theirs = (root_of(served),), (root_of(another),)
    tsa = f"{another.address}/trust/tsa"
    wanted = msgspec.structs.replace(seal_of(contract, served), tsa_url=tsa, trust=theirs)
    sealed = await trio.to_thread.run_sync(seal, wanted)  # the child does so without trio
    pdf = sealed.pdf
    assert (await Studio(1, 1, 60.0).verify(pdf, ours, NOW_MS, theirs)).valid
    assert not (await trio.to_thread.run_sync(verify, pdf, ours, NOW_MS)).valid
