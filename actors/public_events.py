"""Which of our events the world is told, and what of each: a table (S17, S33).

Rules:
- an event that has no row here is told to nobody, and of one that has, only what its row names: a new field of an event
  stays inside until somebody writes it here;
- nothing is told of a case whose reasons are withheld (E3): who is told "completed, and we do not say how" is told
  enough; and a partner is never told what an assessment came to;
- no name, address, account number or person's id: whoever may know those asks the API for them.

Source: spec.md S17, S33, E3, X26; interface.md 8 (`GET /api/v1/events`); docs/events.md.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec

__all__ = ["PARTNER_TYPES", "PUBLIC", "TYPES", "Publication", "Row", "publish"]

KYC: Final = "KYC_COMPLETED"
Picked = dict[str, object]


class Row(NamedTuple):
    """What is told of one class of events."""

    type: str
    """As the world calls it."""
    pick: Callable[[Mapping[str, Any]], Picked | None]
    """From the event's fields, as stored; None: of this one nobody is told."""


class Publication(NamedTuple):
    """An event as the world is told it."""

    type: str
    data: Picked


def _nothing(_event: Mapping[str, Any]) -> Picked:
    return {}


def _initiated(event: Mapping[str, Any]) -> Picked:
    channel = "PARTNER" if event.get("partner") else "CONSEILLER"
    told = event.get("initiated_by") or channel
    return {"clientType": event["client_type"], "initiatedBy": told}


def _assessed(event: Mapping[str, Any]) -> Picked | None:
    if event["recommendation"] is None:
        return None
    return {"score": event["score"], "recommendation": event["recommendation"]}


def _signed(event: Mapping[str, Any]) -> Picked:
    return {"provider": event["provider"], "round": event["round"]}


def _changed(event: Mapping[str, Any]) -> Picked:
    """Told when the file has it, so that who hears of it and asks is shown it."""
    return {"changeId": event["change_id"], "fields": sorted(event["paths"])}


def _paid(event: Mapping[str, Any]) -> Picked | None:
    status = WITHDRAWAL_ENDS.get(event["phase"])
    return None if status is None else {"status": status}


WITHDRAWAL_ENDS: Final = MappingProxyType(
    {one: one for one in ("pending", "completed", "failed", "cancelled", "returned")}
)
"""What a withdrawal's phases are to the world (X26); those between are told to nobody."""

PUBLIC: Final[Mapping[tuple[str, str], Row]] = MappingProxyType({
    ("onboarding", "OnboardingInitiated"): Row("ONBOARDING_INITIATED", _initiated),
    ("onboarding", "DocumentsUploaded"): Row("DOCUMENTS_UPLOADED", _nothing),
    ("onboarding", "KycCompleted"): Row(KYC, _assessed),
    ("onboarding", "ContractSigned"): Row("CONTRACT_SIGNED", _signed),
    ("onboarding", "AccountCreated"): Row("ACCOUNT_CREATED", _nothing),
    ("onboarding", "ProfileSynced"): Row("PROFILE_CHANGED", _changed),
    ("withdrawal", "WithdrawalMoved"): Row("WITHDRAWAL_MOVED", _paid),
})  # fmt: skip
"""By the kind of actor and the name of its event. All that is about one file is told by actors under its number."""

TYPES: Final = tuple(dict.fromkeys(row.type for row in PUBLIC.values()))
PARTNER_TYPES: Final = frozenset(
    ("ONBOARDING_INITIATED", "DOCUMENTS_UPLOADED", "CONTRACT_SIGNED", "ACCOUNT_CREATED")
)
"""What a partner may be told, of files that it has submitted itself."""


def publish(kind: str, name: str, payload: bytes) -> Publication | None:
    """What the world is told of an event; None: nothing.

    Args:
        kind: of the actor whose event it is.
        name: of the event's class.
        payload: the event, as the journal has it; empty where whoever it was about is erased.
    """
    row = PUBLIC.get((kind, name))
    if row is None:
        return None
    if not payload:
        return Publication(row.type, {})
    data = row.pick(msgspec.json.decode(payload))
    return None if data is None else Publication(row.type, data)
