"""The signer of ours: its client signs in the portal, and the house seals what was signed, for the long term.

Rule: what the client did is durable before anything is sealed (actors/signature/portal.py); the seal is made when the signed
document is fetched, so that a time stamping authority that is away is a call that is parked, and nobody's signature is lost.
A contract whose bytes are not those that were signed is not sealed. The key is read when the daemon starts.
Source: spec.md S6, S28; Regulation (EU) 910/2014, articles 26 and 36; docs/signature.md; docs/adr/0052.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from comptoir.actors.gateways.signing import Contracts
from comptoir.actors.gateways.signing_messages import (
    CreateEnvelope,
    EnvelopeCreated,
    EnvelopeGone,
    EnvelopeStands,
    FetchSigned,
    ReadEnvelope,
    SignedFetched,
    VoidEnvelope,
)
from comptoir.actors.signature.consents import TEXTS
from comptoir.actors.signature.messages import EMBEDDED, Evidence
from comptoir.actors.signature.sheet import Seal
from comptoir.actors.signature.studio import Studio, StudioFailed
from comptoir.engine.gateway_spec import CallContext, CallFault
from comptoir.engine.settings import Problem, Settings, SettingsError

__all__ = ["Embedded", "House", "open_house"]

PDF: Final = "application/pdf"
KEY_BYTES_MAX: Final = 256 * 1024
TRUST_BYTES_MAX: Final = 4 * 1024 * 1024
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
ASSURANCE: Final = (
    "Advanced electronic signature by a one-time code, sealed by the house (Regulation (EU) 910/2014, articles 26 and 36; "
    "15 U.S.C. 7001). It is not a qualified electronic signature."
)
_STAMP: Final = {
    "fr": ("Signé électroniquement par {name}", "le {date} (UTC), par un code à usage unique", "Scellé par {house}"),
    "en": ("Signed electronically by {name}", "on {date} (UTC), by a one-time code", "Sealed by {house}"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class House:
    """By what the house seals, and whom it trusts."""

    pkcs12: bytes
    """Empty: it does not seal."""
    password: str
    trust: tuple[bytes, ...]
    """Roots of both trust files, in DER: what the house seals leads to them, beside the root in its own file."""
    roots: tuple[bytes, ...]
    """Of `signing.trust`, and the root in its own file: to them a signer must lead to be good."""
    stamp_roots: tuple[bytes, ...]
    """Of `signing.stamp_trust`: time stamps may lead to them as well, and no signer."""

    def __repr__(self) -> str:
        return f"<House of {len(self.roots)} roots>"


def open_house(settings: Settings) -> House:
    """Read key and trust.

    Raises:
        SettingsError: a file cannot be read, or is not what it should be.
    """
    signing = settings.signing
    password = signing.password.reveal()
    signers = _trust("signing.trust", signing.trust)
    stamps = _trust("signing.stamp_trust", signing.stamp_trust)
    trust = tuple(dict.fromkeys((*signers, *stamps)))
    if not signing.certificate:
        return House(b"", "", trust, signers, stamps)
    data = _read("signing.certificate", signing.certificate, KEY_BYTES_MAX)
    try:
        key, own, chain = pkcs12.load_key_and_certificates(data, password.encode() or None)
    except ValueError as error:
        raise _refused(
            "signing.certificate", "cannot be opened", "see the file, and signing.password"
        ) from error
    if key is None or own is None:
        raise _refused("signing.certificate", "has no key", "export key, certificate and chain")
    own_roots = tuple(_der(one) for one in (own, *chain) if one.subject == one.issuer)
    roots = tuple(dict.fromkeys((*signers, *own_roots)))
    return House(data, password, trust, roots, stamps)


def _trust(place: str, path: str) -> tuple[bytes, ...]:
    if not path:
        return ()
    data = _read(place, path, TRUST_BYTES_MAX)
    try:
        return tuple(_der(one) for one in x509.load_pem_x509_certificates(data))
    except ValueError as error:
        raise _refused(place, "is no list of certificates", "give PEM") from error


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def _read(place: str, path: str, bytes_max: int) -> bytes:
    try:
        with Path(path).open("rb") as file:
            data = file.read(bytes_max + 1)
    except OSError as error:
        reason = error.strerror or "not readable"
        raise _refused(place, f"{path}: {reason}", "name a readable file") from error
    if len(data) > bytes_max:
        raise _refused(place, f"is over {bytes_max} bytes", "name the right file")
    return data


def _refused(place: str, text: str, remedy: str) -> SettingsError:
    return SettingsError((Problem("CONFIG_RULE_BROKEN", place, f"{place} {text}", remedy),))


class Embedded:
    """A provider of signatures that is ourselves (actors/gateways/signing.Signing)."""

    def __init__(self, store: Contracts, studio: Studio, house: House, settings: Settings) -> None:
        """Keep contracts there, and have them sealed by it."""
        self._store = store
        self._studio = studio
        self._house = house
        self._name = settings.signing.house
        self._tsa = settings.providers.tsa

    async def create(self, message: CreateEnvelope, _context: CallContext) -> EnvelopeCreated:
        """The portal shows it from now on."""
        return EnvelopeCreated(message.reference, EMBEDDED, message.reference)

    async def find(self, message: CreateEnvelope, context: CallContext) -> EnvelopeCreated | None:
        """Likewise: to ask the signer costs nothing, and happens once."""
        return await self.create(message, context)

    async def read(self, _message: ReadEnvelope, _context: CallContext) -> EnvelopeStands | None:
        """Nobody knows more than the actor that asks."""
        return None

    async def void(self, message: VoidEnvelope, _context: CallContext) -> EnvelopeGone:
        """The portal shows it no more, by the actor's own state."""
        return EnvelopeGone(message.reference, envelope_id=message.envelope_id)

    async def fetch(self, message: FetchSigned, _context: CallContext) -> SignedFetched:
        """Seal it, and keep it: once, for each seal has a time and so other bytes."""
        kept = await self._store.digest(message.path)
        if kept is not None:
            return SignedFetched(message.reference, kept, message.path)
        given = message.evidence
        if given is None:
            raise CallFault("EVIDENCE_MISSING", retryable=False, sick=False)
        pdf = await self._store.read(message.document_path)
        if hashlib.sha256(pdf).hexdigest() != given.document_sha256:
            raise CallFault("CONTRACT_CHANGED", retryable=False, sick=False)
        house = self._house
        seal = Seal(
            pdf, house.pkcs12, house.password, self._tsa.base_url, house.trust,
            _evidence(message.reference, given), given.language, self._stamp(given), self._tsa.timeout_s,
        )  # fmt: skip
        try:
            sealed = await self._studio.seal(seal)
        except StudioFailed as error:
            raise CallFault(error.code, retryable=error.retryable, sick=False) from error
        if sealed.code:
            raise CallFault(sealed.code, retryable=sealed.retryable, sick=sealed.retryable)
        digest = await self._store.keep(message.path, PDF, sealed.pdf)
        return SignedFetched(message.reference, digest, message.path)

    def _stamp(self, given: Evidence) -> tuple[str, ...]:
        date = f"{_moment(given.signed_at):%Y-%m-%d %H:%M}"
        lines = _STAMP[given.language]
        return tuple(one.format(name=given.name, date=date, house=self._name) for one in lines)


def _moment(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)


def _time(ms: int) -> str:
    return _moment(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _evidence(reference: str, given: Evidence) -> bytes:
    """What is sealed with the contract (docs/signature.md)."""
    return msgspec.json.encode({
        "version": 1,
        "reference": reference,
        "signer": {"userId": given.user_id, "name": given.name},
        "documentSha256": given.document_sha256,
        "viewedAt": _time(given.viewed_at),
        "signedAt": _time(given.signed_at),
        "authentication": {
            "methods": list(given.methods), "at": _time(given.authenticated_at),
            "sessionSha256": given.session_sha256,
        },
        "consents": [
            {"version": one, "language": given.language, "text": TEXTS[one][given.language]}
            for one in given.consents
        ],
        "assurance": ASSURANCE,
    })  # fmt: skip
