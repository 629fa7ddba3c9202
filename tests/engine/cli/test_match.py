"""`comptoir match score` and `match backtest` on files: what they print, and the statuses they end with (E9)."""

import json
from pathlib import Path
from typing import Any

import pytest

BASE = "id,name,rate_bp,mcc\nfnac,Fnac,250,5732\nlidl,Lidl,100,\n"
CASES = (
    {"label": "CB FNAC PARIS", "mcc": "5732", "country": "FR", "partner": "fnac"},
    {"label": "CB LIDL 3421", "mcc": None, "country": "FR", "partner": "lidl"},
    {"label": "STATION LIDL", "mcc": None, "country": "FR", "partner": "lidl"},
    {"label": "CHEZ PAUL", "mcc": None, "country": "FR", "partner": None},
)
SEEN = (
    {"label": "CB FNAC PARIS", "date": "2026-11-20", "mcc": "5732", "partnerId": "fnac"},
    {"label": "LIDL 3421", "date": "2026-11-20", "partnerId": None},
    {"label": "DARTY", "date": "2026-11-20", "partnerId": "darty"},
)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A base, a labelled set, purchases."""
    made = {
        "base": tmp_path / "base.csv",
        "cases": tmp_path / "c.jsonl",
        "seen": tmp_path / "s.jsonl",
    }
    made["base"].write_text(BASE, encoding="utf-8")
    for name, lines in (("cases", CASES), ("seen", SEEN)):
        made[name].write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
    return made


def test_score_tells_precision_and_recall(run: Any, files: dict[str, Path]) -> None:
    """E9: what is found of what is there, and what went wrong with its trace."""
    words = ("match", "score", str(files["cases"]), "--partners", str(files["base"]))
    shown = run(*words, "--format", "json")
    assert shown.status == 0
    found = json.loads(shown.out)
    (miss,) = found.pop("misses")
    assert found == {
        "labels": 4, "positives": 3, "given": 2, "right": 2, "falsePartners": 0, "precision": 1.0,
        "recall": 0.6667,
    }  # fmt: skip
    assert (miss["label"], miss["expected"], miss["given"]) == ("STATION LIDL", "lidl", None)
    assert miss["trace"][-1] == "no partner's name begins the label"
    table = run(*words)
    assert table.out.splitlines()[-1] == (
        "4 labels: precision 100.0% (0 false partners), recall 66.7% (2 of 3)"
    )
    assert "STATION LIDL" in table.out


def test_a_false_partner_is_a_failure(run: Any, files: dict[str, Path]) -> None:
    """E9: a false partner ends the command with 1, as a release's gate wants it."""
    wrong = {"label": "LIDL VOYAGES", "mcc": "4722", "country": "FR", "partner": None}
    files["cases"].write_text(json.dumps(wrong), encoding="utf-8")
    shown = run("match", "score", str(files["cases"]), "--partners", str(files["base"]))
    assert shown.status == 1
    assert "LIDL VOYAGES" in shown.out
    assert "1 false partners" in shown.out


def test_backtest_of_a_file(run: Any, files: dict[str, Path]) -> None:
    """E9: gains, losses and what stays; no conflict, so 0."""
    words = ("match", "backtest", str(files["base"]), "--purchases", str(files["seen"]))
    shown = run(*words, "--format", "json")
    assert shown.status == 0, shown.err
    found = json.loads(shown.out)
    assert found.pop("seconds") >= 0
    told = [
        (one["change"], one["label"], one["before"], one["after"]) for one in found.pop("findings")
    ]
    assert told == [("loss", "DARTY", "darty", None), ("gain", "LIDL 3421", None, "lidl")]
    assert found == {
        "purchases": 3, "candidates": 1, "unchanged": 1, "gains": 1, "losses": 1, "conflicts": 0,
        "byPartner": {"darty": {"loss": 1}, "lidl": {"gain": 1}},
    }  # fmt: skip
    table = run(*words)
    assert "1 gains, 1 losses, 0 conflicts, 1 unchanged" in table.out
    assert len(json.loads(run(*words, "--format", "json", "--limit", "0").out)["findings"]) == 0


def test_a_conflict_is_a_failure(run: Any, files: dict[str, Path]) -> None:
    """E9: two partners with one claim end the command with 1."""
    files["base"].write_text(BASE + "fnac2,Fnac,100,5732\n", encoding="utf-8")
    shown = run("match", "backtest", str(files["base"]), "--purchases", str(files["seen"]))
    assert shown.status == 1
    assert "tie at 'fnac' between fnac, fnac2: nobody" in " ".join(shown.out.split())


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ("score", "none.jsonl", "--partners", "{base}"),
            "FILE_UNREADABLE: none.jsonl cannot be read",
        ),
        (("score", "{bad}", "--partners", "{base}"), "LABELS_INVALID: "),
        (("score", "{cases}", "--partners", "{bad}"), "CSV_COLUMN_UNKNOWN: "),
        (("backtest", "--purchases", "{seen}"), "USAGE: there is no base to try"),
        (("backtest", "--alone"), "USAGE: there is no base to try"),
        (("backtest", "{base}", "--purchases", "{bad}"), "PURCHASES_INVALID: "),
        (("backtest", "{base}", "--purchases", "none.jsonl"), "FILE_UNREADABLE: none.jsonl"),
    ],
)
def test_what_cannot_be_read(
    run: Any, files: dict[str, Path], tmp_path: Path, words: tuple[str, ...], line: str
) -> None:
    """Interface.md 2: one line with what is wrong and what to do; status 2; nothing on standard output."""
    bad = tmp_path / "bad"
    bad.write_text('{"label": 1}\n', encoding="utf-8")
    filled = [one.format(bad=bad, **files) for one in words]
    shown = run("match", *filled)
    assert (shown.status, shown.out) == (2, "")
    assert shown.err.startswith(f"comptoir: {line}")
    assert len(shown.err.splitlines()) == 1
