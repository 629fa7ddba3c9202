"""Passkeys of a person, and what a browser's answer about one is worth. Pure functions over py_webauthn.

Rules:
- an answer is judged by what it was asked for: challenge, origin and RP id, none of them its own word;
- the authenticator has verified its holder (UV), each time: to have the device and to unlock it are two
  factors, so that a passkey is enough by itself;
- a counter is believed only under a good signature. One that does not grow says that there are two copies of the
  key, of which we cannot tell the right one: refused (section 6.1.1). Passkeys that count nothing say 0;
- whether a key may be copied (BE) does not change in its life (section 7.2 step 19);
- no attestation is asked for, and none is looked at: who made the device is nobody's business here.

Source: spec.md S34; W3C Web Authentication Level 3 sections 6.1, 6.1.1, 7.1, 7.2; RFC 8176; RFC 9053.
"""

from typing import Final

import msgspec
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    parse_attestation_object,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.decode_credential_public_key import DecodedRSAPublicKey
from webauthn.helpers.structs import AttestationFormat, CredentialDeviceType

from comptoir.actors.person.messages import PasskeyAnswer

__all__ = [
    "ALGORITHMS",
    "PASSKEYS_MAX",
    "Asserted",
    "Passkey",
    "asserted",
    "methods_of",
    "registered",
    "user_of",
]

ALGORITHMS: Final = (
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
)
"""What Web Authentication section 5.8.5 recommends; RS256 is what Windows Hello makes."""
PASSKEYS_MAX: Final = 10
"""Of one person: each is some 500 bytes of a state that is read at every sign-in."""
RSA_BYTES_MIN: Final = 256
"""2048 bits (NIST SP 800-57 part 1)."""
CREDENTIAL_ID_BYTES_MAX: Final = 1023
"""Section 7.1 step 25."""
KEY_BYTES_MAX: Final = 1024
"""An RSA key of 4096 bits has some 530."""


class Passkey(msgspec.Struct, frozen=True):
    """One key that a person signs in with."""

    credential_id: str
    """In base64url."""
    public_key: str
    """A COSE key in base64url (RFC 9053)."""
    name: str
    """As its owner calls it."""
    synced: bool
    """It may be copied between devices (BE): then it is software's, whatever it lies in."""
    sign_count: int
    """The highest one that was seen."""
    registered_at: int
    """Business time, ms since 1970."""
    used_at: int = 0
    """0: not yet."""


class Asserted(msgspec.Struct, frozen=True):
    """What an answer to a sign-in was worth."""

    passkey: Passkey | None
    """The one that it was made with, as it was before; None: none of this person."""
    sign_count: int = 0
    """As the answer has it."""
    fault: str = ""
    """`unknown`, `invalid` or `regressed`; empty: it is good."""


def registered(answer: PasskeyAnswer, name: str, now: int) -> Passkey | None:
    """The new passkey of an answer to `navigator.credentials.create()`; None if it is not accepted.

    Args:
        answer: of the browser, with what it was asked.
        name: as its owner calls it.
        now: business time, ms since 1970.
    """
    try:
        return _registered(answer, name, now)
    except Exception:  # noqa: BLE001  (a stranger's bytes: whatever they make a parser raise, they are refused)
        return None


def _registered(answer: PasskeyAnswer, name: str, now: int) -> Passkey | None:
    credential = parse_registration_credential_json(answer.credential)
    _framed_by_nobody(credential.response.client_data_json)
    attested = parse_attestation_object(credential.response.attestation_object)
    # Self attestation is what a browser leaves as it is when asked for none (section 5.1.3); the
    # others would have us read certificates that we believe nothing of.
    if attested.fmt != AttestationFormat.NONE and (
        attested.fmt != AttestationFormat.PACKED or attested.att_stmt.x5c
    ):
        return None
    found = verify_registration_response(
        credential=credential,
        expected_challenge=base64url_to_bytes(answer.challenge),
        expected_rp_id=answer.rp_id,
        expected_origin=answer.origin,
        require_user_verification=True,
        supported_pub_key_algs=list(ALGORITHMS),
    )
    if found.credential_id != credential.raw_id:
        return None
    if len(found.credential_id) > CREDENTIAL_ID_BYTES_MAX or not _is_sound(
        found.credential_public_key
    ):
        return None
    return Passkey(
        bytes_to_base64url(found.credential_id),
        bytes_to_base64url(found.credential_public_key),
        name,
        found.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        found.sign_count,
        now,
    )


def _is_sound(key: bytes) -> bool:
    """Whether signatures of this key can be verified, and are worth something."""
    decoded = decode_credential_public_key(key)
    decoded_public_key_to_cryptography(decoded)  # raises for a point that is on no curve
    if len(key) > KEY_BYTES_MAX:
        return False
    return not isinstance(decoded, DecodedRSAPublicKey) or len(decoded.n) >= RSA_BYTES_MIN


def asserted(answer: PasskeyAnswer, passkeys: tuple[Passkey, ...]) -> Asserted:
    """Judge an answer to `navigator.credentials.get()`.

    Args:
        answer: of the browser, with what it was asked.
        passkeys: those of the person.
    """
    try:
        return _asserted(answer, passkeys)
    except Exception:  # noqa: BLE001  (as above)
        return Asserted(None, fault="invalid")


def _asserted(answer: PasskeyAnswer, passkeys: tuple[Passkey, ...]) -> Asserted:
    credential = parse_authentication_credential_json(answer.credential)
    used = next((one for one in passkeys if one.credential_id == credential.id), None)
    if used is None:
        return Asserted(None, fault="unknown")
    _framed_by_nobody(credential.response.client_data_json)
    found = verify_authentication_response(
        credential=credential,
        expected_challenge=base64url_to_bytes(answer.challenge),
        expected_rp_id=answer.rp_id,
        expected_origin=answer.origin,
        credential_public_key=base64url_to_bytes(used.public_key),
        credential_current_sign_count=0,  # ours to judge: the library looks before the signature
        require_user_verification=True,
    )
    synced = found.credential_device_type is CredentialDeviceType.MULTI_DEVICE
    if synced != used.synced:
        return Asserted(used, fault="invalid")
    counted = found.new_sign_count
    regressed = (counted or used.sign_count) and counted <= used.sign_count
    return Asserted(used, counted, "regressed" if regressed else "")


def user_of(credential: str) -> str | None:
    """Whose passkey an answer says it is of: a claim, until `asserted` has judged it.

    Args:
        credential: JSON of the answer.
    """
    try:
        handle = parse_authentication_credential_json(credential).response.user_handle
        return None if handle is None else handle.decode("ascii")
    except Exception:  # noqa: BLE001  (as above)
        return None


def methods_of(passkey: Passkey) -> tuple[str, ...]:
    """`amr` of a sign-in by it: proof of a key, somebody who was there, and two factors (RFC 8176)."""
    return ("swk" if passkey.synced else "hwk", "user", "mfa")


def _framed_by_nobody(client_data_json: bytes) -> None:
    """Section 7.1 step 10: our pages are framed by nobody, so a ceremony in a frame is not ours.

    Raises:
        ValueError: it was in one.
    """
    if parse_client_data_json(client_data_json).cross_origin:
        raise ValueError("cross-origin")
