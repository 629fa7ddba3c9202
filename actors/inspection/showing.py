"""How what was read is shown outside: by `comptoir check`, and with a document of a client's file.

Source: check-command contract, kinds `mrz` and `ocr`; interface.md 8 (rows c1).
"""

from comptoir.actors.inspection.mrz import Zone

__all__ = ["shown_zone"]

FIELDS = (
    "document_code", "issuer", "surname", "given_names", "document_number", "nationality",
    "birth_date", "sex", "expiry_date", "optional",
)  # fmt: skip


def shown_zone(zone: Zone) -> dict[str, object]:
    """A zone: `format`, `checks`, `fields`; of the French card also the month of its issue."""
    fields = {name: getattr(zone, name) for name in FIELDS}
    if zone.issue_month is not None:
        fields["issue_month"] = zone.issue_month
    return {"format": zone.format, "checks": dict(zone.checks), "fields": fields}
