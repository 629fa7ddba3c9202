"""Webhooks that were read together pass each stage together, and what befalls one of them is its own.

Source: ADR 0065; design.md 5 (bulkheads), 10 (the hot path).
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from comptoir.actors.connection.messages import TransactionReported
from comptoir.engine import Address, Asker, Message, Overloaded
from comptoir.http import payloads, signatures, webhooks
from comptoir.http.answers import Response
from comptoir.http.signatures import seed_signature
from comptoir.http.testing import NOW_MS, SECRET, FakeAnswer, FakeDaemon
from comptoir.http.webhooks import BANKING_PATH, Reception, WebhookRequest


def _request(name: str, secret: str = SECRET) -> WebhookRequest:
    """A webhook of a transaction with this name."""
    merchant = {"name": "CB LE BISTROT"}
    data = {"transaction_id": name, "connection_id": "cn_1", "amount": 12.34, "currency": "EUR",
            "direction": "DEBIT", "date": "2025-11-24", "merchant": merchant}  # fmt: skip
    body = json.dumps({"event": "transaction.created", "data": data}).encode()
    at = str(NOW_MS).encode()
    signature = seed_signature(secret.encode(), at, body).hex().encode()
    headers = [(b"x-webhook-timestamp", at), (b"x-webhook-signature", signature)]
    return WebhookRequest("POST", BANKING_PATH, headers, body, "127.0.0.1")


def _name_in(body: bytes) -> str:
    return str(json.loads(body)["data"]["transaction_id"])


class Noting(FakeDaemon):
    """Notes who is asked about, and is full for one of them."""

    def __init__(self, passed: list[str]) -> None:
        super().__init__()
        self._passed = passed

    def ask_for(self, asker: Asker[FakeAnswer], address: Address, message: Message) -> None:
        """Note, and answer."""
        assert isinstance(message, TransactionReported)
        self._passed.append(f"ask {message.transaction_id}")
        if message.transaction_id == "late":
            raise Overloaded("full")
        super().ask_for(asker, address, message)


def test_each_stage_is_passed_by_all_before_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """All are judged, then all are read, then all are asked, in their order; who is refused or crashes in a
    stage hears of it at once and is not in the next, and nobody else notices (S53, invariant 5).
    """
    passed: list[str] = []
    told: list[tuple[str, int]] = []
    judge, read = signatures.seed_fault, payloads.read

    def judged(given: Any, body: bytes, *rest: Any) -> str | None:
        passed.append(f"judge {_name_in(body)}")
        return judge(given, body, *rest)

    def read_or_crash(body: bytes, provider: str) -> Any:
        passed.append(f"read {_name_in(body)}")
        if _name_in(body) == "poison":
            raise ZeroDivisionError
        return read(body, provider)

    def teller(name: str) -> Callable[[Response], None]:
        return lambda answer: told.append((name, answer.status))

    monkeypatch.setattr(webhooks, "seed_fault", judged)
    monkeypatch.setattr(payloads, "read", read_or_crash)
    requests = [_request(name) for name in ("one", "poison", "late", "two")]
    requests.insert(1, _request("forged", secret="of somebody else"))
    with structlog.testing.capture_logs() as logs:
        Reception(Noting(passed)).take([(x, teller(_name_in(x.body))) for x in requests])
    assert passed == [
        "judge one", "judge forged", "judge poison", "judge late", "judge two",
        "read one", "read poison", "read late", "read two",
        "ask one", "ask late", "ask two",
    ]  # fmt: skip
    assert told == [("forged", 401), ("poison", 500), ("one", 202), ("late", 503), ("two", 202)]
    assert [x["event"] for x in logs] == ["webhook_refused", "request_crashed", "webhook_refused"]


def test_who_waits_for_a_decision_keeps_no_body() -> None:
    """design.md 5: what is under way is bounded in number, and bodies by their own budget, which is given back when
    they are read.
    """

    class Silent(FakeDaemon):
        """Takes whatever it is asked, and answers nobody."""

        def ask_for(self, asker: Asker[FakeAnswer], address: Address, message: Message) -> None:
            waiting.append((asker, address))

    waiting: list[tuple[Asker[FakeAnswer], Address]] = []
    request = _request("one")
    body = request.body
    held = sys.getrefcount(body)
    Reception(Silent()).take([(request, lambda _answer: None)])
    assert len(waiting) == 1
    del request
    assert sys.getrefcount(body) == held - 1
