"""What OpenSanctions' `logic-v2` makes of the labelled pairs, so that docs/screening.md can be counted again.

Rule: nomenklatura is no dependency of ours, so it runs in an environment of its own and gets the pairs as lines:

    python -m venv peer && peer/bin/pip install 'nomenklatura~=4.17.0'
    .venv/bin/python -m bench.peers.logic_v2 pairs | peer/bin/python bench/peers/logic_v2.py score

Source: docs/screening.md, "How good it is"; nomenklatura's `LogicV2.compare` with its own defaults.
"""

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from typing import Any, Final

__all__ = ["f1", "lines", "score"]

MATCH_FROM: Final = 0.7
"""Where OpenSanctions' own service draws the line, too."""
THRESHOLDS: Final = tuple(at / 100 for at in range(1, 101))
Scored = tuple[float, bool]
"""What it says of a pair, and whether the two are one."""


def lines() -> Iterator[str]:
    """Each pair: its half, whether the two are one, and both sides as properties of FollowTheMoney."""
    labelled = import_module("tests.actors.screening.labelled")
    for pair in labelled.pairs():
        sides = [_side(one) for one in (pair.query, pair.candidate)]
        yield json.dumps([pair.half, pair.same, pair.schema, *sides])


def _side(subject: Any) -> dict[str, list[str]]:
    return {
        "name": [*subject.names], "birthDate": [*subject.birth_dates],
        "country": [*subject.countries], "gender": [subject.gender] if subject.gender else [],
    }  # fmt: skip


def score(given: Iterator[str]) -> dict[str, list[Scored]]:
    """What logic-v2 says of each, by half."""
    ftm, matching = import_module("followthemoney"), import_module("nomenklatura.matching")
    config = matching.LogicV2.default_config()
    found: dict[str, list[Scored]] = {}
    for number, line in enumerate(given):
        half, same, schema, *sides = json.loads(line)
        one, other = (
            ftm.ValueEntity.from_dict(
                {"id": f"{number}-{at}", "schema": schema, "properties": side}
            )
            for at, side in enumerate(sides)
        )
        scored = float(matching.LogicV2.compare(one, other, config).score)
        found.setdefault(half, []).append((scored, same))
    return found


def f1(scored: list[Scored], at: float) -> float:
    """The harmonic mean of precision and recall, where so much and more is a match."""
    right = sum(same for value, same in scored if value >= at)
    false = sum(not same for value, same in scored if value >= at)
    missed = sum(same for value, same in scored if value < at)
    return 2 * right / (2 * right + false + missed)


def _tell() -> None:
    found = score(iter(sys.stdin))
    print(f"nomenklatura {version('nomenklatura')}, logic-v2")
    for half, scored in sorted(found.items()):
        best = max(THRESHOLDS, key=lambda at: f1(scored, at))
        print(
            f"{half}: {len(scored)} pairs, F1 {f1(scored, MATCH_FROM):.3f} from {MATCH_FROM}, "
            f"{f1(scored, best):.3f} from {best}"
        )


if __name__ == "__main__":
    if sys.argv[1:] == ["pairs"]:
        print("\n".join(lines()))
    else:
        _tell()
