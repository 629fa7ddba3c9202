"""`comptoir kyc`: engine/cli/kyc_rows.py, kyc.py."""

import json
from pathlib import Path

from typer.testing import CliRunner

from comptoir.engine.cli.app import app

FACTS = {
    "identityVerified": True, "documentsValid": True, "addressVerified": True, "pep": "CLEAR",
    "sanctions": "CLEAR", "residence": "FR",
}  # fmt: skip


def lines(*cases: dict[str, object]) -> str:
    """Facts of several files."""
    return "".join(
        json.dumps({"id": f"f{n}", "facts": FACTS | case}) + "\n" for n, case in enumerate(cases)
    )


def test_decide_and_try_other_rules(tmp_path: Path) -> None:
    """E2, S23: what was decided is tried under changed rules, and the flips are listed."""
    run = CliRunner()
    decided = run.invoke(app, ["kyc", "decide"], input=lines({}, {"addressVerified": False}))
    answers = [json.loads(line) for line in decided.stdout.splitlines()]
    assert [(one["id"], one["score"], one["recommendation"]) for one in answers] == [
        ("f0", 85, "AUTO_APPROVE"), ("f1", 70, "MANUAL_REVIEW"),
    ]  # fmt: skip
    shown = json.loads(run.invoke(app, ["kyc", "rules"]).stdout)
    assert answers[0]["rulesVersion"] == shown["version"]
    tried = tmp_path / "v8.json"
    tried.write_text(json.dumps(shown | {"version": "v8", "reviewFrom": 71}))
    args = ["kyc", "dry-run", str(tried), "--format", "json"]
    found = run.invoke(app, args, input=decided.stdout, standalone_mode=False)
    assert found.return_value == 1
    told = json.loads(found.stdout)
    assert (told["rules"], told["decisions"]) == ("v8", 2)
    assert [(one["id"], one["was"], one["becomes"]) for one in told["flips"]] == [
        ("f1", "MANUAL_REVIEW", "REJECT")
    ]
    table = run.invoke(app, args[:-2], input=decided.stdout).stdout
    assert "2 decisions under v8: 1 flips" in table


def test_what_cannot_be_read(tmp_path: Path) -> None:
    """E2: rules, facts and decisions that are none are refused by name, and by line."""
    run = CliRunner()
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"reviewFrom": 90}')
    for args, given, code in (
        (["kyc", "dry-run", str(wrong)], "", "RULES_INVALID"),
        (["kyc", "decide"], '{"id": "a"}\n', "FACTS_INVALID"),
        (["kyc", "dry-run", str(tmp_path / "none.json")], "", "FILE_UNREADABLE"),
    ):
        found = run.invoke(app, args, input=given)
        assert getattr(found.exception, "code", "") == code, found.output
    right = tmp_path / "right.json"
    right.write_text("{}")
    found = run.invoke(app, ["kyc", "dry-run", str(right)], input="{}\n")
    assert getattr(found.exception, "code", "") == "DECISIONS_INVALID"
    assert "line 1" in str(found.exception)
