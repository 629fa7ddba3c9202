"""The documentation's figures come from JSON: blocks between markers, drawings that do not wander.

Source: bench/pages.py, bench/plots.py, bench/results.py; docs/performance.md.
"""

import json
from pathlib import Path
from typing import Any

from bench.pages import BLOCKS, blocks_written
from bench.plots import DRAWINGS, draw
from bench.results import rounded

ROOT = Path(__file__).resolve().parents[2]
MACHINE = dict.fromkeys(
    ("revision", "processors", "processor", "memory_gib", "kernel", "python", "postgresql",
     "fastapi", "uvicorn", "asyncpg"), "x",
)  # fmt: skip


def _slice(per_s: float) -> dict[str, Any]:
    return {
        "per_s": per_s, "rounds_per_s": [per_s * 0.9, per_s, per_s * 1.1], "cpu_s_per_1000": 0.02,
        "cpu": {"program": 0.1, "database": 0.05, "all": 0.15},
    }  # fmt: skip


def _paced(ms: float) -> dict[str, Any]:
    credit = {"ms": 7.5, "low_ms": 5.0, "high_ms": 10.0}
    return {
        "p50_ms": ms / 2, "p99_ms": ms, "histogram": [[1.0, 5], [2.0, 15]], "credit": {"p99": credit},
    }  # fmt: skip


WEBHOOKS: dict[str, Any] = {
    "machine": MACHINE,
    "closed": {
        name: {"32": _slice(rate), "128": _slice(rate * 2)}
        for name, rate in (("comptoir", 4321.0), ("tuned", 2000.0), ("plain", 1000.0))
    },
    "ratios": {"tuned": {"32": 2.16, "128": 2.16}, "plain": {"32": 4.32, "128": 4.32}},
    "open": {
        name: {"1000": _paced(ms)} for name, ms in (("comptoir", 4.0), ("tuned", 8.0), ("insert", 2.0))
    },
}  # fmt: skip
SIZE: dict[str, Any] = {
    "hot": {
        "ratio": 0.95, "1000": {"credits_per_s": 1000.0}, "1000000": {"credits_per_s": 950.0},
    },
}  # fmt: skip
MEMORY: dict[str, Any] = {
    "bytes_each": 4096.0,
    "points": [{"resident": 2000, "mib": 0.0}, {"resident": 4000, "mib": 8.0}],
}
OUTAGE: dict[str, Any] = {
    "machine": MACHINE, "bought": 300, "told": 300, "business_min": 10.0, "down_s": [1.0, 3.0], "let_go_s": 2.0,
    "gateways": {"plaid": "bank_plaid", "fcm": "push"},
    "seen": [
        {
            "at": float(at), "seconds": 1.0, "parked": {"push": parked, "bank_plaid": parked // 3},
            "came": {"plaid": 2, "fcm": came}, "asked": {"plaid": 1, "fcm": 4},
        }
        for at, parked, came in ((1, 0, 20), (2, 60, 0), (3, 90, 0), (4, 40, 50), (5, 0, 40))
    ],
}  # fmt: skip
SUSTAINED: dict[str, Any] = {
    "machine": MACHINE, "count": 40_000, "cpu_ratio": 1.01, "rate_ratio": 0.98, "old_us": 131.0, "fresh_us": 130.0,
    "points": [
        {"sent": sent, "per_s": 6000.0, "daemon_us": 130.0, "database_us": 50.0} for sent in (20_000, 40_000)
    ],
}  # fmt: skip
FIGURES = {
    "webhooks": WEBHOOKS,
    "size": SIZE,
    "memory": MEMORY,
    "outage": OUTAGE,
    "sustained": SUSTAINED,
}


def test_page_has_every_block() -> None:
    """docs/performance.md has the markers of every block, and a block may be written again and again."""
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    written = blocks_written(page, ROOT / "docs" / "performance")
    assert blocks_written(written, ROOT / "docs" / "performance") == written
    for name in BLOCKS:
        assert page.count(f"<!-- bench:{name} -->") == 1


def test_page_says_what_its_figures_say() -> None:
    """The committed page is what the committed JSON makes of it: no figure was typed."""
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert blocks_written(page, ROOT / "docs" / "performance") == page, "run: make bench-docs"


def test_figures_are_written_between_the_markers(tmp_path: Path) -> None:
    """A block has the figures of its JSON, and what was not measured says how to measure it."""
    (tmp_path / "webhooks.json").write_text(json.dumps(WEBHOOKS))
    empty = "".join(f"<!-- bench:{name} -->\n<!-- /bench:{name} -->\n" for name in BLOCKS)
    page = blocks_written(f"before\n{empty}after\n", tmp_path)
    assert page.startswith("before\n<!-- bench:closed -->\nMeasured at revision")
    assert page.endswith("after\n")
    assert "| comptoir | 4,321 | 8,642 |" in page
    assert "| 1,000 /s | 2.00 | 4.00 | 7.5 (5 to 10) | 8.00 | 2.00 | 2.0 |" in page
    assert "Not measured yet: `make bench ARGS=size`" in page


def test_steps_stand_beside_those_of_before(tmp_path: Path) -> None:
    """Where a run of before is kept, its microseconds have a column, and a step that is gone is 0 now."""
    new = [{"name": "fold", "us": 10.0, "share": 1.0}]
    old = [
        {"name": "fold", "us": 30.0, "share": 0.75},
        {"name": "encode", "us": 10.0, "share": 0.25},
    ]
    for name, us, found in (("steps", 10.0, new), ("steps_before", 40.0, old)):
        figures = {"machine": MACHINE, "us": us, "steps": found}
        (tmp_path / f"{name}.json").write_text(json.dumps(figures))
    empty = "".join(f"<!-- bench:{name} -->\n<!-- /bench:{name} -->\n" for name in BLOCKS)
    page = blocks_written(empty, tmp_path)
    assert "| fold | 30.0 | 10.0 | 100.0% |" in page
    assert "| encode | 10.0 | 0.0 | 0.0% |" in page
    assert "| **the daemon, for a webhook** | **40.0** | **10.0** |  |" in page


def test_an_outage_is_told_by_party(tmp_path: Path) -> None:
    """What was parked at most, what reached the party while it was down, and how fast it went on."""
    (tmp_path / "outage.json").write_text(json.dumps(OUTAGE))
    empty = "".join(f"<!-- bench:{name} -->\n<!-- /bench:{name} -->\n" for name in BLOCKS)
    page = blocks_written(empty, tmp_path)
    assert "| fcm | 90 | 8 | 50 |" in page
    assert "| plaid | 30 | 2 | 2 |" in page
    assert "300 purchases and 300 notices; both parties down for 10 minutes" in page


def test_same_figures_draw_the_same_bytes(tmp_path: Path) -> None:
    """A drawing carries no date and no chance, and names its axes with their units."""
    drawn: dict[str, str] = {}
    for name, (source, _) in DRAWINGS.items():
        for target in ("a.svg", "b.svg"):
            draw(name, FIGURES[source], tmp_path / target)
        drawn[name] = (tmp_path / "a.svg").read_text()
        assert drawn[name] == (tmp_path / "b.svg").read_text()
        assert "<dc:date>" not in drawn[name]
    assert "resident memory, MiB" in drawn["memory"]
    assert "calls that came through, a second" in drawn["outage"]


def test_figures_are_kept_at_four_places() -> None:
    """Floats are rounded wherever they lie, and names become texts as JSON has them."""
    assert rounded({32: [1.23456, {"x": (2, 0.00001)}]}) == {"32": [1.2346, {"x": [2, 0.0]}]}
