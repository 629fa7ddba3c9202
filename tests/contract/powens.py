"""Somebody who links a card by Powens, as the contract tests see them."""

import secrets
from typing import Any

from comptoir.engine.testing import Answered, Process
from tests.actors.gateways.powens_schemas import hold_page
from tests.contract import linked

Json = dict[str, Any]


def press(url: str, **form: str) -> Answered:
    """A person opens the webview, and presses a button; what the daemon answers their browser."""
    return linked.press(hold_page, url, **form)


class Client(linked.Linked):
    """A person with a card that is linked by Powens."""

    def __init__(self, daemon: Process, sandbox: Process) -> None:
        super().__init__(daemon, sandbox, "powens", hold_page)
        items = sandbox.get("/control/powens/connections").json()["items"]
        self.there = int(next(one["connectionId"] for one in items if one["card"] == self.card))

    def book(self, *transactions: Json, webhook: bool = True) -> list[Json]:
        """Something changes at the bank; what the daemon answered Powens."""
        body = {"transactions": list(transactions), "webhook": webhook}
        return self.put("transactions", {"connectionId": self.there, **body})

    def happen(self, **fields: Any) -> list[Json]:
        """Something becomes of the connection there."""
        return self.put("connections", {"connectionId": self.there, **fields})


def bought(value: str = "-10.00", **fields: Any) -> Json:
    """A purchase at our partner."""
    identity = secrets.randbelow(10**9) + 1
    return {"id": identity, "value": value, "original_wording": "CB CHEZ NOUS", **fields}
