"""A daemon for tests of the edge: it records what it is asked, and answers as it is told.

The rule: it fulfils `comptoir.http.port.Port` and has no opinion: what a test does not set has the
quiet answer (taken, ready, nothing known).
Source: comptoir.http.port.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from comptoir.actors.connection.messages import LinkConnection, Linked, TransactionTaken
from comptoir.actors.merchants.messages import ImportPartners, PartnersImported
from comptoir.engine import Address, EngineError, Message, Reply
from comptoir.engine.settings import Secret, Settings, Webhooks, WebhooksParty
from comptoir.http.rules import EdgeRules

__all__ = ["NOW_MS", "SECRET", "FakeAnswer", "FakeDaemon", "FakeHealth"]

SECRET = "a-test-secret-of-thirty-two-chars"  # noqa: S105 (of tests)
NOW_MS = 1_763_994_600_000
"""2025-11-24T14:30:00Z, the time of the specification's sample (S56)."""


@dataclass(frozen=True, slots=True)
class FakeAnswer:
    """An answer to an ask."""

    reply: Reply | None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class FakeHealth:
    """Health as told."""

    status: str = "ready"
    checks: Mapping[str, str] = field(default_factory=lambda: {"storage": "ok"})
    pending_messages: int = 0


Asked = Callable[[Address, Message], Awaitable[FakeAnswer]]


class FakeDaemon:
    """Records asks; raises `error`, else calls `asked`, else answers as the real actors would."""

    def __init__(self, secrets: Sequence[str] = (SECRET,), **rules: Any) -> None:
        """Take the default rules with these secrets, changed by `rules` (fields of EdgeRules)."""
        party = WebhooksParty(secrets=tuple(Secret(secret) for secret in secrets))
        webhooks = Webhooks(seed=party)
        self.rules: EdgeRules = replace(EdgeRules.of(Settings(webhooks=webhooks)), **rules)
        self.asks: list[tuple[Address, Message]] = []
        self.counts: list[tuple[str, str]] = []
        self.acks: list[float] = []
        self.error: EngineError | None = None
        self.asked: Asked | None = None
        self.replayed = False
        self.outcome = "matched"
        self.state = FakeHealth()
        self.now = NOW_MS
        self.quiet = True
        self.wallets: dict[str, dict[str, Any]] = {}
        self.histories: dict[str, list[tuple[int, dict[str, Any]]]] = {}
        self.transactions: dict[str, dict[str, Any]] = {}

    async def ask(
        self, address: Address, message: Message, timeout_s: float | None = None
    ) -> FakeAnswer:
        """Record and answer."""
        del timeout_s
        self.asks.append((address, message))
        if self.error is not None:
            raise self.error
        if self.asked is not None:
            return await self.asked(address, message)
        if isinstance(message, LinkConnection):
            return FakeAnswer(Linked("imported"))
        if isinstance(message, ImportPartners):
            return FakeAnswer(PartnersImported(len(message.partners), 0, 0, 1))
        return FakeAnswer(TransactionTaken(self.outcome), self.replayed)

    def now_ms(self) -> int:
        """The time as set."""
        return self.now

    def blind(self, provider: str, connection_id: str) -> str:
        """A readable index, so that tests see whom it names."""
        return f"blind:{provider}:{connection_id}"

    def count_webhook(self, result: str, code: str) -> None:
        """Record."""
        self.counts.append((result, code))

    def observe_ack(self, seconds: float) -> None:
        """Record."""
        self.acks.append(seconds)

    def health(self) -> FakeHealth:
        """As set."""
        return self.state

    def metrics_text(self) -> bytes:
        """One metric."""
        return b"comptoir_messages_pending 0\n"

    async def quiesce(self, timeout_s: float) -> bool:
        """As set."""
        del timeout_s
        return self.quiet

    async def advance_clock(self, seconds: float) -> tuple[int, int]:
        """Move the time; one timer fires."""
        self.now += int(seconds * 1000)
        return self.now, 1

    async def wallet(self, user_id: str) -> Mapping[str, Any] | None:
        """As set."""
        return self.wallets.get(user_id)

    async def entries(
        self, user_id: str, before: int | None, limit: int
    ) -> Sequence[tuple[int, Mapping[str, Any]]]:
        """As set, newest first."""
        history = self.histories.get(user_id, [])
        below = [entry for entry in history if before is None or entry[0] < before]
        return sorted(below, key=lambda entry: -entry[0])[:limit]

    async def transaction(self, transaction_id: str) -> Mapping[str, Any] | None:
        """As set."""
        return self.transactions.get(transaction_id)
