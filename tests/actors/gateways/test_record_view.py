"""A dead record is shown field by field to whoever looks after the mainframe, and nobody's name or number is."""

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.account.messages import AccountProfile
from comptoir.actors.gateways.account_record import request_of
from comptoir.actors.gateways.core_messages import ReplyTaken, SendRecord
from comptoir.actors.gateways.record_view import RecordView, view_of, view_of_message
from comptoir.engine.values import encode
from comptoir.sandbox.parties.mainframe_records import change_record, reply_record

CLIENT = "ONB-2026-00001"
PAGE = "cp500"
PROFILE = AccountProfile(
    "Marie", "Tremblay", "SIN", "046 454 286", "1 rue Sherbrooke", "Laval", "QC", "H3A 1B1"
)
PERSONAL = ("MARIE", "TREMBLAY", "046454286", "SHERBROOKE", "LAVAL", "H3A1B1")
REPLY = reply_record(CLIENT, "08", "WM0000000001", "TREMBLAY 046454286")
CHANGE = change_record(CLIENT, "CH00000001", 7, 0, ("CITY", "LAVAL"))
REQUEST = request_of(CLIENT, PROFILE, PAGE).data


def shown(view: RecordView) -> dict[str, tuple[str, str]]:
    """By field: hex and meaning."""
    return {one.field: (one.hex, one.meaning) for one in view.fields}


def leaks(view: RecordView) -> list[str]:
    """What of a person's can be read in it, in either of two code pages."""
    told = msgspec.json.encode(view).decode()
    ways = [word.encode(page).hex() for word in PERSONAL for page in (PAGE, "latin-1")]
    return [word for word in (*PERSONAL, *ways) if word in told]


@pytest.mark.parametrize(
    ("copybook", "data"),
    [("ACCOUNT-REPLY", REPLY), ("PROFILE-CHANGE", CHANGE), ("ACCOUNT-CREATE-REQUEST", REQUEST)],
)
@pytest.mark.parametrize("cut", [0, 1, -1])
@pytest.mark.parametrize("other", [False, True])
def test_nobodys_name_or_number_is_in_it(
    copybook: str, data: bytes, cut: int, *, other: bool
) -> None:
    """S58, S60: whole, a byte too long or too short, shifted, or in another code page."""
    spoiled = data[cut:] if cut >= 0 else b"\x40" + data
    if other:
        spoiled = spoiled.decode(PAGE).encode("latin-1")
    view = view_of(copybook, spoiled, PAGE)
    assert view is not None
    assert leaks(view) == []
    assert (view.bytes, view.expected) == (len(spoiled), len(data))


def test_what_tells_what_went_wrong_is_shown() -> None:
    """E11: field, offset, hex, meaning; a length that is wrong says where the record ends."""
    view = view_of("ACCOUNT-REPLY", REPLY, PAGE)
    assert view is not None
    fields = shown(view)
    assert fields["STATUS-CODE"] == ("f0f8", "'08' = ACCOUNT-REFUSED")
    assert fields["CLIENT-ID"][1] == f"'{CLIENT}'"
    assert fields["ACCOUNT-NUMBER"] == ("**" * 12, "")
    assert fields["REASON"] == ("**" * 8 + "40" + "**" * 9 + "40" * 24, "")
    assert [one.offset for one in view.fields] == [0, 4, 24, 26, 38]
    short = view_of("ACCOUNT-REPLY", REPLY[:79], PAGE)
    assert short is not None
    assert [one.wrong for one in short.fields] == ["", "", "", "", "RECORD_LENGTH_WRONG"]
    change = view_of("PROFILE-CHANGE", CHANGE, PAGE)
    assert change is not None
    assert shown(change)["CHANGE-SEQUENCE"][1] == "7"
    assert shown(change)["FIELD-NAME"][1] == "'CITY'"


def test_a_message_says_of_which_copybook_its_record_is() -> None:
    """Replies, changes, and what was to be sent; of anything else there is no record."""
    for message, copybook in (
        (ReplyTaken("", REPLY), "ACCOUNT-REPLY"),
        (ReplyTaken("", CHANGE, change=True), "PROFILE-CHANGE"),
        (SendRecord(f"{CLIENT}:1", CLIENT, REQUEST), "ACCOUNT-CREATE-REQUEST"),
    ):
        view = view_of_message(encode(message), PAGE)
        assert view is not None
        assert view.copybook == copybook
    for payload in (b"", b"{}", b'{"type": "OpenAccount"}', b'{"type": "ReplyTaken", "record": 1}'):
        assert view_of_message(payload, PAGE) is None


@given(st.binary(max_size=200))
def test_whatever_bytes_come_are_shown_and_hidden_by_the_same_rule(data: bytes) -> None:
    """E11: every byte has its place, and none of what is hidden is anything but a mark or a telling byte."""
    payload = msgspec.json.encode({"type": "ReplyTaken", "record": base64.b64encode(data).decode()})
    view = view_of_message(payload, PAGE)
    assert view is not None
    assert len("".join(one.hex for one in view.fields)) == 2 * len(data)
