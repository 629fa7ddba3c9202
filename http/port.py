"""What the edge needs of the daemon behind it, as one Protocol.

The rule: nothing in this room knows the engine's class, a journal or a database; the composition
root hands it an object with these members, and tests hand it a fake daemon that records asks.
Source: design.md 1 (the rooms) and 2 (the one path).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from comptoir.engine import Address, Message, Reply
from comptoir.http.rules import EdgeRules

__all__ = ["Answer", "ApiPort", "Health", "Port", "WebhookPort"]


class Answer(Protocol):
    """A reply, and whether it is the first one again because its `once` key was taken before."""

    @property
    def reply(self) -> Reply | None:
        """What the actor answered, once durable."""
        ...

    @property
    def replayed(self) -> bool:
        """True: nothing was done now; this is the answer given the first time."""
        ...


class Health(Protocol):
    """How the daemon is, as `/health/ready` tells it."""

    @property
    def status(self) -> str:
        """`ready`, `starting`, `standby`, `degraded` or `stopping`."""
        ...

    @property
    def checks(self) -> Mapping[str, str]:
        """`ok`, or what is missing, by check."""
        ...

    @property
    def pending_messages(self) -> int:
        """Messages that are due and not handled."""
        ...


class WebhookPort(Protocol):
    """The part that receiving a webhook needs; a lane without Quart needs no more (issue f)."""

    @property
    def rules(self) -> EdgeRules:
        """The settings that bind the edge, compiled once."""
        ...

    async def ask(
        self, address: Address, message: Message, timeout_s: float | None = None
    ) -> Answer:
        """Give a message to an actor and wait until its decision is durable.

        Raises:
            EngineError: one class per situation (`comptoir.engine.errors`).
        """
        ...

    def now_ms(self) -> int:
        """Business time in ms since 1970."""
        ...

    def blind(self, provider: str, connection_id: str) -> str:
        """The keyed blind index of a connection (X15): the same input gives the same text."""
        ...

    def count_webhook(self, result: str, code: str) -> None:
        """Count one webhook: result accepted, duplicate, parked or refused; code if refused."""
        ...

    def observe_ack(self, seconds: float) -> None:
        """Record the time from a webhook's last byte to its answer."""
        ...


class ApiPort(Protocol):
    """The part that the API needs: reads, health, the clock of tests."""

    def health(self) -> Health:
        """How the daemon is now; no waiting."""
        ...

    def metrics_text(self) -> bytes:
        """All metrics in Prometheus text format."""
        ...

    async def quiesce(self, timeout_s: float) -> bool:
        """Wait until no message is due; False after the timeout."""
        ...

    async def advance_clock(self, seconds: float) -> tuple[int, int]:
        """Move business time; (now in ms, timers fired). Handled before it returns."""
        ...

    async def wallet(self, user_id: str) -> Mapping[str, Any] | None:
        """A wallet as interface.md 7 shows it; None for a user never seen."""
        ...

    async def entries(
        self, user_id: str, before: int | None, limit: int
    ) -> Sequence[tuple[int, Mapping[str, Any]]]:
        """A page of a user's history, newest first: (id, entry as shown), ids below `before`."""
        ...

    async def transaction(self, transaction_id: str) -> Mapping[str, Any] | None:
        """A transaction as interface.md 7 shows it; None if not known or not kept (X23)."""
        ...


class Port(WebhookPort, ApiPort, Protocol):
    """All of it."""
