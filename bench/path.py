"""What a webhook costs the interpreter, from the bytes of the wire to the answer: no socket, no database, no trio.

Batches of 32 webhooks take the one path in one process: cut and received as the ingest lane does, decided
by their connections and, along with them, by their wallets, folded and sealed, settled and answered. All
that is called is the daemon's own but for the journal, which keeps the runs for the fold. So two
interpreters, or two builds of the modules, can be compared where the daemon's sockets, its database and
the other programs of a machine would hide the difference. A third to a half of what a
webhook costs the daemon is in it.

Rule: the clock is the thread's own CPU, and the figure of a part is the least of its batches, which others
disturbed least. Source: docs/performance.md, "What bounds it". Run: `python -m bench.path [batches]`.
"""

import gc
import json
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final, cast

from bench.webhook_receive import NOW, SECRET, Port
from comptoir.actors.connection.kind import connection_spec
from comptoir.actors.connection.machine import ConnectionState, Phase
from comptoir.actors.merchants import Builder, Partner
from comptoir.actors.merchants.messages import CATALOGUE
from comptoir.actors.programme import PROGRAMME, Programme
from comptoir.actors.wallet.reading import wallet_spec
from comptoir.engine.actor import Actor
from comptoir.engine.along import Along
from comptoir.engine.delivery import Delivery
from comptoir.engine.envelope import Answer, Envelope
from comptoir.engine.journal import Decided, Fate, Journal, Pending, Run
from comptoir.engine.spec import ActorSpec, Bounds
from comptoir.engine.values import Address, Message
from comptoir.engine.waiter import Asker
from comptoir.http.answers import Response
from comptoir.http.framing import Framing
from comptoir.http.signatures import seed_signature
from comptoir.http.webhooks import Reception, WebhookRequest
from comptoir.storage.batch import Known, fold
from comptoir.storage.runs import Numbers, Part, Progress
from comptoir.storage.vault import Vault

BATCH, BATCHES, WARM = 32, 1_000, 50
USERS, PARTNERS = 1_000, 200
PARTS: Final = ("edge and decisions", "fold and seal", "settle and answer")


class _Kind:
    """All actors of one kind, in memory from their first message on."""

    def __init__(
        self, spec: ActorSpec[Any], born: Callable[[Address], Any], host: "_House"
    ) -> None:
        self._spec, self._born, self._host = spec, born, host
        self._there: dict[Address, Actor] = {}

    def at(self, address: Address) -> Actor:
        actor = self._there.get(address)
        if actor is None:
            actor = self._there[address] = Actor(address, self._spec, self._host)
            actor.state = self._born(address)
            actor.loaded = True
        return actor

    def take_along(self, row: Pending) -> bool:
        return self.at(row.target).take_along(row)


class _House(Port):
    """What actors and the edge need: a host, a journal that keeps what is submitted, and a port."""

    def __init__(self) -> None:
        super().__init__()
        builder = Builder(1)
        builder.add(
            [Partner(id=f"p{n}", name=f"Enseigne {n:03d}", rate_bp=500) for n in range(PARTNERS)]
        )
        self.references: dict[str, Any] = {PROGRAMME: Programme(), CATALOGUE: builder.build()}
        self.runs: list[Run] = []
        self.journal = cast("Journal", self)  # actors that are loaded call `submit` alone
        wallet = wallet_spec(Bounds(), _unmeasured)
        self._connections = _Kind(connection_spec(Bounds(), _unmeasured), _linked, self)
        kinds = {
            "connection": self._connections,
            "wallet": _Kind(wallet, lambda _: wallet.newborn, self),
        }
        self._along = Along(kinds, cast("Delivery", self))  # which calls `is_behind` alone

    # The journal.

    def submit(self, run: Run) -> None:
        self.runs.append(run)

    # The host of actors.

    @property
    def now(self) -> Callable[[], int]:
        return self.now_ms

    def settled(self, run: Run, fate: Fate) -> None:
        del run, fate

    def hand_along(self, run: Run) -> None:
        self._along.hand_along(run)

    def is_behind(self, target: Address, row: int) -> bool:
        del target, row
        return False

    def give_back(self, row: Pending) -> None:
        raise AssertionError(row)

    def forget(self, row: Pending) -> None:
        raise AssertionError(row)

    def crashed(self, address: Address, error: Exception) -> bool:
        raise AssertionError(address) from error

    # The port of the edge.

    def ask_for(self, asker: Asker[Answer], address: Address, message: Message) -> None:
        assert self._connections.at(address).offer(Envelope(message, asker, None)), "full"


def _unmeasured(decided: Decided) -> None:
    del decided


def _not_taken(digest: bytes, at: int) -> bytes | None:
    del digest, at
    return None


def _not_remembered(address: Address) -> int | None:
    del address
    return None


def _linked(address: Address) -> ConnectionState:
    return ConnectionState(Phase.LINKED, address.key, "user" + address.key, "seed")


def _wire(number: int) -> bytes:
    """One webhook as it comes, of a purchase that no other one has."""
    merchant = {"name": f"ENSEIGNE {number % PARTNERS:03d} PARIS", "mcc_code": "5812",
                "city": "PARIS", "country": "FR"}  # fmt: skip
    data = {"transaction_id": f"tx{number}", "connection_id": f"c{number % USERS}",
            "account_id": "acc_789", "amount": 100.0 + number % 50, "currency": "EUR",
            "direction": "DEBIT", "date": "2025-11-24", "merchant": merchant}  # fmt: skip
    event = "transaction.created"
    body = json.dumps(
        {"event": event, "timestamp": "2025-11-24T14:30:00.000Z", "data": data}
    ).encode()
    timestamp = str(NOW).encode()
    return b"\r\n".join([
        b"POST /webhooks/banking HTTP/1.1", b"host: 127.0.0.1:8080",
        b"content-type: application/json", b"content-length: %d" % len(body),
        b"x-webhook-timestamp: " + timestamp,
        b"x-webhook-signature: " + seed_signature(SECRET, timestamp, body).hex().encode(), b"", body,
    ])  # fmt: skip


class _Path:
    """Takes batches down the path, one after another."""

    def __init__(self) -> None:
        self._house = _House()
        self._reception = Reception(self._house)
        self._framing = Framing(65_536)
        self._numbers = Numbers(1)
        self._vault = Vault({"k1": SECRET})
        self._known = Known(_not_taken, _not_remembered)
        self._last_event = 0
        self._sent = 0

    def batch(self) -> tuple[float, ...]:
        """Microseconds of each part, for one webhook."""
        first, self._sent = self._sent, self._sent + BATCH
        wires = [_wire(number) for number in range(first, self._sent)]
        told: list[Response] = []
        moments = [time.thread_time_ns()]
        read: list[tuple[WebhookRequest, Callable[[Response], None]]] = []
        for wire in wires:
            self._framing.feed(wire)
            request = self._framing.next()
            assert request is not None, "whole"
            method, path, headers, body, _, _, too_large = request
            webhook = WebhookRequest(method, path, headers, body, "127.0.0.1", too_large)
            read.append((webhook, told.append))
        self._reception.take(read)
        assert not told, "taken"
        moments.append(time.thread_time_ns())
        coming = [Progress(run) for run in self._house.runs]
        self._house.runs.clear()
        parts = [Part(one, len(one.run.decided)) for one in coming]
        folded = fold(parts, self._numbers, self._last_event, self._vault, self._known)
        moments.append(time.thread_time_ns())
        for one, outcome in zip(coming, folded.outcomes, strict=True):
            one.run.settle(one.run, Fate(outcome.done, ()))
        moments.append(time.thread_time_ns())
        self._last_event = folded.last_event
        assert [answer.status for answer in told] == [202] * BATCH, told
        assert folded.decisions == 2 * BATCH, "each by its connection and by its wallet"
        return tuple((b - a) / BATCH / 1e3 for a, b in pairwise(moments))


def main() -> None:
    """Measure, and print a line for each part."""
    batches = int(sys.argv[1]) if len(sys.argv) > 1 else BATCHES
    path = _Path()
    for _ in range(WARM):
        path.batch()
    gc.freeze()
    figures = [path.batch() for _ in range(batches)]
    for name, part in zip(PARTS, zip(*figures, strict=True), strict=True):
        print(f"{name:20} {min(part):6.1f} us")
    print(f"{'a webhook':20} {min(map(sum, figures)):6.1f} us")


if __name__ == "__main__":
    main()
