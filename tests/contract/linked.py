"""Somebody who has linked a card at a provider whose page has a button, as the contract tests see them.

Rule: everything goes over sockets, as in banking.py; the page is opened and its button pressed.
"""

import http.client
import secrets
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from comptoir.engine.testing import Answered, Process
from tests.contract.banking import APP, Person, new_card, query_of, visit

Json = dict[str, Any]
HoldPage = Callable[[str, Mapping[str, str]], None]
"""Fails unless an address of a provider's page is right: the last part of its path, and its query."""
ACCEPTED = {"status": "accepted", "http": 202}


def press(hold_page: HoldPage, url: str, **form: str) -> Answered:
    """A person opens a page, and presses a button; what the daemon answers their browser."""
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


class Linked:
    """A person with a card that is linked by some provider."""

    def __init__(self, daemon: Process, sandbox: Process, provider: str, hold: HoldPage) -> None:
        self.daemon, self.sandbox, self.provider, self._hold = daemon, sandbox, provider, hold
        self.person = Person.new(daemon)
        self.card = new_card()
        self.iban = f"FR76{secrets.randbelow(10**23):023d}"
        done = self.link()
        assert done.status == 201, done
        self.linked: Json = done.json()
        self.id = str(self.linked["id"])
        self.settled()

    def link(self) -> Answered:
        """All of it."""
        started = self.person.start(provider=self.provider)
        assert started.status == 201, started
        back = press(self._hold, started.json()["authUrl"], card=self.card, iban=self.iban)
        assert back.status == 303, back
        return self.person.complete(query_of(back.headers["location"])["sessionId"])

    def press(self, url: str, **form: str) -> Answered:
        """They press a button of a page."""
        return press(self._hold, url, **form)

    def settled(self) -> None:
        """Nothing is due any more."""
        assert self.daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 30}).status == 200

    def put(self, path: str, body: Json) -> list[Json]:
        """Something happens at the provider; what the daemon answered it."""
        answer = self.sandbox.post(f"/control/{self.provider}/{path}", body)
        assert answer.status == 200, answer
        self.settled()
        return [{**one["body"], "http": one["status"]} for one in answer.json()["answers"]]

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
