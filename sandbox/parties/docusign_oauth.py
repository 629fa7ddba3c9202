"""DocuSign's account server: takes an assertion for a user, gives a token for an hour, and says where accounts are.

Rules:
- the app, the user and the account have one id each, as the daemon's settings have them by default; an assertion is
  verified by the key that was given out here (`GET /control/docusign/account`), or, while none was, by the one that it
  brings along (`jwk`), so that a daemon without a key can be played with;
- a user who has not consented (`POST /control/docusign/consent`) is not acted for; what is wrong is said in DocuSign's words;
- a token is good for an hour, or until a test ends all of them (`DELETE /control/docusign/tokens`).

Source: developers.docusign.com/platform/auth/jwt-get-token and /platform/auth/reference; RFC 7523; RFC 6749, 5.2.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import msgspec
import trio
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from comptoir.sandbox.errors import decode
from comptoir.sandbox.parties.jwt_grant import GRANT, Assertion, Wrong
from comptoir.sandbox.parties.party import Effect
from comptoir.sandbox.wire.router import Call
from comptoir.sandbox.wire.server import Outcome, Reply, json_reply

OURS = "00000000-0000-4000-8000-00000000c0de"
"""The id of the app, of the user and of the account (docs/docusign.md)."""
SCOPES = frozenset({"signature", "impersonation"})
LIFE_S = 3600
SKEW_S = 300
TOKENS_MAX = 1000


class Consent(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`POST /control/docusign/consent`."""

    given: bool


@dataclass(slots=True)
class DocusignOAuth:
    """The app's key, and tokens that are good."""

    key: RSAPublicKey | None = None
    """Of the app; None: none was given out."""
    _tokens: OrderedDict[str, float] = field(default_factory=OrderedDict[str, float])
    """Until when: wall time, seconds."""
    _given: int = 0
    _consent: bool = True

    def reset(self) -> None:
        """Forgets that consent was taken back; keys and tokens outlive a reset, as credentials do everywhere here."""
        self._consent = True

    def refusal(self, call: Call) -> Reply | None:
        """What is answered to whoever shows no token that is good; None: theirs is."""
        scheme, _, token = call.request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._tokens.get(token.strip(), 0.0) > time.time():
            return None
        code = "AUTHORIZATION_INVALID_TOKEN"
        text = "The access token provided is expired, revoked or malformed."
        return json_reply(401, {"errorCode": code, "message": text})

    def token(self, call: Call) -> Effect:
        """`POST /oauth/token`."""
        form = parse_qs(call.request.body.decode("utf-8", "replace"))
        grant, assertion = (form.get(name, [""])[0] for name in ("grant_type", "assertion"))
        try:
            if grant != GRANT:
                raise Wrong("invalid_grant", "unsupported_grant_type")
            self._verify(assertion, call.request.headers.get("host", ""))
        except Wrong as wrong:
            return Effect(json_reply(400, wrong.document), happened=False)
        self._given += 1
        token = f"eyJ0eXAiOiJNVCJ9.sandbox-{self._given:06d}"
        self._tokens[token] = time.time() + LIFE_S
        if len(self._tokens) > TOKENS_MAX:
            self._tokens.popitem(last=False)
        document = {
            "access_token": token, "token_type": "Bearer", "expires_in": LIFE_S,
            "scope": " ".join(sorted(SCOPES)),
        }  # fmt: skip
        return Effect(json_reply(200, document), happened=True)

    def user(self, call: Call) -> Effect:
        """`GET /oauth/userinfo`."""
        refusal = self.refusal(call)
        if refusal is not None:
            return Effect(refusal, happened=False)
        base = f"http://{call.request.headers.get('host', '127.0.0.1')}/docusign"
        account = {
            "account_id": OURS, "is_default": True, "account_name": "Bac à sable", "base_uri": base,
        }  # fmt: skip
        document = {
            "sub": OURS, "name": "Comptoir", "given_name": "Comptoir", "family_name": "Comptoir",
            "created": "2025-01-01T00:00:00", "email": "api@sandbox.example", "accounts": [account],
        }  # fmt: skip
        return Effect(json_reply(200, document), happened=False)

    async def account(self, _call: Call) -> Outcome:
        """`GET /control/docusign/account`: a new key pair of the app, as DocuSign's console gives it, once."""
        key = await trio.to_thread.run_sync(generate_private_key, 65_537, 2048)
        self.key = key.public_key()
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        document = {
            "integrationKey": OURS, "userId": OURS, "accountId": OURS, "privateKey": pem,
        }  # fmt: skip
        return json_reply(200, document)

    async def consent(self, call: Call) -> Outcome:
        """`POST /control/docusign/consent`."""
        self._consent = decode(call.request.body, Consent).given
        return json_reply(200, {"given": self._consent})

    async def end_tokens(self, _call: Call) -> Outcome:
        """`DELETE /control/docusign/tokens`: none is good any more."""
        ended = len(self._tokens)
        self._tokens.clear()
        return json_reply(200, {"ended": ended})

    def _verify(self, text: str, host: str) -> None:
        assertion = Assertion.read(text)
        if assertion.header.get("alg") != "RS256":
            raise Wrong("invalid_grant", "no_valid_keys_or_signatures")
        if assertion.claims.get("iss") != OURS:
            raise Wrong("invalid_grant", "issuer_not_found")
        key = assertion.brought() if self.key is None else self.key
        if not assertion.is_by(key):
            raise Wrong("invalid_grant", "no_valid_keys_or_signatures")
        _judge(assertion.claims, host)
        if not self._consent or not str(assertion.claims.get("scope", "")).split():
            raise Wrong("consent_required", "consent_required")


def _judge(claims: dict[str, Any], host: str) -> None:
    """For whom, to whom, until when, and for what."""
    now, begun, over = time.time(), claims.get("iat"), claims.get("exp")
    if not isinstance(begun, int) or not isinstance(over, int):
        raise Wrong("invalid_grant", "expired_jwt_token")
    if over - begun > LIFE_S or abs(now - begun) > SKEW_S or over <= now:
        raise Wrong("invalid_grant", "expired_jwt_token")
    if claims.get("aud") != host:
        raise Wrong("invalid_grant", "invalid_audience")
    if claims.get("sub") != OURS:
        raise Wrong("invalid_grant", "user_not_found")
    if not set(str(claims.get("scope", "")).split()) >= SCOPES:
        raise Wrong("consent_required", "consent_required")
