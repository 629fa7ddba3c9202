"""What of our journal Kafka is told: approvals, on the topic that their event names (S11, S17).

Rules:
- an event is published after it is durable, in the order of the journal, one after another; the key is the file's number;
- the position is kept in the database, and advances after the brokers have what is before it: whoever reads the topic
  may get an event twice, with the same id, and never misses one;
- of an event goes what S17 names and no more: whose approval it is, its score and recommendation.
Source: spec.md S11, S17, S33; docs/kafka.md; docs/adr/0056-kafka-is-a-carrier.md.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import structlog
import trio

from comptoir.engine.decision import Decision, Put
from comptoir.engine.engine import Engine
from comptoir.engine.errors import EngineError, log_crash
from comptoir.engine.gateway_spec import CallFault
from comptoir.engine.journal import Recorded

__all__ = ["COLLECTION", "Outbox", "approval_of"]

log = structlog.get_logger("comptoir.bus")

COLLECTION: Final = "outbox"
KIND: Final = "onboarding"
EVENT: Final = "KycCompleted"
NAMES: Final = ((KIND, EVENT),)
PAGE: Final = 500
SPAN: Final = 20_000
"""Numbers of the journal that one look goes through at most, as the feed's (feeding.py): so no other event is read."""
POLL_S: Final = 1.0
"""Of a journal that has nothing new; an event is published that much later at most."""
AGAIN_S_MAX: Final = 30.0
_STATELESS: Any = object()
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
Send = Callable[[str, str, bytes], Awaitable[None]]
Said = Callable[[Recorded], tuple[str, bytes] | None]
Names = Sequence[tuple[str, str]]


class _Kept(msgspec.Struct, frozen=True):
    """What is read of the journal's event (actors/onboarding/assessing.py)."""

    score: int | None
    recommendation: str | None
    topic: str


class _Approval(msgspec.Struct, frozen=True, rename="camel"):
    """KYC_COMPLETED of a file that was approved."""

    type: str
    event_id: str
    onboarding_id: str
    score: int | None
    recommendation: str | None
    timestamp: datetime


_KEPT: Final = msgspec.json.Decoder(_Kept)


def approval_of(event: Recorded) -> tuple[str, bytes] | None:
    """The topic of an event and what is said there; None: it is told to nobody, or was of somebody who is erased."""
    if event.type != EVENT or event.address.kind != KIND or not event.payload:
        return None
    kept = _KEPT.decode(event.payload)
    if not kept.topic:
        return None
    number = event.address.key
    # With the time: a restored database gives a number to another event.
    said = _Approval(
        "KYC_COMPLETED", f"{number}:{event.number}:{event.at}", number, kept.score,
        kept.recommendation, _EPOCH + timedelta(milliseconds=event.at),
    )  # fmt: skip
    return kept.topic, msgspec.json.encode(said)


class Outbox:
    """Publishes, for as long as the engine runs."""

    def __init__(
        self, name: str, send: Send, said: Said | None = None, names: Names = NAMES
    ) -> None:
        """Make it.

        Args:
            name: under which its position is kept.
            send: puts one record on a topic; raises CallFault.
            said: the topic of an event and what is said there; approvals by default.
            names: kinds and types of the events that it is asked of; no others are read.
        """
        self._name, self._send, self._said = name, send, said or approval_of
        self._names = names
        self._after: int | None = None
        self._kept = 0
        """Before `_after` by what has told nobody anything."""
        self.trouble = ""
        """Why nothing is published; empty while it is."""

    async def run(self, engine: Engine) -> None:
        """Publish until cancelled; brokers or a database that are away only delay it."""
        pause_s = POLL_S
        while True:
            try:
                while await self.publish(engine):
                    pause_s = POLL_S
                self.trouble, pause_s = "", POLL_S
            except CallFault as fault:
                self.trouble, pause_s = fault.code, min(2 * pause_s, AGAIN_S_MAX)
            except EngineError as error:
                self.trouble = error.code
            except Exception as crash:  # noqa: BLE001  # a bulkhead
                log_crash(log, "outbox crashed", crash)
                self.trouble, pause_s = "OUTBOX_CRASHED", AGAIN_S_MAX
            await trio.sleep(pause_s)

    async def publish(self, engine: Engine) -> bool:
        """Publish a page of the journal, and keep how far that was; whether there was one.

        Raises:
            CallFault: the brokers do not have all of it; what they have, and was not kept yet, comes again.
            EngineError: the database is away.
        """
        if self._after is None:
            kept = await engine.journal.documents(COLLECTION, (self._name,))
            self._after = self._kept = int(kept[self._name]["position"]) if kept else 0
        last = min(engine.journal.statistics().last_event, self._after + SPAN)
        if last <= self._after:
            return False
        page = await engine.journal.events_named(self._names, self._after, last, PAGE)
        for event in page:
            said = self._said(event)
            if said is not None:
                await self._send(said[0], event.address.key, said[1])
                await self._keep(engine, event.number)
            self._after = event.number
        self._after = self._after if len(page) == PAGE else last
        if self._after - self._kept >= PAGE:
            await self._keep(engine, self._after)
        return True

    async def _keep(self, engine: Engine, position: int) -> None:
        put = Put(COLLECTION, self._name, {"position": position})
        await engine.commit(Decision(_STATELESS, documents=(put,)))
        self._kept = position

    def __repr__(self) -> str:
        return f"<Outbox {self._name} {self.trouble or 'publishing'}>"
