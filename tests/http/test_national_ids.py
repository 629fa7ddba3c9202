"""Numbers that states give to people: check digits as another's library has them.

Source: spec.md X11; python-stdnum (ca.sin, fr.nir, us.ssn) as the oracle.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.ca import sin
from stdnum.fr import nir
from stdnum.luhn import is_valid

from comptoir.http.national_ids import is_number, luhn

DIGITS = st.text("0123456789", min_size=1, max_size=16)


@given(DIGITS)
def test_the_check_is_luhns(digits: str) -> None:
    """X11: of any digits."""
    assert luhn(digits) == is_valid(digits)


@given(st.text("0123456789", min_size=9, max_size=9))
def test_a_sin_has_nine_digits_and_a_check(digits: str) -> None:
    """X11: as the library says, but for its first digit, which says where it was given."""
    assert is_number("SIN", digits) == (is_valid(digits))
    if sin.is_valid(digits):
        assert is_number("SIN", f"{digits[:3]}-{digits[3:6]} {digits[6:]}")


@given(st.integers(0, 10**13 - 1), st.integers(0, 99))
def test_a_nir_has_its_key(number: int, key: int) -> None:
    """X11: 97 less the rest by 97; a wrong key is wrong for both."""
    text = f"{number:013d}{key:02d}"
    right = 97 - number % 97 == key
    assert is_number("NIR", text) == right
    if nir.is_valid(text):
        assert right


@pytest.mark.parametrize(
    ("kind", "text", "right"),
    [
        ("SIN", "046 454 286", True),
        ("SIN", "046 454 287", False),
        ("SIN", "46454286", False),
        ("NIR", "2 55 08 14 168 025 38", True),
        ("NIR", "2 55 08 14 168 025 39", False),
        ("NIR", "295102A00512316", nir.is_valid("295102A00512316")),
        ("SSN", "123-45-6789", True),
        ("SSN", "000-45-6789", False),
        ("SSN", "666-45-6789", False),
        ("SSN", "900-45-6789", False),
        ("SSN", "123-00-6789", False),
        ("SSN", "123-45-0000", False),
        ("OTHER", "AB 12-34", True),
        ("OTHER", " - ", False),
    ],
)
def test_examples(kind: str, text: str, right: bool) -> None:
    """X11: the source's own number is a form of an SSN, and no SIN."""
    assert is_number(kind, text) == right
    assert not is_number("SIN", "123-45-6789")
