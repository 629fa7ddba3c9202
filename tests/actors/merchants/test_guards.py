"""What a partner says about itself beyond its names: stores, others' names, country, a common name (E9)."""

import pytest

from comptoir.actors.merchants import Builder, Match, Partner, Purchase
from comptoir.actors.merchants.partner import Store
from comptoir.actors.merchants.tails import PLACES, TOWNS, is_a_shops


def match(partner: Partner, label: str, **more: str) -> Match:
    """The match of a label among one partner."""
    builder = Builder(1)
    builder.add([partner])
    return builder.build().match(Purchase(label=label, **more))


QUICK = Partner(id="quick", name="Quick", common_name=True)


@pytest.mark.parametrize(
    ("label", "is_its_own"),
    [
        ("QUICK", True),
        ("CB QUICK 0731 TOULON", True),
        ("QUICK TOULON", True),
        ("QUICK LA DEFENSE", True),
        ("QUICK LA PIZZA", False),
        ("QUICK LA ROCHELLE", True),
        ("QUICK ST MAUR", True),
        ("QUICK SAS", True),
        ("QUICK.FR", True),
        ("QUICK STRASB", True),  # cut by the end of the line
        ("QUICK STRASB 67", False),
        ("QUICK PRESSING", False),
        ("QUICK SUSHI BORDEAUX", False),
        ("QUICK JEAN", False),
    ],
)
def test_what_follows_a_common_name_decides(label: str, is_its_own: bool) -> None:
    """E9: a shop's number, a place, a form or the end; anything else is the rest of another name."""
    assert (match(QUICK, label).partner is not None) == is_its_own


def test_the_purchases_own_town_is_a_place() -> None:
    """E9: a town that nobody listed is known by what the provider tells."""
    assert match(QUICK, "QUICK PLOUDIRY").partner is None
    assert match(QUICK, "QUICK PLOUDIRY", city="Ploudiry").partner is not None
    assert "goes on with another" in " ".join(match(QUICK, "QUICK PLOUDIRY").trace)


def test_the_words_of_places_are_folded() -> None:
    """E9: places and towns are compared as labels are read: lower case, no accents, one word each."""
    for word in (*PLACES, *TOWNS):
        assert word.isascii()
        assert word == word.lower()
        assert is_a_shops([word, "x"], [])


def test_names_of_others_are_not_its_own() -> None:
    """E9: an excluded name refuses wherever it stands from the partner's name on."""
    paul = Partner(
        id="paul",
        name="Paul",
        trade_names=("Boulangerie Paul",),
        excludes=("Paul Bert", "Brico Dépôt"),
    )
    assert match(paul, "BOULANGERIE PAUL ROUBAIX").partner is not None
    refused = match(paul, "BOULANGERIE PAUL BERT PARIS 11")
    assert refused.partner is None
    assert "refused paul: 'paul bert' is somebody else" in refused.trace
    assert match(paul, "PAUL BERTIN").partner is not None, "whole words only"


@pytest.mark.parametrize(
    ("country", "is_its_own"),
    [("", True), ("CA", True), ("ca", True), ("FR", False), ("FRA", True)],
)
def test_a_purchase_in_another_country_is_not_its_own(country: str, is_its_own: bool) -> None:
    """E9: only two letters that say another country refuse; providers write other things there as well."""
    metro = Partner(id="metro", name="Metro", country="CA")
    assert (match(metro, "METRO PARIS", country=country).partner is not None) == is_its_own


def test_a_store_counts_in_its_town() -> None:
    """E9: a franchise under its owner's name is found where it is, and nowhere else."""
    partner = Partner(
        id="super_u",
        name="Super U",
        stores=(Store("SARL Dupont", "Ploërmel"), Store("Utile Express")),
    )
    there = match(partner, "CB SARL DUPONT PLOERMEL 56")
    assert there.partner is not None
    assert there.trace[-1] == "longest store 'sarl dupont': partner super_u"
    assert match(partner, "SARL DUPONT", city="PLOERMEL").partner is not None
    elsewhere = match(partner, "SARL DUPONT LYON")
    assert elsewhere.partner is None
    assert "refused super_u: 'sarl dupont' is a store of its own in another town" in elsewhere.trace
    assert match(partner, "UTILE EXPRESS ANYWHERE").partner is not None


@pytest.mark.parametrize(
    ("name", "label", "is_its_own"),
    [
        ("Super C", "SUPERC LAVAL", True),
        ("Carrefour Market", "CARREFOURMARKET LILLE", True),
        ("Medi-Market", "MEDIMARKET", True),
        ("Sport 2000", "SPORT2000 LOC SKI", True),
        ("Bio c' Bon", "BIO CBON VINCENNES", True),
        ("Super C", "SUPER  C", True),
        ("Super C", "SUPERCAR LAVAL", False),
        ("C&A", "CA PARIS", False),
        ("1.2.3", "123 PRESSING", False),
    ],
)
def test_blanks_that_a_statement_lost(name: str, label: str, is_its_own: bool) -> None:
    """E9: a name of several words is found without its blanks, to the end of a word; a short one is not."""
    found = match(Partner(id="p", name=name), label)
    assert (found.partner is not None) == is_its_own, found.trace


def test_the_trace_tells_which_name_and_who_came_second() -> None:
    """E9: what was read, taken off and matched, by which kind of name, and which shorter name lost."""
    builder = Builder(1)
    builder.add(
        [
            Partner(id="carte", name="Carte Noire"),
            Partner(id="cafe", name="X", patterns=("Noire Cafe Grande",)),
        ]
    )
    found = builder.build().match(Purchase(label="CB CARTE NOIRE CAFE GRANDE"))
    assert found.trace == (
        "label reads: cb carte noire cafe grande",
        "taken off, bank: cb",
        "taken off, bank: carte",
        "shorter name 'carte noire': not carte",
        "longest pattern 'noire cafe grande': partner cafe",
    )
