"""Somebody who links a card by Tink, as the contract tests see them."""

import secrets
from typing import Any

from comptoir.engine.testing import Answered, Process
from tests.actors.gateways.tink_schemas import hold_page
from tests.contract import linked

Json = dict[str, Any]


def press(url: str, **form: str) -> Answered:
    """A person opens Tink Link, and presses a button; what the daemon answers their browser."""
    return linked.press(hold_page, url, **form)


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
