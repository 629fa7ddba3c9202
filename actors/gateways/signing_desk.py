"""Where a client signs on the page of whoever has contracts signed: its address is asked for while they wait.

Rules:
- the address lets whoever has it sign in the client's name, once, for five minutes: so it is in no message, row or event,
  is not kept, and leaves this daemon in the one answer to its client; hence this desk beside the gateway, whose answers are rows;
- asking changes nothing, and is not tried again by itself: the client presses the button once more;
- a call has a deadline, stands behind a breaker of its own, and so many are in flight at once; of one envelope there are so many
  addresses in a time, since each of them is a call that its provider counts; what it did not answer counts for none.

Times are I/O time. Source: DocuSign's OpenAPI document (EnvelopeViews: createRecipient); spec.md S28, S36, S62, S65; docs/docusign.md.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

import msgspec
import structlog
import trio

from comptoir.actors.signature.messages import Signer
from comptoir.engine.breaker import Breaker
from comptoir.engine.gateway_spec import CallFault, GatewayBounds

__all__ = [
    "ADDRESSES_MAX", "AWAY", "ELSEWHERE", "LIFE_MS", "TOO_OFTEN", "SigningDesk", "SigningPlace", "SigningView", "Views",
]  # fmt: skip

ADDRESSES_MAX: Final = 10
ADDRESSES_S: Final = 600.0
ENVELOPES_MAX: Final = 8_192
"""Remembered; the one that was silent longest is forgotten."""
LIFE_MS: Final = 300_000
"""Of an address, as DocuSign documents it."""
AWAY: Final = "SIGNING_UNAVAILABLE"
ELSEWHERE: Final = "SIGNATURE_ELSEWHERE"
"""It is not signed on a page that one is sent to from here."""
TOO_OFTEN: Final = "RATE_LIMITED"

_log = structlog.stdlib.get_logger("comptoir.gateways.signing")


class SigningPlace(msgspec.Struct, frozen=True):
    """What an address is asked for with."""

    envelope_id: str
    signer: Signer
    return_url: str
    """Of ours: where the client is sent when they are done, with a word that proves nothing (`event`)."""
    authenticated_at: int
    """When we have let them in: ms since 1970, by the wall's clock."""


class SigningView(msgspec.Struct, frozen=True):
    """Where a person signs: good once, and for five minutes."""

    url: str

    def __repr__(self) -> str:
        return "<SigningView>"


class Views(Protocol):
    """A provider that has such pages."""

    async def view(self, place: SigningPlace, /) -> SigningView:
        """Ask once.

        Raises:
            CallFault: there is no address.
        """
        ...


class SigningDesk:
    """Where addresses are asked for."""

    def __init__(
        self,
        provider: Views | None,
        bounds: GatewayBounds,
        count: Callable[[str], None],
        now: Callable[[], float] = trio.current_time,
    ) -> None:
        """Open it.

        Args:
            provider: whom to ask; None: nobody is signed for from here.
            bounds: deadline, calls at once, breaker.
            count: hears `given`, or the code of why there is none.
            now: I/O time, s.
        """
        self._provider, self._bounds, self._count, self._now = provider, bounds, count, now
        self._breaker = Breaker("signing_views", bounds.breaker)
        self._in_flight = 0
        self._asked: OrderedDict[str, deque[float]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<SigningDesk {self._breaker!r} {self._in_flight} in flight>"

    @property
    def is_open(self) -> bool:
        """Whether anybody is sent from here to where they sign."""
        return self._provider is not None

    async def address(self, place: SigningPlace) -> SigningView:
        """Where its client signs.

        Raises:
            CallFault: ELSEWHERE, TOO_OFTEN (with `wait_ms`), or AWAY.
        """
        try:
            view = await self._asked_for(place)
        except CallFault as fault:
            self._count(fault.code)
            raise
        self._count("given")
        return view

    async def _asked_for(self, place: SigningPlace) -> SigningView:
        if self._provider is None:
            raise CallFault(ELSEWHERE, retryable=False, sick=False)
        times = self._times(place.envelope_id)
        if self._in_flight >= self._bounds.calls_max or not self._breaker.permits(self._now_ms()):
            raise CallFault(AWAY, retryable=True)
        view: SigningView | None = None
        fault = CallFault("CALL_TIMEOUT", retryable=True)
        began = self._now()
        times.append(began)
        self._in_flight += 1
        try:
            with trio.move_on_after(self._bounds.deadline_s):
                try:
                    view = await self._provider.view(place)
                except CallFault as raised:
                    fault = raised
        finally:
            self._in_flight -= 1
        if view is not None or not fault.sick:
            self._breaker.succeeded(self._now_ms())  # it answered, if not as we wished
        else:
            self._breaker.failed(self._now_ms())
            with suppress(ValueError):  # others have pushed it out
                times.remove(began)  # it was not there: nobody was given anything
        if view is None:
            _log.warning("signing_address_not_had", code=fault.code)
            raise CallFault(fault.code if fault.code == ELSEWHERE else AWAY, retryable=True)
        return view

    def _times(self, envelope_id: str) -> deque[float]:
        """When this envelope was asked for, if it may have one more address.

        Raises:
            CallFault: TOO_OFTEN.
        """
        now = self._now()
        times = self._asked.pop(envelope_id, None) or deque[float](maxlen=ADDRESSES_MAX)
        self._asked[envelope_id] = times
        if len(self._asked) > ENVELOPES_MAX:
            self._asked.popitem(last=False)
        if len(times) == ADDRESSES_MAX and now - times[0] < ADDRESSES_S:
            wait_ms = max(1, round((times[0] + ADDRESSES_S - now) * 1000))
            raise CallFault(TOO_OFTEN, retryable=True, sick=False, wait_ms=wait_ms)
        return times

    def _now_ms(self) -> int:
        return round(self._now() * 1000)
