"""The names that commands take, for completion and help, without importing what they name.

Rule: a test holds them equal to what is there (tests/engine/cli/test_app.py).
Source: check-command contract.
"""

from collections.abc import Callable

__all__ = ["CHECK_KINDS", "MACHINES", "ROLES", "complete"]

CHECK_KINDS = (
    "aead-open",
    "copybook-decode",
    "copybook-encode",
    "copybook-layout",
    "document",
    "iban",
    "jwk",
    "jwt",
    "label",
    "mrz",
    "name-match",
    "ocr",
    "points",
    "screen",
    "webhook",
)
"""What `comptoir check` answers in this release."""
ROLES = ("CLIENT", "CONSEILLER", "COMPLIANCE", "ADMIN", "OPERATIONS")
"""What `comptoir token` may give."""
MACHINES = (
    "account", "approval", "authorization_code", "breaker", "browser_session", "candidates", "card", "ceremony",
    "claim", "clients",
    "connection", "consent", "consent_week", "device", "disposition", "endpoint", "erasure", "feed", "idempotency", "invitation", "issuance",
    "kyc", "letter_report", "linking", "merchants", "notification", "numbering", "onboarding", "onboarding_day",
    "payout_batch", "payout_file", "payout_report", "person", "reconciliation", "refresh_family", "review", "revocation",
    "sessions", "sighting", "signature", "wallet", "watch_list", "withdrawal",
)  # fmt: skip


def complete(names: tuple[str, ...]) -> Callable[[str], list[str]]:
    """What a shell offers for what was typed so far."""

    def offered(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    return offered
