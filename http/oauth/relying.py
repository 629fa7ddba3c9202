"""Ourselves as a relying party of WebAuthn: who we are to authenticators, and the ceremonies of browsers.

The rule: RP id and origin are those of the issuer, never of a request. A challenge is drawn here, kept by an
actor that a cookie of the browser finds, and good for one answer within minutes; an answer is judged by the
person's actor (actors/person/passkeys.py). Where the issuer's host is an address there are no passkeys,
since browsers have none for addresses.
Source: W3C Web Authentication Level 3 sections 5.4, 5.5, 13.4.3 and "RP ID"; RFC 8176; spec.md S34.
"""

import secrets
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from webauthn import generate_authentication_options, generate_registration_options
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json_dict
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from comptoir.actors.ceremony.messages import (
    KIND,
    BeginCeremony,
    CeremonyFinished,
    FinishCeremony,
    Purpose,
)
from comptoir.actors.person.messages import PasskeyAnswer
from comptoir.actors.person.passkeys import ALGORITHMS
from comptoir.engine import Address
from comptoir.http.answers import Response, json_response
from comptoir.http.identity.opening import Identity
from comptoir.http.oauth.sessions import (
    cookie_value,
    digest_of,
    draw_session,
    origin_of,
    set_cookie,
)
from comptoir.http.operation import Call
from comptoir.http.port import Port

__all__ = [
    "Ceremony",
    "Registrant",
    "begun",
    "creation_options",
    "request_options",
    "rp_id_of",
]

CHALLENGE_BYTES: Final = 32
"""Of 16 at least (section 13.4.3)."""
CEREMONY_SECONDS: Final = 300
"""To find the device and unlock it: what section 15.1 recommends where the holder is verified."""
COOKIE: Final = "ceremony"
USER_HANDLE_BYTES_MAX: Final = 64
"""Section 5.4.3."""
NAME: Final = "comptoir"
VERIFIED: Final = UserVerificationRequirement.REQUIRED


@dataclass(frozen=True, slots=True)
class Registrant:
    """Who is to get a passkey."""

    key: str
    """Of the person's actor: it becomes the user handle, and says nothing of them (section 14.6.1)."""
    subject: str
    """Shown to them by their authenticator."""
    known: tuple[str, ...] = ()
    """Credential ids that they have, which an authenticator is to make no second time."""


def rp_id_of(identity: Identity) -> str | None:
    """The host of our issuer; None where it is an address."""
    host = urlsplit(identity.issuer or "").hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return host or None
    return None


def request_options(rp_id: str, challenge: str) -> dict[str, Any]:
    """What `navigator.credentials.get()` is asked for: any passkey of ours, its holder verified."""
    return options_to_json_dict(
        generate_authentication_options(
            rp_id=rp_id,
            challenge=base64url_to_bytes(challenge),
            timeout=CEREMONY_SECONDS * 1000,
            user_verification=VERIFIED,
        )
    )


def creation_options(rp_id: str, challenge: str, who: Registrant) -> dict[str, Any]:
    """What `navigator.credentials.create()` is asked for: a discoverable one, and no attestation."""
    handle = who.key.encode("ascii")
    assert len(handle) <= USER_HANDLE_BYTES_MAX, "an actor's key has become longer"
    return options_to_json_dict(
        generate_registration_options(
            rp_id=rp_id,
            rp_name=NAME,
            user_id=handle,
            user_name=who.subject,
            user_display_name=who.subject,
            challenge=base64url_to_bytes(challenge),
            timeout=CEREMONY_SECONDS * 1000,
            attestation=AttestationConveyancePreference.NONE,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=VERIFIED
            ),
            exclude_credentials=[
                PublicKeyCredentialDescriptor(base64url_to_bytes(one)) for one in who.known
            ],
            supported_pub_key_algs=list(ALGORITHMS),
        )
    )


@dataclass(frozen=True, slots=True)
class Ceremony:
    """One of this browser, for one purpose."""

    port: Port
    identity: Identity
    purpose: Purpose
    who: str = ""
    """Key of the person's actor; empty for a sign-in."""

    async def begin(self) -> tuple[str, tuple[bytes, bytes]]:
        """Draw a challenge, durable; in base64url, and the header field that sets the cookie."""
        value = draw_session()
        challenge = bytes_to_base64url(secrets.token_bytes(CHALLENGE_BYTES))
        begun = BeginCeremony(self.purpose, self.who, challenge, CEREMONY_SECONDS * 1000)
        await self.port.ask(Address(KIND, digest_of(value)), begun)
        return challenge, set_cookie(self.identity, value, CEREMONY_SECONDS, COOKIE)

    async def finish(self, call: Call, credential: str) -> PasskeyAnswer | None:
        """Use the challenge up; the answer with what it was asked for, None where nothing was asked.

        Args:
            call: with the cookie.
            credential: JSON of what the browser answered.
        """
        value, rp_id = cookie_value(self.identity, call, COOKIE), rp_id_of(self.identity)
        if value is None or rp_id is None:
            return None
        finish = FinishCeremony(self.purpose, self.who)
        reply = (await self.port.ask(Address(KIND, digest_of(value)), finish)).reply
        if not isinstance(reply, CeremonyFinished):
            return None
        return PasskeyAnswer(credential, reply.challenge, rp_id, origin_of(self.identity))


def begun(options: dict[str, Any], cookie: tuple[bytes, bytes], ticket: str) -> Response:
    """The answer that begins a ceremony."""
    answer = json_response(200, options, ticket)
    answer.headers.append(cookie)
    return answer
