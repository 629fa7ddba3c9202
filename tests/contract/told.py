"""Somebody who is told of things, as the contract tests of notices see them.

Rule: everything goes over sockets: the app to the daemon, and what it is told is read in the sandbox's inbox.
"""

import json
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from comptoir.engine.testing import Answered, Process
from comptoir.http.contract_testing import Customer, free_port
from tests.contract.banking import Person

__all__ = ["Told", "put_faults", "serve"]

Start = Callable[..., Process]
Json = dict[str, Any]
EUROS = 10
POINTS = 50
"""Of a purchase of 10.00 at five per cent."""


def serve(start: Start, sandbox: Process, **more: str) -> Process:
    """A daemon whose notices go to this sandbox, by every way."""
    parties = {
        f"COMPTOIR_PROVIDERS__{name}__{key}": value
        for name in ("FCM", "SENDGRID", "BREVO", "TWILIO")
        for key, value in (("BASE_URL", sandbox.url), ("TIMEOUT_S", "1"))
    }
    variables = {
        "COMPTOIR_AUTH__MODE": "on",
        "COMPTOIR_HTTP__RATE_LIMITS": "off",
        "COMPTOIR_HTTP__PORT": str(free_port()),
        "COMPTOIR_BREAKERS__NOTIFICATIONS__ERRORS": "1000",  # one story's faults are not the next one's
        **parties,
        **more,
    }
    return start(**variables)


def put_faults(sandbox: Process, *faults: Json) -> None:
    """Nothing else is in the way from here on."""
    headers = {"Content-Type": "application/json"}
    body = json.dumps(faults).encode()
    assert sandbox.request("PUT", "/control/faults", body, headers).status == 200


class Told:
    """One person, their app and their inboxes."""

    def __init__(self, daemon: Process, sandbox: Process) -> None:
        """Somebody whom nobody has seen, with a card."""
        self.daemon, self.sandbox = daemon, sandbox
        self.customer = Customer(daemon)
        self.card = self.customer.card()
        self.person = Person(daemon, self.card.user_id, daemon.token(self.card.user_id, "CLIENT"))
        self.mail = f"{self.customer.mark}@example.org"
        self.number = f"+336{int(self.customer.mark, 36) % 10**8:08d}"

    def ask(self, method: str, path: str, body: object = None, key: str = "") -> Answered:
        """Ask as this person."""
        return self.person.ask(method, f"/api/v1/{path}", body, key)

    def must(self, method: str, path: str, body: object = None, status: int = 200) -> Json:
        """Ask, and be sure of the answer's status."""
        answer = self.ask(method, path, body)
        assert answer.status == status, answer
        found: Json = answer.json()
        return found

    def token(self, device: str = "phone") -> str:
        """Of the app on a device of theirs."""
        return f"fcm-token-{device}-{self.customer.mark}"

    def registers(self, device: str = "phone", token: str = "") -> Json:
        """The app is on this device."""
        body = {"token": token or self.token(device), "platform": "android"}
        return self.must("PUT", f"devices/{device}", body)

    def wants(self, **wishes: Any) -> Json:
        """How they want to be told; in English where nothing else is said."""
        return self.must("PUT", "me/preferences", {"language": "en", **wishes})

    def devices(self) -> list[str]:
        """The names of their devices."""
        return [one["deviceId"] for one in self.must("GET", "devices")["items"]]

    def shows(self, channel: str) -> None:
        """They show that an address is theirs."""
        address = self.mail if channel == "mail" else self.number
        self.must("PUT", f"me/contacts/{channel}", {"address": address}, 202)
        code = self.code(channel)
        self.must("POST", f"me/contacts/{channel}/confirm", {"code": code})

    def code(self, channel: str) -> str:
        """The newest code that went to them."""
        self.customer.quiet()
        found = re.findall(r"\b\d{6}\b", self.inbox(channel)[-1]["body"])
        assert len(found) == 1
        return str(found[0])

    def buys(self) -> str:
        """A purchase, credited at once whatever becomes of the notice."""
        bought = self.customer.buy(self.card, EUROS)
        self.customer.quiet()
        return bought

    def points(self) -> int:
        """What they have; 0 where nothing was ever earned."""
        wallet = self.ask("GET", f"wallets/{self.card.user_id}")
        return int(wallet.json()["balance"]["available"]) if wallet.status == HTTPStatus.OK else 0

    def inbox(self, channel: str, to: str = "") -> list[Json]:
        """What came by a way; to their phone where no other device is named."""
        address = {"push": to or self.token(), "mail": self.mail, "sms": self.number}[channel]
        path = f"/control/inbox?channel={channel}&to={quote(address)}"
        items: list[Json] = self.sandbox.get(path).json()["items"]
        return items

    def later(self, seconds: int) -> None:
        """Time goes by, and all that falls due is done."""
        self.customer.advance(seconds)
        self.customer.quiet()
