"""Somebody who withdraws, as the contract tests of interface.md 7 (rows b2) see them.

Daemon and sandbox are processes of their own; whoever pays is the sandbox's `seed`, and time goes by for both.
"""

from collections.abc import Callable
from typing import Any

from comptoir.engine.testing import Answered, Process
from comptoir.http.contract_testing import Customer, free_port
from tests.contract.banking import Person

__all__ = ["BARE", "DAY_S", "IBAN", "PATH", "SETTLEMENT_DAYS", "Saver", "started"]

Start = Callable[..., Process]
Json = dict[str, Any]
IBAN = "FR14 2004 1010 0505 0001 3M02 606"
BARE = "FR1420041010050500013M02606"
DAY_S = 86_400
SETTLEMENT_DAYS = 2
PATH = "/api/v1/withdrawals"


def started(start: Start, sandbox: Process, **more: str) -> Process:
    """A daemon whose withdrawals are paid by this sandbox."""
    made = start(
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_HTTP__RATE_LIMITS="off",
        COMPTOIR_HTTP__PORT=str(free_port()),
        COMPTOIR_BREAKERS__POWENS__ERRORS="1000",  # one story's faults are not the next one's
        COMPTOIR_PROVIDERS__SEED__BASE_URL=sandbox.url,
        COMPTOIR_PROVIDERS__SEED__TIMEOUT_S="1",
        COMPTOIR_PROVIDERS__FCM__BASE_URL=sandbox.url,
        COMPTOIR_WITHDRAWALS__SETTLEMENT_DAYS=str(SETTLEMENT_DAYS),
        **more,
    )
    hook = {"url": f"{made.url}/webhooks/banking", "secret": Customer(made).secret}
    assert sandbox.post("/control/seed/webhooks", hook).status == 200
    return made


class Saver:
    """Somebody with points."""

    def __init__(self, daemon: Process, sandbox: Process, euros: int = 200) -> None:
        """As many points as there are cents in 5 % of these euros."""
        self.daemon, self.sandbox = daemon, sandbox
        self.customer = Customer(daemon)
        self.card = self.customer.card()
        self.customer.buy(self.card, euros)
        self.customer.quiet()
        token = daemon.token(self.card.user_id, "CLIENT")
        self.person = Person(daemon, self.card.user_id, token)

    def asks(self, points: object = 950, key: str = "", **fields: object) -> Answered:
        """Withdraw."""
        body = {"points": points, "iban": IBAN, "beneficiaryName": "Ada Lovelace", **fields}
        return self.person.ask("POST", PATH, body, key)

    def withdraws(self, points: int = 950) -> str:
        """The id of a withdrawal that has begun."""
        answer = self.asks(points)
        assert answer.status == 201, answer
        return str(answer.json()["withdrawalId"])

    def later(self, seconds: float) -> None:
        """Time goes by for both."""
        for process, path in ((self.sandbox, "/control/clock"), (self.daemon, "/dev/v1/clock")):
            assert process.post(path, {"advanceSeconds": int(seconds)}).status == 200

    def settles(self) -> None:
        """The settlement hold is over, and the order has left."""
        self.later(SETTLEMENT_DAYS * DAY_S + 1)
        self.customer.quiet()

    def told(self, withdrawal_id: str, outcome: str, **more: Any) -> list[int]:
        """Whoever pays has paid, or not, and says so; the answers that it got."""
        payment = self.payment(withdrawal_id)["paymentId"]
        found = self.sandbox.post(
            f"/control/payments/{payment}/settle", {"outcome": outcome, **more}
        )
        assert found.status == 200, found
        self.customer.quiet()
        return [one["status"] for one in found.json()["answers"]]

    def payments(self, withdrawal_id: str) -> list[Json]:
        """The orders that whoever pays has taken for a withdrawal."""
        items = self.sandbox.get("/control/payments").json()["items"]
        return [one for one in items if one["withdrawalId"] == withdrawal_id]

    def payment(self, withdrawal_id: str) -> Json:
        """The one."""
        found = self.payments(withdrawal_id)
        assert len(found) == 1, (found, self.shown(withdrawal_id))
        return found[0]

    def shown(self, withdrawal_id: str) -> Json:
        """As its person sees it."""
        answer = self.person.ask("GET", f"{PATH}/{withdrawal_id}")
        assert answer.status == 200, answer
        found: Json = answer.json()
        return found

    def balance(self) -> tuple[int, int, int]:
        """Available, blocked, owed."""
        wallet = self.person.ask("GET", f"/api/v1/wallets/{self.person.name}").json()
        return tuple(wallet["balance"][book] for book in ("available", "blocked", "shortfall"))

    def pushes(self) -> list[str]:
        """What their devices showed."""
        found = self.sandbox.get(f"/control/inbox?channel=push&to={self.person.name}").json()
        return [str(one) for one in found["items"]]
