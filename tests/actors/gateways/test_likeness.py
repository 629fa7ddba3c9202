"""How like one address another is: what does not count, what does, and that nothing breaks it (S20, S24)."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.gateways.likeness import likeness
from comptoir.actors.kyc.messages import PostalAddress

ENOUGH: Final = 85
"""The default of `likeness_min`."""
Row = tuple[str, str, str]


def _of(row: Row) -> PostalAddress:
    return PostalAddress(*row)


@pytest.mark.parametrize(
    ("declared", "known"),
    [
        (("8 bd du Port", "80000", "AMIENS"), ("8 Boulevard du Port", "80000", "Amiens")),
        (("8, BVD DU PORT", "80 000", "Amiens Cedex 1"), ("8 Boulevard du Port", "80000", "Amiens")),
        (("8B r. St-Honoré", "75001", "Paris 1er"), ("8 bis Rue Saint-Honoré", "75001", "Paris")),
        (("5 pl. Bellecour", "69002", "Lyon 2e Arrondissement"), ("5 Place Bellecour", "69002", "Lyon")),
        (("3 rue du Boeuf", "21200", "BEAUNE"), ("3 Rue du Bœuf", "21200", "Beaune")),
        (("12 Apt 4 rue d'Alsace Lorraine", "31000", "Toulouse"), ("12 Rue d\u2019Alsace-Lorraine", "31000", "Toulouse")),
        (("1204-350 boul. René-Lévesque O", "H2Z 1A4", "Montréal"), ("350 Boulevard René-Lévesque Ouest", "H2Z1A4", "Montreal")),
        (("350 René-Lévesque Ouest boul app. 1204", "h2z 1a4", "Montréal"), ("350 Boul René-Lévesque O Unit 9", "H2Z1A4", "Montréal")),
        (("100 Queen Street West", "M5H 2N2", "Toronto"), ("100 Queen St W", "M5H 2N2", "TORONTO")),
        (("453 12th Avenue West", "V5Y1V4", "Vancouver"), ("453 12th Ave W", "V5Y 1V4", "Vancouver")),
    ],
)  # fmt: skip
def test_what_does_not_count(declared: Row, known: Row) -> None:
    """S20: case, accents, abbreviations, particles, a flat, CEDEX: the same address, whole."""
    assert likeness(_of(declared), _of(known)).of_100 == 100
    assert likeness(_of(known), _of(declared)).of_100 == 100


@pytest.mark.parametrize(
    ("declared", "known"),
    [
        (("10 rue de la Pai", "75002", "Paris"), ("10 Rue de la Paix", "75002", "Paris")),
        (("12 rue Hugo", "75016", "Paris"), ("12 Rue Victor Hugo", "75016", "Paris")),
        (("12 Victor Hugo", "75016", "Paris"), ("12 Rue Victor Hugo", "75016", "Paris")),
        (("Lieu-dit Kerbihan", "29000", "Quimper"), ("Kerbihan", "29000", "Quimper")),
    ],
)
def test_what_is_near_enough(declared: Row, known: Row) -> None:
    """S20: a letter, a first name, the kind of street left out: like, and not the same."""
    assert ENOUGH <= likeness(_of(declared), _of(known)).of_100 < 100


@pytest.mark.parametrize(
    ("declared", "part"),
    [
        (("9 Boulevard du Port", "80000", "Amiens"), "number"),
        (("8 bis Boulevard du Port", "80000", "Amiens"), "number"),
        (("Boulevard du Port", "80000", "Amiens"), "number"),
        (("8 Rue du Port", "80000", "Amiens"), "street"),
        (("8 Boulevard Alsace", "80000", "Amiens"), "street"),
        (("8 Boulevard du Port", "80090", "Amiens"), "postal_code"),
        (("8 Boulevard du Port", "", "Amiens"), "postal_code"),
        (("8 Boulevard du Port", "80000", "Abbeville"), "city"),
    ],
)
def test_what_makes_another_address(declared: Row, part: str) -> None:
    """S20, S24: each part by itself: never verified, and the part says why."""
    known = PostalAddress("8 Boulevard du Port", "80000", "Amiens")
    found = likeness(_of(declared), known)
    whole = likeness(known, known)
    assert found.of_100 <= ENOUGH
    assert (found.of_100 == ENOUGH) is (part == "city")
    differing = [
        name
        for name in ("number", "street", "postal_code", "city")
        if getattr(found, name) < getattr(whole, name)
    ]
    assert differing == [part]


TEXT = st.text(max_size=400)
ANY = st.builds(PostalAddress, TEXT, TEXT, TEXT, TEXT, TEXT)


@given(ANY, ANY)
def test_whatever_stands_in_it(one: PostalAddress, other: PostalAddress) -> None:
    """S20: from 0 to 100, either way round, and an address is no less like itself than like another."""
    there, back = likeness(one, other), likeness(other, one)
    assert 0 <= there.of_100 <= 100
    assert abs(there.of_100 - back.of_100) <= 1
    assert likeness(one, one).of_100 >= there.of_100


@given(st.integers(1, 9999), st.sampled_from(["bd", "boul.", "Boulevard", "BLVD"]), st.booleans())
def test_how_it_is_written(number: int, kind: str, upper: bool) -> None:
    """S20: no way of writing the same address makes it another one."""
    text = f"{number} {kind} Saint-Germain"
    declared = PostalAddress(text.upper() if upper else text, "75006", "PARIS")
    known = PostalAddress(f"{number} Boulevard St Germain", "75006", "Paris")
    assert likeness(declared, known).of_100 == 100
