"""Webhooks of DocuSign Connect as its schema of JSON SIM has them, and others that differ from them.

Source: DocuSign's connect.schema-v2.json (the names, and that every value beside `retryCount` and `configurationId` is
a text).
"""

from typing import Any, Final

import orjson

from comptoir.engine.settings.providers import OF_THE_SANDBOX

__all__ = ["ACCOUNT", "COMPLETED", "ENVELOPE", "FILE", "connect", "event"]

ACCOUNT: Final = OF_THE_SANDBOX
ENVELOPE: Final = "4b728be4-4417-4aa2-9d0b-5f7e8b7a1c11"
FILE: Final = "ONB-2025-00123"


def connect(name: str, **changes: Any) -> dict[str, Any]:
    """A message of the event `name`; keyword arguments change `data`, `summary` and `reference` (None: no such field)."""
    reference = changes.get("reference", f"{FILE}:1")
    fields = [
        {"fieldId": "10", "name": "cost centre", "show": "false", "required": "false", "value": "7"}
    ]
    if reference is not None:
        fields.append({
            "fieldId": "11", "name": "comptoir_reference", "show": "false", "required": "false",
            "value": reference,
        })  # fmt: skip
    status = name.removeprefix("envelope-")
    summary: dict[str, Any] = {
        "status": status,
        "statusChangedDateTime": "2025-11-24T14:31:00.5400000Z",
        "customFields": {"textCustomFields": fields, "listCustomFields": []},
        "recipients": {"signers": [{"recipientId": "1", "status": status}]},
        **changes.get("summary", {}),
    }
    data = {
        "accountId": ACCOUNT,
        "userId": ACCOUNT,
        "envelopeId": ENVELOPE,
        "envelopeSummary": summary,
        **changes.get("data", {}),
    }
    return {
        "event": name,
        "apiVersion": "v2.1",
        "uri": f"/restapi/v2.1/accounts/{ACCOUNT}/envelopes/{ENVELOPE}",
        "retryCount": 0,
        "configurationId": 10_103_163,
        "generatedDateTime": "2025-11-24T14:31:02.0130000Z",
        "data": data,
    }


def event(name: str, **changes: Any) -> bytes:
    """The same, as it is sent."""
    return orjson.dumps(connect(name, **changes))


COMPLETED: Final = event("envelope-completed")
