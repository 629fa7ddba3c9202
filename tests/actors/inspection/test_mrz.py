"""Machine readable zones: read as Doc 9303 writes them, refused where a digit does not hold.

Source: spec.md S19, S20; ICAO Doc 9303 parts 3 to 7; protocols.md 5.5; check-command contract, kind `mrz`.
"""

from datetime import date
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from comptoir.actors.checks import check_mrz
from comptoir.actors.inspection.mrz import ZoneUnreadable, read_zone, repair_zone
from tests.actors.inspection.zones import ERIKSSON, VALUES, Bearer, digit, write_zone

TODAY = date(2026, 12, 1)
FRENCH = ["IDFRABERTHIER<<<<<<<<<<<<<<<<<<<<<<<", "8806923102858CORINNE<<<<<<<6512068F6"]
"""The specimen of the French card."""
KINDS = ("TD1", "TD2", "TD3", "MRVA", "MRVB", "FRA")

words = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=5)
names = st.lists(words, min_size=1, max_size=2).map(" ".join)
days = st.dates(date(1930, 1, 1), date(2026, 11, 30)).map(lambda day: day.strftime("%y%m%d"))
bearers = st.builds(
    Bearer, surname=names, given=names, number=st.text(VALUES, min_size=9, max_size=9),
    nationality=st.sampled_from(("FRA", "D", "CAN", "XXA")), birth=days,
    sex=st.sampled_from("MFX"), expiry=days, optional=st.text(VALUES, max_size=7),
    issuer=st.sampled_from(("FRA", "D", "UTO")),
)  # fmt: skip


@pytest.mark.parametrize("kind", ERIKSSON)
def test_the_specimens_of_doc_9303_are_read(kind: str) -> None:
    """S19: every format that ICAO publishes, from its own specimen."""
    answer = check_mrz({"lines": ERIKSSON[kind]})
    fields = answer["fields"]
    assert (answer["ok"], answer["format"]) == (True, kind)
    assert (fields["surname"], fields["given_names"], fields["sex"]) == (
        "ERIKSSON", "ANNA MARIA", "F",
    )  # fmt: skip
    assert fields["issuer"] == "UTO"
    if kind in ("MRVA", "MRVB"):
        assert fields["document_number"] == "L8988901C"
        assert (fields["birth_date"], fields["expiry_date"]) == ("1940-09-07", "1996-12-10")
    else:
        assert (fields["birth_date"], fields["expiry_date"]) == ("1974-08-12", "2012-04-15")
    if kind == "TD3":
        assert (fields["document_number"], fields["optional"]) == ("L898902C3", "ZE184226B")
        assert list(answer["checks"]) == [
            "document_number", "birth_date", "expiry_date", "optional", "composite",
        ]  # fmt: skip


def test_the_french_card_has_a_layout_of_its_own() -> None:
    """S19: two lines of 36, and no TD2; it says when it was issued, and not when it ends."""
    answer = check_mrz({"lines": FRENCH})
    assert (answer["ok"], answer["format"]) == (True, "FRA")
    assert answer["fields"] == {
        "document_code": "ID", "issuer": "FRA", "surname": "BERTHIER", "given_names": "CORINNE",
        "document_number": "880692310285", "nationality": "FRA", "birth_date": "1965-12-06",
        "sex": "F", "expiry_date": None, "optional": "", "issue_month": "1988-06",
    }  # fmt: skip


def test_a_long_number_of_a_card_goes_on_in_its_optional_field() -> None:
    """S19: Doc 9303 part 5's own example: a filler stands for the digit, the digit stands at the end."""
    lines = [
        "I<UTOD23145890<7349<<<<<<<<<<<",
        "3407127M9507122UTO<<<<<<<<<<<2",
        "STEVENSON<<PETER<JOHN<<<<<<<<<",
    ]
    answer = check_mrz({"lines": lines})
    assert (answer["ok"], answer["fields"]["document_number"]) == (True, "D23145890734")
    assert answer["fields"]["optional"] == ""
    wrong = [lines[0].replace("7349", "7348"), *lines[1:]]
    assert check_mrz({"lines": wrong})["checks"]["document_number"] is False


@given(st.sampled_from(KINDS), bearers)
@example("TD3", Bearer(number="L898902C<", optional=""))
def test_what_was_written_is_read(kind: str, bearer: Bearer) -> None:
    """S19: whoever writes a zone by Doc 9303 gets the same fields back, and every digit holds."""
    zone = read_zone(write_zone(kind, bearer), TODAY)
    assert zone.holds, zone
    assert zone.surname == bearer.surname
    assert zone.given_names.startswith(bearer.given[:13] if kind == "FRA" else bearer.given)
    assert zone.sex == bearer.sex
    assert zone.birth_date is not None
    assert zone.birth_date[2:].replace("-", "") == bearer.birth
    assert zone.birth_date <= "2026-12-01"
    if kind == "FRA":
        assert zone.document_number == bearer.expiry[:4] + bearer.number[-8:]
        return
    assert zone.document_number == bearer.number.rstrip("<")
    assert (zone.issuer, zone.nationality) == (bearer.issuer, bearer.nationality)
    assert zone.optional == bearer.optional
    assert zone.expiry_date is not None
    assert zone.expiry_date[2:].replace("-", "") == bearer.expiry


@given(st.sampled_from(KINDS), bearers, st.data())
def test_one_wrong_sign_in_a_checked_field_is_seen(
    kind: str, bearer: Bearer, data: st.DataObject
) -> None:
    """S19: a digit of a date that is another one never passes: 7, 3 and 1 have no common factor with ten."""
    lines = write_zone(kind, bearer)
    row = 1
    at = {"TD1": 2, "FRA": 29}.get(kind, 15)
    other = data.draw(st.sampled_from([x for x in "0123456789" if x != lines[row][at]]))
    lines[row] = lines[row][:at] + other + lines[row][at + 1 :]
    answer = check_mrz({"lines": lines})
    assert (answer["ok"], answer["error"]["code"]) == (False, "MRZ_CHECK_DIGIT_WRONG")
    assert answer["checks"]["birth_date"] is False


@pytest.mark.parametrize(
    ("given_input", "code"),
    [
        ({"lines": ["P<UTO", "L89"]}, "MRZ_FORMAT_UNKNOWN"),
        ({"lines": []}, "MRZ_FORMAT_UNKNOWN"),
        ({"lines": [ERIKSSON["TD3"][0], "é" * 44]}, "MRZ_CHARACTER_INVALID"),
        ({"lines": "P<UTO"}, "CHECK_INPUT_INVALID"),
        ({}, "CHECK_INPUT_INVALID"),
        ({"lines": ["<" * 201]}, "CHECK_INPUT_INVALID"),
    ],
)
def test_what_is_no_zone_is_named(given_input: Any, code: str) -> None:
    """check-command: an answer with a code, never an exception."""
    answer = check_mrz(given_input)
    assert (answer["ok"], answer["error"]["code"]) == (False, code)


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        ("7408<<", "1974-08"),
        ("74<<<<", "1974"),
        ("<<<<<<", None),
        ("741332", None),
        ("261201", "2026-12-01"),
        ("261202", "1926-12-02"),
        ("000229", "2000-02-29"),
        ("010229", None),
    ],
)
def test_a_birth_is_not_to_come(field: str, shown: str | None) -> None:
    """S20: two digits of a year are the latest that is not to come; fillers are what nobody knows (Doc 9303
    part 3, 4.8); a day that does not exist is none.
    """
    assert read_zone(write_zone("TD3", Bearer(birth=field)), TODAY).birth_date == shown


@pytest.mark.parametrize(
    ("field", "shown"), [("761231", "2076-12-31"), ("770101", "1977-01-01"), ("261130", "2026-11-30")]
)  # fmt: skip
def test_a_validity_ends_within_fifty_years(field: str, shown: str) -> None:
    """S20: whether a document has expired depends on the century of its end."""
    assert read_zone(write_zone("TD1", Bearer(expiry=field)), TODAY).expiry_date == shown


def test_names_that_do_not_fit_say_so() -> None:
    """S20: a name that fills its field may have been cut: who compares it must know."""
    long = Bearer(surname="NILAVADHANANANDA", given="CHAYAPA DEJTHAMRONG KRASUANG")
    cut = read_zone(write_zone("TD3", long), TODAY)
    assert (cut.truncated, cut.given_names) == (True, "CHAYAPA DEJTHAMRONG K")
    assert not read_zone(write_zone("TD3", Bearer()), TODAY).truncated
    lonely = read_zone(["P<UTOARKFREITH".ljust(44, "<"), ERIKSSON["TD3"][1]], TODAY)
    assert (lonely.surname, lonely.given_names) == ("ARKFREITH", "")


@pytest.mark.parametrize(
    ("kind", "wrong", "read"),
    [
        ("TD3", ("740812", "74O8I2"), "birth_date"),
        ("TD3", ("L898902C3", "L8989O2C3"), "document_number"),
        ("TD1", ("320415", "3Z0415"), "expiry_date"),
        ("MRVB", ("740812", "7408IZ"), "birth_date"),
        ("FRA", ("740812", "7A0B12"), "birth_date"),
    ],
)
def test_what_ocr_confuses_is_put_right_where_a_digit_proves_it(
    kind: str, wrong: tuple[str, str], read: str
) -> None:
    """S19, protocols.md 5.5: O for 0, I for 1, Z for 2, S for 5, B for 8; `check mrz` alone repairs nothing."""
    lines = write_zone(kind, Bearer())
    spoilt = [line.replace(*wrong) for line in lines]
    assert spoilt != lines
    assert check_mrz({"lines": spoilt})["ok"] is False
    assert repair_zone(spoilt, TODAY) == read_zone(lines, TODAY)
    assert getattr(repair_zone(spoilt, TODAY), read) == getattr(read_zone(lines, TODAY), read)


def test_what_no_digit_proves_stays_as_it_was_read() -> None:
    """protocols.md 5.5: a name has no digit; of two readings that both hold none is chosen; G and 6 differ by ten,
    so that no digit can tell them apart.
    """
    lines = write_zone("TD3", Bearer())
    spoilt = [lines[0].replace("ERIKSSON", "ERIK5SON"), lines[1].replace("320415", "320416")]
    assert repair_zone(spoilt, TODAY) == read_zone(spoilt, TODAY)
    twice = Bearer(number="AB1234560", optional="ZE184226B")
    doubtful = [x.replace("ZE184226B", "ZEI84226B") for x in write_zone("TD3", twice)]
    assert repair_zone(doubtful, TODAY).optional == "ZEI84226B"
    six = write_zone("TD3", Bearer(number="AB1234560"))
    gee = [x.replace("AB1234560", "AB12345G0") for x in six]
    assert repair_zone(gee, TODAY).document_number == "AB12345G0"


@given(st.sampled_from(KINDS), bearers, st.integers(0, 43), st.sampled_from(VALUES + "<"))
def test_a_repair_never_changes_what_holds(kind: str, bearer: Bearer, at: int, sign: str) -> None:
    """S19: what comes out holds in every digit, or is exactly what came in."""
    lines = write_zone(kind, bearer)
    assert repair_zone(lines, TODAY) == read_zone(lines, TODAY)
    spoilt = [*lines[:-1], lines[-1][:at] + sign + lines[-1][at + 1 :]]
    try:
        repaired = repair_zone(spoilt, TODAY)
    except ZoneUnreadable:
        return  # it has grown longer
    assert repaired.holds or repaired == read_zone(spoilt, TODAY)


def test_a_date_of_letters_does_not_hold_whatever_its_digit() -> None:
    """S19: a visa's zone that was read one sign off has digits that hold by chance, and no date where it should be."""
    upper, lower = write_zone("MRVA", Bearer())
    for letters in ("R52122", "A1B2C3"):
        strange = lower[:13] + letters + digit(letters) + lower[20:]
        zone = read_zone([upper, strange], TODAY)
        assert (zone.checks["birth_date"], zone.holds) == (False, False)
    unknown = lower[:13] + "<<<<<<0" + lower[20:]
    assert read_zone([upper, unknown], TODAY).holds, "fillers stand for what is not known"
