"""Paging: limits and cursors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.http.queries import (
    BadQuery,
    Page,
    Placed,
    cursor,
    name_at,
    page,
    placed,
    plausible_id,
)


@given(st.integers(1, 2**63 - 1))
def test_cursor_is_read_back(last: int) -> None:
    """interface.md 1: the cursor of an answer leads to what follows."""
    assert page({"cursor": [cursor(last)]}, 50, 500) == Page(last, 50)


@given(st.text(max_size=80))
def test_foreign_cursor_is_refused(text: str) -> None:
    """interface.md 1: a cursor not of our making is refused, never guessed at."""
    with pytest.raises(BadQuery) as caught:
        page({"cursor": [text]}, 50, 500)
    assert [error["pointer"] for error in caught.value.errors] == ["/query/cursor"]


@pytest.mark.parametrize("last", [0, -1, 2**63])
def test_impossible_position_is_refused(last: int) -> None:
    """interface.md 1: of our form, but no id."""
    with pytest.raises(BadQuery):
        page({"cursor": [cursor(last)]}, 50, 500)


@pytest.mark.parametrize(("text", "limit"), [("1", 1), ("500", 500), ("007", 7)])
def test_limit(text: str, limit: int) -> None:
    """interface.md 1: default 50, at most 500."""
    assert page({"limit": [text]}, 50, 500).limit == limit
    assert page({}, 50, 500) == Page(None, 50)


@pytest.mark.parametrize("text", ["0", "501", "-1", "+1", "1.0", "", "x", "१", "9" * 50, " 1"])
def test_wrong_limit_is_refused(text: str) -> None:
    """interface.md 1: anything else is refused by name."""
    with pytest.raises(BadQuery):
        page({"limit": [text]}, 50, 500)


def test_both_wrong_and_doubled() -> None:
    """interface.md 1: all that is wrong is told; a parameter counts once."""
    with pytest.raises(BadQuery) as caught:
        page({"limit": ["1", "2"], "cursor": [cursor(1), cursor(2)]}, 50, 500)
    assert len(caught.value.errors) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("u_1", True),
        ("é", True),
        ("", False),
        ("x" * 129, False),
        ("a\0b", False),
        ("\ud800", False),
    ],
)
def test_plausible_ids(text: str, expected: bool) -> None:
    """design.md 2.1: what the database cannot hold is not asked for."""
    assert plausible_id(text) is expected


@given(
    st.lists(st.from_regex(r"[0-9]{3}:[a-z]{1,5}", fullmatch=True), unique=True), st.integers(1, 5)
)
def test_a_list_by_places_is_walked_whole(places: list[str], limit: int) -> None:
    """interface.md 1: page after page shows every item once, in order, and the last page says that it is."""
    stored, seen, cursors = sorted(places), list[str](), list[str]()
    while True:
        query = {"limit": [str(limit)], "cursor": cursors}
        wanted = placed(query, 50, 500, lambda text: ":" in text)
        read = [one for one in stored if one > wanted.after][: wanted.to_read]
        shown, following = wanted.cut(read, str)
        assert len(shown) <= limit
        seen += shown
        if following is None:
            break
        cursors = [following]
    assert seen == stored
    assert [name_at(one) for one in seen] == [one.split(":")[1] for one in stored]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"cursor": ["elsewhere"]}, "/query/cursor"),
        ({"cursor": ["1:a", "2:b"]}, "/query/cursor"),
        ({"limit": ["0"]}, "/query/limit"),
    ],
)
def test_a_place_that_is_none_is_refused(query: dict[str, list[str]], pointer: str) -> None:
    """interface.md 1: a cursor not of this list's making is refused, never guessed at."""
    with pytest.raises(BadQuery) as caught:
        placed(query, 50, 500, lambda text: ":" in text)
    assert [error["pointer"] for error in caught.value.errors] == [pointer]
    assert placed({}, 50, 500, bool) == Placed("", 50)
