"""The suite is run in parts: no test is left out, and none runs twice.

Source: tools/run_tests.py; issue 3 ("Must show": the time of the suite by part).
"""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py"))

FAILS = """
def test_it():
    raise ValueError('the cause')
"""
FIXTURE_FAILS = """
import pytest
@pytest.fixture
def it():
    raise OSError('of a fixture')
def test_it(it):
    pass
"""
HANGS = """
import threading
def test_it():
    threading.Event().wait()
"""


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


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (FAILS, "ValueError: the cause"),
        (FIXTURE_FAILS, "OSError: of a fixture"),
        (HANGS, "in test_it"),
    ],
    ids=["a failure", "a fixture", "a hang"],
)
def test_what_went_wrong_is_told_at_the_end(
    source: str, told: str, runner: ModuleType, tmp_path: Path
) -> None:
    """Whoever reads the end of a long log finds the cause there, not only the name of a part."""
    (tmp_path / "test_it.py").write_text(source)
    hang = ["-o", "faulthandler_timeout=1", "-o", "faulthandler_exit_on_timeout=true"]
    spared = ("no:cacheprovider", "no:schemathesis", "no:hypothesispytest")
    plugins = [word for plugin in spared for word in ("-p", plugin)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, *hang, str(tmp_path)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    part = runner.Ended("it", done.returncode, 1.0, 1.0, f"{'.' * 9000}\n{done.stdout}")
    assert part.failed
    assert told in part.trouble
    assert len(part.trouble) < 9000
