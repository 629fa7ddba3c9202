"""The records of S30 and their policy of letters. Source: S30, X10, X11, X12, E11."""

from contextlib import suppress
from dataclasses import replace as with_fields

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.account.messages import AccountProfile
from comptoir.actors.gateways.account_record import (
    COPYBOOKS,
    AccountReply,
    AccountRequest,
    Change,
    ReplyUnreadable,
    address_inquiry_of,
    codec_of,
    copybook_source,
    inquiry_of,
    read_reply,
    reply_of,
    request_of,
    update_of,
)
from comptoir.actors.gateways.copybook import RecordRefused, read_copybook
from comptoir.actors.gateways.record_letters import written

PAGE = "cp1140"
FILE = "ONB-2025-00123"
MARIE = AccountProfile(
    first_name="Marie",
    last_name="Tremblay",
    national_id_type="SIN",
    national_id="123-45-6789",
    street="123 Rue Sherbrooke",
    city="Montreal",
    province="QC",
    postal_code="H3A 1B1",
)
"""The client of S30's example."""
WRITTEN = (
    "ACCT"
    "ONB-2025-00123      "
    "MARIE                         "
    "TREMBLAY                      "
    "123456789"
    "123 RUE SHERBROOKE                      "
    "MONTREAL            "
    "QC"
    "H3A1B1 "
    "WM "
)
"""Its values as the copybook of the example has them."""


def _with(**fields: str) -> AccountProfile:
    return msgspec.structs.replace(MARIE, **fields)


def _made(profile: AccountProfile, page: str) -> AccountRequest | RecordRefused:
    try:
        return request_of(FILE, profile, page)
    except RecordRefused as refused:
        return refused


def _refused(**fields: str) -> tuple[str, str]:
    with pytest.raises(RecordRefused) as refused:
        request_of(FILE, _with(**fields), PAGE)
    return refused.value.field, refused.value.code


@pytest.mark.parametrize("page", ["cp037", "cp500", "cp1047", "cp1140", "cp1147"])
def test_the_record_of_the_source_byte_for_byte(page: str) -> None:
    """The 165 bytes of S30's example, by Python's own code page, and read back to the same values."""
    made = request_of(FILE, MARIE, page)
    assert made.data == WRITTEN.encode(page)
    assert len(made.data) == 165
    values = codec_of("ACCOUNT-CREATE-REQUEST", page).decode(made.data)
    assert (values["SSN"], values["POSTAL-CODE"], values["ACCOUNT-TYPE"]) == (
        123456789,
        "H3A1B1",
        "WM",
    )
    assert not made.is_cut
    assert Change("SSN", "separators") in made.changes
    assert Change("ACCOUNT-TYPE", "mapped") in made.changes


def test_lengths_of_our_records() -> None:
    """165 bytes of S30, and those that answer and ask: no length is left to chance."""
    lengths = {name: read_copybook(copybook_source(name)).most for name in COPYBOOKS}
    assert lengths == {
        "ACCOUNT-CREATE-REQUEST": 165,
        "ACCOUNT-INQUIRY-REQUEST": 24,
        "ACCOUNT-UPDATE-REQUEST": 93,
        "ADDRESS-INQUIRY-REQUEST": 93,
        "ACCOUNT-REPLY": 80,
        "PROFILE-CHANGE": 119,
    }
    assert inquiry_of(FILE, PAGE) == f"ACIN{FILE:20}".encode(PAGE)


def test_whether_somebody_lives_there_is_asked_in_the_letters_that_said_so() -> None:
    """S33, X12: byte for byte what the update says, but for its TRAN-CODE: cut, transliterated and all."""
    profile = _with(city="Montréal-lès-Œuvres-sur-Loire", street="é" * 60)
    update, inquiry = (of(FILE, profile, PAGE).data for of in (update_of, address_inquiry_of))
    assert (update[:4], inquiry[:4]) == ("ACUP".encode(PAGE), "ACVF".encode(PAGE))
    assert update[4:] == inquiry[4:]


def test_accents_stay_where_the_page_has_them() -> None:
    """MONTRÉAL is d4d6d5e3d971c1d3 in 500 and 1140 (protocols.md 5.7); Latin letters elsewhere (X12)."""
    for page in ("cp500", "cp1140"):
        made = request_of(FILE, _with(city="Montréal"), page)
        assert made.data[133:141].hex() == "d4d6d5e3d971c1d3"
        assert Change("CITY", "transliterated") not in made.changes
    made = request_of(FILE, _with(city="Montréal", last_name="Œuvrard-Șerban"), "cp1025")
    values = codec_of("ACCOUNT-CREATE-REQUEST", "cp1025").decode(made.data)
    assert (values["CITY"], values["LAST-NAME"]) == ("MONTREAL", "OEUVRARD-SERBAN")
    assert Change("CITY", "transliterated") in made.changes


def test_what_nobody_sees_is_taken_away_and_reported() -> None:
    """A soft hyphen is in cp500, and a blank of no width in no page: neither is sent, and the report says so (S30, X12)."""
    made = request_of(FILE, _with(street="\u200b12\u00ad3 \u200d Rue Sherbrooke\ufeff"), PAGE)
    assert made.data == WRITTEN.encode(PAGE)
    assert Change("ADDRESS-LINE-1", "invisible") in made.changes
    assert Change("CITY", "invisible") not in made.changes
    assert _refused(last_name="\u200b") == ("LAST-NAME", "FIELD_MISSING")
    assert _refused(national_id="1234\u200b56789") == ("SSN", "DIGIT_INVALID")


@pytest.mark.parametrize("symbol", ["\u2116", "\u2122", "\U0001f600", "\x00"])
def test_what_no_letters_stand_for_is_refused_before_it_is_a_record(symbol: str) -> None:
    """By the function that is asked of it before anybody signs, and by the record's, alike (S30, X12)."""
    assert written(f"A{symbol}", PAGE) is None
    assert _refused(street=f"A{symbol}") == ("ADDRESS-LINE-1", "CHARACTER_UNMAPPED")
    assert written("\u200b a  b", PAGE) == "A B"


def test_cut_only_where_the_field_says_so_and_reported() -> None:
    """A name, a street and a city are cut to their field, and the report says how much; numbers never are (X12)."""
    made = request_of(FILE, _with(last_name="A" * 33, street="B" * 41), PAGE)
    cuts = [change for change in made.changes if change.kind == "cut"]
    assert cuts == [Change("LAST-NAME", "cut", 3), Change("ADDRESS-LINE-1", "cut", 1)]
    assert made.is_cut
    assert len(made.data) == 165
    assert _refused(province="Québec") == ("PROVINCE", "FIELD_TOO_LONG")
    assert _refused(postal_code="12345-6789") == ("POSTAL-CODE", "FIELD_TOO_LONG")
    assert _refused(last_name=" ") == ("LAST-NAME", "FIELD_MISSING")
    with pytest.raises(RecordRefused) as refused:
        request_of("ONB-2025-0000000000123", MARIE, PAGE)
    assert (refused.value.field, refused.value.code) == ("CLIENT-ID", "FIELD_TOO_LONG")


@pytest.mark.parametrize(
    ("national_id", "code"),
    [
        ("12345678", "FIELD_LENGTH_WRONG"),
        ("1234567890", "FIELD_LENGTH_WRONG"),
        ("", "DIGIT_INVALID"),
        ("12345678A", "DIGIT_INVALID"),
        ("١٢٣٤٥٦٧٨٩", "DIGIT_INVALID"),
        ("2 84 05 88 157 008 77", "FIELD_LENGTH_WRONG"),
    ],
)
def test_a_national_id_is_nine_digits_or_refused(national_id: str, code: str) -> None:
    """It is never cut, filled or altered (X11, X12)."""
    assert _refused(national_id=national_id) == ("SSN", code)


@given(st.text(max_size=60), st.sampled_from(["cp037", "cp1140", "cp1025", "cp875"]))
def test_any_name_is_written_or_refused_by_name(name: str, page: str) -> None:
    """Whatever somebody is called: 165 bytes that can be read, or a refusal of that field; the id is untouched (X12)."""
    made = _made(_with(last_name=name), page)
    if isinstance(made, RecordRefused):
        assert made.field == "LAST-NAME"
        assert made.code in ("CHARACTER_UNMAPPED", "FIELD_MISSING")
        return
    assert len(made.data) == 165
    values = codec_of("ACCOUNT-CREATE-REQUEST", page).decode(made.data)
    assert values["SSN"] == 123456789
    assert values["LAST-NAME"].isprintable()


@pytest.mark.parametrize(
    "reply",
    [
        AccountReply(FILE, "created", "WM-0000017"),
        AccountReply(FILE, "created", "WM-0000017", is_repeated=True),
        AccountReply(FILE, "refused", reason="UNSUCCESSFUL"),
        AccountReply(FILE, "refused", reason="NO SUCCESS"),
        AccountReply(FILE, "absent"),
        AccountReply(FILE, "failed", reason="ABEND S0C7"),
    ],
)
def test_a_reply_is_its_status(reply: AccountReply) -> None:
    """Both ways; UNSUCCESSFUL is a reason, and no success (X10)."""
    assert read_reply(reply_of(reply, PAGE), PAGE) == reply


def _with_bytes(data: bytes, offset: int, field: bytes) -> bytes:
    return data[:offset] + field + data[offset + len(field) :]


@pytest.mark.parametrize(
    ("filled", "reason"),
    [
        (b"\x00" * 42, ""),
        ("NO SUCCESS".encode(PAGE).ljust(42, b"\x00"), "NO SUCCESS"),
        (b"\x00\x00" + "NO\u00ad SUCCESS".encode(PAGE) + b"\x00\x25\x15\x3f", "NO SUCCESS"),
    ],
)
def test_a_reason_has_nothing_that_cannot_be_read(filled: bytes, reason: str) -> None:
    """LOW-VALUES, new lines and what nobody sees are no part of it: it is read by people, and decides nothing (S30, X10)."""
    data = reply_of(AccountReply(FILE, "refused"), PAGE)
    read = read_reply(_with_bytes(data, 38, filled), PAGE)
    assert read == AccountReply(FILE, "refused", reason=reason)


@pytest.mark.parametrize(
    ("offset", "field"),
    [(4, b"\x00" * 20), (4, b"\x00"), (24, b"\x00\x00"), (24, b"\xf0\x00"), (26, b"\x00" * 12), (30, b"\x00")],
)  # fmt: skip
def test_what_decides_a_reply_is_taken_as_it_is(offset: int, field: bytes) -> None:
    """CLIENT-ID, STATUS-CODE and ACCOUNT-NUMBER: nothing of them is cleaned until it fits (S30, X10)."""
    data = reply_of(AccountReply(FILE, "created", "WM-0000017"), PAGE)
    with pytest.raises(ReplyUnreadable):
        read_reply(_with_bytes(data, offset, field), PAGE)


def test_what_is_no_reply_is_said_to_be_none() -> None:
    """A byte less or more, another page, another record, an unknown status, fields that contradict it (X10, E11)."""
    created = AccountReply(FILE, "created", "WM-0000017")
    data = reply_of(created, PAGE)
    unknown = data[:24] + "99".encode(PAGE) + data[26:]
    wrong = {
        data[:-1]: "RECORD_LENGTH_WRONG",
        data + b"\x40": "RECORD_LENGTH_WRONG",
        data.decode(PAGE).encode("ascii"): "REPLY_FOREIGN",
        b"SUCCESS".ljust(80): "REPLY_FOREIGN",
        unknown: "REPLY_STATUS_UNKNOWN",
        reply_of(with_fields(created, account_number=""), PAGE): "REPLY_CONTRADICTORY",
        reply_of(AccountReply(FILE, "refused", "WM-0000017"), PAGE): "REPLY_CONTRADICTORY",
    }
    for given_data, code in wrong.items():
        with pytest.raises(ReplyUnreadable) as unreadable:
            read_reply(given_data, PAGE)
        assert unreadable.value.code == code


@given(st.binary(max_size=100) | st.binary(min_size=80, max_size=80))
def test_any_bytes_are_a_reply_or_none(data: bytes) -> None:
    """Whatever lies on the queue is read, or named; nothing else happens (E11)."""
    with suppress(ReplyUnreadable):
        assert read_reply(data, PAGE).client_id
