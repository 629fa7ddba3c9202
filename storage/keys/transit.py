"""KEKs in HashiCorp Vault's transit engine, over its documented HTTP API.

The rule: as for every provider, asked at a start and in a rotation only; each request has a deadline, and
one that failed for the network, or 5xx, 429 and 412 (a standby that lags), is tried three times in all.
The context of a key is transit's associated data (AEAD keys only, as aes256-gcm96, the default). What
wraps is named `KEY:vN`, the version that the ciphertext `vault:vN:...` tells.
Source: HashiCorp Vault HTTP API, Transit secrets engine (encrypt, decrypt, read key, rotate key), and
its HTTP status codes; spec.md X14.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import httpx
import trio

from comptoir.engine.trust import trust_of
from comptoir.storage.keys.data_key import KEY_BYTES
from comptoir.storage.keys.errors import KeyProviderRefused, KeyProviderUnavailable
from comptoir.storage.keys.ports import Wrapped
from comptoir.storage.vault import VaultTampered

__all__ = ["TransitOptions", "TransitProvider"]

TRIES_MAX: Final = 3
PAUSE_SECONDS: Final = 0.5
CIPHERTEXT: Final = re.compile(r"vault:v([1-9][0-9]{0,9}):[A-Za-z0-9+/=]+")
LAGGING: Final = 412
"""A performance standby that has not seen our last write yet."""
REFUSED_TO_OPEN: Final = HTTPStatus.BAD_REQUEST


@dataclass(frozen=True, slots=True)
class TransitOptions:
    """Where Vault is, and which key wraps."""

    url: str
    token: str
    """Its policy needs encrypt and decrypt of the key, read of it, and update of its rotate path."""
    key: str = "comptoir"
    mount: str = "transit"
    namespace: str = ""
    """Enterprise only; empty: none."""
    timeout_s: float = 5.0

    def __repr__(self) -> str:
        return f"<TransitOptions {self.url} {self.mount}/{self.key}>"


class TransitProvider:
    """Wraps by a key that never leaves Vault."""

    name = "transit"

    def __init__(self, options: TransitOptions) -> None:
        self._options = options

    def __repr__(self) -> str:
        return f"<TransitProvider {self._options!r}>"

    async def current(self) -> str:
        """`KEY:vN` of the latest version."""
        data = await self._ask("GET", "keys", {})
        if "latest_version" not in data:
            raise KeyProviderRefused("the transit engine tells of no version")
        return f"{self._options.key}:v{int(data['latest_version'])}"

    async def wrap(self, secret: bytes, context: str) -> Wrapped:
        """Encrypt under the latest version."""
        sent = {"plaintext": _base64(secret), "associated_data": _base64(context.encode())}
        text = str((await self._ask("POST", "encrypt", sent)).get("ciphertext"))
        found = CIPHERTEXT.fullmatch(text)
        if found is None:
            raise KeyProviderRefused("the transit engine answers with no ciphertext")
        return Wrapped(f"{self._options.key}:v{found[1]}", text.encode())

    async def unwrap(self, wrapped: Wrapped, context: str) -> bytes:
        """Decrypt under the key and version that is remembered."""
        key = wrapped.kek.rpartition(":")[0]
        sent = {
            "ciphertext": wrapped.blob.decode("ascii", "replace"),
            "associated_data": _base64(context.encode()),
        }
        data = await self._ask("POST", "decrypt", sent, key=key)
        try:
            secret = base64.b64decode(str(data["plaintext"]), validate=True)
        except (KeyError, binascii.Error):
            raise KeyProviderRefused("the transit engine answers with no plaintext") from None
        if len(secret) != KEY_BYTES:
            raise VaultTampered("the transit engine opens a wrapped key of another size")
        return secret

    async def make_version(self) -> str | None:
        """Rotate the key."""
        await self._ask("POST", "keys", {}, suffix="/rotate")
        return await self.current()

    async def _ask(
        self, method: str, verb: str, sent: Mapping[str, str], *, key: str = "", suffix: str = ""
    ) -> dict[str, Any]:
        """One request; its `data`.

        Raises:
            KeyProviderUnavailable, KeyProviderRefused, VaultTampered: it was not answered well; what Vault
                says in its errors is not told, because it may repeat what was sent.
        """
        options = self._options
        headers = {"X-Vault-Token": options.token, "X-Vault-Request": "true"}
        if options.namespace:
            headers["X-Vault-Namespace"] = options.namespace
        path = f"/v1/{options.mount}/{verb}/{key or options.key}{suffix}"
        async with httpx.AsyncClient(
            base_url=options.url,
            headers=headers,
            timeout=options.timeout_s,
            trust_env=False,
            verify=trust_of(options.url, environment=False),
        ) as client:
            answer = await _try(client, method, path, sent)
        if answer.status_code in (HTTPStatus.OK, HTTPStatus.NO_CONTENT):
            return _read_data(answer)
        if verb == "decrypt" and answer.status_code == REFUSED_TO_OPEN:
            raise VaultTampered("the transit engine does not open a wrapped key")
        text = f"the transit engine refuses {verb} with status {answer.status_code}"
        raise KeyProviderRefused(text)


def _read_data(answer: httpx.Response) -> dict[str, Any]:
    try:
        body: Any = answer.json() if answer.content else {}
        return dict(body.get("data") or {})
    except (ValueError, TypeError, AttributeError):
        raise KeyProviderRefused("what answers there is no transit engine") from None


async def _try(
    client: httpx.AsyncClient, method: str, path: str, sent: Mapping[str, str]
) -> httpx.Response:
    why = ""
    for left in reversed(range(TRIES_MAX)):
        try:
            answer = await client.request(method, path, json=dict(sent) if sent else None)
        except httpx.HTTPError as error:
            why = type(error).__name__
        else:
            busy = answer.status_code in (LAGGING, HTTPStatus.TOO_MANY_REQUESTS)
            if not busy and answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                return answer
            why = f"status {answer.status_code}"
        if left:
            await trio.sleep(PAUSE_SECONDS)
    raise KeyProviderUnavailable(f"the transit engine does not answer ({why})")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
