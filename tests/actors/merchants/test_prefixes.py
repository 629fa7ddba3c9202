"""What is taken off the front of a label: actors/merchants/prefixes.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.merchants.normalise import fold, words
from comptoir.actors.merchants.prefixes import PREFIXES, STEPS_MAX, Prefix, strip


@pytest.mark.parametrize("prefix", PREFIXES, ids=lambda prefix: prefix.text)
def test_every_prefix_is_taken_off(prefix: Prefix) -> None:
    """Issue 2, deliver 4: each listed prefix is one step, and the merchant is what is left."""
    mark = " *" if prefix.marked else " "
    stripped = strip(fold(f"{prefix.text.upper()}{mark}DUPONT"))
    assert [step.kind for step in stripped.steps] == [prefix.kind]
    assert words(stripped.rest) == ["dupont"]


@pytest.mark.parametrize("prefix", PREFIXES, ids=lambda prefix: prefix.text)
def test_no_prefix_is_taken_off_inside_a_word(prefix: Prefix) -> None:
    """Issue 2, deliver 4: a prefix counts only as whole words, and a short one only with its `*`."""
    if prefix.marked:
        assert strip(f"{prefix.text} dupont").steps == ()
    stripped = strip(f"{prefix.text}ette dupont")
    assert prefix.text not in [" ".join(step.words) for step in stripped.steps]


def test_the_list_is_closed() -> None:
    """Issue 2, deliver 4: prefixes are folded, distinct and explained."""
    assert len({prefix.text for prefix in PREFIXES}) == len(PREFIXES)
    for prefix in PREFIXES:
        assert fold(prefix.text) == prefix.text
        assert prefix.why


@pytest.mark.parametrize(
    ("label", "kinds", "rest"),
    [
        ("PAIEMENT CB 2311 LIDL", "bank date", "lidl"),
        ("PAIEMENT PAR CARTE X1234 LIDL", "bank card", "lidl"),
        ("CARTE X1234 23/11 LIDL", "bank card date", "lidl"),
        ("CARTE 1234 LIDL", "bank card", "lidl"),
        ("CARTE *1234 LIDL", "bank card", "lidl"),
        ("CARTE 4974XXXXXXXX1234 LIDL", "bank card", "lidl"),
        ("CARTE N° 1234 LIDL", "bank card", "lidl"),
        ("CARTE NUMERO 123 LIDL", "bank card", "lidl"),
        ("CARTE 23/11/24 LIDL", "bank date", "lidl"),
        ("FACTURE CARTE DU 231124 LIDL", "bank date", "lidl"),
        ("CB LE 23.11.24 A 14H32 LIDL", "bank date", "lidl"),
        ("23/11 LIDL", "date", "lidl"),
        ("23.11.24 CB LIDL", "date bank", "lidl"),
        ("2024-11-23 LIDL", "date", "lidl"),
        ("CB 23/11 PAYPAL *LIDL", "bank date acquirer", "lidl"),
        ("CB APPLE PAY: SUMUP *LIDL", "bank wallet acquirer", "lidl"),
        ("PAYPAL *WWW.LIDL.FR", "acquirer web", "lidl fr"),
        ("SUMUP *CARTE NOIRE", "acquirer", "carte noire"),
        ("CB*LIDL", "bank", "lidl"),
        ("C.B. LIDL", "bank", "lidl"),
        ("2311 LIDL", "", "2311 lidl"),
        ("CB 1664 BAR", "bank", "1664 bar"),
        ("CB 32/11 BAR", "bank", "32 11 bar"),
        ("CB 7/7 PRESSING", "bank", "7 7 pressing"),
        ("24/24 LAVERIE", "", "24 24 laverie"),
        ("CB 5 A SEC", "bank", "5 a sec"),
        ("1.2.3 PARIS", "", "1 2 3 paris"),
        ("RETRAIT DAB LIDL", "", "retrait dab lidl"),
        ("PRLV SEPA LIDL", "", "prlv sepa lidl"),
        ("VIR LIDL", "", "vir lidl"),
    ],
)
def test_steps_of_real_labels(label: str, kinds: str, rest: str) -> None:
    """Issue 2, deliver 4: dates, cards, wallets and acquirers, each a step; the rest stays."""
    stripped = strip(fold(label))
    assert " ".join(step.kind for step in stripped.steps) == kinds
    assert " ".join(words(stripped.rest)) == rest


def test_the_city_of_the_purchase_may_precede_the_merchant() -> None:
    """Issue 2, deliver 4: Crédit Mutuel prints the city between date and merchant."""
    label = fold("PAIEMENT PSC 2311 SAINT-DENIS SUPER U CARTE 1234")
    assert words(strip(label, fold("Saint Denis")).rest) == ["super", "u", "carte", "1234"]
    assert words(strip(label, fold("Lyon")).rest)[:2] == ["saint", "denis"]
    assert words(strip(fold("CB SAINT-DENIS SUPER U"), "saint denis").rest)[0] == "saint"
    assert words(strip(fold("PAIEMENT CB 2311 NICE"), "nice").rest) == ["nice"]


@given(st.lists(st.sampled_from([p.text for p in PREFIXES] + ["23/11", "x1234", "*", "lidl"])))
def test_steps_are_bounded_and_lose_nothing(parts: list[str]) -> None:
    """design.md 5 (nothing unbounded): steps and rest together are the label, word for word."""
    folded = fold(" ".join(parts))
    stripped = strip(folded)
    assert len(stripped.steps) <= STEPS_MAX
    taken = [word for step in stripped.steps for word in step.words]
    assert taken + words(stripped.rest) == words(folded)
