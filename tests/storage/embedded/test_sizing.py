"""How much memory the embedded server takes for its pages, from what there is.

Source: issue 3, deliver 8; docs/reliability.md (Size).
"""

import os

from hypothesis import given
from hypothesis import strategies as st

from comptoir.storage._cluster import MIB, find_memory, shared_buffers_mib

GIB = 1024 * MIB


@given(st.integers(0, 1 << 50), st.integers(0, 1 << 50))
def test_more_memory_never_means_fewer_buffers(one: int, other: int) -> None:
    """A sixteenth, never under 128 MiB and never over 1 GiB."""
    less, more = sorted((one, other))
    assert 128 <= shared_buffers_mib(less) <= shared_buffers_mib(more) <= 1024


def test_a_small_machine_and_a_large_one() -> None:
    """2 GiB of memory give 128 MiB, 8 GiB give 512, and from 16 GiB on it is 1 GiB."""
    assert [shared_buffers_mib(gib * GIB) for gib in (2, 8, 16, 64)] == [128, 512, 1024, 1024]


def test_memory_is_found() -> None:
    """What the machine has bounds what is found, whatever control group we are in."""
    assert 64 * MIB < find_memory() <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
