"""What was read, held against what was declared: names with their tolerance, dates, holders; and what follows from it.

Source: spec.md S4, S19, S20, S25; docs/documents.md.
"""

import dataclasses
from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.inspection.flags import FLAGS
from comptoir.actors.inspection.judging import Declared, Findings, judge
from comptoir.actors.inspection.names import match_names
from comptoir.actors.inspection.report import Report
from comptoir.actors.inspection.texts import date_of_document, find_holder, tax_fields
from tests.actors.inspection.zones import Bearer, write_zone

TODAY = date(2026, 12, 1)
MARIE = Declared("Marie", "Tremblay", "1980-05-15")
BEARER = Bearer("TREMBLAY", "MARIE ANNE", birth="800515", expiry="310101", nationality="CAN")
READ = Report("application/pdf", 1, "ab" * 32, (), confidence=0.9)
BILL = """
EAU SPECIMEN
Mme Marie Tremblay
12 rue des Lilas
75011 Paris
Date de facture : 15/11/2026
Echeance le 30/12/2026
Total a payer 60,55 EUR
"""


@pytest.mark.parametrize(
    ("declared", "read", "how"),
    [
        (("Marie", "Tremblay"), ("MARIE", "TREMBLAY"), "same"),
        (("Zoé", "Lefèvre"), ("ZOE", "LEFEVRE"), "accents"),
        (("Jean-Luc", "O'Neill"), ("JEAN LUC", "O NEILL"), "accents"),
        (("Jürgen", "Müller"), ("JUERGEN", "MUELLER"), "accents"),
        (("Jürgen", "Müller"), ("JURGEN", "MULLER"), "accents"),
        (("Søren", "Ærø"), ("SOEREN", "AEROE"), "accents"),
        (("Jean", "d'Amours"), ("JEAN", "DAMOURS"), "accents"),
        (("Иван", "Щербаков"), ("IVAN", "SHCHERBAKOV"), "accents"),
        (("Tremblay", "Marie"), ("MARIE", "TREMBLAY"), "order"),
        (("Charles", "de La Tour"), ("CHARLES", "TOUR"), "particles"),
        (("Marie", "Tremblay"), ("MARIE ANNE", "TREMBLAY"), "given_names"),
        (("Marie Anne", "Tremblay"), ("MARIE", "TREMBLAY"), "given_names"),
        (("Chayapa", "Nilavadhana"), ("CHAYAPA", "NILAVAD"), "truncated"),
        (("Marie", "Tremblay"), ("MARIE", "TREMBLET"), "different"),
        (("Marie", "Tremblay"), ("ANNE", "TREMBLAY"), "different"),
        (("Marie", "Tremblay"), ("MARIE", "TREMBLAY GAGNON"), "different"),
        (("Marie", "Tremblay"), ("", ""), "different"),
    ],
)
def test_a_tolerance_has_a_word(declared: tuple[str, str], read: tuple[str, str], how: str) -> None:
    """S20: accents, order, particles and given names are explained; another name is another name."""
    assert match_names(declared, read, truncated=True) == how


def test_a_name_that_was_not_cut_must_be_whole() -> None:
    """S20: half a name passes only where the zone had no room for the other half."""
    declared, read = ("Chayapa", "Nilavadhana"), ("CHAYAPA", "NILAVAD")
    assert match_names(declared, read, truncated=False) == "different"


words = st.text(st.characters(codec="utf-8"), max_size=12)


@given(words, words, words, words)
def test_any_names_can_be_compared(first: str, last: str, given_names: str, surname: str) -> None:
    """design.md 9: whatever stands in a name, there is an answer."""
    assert match_names((first, last), (given_names, surname), truncated=True)


def test_a_passport_of_whoever_declared_it_has_no_flag() -> None:
    """S19, S24: read, valid, and of the person that it should be: its fields are told."""
    found = judged(BEARER, "TD3")
    assert found.flags == ()
    assert found.fields == {
        "format": "TD3", "documentNumber": "L898902C3", "issuer": "UTO", "surname": "TREMBLAY",
        "givenNames": "MARIE ANNE", "nationality": "CAN", "birthDate": "1980-05-15", "sex": "F",
        "expiryDate": "2031-01-01", "nameMatch": "given_names",
    }  # fmt: skip


def judged(bearer: Bearer, kind: str) -> Findings:
    """What is found of an identity document."""
    report = msgspec.structs.replace(READ, zone=tuple(write_zone(kind, bearer)))
    return judge(report, "IDENTITY", MARIE, TODAY)


@pytest.mark.parametrize(
    ("kind", "changes", "flags"),
    [
        ("TD1", {"expiry": "261130"}, ("DOCUMENT_EXPIRED",)),
        ("TD1", {"expiry": "261201"}, ()),
        ("TD3", {"surname": "GAGNON"}, ("DATA_INCONSISTENT",)),
        ("TD3", {"birth": "800516"}, ("DATA_INCONSISTENT",)),
        ("TD3", {"birth": "8005<<"}, ()),
        ("MRVA", {"expiry": "200101", "given": "ZOE"}, ("DOCUMENT_EXPIRED", "DATA_INCONSISTENT")),
        ("FRA", {"expiry": "161101"}, ("DOCUMENT_EXPIRED",)),
        ("FRA", {"expiry": "161201"}, ()),
        ("FRA", {"expiry": "120101"}, ()),
        ("FRA", {"expiry": "111101"}, ("DOCUMENT_EXPIRED",)),
        ("FRA", {"expiry": "031201"}, ("DOCUMENT_EXPIRED",)),
    ],
)
def test_what_has_expired_or_says_something_else_is_told(
    kind: str, changes: dict[str, str], flags: tuple[str, ...]
) -> None:
    """S20, S25: the last day counts as valid; a French card holds ten years, fifteen for adults of 2004 to 2013, to the end
    of its month.
    """
    assert judged(dataclasses.replace(BEARER, **changes), kind).flags == flags


def test_a_zone_that_does_not_hold_is_asked_for_again() -> None:
    """S19: no zone, half a zone, or a digit that is wrong: nothing is taken from it."""
    lines = write_zone("TD3", BEARER)
    for zone in ((), (lines[0],), (lines[0], lines[1][:13] + "99" + lines[1][15:])):
        report = msgspec.structs.replace(READ, zone=zone)
        assert judge(report, "IDENTITY", MARIE, TODAY) == Findings(("ZONE_UNREADABLE",), {})


@pytest.mark.parametrize(
    ("text", "flags", "fields"),
    [
        (BILL, (), {"holder": "Mme Marie Tremblay", "address": "12 rue des Lilas, 75011 Paris",
                    "issueDate": "2026-11-15"}),
        (BILL.replace("15/11/2026", "1er septembre 2026"), (), {"issueDate": "2026-09-01"}),
        (BILL.replace("15/11/2026", "31 août 2026"), ("PROOF_TOO_OLD",), {"issueDate": "2026-08-31"}),
        (BILL.replace("Tremblay", "Gagnon"), ("DATA_INCONSISTENT",), {"issueDate": "2026-11-15"}),
        (BILL.replace("15/11/2026", "32/11/2026"), ("DATE_NOT_FOUND",), {}),
        (BILL.replace("75011 Paris", "Montréal QC H2X 1Y4"), (),
         {"address": "12 rue des Lilas, Montréal QC H2X 1Y4"}),
        ("rien", ("TEXT_UNREADABLE",), {}),
    ],
)  # fmt: skip
def test_a_proof_of_residence_says_who_where_and_when(
    text: str, flags: tuple[str, ...], fields: dict[str, str]
) -> None:
    """S4, S19: holder, address, and a date under three months, the day of today three months ago being the last."""
    found = judge(msgspec.structs.replace(READ, text=text), "PROOF_OF_RESIDENCE", MARIE, TODAY)
    assert found.flags == flags
    assert fields.items() <= found.fields.items()


def test_what_was_guessed_is_not_read() -> None:
    """S19: text of which Tesseract itself is not sure counts as none."""
    doubtful = msgspec.structs.replace(READ, text=BILL, confidence=0.4)
    assert judge(doubtful, "TAX_DECLARATION", MARIE, TODAY).flags == ("TEXT_UNREADABLE",)


def test_a_tax_notice_says_year_number_and_income() -> None:
    """S4, S5: as far as it does; sums without their blanks."""
    text = "Impôt sur les revenus de 2025\nNuméro fiscal : 12 34 567 890 123\nRevenu fiscal de référence : 45 678 \n"
    assert tax_fields(text) == {
        "taxCountry": "FR", "taxYear": "2025", "taxNumber": "1234567890123", "referenceIncome": "45678",
    }  # fmt: skip
    assert tax_fields("Nothing of that kind 2025") == {}


@given(st.integers(0, 10**15 - 1))
def test_an_income_is_read_whole_and_a_row_of_digits_is_none(income: int) -> None:
    """S4, S5: with its blanks or without; what is longer than any sum is none."""
    for written in (str(income), f"{income:,}", f"{income:,}".replace(",", " ")):
        assert tax_fields(f"Total income: {written} $")["referenceIncome"] == str(income)
    assert "referenceIncome" not in tax_fields(f"Total income: {'9' * (income % 5_000 + 16)}")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Paris, le 3 février 2026", "2026-02-03"),
        ("Issued on March 5, 2026", "2026-03-05"),
        ("du 01.02.2026 au 28.02.2026", "2026-02-01"),
        ("2026-01-31", "2026-01-31"),
        ("12/01/2026 and 13/01/2026", "2026-01-13"),
        ("Due date 01/01/2027", None),
        ("31/02/2026", None),
    ],
)
def test_a_date_is_one_that_was(text: str, day: str | None) -> None:
    """S20: French and English; beside a word that says so first, else the latest; none that is to come."""
    found = date_of_document(text, TODAY)
    assert (found and found.isoformat()) == day


def test_a_holder_is_found_by_the_declared_name_alone() -> None:
    """S20: in whichever order and with whichever accents; a first name alone is nobody."""
    assert find_holder("x\nTREMBLAY  Marie\ny", "Marie", "Tremblay") == "TREMBLAY Marie"
    assert find_holder("Melle ZOE LEFEVRE", "Zoé", "Lefèvre") == "Melle ZOE LEFEVRE"
    assert find_holder("Marie Gagnon", "Marie", "Tremblay") is None


@pytest.mark.parametrize(
    ("line", "first", "last", "is_there"),
    [
        ("Noël Strauf", "Noël", "Strauß", True),
        ("Noël Strau&", "Noël", "Strauß", True),
        ("Anna tukasik", "Anna", "Łukasik", True),
        ("Jorgen Hansen", "Jørgen", "Hansen", True),
        ("Paul Strauf", "Noël", "Strauß", False),
        ("Anna Lukacik", "Anna", "Łukasik", False),
        ("Anna Miller", "Anna", "Müller", False),
        ("Anna Martan", "Anna", "Martin", False),
    ],
)
def test_letters_that_ocr_has_not_learnt_are_read_as_others(
    line: str, first: str, last: str, is_there: bool
) -> None:
    """S19, S20: of a letter that is neither French nor English some other sign is read; all the others must be right."""
    assert (find_holder(f"x\n{line}\ny", first, last) == line) is is_there


def test_what_is_not_read_is_judged_by_its_file_alone() -> None:
    """S1, S19: articles and deeds need to be sound; what refuses a file ends its judgement."""
    assert judge(READ, "ARTICLES", MARIE, TODAY) == Findings((), {})
    spoilt = msgspec.structs.replace(READ, flags=("POLYGLOT",), text=BILL)
    assert judge(spoilt, "PROOF_OF_RESIDENCE", MARIE, TODAY) == Findings(("POLYGLOT",), {})
    assert {"ZONE_UNREADABLE", "PROOF_TOO_OLD", "DATA_INCONSISTENT"} <= FLAGS.keys()
