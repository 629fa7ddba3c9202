"""Draws sequences of journal operations, each from a seed alone.

The rule: everything that the contract of a journal speaks of is drawn often, right and wrong, on few
actors, names, keys and lots, so that decisions meet. Each sequence switches some features off: all of
them at once hide each other. Most are short: what differs, differs within a few operations, and what a
short one cannot come to (a month of keys, many rows of one actor) the long ones do.

Plain `random` rather than hypothesis: a sequence costs 2 ms to make, thousands are played in a test,
and a plan without the choices of a journal shrinks by leaving parts out.
Source: issue 3, deliver 5; engine/journal.py.
"""

import random
from collections.abc import Callable, Iterator
from typing import Any, Final

from comptoir.engine.decision import Attempt, DeadLetter, LotOpened, Once, Outgoing, Put, Transfer
from comptoir.engine.letters import ID_MAX, LetterFilter
from comptoir.engine.values import Address
from comptoir.storage.journal_testing import NOW, Noted, Remind, Written, page
from comptoir.storage.poison_testing import poison
from comptoir.storage.sequence_testing import (
    DecisionPlan,
    Expire,
    Operation,
    Purge,
    Read,
    Replay,
    Restart,
    RunPlan,
    Sequence,
    Setting,
    Submit,
    TakeOver,
)

__all__ = ["make_sequence"]

OWNERS: Final = ("ann", "bob")
GATEWAY: Final = Address("push", "push")
ADDRESSES: Final = (
    Address("wallet", "ann"), Address("wallet", "bob"), Address("connection", "x"), GATEWAY,
)  # fmt: skip
NAMES: Final = ("t", "u")
KEYS: Final = ("k1", "k2", "k3")
DOCUMENTS: Final = ("d", "é", "B")
LIMITS: Final = (1, 3, 100)
BATCHES: Final = (1, 2, 7, 256)
FEATURES: Final = (
    "events", "messages", "later", "named", "parked", "cancel", "release", "once", "consume", "dead",
    "documents", "ledger", "poison", "stale", "skips", "many", "along",
)  # fmt: skip
DAY: Final = 86_400_000
LONG: Final = (8, 25)
SHORT: Final = (2, 7)
"""Operations, at least and at most."""


class _Maker:
    """Draws from one seed."""

    def __init__(self, seed: int, *, long: bool) -> None:
        self.long = long
        self.random = random.Random(seed)  # noqa: S311 - it is to be repeatable
        self.now = NOW
        self.on = {name for name in FEATURES if self.chance(0.7)}
        self.serial = 0
        self.lots: list[tuple[str, str, int]] = []
        """Of those planned so far: id, owner, points."""
        self.purged = NOW

    def chance(self, share: float) -> bool:
        """True so often."""
        return self.random.random() < share

    def draw_serial(self, prefix: str) -> str:
        """A text that was not there before."""
        self.serial += 1
        return f"{prefix}{self.serial}"

    def pass_time(self) -> None:
        """Business time goes on: often not at all, mostly a little, sometimes for days."""
        self.now += self.random.choice((0, 0, 1, 5, 50, 1000, DAY, 20 * DAY))

    def draw_operation(self) -> Operation:
        """The next thing that is asked of the journal."""
        self.pass_time()
        kind = self.random.choices(
            ("submit", "read", "replay", "purge", "expire", "setting", "restart", "takeover"),
            (60, 24, 5, 4, 2, 2, 3, 2),
        )[0]
        if kind == "read":
            return self.draw_read()
        if kind == "replay":
            return Replay(
                tuple(self.random.choices(range(9), k=self.random.randint(1, 3))), self.now
            )
        if kind == "purge":
            return Purge(self.now)
        if kind == "expire":
            kept = ("dlq:points",) if self.chance(0.5) else ()
            return Expire(self.now - self.random.choice((0, 0, 1000)), kept)
        if kind == "setting":
            return Setting(self.draw_serial("s"))
        if kind == "restart":
            return Restart()
        if kind == "takeover":
            runs = tuple(self.draw_run(superseded=True) for _ in range(self.random.randint(1, 2)))
            return TakeOver(runs, self.now, self.random.randrange(5))
        return self.draw_submit()

    def draw_submit(self) -> Submit:
        """One run, a few, or many."""
        sizes = (1, 1, 2, 4, 9) if "many" in self.on else (1, 1, 2)
        runs = tuple(self.draw_run() for _ in range(self.random.choice(sizes)))
        lose = self.random.choice(("answer", "request")) if self.chance(0.012) else ""
        return Submit(runs, lose)

    def draw_run(self, *, superseded: bool = False) -> RunPlan:
        """A run of one to four decisions; one for a superseded journal can fail for nothing else."""
        address = self.random.choice(ADDRESSES)
        count = self.random.choice((1, 1, 1, 2, 3, 4))
        stateless = address == GATEWAY or self.chance(0.1)
        decisions = tuple(
            self.draw_decision(superseded=superseded) for _ in range(count)
        )  # fmt: skip
        if superseded or "stale" not in self.on:
            return RunPlan(address, decisions, stateless)
        skew = self.random.choice((-1, 1, 2)) if self.chance(0.05) else 0
        return RunPlan(address, decisions, stateless, tentative=self.chance(0.9), skew=skew)

    def draw_decision(self, *, superseded: bool) -> DecisionPlan:
        """What one message changes."""
        fields: dict[str, Any] = {}
        for name, share, make in (
            ("events", 0.3, self.draw_events),
            ("messages", 0.4, self.draw_messages),
            ("cancel", 0.12, self.draw_cancel),
            ("release", 0.1, self.draw_release),
            ("documents", 0.25, self.draw_documents),
            ("ledger", 0.3, self.draw_ledger),
            ("dead", 0.08, self.draw_dead),
        ):
            if name in self.on and self.chance(share):
                fields.update(make())
        consumed = None
        message = Remind(self.draw_serial("asked")) if self.chance(0.5) else None
        labels = {name for name, value in fields.items() if value}
        if not superseded:
            if "once" in self.on and self.chance(0.25):
                fields.update(self.draw_once())
                labels.add("once")
            if "consume" in self.on and self.chance(0.35):
                consumed = self.random.randrange(60)
                labels.add("consumed")
            if "poison" in self.on and self.chance(0.1):
                labels.add(f"bad {poison(self.random, fields)}")
        state = None
        if not self.chance(0.35):
            state = page(self.draw_serial("p"))
            labels.add("state")
            if "poison" in self.on and not superseded and self.chance(0.02):
                state = page("\ud800")
                labels.add("bad state")
        at = self.now + (self.random.choice((0, 1, 10)) if "skips" in self.on else 0)
        sends = takes = False
        if "along" in self.on and not superseded:
            sends, takes = self.chance(0.5), self.chance(0.4)
        return DecisionPlan(
            at, fields, state, consumed, message, frozenset(labels or {"nothing"}), sends, takes
        )

    def draw_events(self) -> dict[str, Any]:
        """One or two."""
        texts = [self.draw_serial("e") for _ in range(self.random.randint(1, 2))]
        return {"events": tuple(Noted(text) for text in texts)}

    def draw_messages(self) -> dict[str, Any]:
        """One to three: now, later, named, parked, on behalf of another, tried before."""
        return {"messages": tuple(self.draw_message() for _ in range(self.random.randint(1, 3)))}

    def draw_message(self) -> Outgoing:
        """One of them."""
        due = None
        if "later" in self.on and self.chance(0.5):
            due = self.now + self.random.choice((-5, 0, 1, 20, 1000, 2 * DAY))
        tried = (Attempt(self.now - 1, "started"), Attempt(self.now, "TIMEOUT"))
        return Outgoing(
            self.random.choice(ADDRESSES),
            Remind(self.draw_serial("m")),
            due,
            self.random.choice(NAMES) if "named" in self.on and self.chance(0.4) else None,
            "parked" in self.on and self.chance(0.3),
            tried[: self.random.randint(0, 2)] if self.chance(0.2) else (),
            self.random.choice(ADDRESSES) if self.chance(0.1) else None,
        )

    def draw_cancel(self) -> dict[str, Any]:
        """Timers of its own."""
        return {"cancel": tuple(self.random.sample(NAMES, self.random.randint(1, 2)))}

    def draw_release(self) -> dict[str, Any]:
        """What is parked for it."""
        return {"release": True}

    def draw_once(self) -> dict[str, Any]:
        """One key of few, that lives shortly or long; sometimes two keys."""
        keys = self.random.sample(KEYS, 2 if self.chance(0.15) else 1)
        ttl = self.random.choice((0, 1, 10, 1000, 3 * DAY, 90 * DAY))
        reply = Written(self.draw_serial("r")) if self.chance(0.7) else None
        return {"once": tuple(Once("webhook", key, ttl) for key in keys), "reply": reply}

    def draw_dead(self) -> dict[str, Any]:
        """The message that is handled becomes a dead letter."""
        queue = self.random.choice(("dlq:points", "dlq:notifications"))
        return {"dead_letter": DeadLetter(queue, "CRASHED", self.draw_serial("why"))}

    def draw_documents(self) -> dict[str, Any]:
        """Fields of one to three documents."""
        return {"documents": tuple(self.draw_put() for _ in range(self.random.randint(1, 3)))}

    def draw_put(self) -> Put:
        """Some fields of one of them."""
        values: tuple[Any, ...] = (
            1, "two", None, {"deep": [1]}, [], True, 2.5, "ü\\u0000", (1 << 64) - 1,
        )  # fmt: skip
        names = self.random.sample(("x", "y", "z"), self.random.randint(0, 2))
        fields = {name: self.random.choice(values) for name in names}
        owner = self.random.choice(("", "", *OWNERS))
        return Put("sample", self.random.choice(DOCUMENTS), fields, owner)

    def draw_ledger(self) -> dict[str, Any]:
        """A credit that opens a lot, or a movement that may or may not be covered."""
        owner = self.random.choice(OWNERS)
        if not self.lots or self.chance(0.45):
            return self.draw_credit(owner)
        return {
            "transfers": tuple(
                self.draw_transfer(self.random.choice(OWNERS) if self.chance(0.2) else owner)
                for _ in range(self.random.choice((1, 1, 2)))
            )
        }

    def draw_credit(self, owner: str) -> dict[str, Any]:
        """A new lot and its points; rarely one that is there, or less than its points."""
        points = self.random.choice((10, 20, 50))
        lot = self.draw_serial("l")
        if self.lots and self.chance(0.06):
            lot = self.random.choice(self.lots)[0]
        self.lots.append((lot, owner, points))
        given = points + self.random.choice((-5, 0, 0, 0, 0, 0, 0, 1))
        book = self.random.choice(("available", "available", "pending"))
        opened = LotOpened(
            lot, owner, self.random.choice(("tx1", "tx2")), self.random.choice(("tag1", "tag2")),
            points, points * 100, 100, 10_000, self.now + self.random.choice((-7, 0, 0, 3)),
            self.now + DAY if self.chance(0.3) else None,
        )  # fmt: skip
        paid = Transfer("issued:", f"{book}:{owner}", given, "credit", owner, (given, 0, 0, 0), lot,
                        self.draw_serial("tx"))  # fmt: skip
        return {"lots": (opened,), "transfers": (paid,)}

    def draw_transfer(self, owner: str) -> Transfer:
        """A movement of points of a lot that was planned."""
        lots = [lot for lot in self.lots if lot[1] == owner or self.chance(0.1)]
        lot, _, whole = self.random.choice(lots or self.lots)
        points = self.random.choice((1, 5, 10, whole, whole, whole + 1))
        debit, credit, kind = self.random.choice(
            (
                ("available", "paid", "payout"),
                ("available", "blocked", "hold"),
                ("blocked", "available", "hold_released"),
                ("pending", "available", "release"),
                ("available", "issued", "clawback"),
                ("available", "expired", "expiry"),
                ("shortfall", "issued", "clawback"),
                ("available", "shortfall", "adjustment"),
                ("issued", "available", "credit"),
            )
        )
        named = None if self.chance(0.2) else lot
        if self.chance(0.03):
            named = self.random.choice(("nowhere", f"l{self.serial + 2}"))
        after = (self.random.randint(0, 99), 0, 1, 2)
        first, second = (
            f"{x}:{'' if x in ('issued', 'paid', 'expired') else owner}" for x in (debit, credit)
        )
        withdrawal = "wd_1" if kind == "payout" else None
        serial = self.draw_serial("tx")
        return Transfer(first, second, points, kind, owner, after, named, serial, withdrawal)

    def draw_read(self, name: str = "") -> Read:
        """A read of the contract, with arguments that find something, mostly."""
        draw = self.random.choice
        now, limit = self.now + draw((0, 0, 10, 1000)), draw(LIMITS)
        owner = draw(OWNERS)
        reads = {
            "load": lambda: Read("load", (draw((*ADDRESSES, Address("wallet", "none"))),)),
            "pending": lambda: Read("pending", (draw(ADDRESSES), limit, now)),
            "backlog": lambda: Read("backlog", (now, limit)),
            "due_timers": lambda: Read("due_timers", (now + DAY, draw((0, now)), limit)),
            "next_due": lambda: Read("next_due", (draw((now, NOW, now + 99 * DAY)),)),
            "count_pending": lambda: Read("count_pending", (now,)),
            "lots": lambda: Read("lots", (owner,), self.draw_lot_options()),
            "entries": lambda: Read("entries", (owner, draw((None, 0, 1, 5)), limit)),
            "documents": lambda: Read("documents", ("sample", ["d", draw(DOCUMENTS), "none"])),
            "scan": lambda: Read(
                "scan",
                (draw(("sample", "sample", "none")), draw(("", "B", "d")), limit),
            ),
            "events": lambda: Read("events", (draw((0, 0, 1, 3, 50)), limit)),
            "dead_letters": lambda: Read("dead_letters", (draw((None, "dlq:points")), limit)),
            "count_dead_letters": lambda: Read("count_dead_letters"),
            "setting": lambda: Read("setting", ("name",)),
        }
        if not self.long:
            reads |= self.draw_late_reads(limit)
        return reads[name or draw(sorted(reads))]()

    def draw_late_reads(self, limit: int) -> dict[str, Callable[[], Read]]:
        """What a long sequence reads at its end alone."""
        draw, now = self.random.choice, self.now
        return {
            "parked": lambda: Read("parked", (draw(ADDRESSES), limit)),
            "letters": lambda: Read("letters", (self.draw_filter(), None, limit)),
            "letter_ids": lambda: Read("letter_ids", (self.draw_filter(), 0, ID_MAX, limit)),
            "sum_letters": lambda: Read("sum_letters", ("dlq:points", now)),
        }

    def draw_filter(self) -> LetterFilter:
        """By queue, by reason, by addressee, by age, or none of them."""
        draw = self.random.choice
        since, before = draw((None, None, self.now - 1)), draw((None, None, self.now))
        queue, code = draw(("", "dlq:points", "dlq:engine")), draw(("", "", "CRASHED"))
        return LetterFilter(queue, code, draw(("", "", "wallet")), since, before)

    def draw_lot_options(self) -> dict[str, Any]:
        """By id, by tag, or all; open ones or all."""
        options: dict[str, Any] = {"limit": self.random.choice(LIMITS)}
        if self.chance(0.3):
            options["lot"] = self.random.choice(("l1", "l2", "none"))
        if self.chance(0.3):
            options["tag"] = "tag1"
        if self.chance(0.5):
            options["open_only"] = True
        return options

    def finish(self) -> Iterator[Operation]:
        """What shows in the end whatever no read has shown: keys that are taken, parked rows."""
        self.now += 1
        asked = self.ask_for_keys()
        freed = self.free_parked()
        if not self.long:  # the tables show the rest, and what is sealed in them
            yield Submit((*asked, *freed))
            return
        yield Submit(asked)
        for address in ADDRESSES:
            yield Read("load", (address,))
            yield Read("parked", (address, 100))
        # Drawn last, so that a seed's operations are what they always were.
        yield Read("letters", (self.draw_filter(), None, 100))
        yield Read("letter_ids", (self.draw_filter(), 0, ID_MAX, 100))
        yield Read("sum_letters", ("dlq:points", self.now - 1))
        yield Submit(freed)
        for address in ADDRESSES:
            yield Read("pending", (address, 100, self.now))
        yield Read("due_timers", (self.now + 99 * DAY, 0, 100))

    def ask_for_keys(self) -> tuple[RunPlan, ...]:
        """Each key once more: whether it is taken."""
        asking = tuple(
            DecisionPlan(
                self.now,
                {"once": (Once("webhook", key, 1),)},
                None,
                None,
                None,
                frozenset({"once"}),
            )
            for key in KEYS
        )
        return tuple(RunPlan(GATEWAY, (plan,), stateless=True) for plan in asking)

    def free_parked(self) -> tuple[RunPlan, ...]:
        """Whatever is parked, for everybody."""
        free = DecisionPlan(self.now, {"release": True}, None, None, None, frozenset({"release"}))
        return tuple(RunPlan(address, (free,), stateless=True) for address in ADDRESSES)


def make_sequence(seed: int, *, long: bool) -> Sequence:
    """The sequence of a seed: some operations (8 to 25 in a long one), and what shows the end of it.

    A long one is what it was when all were long, so that a seed which showed something shows it still.
    """
    maker = _Maker(seed, long=long)
    batch = maker.random.choice(BATCHES)
    fewest, most = LONG if long else SHORT
    operations = [maker.draw_operation() for _ in range(maker.random.randint(fewest, most))]
    return Sequence(seed, batch, (*operations, *maker.finish()))
