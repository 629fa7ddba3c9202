"""What the mainframe changes of a client by itself, as its record says it (S33).

Rule: one field a record, named as the copybook of requests names it; one that we do not know, or a record that is not whole or
not text, is refused, and what was known stays. Source: spec.md S33, E11; copybook/ACCTCHG.cpy; docs/core-banking.md.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import msgspec

from comptoir.actors.gateways.copybook import Codec, Options, RecordRefused, read_copybook

__all__ = ["PATHS", "ChangeUnreadable", "ProfileChange", "read_change"]

COPYBOOK: Final = "ACCTCHG.cpy"
TRAN_CODE: Final = "CHNG"
PATHS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "FIRST-NAME": "firstName",
        "LAST-NAME": "lastName",
        "ADDRESS-LINE-1": "address/street",
        "CITY": "address/city",
        "PROVINCE": "address/province",
        "POSTAL-CODE": "address/postalCode",
    }
)
"""A national id is not among them: nobody changes it by a message (X11)."""
_CLIENT: Final = re.compile(r"[A-Za-z0-9-]{1,20}")
"""As our topics have it (bus_wire.py)."""


class ProfileChange(msgspec.Struct, frozen=True):
    """PROFILE-CHANGE."""

    client_id: str
    change_id: str
    sequence: int
    changed_at: int
    """Business time, ms."""
    path: str
    value: str


class ChangeUnreadable(ValueError):
    """It is no change of ours; `code` is stable."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@cache
def _codec(page: str) -> Codec:
    source = files("comptoir.actors.gateways.copybook").joinpath(COPYBOOK).read_text("ascii")
    return Codec(read_copybook(source), Options(code_page=page))


def read_change(record: bytes, page: str) -> ProfileChange:
    """Read a change strictly.

    Raises:
        ChangeUnreadable: another length, code page or record, an unknown field, no number of its own,
            a client that cannot be one of ours, or characters that are no text.
    """
    try:
        said = _codec(page).decode(record)
    except RecordRefused as refused:
        raise ChangeUnreadable(refused.code) from None
    if said["TRAN-CODE"] != TRAN_CODE:
        raise ChangeUnreadable("CHANGE_FOREIGN")
    path, sequence = PATHS.get(said["FIELD-NAME"]), int(said["CHANGE-SEQUENCE"])
    if path is None:
        raise ChangeUnreadable("CHANGE_FIELD_UNKNOWN")
    if not (said["CLIENT-ID"] and said["CHANGE-ID"] and sequence):
        raise ChangeUnreadable("CHANGE_INCOMPLETE")
    if _CLIENT.fullmatch(said["CLIENT-ID"]) is None:
        raise ChangeUnreadable("CHANGE_CLIENT_INVALID")
    if not (_is_text(said["CHANGE-ID"]) and _is_text(said["FIELD-VALUE"])):
        raise ChangeUnreadable("CHANGE_CHARACTER_INVALID")
    try:
        written = f"{int(said['CHANGED-AT']):014d}+0000"
        at = datetime.strptime(written, "%Y%m%d%H%M%S%z")
    except ValueError:
        raise ChangeUnreadable("CHANGE_TIME_INVALID") from None
    return ProfileChange(
        said["CLIENT-ID"], said["CHANGE-ID"], sequence, round(at.timestamp()) * 1000,
        path, said["FIELD-VALUE"],
    )  # fmt: skip


def _is_text(text: str) -> bool:
    """Without control characters, of which a code page has many: they are no name and no place."""
    return not any(unicodedata.category(char).startswith("C") for char in text)
