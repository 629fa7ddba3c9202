"""What must hold after every step: at each durable batch, each answer, each call that leaves.

Rule: the checkers keep books of their own from the decisions that the journal shows them, and compare
these with the tables, so that neither the journal's care nor the engine's is trusted. A step costs
little: what a batch did not touch is not looked at again.
Source: design.md 9 (invariants 1 to 4); issue 3, deliver 4.
"""

# pyright: reportPrivateUsage=false
# What the delivery holds is looked at where no public door leads.

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from comptoir.actors.connection.messages import TransactionReported
from comptoir.actors.gateways.messages import SendPush
from comptoir.actors.wallet.state import PurchaseRestated, RefundIgnored, WalletState
from comptoir.engine.decision import Decision
from comptoir.engine.engine import Engine
from comptoir.engine.journal import Decided, Pending, Run
from comptoir.engine.parts import EngineStatistics
from comptoir.engine.toys import Call, Do
from comptoir.engine.values import Address
from comptoir.storage.runs import Progress

if TYPE_CHECKING:
    from tests.simulation.daemon import Daemon
    from tests.simulation.world import World

__all__ = ["Checker"]

_WALLETS = msgspec.json.Decoder(WalletState)
CONCURRENT = frozenset(("push", "query", "payout", "engine"))
"""Receivers that work on many messages at once: there is no order between them."""
NOT_BELOW_ZERO = ("available:", "pending:", "blocked:")


class Checker:
    """The books of one run."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.epoch = 0
        self.consumed: set[int] = set()
        self.latest_at = 0
        self.ignored: dict[str, int] = {}
        """Refund that was given up -> when."""
        self.credited: dict[str, int] = {}
        """Transaction -> when."""
        self.letters: Counter[str] = Counter()
        self._once: dict[tuple[str, str], int] = {}
        self._ordered: set[int] = set()
        """Rows that were due at once when they were sent."""
        self._last: dict[tuple[Address, Address], int] = {}
        self._books: Counter[str] = Counter()
        self._loose: set[int] = set()

    def _fail(self, invariant: str, detail: str) -> None:
        self._world.fail(invariant, detail)

    # A batch is durable.

    def batch(self, daemon: "Daemon", progresses: Sequence[Progress]) -> None:
        """Check everything that a batch has just made true."""
        world = self._world
        assert daemon.journal is not None
        if daemon.journal.statistics().epoch != self.epoch:
            self._fail("3 one writer", f"{daemon.name} wrote under a superseded epoch")
        if daemon.dead:
            self._fail("3 one writer", f"{daemon.name} wrote after its death")
        done = 0
        wallets: set[Address] = set()
        said: list[str] = []
        money = False
        for progress in progresses:
            run = progress.run
            for decided in run.decided[: progress.done]:
                done += 1
                self._decision(run, decided)
                money = money or bool(decided.decision.transfers)
                said.append(_told(run, decided))
            if run.address.kind == "wallet" and progress.done:
                wallets.add(run.address)
            if progress.why is not None:
                said.append(f"{run.address}: {progress.why!r}")
            self._ordered.update(row.id for row in progress.outgoing)
        if done:
            world.commits += 1
        if money:
            self._conserved()
        for address in sorted(wallets):
            self._wallet(address)
        world.say(daemon.name, f"batch {world.commits}: " + "; ".join(said))

    def _decision(self, run: Run, decided: Decided) -> None:
        decision = decided.decision
        self.latest_at = max(self.latest_at, decided.at)
        if decided.consumed is not None:
            self._consumed(run, decided.consumed)
        for once in decision.once:
            key = (once.scope, once.key)
            if self._once.get(key, 0) > decided.at:
                self._fail("2 at most once", f"{key} was taken twice")
            self._once[key] = decided.at + once.ttl_ms
        corrected = any(isinstance(event, PurchaseRestated) for event in decision.events)
        for transfer in decision.transfers:
            self._books[transfer.debit] -= transfer.points
            self._books[transfer.credit] += transfer.points
            # What a correction adds is judged by the sum in the end (ending.py).
            if transfer.kind == "credit" and not corrected:
                self._credited(transfer.transaction or "", decided.at)
        if isinstance(decided.message, TransactionReported) and decision.once:
            self._world.bank.taken_at.setdefault(decided.message.transaction_id, decided.at)
        for event in decision.events:
            if isinstance(event, RefundIgnored):
                self.ignored[event.refund_id] = decided.at
        if decision.dead_letter is not None:
            self.letters[decision.dead_letter.code] += 1

    def _consumed(self, run: Run, row: Pending) -> None:
        if row.id in self.consumed:
            self._fail("2 at most once", f"row {row.id} of {run.address} took effect twice")
        self.consumed.add(row.id)
        left = self._world.tables.messages.get(row.id)
        if left is not None and left.kind != "dead":
            self._fail("2 at most once", f"row {row.id} was handled and is still there")
        if row.id in self._ordered and row.target.kind not in CONCURRENT:
            pair = (row.sender, row.target)
            if self._last.get(pair, 0) > row.id:
                self._fail("order", f"{pair[0]} to {pair[1]}: row {row.id} came after a later one")
            self._last[pair] = max(self._last.get(pair, 0), row.id)

    def _credited(self, transaction: str, at: int) -> None:
        if transaction in self.credited:
            self._fail("4 money", f"purchase {transaction} was credited twice")
        self.credited[transaction] = at

    def _conserved(self) -> None:
        """The sum of all postings is zero, no balance is negative, the lots sum to the balances."""
        tables = self._world.tables
        if sum(tables.balances.values()):
            self._fail("4 money", f"postings do not sum to zero: {tables.balances}")
        for account, points in tables.balances.items():
            if points != self._books[account]:
                self._fail("4 money", f"{account} holds {points}, posted {self._books[account]}")
            if points < 0 and account.startswith(NOT_BELOW_ZERO):
                self._fail("4 money", f"{account} is {points}")
        lots: Counter[str] = Counter()
        for lot in tables.lots.values():
            lots[lot.opened.owner] += lot.remaining
        for user in self._world.bank.users:
            held = sum(
                tables.balances.get(f"{book}:{user}", 0) for book in ("available", "pending")
            )
            if lots[user] != held:
                self._fail("4 money", f"lots of {user} hold {lots[user]}, its books {held}")

    def _wallet(self, address: Address) -> None:
        """What the actor believes is what the ledger says."""
        tables = self._world.tables
        row = tables.actors.get(address)
        if row is None:
            return
        state = _WALLETS.decode(row[2])
        for book in ("available", "pending", "blocked"):
            held = tables.balances.get(f"{book}:{address.key}", 0)
            if getattr(state, book) != held:
                self._fail("4 money", f"{address} believes {book} {getattr(state, book)}: {held}")
        if state.shortfall != -tables.balances.get(f"shortfall:{address.key}", 0):
            self._fail("4 money", f"{address} believes a shortfall of {state.shortfall}")

    # Something leaves.

    def acknowledged(self, scope: str, key: str) -> None:
        """An answer was handed out: it is durable (invariant 1)."""
        if (scope, key) not in self._once:
            self._fail("1 durable first", f"{scope} {key} was acknowledged and is not durable")

    def call_leaves(self, party: str, key: str, times: int) -> None:
        """The first byte of a call: what it follows from is durable, and it may be sent."""
        name = key.partition(":")[2]
        if party == "payout":
            if times > 1:
                self._fail("6 confirm first", f"{key} was sent {times} times")
            if ("call", f"payout:started:{key}") not in self._once:
                self._fail("1 durable first", f"{key} left before it was durably started")
            return
        if party == "push":
            transaction = name.partition(":")[2]
            if transaction not in self.credited:
                self._fail("1 durable first", f"a push for {transaction}, which is not credited")
            return
        label = name.removeprefix("no-")
        if ("toy", label) not in self._once:
            self._fail("1 durable first", f"{key} left before {label} was durable")

    # A life begins, time passes.

    def began(self, daemon: "Daemon") -> None:
        """A daemon serves: its business time goes on where the durable time was."""
        assert daemon.journal is not None
        newest = daemon.journal.statistics().epoch == self.epoch
        if newest and daemon.clock.now() < self.latest_at:
            back = self.latest_at - daemon.clock.now()
            self._fail("time", f"{daemon.name} begins {back} ms before what is durable")
        self._loose = set()

    def nothing_crashed(self, engine: Engine) -> EngineStatistics:
        """Only toys crash, because they are told to: whatever else is contained is a bug of ours."""
        figures = engine.statistics()
        crashed = [x.id for x in figures.children if x.restarts_total]
        crashed += [x.kind for x in figures.hosts if x.restarts_total and x.kind != "toy"]
        crashed += ["delivery"] * bool(figures.delivery.crashes_total)
        if crashed:
            self._fail("supervision", f"crashed: {', '.join(crashed)}")
        return figures

    def look(self, daemon: "Daemon") -> None:
        """Between the steps: nothing is stranded, nothing is held that nobody has."""
        engine: Any = daemon.engine
        stranded = self.nothing_crashed(engine).delivery.stranded_total
        if stranded:
            self._fail("no stranded row", f"{daemon.name} counts {stranded}")
        delivery = engine._delivery
        journal = daemon.journal
        assert journal is not None
        waiting = journal.statistics().runs_waiting
        if engine._busy or waiting or delivery._readings or not journal.available:
            self._loose = set()
            return
        now = delivery._timers_seen
        loose = set[int]()
        for target, rows in self._world.tables.by_target.items():
            if target not in delivery._backlogs:
                loose.update(x.id for x in rows.values() if _due(x, now))
        again = loose & self._loose
        if again:
            there = self._world.tables.messages
            lost = [f"{number} to {there[number].target}" for number in sorted(again)]
            self._fail("no stranded row", f"nobody has {', '.join(lost)}")
        self._loose = loose


def _due(row: Any, now: int) -> bool:
    return row.kind == "message" or (
        row.kind != "dead" and row.due_at is not None and row.due_at <= now
    )


def _told(run: Run, decided: Decided) -> str:
    """One decision in a few words."""
    decision: Decision[Any] = decided.decision
    message = decided.message if decided.message is not None else None
    if message is None and decided.consumed is not None:
        message = decided.consumed.message
    what = type(message).__name__ if message is not None else "-"
    match message:
        case Do():
            what = message.label
        case TransactionReported():
            what = f"reported {message.transaction_id}"
        case SendPush() | Call():
            what = f"{what} {message.reference}"
        case _:
            what = f"{what} {getattr(message, 'transaction_id', getattr(message, 'refund_id', ''))}"
    extra = ""
    if decided.consumed is not None:
        extra += f" consumed {decided.consumed.id & 0xFFFFFF}"
    if decision.messages:
        extra += f" sends {len(decision.messages)}"
    if decision.transfers:
        extra += f" moves {sum(t.points for t in decision.transfers)}"
    if decision.dead_letter is not None:
        extra += f" DEAD {decision.dead_letter.code}"
    if decision.release:
        extra += " releases"
    return f"{run.address} {what}{extra}"
