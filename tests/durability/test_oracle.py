"""The oracle of the kill test, held by hand-made notes: a judge that finds no fault proves nothing.

Source: issue 2, "Must show", second line; interface.md 1 and 6.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ORACLE = Path(__file__).with_name("oracle.py")
Case = tuple[list[dict[str, object]], list[tuple[str, int]]]
"""Notes, and the entries of purchase p in the ledger."""

ACCEPTED, DUPLICATE, LOST = "202 accepted", "200 duplicate", "lost"


def sent(name: str, *outcomes: str, **what: object) -> list[dict[str, object]]:
    """The notes on one body: 100.00 EUR of u1 at 10 %, unless said otherwise."""
    common = {"id": name, "variant": what.pop("variant", 0)}
    body = {"user": "u1", "amount": 10_000, "rate": 1_000, "cap": None, "refunds": "", **what}
    return [{**common, **body}, *({**common, "outcome": outcome} for outcome in outcomes)]


def judged(
    folder: Path, notes: list[dict[str, object]], ledger: dict[str, list[tuple[str, int]]]
) -> dict[str, Any]:
    """The verdict on a ledger."""
    (folder / "notes").write_text("\n".join(json.dumps(note) for note in notes))
    (folder / "credited").write_text(json.dumps(ledger))
    command = [sys.executable, str(ORACLE), str(folder / "notes"), str(folder / "credited")]
    done = subprocess.run(command, capture_output=True, check=True)
    verdict: dict[str, Any] = json.loads(done.stdout)
    return verdict


TWO_BODIES = [*sent("p", LOST, DUPLICATE), *sent("p", LOST, variant=1, user="u2", amount=5_000)]
RIGHT: dict[str, Case] = {
    "acknowledged": (sent("p", ACCEPTED), [("u1", 1_000)]),
    "acknowledged at the second attempt": (sent("p", LOST, DUPLICATE), [("u1", 1_000)]),
    "unknown and taken": (sent("p", LOST), [("u1", 1_000)]),
    "unknown and not taken": (sent("p", LOST), []),
    "capped": (sent("p", ACCEPTED, cap=3_333), [("u1", 333)]),
    "refunded before the cap": (
        sent("p", ACCEPTED, cap=3_000) + sent("r", ACCEPTED, amount=8_000, refunds="p"),
        [("u1", 200)],
    ),
    "refunded by more than it cost": (
        sent("p", ACCEPTED) + sent("r", ACCEPTED, amount=20_000, refunds="p"),
        [("u1", 0)],
    ),
    "refund unknown": (
        sent("p", ACCEPTED) + sent("r", LOST, amount=2_500, refunds="p"),
        [("u1", 750)],
    ),
    "either body": (TWO_BODIES, [("u2", 500)]),
}
WRONG: dict[str, Case] = {
    "lost": (sent("p", ACCEPTED), []),
    "lost after a duplicate": (sent("p", LOST, DUPLICATE), []),
    "credited twice": (sent("p", ACCEPTED), [("u1", 2_000)]),
    "credited to two": (TWO_BODIES, [("u1", 1_000), ("u2", 500)]),
    "credited to another": (sent("p", ACCEPTED), [("u2", 1_000)]),
    "unknown and credited twice": (sent("p", LOST), [("u1", 2_000)]),
    "never reached": (sent("p", "unreached"), [("u1", 1_000)]),
    "refund lost": (
        sent("p", ACCEPTED) + sent("r", ACCEPTED, amount=2_500, refunds="p"),
        [("u1", 1_000)],
    ),
    "accepted twice": (sent("p", ACCEPTED, ACCEPTED), [("u1", 1_000)]),
    "a duplicate of nothing": (sent("p", DUPLICATE), [("u1", 1_000)]),
    "a strange answer": (sent("p", "500 INTERNAL", ACCEPTED), [("u1", 1_000)]),
    "the other body than the one accepted": (
        sent("p", ACCEPTED) + sent("p", DUPLICATE, variant=1, amount=20_000),
        [("u1", 2_000)],
    ),
}


@pytest.mark.parametrize(("notes", "entries"), RIGHT.values(), ids=RIGHT)
def test_a_right_ledger_is_found_right(
    tmp_path: Path, notes: list[dict[str, object]], entries: list[tuple[str, int]]
) -> None:
    """X16, X19: what may be after these answers is no fault."""
    verdict = judged(tmp_path, notes, {"p": entries})
    assert verdict["faults"] == []
    held = sum(points for user, points in entries if user == "u1")
    least, most = verdict["users"].get("u1", (0, 0))
    assert least <= held <= most


@pytest.mark.parametrize(("notes", "entries"), WRONG.values(), ids=WRONG)
def test_a_wrong_ledger_is_found_wrong(
    tmp_path: Path, notes: list[dict[str, object]], entries: list[tuple[str, int]]
) -> None:
    """X16, X19: a credit lost, doubled, misplaced or invented is a fault, with its history."""
    faults: list[str] = judged(tmp_path, notes, {"p": entries})["faults"]
    assert faults
    assert faults[0].startswith("p: ")


def test_an_unknown_purchase_in_the_ledger_is_a_fault(tmp_path: Path) -> None:
    """X19: nothing is credited that nobody sent."""
    verdict = judged(tmp_path, sent("p", ACCEPTED), {"p": [("u1", 1_000)], "q": [("u1", 1)]})
    assert len(verdict["faults"]) == 1
