"""A public authority: certificates, the list of those it has revoked, and time stamps.

Rule: what it issues is what such authorities issue (X.509, RFC 5280; RFC 3161), written here from the standards, so that
whoever seals and verifies is tried against another's work. Its keys are made when it is first asked, and forgotten by a
reset; nothing that it issues is worth anything beyond this machine.

Source: RFC 5280, 4.2 and 5; RFC 3161, 2.4; RFC 5816; RFC 5652, 5.4; interface.md 10; docs/sandbox.md.
"""

# What these libraries hold has no types of its own.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal

import msgspec
from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Meta

from comptoir.sandbox.errors import decode
from comptoir.sandbox.faults import Direction, Operation
from comptoir.sandbox.parties.party import Effect, Inbound, Party, Stage
from comptoir.sandbox.wire.router import Call, Route
from comptoir.sandbox.wire.server import Outcome, Reply, json_reply

__all__ = ["NAME", "PASSWORD", "Authority", "Trust"]

NAME: Final = "trust"
STAMP: Final = Operation("timestamps.create", Direction.INBOUND)
LIST: Final = Operation("revocations.get", Direction.INBOUND)
PASSWORD: Final = "sandbox"  # noqa: S105 - of a key that is worth nothing
"""Of the PKCS#12 file."""
POLICY: Final = "1.3.6.1.4.1.99999.1"
ROOT_YEARS, TSA_YEARS, HOUSE_DAYS = 20, 10, 730
LIST_DAYS: Final = 7
EARLIER: Final = timedelta(hours=1)
"""Before now everything is valid, for clocks that are a little late."""
SUSPENDED_MAX: Final = 100

Key = ec.EllipticCurvePrivateKey


class Revoke(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`POST /control/trust/revocations`: this certificate is not good any more."""

    of: Annotated[Literal["house", "tsa"], Meta(description="Whose.")]


def _name(text: str) -> x509.Name:
    return x509.Name([
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Sandbox"), x509.NameAttribute(NameOID.COMMON_NAME, text),
    ])  # fmt: skip


class Authority:
    """One root, whoever it certifies, and its list of revocations."""

    def __init__(self, address: str, now: datetime, house_days: int = HOUSE_DAYS) -> None:
        """Make it.

        Args:
            address: where its list lies, as its certificates say.
            now: when it begins.
            house_days: how long the certificate that seals is valid.
        """
        self._address = address
        self._begun = now - EARLIER
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.root = self._root()
        self._house_key = ec.generate_private_key(ec.SECP256R1())
        self.house = self._issue(
            "Sandbox Private Bank", self._house_key, timedelta(days=house_days)
        )
        self._tsa_key = ec.generate_private_key(ec.SECP256R1())
        years = timedelta(days=365 * TSA_YEARS)
        self.tsa = self._issue("Sandbox Time Stamps", self._tsa_key, years, stamps=True)
        self._revoked: dict[int, datetime] = {}
        self._serial = 0

    def pkcs12(self) -> bytes:
        """Key, certificate and chain of the house, in one file."""
        shut = serialization.BestAvailableEncryption(PASSWORD.encode())
        return pkcs12.serialize_key_and_certificates(
            b"house", self._house_key, self.house, [self.root], shut
        )

    def pem(self) -> bytes:
        """The root."""
        return self.root.public_bytes(serialization.Encoding.PEM)

    def revoke(self, certificate: x509.Certificate, now: datetime) -> None:
        """From now on it is on the list."""
        self._revoked[certificate.serial_number] = now

    def revocations(self, now: datetime) -> bytes:
        """The list, as it is now (RFC 5280, 5.1)."""
        builder = x509.CertificateRevocationListBuilder(
            issuer_name=self.root.subject, last_update=now - EARLIER, next_update=now + timedelta(days=LIST_DAYS)
        )  # fmt: skip
        for serial, at in self._revoked.items():
            entry = x509.RevokedCertificateBuilder(serial, at - EARLIER).build()
            builder = builder.add_revoked_certificate(entry)
        builder = builder.add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
        key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        signed = builder.add_extension(key, critical=False).sign(self._key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.DER)

    def stamp(self, request: bytes, now: datetime) -> bytes:
        """The answer to a request for a time stamp (RFC 3161, 2.4.2).

        Raises:
            ValueError: it is no request.
        """
        asked = tsp.TimeStampReq.load(request, strict=True)
        imprint = asked["message_imprint"]
        if imprint["hash_algorithm"]["algorithm"].native not in ("sha256", "sha384", "sha512"):
            refused = tsp.TimeStampResp(
                {"status": {"status": "rejection", "fail_info": {"bad_alg"}}}
            )
            return bytes(refused.dump())
        self._serial += 1
        facts = {
            "version": "v1", "policy": POLICY, "message_imprint": imprint, "serial_number": self._serial,
            "gen_time": now.replace(microsecond=0), "accuracy": {"seconds": 1}, "ordering": False,
        }  # fmt: skip
        if asked["nonce"].native is not None:
            facts["nonce"] = asked["nonce"]
        token = self._signed(tsp.TSTInfo(facts).dump(), now)
        granted = tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token})
        return bytes(granted.dump())

    def _signed(self, content: bytes, now: datetime) -> cms.ContentInfo:
        """A token over this content (RFC 5652; RFC 5816: the certificate is named by its SHA-256)."""
        certificate = asn1.Certificate.load(self.tsa.public_bytes(serialization.Encoding.DER))
        sha256 = algos.DigestAlgorithm({"algorithm": "sha256"})
        named = tsp.SigningCertificateV2(
            {"certs": [{"cert_hash": hashlib.sha256(certificate.dump()).digest()}]}
        )
        attributes = cms.CMSAttributes([
            {"type": "content_type", "values": ["tst_info"]},
            {"type": "signing_time", "values": [cms.Time({"utc_time": core.UTCTime(now.replace(microsecond=0))})]},
            {"type": "signing_certificate_v2", "values": [named]},
            {"type": "message_digest", "values": [hashlib.sha256(content).digest()]},
        ])  # fmt: skip
        signature = self._tsa_key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256()))
        signer = cms.SignerInfo({
            "version": "v1", "digest_algorithm": sha256, "signed_attrs": attributes, "signature": signature,
            "sid": cms.SignerIdentifier({"issuer_and_serial_number": {
                "issuer": certificate.issuer, "serial_number": certificate.serial_number,
            }}),
            "signature_algorithm": {"algorithm": "sha256_ecdsa"},
        })  # fmt: skip
        signed = cms.SignedData({
            "version": "v3", "digest_algorithms": [sha256], "signer_infos": [signer], "certificates": [certificate],
            "encap_content_info": {"content_type": "tst_info", "content": cms.ParsableOctetString(content)},
        })  # fmt: skip
        return cms.ContentInfo({"content_type": "signed_data", "content": signed})

    def _root(self) -> x509.Certificate:
        builder = self._builder("Sandbox Root", self._key, timedelta(days=365 * ROOT_YEARS))
        usage = _usage(signs=False)
        builder = builder.add_extension(x509.BasicConstraints(True, 0), critical=True)
        return builder.add_extension(usage, critical=True).sign(self._key, hashes.SHA256())

    def _issue(
        self, text: str, key: Key, lasts: timedelta, *, stamps: bool = False
    ) -> x509.Certificate:
        place = x509.DistributionPoint(
            [x509.UniformResourceIdentifier(f"{self._address}/trust/ca.crl")], None, None, None
        )
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = (
            self._builder(text, key, lasts)
            .add_extension(x509.BasicConstraints(False, None), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(issuer, critical=False)
            .add_extension(x509.CRLDistributionPoints([place]), critical=False)
        )
        if stamps:
            purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
            builder = builder.add_extension(purpose, critical=True)
        return builder.sign(self._key, hashes.SHA256())

    def _builder(self, text: str, key: Key, lasts: timedelta) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(_name(text))
            .issuer_name(_name("Sandbox Root"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._begun)
            .not_valid_after(self._begun + lasts)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )  # fmt: skip


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs, content_commitment=signs, key_cert_sign=not signs, crl_sign=not signs,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


@dataclass(slots=True)
class Trust:
    """The authority as a party."""

    stage: Stage
    _authorities: dict[str, Authority] = field(default_factory=dict[str, Authority])
    """By the address under which it was asked: that is where its list lies."""

    def party(self) -> Party:
        """What it is asked."""
        return Party(NAME, inbound=(
            Inbound(STAMP, "POST", "/trust/tsa", self._stamp), Inbound(LIST, "GET", "/trust/ca.crl", self._list),
        ))  # fmt: skip

    def routes(self) -> list[Route]:
        """What tests and the demo fetch, and do."""
        return [
            Route("GET", "/control/trust/house.p12", self._house),
            Route("GET", "/control/trust/root.pem", self._root),
            Route("POST", "/control/trust/revocations", self._revoke),
        ]

    def reset(self) -> None:
        """Nothing that was issued is known any more."""
        self._authorities.clear()

    def _of(self, call: Call) -> Authority:
        host = call.request.headers.get("host", "127.0.0.1")
        if host not in self._authorities:
            self._authorities[host] = Authority(f"http://{host}", _now())
        return self._authorities[host]

    def _stamp(self, call: Call) -> Effect:
        try:
            answer = self._of(call).stamp(call.request.body, _now())
        except (ValueError, TypeError):
            return Effect(json_reply(400, {"code": "REQUEST_INVALID"}), happened=False)
        return Effect(_bytes(answer, "application/timestamp-reply"), happened=True)

    def _list(self, call: Call) -> Effect:
        return Effect(_bytes(self._of(call).revocations(_now()), "application/pkix-crl"), happened=False)  # fmt: skip

    async def _house(self, call: Call) -> Outcome:
        return _bytes(self._of(call).pkcs12(), "application/x-pkcs12")

    async def _root(self, call: Call) -> Outcome:
        return _bytes(self._of(call).pem(), "application/x-pem-file")

    async def _revoke(self, call: Call) -> Outcome:
        given, authority = decode(call.request.body, Revoke), self._of(call)
        authority.revoke(authority.house if given.of == "house" else authority.tsa, _now())
        return json_reply(200, {"revoked": given.of})


def _now() -> datetime:
    return datetime.now(UTC)


def _bytes(body: bytes, media_type: str) -> Reply:
    return Reply(200, body, content_type=media_type)
