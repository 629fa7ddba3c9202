"""The load of the kill test: a bank that sends signed webhooks and writes down what it was answered.

A program of its own, of the standard library alone, that shares no line with the daemon: what it
knows of webhooks it has from interface.md 6. It is started with a plan (JSON, below), sends from
several keep-alive connections until its standard input ends, settles what is open, prints its
counts as one line of JSON, and leaves its notes, from which oracle.py computes what must have been
credited.

Rules:
- a note is in the file before anything is counted or sent on: first what a webhook is, then the
  outcome of each attempt, in the order in which they happened;
- a webhook that was not acknowledged is sent again until it is, as by a provider that redelivers;
  a part of them is not, and stays unknown for ever;
- who sends what is a function of the seed; only the timing is chance.

The file of addresses holds the daemon's listeners; the workers are shared out among them.

Plan: `{"address": FILE, "notes": FILE, "secret", "seed", "rate": webhooks a second, "workers",
"connections": [[connection_id, user_id]], "partners": [[name, rate_bp, cap_cents or null]]}`.
Source: issue 2, "Must show", second line; interface.md 6; spec.md S54, S56, X16, X24.
"""

import hashlib
import hmac
import http.client
import json
import random
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ANSWER_SECONDS_MAX = 15.0
"""A daemon is stopped and continued in the test; longer than this no pause lasts."""
SETTLE_SECONDS_MAX = 60.0
"""From the end of the input until whatever is open must be acknowledged."""
PAUSE_SECONDS = (0.03, 0.15)
"""Between two attempts of one webhook."""
ANONYMOUS_CENTS = 1_000_000
"""Purchases from here on have amounts of their own, so that an anonymous refund can only be theirs."""
LABELS = ("{0}", "CB {0} 0412", "PAIEMENT CB 2311 {1}", "{1} LYON 69", "CARTE X1234 23/11 {1}")
STRANGERS = ("XYZZY QUARTIER 12", "VIR SEPA LOYER", "QWERTZ ET FILS", "*** 0000 ***")
"""Labels of nobody's."""


@dataclass(frozen=True)
class Webhook:
    """One webhook, in one of the bodies that are sent under its id."""

    id: str
    connection: str
    user: str
    amount_cents: int
    label: str
    rate_bp: int = 0
    cap_cents: int | None = None
    variant: int = 0
    """Bodies of one id differ by it."""
    refunds: str = ""
    """On a refund: the id of its purchase."""
    named: bool = True
    """Whether a refund names its purchase."""
    currency: str = "EUR"
    resend: bool = True

    def body(self) -> bytes:
        """The body; the amount is written as text, never through a float."""
        data: dict[str, Any] = {
            "transaction_id": self.id,
            "connection_id": self.connection,
            "account_id": "acc-1",
            "amount": "@",
            "currency": self.currency,
            "direction": "CREDIT" if self.refunds else "DEBIT",
            "date": "2026-11-20",
            "merchant": {"name": self.label, "city": "LYON", "country": "FR"},
        }
        if self.refunds and self.named:
            data["original_transaction_id"] = self.refunds
        amount = f"{self.amount_cents // 100}.{self.amount_cents % 100:02d}"
        text = json.dumps({"event": "transaction.created", "data": data})
        return text.replace('"@"', amount).encode()

    def note(self) -> dict[str, object]:
        """What the oracle must know of it."""
        points = self.rate_bp if self.currency == "EUR" else 0
        return {
            "id": self.id,
            "variant": self.variant,
            "user": self.user,
            "amount": self.amount_cents,
            "rate": points,
            "cap": self.cap_cents,
            "refunds": self.refunds,
        }


class Notes:
    """The append-only file, shared by all workers."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="ascii")
        self._lock = threading.Lock()
        self.counts: Counter[str] = Counter()

    def sending(self, webhook: Webhook) -> None:
        """Note what a webhook is before its first byte leaves; for a copy again, which is no harm."""
        with self._lock:
            self._write(webhook.note())

    def outcome(self, webhook: Webhook, outcome: str, ms: float) -> None:
        """Note how an attempt ended, and after how long."""
        note = {"id": webhook.id, "variant": webhook.variant, "outcome": outcome}
        with self._lock:
            self._write(note | {"ms": round(ms, 1)})
            self.counts[outcome] += 1

    def _write(self, value: object) -> None:
        self._file.write(json.dumps(value) + "\n")
        self._file.flush()


class Sender:
    """One keep-alive connection, made again to wherever the daemon is now."""

    def __init__(self, address: Path, secret: bytes, number: int, rng: random.Random) -> None:
        self._address = address
        self._number = number
        self._secret = secret
        self._rng = rng
        self._connection: http.client.HTTPConnection | None = None

    def attempt(self, webhook: Webhook) -> str:
        """Send once.

        Returns:
            `202 accepted`, `202 parked`, `200 duplicate`, any other status with its code;
            `unreached` when no byte left; `lost` or `left` (we hung up) when nobody knows.
        """
        try:
            connection = self._connection = self._connection or self._connect()
        except OSError:
            return "unreached"
        body = webhook.body()
        try:
            connection.request("POST", "/webhooks/banking", body, self._headers(body))
            if self._rng.random() < 0.01:
                self.hang_up()
                return "left"
            answer = connection.getresponse()
            said = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            self.hang_up()
            return "lost"
        if answer.status == 503:  # this daemon is ending, waiting or cut off: look for another
            self.hang_up()
        return f"{answer.status} {said.get('code') or said.get('status')}"

    def _connect(self) -> http.client.HTTPConnection:
        addresses = self._address.read_text().split()
        address = addresses[self._number % len(addresses)]
        host, _, port = address.rpartition("//")[2].partition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=ANSWER_SECONDS_MAX)
        connection.connect()
        return connection

    def _headers(self, body: bytes) -> dict[str, str]:
        at = str(time.time_ns() // 1_000_000)
        made = hmac.new(self._secret, at.encode() + b"." + body, hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/json",
            "X-Webhook-Timestamp": at,
            "X-Webhook-Signature": made,
        }

    def hang_up(self) -> None:
        """Close the connection; the next attempt makes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Imagination:
    """What one worker sends, as stories: lists of webhooks in order. A function of the seed."""

    def __init__(self, plan: dict[str, Any], number: int) -> None:
        self.rng = random.Random(f"{plan['seed']}/{number}")
        self._plan = plan
        self._name = f"w{number}"
        self._number = number
        self._serial = 0

    def story(self) -> Iterator[tuple[Webhook, bool]]:
        """One story; with each webhook whether others should send copies of it at the same time."""
        rng = self.rng
        purchase = self._purchase(rng.randint(1, 40_000))
        kind = rng.choices(
            ["plain", "refund", "parts", "early", "anonymous", "bodies", "nothing"],
            [50, 8, 10, 8, 8, 10, 6],
        )[0]
        if kind == "nothing":
            strange = replace(purchase, label=rng.choice(STRANGERS), rate_bp=0)
            yield rng.choice([strange, replace(purchase, currency="USD")]), True
        elif kind == "bodies":
            yield purchase, True
            yield from self._other_bodies(purchase)
        elif kind == "anonymous":
            self._serial += 1
            amount = ANONYMOUS_CENTS + self._serial * int(self._plan["workers"]) + self._number
            purchase = replace(purchase, amount_cents=amount)
            pair = [purchase, self._refund(purchase, amount, named=False)]
            rng.shuffle(pair)
            yield from ((webhook, False) for webhook in pair)
        else:
            yield from self._refunded(kind, purchase)

    def _refunded(self, kind: str, purchase: Webhook) -> Iterator[tuple[Webhook, bool]]:
        amount = purchase.amount_cents
        refunds: list[Webhook] = []
        if kind in {"refund", "early"}:
            refunds = [self._refund(purchase, amount)]
        elif kind == "parts":
            most = max(1, amount // 2)
            parts = range(self.rng.randint(1, 3))
            refunds = [self._refund(purchase, self.rng.randint(1, most)) for _ in parts]
        told = [*refunds, purchase] if kind == "early" else [purchase, *refunds]
        yield from ((webhook, self.rng.random() < 0.15) for webhook in told)

    def _other_bodies(self, purchase: Webhook) -> Iterator[tuple[Webhook, bool]]:
        """The same id with another amount, another connection."""
        connection, user = self.rng.choice(self._plan["connections"])
        yield replace(purchase, variant=1, amount_cents=purchase.amount_cents + 700), True
        yield replace(purchase, variant=2, connection=connection, user=user), False

    def _purchase(self, amount_cents: int) -> Webhook:
        rng = self.rng
        self._serial += 1
        connections = self._plan["connections"]
        # A few connections are hot: their mailboxes hold several messages at a time. The last ones
        # get their share too, because they may not be known yet.
        place = int(rng.triangular(0, len(connections), 0))
        place = -rng.randint(1, 20) if rng.random() < 0.06 else min(place, len(connections) - 1)
        connection, user = connections[place]
        name, rate_bp, cap = rng.choice(self._plan["partners"])
        label = rng.choice(LABELS).format(name, str(name).upper())
        return Webhook(
            id=f"{self._name}-{self._serial}",
            connection=connection,
            user=user,
            amount_cents=amount_cents,
            label=label,
            rate_bp=rate_bp,
            cap_cents=cap,
            resend=rng.random() > 0.1,
        )

    def _refund(self, purchase: Webhook, amount_cents: int, *, named: bool = True) -> Webhook:
        self._serial += 1
        return replace(
            purchase,
            id=f"{self._name}-{self._serial}r",
            amount_cents=amount_cents,
            refunds=purchase.id,
            named=named,
            resend=self.rng.random() > 0.1,
        )


class Worker(threading.Thread):
    """Tells stories at a pace until the end, and helps others to send copies."""

    def __init__(
        self, plan: dict[str, Any], number: int, notes: Notes, copies: deque[Webhook]
    ) -> None:
        super().__init__(name=f"worker {number}", daemon=True)
        self._imagination = Imagination(plan, number)
        self._chance = random.Random()  # timing only: nothing that is sent depends on it
        self._sender = Sender(Path(plan["address"]), plan["secret"].encode(), number, self._chance)
        self._seconds = float(plan["workers"]) / float(plan["rate"])
        self._notes = notes
        self._copies = copies
        self.give_up_at: float | None = None
        """Set at the end: no more stories, and what is open must be settled by then."""

    def run(self) -> None:
        """Send until told to end."""
        due = time.monotonic()
        while self.give_up_at is None:
            for webhook, copied in self._imagination.story():
                if copied:
                    self._copies.append(webhook)
                self._deliver(webhook)
                if self._copies and self._chance.random() < 0.7:
                    self._help()
            due = max(due + self._chance.expovariate(1 / self._seconds), time.monotonic() - 0.5)
            time.sleep(max(0.0, due - time.monotonic()))

    def _help(self) -> None:
        try:
            self._deliver(self._copies.popleft())
        except IndexError:
            return

    def _deliver(self, webhook: Webhook) -> None:
        self._notes.sending(webhook)
        while True:
            began = time.monotonic()
            outcome = self._sender.attempt(webhook)
            self._notes.outcome(webhook, outcome, (time.monotonic() - began) * 1000)
            if outcome.startswith("20") or not webhook.resend:
                return
            if self.give_up_at is not None and time.monotonic() > self.give_up_at:
                return
            time.sleep(self._chance.uniform(*PAUSE_SECONDS))


def main() -> None:
    """Send until standard input ends, then settle and count."""
    plan = json.loads(Path(sys.argv[1]).read_text())
    notes = Notes(Path(plan["notes"]))
    copies: deque[Webhook] = deque(maxlen=64)
    workers = [Worker(plan, number, notes, copies) for number in range(int(plan["workers"]))]
    for worker in workers:
        worker.start()
    sys.stdin.read()
    for worker in workers:
        worker.give_up_at = time.monotonic() + SETTLE_SECONDS_MAX
    for worker in workers:
        worker.join()
    sys.stdout.write(json.dumps(notes.counts) + "\n")


if __name__ == "__main__":
    main()
