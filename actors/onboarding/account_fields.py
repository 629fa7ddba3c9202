"""What the mainframe wants of a client's profile, and what it can hold. Pure functions.

The rule: what cannot become a record is said by name before anybody signs or approves, in the letters that the record will
have (record_letters.py), and no number of a person is ever cut or filled up. A client who is no person has its own name, in the field of the last name.
Source: spec.md S29, S30, X11, X12; docs/onboarding.md.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from comptoir.actors.account.messages import AccountProfile
from comptoir.actors.gateways.record_letters import written
from comptoir.actors.onboarding.messages import Value

__all__ = ["account_of", "in_record", "refusal_code", "unfit"]

NINE: Final = re.compile(r"[0-9]{9}").fullmatch
"""SSN 9(9) of S30."""
PROVINCE_MAX: Final = 2
POSTAL_CODE_MAX: Final = 7
"""Characters of the record, of S30; names, streets and cities are cut, and are told so (docs/copybook.md)."""
ROOM: Final[Mapping[str, int]] = {
    "firstName": 30, "lastName": 30, "entity/name": 30, "address/street": 40, "address/city": 20,
}  # fmt: skip
"""Characters of what is cut to its field."""
REFUSING: Final = "STATUS_08"
"""STATUS-CODE of the one reply that refuses; what else it says is in nobody's words but the mainframe's (X10)."""
OURS: Final = re.compile(
    r"(?:CHARACTER_UNMAPPED|DIGIT_INVALID|FIELD_LENGTH_WRONG|FIELD_MISSING|FIELD_TOO_LONG)"
    r":(?:CLIENT-ID|FIRST-NAME|LAST-NAME|SSN|ADDRESS-LINE-1|CITY|PROVINCE|POSTAL-CODE)"
    r"|ACCOUNT_NOT_OPEN|CLIENT_ABSENT|CORRECTION_ABSENT|CODE_PAGE_UNKNOWN|NOT_CONFIGURED|SETTLED_ABSENT|STATUS_[0-9]{2}"
).fullmatch
"""Codes of a refusal that are written on our side: of a record that cannot be made, of a bus that is not there, or of two
people who have found that there is none."""
PROVINCES: Final = ("CA", "US")
"""Countries whose addresses have one that cannot be left out."""
_WANTED: Final = (
    "nationalId/type", "nationalId/number", "address/street", "address/city", "address/postalCode",
    "address/country",
)  # fmt: skip
_NAMES: Final = ("firstName", "lastName")


def unfit(known: Mapping[str, Value], page: str) -> tuple[str, ...]:
    """Paths of what is missing, or cannot be held as it is: none twice.

    Args:
        known: what stands of the profile, by path.
        page: the mainframe's code page.
    """
    return tuple(dict.fromkeys(_unfit(known, page)))


def _unfit(known: Mapping[str, Value], page: str) -> Iterator[str]:
    names = ("entity/name",) if _text(known, "entity/name") else _NAMES
    yield from (path for path in (*names, *_WANTED) if not _text(known, path))
    for path in (*names, "address/street", "address/city"):
        if not written(_text(known, path), page):  # nor is there anything to write of blanks
            yield path
    province = written(_text(known, "address/province"), page)
    wants = known.get("address/country") in PROVINCES
    if province is None or len(province) > PROVINCE_MAX or (wants and not province):
        yield "address/province"
    code = written("".join(_text(known, "address/postalCode").split()), page)
    if not code or len(code) > POSTAL_CODE_MAX:
        yield "address/postalCode"
    number = _text(known, "nationalId/number")
    if number and not NINE(_bare(number)):
        yield "nationalId/number"


def account_of(known: Mapping[str, Value]) -> AccountProfile:
    """The profile of an account, of what stands and is not `unfit`."""
    entity = _text(known, "entity/name")
    return AccountProfile(
        "" if entity else _text(known, "firstName"),
        entity or _text(known, "lastName"),
        _text(known, "nationalId/type"),
        _text(known, "nationalId/number"),
        _text(known, "address/street"),
        _text(known, "address/city"),
        _text(known, "address/province"),
        _text(known, "address/postalCode"),
    )


def in_record(path: str, text: str, page: str) -> str | None:
    """A field as a record would have it; None: no record can.

    Args:
        path: of the profile.
        text: as it was said.
        page: the mainframe's code page.
    """
    made = written("".join(text.split()) if path == "address/postalCode" else text, page)
    return None if made is None else made[: ROOM.get(path, len(made))].rstrip()


def refusal_code(said: str) -> str:
    """Why there is no account, as a stable code: what the mainframe writes into its REASON may be anything, a name too."""
    return said if OURS(said) else REFUSING


def _text(known: Mapping[str, Value], path: str) -> str:
    value = known.get(path)
    return value if isinstance(value, str) else ""


def _bare(number: str) -> str:
    """Without the dashes and blanks that people write into it (X11)."""
    return number.replace("-", "").replace(" ", "")
