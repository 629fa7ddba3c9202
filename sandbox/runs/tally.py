"""The account of a run: what was sent, what came back, what must have been earned.

Rule: `expected` counts what a correct daemon takes, `acknowledged` only what it said it took; an
answer that no correct daemon gives is named. Memory: three bytes for each transaction.

Source: interface.md 6 (the table of answers) and 10 (the result of a run); spec X19.
"""

from collections import Counter

from comptoir.sandbox.deliveries import DUPLICATE, PARKED, Codes, Delivery, Sender
from comptoir.sandbox.histogram import Histogram
from comptoir.sandbox.runs.accounts import Account, Transaction
from comptoir.sandbox.wire.client import Answer

# Kinds times codes of interface.md stay far below; a strange receiver may not fill the memory.
NAMES_MAX = 128
_OTHERS = "others"

# An attempt brought no answer and may have had an effect.
_UNCERTAIN = 1
# The receiver says that it has it, while it did not tell us when it took it.
_KNOWN = 2


class Tally:
    """Counts attempts and answers; `document` is the result of the run."""

    def __init__(self, sender: Sender, transactions_max: int) -> None:
        self._sender = sender
        self._codes = Codes()
        self._marks = bytearray(transactions_max)
        self.expected = Account(transactions_max)
        self.acknowledged = Account(transactions_max)
        self.latency = Histogram()
        self.sent = 0
        self.skipped = 0
        self.gave_up = 0
        self.retries = 0
        self._taken_before = 0
        self._kinds: Counter[str] = Counter()
        self._answers: Counter[str] = Counter()
        self._by_code: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._surprises: Counter[str] = Counter()

    @property
    def done(self) -> int:
        """Webhooks that came to an end of any kind."""
        return sum(self._answers.values()) + self.skipped + self.gave_up

    def sending(self, delivery: Delivery) -> None:
        """A webhook is about to be sent for the first time."""
        self.sent += 1
        self._kinds[delivery.kind] += 1
        if self._sender.valid(delivery):
            assert delivery.transaction is not None
            self.expected.take(delivery.transaction)

    def failed(self, delivery: Delivery, code: str) -> None:
        """An attempt brought no final answer; unless it never left, it may have had an effect."""
        _count(self._failures, code)
        transaction = delivery.transaction
        if transaction is None or code == "NO_CONNECTION" or not self._sender.valid(delivery):
            return
        self._marks[transaction.index] |= _UNCERTAIN
        if self._marks[transaction.index] & _KNOWN:
            self._take(transaction)

    def answered(self, delivery: Delivery, answer: Answer, seconds: float) -> bool:
        """A final answer; returns True where it acknowledges the webhook."""
        self.latency.record(seconds)
        code = self._codes.read(answer.status, answer.body)
        self._answers[str(answer.status)] += 1
        _count(self._by_code, code)
        if code not in self._sender.right_codes(delivery):
            _count(self._surprises, f"{delivery.kind}: {answer.status} {code}")
        taken = 200 <= answer.status < 300
        if taken and code != PARKED and self._sender.valid(delivery):
            self._acknowledge(delivery, code)
        return taken

    def _acknowledge(self, delivery: Delivery, code: str) -> None:
        """Counts what this run brought in; a duplicate counts if one of its own attempts was lost.

        A transaction that is known although no attempt of ours was accepted or lost was taken
        before this run, which therefore earned nothing with it.
        """
        transaction = delivery.transaction
        assert transaction is not None
        marks = self._marks[transaction.index]
        if code != DUPLICATE or marks & _UNCERTAIN:
            self._take(transaction)
        elif not marks & _KNOWN and not self.acknowledged.has(transaction):
            self._marks[transaction.index] |= _KNOWN
            self._taken_before += 1

    def _take(self, transaction: Transaction) -> None:
        if self._marks[transaction.index] & _KNOWN and not self.acknowledged.has(transaction):
            self._taken_before -= 1
        self.acknowledged.take(transaction)

    def document(self) -> dict[str, object]:
        """The counts so far, in the words of interface.md 10 and some more."""
        return {
            "sent": self.sent,
            "answers": dict(self._answers),
            "byCode": dict(self._by_code),
            "byKind": dict(self._kinds),
            "expected": self.expected.document(),
            "acknowledged": self.acknowledged.document(),
            "latencyMs": self.latency.document(),
            "retries": self.retries,
            "failedAttempts": dict(self._failures),
            "gaveUp": self.gave_up,
            "skipped": self.skipped,
            "takenBefore": self._taken_before,
            "surprises": dict(self._surprises),
        }


def _count(counter: Counter[str], name: str) -> None:
    """Counts a name that came from outside, in bounded memory."""
    counter[name if name in counter or len(counter) < NAMES_MAX else _OTHERS] += 1
