"""Somebody who links a card at any of the four providers, and buys: the same story whoever the provider is.

Rule: everything goes over sockets, as in banking.py; time goes by for daemon and sandbox alike.
"""

import json
import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from comptoir.engine.testing import Answered, Process
from comptoir.http.contract_testing import Customer, free_port, purchase
from tests.contract import powens, tink
from tests.contract.banking import Person, new_card, query_of
from tests.contract.letters import Somebody

Json = dict[str, Any]
SECRET = "webhook-secret-of-a-fault-script"
CLIENT_SECRET = "client-secret-of-a-fault-script"
POINTS = 50
"""Of a purchase of 10.00 at 5 %."""
TRIES = 4
STEP_S = 900
HEAL_HOURS = 8
"""A reading that no webhook asks for is made within six hours, a fifth of it left to chance, and a little."""
QUIET_HOURS = 4
"""In which none is made: they pass an hour at a time."""
FAILURES = {"BANK_PROVIDER_UNAVAILABLE", "BANK_CARD_LINKING_FAILED", "BANK_PROVIDER_ERROR"}
"""What a person may be told who cannot be linked just now (S66)."""
PROVIDERS = ("seed", "powens", "plaid", "tink")


def serve(start: Callable[..., Process], sandbox: Process, **settings: str) -> Process:
    """A daemon that knows the four of a sandbox, and one partner; those that send webhooks know where they go."""
    powens_secret, tink_secret = f"{SECRET}-powens", f"{SECRET}-tink"
    made = start(
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_HTTP__RATE_LIMITS="off",
        COMPTOIR_HTTP__PORT=str(free_port()),
        COMPTOIR_PROVIDERS__SEED__BASE_URL=sandbox.url,
        COMPTOIR_PROVIDERS__SEED__TIMEOUT_S="1",
        COMPTOIR_PROVIDERS__PLAID__BASE_URL=sandbox.url,
        COMPTOIR_PROVIDERS__PLAID__CLIENT_SECRET=CLIENT_SECRET,
        COMPTOIR_PROVIDERS__PLAID__TIMEOUT_S="1",
        COMPTOIR_PROVIDERS__POWENS__BASE_URL=f"{sandbox.url}/2.0",
        COMPTOIR_PROVIDERS__POWENS__WEBVIEW_URL=f"{sandbox.url}/webview",
        COMPTOIR_PROVIDERS__POWENS__CLIENT_SECRET=CLIENT_SECRET,
        COMPTOIR_PROVIDERS__POWENS__TIMEOUT_S="1",
        COMPTOIR_PROVIDERS__TINK__BASE_URL=sandbox.url,
        COMPTOIR_PROVIDERS__TINK__LINK_URL=sandbox.url,
        COMPTOIR_PROVIDERS__TINK__CLIENT_SECRET=CLIENT_SECRET,
        COMPTOIR_PROVIDERS__TINK__TIMEOUT_S="1",
        COMPTOIR_WEBHOOKS__POWENS__SECRETS=json.dumps([powens_secret]),
        COMPTOIR_WEBHOOKS__TINK__SECRETS=json.dumps([tink_secret]),
        **settings,
    )
    made.load("partners", "id,name,rate_bp\nchez,Chez Nous,500\n")
    for provider, secret in (("powens", powens_secret), ("tink", tink_secret)):
        hook = {"url": f"{made.url}/webhooks/{provider}", "secret": secret}
        assert sandbox.post(f"/control/{provider}/webhooks", hook).status == 200
    return made


class Bought(NamedTuple):
    """A purchase, before any provider writes it."""

    label: str
    cents: int
    day: str
    booked: str
    """The day of its booking."""


class Shopper:
    """A person who links a card at one provider, and buys."""

    def __init__(
        self, daemon: Process, sandbox: Process, provider: str, desk: Somebody | None = None
    ) -> None:
        """At this provider; the desk is who looks after dead letters."""
        self.daemon, self.sandbox, self.provider = daemon, sandbox, provider
        self.desk = desk or Somebody.of(daemon, "desk", "OPERATIONS")
        self.person = Person.new(daemon)
        self.card = new_card()
        self.iban = f"FR76{secrets.randbelow(10**23):023d}"
        self.letters = letters_of(self.desk)
        self.told: list[str] = []
        """Why a link failed, each time."""

    def later(self, seconds: int) -> None:
        """Time goes by for both."""
        for process, path in ((self.sandbox, "/control/clock"), (self.daemon, "/dev/v1/clock")):
            assert process.post(path, {"advanceSeconds": seconds}).status == 200

    def until_linked(self) -> None:
        """They link, and try again as they are told, while time goes by."""
        worker = threading.Thread(target=self._try)
        worker.start()
        while worker.is_alive():
            self.later(1)
            worker.join(0.1)
        assert set(self.told) <= FAILURES, self.told
        assert len(self.told) < TRIES, self.told
        self.settled()

    def _try(self) -> None:
        for _ in range(TRIES):
            answer = self._link()
            if answer.status == 201:
                return
            problem = answer.json()
            self.told.append(problem["code"])
            assert all(problem["userAction"][language] for language in ("fr", "en")), problem

    def _link(self) -> Answered:
        started = self.person.start(provider=self.provider)
        if started.status != 201:
            return started
        url = started.json()["authUrl"]
        if self.provider == "powens":
            back = powens.press(url, card=self.card, iban=self.iban)
        elif self.provider == "tink":
            back = tink.press(url, card=self.card, iban=self.iban)
        else:  # Plaid's page takes no IBAN
            own = {"iban": self.iban} if self.provider == "seed" else {}
            back = self.person.at_bank(url, card=self.card, **own)
        if back.status != 303:
            return back
        return self.person.complete(query_of(back.headers["location"])["sessionId"])

    def settled(self) -> None:
        """Nothing is due any more."""
        assert self.daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 30}).status == 200

    def buy(self) -> None:
        """A purchase of 10.00 at our partner; the provider tells of it, as well as it can."""
        self.stock("CB CHEZ NOUS", told=True)

    def today(self, days: int = 0) -> str:
        """The day that it is, or one so many days after it."""
        now = Customer(self.daemon).now_ms() / 1000
        return (datetime.fromtimestamp(now, UTC) + timedelta(days=days)).date().isoformat()

    def stock(self, label: str, cents: int = 1000, *, told: bool = False, booked: int = 0) -> str:
        """A purchase of today lies at the provider, booked so many days later; it tells of it, or does not. Its id."""
        bought = Bought(label, cents, self.today(), self.today(booked))
        return str(getattr(self, f"_stock_{self.provider}")(bought, told=told))

    def _put(self, path: str, body: Json) -> Json:
        answer = self.sandbox.post(f"/control/{path}", body)
        assert answer.status == 200, answer
        found: Json = answer.json()
        return found

    def _there(self, path: str, name: str) -> Any:
        """What the provider calls the thing that was linked last with this card."""
        items = self.sandbox.get(f"/control/{path}").json()["items"]
        return next(one[name] for one in reversed(items) if one["card"] == self.card)

    def _stock_seed(self, bought: "Bought", *, told: bool) -> str:
        calls = self.sandbox.get("/control/calls?party=seed").json()["items"]
        said = next(
            call["answer"]["body"] for call in reversed(calls)
            if call["operation"] == "connections.get" and call["answer"] and self.card in call["answer"]["body"]
        )  # fmt: skip
        connection_id = json.loads(said)["id"]
        signer = Customer(self.daemon)
        identity = f"tx-{secrets.token_hex(6)}"
        body = purchase(
            identity, connection_id, amount=bought.cents / 100, date=bought.day, merchant={"name": bought.label}
        )  # fmt: skip
        outside = {
            key: body["data"][key]
            for key in body["data"]
            if key not in ("connection_id", "account_id")
        }
        self._put("transactions", {"connectionId": connection_id, "items": [outside]})
        if told:
            target = f"{self.daemon.url}/webhooks/banking"
            self._put("webhooks", {"target": target, "secret": signer.secret, "body": body})
        return identity

    def _stock_plaid(self, bought: "Bought", *, told: bool) -> str:
        identity = secrets.token_hex(8)
        added = {
            "transaction_id": identity, "amount": bought.cents / 100, "name": bought.label,
            "date": bought.booked, "authorized_date": bought.day,
        }  # fmt: skip
        item = self._there("plaid/items", "itemId")
        self._put("plaid/transactions", {"itemId": item, "added": [added], "webhook": told})
        return identity

    def _stock_powens(self, bought: "Bought", *, told: bool) -> str:
        there = int(self._there("powens/connections", "connectionId"))
        one = powens.bought(
            f"-{bought.cents / 100:.2f}", original_wording=bought.label, date=bought.booked, rdate=bought.day
        )  # fmt: skip
        self._put(
            "powens/transactions", {"connectionId": there, "transactions": [one], "webhook": told}
        )
        return str(one["id"])

    def _stock_tink(self, bought: "Bought", *, told: bool) -> str:
        there = str(self._there("tink/credentials", "credentialsId"))
        dates = {"booked": bought.booked, "transaction": bought.day, "value": bought.booked}
        one = tink.bought(f"-{bought.cents / 100:.2f}", label=bought.label, dates=dates)
        self._put(
            "tink/transactions", {"credentialsId": there, "transactions": [one], "webhook": told}
        )
        return str(one["id"])

    def points(self) -> int:
        """What is available once nothing is due."""
        self.settled()
        return self._available()

    def _available(self) -> int:
        answer = self.person.ask("GET", f"/api/v1/wallets/{self.person.name}")
        return 0 if answer.status == 404 else int(answer.json()["balance"]["available"])

    def until_credited(self, points: int = POINTS, *, told: bool = True) -> None:
        """Time goes by until so many points are there: seconds, if a webhook may have told, or the hours until the
        healer comes. The daemon's clock answers when all that fell due is handled: it is not waited for again.
        """
        self.settled()
        hour = [STEP_S] * (3600 // STEP_S)
        for steps in (
            *([[2]] * (10 if told else 0)),
            *([[3600]] * QUIET_HOURS),
            *([hour] * (HEAL_HOURS - QUIET_HOURS)),
        ):
            if self._available() >= points:
                return
            for seconds in steps:
                self.later(seconds)
        assert self.points() == points, "not credited"


def letters_of(desk: Somebody) -> list[Json]:
    """Every dead letter, newest first."""
    items: list[Json] = desk.got("/api/v1/dead-letters?limit=100")["items"]
    return items
