"""The settings that bind the edge, compiled once into what the hot path needs.

The rule: no setting is parsed, no secret encoded and no network built while a request waits.
Source: spec.md S53, S54, S55, S62, X16, X28; interface.md 3 and 6.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from comptoir.actors.cutoffs import Cutoffs
from comptoir.actors.onboarding_day.terms import MeasureTerms
from comptoir.actors.sepa.pain001 import Debtor
from comptoir.engine.settings import Secret, Settings
from comptoir.engine.settings.client_types import CLIENT_TYPES
from comptoir.http import peers

__all__ = [
    "LINKABLE",
    "BatchRules",
    "EdgeRules",
    "LinkingRules",
    "PayoutRules",
    "StatementRules",
    "StepUpRules",
    "UploadRules",
    "WebhookRules",
    "payout_served",
]

SOURCES_REMEMBERED_MAX = 4096
"""Verdicts on source addresses kept, a few hundred bytes each: senders are few and repeat."""
FORWARDED_BYTES_REMEMBERED_MAX = 256
"""A longer X-Forwarded-For is judged each time: no caller shall fill the memory with one."""

LINKABLE = ("seed", "powens", "plaid", "tink")
"""Providers by which a card can be linked."""
Network = IPv4Network | IPv6Network
_PARIS = ZoneInfo("Europe/Paris")
_EVERYBODY = frozenset((IPv4Network("0.0.0.0/0"), IPv6Network("::/0")))


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
class LinkingRules:
    """What a card is linked by (S45, S48, S57)."""

    providers: frozenset[str] = frozenset()
    """Those that have an address."""
    redirect_uris: tuple[str, ...] = ()
    """Where a person may be sent in the end, to the letter."""
    session_ms: int = 600_000
    consent_days_max: int = 90
    return_secret: bool = False
    """Whether a session is completed only by who came back from the bank."""

    @classmethod
    def of(cls, settings: Settings) -> "LinkingRules":
        """Compile the settings."""
        connections = settings.connections
        return cls(
            frozenset(name for name in LINKABLE if getattr(settings.providers, name).base_url),
            connections.redirect_uris,
            connections.session_minutes * 60_000,
            connections.consent_days,
            connections.return_secret,
        )


def payout_served(settings: Settings) -> bool:
    """Whether there is anybody who would pay a withdrawal (X27): a start without whom batches are paid by is refused."""
    return settings.withdrawals.payout == "pain001" or bool(settings.providers.seed.base_url)


@dataclass(frozen=True, slots=True)
class PayoutRules:
    """What a withdrawal comes to (X21, X25), and what its person is asked first (E18)."""

    value_cents: int = 1
    currency: str = "EUR"
    fee_bp: int = 0
    settlement_ms: int = 14 * 86_400_000
    reference_prefix: str = "REWAPP-WD"
    minimum_points: int = 100
    quote_ms: int = 15 * 60_000
    confirm_unavailable: bool = False
    """Whether a person confirms, too, where whose account it is could not be checked."""
    served: bool = False
    """Whether there is anybody who pays."""

    @classmethod
    def of(cls, settings: Settings) -> "PayoutRules":
        """Compile the settings."""
        points, withdrawals = settings.points, settings.withdrawals
        return cls(
            points.value_cents,
            points.currency,
            withdrawals.fee_bp,
            withdrawals.settlement_days * 86_400_000,
            withdrawals.reference_prefix,
            points.minimum,
            withdrawals.quote_minutes * 60_000,
            withdrawals.confirm_unavailable,
            payout_served(settings),
        )


@dataclass(frozen=True, slots=True)
class BatchRules:
    """How batches of payouts are paid (X27)."""

    debtor: Debtor = field(default_factory=Debtor)
    cutoffs: Cutoffs = field(default_factory=Cutoffs)
    report_bytes_max: int = 16_777_216

    @classmethod
    def of(cls, settings: Settings) -> "BatchRules":
        """Compile the settings."""
        chosen = settings.payouts
        debtor = Debtor(chosen.debtor_name, chosen.debtor_iban, chosen.debtor_bic)
        return cls(debtor, Cutoffs.of(settings), chosen.report_bytes_max)


@dataclass(frozen=True, slots=True)
class StatementRules:
    """Where a month begins, and how much one document holds (S47)."""

    zone: ZoneInfo = _PARIS
    lines_max: int = 5_000
    pdf_timeout_s: float = 30.0
    pdfs_waiting_max: int = 8

    @classmethod
    def of(cls, settings: Settings) -> "StatementRules":
        """Compile the settings."""
        statements = settings.statements
        return cls(
            ZoneInfo(statements.time_zone),
            statements.lines_max,
            statements.pdf_timeout_s,
            statements.pdfs_waiting_max,
        )


@dataclass(frozen=True, slots=True)
class StepUpRules:
    """What operations that want more than any sign-in want (RFC 9470)."""

    mfa_acr: str = ""
    """The `acr` of two factors."""
    recent_s: int = 300

    @classmethod
    def of(cls, settings: Settings) -> "StepUpRules":
        """Compile the settings."""
        return cls(settings.auth.mfa_acr, settings.auth.step_up_minutes * 60)


@dataclass(frozen=True, slots=True)
class UploadRules:
    """What an upload to our folder may take of us (S12)."""

    uploads_max: int = 16
    per_address_max: int = 4
    patience_s: float = 10.0
    """What a sender may be late by, over the whole of it."""
    bytes_per_second_min: int = 16_384
    seconds_max: float = 3_600.0

    @classmethod
    def of(cls, settings: Settings) -> "UploadRules":
        """Compile the settings."""
        documents = settings.documents
        return cls(
            documents.uploads_max,
            documents.uploads_per_address_max,
            documents.upload_patience_s,
            documents.upload_bytes_per_second_min,
            documents.upload_seconds_max,
        )


@dataclass(frozen=True, slots=True)
class EdgeRules:
    """All of the edge's rules."""

    banking: WebhookRules
    powens: WebhookRules
    tink: WebhookRules
    kyc: WebhookRules
    docusign: WebhookRules
    docusign_account: str
    """Our account there; webhooks of any other are not ours."""
    allowed: tuple[Network, ...]
    """Source addresses that may send webhooks (S53)."""
    api_allowed: tuple[Network, ...]
    """Source addresses that may call everything else (S62)."""
    trusted_proxies: tuple[Network, ...]
    """Peers that may speak X-Forwarded-For (X28)."""
    cors_origins: tuple[str, ...]
    """Pages of these origins may call the API from a browser."""
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
    linking: LinkingRules = LinkingRules()
    payouts: PayoutRules = PayoutRules()
    batches: BatchRules = BatchRules()
    statements: StatementRules = StatementRules()
    step_up: StepUpRules = StepUpRules()
    uploads: UploadRules = UploadRules()
    notices_language: Literal["fr", "en"] = "fr"
    """Of whoever has chosen none (S44)."""
    notices_time_zone: str = "Europe/Paris"
    """Likewise."""
    webhooks_here: bool = False
    """Whether webhooks may be sent to this machine (S33): for development."""
    lists: tuple[str, ...] = ()
    """Watch lists, by their names (S21)."""
    measures: MeasureTerms = field(default_factory=MeasureTerms)
    """What is measured of onboarding, and against what (S26, S39)."""
    file_prefix: str = "ONB"
    """What a file's number begins with (S9)."""
    code_page: str = "cp500"
    """In which the mainframe writes (S30)."""
    client_types: frozenset[str] = frozenset(CLIENT_TYPES)
    """What a file may be of (S1)."""
    objects_origin: str = ""
    """Where documents are uploaded to, if that is not ourselves: an origin."""
    partner_advisor: str = ""
    """Whose files those of partners are (S5)."""
    portal_links: bool = True
    """Whether a client may ask for another link by itself (X8)."""
    dead_letter_ms: int = 90 * 86_400_000
    """For how long a dead letter is kept, but for those that are held (X23)."""
    verify_bytes_max: int = 26_214_400
    """Of a PDF that anybody has verified (S28)."""
    replay_per_second_max: int = 50
    """The pace of a replay of many."""
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
        most = webhooks.body_bytes_max

        def of(sender: str, secrets: Sequence[Secret], bytes_max: int) -> WebhookRules:
            keys = tuple(secret.reveal().encode() for secret in secrets)
            return WebhookRules(sender, keys, webhooks.window_ms, bytes_max)

        return cls(
            banking=of("seed", webhooks.seed.secrets, most),
            powens=of("powens", webhooks.powens.secrets, webhooks.powens.body_bytes_max),
            tink=of("tink", webhooks.tink.secrets, most),
            kyc=of("kyc", webhooks.kyc.secrets, most),
            docusign=of("docusign", webhooks.docusign.secrets, most),
            docusign_account=settings.providers.docusign.account_id,
            allowed=webhooks.allowed_ips,
            api_allowed=http.allowed_ips,
            trusted_proxies=http.trusted_proxies,
            cors_origins=http.cors_origins,
            webhooks_per_minute_max=webhooks.rate_per_minute_max,
            api_body_bytes_max=http.body_bytes_max,
            requests_in_flight_max=http.requests_in_flight_max,
            page_items_default=http.page_items_default,
            page_items_max=http.page_items_max,
            retry_after_s=http.retry_after_s,
            loopback_only=loopback_only,
            dev_open=manual or loopback_only,
            clock_manual=manual,
            linking=LinkingRules.of(settings),
            payouts=PayoutRules.of(settings),
            batches=BatchRules.of(settings),
            statements=StatementRules.of(settings),
            step_up=StepUpRules.of(settings),
            uploads=UploadRules.of(settings),
            notices_language="en" if settings.notifications.language == "en" else "fr",
            notices_time_zone=settings.notifications.time_zone,
            webhooks_here=settings.outward.this_machine,
            lists=tuple(one.name for one in settings.screening.lists),
            measures=MeasureTerms.of(settings),
            file_prefix=settings.onboarding.number_prefix,
            code_page=settings.providers.mainframe.code_page,
            client_types=frozenset(settings.onboarding.types),
            objects_origin=_objects_origin(settings),
            partner_advisor=settings.onboarding.partner_advisor,
            portal_links=settings.onboarding.portal_links_max > 0,
            verify_bytes_max=settings.signing.verify_bytes_max,
            dead_letter_ms=settings.dead_letters.ttl_days * 86_400_000,
            replay_per_second_max=settings.dead_letters.replay_per_second_max,
        )

    def source(self, peer: str | None, forwarded: bytes | None) -> str | None:
        """The address that a webhook comes from if it is on the allow-list, else None (row 1)."""
        if forwarded is not None and len(forwarded) > FORWARDED_BYTES_REMEMBERED_MAX:
            return _source(self.allowed, self.trusted_proxies, peer, forwarded)
        return self._judge(peer, forwarded)

    def may_call(self, peer: str | None, headers: Sequence[tuple[bytes, bytes]]) -> bool:
        """Whether a request of the API comes from an address that may call it.

        Args:
            peer: the socket's other end; None where it has no IP address.
            headers: of the request, names in lower case.
        """
        if _EVERYBODY.issubset(self.api_allowed) or peers.is_loopback(peer, headers):
            return True
        forwarded = peers.forwarded_for(headers)
        return _source(self.api_allowed, self.trusted_proxies, peer, forwarded) is not None


def _objects_origin(settings: Settings) -> str:
    """Of the store of documents, where browsers send to it and not to us."""
    chosen = settings.documents
    if chosen.store != "s3":
        return ""
    place = urlsplit(chosen.s3.endpoint_url or f"https://s3.{chosen.s3.region}.amazonaws.com")
    return f"{place.scheme}://{place.netloc}"


def _source(
    allowed: tuple[Network, ...],
    trusted: tuple[Network, ...],
    peer: str | None,
    forwarded: bytes | None,
) -> str | None:
    """Judge one source (see `EdgeRules.source` and `EdgeRules.may_call`)."""
    address = peers.client(peer, forwarded, trusted)
    if address is None or not peers.within(address, allowed):
        return None
    return str(address)
