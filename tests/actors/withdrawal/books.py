"""A wallet and its withdrawal, decided purely, beside ledgers that are kept by adding up alone.

The machines' own transfers are posted to accounts and lots that know nothing of the machines: what they may
not do (a balance below zero, a lot beyond its points, a transfer from nowhere) is found here by arithmetic.
"""

from collections import Counter
from collections.abc import Mapping
from copy import copy
from typing import Any

import msgspec

from comptoir.actors.programme import PROGRAMME, Programme
from comptoir.actors.wallet.machine import MACHINE as WALLET
from comptoir.actors.wallet.messages import (
    AVAILABLE,
    HOLDS,
    TRANSACTIONS,
    ClawBack,
    Credit,
    HoldPoints,
    MovePoints,
    document_key,
)
from comptoir.actors.wallet.state import HoldFacts, RefundFacts, WalletState
from comptoir.actors.wallet.state import Phase as WalletPhase
from comptoir.actors.withdrawal.machine import MACHINE as WITHDRAWAL
from comptoir.actors.withdrawal.machine import WithdrawalState
from comptoir.actors.withdrawal.messages import Order
from comptoir.actors.withdrawal.outcome import Phase
from comptoir.engine import Address, Decision, Message, Refusal
from comptoir.engine.decision import Transfer
from comptoir.engine.journal import Lot
from comptoir.engine.machine import Context

ME = "u1"
NAME = "wd_1"
IBAN = "FR1420041010050500013M02606"
DAY_MS = 86_400_000


def order(points: int, **changes: Any) -> Order:
    """An order of so many points at a cent each."""
    made = Order(
        ME, points, 1, points, 0, points, "EUR", IBAN, "Ada Lovelace", "REWAPP-WD-2026-11-24-001",
        14 * DAY_MS,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


class Books:
    """One wallet and its withdrawals."""

    def __init__(self, programme: Programme | None = None) -> None:
        self.wallet = WalletState(WalletPhase.NEW)
        self.withdrawals: dict[str, WithdrawalState] = {}
        self.accounts: Counter[str] = Counter()
        self.lots: dict[str, tuple[int, int, int]] = {}
        """By id: points, what is left, when they were earned."""
        self.documents: dict[tuple[str, str], dict[str, Any]] = {}
        self.sent: list[Message] = []
        """What has left for the world outside."""
        self.now = 1_000
        self._programme = programme or Programme()
        self._changes = 0

    def copy(self) -> "Books":
        """The same so far, and apart from here on; what is in them is never changed in place but documents."""
        other = copy(self)
        other.withdrawals = dict(self.withdrawals)
        other.accounts = self.accounts.copy()
        other.lots = dict(self.lots)
        other.documents = {key: dict(fields) for key, fields in self.documents.items()}
        other.sent = list(self.sent)
        return other

    def credit(self, identity: str, points: int) -> None:
        """A purchase earns points."""
        self.now += 1
        told = Credit("seed", identity, "p", points * 10, points * 10, 1000, f"tag-{identity}")
        key = document_key("seed", identity)
        self.documents[TRANSACTIONS, key] = {
            "transaction_id": identity, "amount_cents": points * 10, "status": "received",
        }  # fmt: skip
        assert not isinstance(self.to_wallet(told), Refusal)

    def refund(self, identity: str, refund_id: str) -> None:
        """A purchase is refunded, whole."""
        amount = int(self.documents[TRANSACTIONS, document_key("seed", identity)]["amount_cents"])
        told = ClawBack("seed", refund_id, identity, "", amount, link="l")
        assert not isinstance(self.to_wallet(told), Refusal)

    def withdraw(self, points: int, name: str = NAME) -> Refusal | None:
        """A person withdraws; the refusal, if it is one."""
        found = self.to_wallet(HoldPoints(name, order(points)))
        return found if isinstance(found, Refusal) else None

    def to_wallet(self, message: Message) -> Decision[Any] | Refusal:
        """The wallet decides, and what it decided is so."""
        context = self._context("wallet", ME, self._facts(message))
        found = WALLET.decide(self.wallet, message, context)
        if not isinstance(found, Refusal):
            self.wallet = found.state
            self._apply(found)
        return found

    def to_withdrawal(self, message: Message, name: str = NAME) -> Decision[Any] | Refusal:
        """The withdrawal decides, and what it decided is so."""
        state = self.withdrawals.get(name, WithdrawalState(Phase.NONE))
        found = WITHDRAWAL.decide(state, message, self._context("withdrawal", name, None))
        if not isinstance(found, Refusal):
            self.withdrawals[name] = found.state
            self._apply(found)
        return found

    def _context(self, kind: str, key: str, facts: Any) -> Context:
        self._changes += 1
        references: Mapping[str, Any] = {PROGRAMME: self._programme}
        return Context(Address(kind, key), self.now, self._changes, references, facts)

    def _facts(self, message: Message) -> Any:
        """What the wallet's lookups would find (reading.py)."""
        lots = [
            Lot(name, ME, name, "", points, left, points * 10, 1000, 10_000, earned_at, None)
            for name, (points, left, earned_at) in self.lots.items()
        ]
        if isinstance(message, ClawBack):
            key = document_key("seed", message.original_id)
            purchase = self.documents[TRANSACTIONS, key]
            own = next((lot for lot in lots if lot.id == purchase.get("lot_id")), None)
            others = tuple(lot for lot in lots if lot is not own and lot.remaining)
            return RefundFacts(key, purchase, own, others)
        if isinstance(message, HoldPoints | MovePoints):
            hold = self.documents.get((HOLDS, message.withdrawal_id), {})
            taken_from = {name for name, _ in hold.get("parts", ())}
            if taken_from:  # they come back, if anything
                return HoldFacts(hold, tuple(lot for lot in lots if lot.id in taken_from))
            return HoldFacts(hold, tuple(lot for lot in lots if lot.remaining))
        return None

    def _apply(self, found: Decision[Any]) -> None:
        for lot in found.lots:
            self.lots[lot.id] = (lot.points, 0, lot.earned_at)
        for transfer in found.transfers:
            self._post(transfer)
        for put in found.documents:
            self.documents.setdefault((put.collection, put.key), {}).update(put.fields)
        for out in found.messages:
            if out.due_at is not None:
                continue
            if out.target == Address("wallet", ME):
                assert not isinstance(self.to_wallet(out.message), Refusal)
            elif out.target.kind == "withdrawal":
                assert not isinstance(self.to_withdrawal(out.message, out.target.key), Refusal)
            else:
                self.sent.append(out.message)

    def _post(self, transfer: Transfer) -> None:
        """As the database's trigger does (storage/migrations), by adding up."""
        assert transfer.points > 0
        self.accounts[transfer.debit] -= transfer.points
        self.accounts[transfer.credit] += transfer.points
        if transfer.lot is not None:
            mine = (f"available:{ME}", f"pending:{ME}")
            change = transfer.points * ((transfer.credit in mine) - (transfer.debit in mine))
            points, left, earned_at = self.lots[transfer.lot]
            self.lots[transfer.lot] = (points, left + change, earned_at)
            assert 0 <= left + change <= points, "a lot beyond its points"
        told = [self.accounts[f"{book}:{ME}"] for book in ("available", "pending", "blocked")]
        assert min(told) >= 0, "a balance below zero"
        assert self.accounts[f"shortfall:{ME}"] <= 0
        assert transfer.after == (*told, -self.accounts[f"shortfall:{ME}"]), "says what is so"

    def check(self) -> None:
        """Nothing is lost, nothing is made: zero in all, and lots hold what is available."""
        assert sum(self.accounts.values()) == 0
        left = sum(left for _points, left, _earned_at in self.lots.values())
        assert left == self.accounts[f"available:{ME}"] + self.accounts[f"pending:{ME}"]
        w = self.wallet
        told = (w.available, w.pending, w.blocked, -w.shortfall)
        books = ("available", "pending", "blocked", "shortfall")
        assert told == tuple(self.accounts[f"{book}:{ME}"] for book in books)

    def place(self, name: str = NAME) -> str:
        """Where the points of a withdrawal are."""
        return str(self.documents.get((HOLDS, name), {}).get("place", AVAILABLE))
