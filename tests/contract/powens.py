"""Somebody who links a card by Powens, as the contract tests see them.

Rule: everything goes over sockets, as in banking.py; the webview's page is opened and its button pressed.
"""

import http.client
import secrets
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from comptoir.engine.testing import Answered, Process
from tests.actors.gateways.powens_schemas import hold_page
from tests.contract.banking import APP, Person, query_of, visit

Json = dict[str, Any]


def press(url: str, **form: str) -> Answered:
    """A person opens the webview, and presses a button; what the daemon answers their browser."""
    parts = urlsplit(url)
    hold_page(parts.path.rpartition("/")[2], dict(parse_qsl(parts.query)))
    page = visit(url)
    assert page.status == 200, page
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=30)
    try:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", f"{parts.path}?{parts.query}", urlencode(form), headers)
        answer = connection.getresponse()
        sent_back = Answered(answer.status, dict(answer.getheaders()), answer.read())
    finally:
        connection.close()
    assert sent_back.status == 303, sent_back
    location = {name.lower(): value for name, value in sent_back.headers.items()}["location"]
    return visit(location)


class Client:
    """A person with a card that is linked by Powens."""

    def __init__(self, daemon: Process, sandbox: Process, card: str = "") -> None:
        self.daemon, self.sandbox = daemon, sandbox
        self.person = Person.new(daemon)
        self.card = card or f"{secrets.randbelow(10_000):04d}"
        self.iban = f"FR76{secrets.randbelow(10**23):023d}"
        done = self.link()
        assert done.status == 201, done
        self.linked: Json = done.json()
        self.id = str(self.linked["id"])
        items = sandbox.get("/control/powens/connections").json()["items"]
        self.there = int(next(one["connectionId"] for one in items if one["card"] == self.card))
        self.settled()

    def link(self) -> Answered:
        """All of it."""
        started = self.person.start(provider="powens")
        assert started.status == 201, started
        back = press(started.json()["authUrl"], card=self.card, iban=self.iban)
        assert back.status == 303, back
        return self.person.complete(query_of(back.headers["location"])["sessionId"])

    def settled(self) -> None:
        """Nothing is due any more."""
        assert self.daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 30}).status == 200

    def _post(self, path: str, body: Json) -> list[Json]:
        answer = self.sandbox.post(f"/control/powens/{path}", {"connectionId": self.there, **body})
        assert answer.status == 200, answer
        self.settled()
        return [{**one["body"], "http": one["status"]} for one in answer.json()["answers"]]

    def book(self, *transactions: Json, webhook: bool = True) -> list[Json]:
        """Something changes at the bank; what the daemon answered Powens."""
        return self._post("transactions", {"transactions": list(transactions), "webhook": webhook})

    def happen(self, **fields: Any) -> list[Json]:
        """Something becomes of the connection there."""
        return self._post("connections", fields)

    def later(self, seconds: int) -> None:
        """Time goes by for both."""
        for process, path in ((self.sandbox, "/control/clock"), (self.daemon, "/dev/v1/clock")):
            assert process.post(path, {"advanceSeconds": seconds}).status == 200

    def sync(self) -> int:
        """Read now."""
        status = self.person.ask("POST", f"/api/v1/connections/{self.id}/sync").status
        self.settled()
        return status

    def renew(self) -> Answered:
        """Begin a renewal."""
        return self.person.ask("POST", f"/api/v1/connections/{self.id}/renew", {"redirectUri": APP})

    def points(self) -> int:
        """What is available."""
        answer = self.person.ask("GET", f"/api/v1/wallets/{self.person.name}")
        return 0 if answer.status == 404 else int(answer.json()["balance"]["available"])

    def seen(self) -> Json:
        """The connection as its person sees it."""
        found: Json = self.person.ask("GET", f"/api/v1/connections/{self.id}").json()
        return found


def bought(value: str = "-10.00", **fields: Any) -> Json:
    """A purchase at our partner."""
    identity = secrets.randbelow(10**9) + 1
    return {"id": identity, "value": value, "original_wording": "CB CHEZ NOUS", **fields}
