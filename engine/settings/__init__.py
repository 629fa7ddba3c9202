"""Typed settings: defaults, config.toml, environment; every value with unit, range and spec line.

Start at `root.py` (the whole), then `fields.py` (how a row is declared), `load.py` (how it is
read). `listeners.py`, `runtime.py`, `cashback.py`, `providers.py`, `notices.py`, `onboarding.py`, `client_types.py`, `statements.py`, `documents.py`, `kafka.py`, `kyc.py`, `signing.py` and `upkeep.py` are the rows.
Source: interface.md 2, 3 and 11.
"""

from comptoir.engine.settings.cashback import (
    Connections,
    Merchants,
    PlaidEnvironment,
    Points,
    Tier,
    Webhooks,
    WebhooksParty,
    WebhooksPlaid,
    WebhooksPowens,
    Withdrawals,
)
from comptoir.engine.settings.client_types import ClientType, PartyRole
from comptoir.engine.settings.documents import Documents
from comptoir.engine.settings.kafka import Kafka
from comptoir.engine.settings.kinds_made import Network
from comptoir.engine.settings.kyc import Kyc
from comptoir.engine.settings.listeners import Http, Ingest
from comptoir.engine.settings.notices import Notifications
from comptoir.engine.settings.onboarding import CoreBanking, Measures, Onboarding, Scoring
from comptoir.engine.settings.problems import Problem, SettingsError
from comptoir.engine.settings.providers import (
    AddressProvider,
    Brevo,
    CanadaPost,
    CreditProvider,
    Fcm,
    KeyedProvider,
    PlaidProvider,
    PowensProvider,
    Provider,
    Providers,
    SendGrid,
    TinkProvider,
    Twilio,
    VopProvider,
)
from comptoir.engine.settings.root import Settings, check_start
from comptoir.engine.settings.rules import DEMO_WEBHOOK_SECRET, is_loopback
from comptoir.engine.settings.runtime import (
    Auth,
    AuthExternal,
    Breaker,
    Breakers,
    Clock,
    DeadLetters,
    Log,
    Once,
    Retry,
    Runtime,
    Storage,
)
from comptoir.engine.settings.secret import DatabaseUrl, Secret
from comptoir.engine.settings.signing import Signing
from comptoir.engine.settings.statements import Statements
from comptoir.engine.settings.text import (
    Effective,
    as_environment,
    as_toml,
    describe,
    effective,
    effective_text,
)
from comptoir.engine.settings.upkeep import Alerts, Retention, Targets
from comptoir.engine.settings.vault import Vault, VaultAwsKms, VaultTransit

__all__ = [
    "DEMO_WEBHOOK_SECRET",
    "AddressProvider",
    "Alerts",
    "Auth",
    "AuthExternal",
    "Breaker",
    "Breakers",
    "Brevo",
    "CanadaPost",
    "ClientType",
    "Clock",
    "Connections",
    "CoreBanking",
    "CreditProvider",
    "DatabaseUrl",
    "DeadLetters",
    "Documents",
    "Effective",
    "Fcm",
    "Http",
    "Ingest",
    "Kafka",
    "KeyedProvider",
    "Kyc",
    "Log",
    "Measures",
    "Merchants",
    "Network",
    "Notifications",
    "Onboarding",
    "Once",
    "PartyRole",
    "PlaidEnvironment",
    "PlaidProvider",
    "Points",
    "PowensProvider",
    "Problem",
    "Provider",
    "Providers",
    "Retention",
    "Retry",
    "Runtime",
    "Scoring",
    "Secret",
    "SendGrid",
    "Settings",
    "SettingsError",
    "Signing",
    "Statements",
    "Storage",
    "Targets",
    "Tier",
    "TinkProvider",
    "Twilio",
    "Vault",
    "VaultAwsKms",
    "VaultTransit",
    "VopProvider",
    "Webhooks",
    "WebhooksParty",
    "WebhooksPlaid",
    "WebhooksPowens",
    "Withdrawals",
    "as_environment",
    "as_toml",
    "check_start",
    "describe",
    "effective",
    "effective_text",
    "is_loopback",
]
