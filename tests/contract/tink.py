"""Somebody who links a card by Tink, as the contract tests see them."""

import json
import secrets
from collections.abc import Callable
from typing import Any

from comptoir.engine.testing import Answered, Process
from comptoir.http.contract_testing import free_port
from tests.actors.gateways.tink_schemas import hold_page, hold_request
from tests.contract import linked

Json = dict[str, Any]
SECRET = "tink-secret-of-a-contract-test-2"


def press(url: str, **form: str) -> Answered:
    """A person opens Tink Link, and presses a button; what the daemon answers their browser."""
    return linked.press(hold_page, url, **form)


def serve(start: Callable[..., Process], sandbox: Process) -> Process:
    """A daemon that knows the sandbox's Tink, and a partner; Tink knows where its webhooks go."""
    made = start(
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_HTTP__RATE_LIMITS="off",
        COMPTOIR_HTTP__PORT=str(free_port()),
        COMPTOIR_BREAKERS__DEFAULT__ERRORS="1000",  # one test's faults are not the next one's
        COMPTOIR_PROVIDERS__TINK__BASE_URL=sandbox.url,
        COMPTOIR_PROVIDERS__TINK__LINK_URL=sandbox.url,
        COMPTOIR_PROVIDERS__TINK__CLIENT_SECRET="tink-client-secret-of-a-test",
        COMPTOIR_WEBHOOKS__TINK__SECRETS=json.dumps([SECRET, "another-secret-of-a-contract-test"]),
    )
    made.load("partners", "id,name,rate_bp\nchez,Chez Nous,500\n")
    hook = {"url": f"{made.url}/webhooks/tink", "secret": SECRET}
    assert sandbox.post("/control/tink/webhooks", hook).status == 200
    return made


def hold_all(sandbox: Process) -> None:
    """Hold every request that the sandbox's Tink has had to its page."""
    asked = sandbox.get("/control/calls?party=tink").json()["items"]
    assert asked
    for call in asked:
        hold_request(call["method"], call["path"], call["query"], call["body"])


def faults(sandbox: Process, *rows: Json) -> None:
    """What is to go wrong from now on."""
    answer = sandbox.request("PUT", "/control/faults", json.dumps(rows).encode())
    assert answer.status == 200, answer


class Client(linked.Linked):
    """A person with a card that is linked by Tink."""

    def __init__(self, daemon: Process, sandbox: Process) -> None:
        super().__init__(daemon, sandbox, "tink", hold_page)
        items = sandbox.get("/control/tink/credentials").json()["items"]
        self.there = str(next(one["credentialsId"] for one in items if one["card"] == self.card))

    def book(self, *transactions: Json, webhook: bool = True, **fields: Any) -> list[Json]:
        """Something changes at the bank; what the daemon answered Tink."""
        body = {"transactions": list(transactions), "webhook": webhook, **fields}
        return self.put("transactions", {"credentialsId": self.there, **body})

    def happen(self, **fields: Any) -> list[Json]:
        """Something becomes of the consent there."""
        return self.put("credentials", {"credentialsId": self.there, **fields})


def bought(value: str = "-10.00", **fields: Any) -> Json:
    """A purchase at our partner."""
    return {"id": secrets.token_hex(16), "value": value, "label": "CB CHEZ NOUS", **fields}
