"""A program of ours as Google's token endpoint and FCM see it: an account, its assertion, its token."""

import json
import time
from base64 import urlsafe_b64encode
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKENS = "/oauth2/token"
SEND = "/v1/projects/sandbox/messages:send"
DEVICE = "fcm-token-of-user_1"
MESSAGE: dict[str, Any] = {
    "token": DEVICE,
    "notification": {"title": "Cashback", "body": "+12 points"},
    "data": {"reference": "r1", "template": "points_credited"},
    "android": {"priority": "NORMAL", "ttl": "3600s", "notification": {"tag": "r1"}},
    "apns": {"headers": {"apns-priority": "5", "apns-collapse-id": "r1"}},
}


def part(raw: bytes) -> str:
    """One part of a JWT."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def assertion(account: dict[str, Any], header: dict[str, Any] | None = None, **claims: Any) -> str:
    """What the account says of itself, signed; with these claims instead."""
    now = int(time.time())
    said = {
        "iss": account["client_email"], "scope": SCOPE, "aud": account["token_uri"], "iat": now,
        "exp": now + 3600, **claims,
    }  # fmt: skip
    first = {"alg": "RS256", "typ": "JWT", "kid": account["private_key_id"], **(header or {})}
    signed = f"{part(json.dumps(first).encode())}.{part(json.dumps(said).encode())}"
    key = load_pem_private_key(account["private_key"].encode(), password=None)
    assert isinstance(key, RSAPrivateKey)
    return f"{signed}.{part(key.sign(signed.encode(), PKCS1v15(), hashes.SHA256()))}"


async def ask_token(driver: Any, text: str, grant: str = GRANT) -> httpx.Response:
    """Ask for a token by an assertion."""
    form = {"grant_type": grant, "assertion": text}
    answer = await driver.client.post(TOKENS, data=form)
    assert isinstance(answer, httpx.Response)
    return answer


async def bearer(driver: Any) -> dict[str, str]:
    """A header by which FCM takes messages."""
    account = (await driver.client.get("/control/fcm/service-account")).json()
    token = (await ask_token(driver, assertion(account))).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}
