"""What others read of our issuer: its keys, and where its endpoints are. Pure functions.

The rule: nothing is announced that is not there. Endpoints come from whoever serves them; without any,
the document still says who the issuer is and where its keys are, which is all that verifying needs.
Source: interface.md 9; RFC 7517 section 5; OpenID Connect Discovery 1.0 section 3; RFC 8414 section 2.
"""

from collections.abc import Sequence
from typing import Any, Final

from comptoir.http.identity.compact import ALGORITHM
from comptoir.http.identity.signing import SigningKeys
from comptoir.http.principal import Role

__all__ = ["CONFIGURATION_PATH", "JWKS_PATH", "jwks", "openid_configuration"]

CONFIGURATION_PATH: Final = "/.well-known/openid-configuration"
JWKS_PATH: Final = "/oauth/jwks.json"
ENDPOINTS: Final = {
    "authorization_endpoint": "/oauth/authorize",
    "token_endpoint": "/oauth/token",
    "revocation_endpoint": "/oauth/revoke",
}
"""Members of the document, and their paths below the issuer (interface.md 9)."""
CLIENT_METHODS: Final = ["client_secret_basic", "client_secret_post", "none"]
"""How a client that has a secret shows it (RFC 6749 section 2.3.1); public ones have none."""
CLAIMS: Final = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "jti",
    "client_id",
    "roles",
    "scope",
    "amr",
    "acr",
    "auth_time",
]


def jwks(keys: SigningKeys, now: int) -> dict[str, Any]:
    """The body of `/oauth/jwks.json`, as `application/jwk-set+json`.

    Args:
        keys: ours.
        now: seconds since 1970; keys that no living token can name are left out.
    """
    return {"keys": keys.public_keys(now)}


def openid_configuration(
    issuer: str,
    served: Sequence[str] = (),
    grants: Sequence[str] = (),
    contexts: Sequence[str] = (),
) -> dict[str, Any]:
    """The body of `/.well-known/openid-configuration`.

    Args:
        issuer: ours, without a slash at its end.
        served: members of ENDPOINTS that are there, such as `token_endpoint`.
        grants: `grant_type`s that the token endpoint takes.
        contexts: what `acr_values` may ask for, and `acr` then says.
    """
    code = ["code"] if "authorization_endpoint" in served else []
    return {
        "issuer": issuer,
        "jwks_uri": issuer + JWKS_PATH,
        **{name: issuer + ENDPOINTS[name] for name in served},
        "response_types_supported": code,
        "response_modes_supported": ["query"] if code else [],
        "grant_types_supported": list(grants),
        **{
            f"{name}_auth_methods_supported": CLIENT_METHODS
            for name in ("token_endpoint", "revocation_endpoint")
            if name in served
        },
        "code_challenge_methods_supported": ["S256"] if code else [],
        "authorization_response_iss_parameter_supported": bool(code),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "acr_values_supported": list(contexts),
        "prompt_values_supported": ["none", "login", "consent"] if code else [],
        "claims_supported": CLAIMS,
        "roles_supported": [role.value for role in Role],
    }
