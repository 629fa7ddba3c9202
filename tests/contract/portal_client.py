"""A client of tests, with a mail box, a telephone and a browser, who gets into the portal by a link.

Rule: daemon and sandbox are processes of their own; what the client reads is in the sandbox's inbox.
Source: interface.md 8 and 10; spec.md S4, S44, X8.
"""

import json
import re
import secrets
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

import httpx

from comptoir.engine.asking_testing import ANSWER_SECONDS_MAX
from comptoir.engine.testing import Answered, Process
from comptoir.engine.trust import trust_of
from comptoir.http.contract_testing import eventually

__all__ = ["BACK", "Client", "People", "Start", "clients_of", "settings_of"]

Start = Callable[..., Process]
BACK = "https://app.example/back"


def settings_of(sandbox: Process) -> dict[str, str]:
    """Of a daemon that has both, and a client that people sign in through."""
    return {
        "COMPTOIR_AUTH__MODE": "on",
        "COMPTOIR_AUTH__CLIENTS": json.dumps({"app": [BACK]}),
        "COMPTOIR_AUTH__FIRST_PARTY": '["app"]',
        "COMPTOIR_HTTP__RATE_LIMITS": "off",  # all of these people have one address
        "COMPTOIR_PROVIDERS__SENDGRID__BASE_URL": sandbox.url,
        "COMPTOIR_PROVIDERS__TWILIO__BASE_URL": sandbox.url,
    }


class Client:
    """Somebody with a mail box, a telephone and a browser."""

    def __init__(self, daemon: Process, sandbox: Process, *, phone: bool = True) -> None:
        self.daemon, self.sandbox = daemon, sandbox
        self.phone = f"+336{secrets.randbelow(10**8):08d}" if phone else ""
        self.mark = secrets.token_hex(6)
        self.file = f"ONB-2025-{secrets.randbelow(10**9):09d}"
        self.user, self.mail = f"u-{self.mark}", f"{self.mark}@example.org"
        self.browser = httpx.Client(
            verify=trust_of(daemon.url),
            base_url=daemon.url,
            trust_env=False,
            timeout=ANSWER_SECONDS_MAX,
        )

    def invited(self, key: str = "", **changes: object) -> Answered:
        """By the advisor."""
        body = {"userId": self.user, "email": self.mail, "language": "en", **changes}
        if self.phone:
            body["phone"] = self.phone
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        path = f"/api/v1/onboarding/{self.file}/invitations"
        return self.daemon.request("POST", path, json.dumps(body).encode(), headers)

    def inbox(self, channel: str, number: int = 1) -> list[dict[str, Any]]:
        """So many messages, oldest first."""
        to = self.mail if channel == "mail" else self.phone.replace("+", "%2B")
        path = f"/control/inbox?channel={channel}&to={to}"
        eventually(lambda: len(self.sandbox.get(path).json()["items"]) >= number)
        items: list[dict[str, Any]] = self.sandbox.get(path).json()["items"]
        assert len(items) == number
        return items

    def link(self, number: int = 1) -> str:
        """The newest."""
        found = re.search(r"https?://\S+", self.inbox("mail", number)[-1]["body"])
        assert found is not None
        return found[0]

    def token(self, number: int = 1) -> str:
        """Of it."""
        [token] = parse_qs(urlsplit(self.link(number)).query)["token"]
        return token

    def code(self, number: int = 1) -> str:
        """The newest."""
        channel = "sms" if self.phone else "mail"
        found = re.search(r"\b\d{6}\b", self.inbox(channel, number)[-1]["body"])
        assert found is not None
        return found[0]

    def send(self, path: str, **body: str) -> httpx.Response:
        """As a page of ours does."""
        headers = {"Origin": self.daemon.url}
        return self.browser.post(path, json={"onboardingId": self.file, **body}, headers=headers)

    def begin(self, token: str) -> httpx.Response:
        """Use a link."""
        return self.send("/portal/session", token=token)

    def confirm(self, code: str) -> httpx.Response:
        """Type a code."""
        return self.send("/portal/session/code", code=code)

    def gets_in(self) -> None:
        """The whole way."""
        assert self.invited().status == 201
        assert self.begin(self.token()).status_code == 204
        assert self.confirm(self.code()).status_code == 204


class People(Protocol):
    """Makes somebody who speaks to a daemon."""

    def __call__(self, daemon: Process, *, phone: bool = True) -> Client:
        """With a telephone or without."""
        ...


@contextmanager
def clients_of(sandbox: Process) -> Generator[People]:
    """Make clients of a daemon, whose browsers are closed in the end."""
    with ExitStack() as stack:

        def make(daemon: Process, *, phone: bool = True) -> Client:
            one = Client(daemon, sandbox, phone=phone)
            stack.enter_context(one.browser)
            return one

        yield make
