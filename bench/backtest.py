"""How long a backtest of a changed partner base takes over 100,000 generated purchases and candidates.

Rule: purchases are what the base before made of generated labels, four in five of them a partner's; what is
timed is what `comptoir match backtest` does once it has them: building the changed base, matching, counting. Of the
changes it is known which partners they hit, and a count that says otherwise ends the bench.
Source: issue 6, "Must show"; spec.md E9, X23.
"""

import random
from time import perf_counter, thread_time
from typing import Final

import msgspec

from bench.matching import a_partner, a_purchase, build
from comptoir.actors.merchants import Partner
from comptoir.actors.merchants.backtest import Backtest, Change, Seen, changed_base
from comptoir.engine.cli.matching import catalogue_of

__all__ = ["main", "measure"]

PARTNERS: Final = 10_000
PURCHASES: Final = 100_000
SEED: Final = 20_261_130
ENDED_OF: Final = 100
"""One partner in so many ends; as many are given a rival of the same name, as many another rate."""


def measure() -> dict[str, float | int]:
    """Generate, change, try.

    Returns:
        `partners`, `purchases`, `candidates`, `gains`, `losses`, `conflicts`, `build_s`, `match_s`, and
        `own_s`, the thread's own time of both: what they take where nothing else runs.
    """
    chance = random.Random(SEED)
    base = [a_partner(number, chance) for number in range(PARTNERS)]
    before, _ = build(base)
    seen: list[Seen] = []
    while len(seen) < PURCHASES:
        purchase = a_purchase(base, chance)
        match = before.match(purchase)
        if match.candidate and not match.tie:
            whose = match.partner.id if match.partner is not None else None
            seen.append(Seen(purchase.label, "", purchase.mcc, purchase.city, None, whose))
    words, hit = _changes(base, seen)
    began, began_own = perf_counter(), thread_time()
    catalogue = catalogue_of(tuple(changed_base(base, words).values()))
    built = perf_counter()
    test = Backtest(catalogue)
    for one in seen:
        test.take(one)
    ended, own_s = perf_counter(), thread_time() - began_own
    _check(test, hit)
    return {
        "partners": PARTNERS,
        "purchases": test.purchases,
        "candidates": test.candidates,
        "gains": test.counts[Change.GAIN],
        "losses": test.counts[Change.LOSS],
        "conflicts": test.counts[Change.CONFLICT],
        "build_s": round(built - began, 2),
        "match_s": round(ended - built, 2),
        "own_s": round(own_s, 2),
    }


def _changes(base: list[Partner], seen: list[Seen]) -> tuple[list[Partner], dict[Change, set[str]]]:
    """Words about a base, and which partners lose or meet a rival by them; some candidates gain one."""
    ended = [
        msgspec.structs.replace(one, name=f"Closed {one.id}", patterns=())
        for one in base[::ENDED_OF]
    ]
    rivals = [
        Partner(id=f"{one.id}-rival", name=one.name, mcc=one.mcc, patterns=one.patterns)
        for one in base[1::ENDED_OF]
    ]
    dearer = [msgspec.structs.replace(one, rate_bp=500) for one in base[2::ENDED_OF]]
    labels = [one.label for one in seen if one.partner_id is None][::ENDED_OF]
    learnt = [Partner(id=f"new-{number}", name=label) for number, label in enumerate(labels)]
    hit = {
        Change.LOSS: {one.id for one in ended},
        Change.CONFLICT: {one.id.removesuffix("-rival") for one in rivals},
        Change.GAIN: {one.id for one in learnt},
    }
    return [*ended, *rivals, *dearer, *learnt], hit


def _check(test: Backtest, hit: dict[Change, set[str]]) -> None:
    """Hold what was found to what was changed."""
    assert test.unchanged + test.counts.total() == test.purchases
    for change, whose in hit.items():
        assert test.counts[change], f"no {change.value} was found"
        if change is Change.LOSS:
            lost = {name for name, counted in test.by_partner.items() if counted[change]}
            assert lost <= whose | hit[Change.CONFLICT], "a partner lost what was not changed"


def main() -> None:
    """Print the figures, one a line."""
    for name, value in measure().items():
        print(f"{name:>16} {value}")


if __name__ == "__main__":
    main()
