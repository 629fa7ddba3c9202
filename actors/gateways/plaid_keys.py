"""The keys by which Plaid signs its webhooks: asked of Plaid once, and kept for a while.

Rules:
- a key is asked for by its `kid` when it is first named, and again when it has been kept for an hour: a key
  that Plaid has ended must be known as ended. While Plaid is away a kept one is good for a day in all;
- whoever can make us ask can make us ask much: those who wait for one key wait for one call, names that
  Plaid does not know are remembered, and new names are asked for at a bounded rate;
- every call has a deadline and stands behind a breaker, as the gateway's do, with the gateway's client.

Times are I/O time: it is Plaid's own keys that age here, not anybody's deadline.
Source: plaid.com/docs/api/webhooks/webhook-verification (caching, expired keys); spec.md S63, S65.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
import structlog
import trio

from comptoir.actors.gateways.plaid_api import PlaidApi, PlaidRefused
from comptoir.engine.breaker import Breaker
from comptoir.engine.gateway_spec import CallFault, GatewayBounds

__all__ = ["AWAY", "CROWDED", "KeySource", "PlaidKeys"]

AWAY: Final = "BANK_PROVIDER_UNAVAILABLE"
CROWDED: Final = "OVERLOADED"
KEYS_MAX: Final = 64
"""Kept: Plaid rotates a few a year, in each environment."""
UNKNOWN_MAX: Final = 1024
"""Names that Plaid does not know, remembered."""
FRESH_S: Final = 3600.0
STALE_S: Final = 86_400.0
UNKNOWN_S: Final = 600.0
RETRY_S: Final = 30.0
"""Between two askings after a kept key, while Plaid is away."""
NEW_NAMES_MAX: Final = 10
"""Of names that are not kept, asked for within `NEW_NAMES_S`."""
NEW_NAMES_S: Final = 60.0

_log = structlog.stdlib.get_logger("comptoir.gateways.plaid")


class _Key(msgspec.Struct, frozen=True):
    """As Plaid answers it."""

    alg: str
    crv: str
    kid: str
    kty: str
    use: str
    x: str
    y: str
    created_at: int
    expired_at: int | None


class _Found(msgspec.Struct, frozen=True):
    key: _Key


_FOUND: Final = msgspec.json.Decoder(_Found)


class KeySource(msgspec.Struct, frozen=True):
    """Where keys are asked for: one environment of Plaid, or one pair of credentials."""

    api: PlaidApi
    bounds: GatewayBounds


class _Kept(msgspec.Struct):
    """A key, when it was last confirmed, and when that was last asked for."""

    jwk: Mapping[str, object]
    at: float
    asked_at: float


class PlaidKeys:
    """The keys of all environments of one daemon."""

    def __init__(
        self, sources: Sequence[KeySource], now: Callable[[], float] = trio.current_time
    ) -> None:
        """Args: where to ask, in this order; seconds of I/O time."""
        self._sources = [
            (source, Breaker(f"plaid_keys_{number}", source.bounds.breaker))
            for number, source in enumerate(sources)
        ]
        self._now = now
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._unknown: OrderedDict[str, float] = OrderedDict()
        self._asked: deque[float] = deque(maxlen=NEW_NAMES_MAX)
        self._under_way: dict[str, trio.Event] = {}

    def __repr__(self) -> str:
        return f"<PlaidKeys {len(self._kept)} kept, {len(self._under_way)} asked for>"

    async def find(self, key_id: str) -> Mapping[str, object] | None:
        """The JSON Web Key of a `kid`, ended or not; None: Plaid has none, or there is no Plaid.

        Raises:
            CallFault: `AWAY` or `CROWDED`: it cannot be said now.
        """
        while key_id in self._under_way:
            await self._under_way[key_id].wait()
        kept, now = self._kept.get(key_id), self._now()
        if kept is not None and (
            now - kept.at < FRESH_S or (now - kept.asked_at < RETRY_S and now - kept.at < STALE_S)
        ):
            return kept.jwk
        if kept is None and now - self._unknown.get(key_id, -UNKNOWN_S) < UNKNOWN_S:
            return None
        if not self._sources:
            return None
        if kept is None:
            self._admit(now)
        else:
            kept.asked_at = now
        done = self._under_way[key_id] = trio.Event()
        try:
            return await self._ask(key_id, kept)
        finally:
            del self._under_way[key_id]
            done.set()

    def _admit(self, now: float) -> None:
        """Let a new name be asked for, within their rate.

        Raises:
            CallFault: `CROWDED`.
        """
        if len(self._asked) == NEW_NAMES_MAX and now - self._asked[0] < NEW_NAMES_S:
            raise CallFault(CROWDED, retryable=True, sick=False)
        self._asked.append(now)

    async def _ask(self, key_id: str, kept: _Kept | None) -> Mapping[str, object] | None:
        """Ask each source in turn; the first that knows it is right."""
        away = False
        for source, breaker in self._sources:
            try:
                jwk = await self._ask_one(source, breaker, key_id)
            except CallFault:
                away = True
                continue
            if jwk is not None:
                self._keep(key_id, jwk)
                return jwk
        if away:
            if kept is not None and self._now() - kept.at < STALE_S:
                return kept.jwk
            raise CallFault(AWAY, retryable=True)
        self._kept.pop(key_id, None)
        self._unknown[key_id] = self._now()
        if len(self._unknown) > UNKNOWN_MAX:
            self._unknown.popitem(last=False)
        return None

    async def _ask_one(
        self, source: KeySource, breaker: Breaker, key_id: str
    ) -> Mapping[str, object] | None:
        """One call, within its deadline; None: there is no such key there.

        Raises:
            CallFault: it did not go well, or the breaker is open.
        """
        now_ms = round(self._now() * 1000)
        if not breaker.permits(now_ms):
            raise CallFault(AWAY, retryable=True)
        found: Any = None
        fault: CallFault | None = CallFault(AWAY, retryable=True)
        with trio.move_on_after(source.bounds.deadline_s):
            try:
                found = await source.api.post(
                    "/webhook_verification_key/get", {"key_id": key_id}, _FOUND
                )
                fault = None
            except CallFault as raised:
                fault = raised
        if fault is None:
            breaker.succeeded(now_ms)
            jwk: dict[str, object] = msgspec.structs.asdict(found.key)
            return jwk if jwk["kid"] == key_id else None
        if not fault.sick and isinstance(fault, PlaidRefused) and not fault.retryable:
            breaker.succeeded(now_ms)
            return None
        if fault.sick:
            breaker.failed(now_ms)
        _log.warning("plaid_key_unavailable", code=fault.code)
        raise fault

    def _keep(self, key_id: str, jwk: Mapping[str, object]) -> None:
        self._kept.pop(key_id, None)
        self._unknown.pop(key_id, None)
        now = self._now()
        self._kept[key_id] = _Kept(jwk, now, now)
        if len(self._kept) > KEYS_MAX:
            self._kept.popitem(last=False)
