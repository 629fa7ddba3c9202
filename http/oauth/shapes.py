"""The bodies of the OAuth endpoints as types, for the description; their names are the RFCs' own.

Source: RFC 6749 sections 4 and 5; RFC 7009 section 2.1; RFC 7517 section 5; RFC 8414 section 2.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from comptoir.http.oauth.answers import ERROR_CODES

__all__ = [
    "Configuration",
    "ConfirmForm",
    "ConsentForm",
    "CreationOptions",
    "EnrolForm",
    "KeySet",
    "NewStaff",
    "OAuthFault",
    "PasskeyEnrolForm",
    "PasskeyForm",
    "PasskeyRemovalForm",
    "PasskeySignInForm",
    "RequestOptions",
    "RevocationForm",
    "Revoked",
    "SessionForm",
    "SignInForm",
    "StaffInvited",
    "TokenForm",
    "Tokens",
    "WithdrawalForm",
]

_ERROR = Annotated[str, Meta(extra_json_schema={"enum": list(ERROR_CODES)})]


class TokenForm(msgspec.Struct, frozen=True):
    """What every grant needs; each has parameters of its own beside it."""

    grant_type: str
    client_id: str | msgspec.UnsetType = msgspec.UNSET
    client_secret: str | msgspec.UnsetType = msgspec.UNSET
    scope: str | msgspec.UnsetType = msgspec.UNSET


class ConsentForm(msgspec.Struct, frozen=True):
    """The person lets a client act for them."""

    next: str
    """Its request, which goes on."""


class WithdrawalForm(msgspec.Struct, frozen=True):
    """The person lets it no more."""

    client_id: str


class SessionForm(msgspec.Struct, frozen=True):
    """Which session ends: its id, or `others`."""

    session: str


class RevocationForm(msgspec.Struct, frozen=True):
    """Which token is needed no more."""

    token: str
    token_type_hint: str | msgspec.UnsetType = msgspec.UNSET
    client_id: str | msgspec.UnsetType = msgspec.UNSET
    client_secret: str | msgspec.UnsetType = msgspec.UNSET


class Revoked(msgspec.Struct, frozen=True):
    """Nothing is left to say."""


class Tokens(msgspec.Struct, frozen=True):
    """What a grant was worth."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: Annotated[int, Meta(gt=0, description="Seconds.")]
    scope: str | msgspec.UnsetType = msgspec.UNSET
    refresh_token: str | msgspec.UnsetType = msgspec.UNSET
    id_token: str | msgspec.UnsetType = msgspec.UNSET


class SignInForm(msgspec.Struct, frozen=True):
    """What the page of a sign-in sends."""

    sub: str
    password: str
    next: str | msgspec.UnsetType = msgspec.UNSET


class EnrolForm(msgspec.Struct, frozen=True):
    """What the page of an enrolment sends first."""

    who: str
    link: str


class ConfirmForm(msgspec.Struct, frozen=True):
    """What it sends when the authenticator has the seed."""

    who: str
    link: str
    password: str


class PasskeySignInForm(msgspec.Struct, frozen=True):
    """What the page of a sign-in sends when the browser has answered."""

    credential: Annotated[str, Meta(description="JSON of a PublicKeyCredential.")]
    next: str | msgspec.UnsetType = msgspec.UNSET


class PasskeyForm(msgspec.Struct, frozen=True):
    """A passkey that was made, and what its owner calls it."""

    credential: Annotated[str, Meta(description="JSON of a PublicKeyCredential.")]
    name: Annotated[str, Meta(min_length=1, max_length=64)]


class PasskeyEnrolForm(PasskeyForm, frozen=True):
    """The same, by a link."""

    who: str
    link: str


class PasskeyRemovalForm(msgspec.Struct, frozen=True):
    """Which one goes."""

    id: Annotated[str, Meta(description="Its credential id, in base64url.")]


class _Entity(msgspec.Struct, frozen=True):
    """Who takes part in a ceremony."""

    id: str
    name: str


class _User(_Entity, frozen=True, rename="camel"):
    """Likewise, as their authenticator shows them."""

    display_name: str


class _Algorithm(msgspec.Struct, frozen=True):
    """A kind of key (COSE, RFC 9053)."""

    type: Literal["public-key"]
    alg: int


class _Credential(msgspec.Struct, frozen=True):
    """One that is there already."""

    id: str
    type: Literal["public-key"]


class _Selection(msgspec.Struct, frozen=True, rename="camel"):
    """What an authenticator must be able to do."""

    resident_key: Literal["required"]
    require_resident_key: bool
    user_verification: Literal["required"]


class RequestOptions(msgspec.Struct, frozen=True, rename="camel"):
    """For `navigator.credentials.get()` (Web Authentication section 5.5; bytes in base64url)."""

    challenge: str
    timeout: Annotated[int, Meta(description="ms")]
    rp_id: str
    allow_credentials: list[_Credential]
    user_verification: Literal["required"]


class CreationOptions(msgspec.Struct, frozen=True, rename="camel"):
    """For `navigator.credentials.create()` (section 5.4; likewise)."""

    rp: _Entity
    user: _User
    challenge: str
    pub_key_cred_params: list[_Algorithm]
    timeout: Annotated[int, Meta(description="ms")]
    exclude_credentials: list[_Credential]
    authenticator_selection: _Selection
    attestation: Literal["none"]


class NewStaff(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person of the house who is to sign in. A client's roles come from elsewhere."""

    sub: Annotated[str, Meta(min_length=1, max_length=255)]
    roles: Annotated[
        list[Literal["CONSEILLER", "COMPLIANCE", "ADMIN", "OPERATIONS"]],
        Meta(min_length=1, max_length=4, extra_json_schema={"uniqueItems": True}),
    ]


class StaffInvited(msgspec.Struct, frozen=True, rename="camel"):
    """A link that is good once, and never shown again."""

    sub: str
    enrol_url: str
    expires_at: str


class Key(msgspec.Struct, frozen=True):
    """A public RSA key (RFC 7518 section 6.3.1)."""

    kty: Literal["RSA"]
    n: str
    e: str
    kid: Annotated[str, Meta(description="Its thumbprint (RFC 7638).")]
    use: Literal["sig"]
    alg: Literal["RS256"]


class KeySet(msgspec.Struct, frozen=True):
    """Every key that may still verify, the one that signs first."""

    keys: Annotated[list[Key], Meta(min_length=1)]


class Configuration(msgspec.Struct, frozen=True):
    """Who the issuer is, and where its endpoints are; those that are not there are not named."""

    issuer: str
    jwks_uri: str
    response_types_supported: list[str]
    response_modes_supported: list[str]
    grant_types_supported: list[str]
    code_challenge_methods_supported: list[str]
    authorization_response_iss_parameter_supported: bool
    subject_types_supported: list[str]
    id_token_signing_alg_values_supported: list[str]
    acr_values_supported: list[str]
    prompt_values_supported: list[str]
    claims_supported: list[str]
    roles_supported: list[str]
    authorization_endpoint: str | msgspec.UnsetType = msgspec.UNSET
    token_endpoint: str | msgspec.UnsetType = msgspec.UNSET
    token_endpoint_auth_methods_supported: list[str] | msgspec.UnsetType = msgspec.UNSET
    revocation_endpoint: str | msgspec.UnsetType = msgspec.UNSET
    revocation_endpoint_auth_methods_supported: list[str] | msgspec.UnsetType = msgspec.UNSET


class OAuthFault(msgspec.Struct, frozen=True):
    """Why there is no token."""

    error: _ERROR
    error_description: str
