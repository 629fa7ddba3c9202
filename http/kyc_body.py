"""What the bureau's webhook says, read: KYC_COMPLETED (S10).

Rules: JSON with one meaning (strict_json.py) in the form of S10, every word bounded; keys that are not known are not
read. The number of the file has the form that ours have, and whether there is such a file the file itself knows.
Source: spec.md S10; interface.md 6 (rows 6 to 8) and 8 (KYC_COMPLETED).
"""

import re
from typing import Final, NamedTuple, cast

import msgspec

from comptoir.actors.gateways.bureau_result import KycResult, report_of
from comptoir.actors.kyc.messages import BureauReported
from comptoir.http.payload_fields import (
    INVALID,
    MALFORMED,
    UNSUPPORTED,
    BadBody,
    Fields,
    stop_if_any,
)
from comptoir.http.problems import FieldError
from comptoir.http.strict_json import Malformed, Number, parse

__all__ = ["COMPLETED", "Concluded", "read"]

COMPLETED: Final = "KYC_COMPLETED"
EVENT_CHARACTERS_MAX: Final = 64
RESULT: Final = "/kycResult"
_FILE: Final = re.compile(r"[A-Z]{1,8}-[0-9]{4}-[0-9]{5,9}").fullmatch
_PLACE: Final = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_SCORE_DIGITS_MAX: Final = 3


class Concluded(NamedTuple):
    """A right body: of which file it speaks, and what was found."""

    file: str
    report: BureauReported


def read(body: bytes) -> Concluded:
    """Read a body, within its bound.

    Raises:
        BadBody: the first of rows 6, 7, 8 that applies.
    """
    try:
        value = parse(body)
    except Malformed as error:
        raise BadBody(MALFORMED) from error
    found: list[FieldError] = []
    top = Fields(value, "", found)
    event = top.text("eventType", (1, EVENT_CHARACTERS_MAX))
    stop_if_any(found)
    if event != COMPLETED:
        raise BadBody(UNSUPPORTED)
    file = top.identifier("onboardingId")
    if file and not _FILE(file):
        place, detail = "/onboardingId", "the number of a file"
        found.append(FieldError(pointer=place, code="VALUE_UNKNOWN", detail=detail))
    top.inside("kycResult")
    stop_if_any(found)
    given = cast("dict[str, object]", value)  # else it was noted
    return Concluded(file, report_of(_result(given["kycResult"])))


def _result(value: object) -> KycResult:
    try:
        return msgspec.convert(_plain(value), KycResult)
    except msgspec.ValidationError as error:
        # The text names the place and the rule, never a value that was sent.
        found = _PLACE.search(str(error))
        path = (found["path"] if found else "").replace(".", "/").replace("[...]", "")
        detail = _PLACE.sub("", str(error))
        fault = FieldError(pointer=f"{RESULT}{path}", code="VALUE_INVALID", detail=detail)
    raise BadBody(INVALID, (fault,))


def _plain(value: object) -> object:
    """With small whole numbers as such; every other number is none that is taken here."""
    if isinstance(value, Number):
        whole = value.text.isdigit() and len(value.text) <= _SCORE_DIGITS_MAX
        return int(value.text) if whole else 0.5
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in cast("dict[str, object]", value).items()}
    return value
