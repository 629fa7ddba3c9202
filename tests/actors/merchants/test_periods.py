"""What a partner was stays true of the days on which it was so (E9): actors/merchants/partner.py."""

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.merchants import Builder, Catalogue, Partner, Purchase
from comptoir.actors.merchants.machine import MACHINE, CatalogueState, Phase
from comptoir.actors.merchants.messages import CHANGES, MERCHANTS, ImportPartners, change_key
from comptoir.actors.merchants.partner import PERIODS_MAX, followed
from comptoir.actors.programme import PROGRAMME, Programme
from comptoir.engine.decision import Decision, Refusal
from comptoir.engine.machine import Context

FIRST = date(2026, 1, 1)
DAYS = [(FIRST + timedelta(days=number)).isoformat() for number in range(12)]
WORDS = st.lists(
    st.tuples(st.sampled_from(["", *DAYS]), st.integers(0, 9), st.sampled_from(["", *DAYS[6:]])),
    min_size=1,
    max_size=6,
)


def word(since: str, rate_bp: int, until: str = "", name: str = "Chez Nous") -> Partner:
    """One word about a partner."""
    until = until if not since or not until or until >= since else ""
    return Partner(id="p1", name=name, rate_bp=rate_bp, valid_from=since, valid_to=until)


def told(words: list[Partner]) -> Partner:
    """The partner after all of them."""
    partner = words[0]
    for one in words[1:]:
        partner = followed(partner, one)
    return partner


def catalogue(*partners: Partner) -> Catalogue:
    """A snapshot of them."""
    builder = Builder(1)
    builder.add(partners)
    return builder.build()


def rates(words: list[Partner]) -> Mapping[str, int | None]:
    """The oracle: a calendar in which each word overwrites its days to the end of time."""
    calendar: dict[str, int | None] = dict.fromkeys(DAYS)
    for one in words:
        for day in DAYS:
            if day >= one.valid_from:
                calendar[day] = one.rate_bp if day <= (one.valid_to or day) else None
    return calendar


@given(WORDS)
def test_a_purchase_takes_the_rate_of_its_day(said: list[tuple[str, int, str]]) -> None:
    """E9: each word holds from its first day on, and leaves the days before as they were."""
    words = [word(*one) for one in said]
    found = catalogue(told(words))
    for day, rate in rates(words).items():
        match = found.match(Purchase(label="CHEZ NOUS", on=day))
        assert (match.partner.rate_bp if match.partner else None) == rate, match.trace


@given(WORDS)
def test_periods_are_in_order_and_apart(said: list[tuple[str, int, str]]) -> None:
    """E9: no day has two periods; the words said again change nothing."""
    words = [word(*one) for one in said]
    partner = told(words)
    periods = partner.periods()
    for before, after in pairwise(periods):
        assert before.valid_to
        assert before.valid_from <= before.valid_to < after.valid_from
        assert before.earlier == ()
    assert followed(partner, words[-1]) == partner


def test_a_name_of_another_day_does_not_match() -> None:
    """E9: a partner that was called otherwise is found by the name of the day."""
    renamed = followed(word("", 100, name="Vieux Nom"), word("2026-01-05", 200, name="Nom Neuf"))
    found = catalogue(renamed)
    seen = {
        (label, day): found.match(Purchase(label=label, on=day)).partner
        for label in ("VIEUX NOM", "NOM NEUF")
        for day in ("2026-01-04", "2026-01-05")
    }
    matched = {key: one.rate_bp for key, one in seen.items() if one}
    assert matched == {("VIEUX NOM", "2026-01-04"): 100, ("NOM NEUF", "2026-01-05"): 200}
    newest = found.match(Purchase(label="NOM NEUF")).partner
    assert newest is not None
    assert newest.rate_bp == 200


def test_rate_changes_of_years_are_one_partner() -> None:
    """E9: a partner with more periods than a key may have partners is no tie with itself."""
    partner = word("", 1)
    for number in range(60):
        day = (FIRST + timedelta(days=30 * number)).isoformat()
        partner = followed(partner, word(day, number))
    match = catalogue(partner).match(Purchase(label="CHEZ NOUS", on="2026-03-05"))
    assert match.partner is not None
    assert (match.partner.rate_bp, match.tie) == (2, False)


def decide(known: Mapping[str, object], given_: Partner) -> Decision[CatalogueState] | Refusal:
    """The catalogue's machine, on a word about one partner."""
    context = Context(
        MERCHANTS, 5, 1, {PROGRAMME: Programme()}, facts={"p1": known} if known else {}
    )
    state = CatalogueState(Phase.STOCKED, 6, 1)
    return MACHINE.decide(state, ImportPartners((given_,), "m.durand"), context)


def test_a_change_is_kept_with_its_maker() -> None:
    """E9: what is replaced stays readable, the newest first; the audit log has who and a digest."""
    old = {**msgspec.to_builtins(word("", 100)), "version": 4, "at": 1, "maker": "a.petit"}
    decision = decide(old, word("2026-01-05", 200))
    assert isinstance(decision, Decision)
    replaced, put = decision.documents
    assert (replaced.collection, replaced.key, replaced.fields) == (
        CHANGES,
        change_key("p1", 4),
        old,
    )
    assert (put.fields["version"], put.fields["at"], put.fields["maker"]) == (7, 5, "m.durand")
    (event,) = decision.events
    assert (event.maker, len(event.digest)) == ("m.durand", 64)  # type: ignore[attr-defined]  # its only event
    assert change_key("p1", 5) < change_key("p1", 4)
    assert decide(put.fields, word("2026-01-05", 200)).documents == ()  # type: ignore[union-attr]  # a decision


def test_periods_are_bounded() -> None:
    """design.md 5 (nothing unbounded): a word that would make too many periods is refused by name."""
    partner = word("", 1)
    for number in range(PERIODS_MAX - 1):
        partner = followed(partner, word((FIRST + timedelta(days=number)).isoformat(), number))
    known = msgspec.to_builtins(partner)
    refused = decide(known, word("2027-01-01", 1))
    assert isinstance(refused, Refusal)
    assert refused.code == "PARTNER_PERIODS_TOO_MANY"
    assert isinstance(decide(known, word("", 1)), Decision)
