"""A record of the mainframe for those who look after it: field, offset, hex, meaning, and nothing of whom it is about (E11).

Rules:
- of a field that tells of a person (names, numbers, an address, the mainframe's own words, a changed value) every byte is
  hidden but blanks, LOW-VALUES and HIGH-VALUES, which tell where text ends and what was never filled;
- any other field is shown if it has the form that it should have. Where length or TRAN-CODE are wrong nothing stands where
  it should, and of what could be a person's only TRAN-CODE and a CLIENT-ID of the right form are shown;
- what is wrong with a field is always said, and how long the record is.
Source: spec.md E11, S58, S60; docs/core-banking.md.
"""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from comptoir.actors.gateways.account_record import codec_of
from comptoir.actors.gateways.copybook import RecordRefused
from comptoir.actors.gateways.copybook.showing import Shown, show

__all__ = ["FieldView", "RecordView", "view_of", "view_of_message"]

HIDDEN: Final = "**"
"""A byte that is not shown."""
TELLING: Final = frozenset(("40", "00", "ff"))
"""Bytes that are shown of any field."""
_ALWAYS: Final[Mapping[str, re.Pattern[str]]] = {
    "TRAN-CODE": re.compile(r"ACCT|ACIN|ACUP|ACVF|ACRP|CHNG"),
    "CLIENT-ID": re.compile(r"[A-Z]{1,8}-[0-9]{4}-[0-9]{5,9}"),
}
_IN_PLACE: Final[Mapping[str, re.Pattern[str]]] = {
    "STATUS-CODE": re.compile(r"[0-9]{2}"),
    "PROVINCE": re.compile(r"[A-Z]{0,2}"),
    "ACCOUNT-TYPE": re.compile(r"[A-Z]{1,3}"),
    "CHANGE-ID": re.compile(r"[A-Z0-9-]{1,12}"),
    "CHANGE-SEQUENCE": re.compile(r"[0-9]{1,9}"),
    "CHANGED-AT": re.compile(r"[0-9]{1,14}"),
    "FIELD-NAME": re.compile(r"[A-Z0-9-]{1,20}"),
}
"""Shown where the record has its length and its TRAN-CODE."""
_TRAN_CODES: Final = {
    "ACCOUNT-CREATE-REQUEST": "ACCT",
    "ACCOUNT-INQUIRY-REQUEST": "ACIN",
    "ACCOUNT-REPLY": "ACRP",
    "PROFILE-CHANGE": "CHNG",
}


class FieldView(msgspec.Struct, frozen=True):
    """One field."""

    field: str
    offset: int
    picture: str
    hex: str
    """Two characters a byte; `**` where it is hidden."""
    meaning: str
    """Empty where it is hidden."""
    wrong: str
    """Why it cannot be read; else empty."""


class RecordView(msgspec.Struct, frozen=True):
    """A record."""

    copybook: str
    bytes: int
    expected: int
    """What the copybook says."""
    fields: tuple[FieldView, ...]


def view_of_message(payload: bytes, page: str) -> RecordView | None:
    """The record inside a stored message to the mainframe or from it; None: there is none.

    Args:
        payload: a message as the journal has it.
        page: the mainframe's code page.
    """
    try:
        message = msgspec.json.decode(payload, type=_Carrier)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None
    if message.type not in ("ReplyTaken", "SendRecord"):
        return None
    sent = message.type == "SendRecord"
    name = "PROFILE-CHANGE" if message.change else "ACCOUNT-REPLY"
    return view_of("ACCOUNT-CREATE-REQUEST" if sent else name, message.record, page)


class _Carrier(msgspec.Struct, frozen=True):
    """What of a message is read."""

    type: str
    record: bytes
    change: bool = False


def view_of(copybook: str, data: bytes, page: str) -> RecordView | None:
    """A record by one of our copybooks; None where the code page is unknown."""
    try:
        codec = codec_of(copybook, page)
    except RecordRefused:
        return None
    rows = show(codec, data)
    right = len(data) == codec.most and _said(rows[0]) == _TRAN_CODES[copybook]
    fields = tuple(_view(row, right=right) for row in rows)
    return RecordView(copybook, len(data), codec.most, fields)


def _view(row: Shown, *, right: bool) -> FieldView:
    form = _ALWAYS.get(row.field) or (_IN_PLACE.get(row.field) if right else None)
    if form is not None and form.fullmatch(_said(row)):
        return FieldView(row.field, row.offset, row.picture, row.hex, row.meaning, row.wrong)
    pairs = (row.hex[at : at + 2] for at in range(0, len(row.hex), 2))
    hidden = "".join(pair if pair in TELLING else HIDDEN for pair in pairs)
    return FieldView(row.field, row.offset, row.picture, hidden, "", row.wrong)


def _said(row: Shown) -> str:
    """A value as it stands, without what a level 88 calls it."""
    value = row.meaning.partition(" = ")[0]
    return value[1:-1].rstrip() if value.startswith("'") else value
