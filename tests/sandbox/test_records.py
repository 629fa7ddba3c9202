"""The ring buffers behind calls and inbox."""

from hypothesis import given
from hypothesis import strategies as st

from comptoir.sandbox.records import Record


@given(st.lists(st.integers(0, 50), max_size=60), st.integers(1, 10), st.integers(1, 200))
def test_bounded_and_counts_what_it_forgot(sizes: list[int], entries: int, weight: int) -> None:
    """design.md 5: a record holds at most its bounds, newest last, and tells what is gone."""
    record = Record(entries_max=entries, bytes_max=weight)
    for size in sizes:
        record.add(0, {}, size)
        seen = record.statistics()
        assert seen.entries <= entries
        assert seen.bytes <= weight or seen.entries == 1
        assert seen.entries + seen.forgotten == seen.last_seq
    kept = [entry.seq for entry in record.select(lambda _entry: True)]
    assert kept == list(range(len(sizes) - len(kept) + 1, len(sizes) + 1))
    record.clear()
    assert record.statistics().last_seq == 0
