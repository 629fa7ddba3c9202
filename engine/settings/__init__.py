"""Typed settings: defaults, config.toml, environment; every value with unit, range and spec line.

Start at `root.py` (the whole), then `fields.py` (how a row is declared), `load.py` (how it is
read). `runtime.py`, `cashback.py`, `onboarding.py` and `upkeep.py` are the rows.
Source: interface.md 2, 3 and 11.
"""

from comptoir.engine.settings.cashback import (
    Connections,
    Merchants,
    Points,
    Provider,
    Providers,
    Tier,
    Webhooks,
    WebhooksParty,
    WebhooksPowens,
    Withdrawals,
)
from comptoir.engine.settings.kinds_made import Network
from comptoir.engine.settings.onboarding import CoreBanking, Documents, Onboarding, Scoring
from comptoir.engine.settings.problems import Problem, SettingsError
from comptoir.engine.settings.root import Settings, check_start
from comptoir.engine.settings.rules import DEMO_WEBHOOK_SECRET, is_loopback
from comptoir.engine.settings.runtime import (
    Auth,
    AuthExternal,
    Breaker,
    Breakers,
    Clock,
    DeadLetters,
    Http,
    Ingest,
    Log,
    Once,
    Retry,
    Runtime,
    Storage,
    Vault,
)
from comptoir.engine.settings.secret import DatabaseUrl, Secret
from comptoir.engine.settings.text import (
    Effective,
    as_environment,
    as_toml,
    describe,
    effective,
    effective_text,
)
from comptoir.engine.settings.upkeep import Alerts, Retention, Targets

__all__ = [
    "DEMO_WEBHOOK_SECRET",
    "Alerts",
    "Auth",
    "AuthExternal",
    "Breaker",
    "Breakers",
    "Clock",
    "Connections",
    "CoreBanking",
    "DatabaseUrl",
    "DeadLetters",
    "Documents",
    "Effective",
    "Http",
    "Ingest",
    "Log",
    "Merchants",
    "Network",
    "Onboarding",
    "Once",
    "Points",
    "Problem",
    "Provider",
    "Providers",
    "Retention",
    "Retry",
    "Runtime",
    "Scoring",
    "Secret",
    "Settings",
    "SettingsError",
    "Storage",
    "Targets",
    "Tier",
    "Vault",
    "Webhooks",
    "WebhooksParty",
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
