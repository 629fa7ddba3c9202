"""The two wires that the load generator speaks: webhooks over HTTP, and inserts to PostgreSQL.

Rule: a wire makes its requests beforehand, opens its connections, and tells from the bytes that came
whether an answer is whole and what it says; when something is sent, and what is timed, is load.py's
alone. So a webhook and a bare insert are paced and timed by the same lines.
Source: RFC 9112, 6 (length of a message); PostgreSQL manual 54.2 and 54.7 (message flow, formats).
"""

import hashlib
import hmac
import socket
import struct
import time
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

__all__ = ["HttpWire", "InsertWire", "Wire", "body_of", "cents_of", "points_of", "wire_of"]

PATH = "/webhooks/banking"
PROTOCOL_3 = 196_608
INSERTED = 201
"""What an insert's success counts as, beside the statuses of HTTP."""
FAILED = 500


class Wire(Protocol):
    """What load.py needs of a protocol."""

    def connect(self) -> socket.socket:
        """A connection that is ready for requests."""
        ...

    def request(self, number: int) -> bytes:
        """Request `number` as it goes over the wire."""
        ...

    def status(self, data: bytes) -> int:
        """What a whole answer says; 0 while it is not whole."""
        ...


def cents_of(number: int) -> int:
    """The amount of purchase `number`."""
    return 1000 + number % 9000


def points_of(number: int) -> int:
    """What purchase `number` earns at a partner of 5 %, by arithmetic of its own."""
    return cents_of(number) * 500 // 10_000


def body_of(job: dict[str, Any], number: int) -> bytes:
    """The body of webhook `number`: a purchase at a partner, under a card-statement label."""
    partner = number % int(job["partners"])
    cents = cents_of(number)
    user = (number * 7919) % int(job["users"])
    data = (
        f'"transaction_id":"{job["prefix"]}{number}","connection_id":"c{user}","account_id":"a1",'
        f'"amount":{cents // 100}.{cents % 100:02d},"currency":"EUR","direction":"DEBIT",'
        f'"date":"2026-11-20","merchant":{{"name":"PAIEMENT CB 2311 ENSEIGNE {partner:03d} PARIS",'
        f'"mcc_code":"5411","city":"Paris","country":"FR"}}'
    )
    return f'{{"event":"transaction.created","data":{{{data}}}}}'.encode()


@dataclass(frozen=True)
class HttpWire:
    """Signed webhooks of the seed scheme over HTTP/1.1 keep-alive."""

    job: dict[str, Any]

    def connect(self) -> socket.socket:
        """A TCP connection that sends at once."""
        parts = urlsplit(str(self.job["url"]))
        connection = socket.create_connection((str(parts.hostname), int(parts.port or 80)))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def request(self, number: int) -> bytes:
        """The bytes of a request, signed now."""
        body = body_of(self.job, number)
        at = str(time.time_ns() // 1_000_000)
        secret = str(self.job["secret"]).encode()
        mac = hmac.new(secret, at.encode() + b"." + body, hashlib.sha256).hexdigest()
        head = (
            f"POST {PATH} HTTP/1.1\r\nHost: {urlsplit(str(self.job['url'])).netloc}\r\n"
            f"Content-Type: application/json\r\nX-Webhook-Timestamp: {at}\r\n"
            f"X-Webhook-Signature: sha256={mac}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def status(self, data: bytes) -> int:
        """The status, once header and body are there. All peers send a Content-Length."""
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return 0
        # The end of the header's name only: its letters may be of either case before.
        at = data.find(b"ength: ", 0, end)
        assert at >= 0, f"an answer without Content-Length: {data[:200]!r}"
        length = int(data[at + 7 : data.find(b"\r", at)])
        return int(data[9:12]) if len(data) >= end + 4 + length else 0


@dataclass(frozen=True)
class InsertWire:
    """Single-row inserts, each its own transaction: what a durable answer costs at the least."""

    job: dict[str, Any]

    def connect(self) -> socket.socket:
        """A session over the server's unix socket, past its greeting."""
        parts = urlsplit(str(self.job["url"]))
        folder = parse_qs(parts.query)["host"][0]
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(f"{folder}/.s.PGSQL.5432")
        names = f"user\0{unquote(parts.username or '')}\0database\0{parts.path[1:]}\0\0".encode()
        connection.sendall(struct.pack("!ii", 8 + len(names), PROTOCOL_3) + names)
        greeting = b""
        while self.status(greeting) == 0:
            chunk = connection.recv(65_536)
            assert chunk, "PostgreSQL closed the connection"
            greeting += chunk
        assert self.status(greeting) != FAILED, f"PostgreSQL refused: {greeting!r}"
        return connection

    def request(self, number: int) -> bytes:
        """One simple query."""
        text = f"insert into bare values ('{self.job['prefix']}{number}', {cents_of(number)})\0"
        query = text.encode()
        return b"Q" + struct.pack("!i", 4 + len(query)) + query

    def status(self, data: bytes) -> int:
        """Whole once the server is ready for the next query, which it says last."""
        if data[:1] == b"E":
            return FAILED
        return INSERTED if data[-6:-1] == b"Z\0\0\0\5" else 0


def wire_of(job: dict[str, Any]) -> Wire:
    """The wire that a job's URL names."""
    return InsertWire(job) if str(job["url"]).startswith("postgresql:") else HttpWire(job)
