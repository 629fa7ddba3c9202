"""What is remembered of the database: the last so many keys, and of each what was told last."""

from hypothesis import given
from hypothesis import strategies as st

from comptoir.storage.remembered import Remembered

KEYS = st.integers(0, 12)


@given(st.integers(1, 8), st.lists(st.tuples(KEYS, st.integers())))
def test_the_oldest_key_is_forgotten_first(entries_max: int, told: list[tuple[int, int]]) -> None:
    """Design.md 2: never more than so many; what is told again stays where it was, with its new value."""
    memory = Remembered[int, int](entries_max)
    kept: list[tuple[int, int]] = []
    for key, value in told:
        memory.put(key, value)
        places = [number for number, (held, _) in enumerate(kept) if held == key]
        if places:
            kept[places[0]] = (key, value)
        else:
            kept = [*kept, (key, value)][-entries_max:]
        expected = dict(kept)
        assert {number: memory.get(number) for number in range(13)} == {
            number: expected.get(number) for number in range(13)
        }


def test_nothing_is_left_when_it_is_cleared() -> None:
    """A take-over: what another writer may have changed is asked for again."""
    memory = Remembered[str, int](2)
    memory.put("a", 1)
    memory.clear()
    assert memory.get("a") is None
