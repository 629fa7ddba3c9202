"""What documents say, held against what people have declared: address, nationality, taxes; each with why it differs or not.

Source: spec.md S4, S5, S20, S25; issue 8, 2; docs/documents.md.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.inspection.flags import FLAGS, Weight
from comptoir.actors.kyc.messages import PostalAddress
from comptoir.actors.onboarding.assessing import judged
from comptoir.actors.onboarding.differing import compared, match_address
from comptoir.actors.onboarding.messages import Document, DocumentStatus, Said, Value
from comptoir.actors.onboarding.terms import OnboardingTerms
from tests.actors.filed import PENDING, document

LILAS = {
    "address/street": "12 rue des Lilas",
    "address/postalCode": "75011",
    "address/city": "Paris",
}
BILL = "12 rue des Lilas, 75011 Paris"
NAMES = (
    "Lilas",
    "Épinettes",
    "Victor Hugo",
    "Saint-Denis",
    "Sherbrooke",
    "Tilleuls",
    "Jean Jaurès",
    "Châtaigniers",
)
"""No two of them alike."""
KINDS = {
    "rue": "r.", "avenue": "av.", "boulevard": "bd", "chemin": "ch.", "place": "pl.", "route": "rte",
}  # fmt: skip
TOWNS = {"FR": ("75011", "Paris"), "CA": ("H2X 1Y4", "Montréal")}


def file_of(
    papers: dict[str, dict[str, str]], said: dict[str, Value], source: str = "client"
) -> Any:
    """A file with accepted documents, of which something was declared."""
    documents = tuple(
        document(DocumentStatus.ACCEPTED, id=f"doc_{kind}", doc_type=kind, fields=fields)
        for kind, fields in papers.items()
    )
    known = {path: (Said(value, source, "x", 1),) for path, value in said.items()}
    return msgspec.structs.replace(PENDING, documents=documents, said=known)


def shown(
    doc_type: str, fields: dict[str, str], said: dict[str, Value], source: str = "client"
) -> Document:
    """The one document, as it is told."""
    (one,) = compared(file_of({doc_type: fields}, said, source))
    return one


addresses = st.tuples(
    st.integers(1, 9999), st.sampled_from(sorted(KINDS)), st.sampled_from(NAMES),
    st.sampled_from(sorted(TOWNS)), st.sampled_from(("", " bis")),
)  # fmt: skip


def _plain(number: int, kind: str, name: str, land: str, repeat: str) -> PostalAddress:
    code, city = TOWNS[land]
    return PostalAddress(f"{number}{repeat} {kind} {name}", code, city)


ways = st.sets(
    st.sampled_from(
        ("capitals", "accents", "kind", "saint", "comma", "flat", "repeat", "code", "particle")
    )
)


def _otherwise(address: PostalAddress, chosen: set[str]) -> PostalAddress:
    """The same place, as somebody else writes it."""
    street, code, city = address.street, address.postal_code, address.city
    if "kind" in chosen:
        for long, short in KINDS.items():
            street = street.replace(f" {long} ", f" {short} ")
    changes: dict[str, Callable[[str], str]] = {
        "saint": lambda x: x.replace("Saint-", "St "),
        "accents": lambda x: x.translate(str.maketrans("Éèâé", "Eeae")),
        "repeat": lambda x: x.replace(" bis", "B"),
        "particle": lambda x: x.replace(" rue ", " rue des "),
        "comma": lambda x: x.replace(" ", ", ", 1) if x.split()[1] != "bis" else x,
        "flat": lambda x: f"Appt 4, {x}",
        "capitals": str.upper,
    }  # fmt: skip
    for way, change in changes.items():
        street = change(street) if way in chosen else street
    if "accents" in chosen:
        city = city.replace("é", "e")
    return PostalAddress(street, code.replace(" ", "") if "code" in chosen else code, city)


@given(one=addresses, chosen=ways)
def test_how_an_address_is_written_makes_no_other_one(one: Any, chosen: set[str]) -> None:
    """S20, issue 8: accents, capitals, the usual abbreviations, flats, particles, Saint and St: never a difference, and each
    is explained.
    """
    declared = _plain(*one)
    how, apart = match_address(declared, _otherwise(declared, chosen))
    assert apart == ()
    assert how in ("same", "accents", "abbreviations")
    assert match_address(declared, declared) == ("same", ())
    back = match_address(_otherwise(declared, chosen), declared)
    assert back[1] == (), "whichever side is written so"


@given(one=addresses, chosen=ways, number=st.integers(1, 9999), name=st.sampled_from(NAMES))
def test_another_street_or_number_is_another_address(
    one: Any, chosen: set[str], number: int, name: str
) -> None:
    """S20, issue 8: however it is written, and by the part that differs."""
    declared = _plain(*one)
    moved = _otherwise(_plain(number, one[1], name, *one[3:]), chosen)
    how, apart = match_address(declared, moved)
    wanted = [
        part
        for part, differs in (("number", number != one[0]), ("street", name != one[2]))
        if differs
    ]
    assert list(apart) == wanted
    assert (how == "different") is bool(wanted)


@pytest.mark.parametrize(
    ("said", "read", "how", "apart"),
    [
        (LILAS, BILL, "same", None),
        (LILAS, "12, RUE DES LILAS, 75011 PARIS", "accents", None),
        (LILAS, "Résidence du Parc, 12 r. des Lilas, 75011 Paris", "abbreviations", None),
        (LILAS, "12 rue des Lilos, 75011 Paris", "letters", None),
        (LILAS, "14 rue des Roses, 69003 Lyon", "different", "number, street, postalCode, city"),
        (LILAS, "12 avenue des Lilas, 75011 Paris", "different", "street"),
        ({"address/city": "Paris"}, BILL, "abbreviations", None),
        ({"address/street": "1204-350 boul. St-Laurent O", "address/city": "Montréal"},
         "350 boulevard Saint-Laurent Ouest, app. 1204, Montreal QC H2X 1Y4", "abbreviations", None),
        ({}, BILL, None, None),
        (LILAS, "somewhere", None, None),
    ],
)  # fmt: skip
def test_a_proof_of_residence_is_held_against_the_declared_address(
    said: dict[str, Value], read: str, how: str | None, apart: str | None
) -> None:
    """S4, S20: told by what explains it, or by the parts that differ; what only one side says is not compared."""
    one = shown("PROOF_OF_RESIDENCE", {"address": read}, said)
    assert (one.fields.get("addressMatch"), one.fields.get("addressDiffers")) == (how, apart)
    assert one.reasons == (("ADDRESS_DIFFERS",) if apart else ())


@pytest.mark.parametrize(
    ("doc_type", "fields", "said", "codes"),
    [
        ("IDENTITY", {"nationality": "CAN"}, {"nationality": "CA"}, ()),
        ("IDENTITY", {"nationality": "D"}, {"nationality": "DE"}, ()),
        ("IDENTITY", {"nationality": "CAN"}, {"nationality": "FR"}, ("NATIONALITY_DIFFERS",)),
        ("IDENTITY", {"nationality": "XXA"}, {"nationality": "FR"}, ()),
        ("TAX_DECLARATION", {"taxCountry": "FR"}, {"taxResidences": ("CA", "FR")}, ()),
        ("TAX_DECLARATION", {"taxCountry": "FR"}, {"taxResidences": ("CA",)}, ("TAX_RESIDENCE_DIFFERS",)),
        ("TAX_DECLARATION", {"taxCountry": "FR", "taxNumber": "1234567890123"},
         {"taxNumbers/FR": "12 34 567 890 123"}, ()),
        ("TAX_DECLARATION", {"taxCountry": "FR", "taxNumber": "1234567890124"},
         {"taxNumbers/FR": "12 34 567 890 123"}, ("TAX_NUMBER_DIFFERS",)),
        ("TAX_DECLARATION", {"taxCountry": "CA", "taxNumber": "046454286"},
         {"nationalId/type": "SIN", "nationalId/number": "046 454 287"}, ("TAX_NUMBER_DIFFERS",)),
        ("TAX_DECLARATION", {"taxYear": "2025", "referenceIncome": "45678"},
         {"tax/year": 2025, "tax/referenceIncomeCents": 4_567_850}, ()),
        ("TAX_DECLARATION", {"taxYear": "2025", "referenceIncome": "45678"},
         {"tax/year": 2025, "tax/referenceIncomeCents": 5_567_800}, ("TAX_INCOME_DIFFERS",)),
        ("TAX_DECLARATION", {"taxYear": "2024", "referenceIncome": "45678"},
         {"tax/year": 2025, "tax/referenceIncomeCents": 5_567_800}, ("TAX_YEAR_DIFFERS",)),
        ("TAX_DECLARATION", {"taxCountry": "FR", "taxYear": "2024"}, {"tax/year": 2025, "tax/country": "CA"}, ()),
        ("CONTRACT", {"nationality": "CAN"}, {"nationality": "FR"}, ()),
    ],
)  # fmt: skip
def test_what_a_document_says_otherwise_is_told_by_field(
    doc_type: str, fields: dict[str, str], said: dict[str, Value], codes: tuple[str, ...]
) -> None:
    """S5, S20: each difference is a note with a name of its own; sums count in whole units and of one year, numbers without
    their blanks.
    """
    one = shown(doc_type, fields, said)
    assert one.reasons == codes
    assert all(FLAGS[code] is Weight.NOTE for code in codes)
    assert fields.items() <= one.fields.items()
    assert ("different" in one.fields.values()) is bool(codes)


def test_a_row_of_digits_is_no_income() -> None:
    """S5: read by an older release, it is compared with nothing; the file is described and assessed all the same."""
    said: dict[str, Value] = {"tax/referenceIncomeCents": 5_567_800}
    assert shown("TAX_DECLARATION", {"referenceIncome": "9" * 5_000}, said).reasons == ()


def test_what_a_document_suggested_is_nobodys_word() -> None:
    """E16, S20: the next bill is not held against what the last one said; a person's word behind it is."""
    one = {"address": "14 rue des Roses, 69003 Lyon"}
    said: dict[str, Value] = dict(LILAS)
    assert shown("PROOF_OF_RESIDENCE", one, said, "document:doc_9").reasons == ()
    assert shown("PROOF_OF_RESIDENCE", one, said, "partner:cl_1").reasons == ("ADDRESS_DIFFERS",)


def test_which_differences_count_is_configured() -> None:
    """S20, S25: by default another address, nationality, tax number or income is data that disagree; another year or country
    of a notice is told, and counts where that is wanted.
    """
    terms = OnboardingTerms()
    elsewhere = file_of(
        {"PROOF_OF_RESIDENCE": {"address": BILL}}, {**LILAS, "address/street": "13 rue des Lilas"}
    )
    found = judged(elsewhere, terms)
    assert (found.inconsistent, found.codes) == (True, ("ADDRESS_DIFFERS",))
    lenient = msgspec.structs.replace(terms, differences=())
    assert judged(elsewhere, lenient).inconsistent is False
    abroad = file_of({"TAX_DECLARATION": {"taxCountry": "FR"}}, {"taxResidences": ("CA",)})
    assert judged(abroad, terms).inconsistent is False
    assert judged(abroad, terms).codes == ("TAX_RESIDENCE_DIFFERS",)
    strict = msgspec.structs.replace(terms, differences=("TAX_RESIDENCE_DIFFERS",))
    assert judged(abroad, strict).inconsistent is True
