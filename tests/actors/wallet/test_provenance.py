"""Where every withdrawn cent comes from: the ledger's word against events that are replayed point by point.

The rule: wallet and withdrawals decide as in the daemon, over PostgreSQL; the replay knows their events alone,
no transfer, no lot, no document. Source: spec.md S47, E7; http/provenance.py; docs/statements.md.
"""

import random
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.gateways.messages import PAYOUT, InitiatePayment
from comptoir.actors.programme import PROGRAMME, Programme
from comptoir.actors.wallet.messages import ClawBack, HoldPoints
from comptoir.actors.wallet.reading import wallet_spec
from comptoir.actors.withdrawal.kind import withdrawal_spec
from comptoir.actors.withdrawal.messages import (
    CancelWithdrawal,
    PaymentInitiated,
    PaymentReported,
    SettlementOver,
    SettleWithdrawal,
)
from comptoir.engine import Address, Message, Refused
from comptoir.engine.boot.books import BookViews
from comptoir.engine.clock import BusinessClock
from comptoir.engine.engine import Engine
from comptoir.engine.gateway_spec import CallContext, GatewayBounds, GatewaySpec, Operation
from comptoir.engine.parts import Parts
from comptoir.engine.spec import Bounds
from comptoir.http.operation import Access, Call
from comptoir.http.provenance import cents_of, provenance
from comptoir.http.testing import FakeDaemon
from comptoir.storage.journal import JournalOptions, PostgresJournal
from comptoir.storage.vault import Vault
from tests.actors.wallet.books import ME, anew
from tests.actors.withdrawal.books import order

SEEDS = (1, 2, 4)
"""Each with three traced parts at least: seed 3 has two."""
STEPS = 160
FEE_BP = 333
NOW = 1_800_000_000_000
Json = dict[str, Any]


class Door(BookViews):
    """As much of a daemon as the edge asks for it."""

    def __init__(self, engine: Engine, journal: PostgresJournal) -> None:
        super().__init__()
        self.journal = journal
        self.rules = FakeDaemon().rules
        self.ask = engine.ask

    async def shown(self, withdrawal: str, limit: int = 3, user: str = "u1") -> Json:
        """GET .../provenance, all of its pages; each but the last is full."""
        items: list[Json] = []
        query: dict[str, list[str]] = {"limit": [str(limit)]}
        while True:
            call = Call("abcdefgh", {"withdrawalId": withdrawal}, query, "", b"", Access(user))
            answer = await provenance(self, call)  # type: ignore[arg-type]  # it asks for nothing else
            assert answer.status == 200, answer
            body: Json = orjson.loads(answer.body)
            items += body["items"]
            if body["nextCursor"] is None:
                return {**body, "items": items}
            assert len(body["items"]) == limit
            query["cursor"] = [body["nextCursor"]]


async def _taken(_asked: InitiatePayment, _context: CallContext) -> Message:
    return PaymentInitiated("pay_1")


PAYS = GatewaySpec(
    PAYOUT.kind,
    {InitiatePayment: Operation(_taken, lambda asked: asked.withdrawal_id, idempotent=True)},
    GatewayBounds(),
)


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[tuple[Engine, Door]]:
    """Wallets and withdrawals over a database."""
    vault, ticks = Vault({"k1": bytes(range(32))}), count()
    options = JournalOptions(readers=2, now=NOW)
    async with PostgresJournal.open(url, vault, options) as journal:
        parts = Parts(
            journal=journal,
            clock=BusinessClock(wall_ms=lambda: NOW + next(ticks)),
            actors=(
                wallet_spec(Bounds(), lambda _decided: None),
                withdrawal_spec(Bounds(), lambda _decided: None),
            ),
            gateways=[PAYS],
            constants={PROGRAMME: Programme()},
        )
        async with Engine(parts).running() as engine:
            yield engine, Door(engine, journal)


@dataclass
class Replay:
    """Points, each of them, moved by what the events say."""

    lots: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """By lot, in the order in which they were earned: its points that are available."""
    bought: dict[str, str] = field(default_factory=dict[str, str])
    """Purchase -> lot."""
    earned: Counter[str] = field(default_factory=Counter[str])
    held: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """By withdrawal: the lots of its points, and `owed` for those that nobody had."""
    owed: int = 0
    netted: Counter[str] = field(default_factory=Counter[str])
    clawed: Counter[str] = field(default_factory=Counter[str])

    def hear(self, name: str, told: Mapping[str, Any]) -> None:
        """One event."""
        if name == "PointsCredited" and told["points"]:
            lot = told["lot_id"]
            self.bought[told["transaction_id"]] = lot
            self.earned[lot] = told["points"]
            self.lots[lot] = [lot] * told["points"]
            self._net(lot)
        elif name == "PointsClawedBack":
            own = self.bought[told["transaction_id"]]
            due = told["points"] - told["shortfall"]
            for lot in (own, *(one for one in self.lots if one != own)):
                taken = self._take(lot, due)
                self.clawed[lot] += len(taken)
                due -= len(taken)
            assert due == 0
            self.owed += told["shortfall"]
        elif name == "PointsBlocked":
            self.held[told["withdrawal_id"]] = self._oldest(told["points"])
        elif name == "HoldMoved":
            self._moved(told)

    def _moved(self, told: Mapping[str, Any]) -> None:
        whose, place = told["withdrawal_id"], told["place"]
        points = self.held.get(whose, [])
        if place == "available":
            self.owed -= points.count("owed")
            self.held[whose] = []
            for lot in self.lots:
                self.lots[lot] += [one for one in points if one == lot]
                self._net(lot)
        elif not points:
            back = self._oldest(told["points"] - told["shortfall"])
            self.held[whose] = [*back, *["owed"] * told["shortfall"]]
            self.owed += told["shortfall"]

    def _net(self, lot: str) -> None:
        paid = len(self._take(lot, self.owed))
        self.owed -= paid
        self.netted[lot] += paid

    def _take(self, lot: str, points: int) -> list[str]:
        taken, self.lots[lot] = self.lots[lot][:points], self.lots[lot][points:]
        return taken

    def _oldest(self, points: int) -> list[str]:
        taken: list[str] = []
        for lot in self.lots:
            taken += self._take(lot, points - len(taken))
        assert len(taken) == points
        return taken


class Story:
    """Somebody buys, sends back, withdraws, and whoever pays says this and that."""

    def __init__(self, engine: Engine, seed: int) -> None:
        self.engine = engine
        self.chance = random.Random(seed)
        self.bought: list[str] = []
        self.withdrawals: list[tuple[str, int]] = []
        self.left: set[str] = set()
        self.ended: set[str] = set()

    async def play(self) -> None:
        """Many steps."""
        for number in range(STEPS):
            step = self.chance.choices(
                (self._buy, self._send_back, self._withdraw, self._told), (3, 2, 4, 6)
            )
            await step[0](number)
            assert await self.engine.quiesce(5)

    async def _buy(self, number: int) -> None:
        self.bought.append(f"p{number}")
        bought = self.bought[-1]
        await self.engine.ask(ME, anew(bought, bought, self.chance.randint(100, 20_000)))

    async def _send_back(self, number: int) -> None:
        if self.bought:
            one = self.chance.choice(self.bought)
            refund = ClawBack("plaid", f"r{number}", one, "", self.chance.randint(1, 20_000))
            await self.engine.ask(ME, refund)

    async def _withdraw(self, number: int) -> None:
        points, name = self.chance.randint(100, 900), f"wd_{number:020x}"
        fee = points * FEE_BP // 10_000
        wanted = order(points, fee_cents=fee, net_cents=points - fee)
        try:
            await self.engine.ask(ME, HoldPoints(name, wanted))
        except Refused:
            return
        self.withdrawals.append((name, points - fee))

    async def _told(self, _number: int) -> None:
        if not self.withdrawals:
            return
        of = self.withdrawals[-1:] if self.chance.random() < 0.8 else self.withdrawals
        name, net = self.chance.choice(of)
        word = "settle"
        if name in self.left or self.chance.random() < 0.1:
            words = ("completed", "failed", "returned", "cancel", "by hand")
            word = self.chance.choices(words, (6, 1, 1, 1, 2))[0]
        if name in self.ended and self.chance.random() < 0.8:
            return  # mostly one word is the last
        said: Message = PaymentReported(word, "pay_1", net, "EUR")
        if word == "settle":
            self.left.add(name)
            said = SettlementOver()
        elif word == "cancel":
            said = CancelWithdrawal()
        elif word == "by hand":
            said = SettleWithdrawal(self.chance.choice(("completed", "failed")), "ops", "asked")
        if word == "completed":
            self.ended.add(name)
        with suppress(Refused):
            await self.engine.ask(Address("withdrawal", name), said)


async def _replayed(journal: PostgresJournal) -> Replay:
    replay, after = Replay(), 0
    while page := await journal.events(after, 100):
        for event in page:
            after = event.number
            if event.address == ME:
                replay.hear(event.type, msgspec.json.decode(event.payload))
    return replay


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_cent_is_of_the_lot_that_the_events_say(
    comptoir_postgres: str, seed: int
) -> None:
    """E7, S47: parts, purchases, fees and what became of each lot, over pages; sums are exact."""
    async with opened(comptoir_postgres) as (engine, door):
        story = Story(engine, seed)
        await story.play()
        assert door.journal is not None
        replay = await _replayed(door.journal)
        lots = {lot.id: lot for lot in await door.journal.lots("u1")}
        assert {name: lot.remaining for name, lot in lots.items()} == {
            name: len(left) for name, left in replay.lots.items()
        }
        purchases = {lot: purchase for purchase, lot in replay.bought.items()}
        parts = 0
        for name, net in story.withdrawals:
            body = await door.shown(name)
            of = Counter(replay.held[name])
            told = [(x["lot"] and x["lot"]["lotId"], x["points"]) for x in body["items"]]
            order_of = [*replay.lots, "owed"]
            assert told == [
                (None if lot == "owed" else lot, of[lot]) for lot in order_of if of[lot]
            ]
            assert body["tracedPoints"] in (0, body["points"])
            if not body["items"]:
                continue
            parts += len(told)
            assert sum(x["netCents"] for x in body["items"]) == body["netCents"] == net
            assert sum(x["feeCents"] for x in body["items"]) == body["feeCents"]
            assert sum(x["grossCents"] for x in body["items"]) == body["grossCents"]
            next_cent = 1
            for item in body["items"]:
                assert item["firstCent"] == next_cent
                next_cent += item["netCents"]
                if item["lot"] is not None:
                    _check_lot(item["lot"], replay, purchases)
        assert parts >= 3


def _check_lot(lot: Json, replay: Replay, purchases: Mapping[str, str]) -> None:
    """A lot is whole: what was withdrawn, netted, taken back, and what is left."""
    name = lot["lotId"]
    assert (lot["origin"], lot["reference"]) == ("purchase", purchases[name])
    shown = lot["purchase"]
    assert (shown["transactionId"], shown["partner"]) == (purchases[name], "CHEZ NOUS")
    assert lot["points"] == shown["amountCents"] * lot["rateBp"] // 10_000
    assert lot["points"] == replay.earned[name]
    assert lot["remaining"] == len(replay.lots[name])
    uses: Counter[str] = Counter()
    for use in lot["uses"]:
        uses[use["kind"]] += use["points"]
        if use["kind"] == "withdrawn":
            assert use["points"] == replay.held[use["withdrawalId"]].count(name)
    assert uses["withdrawn"] == sum(points.count(name) for points in replay.held.values())
    assert (uses["netted"], uses["clawback"]) == (replay.netted[name], replay.clawed[name])
    assert lot["points"] == lot["remaining"] + sum(uses.values())


@given(
    st.lists(st.integers(1, 500), min_size=1, max_size=30),
    st.integers(1, 100),
    st.integers(0, 10_000),
)
def test_the_fee_is_shared_to_the_cent(parts: list[int], rate: int, fee_bp: int) -> None:
    """X21, X32: parts of the fee are the fee, none is more than a cent from its share, and the cents that are
    paid are numbered without a gap.
    """
    points = sum(parts)
    gross = points * rate
    fee = gross * fee_bp // 10_000
    made = order(points, rate_cents=rate, gross_cents=gross, fee_cents=fee, net_cents=gross - fee)
    before, paid, fees = 0, 0, 0
    for part in parts:
        part_gross, part_fee, net, first = cents_of(made, before, part)
        assert (part_gross, net, first) == (part * rate, part_gross - part_fee, paid + 1)
        assert abs(part_fee * points - fee * part) < points
        assert 0 <= part_fee <= part_gross
        before, paid, fees = before + part, paid + net, fees + part_fee
    assert (paid, fees) == (gross - fee, fee)


async def test_another_persons_withdrawal_is_not_there(comptoir_postgres: str) -> None:
    """S34: 404, as for one that never was; and a bad page is told."""
    async with opened(comptoir_postgres) as (engine, door):
        await engine.ask(ME, anew("p1", "p1", 30_000))
        name = "wd_" + "0" * 20
        await engine.ask(ME, HoldPoints(name, order(800)))
        for asked, user, query, status in (
            (name, "u1", {}, 200), (name, "u2", {}, 404), ("wd_" + "1" * 20, "u1", {}, 404),
            ("x", "u1", {}, 404), (name, "u1", {"limit": ["0"]}, 422), (name, "u1", {"cursor": ["x"]}, 422),
        ):  # fmt: skip
            call = Call("abcdefgh", {"withdrawalId": asked}, query, "", b"", Access(user))
            answer = await provenance(door, call)  # type: ignore[arg-type]  # it asks for nothing else
            assert answer.status == status, asked
