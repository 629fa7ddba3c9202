"""Certificates for tests of TLS: an authority, and what it vouches for.

The rule: made anew for each test, with the fields that RFC 5280 asks of them, so that another
program (openssl, curl) takes them as it takes real ones.
Source: RFC 5280 4.2.
"""

import datetime
import ipaddress
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["Authority"]

DAY: Final = datetime.timedelta(days=1)


class Authority:
    """Signs certificates of 127.0.0.1."""

    def __init__(self) -> None:
        """Sign its own."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named("Test authority")
        self._own = (
            _begun(self._name, self._name, self._key.public_key(), -DAY, 60 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(ca=True), critical=True)
            .add_extension(_key_id(self._key), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def write(self, folder: Path, name: str = "authority") -> Path:
        """Its certificate as a file."""
        path = folder / f"{name}.pem"
        path.write_bytes(self._own.public_bytes(serialization.Encoding.PEM))
        return path

    def pair(
        self,
        folder: Path,
        name: str = "server",
        *,
        days: tuple[float, float] = (-1, 30),
        client: bool = False,
    ) -> tuple[Path, Path]:
        """A certificate and its key as files, the key for this account alone.

        Args:
            folder: where.
            name: of the files.
            days: from now to its begin and to its end.
            client: a caller's, not a server's.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        purpose = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        authority_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        begin, end = days
        made = (
            _begun(_named(name), self._name, key.public_key(), begin * DAY, end * DAY)
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(ca=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(_key_id(key), critical=False)
            .add_extension(authority_id, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        certificate, secret = folder / f"{name}.pem", folder / f"{name}.key"
        secret.touch(mode=0o600)
        secret.write_bytes(_private(key))
        certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        return certificate, secret


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _key_id(key: ec.EllipticCurvePrivateKey) -> x509.SubjectKeyIdentifier:
    return x509.SubjectKeyIdentifier.from_public_key(key.public_key())


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _begun(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    begin: datetime.timedelta,
    end: datetime.timedelta,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begin)
        .not_valid_after(now + end)
    )
