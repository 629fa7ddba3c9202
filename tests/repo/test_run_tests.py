"""The suite is run in parts: no test is left out, and none runs twice.

Source: tools/run_tests.py; issue 3 ("Must show": the time of the suite by part).
"""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py"))


@pytest.fixture(scope="module")
def runner() -> ModuleType:
    """Give the program as a module."""
    spec = importlib.util.spec_from_file_location("run_tests", ROOT / "tools" / "run_tests.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _runs(arguments: list[str], path: str) -> bool:
    ignored = [x.removeprefix("--ignore=") for x in arguments if x.startswith("--ignore=")]
    own = [x for x in arguments if not x.startswith("--")]
    return any(_below(path, x) for x in own) and not any(_below(path, x) for x in ignored)


def test_every_file_is_in_exactly_one_part(runner: ModuleType) -> None:
    """A new file of tests runs without being named anywhere."""
    parts = {name: runner.arguments_of(name) for name in runner.PARTS}
    found = {path: [n for n, given in parts.items() if _runs(given, path)] for path in FILES}
    assert {path: names for path, names in found.items() if len(names) != 1} == {}
    assert all((ROOT / path).exists() for paths in runner.PARTS.values() for path in paths)


def test_every_part_has_tests(runner: ModuleType) -> None:
    """A folder that was renamed does not leave an empty part behind."""
    for name in runner.PARTS:
        arguments = runner.arguments_of(name)
        assert any(_runs(arguments, path) for path in FILES), name
