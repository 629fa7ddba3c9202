"""Google's token endpoint: takes an assertion that a service account has signed, and gives a token for an hour.

Rules:
- the signature is verified, by the key that was given out here (`GET /control/fcm/service-account`), or, for an
  account that was never heard of, by the key that the assertion brings along (`jwk`): so a daemon without an
  account can be played with, and one with an account must sign by its own;
- what is wrong is said in Google's words. Tokens and accounts outlive a reset, as credentials do everywhere here.

Source: developers.google.com/identity/protocols/oauth2/service-account, "HTTP/REST" and its error table;
RFC 7523; RFC 7515, 4.1.3; RFC 7518, 6.3.1.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import trio
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from comptoir.sandbox.parties.jwt_grant import GRANT, Assertion, Wrong
from comptoir.sandbox.parties.party import Effect
from comptoir.sandbox.wire.router import Call
from comptoir.sandbox.wire.server import Outcome, json_reply

PATH = "/oauth2/token"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
LIFE_S = 3600
SKEW_S = 300
TOKENS_MAX = 1000
ACCOUNTS_MAX = 16
PROJECT = "sandbox"
EMAIL = "account-{0}@sandbox.iam.gserviceaccount.com"


@dataclass(slots=True)
class GoogleOAuth:
    """Accounts that were given out, and tokens that are good."""

    _accounts: OrderedDict[str, RSAPublicKey] = field(
        default_factory=OrderedDict[str, RSAPublicKey]
    )
    """By key id."""
    _tokens: OrderedDict[str, float] = field(default_factory=OrderedDict[str, float])
    """Until when: wall time, seconds."""
    _given: int = 0

    def is_good(self, token: str) -> bool:
        """Whether a bearer's token was given out, and is not over."""
        return self._tokens.get(token, 0.0) > time.time()

    def token(self, call: Call) -> Effect:
        """`POST /oauth2/token`."""
        form = parse_qs(call.request.body.decode("utf-8", "replace"))
        grant, assertion = (form.get(name, [""])[0] for name in ("grant_type", "assertion"))
        try:
            if grant != GRANT:
                raise Wrong("unsupported_grant_type", f"Invalid grant_type: {grant}")
            self._verify(assertion)
        except Wrong as wrong:
            return Effect(json_reply(400, wrong.document), happened=False)
        self._given += 1
        token = f"ya29.sandbox-{self._given:06d}"
        self._tokens[token] = time.time() + LIFE_S
        if len(self._tokens) > TOKENS_MAX:
            self._tokens.popitem(last=False)
        document = {"access_token": token, "expires_in": LIFE_S - 1, "token_type": "Bearer"}
        return Effect(json_reply(200, document), happened=True)

    async def account(self, call: Call) -> Outcome:
        """`GET /control/fcm/service-account`: a new one, as Google's console gives its file."""
        key = await trio.to_thread.run_sync(generate_private_key, 65_537, 2048)
        number = len(self._accounts) + 1
        key_id = f"{key.public_key().public_numbers().n & (1 << 160) - 1:040x}"
        self._accounts[key_id] = key.public_key()
        if len(self._accounts) > ACCOUNTS_MAX:
            self._accounts.popitem(last=False)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        document = {
            "type": "service_account", "project_id": PROJECT, "private_key_id": key_id,
            "private_key": pem, "client_email": EMAIL.format(number), "client_id": f"{number:021d}",
            "token_uri": f"http://{call.request.headers.get('host', '127.0.0.1')}{PATH}",
        }  # fmt: skip
        return json_reply(200, document)

    def _verify(self, text: str) -> None:
        assertion = Assertion.read(text)
        if assertion.header.get("alg") != "RS256":
            raise Wrong("invalid_grant", "Invalid signing algorithm. Use RS256.")
        key_id = str(assertion.header.get("kid", ""))
        key = self._accounts.get(key_id) if key_id else assertion.brought()
        if not assertion.is_by(key):
            raise Wrong("invalid_grant", "Invalid JWT Signature.")
        _judge(assertion.claims)


def _judge(claims: dict[str, Any]) -> None:
    """What is asked, by whom, and when."""
    now, begun, over = time.time(), claims.get("iat"), claims.get("exp")
    if not isinstance(begun, int) or not isinstance(over, int):
        raise Wrong("invalid_grant", "Invalid JWT: iat and exp are required.")
    if over - begun > LIFE_S or abs(now - begun) > SKEW_S or over <= now:
        text = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
        raise Wrong("invalid_grant", text)
    if not claims.get("iss"):
        raise Wrong("invalid_grant", "Invalid issuer: Not a valid email or user ID.")
    if urlsplit(str(claims.get("aud", ""))).path != PATH:
        raise Wrong("invalid_grant", "Invalid JWT: Failed audience check.")
    if SCOPE not in str(claims.get("scope", "")).split():
        raise Wrong("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
