"""The plan of a run: every webhook that it sends, in order.

Rule: a function of the request, the two files and the start time; amounts are written from integer
cents; memory does not grow with the length of the run.

Source: spec S56 (fields), S52, X16, X17, X24; interface.md 6 (refunds) and 10 (mix).
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import orjson

from comptoir.sandbox.clock import rfc3339
from comptoir.sandbox.deliveries import Delivery
from comptoir.sandbox.runs.accounts import Transaction, points_of
from comptoir.sandbox.runs.catalogue import Catalogue, Connection
from comptoir.sandbox.runs.labels import Labels, Merchant
from comptoir.sandbox.runs.request import RunRequest
from comptoir.sandbox.schemes import Form, Signature

# How far back duplicates, replays and refunds reach.
HISTORY_MAX = 2048
_LOOKS_MAX = 8
_UNKNOWN_CONNECTIONS = 50
# Most aggregators write one form; a receiver must read them all (X17).
_FORMS = (Form.LOWER,) * 12 + (Form.PREFIXED, Form.PREFIXED, Form.UPPER, Form.PREFIXED_UPPER)


@dataclass(frozen=True, slots=True)
class _Purchase:
    """What the body of one transaction says."""

    number: int
    """Ends the transaction's id."""
    connection: Connection
    merchant: Merchant
    amount_cents: int


@dataclass(slots=True, eq=False)
class _Sent:
    """A transaction of the recent past that may be repeated or refunded."""

    purchase: _Purchase
    transaction: Transaction
    delivery: Delivery
    refunded: bool


class Plan:
    """Iterates the deliveries of a run once."""

    def __init__(self, request: RunRequest, catalogue: Catalogue, start_ms: int) -> None:
        self._request = request
        self._catalogue = catalogue
        self._start_ms = start_ms
        self._date = rfc3339(start_ms)[:10]
        self._chance = random.Random(f"plan {request.seed}")
        self._labels = Labels(catalogue, self._chance)
        self._history: list[_Sent] = []
        self._next_slot = 0
        self._transactions = 0
        self._ids = f"{request.id_prefix}{'_' if request.id_prefix else ''}{request.seed}"
        mix = request.mix
        self._kinds = (
            (mix.duplicate, self._duplicate),
            (mix.replay, self._replay),
            (mix.refund, self._refund),
            (mix.forged, self._forged),
            (mix.late, self._late),
            (mix.unknown_connection, self._unknown),
            (min(mix.partner, max(1 - mix.special(), 0)), self._partner),
        )

    def __iter__(self) -> Iterator[Delivery]:
        """The deliveries, shuffled within groups of `reorderWindow`."""
        planned = (self._one(number) for number in range(self._request.count))
        shuffle = random.Random(f"order {self._request.seed}")
        window = self._request.mix.reorder_window
        while group := list(islice(planned, window)):
            if window > 1:
                shuffle.shuffle(group)
            yield from group

    def _one(self, number: int) -> Delivery:
        draw = self._chance.random()
        for share, make in self._kinds:
            if draw < share:
                return make(number)
            draw -= share
        return self._other(number)

    def _partner(self, number: int) -> Delivery:
        if not self._catalogue.partners:
            return self._other(number)
        return self._purchase(number, self._labels.of_a_partner())

    def _other(self, number: int) -> Delivery:
        if self._chance.random() < 0.06:
            return self._purchase(number, self._labels.of_a_partner_but_for_the_mcc())
        return self._purchase(number, self._labels.of_nobody())

    def _purchase(self, number: int, merchant: Merchant) -> Delivery:
        purchase = _Purchase(number, self._connection(), merchant, self._amount())
        rate_bp = merchant.partner.rate_bp if merchant.partner else 0
        points = points_of(purchase.amount_cents, rate_bp, self._request.value_cents)
        transaction = self._transaction(purchase.connection.user_id, points)
        kind = "partner" if merchant.partner else "other"
        delivery = Delivery(kind, self._body(number, purchase), transaction, form=self._form())
        self._remember(_Sent(purchase, transaction, delivery, refunded=False))
        return delivery

    def _refund(self, number: int) -> Delivery:
        """The full amount of an earlier purchase back; one in eight of a purchase at no partner."""
        any_merchant = self._chance.random() < 0.125
        for _ in range(_LOOKS_MAX):
            sent = self._look_back()
            if sent is None:
                break
            if not sent.refunded and (any_merchant or sent.purchase.merchant.partner):
                sent.refunded = True
                return self._refund_of(number, sent)
        return self._partner(number)

    def _refund_of(self, number: int, sent: _Sent) -> Delivery:
        transaction = self._transaction(sent.transaction.user_id, 0, sent.transaction)
        refund = replace(sent.purchase, number=number)
        body = self._body(number, refund, refunds=sent.purchase.number)
        delivery = Delivery("refund", body, transaction, form=self._form())
        self._remember(_Sent(refund, transaction, delivery, refunded=True))
        return delivery

    def _duplicate(self, number: int) -> Delivery:
        """An earlier transaction again: the same body, or (once the first is in) another one."""
        sent = self._look_back()
        if sent is None:
            return self._partner(number)
        if self._chance.random() < 0.5:
            body = sent.delivery.body
            return Delivery("duplicate", body, sent.transaction, form=self._form())
        # Whatever the rest of the body says, the first one stands (interface.md 6, row 10).
        other_card = self._chance.random() < 0.25
        connection = self._connection() if other_card else sent.purchase.connection
        changed = self._earning(sent.purchase.number, connection)
        body = self._body(number, changed)
        return Delivery("duplicate", body, sent.transaction, form=self._form(), after=sent.delivery)

    def _replay(self, number: int) -> Delivery:
        sent = self._look_back()
        if sent is None:
            return self._partner(number)
        body, transaction = sent.delivery.body, sent.transaction
        return Delivery("replay", body, transaction, after=sent.delivery, verbatim=True)

    def _forged(self, number: int) -> Delivery:
        return Delivery("forged", self._untaken(number), signature=Signature.FORGED)

    def _late(self, number: int) -> Delivery:
        """Signed, but for a time outside the window: mostly too old, sometimes ahead (X16)."""
        skew_ms = self._request.window_ms + self._chance.randrange(60_000, 3_600_000)
        if self._chance.random() < 0.25:
            return Delivery("wrong_clock", self._untaken(number), skew_ms=skew_ms)
        return Delivery("late", self._untaken(number), skew_ms=-skew_ms)

    def _unknown(self, number: int) -> Delivery:
        unknown = self._chance.randrange(_UNKNOWN_CONNECTIONS)
        connection = Connection(f"conn_unknown_{self._ids}_{unknown}", "")
        return Delivery("unknown_connection", self._untaken(number, connection), form=self._form())

    def _untaken(self, number: int, connection: Connection | None = None) -> bytes:
        """The body of a purchase that would earn points if it were wrongly taken."""
        return self._body(number, self._earning(number, connection or self._connection()))

    def _earning(self, number: int, connection: Connection) -> _Purchase:
        labels = self._labels
        merchant = labels.of_a_partner() if self._catalogue.partners else labels.of_nobody()
        return _Purchase(number, connection, merchant, self._amount())

    def _transaction(
        self, user_id: str, points: int, refunds: Transaction | None = None
    ) -> Transaction:
        index = self._transactions
        self._transactions += 1
        return Transaction(index, user_id, points, refunds)

    def _remember(self, sent: _Sent) -> None:
        if len(self._history) < HISTORY_MAX:
            self._history.append(sent)
            return
        self._history[self._next_slot] = sent
        self._next_slot = (self._next_slot + 1) % HISTORY_MAX

    def _look_back(self) -> _Sent | None:
        if not self._history:
            return None
        return self._history[self._chance.randrange(len(self._history))]

    def _connection(self) -> Connection:
        """The first ones of the list buy more often: some wallets are hot."""
        connections = self._catalogue.connections
        return connections[int(len(connections) * self._chance.random() ** 2)]

    def _amount(self) -> int:
        """Cents: mostly everyday amounts, some of one cent, some of thousands of euros."""
        draw = self._chance.random()
        if draw < 0.02:
            return self._chance.randrange(1, 100)
        if draw < 0.97:
            return self._chance.randrange(100, 20_000)
        return self._chance.randrange(20_000, 1_000_000)

    def _form(self) -> Form:
        return self._chance.choice(_FORMS)

    def _body(self, number: int, purchase: _Purchase, refunds: int | None = None) -> bytes:
        """`transaction.created` of S56, in the aggregator's own names."""
        connection, merchant = purchase.connection, purchase.merchant
        data: dict[str, object] = {
            "transaction_id": f"txn_{self._ids}_{purchase.number:07d}",
            "connection_id": connection.connection_id,
            "account_id": f"acc_{connection.connection_id}",
            "amount": orjson.Fragment(b"%d.%02d" % divmod(purchase.amount_cents, 100)),
            "currency": "EUR",
            "direction": "DEBIT" if refunds is None else "CREDIT",
            "date": self._date,
            "merchant": {
                "name": merchant.name,
                "mcc_code": merchant.mcc,
                "city": merchant.city,
                "country": "FR",
            },
        }
        if refunds is not None:
            data["original_transaction_id"] = f"txn_{self._ids}_{refunds:07d}"
        document: dict[str, object] = {
            "event": "transaction.created",
            "timestamp": rfc3339(self._start_ms + number),
            "data": data,
        }
        if number % 8 == 0:
            # The documents show a signature inside the body, which cannot sign itself (X17).
            document["signature"] = "sha256=7d38cdd689735b008"
        return orjson.dumps(document)
