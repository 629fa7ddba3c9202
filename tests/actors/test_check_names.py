"""`check name-match` and `check screen`: actors/check_names.py."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.check_names import check_name_match, screen_with
from comptoir.actors.screening.clearing import fingerprint_of
from comptoir.actors.screening.entries import Entry
from comptoir.actors.screening.evidence import Subject
from comptoir.actors.screening.index import Index, build_index

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
sides = st.fixed_dictionaries(
    {}, optional={"name": json_values, "birth_date": json_values, "country": json_values}
)


@given(json_values | st.fixed_dictionaries({"query": sides, "candidate": sides}))
def test_every_input_has_an_answer(given_input: object) -> None:
    """check-command: malformed input is an answer with a code, and every answer is JSON; S21."""
    for answer in (check_name_match(given_input), screen_with(())(given_input)):
        json.dumps(answer)
        assert answer["ok"] is True or answer["error"]["code"] == "CHECK_INPUT_INVALID"


def test_name_match() -> None:
    """check-command, kind name-match: score, match at the threshold, and what each thing gave; S21."""
    asked = {
        "schema": "Person",
        "query": {"name": "Иван Сорокин", "birth_date": "1961-02-03", "country": "RU"},
        "candidate": {"name": "Sorokin, Ivan", "birth_date": "1961-02-03", "country": "ru"},
    }
    answer = check_name_match(asked)
    assert (answer["ok"], answer["score"], answer["match"]) == (True, 1.0, True)
    other = check_name_match(asked | {"candidate": {"name": "Ivan Sorokin", "birth_date": "1999-09-09"}})  # fmt: skip
    assert other["match"] is False
    assert other["features"]["birth date differs"] < 0
    assert sum(other["features"].values()) == pytest.approx(other["score"], abs=1e-3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"query": {"name": ""}, "candidate": {"name": "x"}},
        {"query": {"name": "x"}},
        {"query": {"name": "x", "birth_date": "3 Feb 1961"}, "candidate": {"name": "x"}},
        {"query": {"name": "x", "country": "France"}, "candidate": {"name": "x"}},
        {"query": {"name": "\ud800"}, "candidate": {"name": "x"}},
        {"schema": "a b", "query": {"name": "x"}, "candidate": {"name": "x"}},
    ],
)
def test_bad_inputs(wrong: object) -> None:
    """check-command: CHECK_INPUT_INVALID, with a detail; S21."""
    answer = check_name_match(wrong)
    assert answer["error"]["code"] == "CHECK_INPUT_INVALID"
    assert answer["error"]["detail"]


def test_screen(tmp_path: Path) -> None:
    """check-command, kind screen: hits of several lists, best first, each with its list and explanation; S21."""
    build_index([Entry("a", "Person", ("Ivan Sorokin", "Vanya Sorokin"), topics=("sanction",))], tmp_path / "one")  # fmt: skip
    build_index([Entry("b", "Person", ("Ivan Sorokine",))], tmp_path / "two")
    with Index(tmp_path / "one") as one, Index(tmp_path / "two") as two:
        screen = screen_with((("two", two), ("one", one)))
        answer = screen({"schema": "Person", "name": "Sorokin Ivan"})
        assert [(hit["list"], hit["id"], hit["name"]) for hit in answer["hits"]] == [
            ("one", "a", "Ivan Sorokin"), ("two", "b", "Ivan Sorokine"),
        ]  # fmt: skip
        assert answer["hits"][0]["topics"] == ["sanction"]
        assert answer["hits"][0]["score"] == 1.0 > answer["hits"][1]["score"]
        assert screen({"name": "Ada Byron"}) == {"ok": True, "hits": []}


def test_a_name_without_a_word_clears_nobody(tmp_path: Path) -> None:
    """S27, E4: nothing is found under it, which is no "no hit"; each hit tells what it is of, and every country counts."""
    entry = Entry("e1", "Person", ("Ivan Sorokin",), ("1961-02-03",), ("ru",), None, ("sanction",))
    build_index([entry], tmp_path / "one")
    with Index(tmp_path / "one") as one:
        screen = screen_with((("one", one),))
        for name in ("   ", "???", "O."):
            refused = screen({"name": name, "facts": True})
            assert refused["error"]["code"] == "CHECK_INPUT_INVALID", name
        (hit,) = screen({"name": "Ivan Sorokin", "countries": ["FR", "RU"], "facts": True})["hits"]
    subject = Subject(("Ivan Sorokin",), countries=frozenset({"fr", "ru"}))
    assert hit["fingerprint"] == fingerprint_of(entry, subject)
    assert (hit["aliases"], hit["birth_dates"]) == (["Ivan Sorokin"], ["1961-02-03"])
    assert "country agrees" in hit["features"]
