"""A changed partner base tried on purchases and candidates (E9, X23): actors/merchants/backtest.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.merchants import Builder, Partner
from comptoir.actors.merchants.backtest import Backtest, Change, Seen, changed_base

NAMES = ["Fnac", "Darty", "Chez Nous", "Fnac Café"]
BASES = st.lists(
    st.builds(Partner, id=st.sampled_from(["a", "b", "c"]), name=st.sampled_from(NAMES)),
    unique_by=lambda one: one.id,
)
SEEN = st.builds(
    Seen,
    label=st.sampled_from(["CB FNAC 12", "DARTY", "CHEZ NOUS LYON", "FNAC CAFE", "NOBODY"]),
    partner_id=st.sampled_from([None, "a", "b", "c"]),
    claimed=st.booleans(),
)


def tried(base: list[Partner], *seen: Seen) -> Backtest:
    """A backtest of a base on these."""
    builder = Builder(0)
    builder.add(base)
    test = Backtest(builder.build())
    for one in seen:
        test.take(one)
    return test


A = Partner(id="a", name="Fnac")
B = Partner(id="b", name="Fnac")


@pytest.mark.parametrize(
    ("base", "seen", "change", "after"),
    [
        ([A], Seen("FNAC"), Change.GAIN, "a"),
        ([], Seen("FNAC", partner_id="a"), Change.LOSS, None),
        ([A], Seen("FNAC", partner_id="x"), Change.CONFLICT, "a"),
        ([A, B], Seen("FNAC"), Change.CONFLICT, None),
        ([A, B], Seen("FNAC", partner_id="a"), Change.CONFLICT, None),
        ([A], Seen("FNAC", partner_id="x", claimed=True), Change.CONFLICT, "a"),
    ],
)
def test_what_changes(base: list[Partner], seen: Seen, change: Change, after: str | None) -> None:
    """E9: nobody's that gains one, somebody's that loses theirs, two that claim it."""
    test = tried(base, seen)
    assert dict(test.counts) == {change: 1}
    (found,) = test.findings[change]
    assert (found.after, found.seen) == (after, seen)
    assert found.trace


def test_what_does_not_change() -> None:
    """E9: whose it was; nobody's; and what a claim had found, which its label never told."""
    test = tried(
        [A],
        Seen("FNAC", partner_id="a"),
        Seen("NOBODY"),
        Seen("NOBODY", partner_id="a", claimed=True),
    )
    assert (test.purchases, test.candidates, test.unchanged) == (3, 1, 3)
    assert not test.counts


@given(BASES, st.lists(SEEN, max_size=20))
def test_every_purchase_is_counted_once(base: list[Partner], seen: list[Seen]) -> None:
    """E9: gains, losses, conflicts and what stays add up; by partner they add up too."""
    test = tried(base, *seen)
    assert test.unchanged + test.counts.total() == test.purchases == len(seen)
    assert sum(one.total() for one in test.by_partner.values()) == test.counts.total()
    assert sum(map(len, test.findings.values())) == test.counts.total()


def test_a_base_is_changed_as_an_import_would_change_it() -> None:
    """E9: new partners are added, known ones go on from their day, others stay."""
    base = [Partner(id="a", name="Fnac", rate_bp=100), Partner(id="c", name="Darty")]
    words = [
        Partner(id="a", name="Fnac", rate_bp=200, valid_from="2026-06-01"),
        Partner(id="d", name="Lidl"),
    ]
    changed = changed_base(base, words)
    assert set(changed) == {"a", "c", "d"}
    assert changed["a"].on("2026-05-31").rate_bp == 100
    assert changed["a"].on("2026-06-01").rate_bp == 200
