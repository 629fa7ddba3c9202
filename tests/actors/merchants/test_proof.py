"""The matcher on labelled sets of French, Belgian and Québec statement lines (E9).

The sets and their partner base (labels/) were written from public knowledge of such statements, set `a` before
the matcher was changed for them, set `b` by somebody who had not seen the matcher. What it came to is recorded here
and in docs/matching.md: it may get better, never worse.
"""

from functools import cache
from pathlib import Path

import pytest

from comptoir.actors.imports import parse_partners
from comptoir.actors.merchants import Builder, Catalogue
from comptoir.actors.merchants.scoring import LabelCase, read_cases, score

LABELS = Path(__file__).parent / "labels"
RECORDED = {"a": (200, 191, 0), "b": (170, 159, 0)}
"""Set -> labels that have a partner, those that are given theirs, and false partners, all at the moment."""


@cache
def base() -> Catalogue:
    """The partners of the sets."""
    parsed = parse_partners((LABELS / "partners.csv").read_bytes())
    assert parsed.errors == ()
    builder = Builder(1)
    builder.add(parsed.rows)
    return builder.build()


def cases(name: str) -> tuple[LabelCase, ...]:
    """A set."""
    return read_cases((LABELS / f"{name}.jsonl").read_bytes().splitlines())


@pytest.mark.parametrize("name", RECORDED)
def test_as_good_as_recorded(name: str) -> None:
    """E9: at most the recorded false partners, at least the recorded recall."""
    positives, right, false_partners = RECORDED[name]
    found = score(base(), cases(name))
    told = "\n".join(f"{one.case.label}: {one.given}" for one in found.misses)
    assert found.positives == positives
    assert found.false_partners <= false_partners, told
    assert found.right >= right, told


@pytest.mark.parametrize("name", RECORDED)
def test_a_set_is_one(name: str) -> None:
    """E9: hundreds of lines, each once, each for a partner of the base or for nobody."""
    found = cases(name)
    assert len(found) >= 300
    assert len({one.label for one in found}) == len(found)
    assert all(one.partner is None or base().get(one.partner) for one in found)
    assert len({one.partner for one in found}) == len(base()) + 1, "each partner, and nobody"


def test_a_perfect_and_an_empty_answer_are_told_apart() -> None:
    """E9: of nobody given nobody is wrong, and nobody of those who should be is found."""
    nobody = Builder(1).build()
    lost = score(nobody, cases("a"))
    assert (lost.precision, lost.recall, lost.given) == (1.0, 0.0, 0)
    assert len(lost.misses) == lost.positives
    assert not any(one.is_false_partner for one in lost.misses)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"{", "line 2: "),
        (b'{"label": "X"}', "line 2: Object missing required field `partner`"),
        (b'{"label": "X", "partner": null, "mcc": "54"}', "line 2: Expected `str` matching"),
    ],
)
def test_a_line_that_is_no_case(line: bytes, told: str) -> None:
    """E9: a set is read whole or not at all, and the line is named."""
    good = b'{"label": "LIDL", "partner": "lidl", "mcc": null, "country": "FR"}'
    with pytest.raises(ValueError, match="line 2: ") as raised:
        read_cases([good, line, b""])
    assert str(raised.value).startswith(told)
