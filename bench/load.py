"""A closed-loop or paced HTTP load on raw sockets, in a process of its own.

Rule: the sender must never be what is measured, so requests are made and signed before the clock
starts and one epoll loop sends them over keep-alive connections. With a rate, latency is counted
from the moment at which a request was due, not from when it could be sent (coordinated omission).

Usage (as a program): `python -m bench.load` with a JSON job on standard input, a JSON answer on
standard output.
"""

import hashlib
import hmac
import json
import selectors
import socket
import sys
import time
from collections import Counter, deque
from typing import Any
from urllib.parse import urlsplit

__all__ = ["run"]

RECEIVE_BYTES = 65_536


def signed(job: dict[str, Any], number: int) -> bytes:
    """One signed webhook of the seed scheme as the bytes of an HTTP request."""
    partner = number % int(job["partners"])
    cents = 1000 + number % 9000
    user = (number * 7919) % int(job["users"])
    data = (
        f'"transaction_id":"{job["prefix"]}{number}","connection_id":"c{user}","account_id":"a1",'
        f'"amount":{cents // 100}.{cents % 100:02d},"currency":"EUR","direction":"DEBIT",'
        f'"date":"2026-11-20","merchant":{{"name":"PAIEMENT CB 2311 ENSEIGNE {partner:03d} PARIS",'
        f'"mcc_code":"5411","city":"Paris","country":"FR"}}'
    )
    body = f'{{"event":"transaction.created","data":{{{data}}}}}'.encode()
    at = str(time.time_ns() // 1_000_000)
    mac = hmac.new(job["secret"].encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    head = (
        f"POST /webhooks/banking HTTP/1.1\r\nHost: {urlsplit(str(job['url'])).netloc}\r\n"
        f"Content-Type: application/json\r\nX-Webhook-Timestamp: {at}\r\n"
        f"X-Webhook-Signature: sha256={mac}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Connection:
    """One keep-alive connection with at most one request under way."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.due = 0.0

    def answer(self) -> int | None:
        """Read what is there; the status once a whole answer has come."""
        chunk = self.socket.recv(RECEIVE_BYTES)
        if not chunk:
            raise ConnectionError("closed by the server")
        self.received += chunk
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self.received[:end].lower()
        at = head.index(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0])
        if len(self.received) < end + 4 + length:
            return None
        status = int(self.received[9:12])
        self.received = b""
        return status


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Send `count` webhooks over `connections`, at most `rate` a second if given."""
    parts = urlsplit(str(job["url"]))
    requests = [signed(job, number) for number in range(int(job["count"]))]
    free = deque(
        _Connection((str(parts.hostname), int(parts.port or 80)))
        for _ in range(int(job["connections"]))
    )
    poller = selectors.DefaultSelector()
    for connection in free:
        poller.register(connection.socket, selectors.EVENT_READ, connection)
    rate = float(job.get("rate") or 0)
    statuses: Counter[int] = Counter()
    latencies: list[float] = []
    sent = done = 0
    began = time.perf_counter()
    while done < len(requests):
        now = time.perf_counter()
        while free and sent < len(requests):
            due = began + sent / rate if rate else now
            if due > now:
                break
            connection = free.popleft()
            connection.due = due
            connection.socket.sendall(requests[sent])
            sent += 1
        wait = None
        if rate and sent < len(requests) and free:
            wait = max(0.0, began + sent / rate - time.perf_counter())
        for key, _ in poller.select(wait):
            connection = key.data
            status = connection.answer()
            if status is not None:
                statuses[status] += 1
                latencies.append(time.perf_counter() - connection.due)
                free.append(connection)
                done += 1
    seconds = time.perf_counter() - began
    latencies.sort()
    return {
        "seconds": seconds,
        "per_s": len(requests) / seconds,
        "statuses": {str(k): v for k, v in statuses.items()},
        "p50_ms": latencies[len(latencies) // 2] * 1000,
        "p99_ms": latencies[len(latencies) * 99 // 100] * 1000,
    }


if __name__ == "__main__":
    json.dump(run(json.load(sys.stdin)), sys.stdout)
