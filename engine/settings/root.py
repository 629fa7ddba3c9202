"""The whole of the settings, and what a start checks.

Rule: a `Settings` that exists is right by itself and in itself: each value within its range, the
rules between values kept. Only what depends on the occasion (secrets, the demo) waits for
`check_start`.
Source: interface.md 3 and 11; design.md 1.
"""

# ruff: noqa: RUF009 - rows are dataclasses.field calls by another name

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from types import MappingProxyType

from comptoir.engine.settings import rules, rules_of_parties
from comptoir.engine.settings.cashback import (
    Connections,
    Merchants,
    Points,
    Webhooks,
    Withdrawals,
)
from comptoir.engine.settings.client_types import client_type_problems
from comptoir.engine.settings.documents import Documents, document_problems
from comptoir.engine.settings.fields import Section, rebuilt, section
from comptoir.engine.settings.kafka import Kafka, kafka_problems
from comptoir.engine.settings.kyc import Kyc
from comptoir.engine.settings.listeners import Http, Ingest
from comptoir.engine.settings.load import read
from comptoir.engine.settings.notices import Notifications
from comptoir.engine.settings.onboarding import CoreBanking, Measures, Onboarding, Scoring
from comptoir.engine.settings.outward import Outward, outward_problems
from comptoir.engine.settings.payouts import Payouts, payout_problems
from comptoir.engine.settings.problems import Problem, SettingsError
from comptoir.engine.settings.providers import Providers
from comptoir.engine.settings.runtime import (
    Auth,
    Breakers,
    Clock,
    DeadLetters,
    Log,
    Once,
    Retry,
    Runtime,
    Storage,
)
from comptoir.engine.settings.screening import Screening, screening_problems
from comptoir.engine.settings.signing import Signing, signing_problems
from comptoir.engine.settings.statements import Statements, statement_problems
from comptoir.engine.settings.upkeep import Alerts, Retention, Targets
from comptoir.engine.settings.vault import Vault

__all__ = ["Settings", "check_start"]

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Settings(Section):
    """Every setting. `Settings()` has the built-in defaults, equal to the shipped config.toml."""

    http: Http = section(Http)
    ingest: Ingest = section(Ingest)
    storage: Storage = section(Storage)
    engine: Runtime = section(Runtime)
    retry: Retry = section(Retry)
    breakers: Breakers = section(Breakers)
    once: Once = section(Once)
    dead_letters: DeadLetters = section(DeadLetters)
    vault: Vault = section(Vault)
    auth: Auth = section(Auth)
    clock: Clock = section(Clock)
    log: Log = section(Log)
    webhooks: Webhooks = section(Webhooks)
    points: Points = section(Points)
    merchants: Merchants = section(Merchants)
    connections: Connections = section(Connections)
    withdrawals: Withdrawals = section(Withdrawals)
    payouts: Payouts = section(Payouts)
    statements: Statements = section(Statements)
    notifications: Notifications = section(Notifications)
    providers: Providers = section(Providers)
    onboarding: Onboarding = section(Onboarding)
    documents: Documents = section(Documents)
    screening: Screening = section(Screening)
    scoring: Scoring = section(Scoring)
    kyc: Kyc = section(Kyc)
    signing: Signing = section(Signing)
    measures: Measures = section(Measures)
    core_banking: CoreBanking = section(CoreBanking)
    kafka: Kafka = section(Kafka)
    outward: Outward = section(Outward)
    retention: Retention = section(Retention)
    alerts: Alerts = section(Alerts)
    targets: Targets = section(Targets)
    origins: Mapping[str, str] = field(
        default_factory=lambda: _NOTHING, compare=False, repr=False, kw_only=True
    )
    """Where each value that is not a default came from, by dotted key; never a value."""

    def __post_init__(self) -> None:
        """Hold the rules between settings.

        Raises:
            SettingsError: with every rule that is broken.
        """
        problems = tuple(self._problems())
        if problems:
            raise SettingsError(problems)

    def _problems(self) -> chain[Problem]:
        """Collect the broken rules."""
        return chain(
            rules.bind_problems(self.http, self.ingest, self.auth, self.clock),
            rules.issuer_problems(self.auth),
            rules.tls_problems(self.http, self.ingest),
            rules.page_problems(self.http),
            rules.storage_problems(self.storage),
            rules.vault_problems(self.vault, self.storage),
            rules_of_parties.party_problems(self.providers),
            rules_of_parties.mainframe_problems(
                self.providers.mainframe, self.onboarding.number_prefix
            ),
            rules_of_parties.environment_problems(self.webhooks),
            rules.points_problems(self.points),
            rules_of_parties.zone_problems(self.notifications),
            rules.scoring_problems(self.scoring),
            document_problems(self.documents),
            client_type_problems(self.onboarding.types),
            screening_problems(self.screening),
            payout_problems(self.payouts, self.withdrawals),
            statement_problems(self.statements),
            kafka_problems(self.kafka, self.core_banking, self.onboarding),
            signing_problems(self.signing, self.providers),
            outward_problems(self.outward, self.http),
        )

    @classmethod
    def load(cls, path: Path | None, env: Mapping[str, str]) -> "Settings":
        """Read settings from a file and an environment, over the defaults.

        Args:
            path: configuration file; None looks at $COMPTOIR_CONFIG, then ./config.toml.
            env: environment, e.g. `os.environ`.

        Raises:
            SettingsError: with every problem, each a line for standard error.
        """
        settings, origins = read(cls(), path, env)
        return settings.having({}, origins)

    def having(
        self, values: Mapping[tuple[str, ...], object], origins: Mapping[str, str] = _NOTHING
    ) -> "Settings":
        """Return a copy with other values at these paths, e.g. `{("http", "port"): 0}`.

        Raises:
            SettingsError: a value out of range, or a rule broken.
        """
        kept = MappingProxyType({**self.origins, **origins})
        return rebuilt(self, {**values, ("origins",): kept})


def check_start(settings: Settings, demo: bool) -> None:
    """Check what a start needs beyond right settings: secrets that are there, strong and unknown.

    Raises:
        SettingsError: WEBHOOK_SECRET_MISSING, WEBHOOK_SECRET_WEAK, WEBHOOK_SECRET_SHARED, VAULT_KEY_WEAK,
            VAULT_TOKEN_WEAK, DATABASE_PASSWORD_WEAK; exit status 5.
    """
    problems = tuple(
        rules.secret_problems(settings.webhooks, settings.vault, settings.storage, demo)
    )
    if problems:
        raise SettingsError(problems)
