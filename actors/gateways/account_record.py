"""The records that are exchanged with the mainframe about an account, and what becomes of a profile in one (S30, X12).

Rules:
- texts are in the letters of the code page (record_letters.py); every change is in the report, which names the field and
  holds nothing of its value;
- a name, a street and a city may be cut to their field, and then the report says so; a client's number, a province and
  a postal code never are: they are refused;
- a national id has its separators taken away, and is nine digits or refused: it is never cut, filled or altered (X11);
- a reply is what its STATUS-CODE says, and its other fields agree with it, or it cannot be read (X10); of its REASON
  alone, which decides nothing, what cannot be read is taken away.
Source: spec.md S30, X10, X11, X12, E11; the copybooks beside copybook/; docs/copybook.md.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Literal

from comptoir.actors.account.messages import AccountProfile
from comptoir.actors.gateways.copybook import Codec, Options, RecordRefused, read_copybook
from comptoir.actors.gateways.record_letters import LetterChange, lettered, readable

__all__ = [
    "COPYBOOKS",
    "AccountReply",
    "AccountRequest",
    "Change",
    "ReplyUnreadable",
    "address_inquiry_of",
    "codec_of",
    "copybook_source",
    "inquiry_of",
    "read_reply",
    "reply_of",
    "request_of",
    "update_of",
]

COPYBOOKS: Final = {
    "ACCOUNT-CREATE-REQUEST": "ACCTREQ.cpy",
    "ACCOUNT-INQUIRY-REQUEST": "ACCTINQ.cpy",
    "ACCOUNT-UPDATE-REQUEST": "ACCTUPD.cpy",
    "ADDRESS-INQUIRY-REQUEST": "ACCTVFY.cpy",
    "ACCOUNT-REPLY": "ACCTRPL.cpy",
    "PROFILE-CHANGE": "ACCTCHG.cpy",
}
"""Our records, and the files of their copybooks."""
REPLY_TRAN_CODE: Final = "ACRP"
NATIONAL_ID_DIGITS: Final = 9
ACCOUNT_TYPES: Final = {"WEALTH_MANAGEMENT": "WM"}
_SEPARATORS: Final = re.compile(r"[\s\-.]")
_ACCOUNT_NUMBER: Final = re.compile(r"[A-Z0-9](?:[A-Z0-9-]{0,10}[A-Z0-9])?\Z")

Outcome = Literal["created", "refused", "absent", "failed"]
STATUSES: Final[dict[str, Outcome]] = {
    "00": "created",
    "04": "created",
    "08": "refused",
    "12": "absent",
    "16": "failed",
}
"""04: it was there already, and is the one of the reply. failed: the mainframe could not, and nothing is known."""
_STATUS_OF: Final[dict[Outcome, str]] = {
    "created": "00", "refused": "08", "absent": "12", "failed": "16",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a field: that it is another than was declared, and how."""

    field: str
    kind: LetterChange | Literal["separators", "mapped", "cut"]
    lost: int = 0
    """Characters that did not find room; only of cut."""


@dataclass(frozen=True, slots=True)
class AccountRequest:
    """A request as it is sent."""

    data: bytes
    changes: tuple[Change, ...]

    @property
    def is_cut(self) -> bool:
        """Something did not find room."""
        return any(change.kind == "cut" for change in self.changes)


@dataclass(frozen=True, slots=True)
class AccountReply:
    """What the mainframe says of one client."""

    client_id: str
    outcome: Outcome
    account_number: str = ""
    """Of created alone."""
    reason: str = ""
    is_repeated: bool = False
    """It was there before (04)."""


class ReplyUnreadable(ValueError):
    """It is no reply of ours; `code` is stable."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def copybook_source(record: str) -> str:
    """The text of one of our copybooks."""
    folder = files("comptoir.actors.gateways.copybook")
    return folder.joinpath(COPYBOOKS[record]).read_text("ascii")


@cache
def codec_of(record: str, page: str) -> Codec:
    """What reads and writes one of our records.

    Raises:
        RecordRefused: CODE_PAGE_UNKNOWN.
    """
    return Codec(read_copybook(copybook_source(record)), Options(code_page=page))


def request_of(client_id: str, profile: AccountProfile, page: str) -> AccountRequest:
    """The 165 bytes that ask for an account.

    Args:
        client_id: the file's number.
        profile: as it was declared.
        page: the mainframe's code page.

    Raises:
        RecordRefused: it does not fit; `field` says what, `code` why.
    """
    codec = codec_of("ACCOUNT-CREATE-REQUEST", page)
    writing = _Writing(codec)
    values = {
        "CLIENT-ID": _client_id(client_id),
        "FIRST-NAME": writing.cut("FIRST-NAME", profile.first_name),
        "LAST-NAME": writing.cut("LAST-NAME", profile.last_name),
        "SSN": writing.national_id(profile.national_id),
        **writing.address(profile),
        "ACCOUNT-TYPE": writing.account_type(profile.account_type),
    }
    if not values["LAST-NAME"]:
        raise RecordRefused("FIELD_MISSING", "an account has a name", "LAST-NAME")
    return AccountRequest(codec.encode(values), tuple(writing.changes))


def inquiry_of(client_id: str, page: str) -> bytes:
    """The 24 bytes that ask whether there is an account.

    Raises:
        RecordRefused: it does not fit.
    """
    return codec_of("ACCOUNT-INQUIRY-REQUEST", page).encode({"CLIENT-ID": _client_id(client_id)})


def update_of(client_id: str, profile: AccountProfile, page: str) -> AccountRequest:
    """The 93 bytes that say where a client lives from now on; nothing else of the profile is in them.

    Raises:
        RecordRefused: as a request.
    """
    return _address_in("ACCOUNT-UPDATE-REQUEST", client_id, profile, page)


def address_inquiry_of(client_id: str, profile: AccountProfile, page: str) -> AccountRequest:
    """The 93 bytes that ask whether a client lives there: letter by letter what an update of it says.

    Raises:
        RecordRefused: as a request.
    """
    return _address_in("ADDRESS-INQUIRY-REQUEST", client_id, profile, page)


def _address_in(record: str, client_id: str, profile: AccountProfile, page: str) -> AccountRequest:
    codec = codec_of(record, page)
    writing = _Writing(codec)
    values = {"CLIENT-ID": _client_id(client_id), **writing.address(profile)}
    if not values["ADDRESS-LINE-1"]:
        raise RecordRefused("FIELD_MISSING", "a client lives somewhere", "ADDRESS-LINE-1")
    return AccountRequest(codec.encode(values), tuple(writing.changes))


def _client_id(client_id: str) -> str:
    """A client's number: it comes back in the reply, so that nothing of it may be lost on the way."""
    if not client_id or client_id != client_id.strip():
        raise RecordRefused("FIELD_MISSING", "a client has a number, without blanks", "CLIENT-ID")
    return client_id


def read_reply(data: bytes, page: str) -> AccountReply:
    """Read a reply strictly.

    Raises:
        ReplyUnreadable: another length, code page or record, an unknown status, or fields that contradict it.
    """
    codec = codec_of("ACCOUNT-REPLY", page)
    try:
        values = codec.decode(data)
    except RecordRefused as refused:
        raise ReplyUnreadable(refused.code, str(refused)) from None
    if values["TRAN-CODE"] != REPLY_TRAN_CODE:
        raise ReplyUnreadable("REPLY_FOREIGN", "no ACCOUNT-REPLY, or of another code page")
    status, client_id, number = (
        values["STATUS-CODE"], values["CLIENT-ID"], values["ACCOUNT-NUMBER"],
    )  # fmt: skip
    outcome = STATUSES.get(status)
    if outcome is None:
        raise ReplyUnreadable("REPLY_STATUS_UNKNOWN", "a status that the copybook does not have")
    if not (client_id and client_id.isprintable()) or (outcome == "created") != bool(
        _ACCOUNT_NUMBER.match(number)
    ):
        raise ReplyUnreadable("REPLY_CONTRADICTORY", "its fields are not those of its status")
    if outcome != "created" and number:
        raise ReplyUnreadable("REPLY_CONTRADICTORY", "an account's number, and no account")
    return AccountReply(
        client_id, outcome, number, readable(values["REASON"]), is_repeated=status == "04"
    )


def reply_of(reply: AccountReply, page: str) -> bytes:
    """The 80 bytes of a reply, as the mainframe writes them.

    Raises:
        RecordRefused: it does not fit.
    """
    status = "04" if reply.is_repeated else _STATUS_OF[reply.outcome]
    return codec_of("ACCOUNT-REPLY", page).encode(
        {
            "CLIENT-ID": reply.client_id,
            "STATUS-CODE": status,
            "ACCOUNT-NUMBER": reply.account_number,
            "REASON": reply.reason,
        }
    )


class _Writing:
    """Turns what was declared into what a field may hold, and remembers what it changed."""

    def __init__(self, codec: Codec) -> None:
        self._page = codec.page
        self._lengths = {item.key: item.length for item in codec.record.items}
        self.changes: list[Change] = []

    def address(self, profile: AccountProfile) -> dict[str, str]:
        """Where somebody lives, as requests have it."""
        return {
            "ADDRESS-LINE-1": self.cut("ADDRESS-LINE-1", profile.street),
            "CITY": self.cut("CITY", profile.city),
            "PROVINCE": self.plain("PROVINCE", profile.province),
            "POSTAL-CODE": self.postal_code(profile.postal_code),
        }

    def plain(self, field: str, text: str) -> str:
        """In upper case and in the code page's letters; too long is the codec's to refuse."""
        written, changes = lettered(text, self._page, field)
        self.changes.extend(Change(field, kind) for kind in changes)
        return written

    def cut(self, field: str, text: str) -> str:
        """Likewise, and cut to its field."""
        written = self.plain(field, text)
        room = self._lengths[field]
        if len(written) <= room:
            return written
        self.changes.append(Change(field, "cut", len(written) - room))
        return written[:room].rstrip()

    def postal_code(self, text: str) -> str:
        """Without its blanks (H3A 1B1)."""
        bare = "".join(text.split())
        self._note("POSTAL-CODE", "separators", bare != text)
        return self.plain("POSTAL-CODE", bare)

    def national_id(self, text: str) -> str:
        """Nine digits, whatever separates them."""
        digits = _SEPARATORS.sub("", text)
        self._note("SSN", "separators", digits != text)
        if not (digits.isascii() and digits.isdecimal()):
            raise RecordRefused("DIGIT_INVALID", "a national id of digits is wanted", "SSN")
        if len(digits) != NATIONAL_ID_DIGITS:
            detail = f"{len(digits)} digits, where {NATIONAL_ID_DIGITS} are wanted"
            raise RecordRefused("FIELD_LENGTH_WRONG", detail, "SSN")
        return digits

    def account_type(self, name: str) -> str:
        self._note("ACCOUNT-TYPE", "mapped", ACCOUNT_TYPES[name] != name)
        return ACCOUNT_TYPES[name]

    def _note(self, field: str, kind: Literal["separators", "mapped"], happened: bool) -> None:
        if happened:
            self.changes.append(Change(field, kind))
