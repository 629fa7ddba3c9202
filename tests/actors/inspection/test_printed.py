"""What a page prints, and what its zone was read as: print settles which reading is meant, and puts nothing in.

Source: spec.md S19; ICAO Doc 9303 part 3; docs/documents.md.
"""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.inspection.mrz import Zone, repair_zone
from comptoir.actors.inspection.printed import as_printed, printed_words
from tests.actors.inspection.zones import Bearer, write_zone

TODAY = datetime.date(2026, 12, 1)
NAMES = st.from_regex(r"[A-Z]{2,10}", fullmatch=True)


def read_as(surname: str, given_names: str) -> Zone:
    """A passport whose names were read so."""
    return repair_zone(write_zone("TD3", Bearer(surname, given_names)), TODAY)


@pytest.mark.parametrize(
    ("read", "printed", "told"),
    [
        ("MORGANK", "Morgan", "MORGAN"),
        ("MARIESCC", "MARIE", "MARIE"),
        ("MARK", "Mark", "MARK"),
        ("MARKS", "Mark Marks", "MARKS"),
        ("0LGA", "Olga", "OLGA"),
        ("ANNA", "Hannah", "ANNA"),
        ("MARIE KLARA", "Marie", "MARIE KLARA"),
    ],
)
def test_a_filler_that_was_taken_for_a_letter(read: str, printed: str, told: str) -> None:
    """S19: letters for which OCR takes a filler end no name that the page prints without them; a name that is printed
    so keeps them, and print that says something else changes nothing.
    """
    zone = as_printed(read_as("ERIKSSON", read), printed_words(f"ERIKSSON {printed}"))
    assert (zone.surname, zone.given_names) == ("ERIKSSON", told)


@given(NAMES, NAMES)
def test_what_is_printed_as_it_was_read_stays(surname: str, given_names: str) -> None:
    """S19: print that agrees changes nothing, whatever the names."""
    zone = read_as(surname, given_names)
    assert as_printed(zone, printed_words(f"{surname}\n{given_names}")) == zone


@given(NAMES, st.text("CEKLS", min_size=1, max_size=6))
def test_no_letter_comes_from_nowhere(name: str, tail: str) -> None:
    """S19: whatever is told was read in the zone: at most its end goes, and then what is left is printed."""
    zone = as_printed(read_as("ERIKSSON", name + tail), frozenset({name, "ERIKSSON"}))
    assert zone.given_names in (name, name + tail)
