"""Settings of the two listeners: the edge, which has everything, and the webhook lane.

Rule: what is said of both is said by one function.
Source: interface.md 2, 3 and 6; S35, S37, S53, S62, X28.
"""

from dataclasses import dataclass
from ipaddress import ip_network
from typing import Literal

from comptoir.engine.settings.fields import Section, flag, integer, number, option
from comptoir.engine.settings.kinds import ChoiceKind, TextKind
from comptoir.engine.settings.kinds_made import ListKind, Network, NetworkKind

__all__ = ["LOOPBACK", "Http", "Ingest"]

HOST = TextKind("a host name or an IP address", r"[A-Za-z0-9._:-]{1,253}")
ORIGIN = TextKind(
    "an origin: scheme, host, port if not the usual one, nothing after it",
    r"https://[a-z0-9.-]{1,253}(:[0-9]{1,5})?|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?",
)
FILE = TextKind("a path, or an empty text", r".*")
PORT = (0, 65_535)
SECONDS = (0.001, 86_400.0)
LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
EVERYBODY: tuple[Network, ...] = (ip_network("0.0.0.0/0"), ip_network("::/0"))


def _certificate() -> str:
    return option(
        "", FILE,
        "PEM file of the certificate and its chain; empty = plain HTTP. TLS 1.3 only; read again "
        "when it changes, and on SIGHUP.", "S35, S62",
    )  # fmt: skip


def _key() -> str:
    return option(
        "", FILE, "PEM file of the certificate's key, which others may not read.", "S35, S62"
    )


def _client_ca() -> str:
    return option(
        "", FILE,
        "PEM file of authorities: every caller must show a certificate of theirs, before anything "
        "is read from it; empty = none is asked for.", "S62, ours",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Http(Section):
    """The edge: hypercorn, every route of the API."""

    host: str = option("127.0.0.1", HOST, "Address to listen on.", "ours")
    port: int = integer(8080, "port", PORT, "Port to listen on; 0 takes any free one.", "ours")
    tls_certificate: str = _certificate()
    tls_key: str = _key()
    tls_client_ca: str = _client_ca()
    trusted_proxies: tuple[Network, ...] = option(
        (), ListKind(NetworkKind()),
        "Only these peers may speak X-Forwarded-For.", "X28", "addresses",
    )  # fmt: skip
    allowed_ips: tuple[Network, ...] = option(
        EVERYBODY, ListKind(NetworkKind(), least=1),
        "Source addresses that may call the API; webhooks have their own list. Health, and what comes "
        "from this machine itself, is answered all the same.", "S62", "addresses",
    )  # fmt: skip
    body_bytes_max: int = integer(
        65_536, "bytes", (1_024, 67_108_864),
        "Largest body of an API request; webhooks have their own bound.", "ours",
    )  # fmt: skip
    requests_in_flight_max: int = integer(
        1_024, "requests", (1, 100_000),
        "Requests worked on at once; beyond it 503 OVERLOADED.", "ours",
    )  # fmt: skip
    retry_after_s: int = integer(1, "s", (1, 3_600), "Retry-After of a 503.", "ours")
    page_items_default: int = integer(
        50, "items", (1, 500), "Items of a list without ?limit=.", "ours"
    )
    page_items_max: int = integer(500, "items", (1, 10_000), "Largest ?limit= of a list.", "ours")
    rate_per_minute_authenticated: int = integer(
        1_000, "requests/min", (1, 10_000_000),
        "Limit for one authenticated caller, in any sixty seconds.", "S62",
    )  # fmt: skip
    rate_per_minute_anonymous: int = integer(
        100, "requests/min", (1, 10_000_000),
        "Limit for one anonymous address, in any sixty seconds; failed webhook signatures count too.",
        "S62",
    )  # fmt: skip
    rate_limits: Literal["auto", "on", "off"] = option(
        "auto", ChoiceKind(("auto", "on", "off")),
        "Whether those limits hold; auto: where auth.mode is on. Without accounts every caller is "
        "this machine, and imports, tests and the demo go at full speed.", "S62, ours",
    )  # fmt: skip
    cors_origins: tuple[str, ...] = option(
        (), ListKind(ORIGIN, most=100),
        "Origins whose pages may call /api/ from a browser, such as https://app.example; no other may.",
        "S37, ours", "origins",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ingest(Section):
    """The webhook lane: a listener of its own beside hypercorn."""

    enabled: bool = flag(True, "Whether the lane is opened.", "ours")
    host: str = option("127.0.0.1", HOST, "Address to listen on.", "ours")
    port: int = integer(8081, "port", PORT, "Port to listen on; 0 takes any free one.", "ours")
    tls_certificate: str = _certificate()
    tls_key: str = _key()
    tls_client_ca: str = _client_ca()
    connections_max: int = integer(
        2_048, "connections", (1, 65_536),
        "Connections held, where descriptors allow; one more takes the place of one that keeps us "
        "waiting, or hears 503.", "ours",
    )  # fmt: skip
    connections_per_address_max: int = integer(
        1_024, "connections", (0, 65_536),
        "Of one address, http.trusted_proxies excepted; 0 = no bound of its own.", "ours",
    )  # fmt: skip
    silent_s: float = number(
        10.0, "s", SECONDS, "Wait for the first byte of a new connection.", "ours"
    )
    idle_s: float = number(30.0, "s", SECONDS, "Wait for the next request on a connection.", "ours")
    header_s: float = number(
        10.0, "s", SECONDS, "Longest time from a request's first byte to the end of its header.",
        "ours",
    )  # fmt: skip
    body_s: float = number(
        20.0, "s", SECONDS, "Longest time from a request's header to the end of its body.", "ours"
    )
