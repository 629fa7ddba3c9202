"""People of the house who look after dead letters, as the contract tests see them.

Rule: everything goes over sockets. Letters are made as they come about: a purchase on a card that nobody
links within a day.
"""

import json
from dataclasses import dataclass
from typing import Any

from comptoir.engine.testing import Answered, Process
from comptoir.http.contract_testing import DAY_S, Customer, purchase

PATH = "/api/v1/dead-letters"
POINTS = 500
"""Of one purchase: 100.00 at five per cent."""


@dataclass
class Somebody:
    """Who holds a token."""

    daemon: Process
    token: str

    @classmethod
    def of(cls, daemon: Process, sub: str, *roles: str) -> "Somebody":
        """A person of these roles."""
        return cls(daemon, daemon.token(sub, *roles))

    def ask(self, method: str, path: str, body: object = None, key: str = "") -> Answered:
        """A request with their token."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if key:
            headers["Idempotency-Key"] = key
        if body is None:
            return self.daemon.request(method, path, None, headers)
        headers["Content-Type"] = "application/json"
        return self.daemon.request(method, path, json.dumps(body).encode(), headers)

    def got(self, path: str) -> Any:
        """GET what must be there."""
        answer = self.ask("GET", path)
        assert answer.status == 200, answer
        return answer.json()

    def listed(self, **query: str) -> list[dict[str, Any]]:
        """All letters that a filter covers, in pages of three."""
        items: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            words = {**query, "limit": "3", **({"cursor": cursor} if cursor else {})}
            page = self.got(
                f"{PATH}?{'&'.join(f'{name}={value}' for name, value in words.items())}"
            )
            assert len(page["items"]) <= 3
            items += page["items"]
            cursor = page["nextCursor"]
        return items


@dataclass
class Lost:
    """Purchases of one person that came to nothing, because their card was not linked in time."""

    customer: Customer
    user: str
    connection: str
    partner: str
    letters: list[dict[str, Any]]

    @classmethod
    def buy(cls, customer: Customer, operations: Somebody, count: int) -> "Lost":
        """So many purchases, and a day."""
        before = {one["letterId"] for one in operations.listed()}
        partner, connection = customer.partner(500), customer.name("conn")
        for _ in range(count):
            body = purchase(customer.name("tx"), connection, merchant={"name": f"SHOP{partner}"})
            assert customer.send(body).status == 202
        customer.advance(DAY_S + 60)
        customer.quiet()
        letters = [one for one in operations.listed() if one["letterId"] not in before]
        assert len(letters) == count
        return cls(customer, customer.name("user"), connection, partner, letters)

    def link(self) -> None:
        """The card becomes known, late."""
        self.customer.link(self.connection, self.user)

    def points(self, reader: Somebody) -> list[int]:
        """What they were credited, each once nothing is due."""
        self.customer.quiet()
        answer = reader.ask("GET", f"/api/v1/wallets/{self.user}/entries?limit=500")
        return [item["points"] for item in answer.json()["items"]] if answer.status == 200 else []
