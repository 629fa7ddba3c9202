"""`comptoir check iban`, `label`, `points` and `mrz`: the daemon's own functions behind a JSON seam.

The rule: an input object gives an answer object, always. What cannot be read is the answer
`CHECK_INPUT_INVALID`, never an exception; fields that are not known are ignored; nothing is
computed here that the daemon computes elsewhere.
Source: check-command contract, those kinds; X32, S46, S47, S66.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, Final

import msgspec

from comptoir.actors.check_answers import Answer, InvalidInputError, convert, refusal
from comptoir.actors.inspection.mrz import ZoneUnreadable, read_zone
from comptoir.actors.inspection.showing import shown_zone
from comptoir.actors.merchants import Builder, Partner, Purchase
from comptoir.actors.wallet.points import Insufficient, Lot, allocate, instant_ns
from comptoir.actors.withdrawal.iban import IbanInvalid, read_iban

__all__ = [
    "CHECKS",
    "check_iban",
    "check_label",
    "check_mrz",
    "check_points",
]

POINTS_MAX: Final = 2**63 - 1
"""What a column of the ledger holds."""

_MCC_MAX: Final = 9999
ZONE_LINES_MAX: Final = 10
"""No zone has more than three; blank ones between them are none."""

_Points = Annotated[int, msgspec.Meta(ge=0, le=POINTS_MAX)]
_Mcc = Annotated[str, msgspec.Meta(pattern=r"^([0-9]{4})?\Z")]
_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
_Line = Annotated[str, msgspec.Meta(max_length=200)]


class _PartnerInput(msgspec.Struct):
    id: _Id
    name: str
    patterns: list[str] | None = None
    mcc: list[_Mcc | int] | _Mcc | int | None = None


class _LabelInput(msgspec.Struct):
    label: str
    partners: list[_PartnerInput]
    mcc: _Mcc | int | None = None


class _LotInput(msgspec.Struct):
    id: _Id
    earned_at: str
    points: _Points
    expires_at: str | None = None


class _PointsInput(msgspec.Struct):
    lots: list[_LotInput]
    debit: _Points
    now: str


class _IbanInput(msgspec.Struct):
    iban: str


class _MrzInput(msgspec.Struct):
    lines: Annotated[list[_Line], msgspec.Meta(max_length=ZONE_LINES_MAX)]


def check_label(given: object) -> Answer:
    """Match one label among the partners given: `merchant` (id or None) and `trace`."""
    try:
        asked = convert(given, _LabelInput)
        partners = [_partner(partner) for partner in asked.partners]
        purchase = Purchase(label=asked.label, mcc=_mcc(asked.mcc))
    except InvalidInputError as error:
        return refusal("CHECK_INPUT_INVALID", str(error))
    builder = Builder(version=0)
    try:
        builder.add(partners)
    except ValueError as error:
        return refusal("CHECK_INPUT_INVALID", str(error))
    match = builder.build().match(purchase)
    merchant = match.partner.id if match.partner else None
    return {"ok": True, "merchant": merchant, "trace": list(match.trace)}


def check_points(given: object) -> Answer:
    """Spend points from the lots given: `allocations` and `remaining`."""
    try:
        asked = convert(given, _PointsInput)
        lots = [_lot(index, lot) for index, lot in enumerate(asked.lots)]
        now = _instant(asked.now, "now")
    except InvalidInputError as error:
        return refusal("CHECK_INPUT_INVALID", str(error))
    if len({lot.id for lot in lots}) != len(lots):
        return refusal("CHECK_INPUT_INVALID", "two lots have one id - at `$.lots`")
    result = allocate(lots, asked.debit, now)
    if isinstance(result, Insufficient):
        detail = f"{asked.debit} points asked for, {result.available} available"
        return refusal("POINTS_INSUFFICIENT", detail)
    taken = [{"lot": part.lot, "points": part.points} for part in result.allocations]
    return {"ok": True, "allocations": taken, "remaining": result.remaining}


def check_iban(given: object) -> Answer:
    """Read one account number: `iban` (electronic format), `country`, `sepa`."""
    try:
        asked = convert(given, _IbanInput)
    except InvalidInputError as error:
        return refusal("CHECK_INPUT_INVALID", str(error))
    try:
        iban = read_iban(asked.iban)
    except IbanInvalid as error:
        return refusal("BANK_IBAN_INVALID", str(error))
    return {"ok": True, "iban": iban.number, "country": iban.country, "sepa": iban.sepa}


def check_mrz(given: object) -> Answer:
    """Read one machine readable zone as it stands: `format`, `checks`, `fields`; `ok` is that all digits hold."""
    try:
        asked = convert(given, _MrzInput)
    except InvalidInputError as error:
        return refusal("CHECK_INPUT_INVALID", str(error))
    try:
        zone = read_zone(asked.lines, datetime.now(UTC).date())
    except ZoneUnreadable as error:
        return refusal(error.code, str(error))
    shown = shown_zone(zone)
    if zone.holds:
        return {"ok": True, **shown}
    wrong = ", ".join(name for name, holds in zone.checks.items() if not holds)
    return {**refusal("MRZ_CHECK_DIGIT_WRONG", f"does not hold: {wrong}"), **shown}


CHECKS: Final[Mapping[str, Callable[[object], Answer]]] = MappingProxyType(
    {
        "iban": check_iban,
        "label": check_label,
        "mrz": check_mrz,
        "points": check_points,
    }
)
"""The kinds of this room, by name."""


def _partner(given: _PartnerInput) -> Partner:
    codes = given.mcc if isinstance(given.mcc, list) else [given.mcc]
    return Partner(
        id=given.id,
        name=given.name,
        patterns=tuple(given.patterns or ()),
        mcc=tuple(code for code in map(_mcc, codes) if code),
    )


def _mcc(given: str | int | None) -> str:
    """A code as four digits, or empty; JSON writers lose the leading zero of a number."""
    if given is None or isinstance(given, str):
        return given or ""
    if not 0 <= given <= _MCC_MAX:
        raise InvalidInputError("an MCC has four digits - at `$.mcc`")
    return f"{given:04d}"


def _lot(index: int, given: _LotInput) -> Lot:
    where = f"lots[{index}]"
    expires_at = None
    if given.expires_at is not None:
        expires_at = _instant(given.expires_at, f"{where}.expires_at")
    earned_at = _instant(given.earned_at, f"{where}.earned_at")
    return Lot(given.id, earned_at, given.points, expires_at)


def _instant(text: str, where: str) -> int:
    try:
        return instant_ns(text)
    except ValueError:
        raise InvalidInputError(f"not an RFC 3339 time with a zone - at `$.{where}`") from None
