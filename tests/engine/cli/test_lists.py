"""`comptoir lists` and `comptoir check screen`: engine/cli/list_rows.py, listing.py, checking.py."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from comptoir.actors.screening.matching import MATCH_FROM
from comptoir.engine.cli.app import app
from comptoir.engine.settings import Settings, SettingsError
from tests.actors.screening.test_lists import ofac

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


ASKED = '{"name": "SOROKIN Ivan"}\n'


def screened(*lists: Path) -> list[tuple[str, str]]:
    """The lists and entries of the hits of one name."""
    options = [option for path in lists for option in ("--list", str(path))]
    done = CliRunner().invoke(app, ["check", "screen", *options], input=ASKED)
    assert done.exit_code == 0, done.exception
    return [(hit["list"], hit["id"]) for hit in json.loads(done.stdout)["hits"]]


def test_the_daemons_lists_are_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S21: without --list those of the settings are, of file and environment, by their names; a list given goes before them."""
    monkeypatch.chdir(tmp_path)
    own, other = tmp_path / "own.csv", tmp_path / "other.csv"
    own.write_text(LIST)
    other.write_text(LIST.replace("p1,", "p2,"))
    Path("config.toml").write_text(f'[[screening.lists]]\nname = "house"\npath = "{own}"\n')
    assert screened() == [("house", "p1")]
    assert screened(other) == [("other.csv", "p2")]
    lists = json.dumps([{"name": "elsewhere", "path": str(other)}])
    monkeypatch.setenv("COMPTOIR_SCREENING__LISTS", lists)
    assert screened() == [("elsewhere", "p2")]
    monkeypatch.setenv("COMPTOIR_SCREENING__LISTS", "[{")
    wrong = CliRunner().invoke(app, ["check", "screen"], input=ASKED)
    assert isinstance(wrong.exception, SettingsError)


def test_what_a_match_is_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """check-command, S40: `match` is at the configured threshold, and `hits` are from there on; a line may say another one."""
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "own.csv"
    own.write_text(LIST)
    assert Settings().screening.match_from == MATCH_FROM
    sides = {"query": {"name": "I. Sorokin"}, "candidate": {"name": "Ivan Sorokin"}}
    asked = json.dumps({"name": "I. Sorokin"})

    def answers() -> tuple[bool, int]:
        run = CliRunner()
        matched = run.invoke(app, ["check", "name-match"], input=json.dumps(sides))
        hits = run.invoke(app, ["check", "screen", "--list", str(own)], input=asked)
        return json.loads(matched.stdout)["match"], len(json.loads(hits.stdout)["hits"])

    assert answers() == (True, 1)
    monkeypatch.setenv("COMPTOIR_SCREENING__MATCH_FROM", "0.95")
    assert answers() == (False, 0)
    asked = json.dumps({"name": "I. Sorokin", "at_least": 0.6})
    assert answers() == (False, 1)
    monkeypatch.setenv("COMPTOIR_SCREENING__MATCH_FROM", "0.2")
    wrong = CliRunner().invoke(app, ["check", "name-match"], input=json.dumps(sides))
    assert isinstance(wrong.exception, SettingsError)


def test_the_files_of_ofac_are_one_list(tmp_path: Path) -> None:
    """S21: whichever of OFAC's files are named, it is one list, with each entry once; a list of one's own may be called so too."""
    alt = '101,1,"aka","SOROKINE, Jean",-0- \n'
    folder = ofac(tmp_path, alt=alt, add='101,1,"Street 1","Tehran","Iran",-0- \n')
    sdn, others = folder / "sdn.csv", (folder / "alt.csv", folder / "add.csv")
    one = [("sdn.csv", "ofac-101")]
    assert screened(sdn, *others) == screened(*others, sdn) == screened(others[0]) == one
    sdn.rename(folder / "SDN.CSV")
    assert screened(folder / "SDN.CSV", folder) == one
    (folder / "SDN.CSV").rename(folder / "elsewhere.csv")
    args = ["check", "screen", "--list", str(others[0])]
    lost = CliRunner().invoke(app, args, input=ASKED)
    assert "sdn.csv is not there" in str(lost.exception)
    others[1].write_text(LIST)
    assert screened(others[1]) == [("add.csv", "p1")]


def test_what_cannot_be_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S21: without any list, or with one that is none, not one name is answered; the line is named."""
    monkeypatch.chdir(tmp_path)
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
