"""A reference receiver and a running sandbox, both over real sockets.

Rule: the receiver is written from the contract with the standard library alone, so that it is a
second opinion on what the sandbox signs, sends and counts.

Source: interface.md 4 and 6; spec S54, S55, X16, X17, X32.
"""

import hashlib
import hmac
import json
import re
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx
import pytest
import trio

from comptoir.engine.trust import trust_of
from comptoir.sandbox.app import Sandbox, SandboxSettings, open_listeners

SECRET = "a secret for tests"
RATES = {"ZORBLAX": 500, "QUILMONT": 250, "FERVANCE": 133, "ORTHEL": 1}
PARTNERS = "id,name,rate_bp,mcc\n" + "".join(
    f"p{index},{name.title()},{rate},{'5812' if name == 'ORTHEL' else ''}\n"
    for index, (name, rate) in enumerate(RATES.items())
)
CONNECTIONS = "connection_id,user_id\n" + "".join(f"conn_{n},user_{n % 20}\n" for n in range(40))
_LABEL = re.compile(
    r"^(?:CB |PAIEMENT CB \d{4} )?(?:APPLE PAY: |SUMUP \*|SQ \*|ZTL\*|PAYPAL \*)?"
    rf"({'|'.join(RATES)})(?![A-Z0-9])"
)
Answer = tuple[int, dict[str, Any]]


@dataclass
class Receiver:
    """What a correct daemon answers and holds, in the plainest way."""

    port: int = 0
    secret: str = SECRET
    taken: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    messages: list[bytes] = field(default_factory=list[bytes])
    heads: list[list[tuple[str, str]]] = field(default_factory=list[list[tuple[str, str]]])
    answers: Counter[str] = field(default_factory=Counter[str])
    interfere: Callable[["Receiver"], Answer | None] = lambda _receiver: None
    """Called before each judgement; an answer replaces it, an exception ends the connection."""
    after: Callable[["Receiver"], None] = lambda _receiver: None
    """Called after the effect and before the answer; an exception ends the connection."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/webhooks/banking"

    def judge(self, head: list[tuple[str, str]], body: bytes) -> Answer:
        found = Counter(name for name, _ in head)
        headers = dict(head)
        sent, signed = headers.get("x-webhook-timestamp"), headers.get("x-webhook-signature")
        if not sent or not signed or found["x-webhook-signature"] > 1:
            return 401, {"code": "WEBHOOK_SIGNATURE_INVALID"}
        message = sent.encode() + b"." + body
        wanted = hmac.new(self.secret.encode(), message, hashlib.sha256).hexdigest()
        if signed.lower().removeprefix("sha256=") != wanted:
            return 401, {"code": "WEBHOOK_SIGNATURE_INVALID"}
        if abs(time.time() * 1000 - int(sent)) > 300_000:
            return 401, {"code": "WEBHOOK_TIMESTAMP_EXPIRED"}
        try:
            data = json.loads(body, parse_float=Decimal)["data"]
        except ValueError:
            return 400, {"code": "WEBHOOK_PAYLOAD_MALFORMED"}
        if data["transaction_id"] in self.taken:
            return 200, {"status": "duplicate"}
        self.taken[data["transaction_id"]] = data
        if data["connection_id"].startswith("conn_unknown"):
            return 202, {"status": "parked"}
        return 202, {"status": "accepted"}

    def points(self) -> dict[str, int]:
        """What is held, recounted from the first body of every transaction taken."""
        held: Counter[str] = Counter()
        for data in self.taken.values():
            number = data["connection_id"].removeprefix("conn_")
            if data["direction"] == "DEBIT" and number.isdigit():
                held[f"user_{int(number) % 20}"] += self._worth(data)
            elif data["direction"] == "CREDIT":
                purchase = self.taken.get(data["original_transaction_id"])
                if purchase is not None:
                    held[f"user_{int(number) % 20}"] -= self._worth(purchase)
        return {user: points for user, points in held.items() if points}

    @staticmethod
    def _worth(data: dict[str, Any]) -> int:
        match = _LABEL.match(data["merchant"]["name"].upper())
        if match is None or (match[1] == "ORTHEL" and data["merchant"]["mcc_code"] != "5812"):
            return 0
        cents = data["amount"] * 100
        assert cents == int(cents), "an amount with more than two decimals"
        return int(cents) * RATES[match[1]] // 10_000

    async def serve(self, stream: trio.SocketStream) -> None:
        """Keep-alive HTTP/1.1 with Content-Length, as little of it as the sandbox needs."""
        data = b""
        while True:
            while b"\r\n\r\n" not in data:
                try:
                    more = await stream.receive_some()
                except trio.BrokenResourceError:
                    return
                if not more:
                    return
                data += more
            raw, _, data = data.partition(b"\r\n\r\n")
            lines = [line.partition(": ") for line in raw.decode("latin-1").split("\r\n")[1:]]
            head = [(name.lower(), value) for name, _, value in lines]
            length = int(dict(head)["content-length"])
            while len(data) < length:
                data += await stream.receive_some()
            body, data = data[:length], data[length:]
            try:
                answer = self._answer(head, body)
            except ConnectionError:
                await stream.aclose()
                return
            await stream.send_all(answer)

    def _answer(self, head: list[tuple[str, str]], body: bytes) -> bytes:
        self.heads.append(head)
        self.messages.append(body)
        status, document = self.interfere(self) or self.judge(head, body)
        self.after(self)
        self.answers[document.get("code") or document["status"]] += 1
        text = json.dumps(document).encode()
        first = f"HTTP/1.1 {status} X\r\nContent-Length: {len(text)}\r\n\r\n"
        return first.encode() + text


@asynccontextmanager
async def _listening(receiver: Receiver, port: int = 0) -> AsyncGenerator[Receiver, None]:
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(port, host="127.0.0.1")
        receiver.port = listeners[0].socket.getsockname()[1]
        nursery.start_soon(trio.serve_listeners, receiver.serve, listeners)
        yield receiver
        nursery.cancel_scope.cancel()


@dataclass
class Driver:
    """A sandbox in this process and a client of its HTTP API."""

    sandbox: Sandbox
    client: httpx.AsyncClient
    port: int

    async def run(self, receiver: Receiver, **fields: object) -> str:
        """Starts a run against the receiver; returns its id."""
        request = {
            "target": receiver.url,
            "secret": receiver.secret,
            "count": 400,
            "seed": 7,
            "connections": 8,
            "partnersCsv": PARTNERS,
            "connectionsCsv": CONNECTIONS,
            **fields,
        }
        answer = await self.client.post("/control/runs", json=request)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["runId"])

    async def result(self, run_id: str) -> dict[str, Any]:
        """Waits for a run's end."""
        answer = await self.client.get(f"/control/runs/{run_id}?waitSeconds=60")
        document: dict[str, Any] = answer.json()
        assert document["status"] != "running"
        return document

    async def played(self, receiver: Receiver, **fields: object) -> dict[str, Any]:
        return await self.result(await self.run(receiver, **fields))

    async def put_faults(self, *rows: dict[str, object]) -> None:
        answer = await self.client.put("/control/faults", json=list(rows))
        assert answer.status_code == 200, answer.text


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A listening reference receiver."""
    async with _listening(Receiver()) as receiver:
        yield receiver


@pytest.fixture
def listening() -> Callable[..., Any]:
    """A context manager that serves a receiver for a while, on a given port if need be."""
    return _listening


@pytest.fixture
async def driver() -> AsyncIterator[Driver]:
    """A sandbox that serves, with its client."""
    listeners = await open_listeners(0)
    port = listeners[0].socket.getsockname()[1]
    sandbox = Sandbox(SandboxSettings())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sandbox.serve, listeners)
        timeout = httpx.Timeout(90)
        async with httpx.AsyncClient(
            verify=trust_of(f"http://127.0.0.1:{port}"),
            base_url=f"http://127.0.0.1:{port}",
            timeout=timeout,
        ) as client:
            yield Driver(sandbox, client, port)
        nursery.cancel_scope.cancel()
