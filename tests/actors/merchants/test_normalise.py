"""The normal form of names and labels: actors/merchants/normalise.py."""

# Characters that look alike are the subject here.
# ruff: noqa: RUF001

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.merchants.normalise import fold, keys, readings, words

FRENCH = "abcdefghijklmnopqrstuvwxyzàâäçéèêëîïôöùûüÿœæ0123456789 .,'’-&*/+"
texts = st.text(st.sampled_from(FRENCH + FRENCH.upper()), max_size=40)


@given(texts)
def test_case_does_not_count(text: str) -> None:
    """interface.md 4: upper, lower and mixed case of a text have one normal form."""
    assert words(fold(text.upper())) == words(fold(text)) == words(fold(text.lower()))


@given(texts)
def test_accents_do_not_count(text: str) -> None:
    """interface.md 4: a text printed without its accents has the same normal form."""
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    assert fold(bare) == fold(text) == fold(unicodedata.normalize("NFD", text))


@given(st.text(max_size=60))
def test_folding_twice_is_folding_once(text: str) -> None:
    """interface.md 4: a normal form is its own normal form, for any Unicode text."""
    assert fold(fold(text)) == fold(text)


@given(st.text(st.characters(max_codepoint=0x024F), max_size=30))
def test_the_fast_table_agrees_with_the_long_way(text: str) -> None:
    """UAX 15: the table of Latin letters folds as the long way does, which one omega asks for."""
    assert fold(f"{text} Ω") == f"{fold(text)} ω"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Cœur de Bœuf", ["coeur de boeuf"]),
        ("Ægir & Søn", ["aegir son"]),
        ("STRAẞE", ["strasse"]),
        ("ﬁlle", ["fille"]),
        ("ＬＩＤＬ", ["lidl"]),
        ("L'Occitane", ["l occitane", "loccitane"]),
        ("L’Occitane", ["l occitane", "loccitane"]),
        ("McDonald´s", ["mcdonald s", "mcdonalds"]),
        ("Monop'", ["monop"]),
        ("H&M", ["h m"]),
        ("C & A", ["c a"]),
        ("S.N.C.F.", ["sncf"]),
        ("E.Leclerc", ["e leclerc"]),
        ("1.2.3", ["1 2 3"]),
        ("Canal+", ["canal plus"]),
        ("Booking.com", ["booking com"]),
        ("ZETTLE_*SHOP", ["zettle shop"]),
        ("Γαλαξίας", ["γαλαξιασ"]),
        ("***", []),
        ("", []),
    ],
)
def test_keys_of_names(name: str, expected: list[str]) -> None:
    """interface.md 4: the normal form of names as French shops write them."""
    assert keys(name) == expected


@given(texts)
def test_a_text_has_one_or_two_readings(text: str) -> None:
    """A reading joins all apostrophes or none, and both have the same letters."""
    found = readings(fold(text))
    assert 1 <= len(found) <= 2
    assert len({"".join(reading) for reading in found}) == 1
