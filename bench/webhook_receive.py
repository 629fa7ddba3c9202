"""How much interpreter time one webhook costs, the ask left out.

Cuts it from the bytes of the wire, as the ingest lane does, and runs the receiving function with a port
whose ask answers at once, on the sample body of the specification, signed; prints microseconds for
each. Budget of both, and of the write: 30 us of the 100 us that a webhook may cost
(docs/architecture.md, performance). Run: `python bench/webhook_receive.py`.
"""

import time
from collections.abc import Callable

from comptoir.actors.connection.messages import TransactionTaken
from comptoir.engine import Address, Asker, Message, Reply
from comptoir.engine.settings import Secret, Settings
from comptoir.engine.settings.cashback import Webhooks, WebhooksParty
from comptoir.http import payload_rules, payloads
from comptoir.http.answers import Response
from comptoir.http.framing import Framing
from comptoir.http.rules import EdgeRules
from comptoir.http.signatures import seed_signature
from comptoir.http.webhooks import BANKING_PATH, Reception, WebhookRequest

SECRET = b"a-bench-secret-of-32-characters!"
NOW = 1_763_994_600_000
ROUNDS, EACH = 100, 300
"""Short rounds: on a busy machine some of them are left alone."""
BODY = b"""{
  "event": "transaction.created",
  "timestamp": "2025-11-24T14:30:00.000Z",
  "data": {
    "transaction_id": "txn_abc123xyz",
    "connection_id": "conn_user456",
    "account_id": "acc_789",
    "amount": 100.00,
    "currency": "EUR",
    "direction": "DEBIT",
    "date": "2025-11-24",
    "merchant": {
      "name": "RESTAURANT LE BISTROT",
      "mcc_code": "5812",
      "city": "PARIS",
      "country": "FR"
    }
  },
  "signature": "sha256=7d38cdd689735b008..."
}"""


class _Answer:
    reply: Reply | None = TransactionTaken("matched")
    replayed = False


class Port:
    """What the edge needs of a daemon beside somebody to ask: rules, and counts that nobody reads."""

    def __init__(self) -> None:
        webhooks = Webhooks(seed=WebhooksParty(secrets=(Secret(SECRET.decode()),)))
        self.rules = EdgeRules.of(Settings(webhooks=webhooks))

    def now_ms(self) -> int:
        return NOW

    def blind(self, provider: str, connection_id: str) -> str:
        return provider + connection_id

    def count_webhook(self, result: str, code: str) -> None:
        del result, code

    def observe_ack(self, seconds: float) -> None:
        del seconds


class _Port(Port):
    """A daemon that takes everything at once."""

    def ask_for(self, asker: Asker[_Answer], address: Address, message: Message) -> None:
        del address, message
        asker.give(_ANSWER)


_ANSWER = _Answer()


def _timed(work: Callable[[], object]) -> float:
    """Microseconds of one call: the least of rounds, which others disturbed least."""
    figures: list[float] = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(EACH):
            work()
        figures.append((time.perf_counter() - started) / EACH * 1e6)
    return min(figures)


def main() -> None:
    """Measure, and print a line for each part."""
    timestamp = str(NOW).encode()
    signature = seed_signature(SECRET, timestamp, BODY).hex().encode()
    headers = [
        (b"host", b"127.0.0.1:8080"), (b"accept", b"*/*"), (b"user-agent", b"sandbox"),
        (b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY)),
        (b"x-webhook-timestamp", timestamp), (b"x-webhook-signature", signature),
    ]  # fmt: skip
    reception = Reception(_Port())
    genuine = WebhookRequest("POST", BANKING_PATH, headers, BODY, "127.0.0.1")
    told: list[Response] = []
    reception.take([(genuine, told.append)])
    assert told.pop().status == 202

    def plain() -> object:
        return payloads.read(BODY, "seed")

    def authority() -> object:
        return payload_rules.read(BODY, "seed")

    def whole() -> object:
        reception.take([(genuine, told.append)])
        return told.pop()

    wire = b"\r\n".join([
        b"POST /webhooks/banking HTTP/1.1", *(name + b": " + value for name, value in headers), b"", BODY,
    ])  # fmt: skip
    framing = Framing(65_536)

    def cut() -> object:
        framing.feed(wire)
        return framing.next()

    print(f"cut from the wire     {_timed(cut):6.1f} us")
    print(f"receive, whole        {_timed(whole):6.1f} us")
    print(f"  body, plain path    {_timed(plain):6.1f} us")
    print(f"  body, by the rules  {_timed(authority):6.1f} us")


if __name__ == "__main__":
    main()
