"""`comptoir lists` and `comptoir check screen`: engine/cli/list_rows.py, listing.py, checking.py."""

import json
from pathlib import Path

from typer.testing import CliRunner

from comptoir.engine.cli.app import app

LIST = "id,schema,name,aliases,birth_date,countries,gender,topics\np1,Person,Ivan Sorokin,Vanya,1961,ru,male,role.pep\n"


def test_a_list_is_built_shown_and_searched(tmp_path: Path) -> None:
    """S21: an index and the list itself are searched alike; a delta makes another version."""
    run = CliRunner()
    source, index, delta = (tmp_path / name for name in ("own.csv", "own.idx", "delta.jsonl"))
    source.write_text(LIST)
    built = json.loads(run.invoke(app, ["lists", "build", str(source), str(index), "--format", "json"]).stdout)  # fmt: skip
    assert (built["entries"], built["names"]) == (1, 2)
    assert json.loads(run.invoke(app, ["lists", "show", str(index), "--format", "json"]).stdout) == built  # fmt: skip
    asked = '{"name": "SOROKIN Ivan", "birth_date": "1961-05-05"}\n{"name": "Ada Byron"}\n{}\n'
    answers = [
        [json.loads(line) for line in run.invoke(app, ["check", "screen", "--list", str(path)], input=asked).stdout.splitlines()]
        for path in (index, source)
    ]  # fmt: skip
    first, second, third = answers[0]
    assert [hit["id"] for hit in first["hits"]] == ["p1"]
    assert second["hits"] == []
    assert third["error"]["code"] == "CHECK_INPUT_INVALID"
    assert answers[1][0]["hits"][0] | {"list": "own.idx"} == first["hits"][0]
    delta.write_text('{"op": "ADD", "entity": {"id": "x", "schema": "Person", "properties": {"name": ["Ada Byron"]}}}\n')  # fmt: skip
    args = ["lists", "build", str(source), str(index), "--delta", str(delta), "--format", "json"]
    after = json.loads(run.invoke(app, args).stdout)
    assert after["entries"] == 2
    assert after["version"] != built["version"]


def test_what_cannot_be_searched(tmp_path: Path) -> None:
    """S21: without a list, or with one that is none, not one name is answered; the line is named."""
    run = CliRunner()
    wrong = tmp_path / "wrong.csv"
    wrong.write_text(LIST + "p2,Person\n")
    for args, code, told in (
        (["check", "screen"], "USAGE", "no list"),
        (["check", "screen", "--list", str(wrong)], "LIST_INVALID", "line 3"),
        (["check", "screen", "--list", str(tmp_path / "none")], "FILE_UNREADABLE", "none"),
        (["lists", "show", str(wrong)], "LIST_INVALID", "no index"),
    ):
        found = run.invoke(app, args, input='{"name": "Ada Byron"}\n')
        assert getattr(found.exception, "code", "") == code, found.output
        assert told in str(found.exception)
        assert found.stdout == ""
