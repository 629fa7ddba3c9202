"""What Tink's words mean here, wherever they are read: in a webhook, or in an answer.

Rules, and why:
- the state of a consent is its `status`; while Tink is reading (UPDATING) it stands well. One that Tink adds
  later can be ended by nobody here: it asks for that itself;
- a consent that is DELETED is there no more, which whoever reads it is told as its end;
- times are milliseconds since 1970.

Source: docs.tink.com/api (connectivity-v1: the provider consent model), docs.tink.com/resources/transactions
(webhooks-for-transactions, managing-consents); spec.md S52, X20.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from comptoir.actors.connection.conditions import condition_of
from comptoir.actors.connection.messages import Condition

__all__ = ["CREATED", "DELETED", "GONE", "PROVIDER", "STATUSES", "UPDATING", "stands"]

PROVIDER: Final = "tink"
CREATED: Final = "transaction.created"
DELETED: Final = "transaction.deleted"
UPDATING: Final = "UPDATING"
"""Tink is reading: what there is to show may still come."""
WELL: Final = frozenset({"UPDATED", UPDATING})
GONE: Final = "DELETED"
STATUSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "CREATED": "validating",
        "AUTHENTICATING": "validating",
        "AWAITING_MOBILE_BANKID_AUTHENTICATION": "confirmation_required",
        "AWAITING_THIRD_PARTY_APP_AUTHENTICATION": "confirmation_required",
        "AWAITING_SUPPLEMENTAL_INFORMATION": "information_required",
        "AUTHENTICATION_ERROR": "credentials_wrong",
        "SESSION_EXPIRED": "authentication_required",
        "TEMPORARY_ERROR": "bank_unavailable",
        "PERMANENT_ERROR": "provider_fault",
    }
)
"""Tink's word for each condition (conditions.py)."""


def stands(status: str) -> Condition | None:
    """How a consent stands; None: all is well."""
    return None if status in WELL else condition_of(STATUSES.get(status, ""))
