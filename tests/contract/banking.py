"""Somebody who links cards, as the contract tests of interface.md 7 (rows b1) see them.

Rule: everything goes over sockets: the app to the daemon, the browser to the sandbox's bank and back. No
redirect is followed by itself, so that each can be looked at.
"""

import http.client
import json
import secrets
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

from comptoir.engine.testing import Answered, Process

APP = "http://127.0.0.1:9/linked"
"""Where the app would be; nobody listens there, and nobody is sent by us."""
CONSENT = {"accepted": True, "textVersion": "2026-11", "durationDays": 90}


_CARDS = count(1)


def new_card() -> str:
    """The last four digits of a card that nobody else has: tests find by them who is meant at the sandbox.

    Taken at random, two of thirty people had the same one in every twentieth run.
    """
    return f"{next(_CARDS) * 7919 % 10_000:04d}"


def visit(url: str) -> Answered:
    """What a browser gets of an address, before it follows anything."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=30)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        return Answered(answer.status, dict(answer.getheaders()), answer.read())
    finally:
        connection.close()


def query_of(url: str) -> dict[str, str]:
    """The query of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@dataclass
class Person:
    """A client of the programme, with an app that holds a token."""

    daemon: Process
    name: str
    token: str

    @classmethod
    def new(cls, daemon: Process) -> "Person":
        """Somebody whom nobody has seen."""
        name = f"u-{secrets.token_hex(4)}"
        return cls(daemon, name, daemon.token(name, "CLIENT"))

    def ask(self, method: str, path: str, body: object = None, key: str = "") -> Answered:
        """Ask the daemon as this person."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if key:
            headers["Idempotency-Key"] = key
        if body is None:
            return self.daemon.request(method, path, None, headers)
        headers["Content-Type"] = "application/json"
        return self.daemon.request(method, path, json.dumps(body).encode(), headers)

    def start(self, key: str = "", **fields: Any) -> Answered:
        """Begin to link a card."""
        body = {"deviceId": "d1", "provider": "seed", "redirectUri": APP, "consent": CONSENT}
        return self.ask("POST", "/api/v1/connections/sessions", {**body, **fields}, key)

    def at_bank(self, auth_url: str, **query: str) -> Answered:
        """Consent at the bank, and come back to the daemon; what the daemon answers the browser."""
        words = "&".join(f"{name}={value}" for name, value in query.items())
        sent_back = visit(f"{auth_url}?{words}")
        assert sent_back.status == 303, sent_back
        return visit(sent_back.headers["location"])

    def complete(self, session_id: str, key: str = "", **fields: Any) -> Answered:
        """Have the connection."""
        return self.ask("POST", "/api/v1/connections", {"sessionId": session_id, **fields}, key)

    def link(self, **query: str) -> Answered:
        """All of it."""
        started = self.start()
        assert started.status == 201, started
        back = self.at_bank(started.json()["authUrl"], **query)
        assert back.status == 303, back
        return self.complete(query_of(back.headers["location"])["sessionId"])

    def linked(self, **query: str) -> str:
        """The id of a connection that this person has linked."""
        answer = self.link(**query)
        assert answer.status == 201, answer
        return str(answer.json()["id"])
