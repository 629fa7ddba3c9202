"""What the contract tests share: a customer who knows the daemon from outside only.

Rule: everything here goes over a socket and is written from the public contract, never from the
daemon's own functions, so that it is a second opinion on them. Names are drawn anew for each
customer, because the tests of one module share a daemon.
Source: interface.md 1, 4, 6, 7, 10; spec.md S54 to S56.
"""

import json
import secrets
import socket
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

from comptoir.engine.asking_testing import ask
from comptoir.engine.testing import Answered, Process, sign_webhook

__all__ = ["DAY_S", "Card", "Customer", "eventually", "free_port", "purchase"]

DAY_S = 86_400
PATIENCE_S = 20.0
POLL_S = 0.02
POLL_S_MAX = 0.25
POLL_SHARE = 0.1
"""Asked again after a tenth of the time that was waited already: who asks costs the one who is asked."""
PORTS = range(10_000, 20_000)
"""Below those that the kernel gives to whoever asks for any, and those of the durability tests."""
BODY: Mapping[str, Any] = {
    "amount": 100,
    "currency": "EUR",
    "direction": "DEBIT",
    "date": "2026-11-20",
    "account_id": "acc_1",
}
MERCHANT: Mapping[str, Any] = {
    "name": "NOBODY KNOWS THIS SHOP",
    "mcc_code": "5812",
    "city": "Paris",
    "country": "FR",
}


def eventually(what: Callable[[], bool], seconds_max: float = PATIENCE_S) -> None:
    """Ask until it is so.

    Raises:
        AssertionError: it never was within the time.
    """
    began = time.monotonic()
    while not what():
        waited = time.monotonic() - began
        assert waited < seconds_max, f"not within {seconds_max} s"
        time.sleep(min(POLL_S_MAX, max(POLL_S, POLL_SHARE * waited)))


def free_port() -> int:
    """A port of loopback that nobody listens on now, nor will by chance.

    Not one that the kernel would give: whoever opens any connection before it is listened on might be
    given the same.
    """
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def purchase(transaction_id: str, connection_id: str, **fields: Any) -> dict[str, Any]:
    """A body of S56, with these fields of `data` instead; `merchant` is completed by ours."""
    merchant = {**MERCHANT, **fields.pop("merchant", {})}
    names = {"transaction_id": transaction_id, "connection_id": connection_id}
    data = {**names, **BODY, "merchant": merchant, **fields}
    return {"event": "transaction.created", "data": data}


@dataclass(frozen=True)
class Card:
    """A linked card: whose it is, and a partner's label that it may buy at."""

    user_id: str
    connection_id: str
    label: str
    partner_id: str


class Customer:
    """Speaks to one daemon under names that nobody else uses."""

    def __init__(self, process: Process, *, lane: bool = False) -> None:
        """Take the daemon as it is; webhooks go to the lane if told so."""
        self.process = process
        self.lane = lane
        self.mark = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(10))
        self._drawn = 0
        self._added_ms: int | None = None

    # Names and data.

    def name(self, kind: str) -> str:
        """A name that was never used before."""
        self._drawn += 1
        return f"{kind}_{self.mark}_{self._drawn}"

    def card(self, rate_bp: int = 500, **columns: str) -> Card:
        """Import a partner of its own and a linked card."""
        partner = self.partner(rate_bp, **columns)
        user, connection = self.name("user"), self.name("conn")
        self.link(connection, user)
        return Card(user, connection, f"SHOP{partner} PARIS", partner)

    def partner(self, rate_bp: int, **columns: str) -> str:
        """Import one partner named `SHOP` and its id."""
        identity = self.name("p").replace("_", "")
        names = ["id", "name", "rate_bp", *columns]
        values = [identity, f"Shop{identity}", str(rate_bp), *columns.values()]
        self.must("partners", f"{','.join(names)}\n{','.join(values)}\n")
        return identity

    def link(self, connection_id: str, user_id: str) -> None:
        """Import one connection."""
        self.must("connections", f"connection_id,user_id\n{connection_id},{user_id}\n")

    def must(self, kind: str, csv: str) -> dict[str, int]:
        """Import, and be sure that it was taken."""
        answer = self.process.load(kind, csv)
        assert answer.status == 200, answer  # noqa: PLR2004  # a status is a name
        counts: dict[str, int] = answer.json()
        return counts

    def reachable(self, user_id: str) -> str:
        """Give somebody a device where pushes are shown, in English; the token, by which it has an inbox."""
        token = f"fcm-token-of-{user_id}"
        bearer = {}
        if self.process.env.get("COMPTOIR_AUTH__MODE") == "on":
            bearer = {"Authorization": f"Bearer {self.process.token(user_id, 'CLIENT')}"}
        wishes = {
            "devices/phone": {"token": token, "platform": "android"},
            "me/preferences": {"language": "en"},
        }
        for path, body in wishes.items():
            answer = self.process.request(
                "PUT",
                f"/api/v1/{path}?userId={user_id}",
                json.dumps(body).encode(),
                {"Content-Type": "application/json", **bearer},
            )
            assert answer.status == 200, answer  # noqa: PLR2004  # as above
        return token

    # Webhooks.

    def buy(self, card: Card, amount: object = 100, **fields: Any) -> str:
        """A purchase at the card's partner, accepted; its transaction id."""
        identity = str(fields.pop("transaction_id", self.name("tx")))
        merchant = {"name": card.label, **fields.pop("merchant", {})}
        body = purchase(
            identity, card.connection_id, **{"amount": amount, "merchant": merchant, **fields}
        )
        answer = self.send(body)
        assert (answer.status, answer.json()) == (202, {"status": "accepted"}), answer
        return identity

    def refund(self, card: Card, amount: object, original: str = "", **fields: Any) -> str:
        """A refund, accepted; its transaction id."""
        named = {"original_transaction_id": original} if original else {}
        return self.buy(card, amount, direction="CREDIT", **named, **fields)

    def send(self, body: object) -> Answered:
        """A signed webhook of now; a text or bytes go as they are."""
        if isinstance(body, bytes):
            raw = body
        else:
            raw = (body if isinstance(body, str) else json.dumps(body)).encode()
        return self.process.webhook(raw, at_ms=self.now_ms(), lane=self.lane)

    def hook(self, body: bytes, headers: Mapping[str, str]) -> Answered:
        """A webhook of exactly these headers, to the port that this customer's go to."""
        place = self.process.ingest_url if self.lane else self.process.url
        return ask(f"{place}/webhooks/banking", "POST", body, headers)

    def hook_at(self, body: bytes, at_ms: int) -> Answered:
        """One that is signed as of then."""
        return self.hook(body, self.signed(body, at_ms))

    def signed(self, body: bytes, at_ms: int | None = None) -> dict[str, str]:
        """The headers of a webhook."""
        return sign_webhook(self.secret, body, self.now_ms() if at_ms is None else at_ms)

    @property
    def secret(self) -> str:
        """The newest webhook secret of the daemon."""
        return str(json.loads(self.process.env["COMPTOIR_WEBHOOKS__SEED__SECRETS"])[0])

    # Reading.

    def quiet(self) -> None:
        """Wait until no message is due."""
        answer = self.process.post("/dev/v1/quiesce", {"timeoutSeconds": 30})
        assert answer.status == 200, answer  # noqa: PLR2004  # as above

    def balance(self, user_id: str) -> dict[str, int]:
        """The wallet's balance once nothing is due."""
        self.quiet()
        found: dict[str, int] = self.found(f"/api/v1/wallets/{user_id}")["balance"]
        return found

    def transaction(self, transaction_id: str) -> dict[str, Any]:
        """A transaction once nothing is due."""
        self.quiet()
        return self.found(f"/api/v1/transactions/{transaction_id}")

    def found(self, path: str) -> dict[str, Any]:
        """GET what must be there."""
        answer = self.process.get(path)
        assert answer.status == 200, answer  # noqa: PLR2004  # as above
        body: dict[str, Any] = answer.json()
        return body

    def pages(self, path: str, limit: int) -> Iterator[list[dict[str, Any]]]:
        """The pages of a list, by its cursor to the end."""
        cursor = ""
        while True:
            page = self.found(f"{path}?limit={limit}{cursor}")
            assert page.keys() == {"items", "nextCursor"}
            yield page["items"]
            if page["nextCursor"] is None:
                return
            cursor = f"&cursor={page['nextCursor']}"

    def metric(self, name: str, **labels: str) -> float:
        """One sample of /metrics; 0 where there is none yet."""
        for family in text_string_to_metric_families(self.process.get("/metrics").body.decode()):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return float(sample.value)
        return 0.0

    # Time.

    def now_ms(self) -> int:
        """The daemon's business time; wall time where its clock is not manual."""
        if self.process.env["COMPTOIR_CLOCK__MODE"] != "manual":
            return _wall_ms()
        if self._added_ms is None:
            self.advance(0)
        assert self._added_ms is not None
        return _wall_ms() + self._added_ms

    def advance(self, seconds: float) -> int:
        """Move business time; where it is then, in ms."""
        answer = self.process.post("/dev/v1/clock", {"advanceSeconds": seconds})
        assert answer.status == 200, answer  # noqa: PLR2004  # as above
        moment = datetime.fromisoformat(answer.json()["now"])
        now_ms = round(moment.timestamp() * 1000)
        self._added_ms = now_ms - _wall_ms()
        return now_ms

    # Bytes.

    def raw(
        self, method: str, path: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b""
    ) -> Answered:
        """A request of exactly these headers (repeats kept), and a Host."""
        lane = self.lane and path.startswith("/webhooks/")
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.place[0]}"]
        lines += [f"{name}: {value}" for name, value in headers]
        with self.connection(lane=lane) as wire:
            wire.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
            return read_answer(wire, method)

    @property
    def place(self) -> tuple[str, int]:
        """Host and port of the API."""
        return _place(self.process.url)

    @contextmanager
    def connection(self, *, lane: bool = False) -> Generator[socket.socket]:
        """A plain connection, to either listener."""
        place = _place(self.process.ingest_url) if lane else self.place
        with socket.create_connection(place, timeout=PATIENCE_S) as wire:
            yield wire


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def read_answer(wire: socket.socket, method: str = "POST") -> Answered:
    """Read one answer from a connection."""
    with HTTPResponse(wire, method=method) as response:
        response.begin()
        return Answered(response.status, dict(response.headers), response.read())
