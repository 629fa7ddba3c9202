"""A small server of the transit engine's documented contract, for tests: no real Vault is at hand.

What it keeps to: `GET /v1/MOUNT/keys/NAME` (latest_version), `POST …/keys/NAME/rotate`,
`POST …/encrypt/NAME` and `…/decrypt/NAME` with base64 `plaintext`, `ciphertext` and `associated_data`
(aes256-gcm96: `vault:vN:` and base64 of nonce, ciphertext and tag), `X-Vault-Token`, and errors as
`{"errors": [...]}` with 400, 403, 404 and 503. It shares no line with the client.
Source: HashiCorp Vault HTTP API, Transit secrets engine, and its status codes.
"""

import base64
import json
import os
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TOKEN = "hvs.a-token-of-the-tests"


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, *errors: str) -> None:
        super().__init__(status)
        self.status = status
        self.errors = errors


class TransitServer:
    """Keys by name, each a list of versions; on the loopback, in a thread."""

    def __init__(self, mount: str = "transit") -> None:
        self.mount = mount
        self.keys: dict[str, list[bytes]] = {"comptoir": [os.urandom(32)]}
        self.faults: deque[int] = deque()
        """Statuses that the next requests are answered with."""
        self.requests: list[tuple[str, str, dict[str, Any]]] = []
        engine = self

        class Handler(BaseHTTPRequestHandler):
            """One request."""

            def do_GET(self) -> None:
                """Read."""
                engine.answer(self, "GET")

            def do_POST(self) -> None:
                """Write."""
                engine.answer(self, "POST")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as above
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: BaseHTTPRequestHandler, method: str) -> None:
        """Answer one request."""
        length = int(request.headers.get("Content-Length") or 0)
        sent: dict[str, Any] = json.loads(request.rfile.read(length)) if length else {}
        self.requests.append((method, request.path, sent))
        try:
            if self.faults:
                raise Refusal(self.faults.popleft(), "a fault")
            if request.headers.get("X-Vault-Token") != TOKEN:
                raise Refusal(403, "permission denied")
            data = self._act(method, request.path, sent)
            status = 204 if data is None else 200
            body: dict[str, Any] | None = None if data is None else {"data": data}
        except Refusal as refusal:
            status, body = refusal.status, {"errors": list(refusal.errors)}
        text = b"" if body is None else json.dumps(body).encode()
        request.send_response(status)
        request.send_header("Content-Length", str(len(text)))
        request.end_headers()
        request.wfile.write(text)

    def _act(self, method: str, path: str, sent: dict[str, Any]) -> dict[str, Any] | None:
        parts = path.removeprefix(f"/v1/{self.mount}/").split("/")
        verb, name = parts[0], parts[1]
        versions = self.keys.get(name)
        if versions is None:
            raise Refusal(404 if verb == "keys" else 400, "encryption key not found")
        if (method, verb, len(parts)) == ("GET", "keys", 2):
            return {"name": name, "latest_version": len(versions), "type": "aes256-gcm96"}
        if (method, verb, parts[2:]) == ("POST", "keys", ["rotate"]):
            versions.append(os.urandom(32))
            return None
        bound = base64.b64decode(sent.get("associated_data", ""), validate=True)
        if (method, verb) == ("POST", "encrypt"):
            plain, nonce = base64.b64decode(sent["plaintext"], validate=True), os.urandom(12)
            made = nonce + AESGCM(versions[-1]).encrypt(nonce, plain, bound)
            text = f"vault:v{len(versions)}:{base64.b64encode(made).decode()}"
            return {"ciphertext": text, "key_version": len(versions)}
        assert (method, verb) == ("POST", "decrypt")
        _, version, text = sent["ciphertext"].split(":")
        made = base64.b64decode(text)
        try:
            plain = AESGCM(versions[int(version[1:]) - 1]).decrypt(made[:12], made[12:], bound)
        except (InvalidTag, IndexError):
            raise Refusal(400, f"cipher: message authentication failed {sent}") from None
        return {"plaintext": base64.b64encode(plain).decode()}
