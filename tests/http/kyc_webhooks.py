"""The bureau's webhook as the source writes it (S10), and others that differ from it."""

from typing import Any

import orjson

__all__ = ["EXAMPLE", "RESULT", "completed"]

RESULT: dict[str, Any] = {
    "status": "APPROVED",
    "score": 85,
    "checks": {
        "identityVerification": "PASSED", "addressVerification": "PASSED", "pepCheck": "PASSED",
        "sanctionsCheck": "PASSED", "adverseMedia": "PASSED",
    },
    "riskLevel": "LOW",
    "recommendation": "AUTO_APPROVE",
    "reviewedBy": "SYSTEM",
    "completedAt": "2025-12-04T15:45:00Z",
}  # fmt: skip


def completed(file: str = "ONB-2025-00123", **changes: Any) -> bytes:
    """KYC_COMPLETED of this file, with parts of its result changed; a value of `...` leaves it out."""
    result = {key: value for key, value in {**RESULT, **changes}.items() if value is not ...}
    return orjson.dumps({"eventType": "KYC_COMPLETED", "onboardingId": file, "kycResult": result})


EXAMPLE = completed()
