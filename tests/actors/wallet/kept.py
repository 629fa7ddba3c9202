"""One wallet's machine over books kept in memory, with the database's rules, for long sequences.

The machine's own look-ups (reading.py) read what is here, so what is played is what the daemon does, without
tasks. Timers fire as one of three daemons would fire them: on time, late, or in the order in which they were
set, as after a restart.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, cast

import msgspec

from comptoir.actors.programme import PROGRAMME, Programme
from comptoir.actors.wallet.machine import MACHINE
from comptoir.actors.wallet.reading import wallet_spec
from comptoir.actors.wallet.state import ExpiryAnnounced, Phase, WalletState
from comptoir.engine import Address, Decision, Event, Message, Refusal, Transfer
from comptoir.engine.journal import Ending, Journal, Lot
from comptoir.engine.machine import Context
from comptoir.engine.spec import Bounds

USER = "u1"
ME = Address("wallet", USER)
LOOKUPS = wallet_spec(Bounds(), lambda _decided: None).lookups
NOT_NEGATIVE = ("available", "pending", "blocked")
KINDS = ("credit", "release", "clawback", "expiry", "hold", "hold_released", "payout", "adjustment")


class Tables:
    """What is durable of the wallet, as its look-ups read it."""

    def __init__(self) -> None:
        self.rows: dict[str, Lot] = {}
        self.kept: dict[tuple[str, str], dict[str, Any]] = {}

    def opened(self) -> list[Lot]:
        """Open lots, oldest first."""
        found = [lot for lot in self.rows.values() if lot.remaining]
        return sorted(found, key=lambda lot: (lot.earned_at, lot.id))

    async def lots(
        self,
        _owner: str,
        *,
        lot: str | None = None,
        tag: str | None = None,
        open_only: bool = False,
        limit: int = 1000,
    ) -> list[Lot]:
        """As `engine.journal.Journal.lots`."""
        assert tag is None, "every refund names its purchase"
        if lot is not None:
            return [self.rows[lot]] if lot in self.rows else []
        assert open_only
        return self.opened()[:limit]

    async def lots_named(self, _owner: str, names: Sequence[str]) -> list[Lot]:
        """As in the journal."""
        return [self.rows[name] for name in names]

    async def lots_by_end(self, _owner: str, limit: int) -> list[Lot]:
        """As in the journal."""
        found = [lot for lot in self.opened() if lot.expires_at is not None]
        return sorted(found, key=lambda lot: lot.expires_at or 0)[:limit]

    async def lots_ending(self, _owner: str, limit: int) -> list[Ending]:
        """As in the journal."""
        return [Ending(at, points) for at, points in self.endings().items()][:limit]

    def endings(self) -> dict[int, int]:
        """How many points end when, the first first."""
        ends: dict[int, int] = {}
        for lot in self.rows.values():
            if lot.remaining and lot.expires_at is not None:
                ends[lot.expires_at] = ends.get(lot.expires_at, 0) + lot.remaining
        return dict(sorted(ends.items()))

    async def documents(self, collection: str, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """As in the journal."""
        found = ((key, self.kept.get((collection, key))) for key in keys)
        return {key: dict(one) for key, one in found if one is not None}


def _read(looking: Coroutine[Any, Any, Any]) -> Any:
    """What a look-up finds that waits for nothing."""
    try:
        looking.send(None)
    except StopIteration as found:
        return found.value
    raise AssertionError("a look-up waits for something")


class Kept:
    """The wallet, and what is due."""

    def __init__(self, programme: Programme, now: int, order: str) -> None:
        """`order`: how timers come that are due at once: `on_time`, `late`, or `restart`."""
        self.programme, self.now, self.order = programme, now, order
        self.state = WalletState(Phase.NEW)
        self.version = 0
        self.tables = Tables()
        self.accounts: dict[str, int] = {}
        self.timers: dict[str, tuple[int, int, Message]] = {}
        self.serial = 0
        self.announced: list[tuple[int, ExpiryAnnounced]] = []
        self.heard: Callable[[Event], None] = lambda _event: None
        self.moved: dict[str, int] = {}
        """Points by kind of transfer: what a run has done."""

    def tell(self, message: Message) -> Refusal | None:
        """Decide, make it durable, and have done whatever is due now."""
        refused = self._decide(message)
        self.pass_time(self.now)
        return refused

    def _decide(self, message: Message) -> Refusal | None:
        looked_up = LOOKUPS.get(type(message))
        facts = None
        if looked_up is not None:
            reading = looked_up(cast("Journal", self.tables), ME, message)
            facts = _read(cast("Coroutine[Any, Any, Any]", reading))
        context = Context(ME, self.now, self.version, {PROGRAMME: self.programme}, facts)
        found = MACHINE.decide(self.state, message, context)
        if isinstance(found, Refusal):
            return found
        self._apply(found)
        return None

    def pass_time(self, until: int) -> None:
        """Fire what falls due, in the order of this daemon."""
        while due := [
            (at, number, name) for name, (at, number, _) in self.timers.items() if at <= until
        ]:
            at, _, name = min(due) if self.order != "restart" else min(due, key=lambda one: one[1])
            self.now = max(self.now, at) if self.order == "on_time" else until
            self._decide(self.timers.pop(name)[2])
        self.now = until

    def _apply(self, found: Decision[WalletState]) -> None:
        self.version += found.state is not self.state
        self.state = found.state
        for one in found.lots:
            assert one.id not in self.tables.rows
            self.tables.rows[one.id] = Lot(
                one.id, one.owner, one.source, one.tag, one.points, 0, one.basis_cents, one.rate_bp,
                one.multiplier_bp, one.earned_at, one.expires_at,
            )  # fmt: skip
        for transfer in found.transfers:
            self._post(transfer)
        for put in found.documents:
            self.tables.kept.setdefault((put.collection, put.key), {}).update(put.fields)
        for event in found.events:
            self.heard(event)
            if isinstance(event, ExpiryAnnounced):
                self.announced.append((self.now, event))
        for out in found.messages:
            if out.target != ME:
                continue
            self.serial += 1
            due = self.now if out.due_at is None else out.due_at
            self.timers[out.name or f"now:{self.serial}"] = (due, self.serial, out.message)

    def _post(self, x: Transfer) -> None:
        assert x.points > 0
        assert x.kind in KINDS
        self.moved[x.kind] = self.moved.get(x.kind, 0) + x.points
        for account, points in ((x.debit, -x.points), (x.credit, x.points)):
            self.accounts[account] = after = self.accounts.get(account, 0) + points
            book = account.partition(":")[0]
            assert book not in NOT_NEGATIVE or after >= 0, f"{book} below zero"
            assert book != "shortfall" or after <= 0, "more is owed to the wallet than it owes"
        assert self.books() == x.after, "the transfer says what is so after it"
        if x.lot is not None:
            lot = self.tables.rows[x.lot]
            own = (f"available:{USER}", f"pending:{USER}")
            left = lot.remaining + x.points * ((x.credit in own) - (x.debit in own))
            assert 0 <= left <= lot.points, "a lot gives what it has"
            self.tables.rows[x.lot] = msgspec.structs.replace(lot, remaining=left)

    def books(self) -> tuple[int, int, int, int]:
        """Available, pending, blocked, owed, as the accounts have it."""
        one = self.accounts
        return (
            one.get(f"available:{USER}", 0), one.get(f"pending:{USER}", 0),
            one.get(f"blocked:{USER}", 0), -one.get(f"shortfall:{USER}", 0),
        )  # fmt: skip

    def check(self) -> None:
        """The ledger is whole: zero in all, the state is what the books say, and the lots sum to it."""
        s = self.state
        assert sum(self.accounts.values()) == 0
        assert self.books() == (s.available, s.pending, s.blocked, s.shortfall)
        assert sum(lot.remaining for lot in self.tables.rows.values()) == s.available + s.pending
