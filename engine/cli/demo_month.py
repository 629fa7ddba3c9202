"""A customer's month, after the run: purchases, a refund, a tier, and points that become money.

Rule: every balance is foretold by the story below, by hand, and compared with what the wallet says over
HTTP; the bank, whoever pays, and the people of the house speak to the daemon as they do anywhere else.
Source: issue "the bank flow, second half"; spec.md S47, S50, S52, X21 to X27.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import trio

from comptoir.engine.cli.demo_files import pay_by_file
from comptoir.engine.cli.demo_people import Asker, person
from comptoir.engine.cli.demo_place import LOT_DAYS, DemoPlace
from comptoir.engine.cli.demo_show import Screen
from comptoir.engine.cli.importing import post_csv

__all__ = ["Month", "align"]

DAY: Final = timedelta(days=1)
IBAN: Final = "FR1420041010050500013M02606"
"""Of the specification's example (protocols.md 5.6): nobody's."""
NAME: Final = "Camille Exemple"
QUIESCE_SECONDS_MAX: Final = 120
SHOWN: Final = (
    "128 points earned.",
    "100 points earned.",
    "900 points earned.",
    "9,600 points earned.",
    "You have reached a new level. Thank you for staying with us!",
    "2,000 points were paid out.",
    "The transfer failed: your points are available again.",
    "3,000 points were paid out.",
    "3,928 points expire in 7 days.",
)
"""What the phone must have shown, among others."""


async def align(daemon: httpx.AsyncClient, sandbox: httpx.AsyncClient) -> datetime:
    """Set the sandbox's clock to the daemon's, which an earlier demo has moved; the time there."""
    answer = await daemon.post("/dev/v1/clock", json={"advanceSeconds": 0})
    now = datetime.fromisoformat(answer.raise_for_status().json()["now"])
    there = (await sandbox.get("/control/clock")).raise_for_status().json()["now"]
    ahead = (now - datetime.fromisoformat(there)).total_seconds()
    moved = await sandbox.post("/control/clock", json={"advanceSeconds": max(0, round(ahead))})
    moved.raise_for_status()
    return now


@dataclass(slots=True)
class Month:
    """One person's, told as it passes."""

    place: DemoPlace
    screen: Screen
    daemon: httpx.AsyncClient
    """Without a token: what a bank and a developer may ask."""
    sandbox: httpx.AsyncClient
    mark: str
    """In every name, so that each demo has a customer of its own."""
    complaints: list[str] = field(default_factory=list[str])
    """Whatever was not as foretold."""
    rows: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    """Of the table: day and what, points, what is left."""
    statement: Path | None = None
    """Its PDF."""
    _began: datetime | None = None
    _day: int = 0

    @property
    def user(self) -> str:
        """Whose month it is."""
        return f"{self.mark}-camille"

    async def perform(self, pay_by_files: Callable[[], Awaitable[None]]) -> None:
        """Play it.

        Args:
            pay_by_files: starts the daemon again, as one that pays by files.
        """
        self._began = await align(self.daemon, self.sandbox)
        card = f"connection_id,user_id,provider\n{self.mark}-card,{self.user},seed\n"
        await post_csv(self.daemon, "connections", card.encode())
        holder = {"items": [{"iban": IBAN, "names": [NAME]}]}
        await Asker(self.sandbox).ask("PUT", "/control/vop/holders", holder)
        hook = {"url": f"{self.place.webhooks_url}/webhooks/banking", "secret": self.place.secret}
        await Asker(self.sandbox).post("/control/seed/webhooks", hook)
        async with person(self.place, self.user, "CLIENT") as customer:
            await self._has_phone(customer)
            await self._shop(customer)
            await self._withdraw(customer)
            await pay_by_files()
            await self._withdraw_by_file(customer)
            await self._keep_statement(customer)
        await self._was_told()

    async def _shop(self, customer: Asker) -> None:
        """Rates are those of demo_names.py: 2 %, 2.5 %, 3 % and 4 %."""
        await self._buy("dinner", "Brasserie Quintessol", "5812", 64_00)
        await self._now(customer, "dinner, 64.00 at 2 %", 128, available=128)
        await self._until(1)
        await self._buy("books", "Librairie Feuillantine", "5942", 40_00)
        await self._buy("coat", "Atelier Garance", "5651", 300_00)
        await self._now(customer, "books and a coat, 340.00", 1_000, available=1_128)
        await self._until(2)
        await self._buy("gloves", "Atelier Garance", "5651", 100_00, refunds="coat")
        await self._now(customer, "a third of the coat given back", -300, available=828)
        await self._until(3)
        await self._buy("hotel", "Hôtel Belvédère Armor", "7011", 2_400_00)
        await self._now(customer, "a week in a hotel, 2,400.00", 9_600, available=10_428)
        tier = (await customer.get(f"/api/v1/wallets/{self.user}"))["tier"]["name"]
        await self._now(customer, f"{tier} is reached", 0, available=10_428)

    async def _withdraw(self, customer: Asker) -> None:
        """Once it is paid by the provider, once it fails, and its points are there again."""
        paid = await self._asks(customer, 2_000)
        await self._now(customer, "2,000 points withdrawn", -2_000, available=8_428, blocked=2_000)
        await self._until(9)
        await self._paid(paid, "completed")
        await self._now(customer, "paid by the provider: 20.00", 0, available=8_428)
        await self._until(10)
        failed = await self._asks(customer, 1_500)
        await self._now(customer, "1,500 points withdrawn", -1_500, available=6_928, blocked=1_500)
        await self._until(15)
        await self._paid(failed, "failed", reason="AC04")
        await self._now(customer, "account closed (AC04): released", 1_500, available=8_428)

    async def _withdraw_by_file(self, customer: Asker) -> None:
        """One closes the batch, another signs it, and the bank reads the file and says what it did."""
        await self._until(16)
        await self._asks(customer, 3_000)
        await self._now(customer, "3,000 points withdrawn", -3_000, available=5_428, blocked=3_000)
        await self._until(21)
        async with (
            person(self.place, f"{self.mark}-maker", "OPERATIONS") as maker,
            person(self.place, f"{self.mark}-treasurer", "OPERATIONS") as treasurer,
        ):
            batch = await pay_by_file(maker, treasurer, Asker(self.sandbox), self._quiet)
        await self._now(customer, f"paid by {batch}", 0, available=5_428)
        await self._until(27)
        # What came back from the failed transfer has longer: it is good for points.grace_days.
        ends = (await customer.get(f"/api/v1/wallets/{self.user}"))["expiring"][0]
        if (ends["points"], ends["on"]) != (
            3_928,
            f"{self._first + (LOT_DAYS + 3) * DAY:%Y-%m-%d}",
        ):
            self.complaints.append(f"what ends first is foretold otherwise: {ends}")
        await self._now(customer, "warned: 3,928 end in a week", 0, available=5_428)

    async def _keep_statement(self, customer: Asker) -> None:
        """The month as a PDF, to look at."""
        month = f"{self._first:%Y-%m}"
        path = f"/api/v1/wallets/{self.user}/statements/{month}?format=pdf"
        drawn = (await customer.ask("GET", path)).content
        self.statement = self.place.folder / f"statement-{month}.pdf"
        await trio.Path(self.statement).write_bytes(drawn)

    # What is told.

    @property
    def _phone(self) -> str:
        """How FCM knows the app on it."""
        return f"{self.mark}-phone-of-camille"

    async def _has_phone(self, customer: Asker) -> None:
        app = {"token": self._phone, "platform": "android"}
        await customer.put("/api/v1/devices/phone", app)
        await customer.put("/api/v1/me/preferences", {"language": "en"})

    async def _was_told(self) -> None:
        """All of it, and each once: FCM is the sandbox's, and shows what it was sent."""
        path = f"/control/inbox?channel=push&to={self._phone}"
        shown = [one["body"] for one in (await Asker(self.sandbox).get(path))["items"]]
        wrong = [text for text in SHOWN if shown.count(text) != 1]
        if wrong:
            self.complaints.append(f"the phone did not show once: {', '.join(wrong)}")
        self.rows.append(("shown on the phone", "", f"{len(shown)} pushes"))

    # What happens.

    async def _buy(self, what: str, shop: str, mcc: str, cents: int, *, refunds: str = "") -> None:
        """The bank tells of a purchase, or of money that a shop gave back."""
        data: dict[str, Any] = {
            "transaction_id": f"{self.mark}-{what}",
            "connection_id": f"{self.mark}-card",
            "account_id": f"{self.mark}-account",
            "amount": cents / 100,  # whole cents: exact to the digits that JSON gets
            "currency": "EUR",
            "direction": "CREDIT" if refunds else "DEBIT",
            "date": f"{self._today:%Y-%m-%d}",
            "merchant": {"name": shop, "mcc_code": mcc, "city": "Paris", "country": "FR"},
        }
        if refunds:
            data["original_transaction_id"] = f"{self.mark}-{refunds}"
        told = {
            "target": f"{self.place.webhooks_url}/webhooks/banking",
            "secret": self.place.secret,
            "body": {
                "event": "transaction.created",
                "timestamp": f"{self._today:%Y-%m-%dT%H:%M:%S}.000Z",
                "data": data,
            },
        }
        (answer,) = await Asker(self.sandbox).post("/control/webhooks", told)
        if answer["status"] != 202:  # noqa: PLR2004  accepted (interface.md 6)
            self.complaints.append(f"{what}: the webhook got {answer['status']}")

    async def _asks(self, customer: Asker, points: int) -> str:
        """The id of a withdrawal, on the terms of a quote."""
        wanted = {"points": points, "iban": IBAN, "beneficiaryName": NAME}
        quote = await customer.post("/api/v1/withdrawals/quote", wanted)
        if (quote["netCents"], quote["payeeCheck"]) != (points, "match"):
            self.complaints.append(
                f"{points} points: quoted {quote['netCents']}, {quote['payeeCheck']}"
            )
        begun = await customer.post("/api/v1/withdrawals", wanted | {"quoteId": quote["quoteId"]})
        return str(begun["withdrawalId"])

    async def _paid(self, withdrawal: str, outcome: str, **more: str) -> None:
        """Whoever pays has paid, or not, and says so."""
        provider = Asker(self.sandbox)
        orders = (await provider.get("/control/payments"))["items"]
        ours = [one["paymentId"] for one in orders if one["withdrawalId"] == withdrawal]
        if len(ours) != 1:
            self.complaints.append(f"{len(ours)} orders of one withdrawal")
            return
        await provider.post(f"/control/payments/{ours[0]}/settle", {"outcome": outcome, **more})

    # Time, and the wallet.

    @property
    def _first(self) -> datetime:
        assert self._began is not None, "time counts from the first step of the play"
        return self._began.astimezone(UTC)

    @property
    def _today(self) -> datetime:
        return self._first + self._day * DAY

    async def _until(self, day: int) -> None:
        """Days go by, for everybody, and what is due is done."""
        seconds = (day - self._day) * round(DAY.total_seconds())
        await Asker(self.sandbox).post("/control/clock", {"advanceSeconds": seconds})
        await Asker(self.daemon).post("/dev/v1/clock", {"advanceSeconds": seconds})
        self._day = day
        await self._quiet()

    async def _quiet(self) -> None:
        wait = {"timeoutSeconds": QUIESCE_SECONDS_MAX}
        answer = await self.daemon.post("/dev/v1/quiesce", json=wait, timeout=QUIESCE_SECONDS_MAX)
        answer.raise_for_status()

    async def _now(
        self, customer: Asker, what: str, points: int, *, available: int, blocked: int = 0
    ) -> None:
        """A row of the table, and what the wallet must hold."""
        await self._quiet()
        balance = (await customer.get(f"/api/v1/wallets/{self.user}"))["balance"]
        found = (balance["available"], balance["blocked"], balance["shortfall"])
        left = f"{available:,} available" + (f", {blocked:,} blocked" if blocked else "")
        if found != (available, blocked, 0):
            left = f"WRONG: available, blocked and owed are {found}"
            self.complaints.append(f"day {self._day}, {what}: {left}")
        self.rows.append((f"day {self._day:>2}  {what}", f"{points:+,}" if points else "", left))
