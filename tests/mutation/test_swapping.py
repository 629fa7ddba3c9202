"""Swapped code is what is called, by whoever holds the function; what lies in no function is left to a copy.

Source: issue 3, deliver 3 (mutation check); the language reference, 3.2.
"""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.mutation.swapping import Functions, plan

TEXT = '''
import functools

LIMIT = 3
NAMES = {"a": lambda x: x + 1}


def first(x):
    return x < LIMIT


def outer(x):
    def inner(y):
        return x - y

    return inner


@functools.cache
def known(x, y=2):
    return x * y


class One:
    bound = 5

    def holds(self, x):
        """Whether it does."""
        return x == self.bound

    @property
    def next(self):
        return self.bound + 1


made = outer(10)
HELD = [first, One.holds]
'''


@pytest.fixture
def module(tmp_path: Path) -> ModuleType:
    """A module that is loaded from a file of its own."""
    file = tmp_path / "sample.py"
    file.write_text(TEXT)
    spec = importlib.util.spec_from_file_location("sample", file)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.mark.parametrize(
    ("old", "new", "expression"),
    [
        ("x < LIMIT", "x > LIMIT", "HELD[0](5)"),
        ("return x - y", "return x + y", "made(-5) == 5 and outer(1)(2) == 3"),
        ("x * y", "x + y", "known.__wrapped__(7) == 9"),
        ("x == self.bound", "x != self.bound", "HELD[1](One(), 4)"),
        ("self.bound + 1", "self.bound", "One().next == 5"),
        ("lambda x: x + 1", "lambda x: x + 2", "NAMES['a'](1) == 3"),
    ],
)
def test_whoever_holds_it_calls_the_new_code(
    module: ModuleType, tmp_path: Path, old: str, new: str, expression: str
) -> None:
    """A function of a table, a closure that was made before, one behind a cache, a method, a property."""

    def asked() -> bool:
        return bool(eval(expression, vars(module)))

    assert not asked()
    swaps = plan(Functions(tmp_path), "sample.py", TEXT, "\n\n" + TEXT.replace(old, new))
    assert swaps
    assert not any(swap.made for swap in swaps)
    for swap in swaps:
        swap.make()
    assert all(swap.made for swap in swaps)
    assert asked()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = 4"),  # a constant
        ("bound = 5", "bound = 6"),  # of a class
        ("y=2", "y=3"),  # a default
        ("def outer(x)", "def outer(x, z=1)"),  # another default
        ("@functools.cache\n", ""),  # what is around it
        ("HELD = [first, One.holds]", ""),
        ("x < LIMIT", "x < LIMIT"),  # nothing at all
    ],
)
def test_what_is_read_with_the_module_needs_a_copy(
    module: ModuleType, tmp_path: Path, old: str, new: str
) -> None:
    """Swapping would plant less than was asked for, so nothing is planned."""
    assert module.LIMIT
    assert TEXT.count(old) == 1
    assert plan(Functions(tmp_path), "sample.py", TEXT, TEXT.replace(old, new)) is None
