"""The mainframe's records as its own side reads and writes them: offsets and an EBCDIC table, and no copybook compiler.

It is a second reader of what the daemon's codec writes, so it is made without it. Source: spec.md S30; docs/sandbox.md.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

CODE_PAGE: Final = "cp500"
REQUEST_BYTES, INQUIRY_BYTES, UPDATE_BYTES = 165, 24, 93
_LENGTHS = {
    "ACCT": REQUEST_BYTES,
    "ACIN": INQUIRY_BYTES,
    "ACUP": UPDATE_BYTES,
    "ACVF": UPDATE_BYTES,
}
_SSN = slice(84, 93)
_ADDRESS_AT = {"ACCT": 93, "ACUP": 24, "ACVF": 24}
_ADDRESS = (("ADDRESS-LINE-1", 40), ("CITY", 20), ("PROVINCE", 2), ("POSTAL-CODE", 7))
"""Fields of an address, as they follow each other, and their bytes."""


class Asked(NamedTuple):
    """What of a request is read."""

    code: str
    """`ACCT`, `ACIN`, `ACUP` or `ACVF`."""
    client_id: str
    address: tuple[tuple[str, str], ...] = ()
    """Of a request, an update and an inquiry about it: field by field, by the names of the copybooks."""


class Wrong(Exception):
    """A record that this mainframe does not take."""


def read_request(record: bytes) -> Asked:
    """A request of S30, an inquiry, an update, or an inquiry about an address.

    Raises:
        Wrong: of another length, or not of this code page, or not of its form.
    """
    text = record.decode(CODE_PAGE)
    code = text[:4]
    asked = Asked(code, text[4:24].rstrip(), _address(text, _ADDRESS_AT.get(code)))
    length = _LENGTHS.get(code)
    if length != len(record) or not asked.client_id:
        raise Wrong(f"{len(record)} bytes of {asked.code!r}")
    if asked.code == "ACCT" and not (text[_SSN].isascii() and text[_SSN].isdigit()):
        raise Wrong("SSN is not numeric")
    return asked


def _address(text: str, start: int | None) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for name, length in _ADDRESS if start is not None else ():
        assert start is not None, "just asked"
        found.append((name, text[start : start + length].rstrip()))
        start += length
    return tuple(found)


def address_record(held: Mapping[str, str]) -> bytes:
    """An address as records have it, field after field; empty: nothing is known."""
    fields = (f"{held.get(name, ''):<{length}.{length}}" for name, length in _ADDRESS)
    return "".join(fields).encode(CODE_PAGE) if held else b""


def reply_record(client_id: str, status: str, number: str, reason: str) -> bytes:
    """ACCOUNT-REPLY."""
    text = f"ACRP{client_id:<20.20}{status:<2.2}{number:<12.12}{reason:<42.42}"
    return text.encode(CODE_PAGE)


def moment(at_ms: int) -> str:
    """CHANGED-AT: to the second, in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y%m%d%H%M%S")


def change_record(
    client_id: str, change_id: str, sequence: int, at_ms: int, what: tuple[str, str]
) -> bytes:
    """PROFILE-CHANGE: one field, by the name that the copybook gives it, and its new value."""
    name, value = what
    text = f"CHNG{client_id:<20.20}{change_id:<12.12}{sequence:09d}{moment(at_ms)}{name:<20.20}{value:<40.40}"
    return text.encode(CODE_PAGE)
