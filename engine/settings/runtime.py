"""Settings of the runtime: edge, storage, actors, retries, keys, time, logs.

Rule: a number that bounds the engine has its reason here or a spec line; nothing is unbounded.
Source: design.md 2 to 8, interface.md 2 and 3, S62 to S65.
"""

# ruff: noqa: RUF009 - rows are dataclasses.field calls by another name

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from comptoir.engine.settings.fields import Section, flag, integer, number, option, section
from comptoir.engine.settings.kinds import ChoiceKind, NumberKind, TextKind
from comptoir.engine.settings.kinds_made import (
    ListKind,
    MapKind,
    Network,
    NetworkKind,
    PathKind,
    SecretKind,
    UrlKind,
    database_url,
    key_32_bytes,
)
from comptoir.engine.settings.secret import DatabaseUrl, Secret

__all__ = [
    "Auth",
    "AuthExternal",
    "Breaker",
    "Breakers",
    "Clock",
    "DeadLetters",
    "Http",
    "Ingest",
    "Log",
    "Once",
    "Retry",
    "Runtime",
    "Storage",
    "Vault",
]

HOST = TextKind("a host name or an IP address", r"[A-Za-z0-9._:-]{1,253}")
DATABASE = SecretKind(
    "postgresql://user:password@host:port/database?sslmode=..., or an empty text",
    database_url,
    DatabaseUrl,
)
AES_KEY = SecretKind("the base64 of 32 bytes", key_32_bytes)
FILE = TextKind("a path, or an empty text", r".*")
PORT = (0, 65_535)
SECONDS = (0.001, 86_400.0)
LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@dataclass(frozen=True, slots=True)
class Http(Section):
    """The edge: hypercorn, every route of the API."""

    host: str = option("127.0.0.1", HOST, "Address to listen on.", "ours")
    port: int = integer(8080, "port", PORT, "Port to listen on; 0 takes any free one.", "ours")
    trusted_proxies: tuple[Network, ...] = option(
        (), ListKind(NetworkKind()),
        "Only these peers may speak X-Forwarded-For.", "X28", "addresses",
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
        "Limit for one authenticated caller; used by rate limits.", "S62",
    )  # fmt: skip
    rate_per_minute_anonymous: int = integer(
        100, "requests/min", (1, 10_000_000),
        "Limit for one anonymous address; failed webhook signatures count too; "
        "used by rate limits.", "S62",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ingest(Section):
    """The webhook lane: a listener of its own beside hypercorn."""

    enabled: bool = flag(True, "Whether the lane is opened.", "ours")
    host: str = option("127.0.0.1", HOST, "Address to listen on.", "ours")
    port: int = integer(8081, "port", PORT, "Port to listen on; 0 takes any free one.", "ours")
    tls_certificate: str = option(
        "", FILE,
        "PEM file of the certificate and its chain; empty = plain HTTP. TLS 1.3 only.", "S62",
    )  # fmt: skip
    tls_key: str = option("", FILE, "PEM file of the certificate's key.", "S62")
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


@dataclass(frozen=True, slots=True)
class Storage(Section):
    """PostgreSQL: the embedded server by default, another one by its address."""

    url: DatabaseUrl = option(
        DatabaseUrl(""), DATABASE,
        "Server to use; empty = the embedded one. Beyond loopback or a unix socket, "
        "sslmode=verify-full is required.", "S62",
    )  # fmt: skip
    data_dir: Path = option(
        Path(".comptoir"), PathKind(),
        "Folder of the embedded database, objects, keys and logs.", "ours",
    )  # fmt: skip
    start_timeout_s: float = number(
        60.0, "s", SECONDS,
        "Wait for the database at start, recovery included; then exit 3.", "ours",
    )  # fmt: skip
    pool_connections_max: int = integer(
        4, "connections", (1, 100), "Connections for reading and loading.", "ours"
    )
    batch_decisions_max: int = integer(
        256, "decisions", (1, 4_096),
        "Decisions that one transaction writes (group commit).", "ours",
    )  # fmt: skip
    statement_timeout_s: float = number(
        30.0, "s", SECONDS,
        "Longest wait for one statement; then its connection is given up.", "ours",
    )  # fmt: skip
    reconnect_interval_s: float = number(
        0.5, "s", SECONDS, "Longest pause between attempts to reconnect.", "ours"
    )
    lease_s: float = number(
        5.0, "s", SECONDS,
        "Silence of the writing daemon after which a standby takes over.", "S71, ours",
    )  # fmt: skip
    standby_poll_s: float = number(
        0.5, "s", SECONDS, "Pause between a standby's looks at the writing daemon.", "S71, ours"
    )


@dataclass(frozen=True, slots=True)
class Runtime(Section):
    """The runtime: mailboxes, resident actors, supervision, deadlines."""

    mailbox_messages_max: int = integer(
        64, "messages", (1, 65_536),
        "Messages that wait for one actor; beyond it Overloaded, 503.", "ours",
    )  # fmt: skip
    run_messages_max: int = integer(
        32, "messages", (1, 4_096),
        "Queued messages that a busy actor decides together.", "ours",
    )  # fmt: skip
    pending_rows_max: int = integer(
        1_000, "rows", (1, 1_000_000),
        "Messages pending in the database for one address; beyond it Overloaded.",
        "ours",
    )  # fmt: skip
    resident_actors_max: int = integer(
        20_000, "actors", (1, 10_000_000),
        "Actors of one kind in memory (about 8 KiB each); the longest idle leave first.",
        "ours",
    )  # fmt: skip
    idle_s: float = number(
        300.0, "s", SECONDS, "Idle time after which an actor leaves memory.", "ours"
    )
    restart_intensity: int = integer(
        5, "restarts", (0, 1_000),
        "Restarts of one actor within the period before it is suspended.", "ours",
    )  # fmt: skip
    restart_period_s: float = number(
        30.0, "s", SECONDS, "Period in which restarts are counted.", "ours"
    )
    ask_timeout_s: float = number(
        10.0, "s", SECONDS, "Longest wait for an answer of an actor.", "ours"
    )
    stop_timeout_s: float = number(10.0, "s", SECONDS, "Longest graceful stop.", "ours")
    sweep_interval_s: float = number(
        5.0, "s", SECONDS,
        "Pause between sweeps for due rows that no mailbox holds.", "ours",
    )  # fmt: skip
    sweep_rows_max: int = integer(1_000, "rows", (1, 100_000), "Rows that one sweep takes.", "ours")


@dataclass(frozen=True, slots=True)
class Retry(Section):
    """Jobs and calls to outside parties: one first run, then re-tries, then a dead letter."""

    retries_max: int = integer(
        3, "re-tries", (0, 20),
        "Re-tries after the first run: the source's 3 tries are 3 delays.", "S63, X18",
    )  # fmt: skip
    delays_s: tuple[float, ...] = option(
        (1.0, 2.0, 4.0), ListKind(NumberKind(*SECONDS), 1, 20, repeats=True),
        "Delay before each re-try; the last one serves any further.", "S63, X18", "s",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Breaker(Section):
    """One circuit breaker. An open one parks work without burning attempts (X18, E5)."""

    errors: int = integer(
        5, "errors", (1, 100_000), "Errors within the window that open it.", "S65"
    )
    window_s: float = number(10.0, "s", SECONDS, "Window in which errors are counted.", "S65")
    recovery_s: float = number(30.0, "s", SECONDS, "Time open before a probe is let by.", "S65")
    release_per_second_max: int = integer(
        50, "messages/s", (1, 100_000), "Pace at which parked work is released.", "E5, ours"
    )


@dataclass(frozen=True, slots=True)
class Breakers(Section):
    """Circuit breakers; a party without one of its own takes `default`, which has Powens's."""

    default: Breaker = section(Breaker)
    powens: Breaker = section(Breaker)
    points: Breaker = section(lambda: Breaker(errors=10, window_s=10.0, recovery_s=15.0))
    notifications: Breaker = section(lambda: Breaker(errors=20, window_s=10.0, recovery_s=10.0))


@dataclass(frozen=True, slots=True)
class Once(Section):
    """How long it is remembered that something happened, so that it happens only once."""

    transaction_days: int = integer(
        1_095, "days", (1, 36_500),
        "A provider's transaction taken; as long as the transaction is kept.", "X16, S60",
    )  # fmt: skip
    unmatched_days: int = integer(
        30, "days", (1, 36_500),
        "Keyed digest of an unmatched transaction; as long as a claim looks back.", "X23",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class DeadLetters(Section):
    """Messages that were given up, sealed, with their reason (S64)."""

    ttl_days: int = integer(
        90, "days", (1, 3_650),
        "Time after which a dead letter is deleted, unless it is held for a person.", "X23, ours",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Vault(Section):
    """Keys that seal personal data and tokens (AES-256-GCM)."""

    keys: Mapping[str, Secret] = option(
        MappingProxyType({}), MapKind(AES_KEY, 100),
        "Keys by version, the first one seals; empty = made at first start in the data folder, "
        "mode 0600.", "S45, S59, X14", "base64 of 32 bytes",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class AuthExternal(Section):
    """An identity provider other than the embedded one; used by tokens."""

    issuer: str = option("", UrlKind(), "Issuer (OIDC) to trust; empty = the embedded one.", "S34")


@dataclass(frozen=True, slots=True)
class Auth(Section):
    """Who may call the API."""

    mode: Literal["loopback", "on"] = option(
        "loopback", ChoiceKind(("loopback", "on")),
        "loopback: no tokens, binds loopback only. on: OAuth 2.0; used by tokens.", "S34",
    )  # fmt: skip
    issuer: str = option(
        "", UrlKind(), "Issuer of our tokens; empty = the HTTP address; used by tokens.", "S34"
    )
    access_token_minutes: int = integer(
        15, "minutes", (1, 1_440), "Life of an access token; used by tokens.", "S34, S62"
    )
    refresh_token_days: int = integer(
        7, "days", (1, 365), "Life of a refresh token; used by tokens.", "S34"
    )
    dev_tokens: bool = flag(
        True, "Allow `comptoir token`; refused beyond loopback; used by tokens.", "S34, ours"
    )
    external: AuthExternal = section(AuthExternal)


@dataclass(frozen=True, slots=True)
class Clock(Section):
    """Business time: timers, expiries, windows."""

    mode: Literal["wall", "manual"] = option(
        "wall", ChoiceKind(("wall", "manual")),
        "manual: tests move it over HTTP; loopback only.", "ours",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Log(Section):
    """The log on standard error."""

    format: Literal["json", "text"] = option(
        "json", ChoiceKind(("json", "text")), "Form of a log line.", "S72"
    )
    level: Literal["debug", "info", "warning", "error"] = option(
        "info", ChoiceKind(("debug", "info", "warning", "error")), "Least level written.", "ours"
    )
