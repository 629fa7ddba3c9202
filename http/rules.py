"""The settings that bind the edge, compiled once into what the hot path needs.

The rule: no setting is parsed, no secret encoded and no network built while a request waits.
Source: spec.md S53, S54, S55, S62, X16, X28; interface.md 3 and 6.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network

from comptoir.engine.settings import Settings
from comptoir.http import peers

__all__ = ["EdgeRules", "WebhookRules"]

SOURCES_REMEMBERED_MAX = 4096
"""Verdicts on source addresses kept, a few hundred bytes each: senders are few and repeat."""
FORWARDED_BYTES_REMEMBERED_MAX = 256
"""A longer X-Forwarded-For is judged each time: no caller shall fill the memory with one."""

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class WebhookRules:
    """What a sender's webhook must fulfil."""

    provider: str
    """The name under which its transactions and connections are kept."""
    secrets: tuple[bytes, ...]
    """HMAC keys, any may match; none means that nothing can be signed (all refused)."""
    window_ms: int
    """Largest skew between the signed time and now, either way (X16)."""
    body_bytes_max: int


@dataclass(frozen=True, slots=True)
class EdgeRules:
    """All of the edge's rules."""

    banking: WebhookRules
    allowed: tuple[Network, ...]
    """Source addresses that may send webhooks (S53)."""
    trusted_proxies: tuple[Network, ...]
    """Peers that may speak X-Forwarded-For (X28)."""
    webhooks_per_minute_max: int
    """Per source address, 0 = none; failures of rows 1 and 3 of interface.md 6 count too."""
    api_body_bytes_max: int
    requests_in_flight_max: int
    page_items_default: int
    page_items_max: int
    retry_after_s: int
    loopback_only: bool
    """No tokens yet: the bind address must be loopback."""
    dev_open: bool
    """Whether /dev/v1/clock and /dev/v1/quiesce answer (interface.md 5 and 10)."""
    clock_manual: bool
    _judge: Callable[[str | None, bytes | None], str | None] = field(
        init=False, repr=False, compare=False
    )
    """`source`, remembered by peer and claim: hashing the networks as well costs two microseconds."""

    def __post_init__(self) -> None:
        """Bind the verdicts to these networks."""
        allowed, trusted = self.allowed, self.trusted_proxies

        def judge(peer: str | None, forwarded: bytes | None) -> str | None:
            return _source(allowed, trusted, peer, forwarded)

        object.__setattr__(self, "_judge", lru_cache(maxsize=SOURCES_REMEMBERED_MAX)(judge))

    @classmethod
    def of(cls, settings: Settings) -> "EdgeRules":
        """Compile the settings."""
        webhooks, http = settings.webhooks, settings.http
        loopback_only = settings.auth.mode == "loopback"
        manual = settings.clock.mode == "manual"
        secrets = tuple(secret.reveal().encode() for secret in webhooks.seed.secrets)
        return cls(
            banking=WebhookRules("seed", secrets, webhooks.window_ms, webhooks.body_bytes_max),
            allowed=webhooks.allowed_ips,
            trusted_proxies=http.trusted_proxies,
            webhooks_per_minute_max=webhooks.rate_per_minute_max,
            api_body_bytes_max=http.body_bytes_max,
            requests_in_flight_max=http.requests_in_flight_max,
            page_items_default=http.page_items_default,
            page_items_max=http.page_items_max,
            retry_after_s=http.retry_after_s,
            loopback_only=loopback_only,
            dev_open=manual or loopback_only,
            clock_manual=manual,
        )

    def source(self, peer: str | None, forwarded: bytes | None) -> str | None:
        """The address that a webhook comes from if it is on the allow-list, else None (row 1)."""
        if forwarded is not None and len(forwarded) > FORWARDED_BYTES_REMEMBERED_MAX:
            return _source(self.allowed, self.trusted_proxies, peer, forwarded)
        return self._judge(peer, forwarded)


def _source(
    allowed: tuple[Network, ...],
    trusted: tuple[Network, ...],
    peer: str | None,
    forwarded: bytes | None,
) -> str | None:
    """Judge one source (see `EdgeRules.source`)."""
    address = peers.client(peer, forwarded, trusted)
    if address is None or not peers.within(address, allowed):
        return None
    return str(address)
