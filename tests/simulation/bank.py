"""The bank of a run: what it reports, how it delivers, and what must come of it.

Rules:
- stories (purchases, refunds, other bodies under one id, corrections, strangers, cards nobody knows yet)
  are a function of the seed; each report is delivered late, in any order, several times at once, and again
  after every error, until it is acknowledged;
- what must have been credited follows from the reports alone, by arithmetic of this module's own:
  floor of the cents that earn times the rate, where refunds take cents off before the cap does.
Source: interface.md 1 and 6; X16, X19, X24; tests/durability/load.py and oracle.py.
"""

import random
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from comptoir.actors.connection.messages import (
    LinkConnection,
    TransactionReported,
    TransactionTaken,
    report_key,
)
from comptoir.actors.merchants.messages import MERCHANTS, ImportPartners, Partner, PartnersImported
from comptoir.engine.envelope import Answer
from comptoir.engine.errors import EngineError
from comptoir.engine.values import Address, Message
from tests.simulation.daemon import Daemon, Gone

if TYPE_CHECKING:
    from tests.simulation.world import World

__all__ = ["Bank", "Purchase"]

EVENT: Final = "transaction.created"
LABELS: Final = ("{0}", "CB {0} 0412", "PAIEMENT CB 2311 {1}", "CARTE X1234 23/11 {1}")
STRANGERS: Final = ("VIR SEPA LOYER", "QWERTZ ET FILS")
ANONYMOUS_CENTS: Final = 1_000_000
"""From here on an amount is used once, so that an anonymous refund can only mean one purchase."""
STORIES: Final = {
    "plain": 8, "refund": 2, "parts": 2, "early": 2, "anonymous": 2, "bodies": 2, "stranger": 1,
    "dollars": 1, "corrected": 2,
}  # fmt: skip


class Purchase(msgspec.Struct):
    """A purchase with everything that was reported about it."""

    id: str
    bodies: list[tuple[str, int]]
    """(user, cents) of each body that was sent under the id."""
    rate_bp: int
    cap: int | None
    refunds: dict[str, int] = {}
    """id -> cents."""

    def points(self, cents: int, ignored: set[str]) -> int:
        """What stays of it, when the refunds but those ignored have been taken off."""
        refunded = sum(c for name, c in self.refunds.items() if name not in ignored)
        earning = max(0, cents - refunded)
        if self.cap is not None:
            earning = min(earning, self.cap)
        return earning * self.rate_bp // 10_000


class Bank:
    """Tells stories, and delivers what they are made of."""

    def __init__(self, world: "World", seed: int) -> None:
        self._world = world
        self._rng = random.Random(f"{seed}/bank")
        rng = self._rng
        self.users = [f"user{n}" for n in range(rng.randint(2, 4))]
        self.cards = {f"card{n}": rng.choice(self.users) for n in range(rng.randint(3, 5))}
        self.unlinked = [name for name in self.cards if rng.random() < 0.4]
        self.partners = [
            Partner(
                id=f"p{n}",
                name=f"Maison Essai{n}",
                rate_bp=rng.choice((50, 100, 333, 1000)),
                cap_cents_purchase=rng.choice((None, None, 15_000)),
            )
            for n in range(4)
        ]
        self._late_partner = self.partners.pop()
        self.purchases: dict[str, Purchase] = {}
        self.refund_of: dict[str, str] = {}
        self.taken_at: dict[str, int] = {}
        """Report -> business time at which it became durable (told by the checker)."""
        self.open = 0
        """Deliveries that are not acknowledged."""
        self.delivered = 0
        self._serial = 0

    async def prepare(self) -> None:
        """Import the partners and link the cards that are known from the first day."""
        await self._until_taken(MERCHANTS, ImportPartners(tuple(self.partners)))
        for card in self.cards:
            if card not in self.unlinked:
                await self.link(card)

    async def link(self, card: str) -> None:
        """Make a card known."""
        digits = f"{int(card.removeprefix('card')):04d}"
        message = LinkConnection(card, self.cards[card], "seed", "Banque", digits)
        await self._until_taken(Address("connection", card), message)

    async def link_rest(self) -> None:
        """Make every card known that is not yet."""
        while self.unlinked:
            await self.link(self.unlinked[-1])
            self.unlinked.pop()

    async def change_catalogue(self) -> None:
        """One partner more; purchases there count from when the import is over."""
        await self._until_taken(MERCHANTS, ImportPartners((self._late_partner,)))
        self.partners.append(self._late_partner)

    # Stories.

    def tell_story(self) -> None:
        """Report something new."""
        rng = self._rng
        kind = rng.choices([*STORIES], [*STORIES.values()])[0]
        self._serial += 1
        card = rng.choice([*self.cards])
        cents = rng.randint(1, 40_000)
        if kind == "anonymous":
            cents = ANONYMOUS_CENTS + self._serial
        partner = rng.choice(self.partners)
        purchase = Purchase(
            f"t{self._serial}",
            [(self.cards[card], cents)],
            partner.rate_bp,
            partner.cap_cents_purchase,
            {},
        )
        if kind in {"stranger", "dollars"}:
            purchase.rate_bp = 0
        self.purchases[purchase.id] = purchase
        name = rng.choice(STRANGERS) if kind == "stranger" else self._label(partner.name)
        report = TransactionReported(
            "seed", EVENT, purchase.id, cents, "USD" if kind == "dollars" else "EUR", "DEBIT",
            "2026-11-20", name,
        )  # fmt: skip
        if kind == "corrected":
            self._corrections(purchase, card, report)
            return
        self._deliver(card, report, copies=rng.choice((1, 1, 2, 3)))
        if kind == "bodies":
            self._other_bodies(purchase, card, report)
        elif kind in {"refund", "parts", "early", "anonymous"}:
            self._refunds(kind, purchase, card, report)

    def _label(self, name: str) -> str:
        return self._rng.choice(LABELS).format(name, name.upper())

    def _other_bodies(self, purchase: Purchase, card: str, report: TransactionReported) -> None:
        """The same id with another amount, and on another card."""
        change = msgspec.structs.replace
        more = report.amount_cents + 700
        purchase.bodies.append((self.cards[card], more))
        self._deliver(card, change(report, amount_cents=more))
        other = self._rng.choice([*self.cards])
        purchase.bodies.append((self.cards[other], report.amount_cents))
        self._deliver(other, report)

    def _corrections(self, purchase: Purchase, card: str, report: TransactionReported) -> None:
        """Told again and again, in any order; the last word holds, which may be that it never happened."""
        rng, user = self._rng, self.cards[card]
        last = rng.randint(2, 4)
        for revision in range(1, last + 1):
            word = msgspec.structs.replace(
                report,
                amount_cents=rng.randint(1, 40_000),
                revision=revision,
                removed=rng.random() < 0.3,
            )
            purchase.bodies.append((user, word.amount_cents))
            self._deliver(card, word, copies=rng.choice((1, 2)))
            if revision == last and word.removed:
                purchase.rate_bp = 0
            elif revision == last:
                purchase.bodies = [(user, word.amount_cents)]

    def _refunds(
        self, kind: str, purchase: Purchase, card: str, report: TransactionReported
    ) -> None:
        cents = report.amount_cents
        parts = [cents]
        if kind == "parts":
            parts = [self._rng.randint(1, max(1, cents // 2)) for _ in range(2)]
        for number, part in enumerate(parts):
            name = f"{purchase.id}r{number}"
            purchase.refunds[name] = part
            self.refund_of[name] = purchase.id
            refund = msgspec.structs.replace(
                report,
                transaction_id=name,
                amount_cents=part,
                direction="CREDIT",
                original_transaction_id="" if kind == "anonymous" else purchase.id,
            )
            later = 0.0 if kind in {"early", "anonymous"} else self._rng.uniform(0, 1.5)
            self._deliver(card, refund, later=later)

    # Delivering.

    def _deliver(
        self, card: str, report: TransactionReported, *, copies: int = 1, later: float = 0.0
    ) -> None:
        for copy in range(copies):
            delay = later + self._rng.choice((0.0, 0.0, self._rng.uniform(0, 0.8)))
            rng = random.Random(f"{report.transaction_id}/{report.amount_cents}/{card}/{copy}")
            self.open += 1
            self._world.start(self._delivery, Address("connection", card), report, delay, rng)

    async def _delivery(
        self, address: Address, report: TransactionReported, delay: float, rng: random.Random
    ) -> None:
        await trio.sleep(delay)
        while True:
            daemon = self._world.pick(rng)
            answer = None if daemon is None else await self._ask(daemon, address, report)
            if answer is not None:
                break
            await trio.sleep(rng.uniform(0.05, 0.5))
        assert isinstance(answer.reply, TransactionTaken)
        key = report_key(report)
        self._world.checker.acknowledged("webhook", key)
        self.open -= 1
        self.delivered += 1

    async def _ask(self, daemon: Daemon, address: Address, message: Message) -> Answer | None:
        """One attempt; None when nobody knows, or nothing was taken."""
        try:
            return await daemon.ask(address, message)
        except (EngineError, Gone):
            return None

    async def _until_taken(self, address: Address, message: Message) -> None:
        rng = random.Random(str(address))
        while True:
            daemon = self._world.pick(rng)
            answer = None if daemon is None else await self._ask(daemon, address, message)
            if daemon is not None and answer is not None and daemon.engine is not None:
                if isinstance(answer.reply, PartnersImported):
                    with trio.move_on_after(5.0):
                        await daemon.engine.wait_reference("partners", answer.reply.version)
                return
            await trio.sleep(0.2)
