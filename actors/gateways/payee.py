"""Whether an account is in a name: asked of whose bank it is, while a person waits, before points are blocked (E18).

Rules:
- a check never stands in the way: what cannot be had within the deadline, through the breaker or beside the
  calls in flight is `unavailable`, which is an answer;
- nothing of it is kept here, and it has no row: it changes nothing, and a person who asks twice is answered
  twice (docs/adr/0042-a-quote-is-sealed-and-kept-by-its-person.md);
- the name that a bank has is told on a close match alone, as the scheme has it; and whoever asks more often
  than `CHECKS_MAX` times in `CHECKS_S` hears `unavailable`, since each question tries a name on an account.

Times are I/O time. Source: spec.md S46, E18, S65; Regulation (EU) 2024/886, article 5c; EPC218-23 (the scheme's
rulebook: match, close match, no match, verification check not possible).
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final, Protocol

import msgspec
import structlog
import trio

from comptoir.actors.withdrawal.messages import CLOSE_MATCH, UNAVAILABLE
from comptoir.engine.breaker import Breaker
from comptoir.engine.gateway_spec import CallFault, GatewayBounds

__all__ = ["PayeeAdapter", "PayeeDesk", "PayeeVerified", "VerifyPayee"]

CHECKS_MAX: Final = 30
CHECKS_S: Final = 3_600.0
ASKERS_MAX: Final = 8_192
"""Remembered; the longest silent is forgotten."""
NAME_CHARACTERS_MAX: Final = 140
"""Max140Text of ISO 20022."""

_log = structlog.stdlib.get_logger("comptoir.gateways.payee")


class VerifyPayee(msgspec.Struct, frozen=True):
    """Is this account in this name?"""

    iban: str
    """Electronic format."""
    name: str
    reference: bytes
    """16 bytes by which the party knows the question: the same where it is asked again."""
    at: int
    """Business time, ms."""


class PayeeVerified(msgspec.Struct, frozen=True):
    """What is known of it."""

    answer: str
    """MATCH, CLOSE_MATCH, NO_MATCH or UNAVAILABLE."""
    name: str = ""
    """The name that the bank has; on a close match alone."""


class PayeeAdapter(Protocol):
    """A way to ask."""

    async def verify(self, wanted: VerifyPayee) -> PayeeVerified:
        """Ask once.

        Raises:
            CallFault: no answer was had.
        """
        ...


NOT_KNOWN: Final = PayeeVerified(UNAVAILABLE)


class PayeeDesk:
    """Where payees are checked."""

    def __init__(
        self,
        adapter: PayeeAdapter | None,
        bounds: GatewayBounds,
        count: Callable[[str], None],
        now: Callable[[], float] = trio.current_time,
    ) -> None:
        """Open it.

        Args:
            adapter: whom to ask; None: there is nobody.
            bounds: deadline, calls at once, breaker.
            count: hears each answer.
            now: I/O time, s.
        """
        self._adapter, self._bounds, self._count, self._now = adapter, bounds, count, now
        self._breaker = Breaker("payee", bounds.breaker)
        self._in_flight = 0
        self._asked: OrderedDict[str, deque[float]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<PayeeDesk {self._breaker!r} {self._in_flight} in flight>"

    async def verify(self, wanted: VerifyPayee, asker: str) -> PayeeVerified:
        """Ask, once, within the deadline.

        Args:
            wanted: the question.
            asker: whose withdrawal it is for.
        """
        if self._adapter is None:
            found = NOT_KNOWN
        elif not self._admits(asker) or self._in_flight >= self._bounds.calls_max:
            _log.warning("payee_not_checked", code="CROWDED")
            found = NOT_KNOWN
        else:
            found = await self._ask(self._adapter, wanted)
        self._count(found.answer)
        return found

    async def _ask(self, adapter: PayeeAdapter, wanted: VerifyPayee) -> PayeeVerified:
        if not self._breaker.permits(self._now_ms()):
            return NOT_KNOWN
        found: PayeeVerified | None = None
        fault = CallFault("CALL_TIMEOUT", retryable=True)
        self._in_flight += 1
        try:
            with trio.move_on_after(self._bounds.deadline_s):
                try:
                    found = await adapter.verify(wanted)
                except CallFault as raised:
                    fault = raised
        finally:
            self._in_flight -= 1
        if found is not None:
            self._breaker.succeeded(self._now_ms())
            return _told(found)
        if fault.sick:
            self._breaker.failed(self._now_ms())
        else:
            self._breaker.succeeded(self._now_ms())  # it answered, if not as we wished
        _log.warning("payee_not_checked", code=fault.code)
        return NOT_KNOWN

    def _admits(self, asker: str) -> bool:
        """Whether this person has not asked too often."""
        now = self._now()
        times = self._asked.pop(asker, None) or deque[float](maxlen=CHECKS_MAX)
        self._asked[asker] = times
        if len(self._asked) > ASKERS_MAX:
            self._asked.popitem(last=False)
        if len(times) == CHECKS_MAX and now - times[0] < CHECKS_S:
            return False
        times.append(now)
        return True

    def _now_ms(self) -> int:
        return round(self._now() * 1000)


def _told(found: PayeeVerified) -> PayeeVerified:
    """What of an answer is told: a name on a close match alone, and one that can be shown."""
    name = found.name.strip()[:NAME_CHARACTERS_MAX]
    if found.answer != CLOSE_MATCH or not name.isprintable():
        name = ""
    return PayeeVerified(found.answer, name)
