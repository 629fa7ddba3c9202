"""Settings of the runtime: storage, actors, retries, keys, time, logs.

Rule: a number that bounds the engine has its reason here or a spec line; nothing is unbounded.
Source: design.md 2 to 8, interface.md 2 and 3, S62 to S65.
"""

# ruff: noqa: RUF009 - rows are dataclasses.field calls by another name

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from comptoir.engine.settings.fields import Section, flag, integer, number, option, section
from comptoir.engine.settings.kinds import ChoiceKind, NumberKind, TextKind
from comptoir.engine.settings.kinds_made import (
    ListKind,
    MapKind,
    PathKind,
    SecretKind,
    UrlKind,
    database_url,
)
from comptoir.engine.settings.secret import DatabaseUrl

__all__ = [
    "MAIL_ADDRESS",
    "REDIRECT",
    "Auth",
    "AuthExternal",
    "Breaker",
    "Breakers",
    "Clock",
    "DeadLetters",
    "Log",
    "Once",
    "Retry",
    "Runtime",
    "Storage",
]

DATABASE = SecretKind(
    "postgresql://user:password@host:port/database?sslmode=..., or an empty text",
    database_url,
    DatabaseUrl,
)
REDIRECT = TextKind(
    "an address that a browser goes to: https, http on this machine, or a scheme of the program's own "
    "with a dot in it; no fragment",
    r"(https://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?"
    r"|[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:)(/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?"
    r"(\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?",
)
AUDIENCE = TextKind("1 to 255 printable characters", r".{1,255}")
CLIENT = TextKind("the id of a client", r"[A-Za-z0-9_.-]{1,64}")
CONTEXT = TextKind(
    "1 to 255 printable ASCII characters without space, quote and backslash",
    r"[\x21\x23-\x5b\x5d-\x7e]{1,255}",
)
CLAIM = TextKind("a claim's name of up to 255 characters, or a JSON pointer", r".{1,255}")
SECONDS = (0.001, 86_400.0)
MAIL_ADDRESS = r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,189}"


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
    """Circuit breakers; a party without one of its own takes `default`, which has Powens's.

    `kyc` is each one's who knows about people (S21). It opens before the tries of a single question are used up
    (S63), also where each of them takes its whole deadline: so an outage parks a file, and never ends its question. `bus` (Kafka) likewise: an outage parks a command.
    """

    default: Breaker = section(Breaker)
    powens: Breaker = section(Breaker)
    points: Breaker = section(lambda: Breaker(errors=10, window_s=10.0, recovery_s=15.0))
    notifications: Breaker = section(lambda: Breaker(errors=20, window_s=10.0, recovery_s=10.0))
    kyc: Breaker = section(lambda: Breaker(errors=3, window_s=60.0, recovery_s=30.0))
    bus: Breaker = section(lambda: Breaker(errors=3, window_s=60.0, recovery_s=5.0))


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
    replay_per_second_max: int = integer(
        50, "messages/s", (1, 100_000), "Pace at which many are replayed at once.", "E14, ours"
    )
    report_to: str = option(
        "", TextKind("a mail address, or an empty text", rf"({MAIL_ADDRESS})?"),
        "Where the daily report of dlq:transactions is sent; empty = none is made.", "S64, S68",
    )  # fmt: skip
    report_hour: int = integer(
        6, "hour (UTC)", (0, 23), "When the daily report is made.", "S64, ours"
    )


@dataclass(frozen=True, slots=True)
class AuthExternal(Section):
    """An OpenID provider whose access tokens are taken beside our own."""

    issuer: str = option(
        "", UrlKind(), "Issuer (OIDC) to trust, exactly as it names itself; https, but for loopback; "
        "empty = none.", "S34",
    )  # fmt: skip
    audience: str = option("comptoir", AUDIENCE, "What `aud` of its tokens must name.", "S34")
    roles_claim: str = option(
        "roles", CLAIM, "Claim that lists the roles: its name, or a JSON pointer such as "
        "/realm_access/roles; words that are no roles here grant nothing.", "S34, ours",
    )  # fmt: skip
    token_type: Literal["rfc9068", "lenient"] = option(
        "rfc9068", ChoiceKind(("rfc9068", "lenient")),
        "rfc9068: `typ` is at+jwt. lenient: it may be missing or JWT; then see to it that its ID "
        "tokens never name the audience.", "ours",
    )  # fmt: skip
    timeout_s: float = number(
        5.0, "seconds", (0.1, 60.0), "For one answer of the provider.", "ours"
    )
    keys_refresh_s: float = number(
        900.0, "seconds", (1.0, 86_400.0), "Age at which its keys are fetched again.", "ours"
    )
    keys_retry_s: float = number(
        10.0, "seconds", (1.0, 3_600.0), "Least time between two fetches, whoever asks for a key "
        "that is not known.", "ours",
    )  # fmt: skip
    keys_stale_s: float = number(
        86_400.0, "seconds", (1.0, 604_800.0), "Age up to which its keys verify while it is away.",
        "ours",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Auth(Section):
    """Who may call the API."""

    mode: Literal["on", "loopback"] = option(
        "on", ChoiceKind(("on", "loopback")),
        "on: the API wants access tokens. loopback: none, for a daemon inside a test; binds loopback "
        "only.", "S34",
    )  # fmt: skip
    issuer: str = option("", UrlKind(), "Issuer of our tokens; empty = the HTTP address.", "S34")
    access_token_minutes: int = integer(
        15, "minutes", (1, 1_440), "Life of an access token of ours.", "S34, S62"
    )
    refresh_token_days: int = integer(
        7, "days", (1, 365), "Life of a refresh token; used by the authorization server.", "S34"
    )
    signing_key_days: int = integer(
        90,
        "days",
        (1, 3_650),
        "Age at which a start makes a new key to sign our tokens with.",
        "ours",
    )
    clients: Mapping[str, tuple[str, ...]] = option(
        MappingProxyType({}), MapKind(ListKind(REDIRECT, 1, 10), 100),
        "Programs that people sign in through, by client id: the addresses to which a code may be "
        "sent, to the letter. They are public (RFC 6749, 2.1): PKCE instead of a secret.", "S34",
    )  # fmt: skip
    first_party: tuple[str, ...] = option(
        (), ListKind(CLIENT, most=100),
        "Clients of auth.clients that are the house's own: people are not asked whether they may act for "
        "them; of any other they are.", "ours", "client ids",
    )  # fmt: skip
    mfa_acr: str = option(
        "http://schemas.openid.net/pape/policies/2007/06/multi-factor", CONTEXT,
        "What `acr` says of a sign-in with two factors, in our tokens and in those of auth.external; "
        "`mfa` in `amr` says the same.", "ours",
    )  # fmt: skip
    step_up_minutes: int = integer(
        5, "minutes", (1, 1_440), "How recent a sign-in the riskiest operations want.", "ours"
    )
    dev_tokens: bool = flag(True, "Allow `comptoir token`; refused beyond loopback.", "S34, ours")
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
