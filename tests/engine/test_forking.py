"""Programs that are forked instead of started: they are processes like any other.

The rest of the suite drives daemons that were forked; here is what a test may believe of one.
Source: interface.md 11 (the fixtures); style.md (tests need no sleeps).
"""

import importlib.util
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from comptoir.engine.forking_testing import READ_BEFORE, Child, fork_program

SECONDS_MAX = 30.0
SANDBOX = str(Path(sys.executable).with_name("comptoir-sandbox"))
COMPTOIR = str(Path(sys.executable).with_name("comptoir"))
VERSION = [COMPTOIR, "version"]


@pytest.fixture
def err() -> Iterator[IO[bytes]]:
    """Where a program's standard error goes."""
    with tempfile.TemporaryFile() as file:
        yield file


def environment(**values: str) -> dict[str, str]:
    """That of a shell without settings, and these."""
    kept = {name: value for name, value in os.environ.items() if "COMPTOIR_" not in name}
    return {**kept, "NO_COLOR": "1", "COLUMNS": "120", **values}


def read(child: Child) -> bytes:
    """All of its standard output: until it has ended."""
    with child.stdout as stdout:
        return stdout.read()


@pytest.mark.parametrize(
    "words",
    [
        ["version"],
        ["config", "--format", "json"],
        ["machines", "wallet", "--format", "table"],
        ["sreve"],
        ["serve", "--config", "absent.toml"],
    ],
    ids=lambda words: words[0],
)
def test_says_what_the_installed_command_says(
    words: list[str], tmp_path: Path, err: IO[bytes]
) -> None:
    """Output, errors and exit status are those of the command, started by the operating system."""
    env = environment(COMPTOIR_POINTS__HOLD_DAYS="9")
    started = subprocess.run(
        [COMPTOIR, *words], env=env, cwd=tmp_path, capture_output=True, check=False
    )
    child = fork_program([COMPTOIR, *words], env, tmp_path, err.fileno())
    assert read(child) == started.stdout
    assert child.wait(SECONDS_MAX) == started.returncode
    err.seek(0)
    assert err.read() == started.stderr


def test_has_its_own_environment_and_folder(tmp_path: Path, err: IO[bytes]) -> None:
    """What the session's environment says is nothing to it; a relative path is its folder's."""
    (tmp_path / "own.toml").write_text("[points]\nhold_days = 11\n")
    words = ["config", "--config", "own.toml", "--format", "json"]
    before = dict(os.environ), Path.cwd()
    child = fork_program([COMPTOIR, *words], environment(), tmp_path, err.fileno())
    assert b"11" in read(child)
    assert child.wait(SECONDS_MAX) == 0
    assert (dict(os.environ), Path.cwd()) == before


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGKILL, -9)]
)
def test_hears_signals(number: int, status: int, tmp_path: Path, err: IO[bytes]) -> None:
    """It runs until it is told to end, and tells its end as Popen does: minus the signal."""
    child = fork_program([SANDBOX, "serve", "--port", "0"], environment(), tmp_path, err.fileno())
    assert json.loads(child.stdout.readline())["pid"] == child.pid
    assert child.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(0)
    child.send_signal(number)
    assert child.wait(SECONDS_MAX) == status
    child.kill()  # nobody: its number may be another's by now
    assert child.poll() == status
    assert read(child) == b""


def test_the_end_of_one_is_not_the_end_of_another(tmp_path: Path, err: IO[bytes]) -> None:
    """Many at once: each has its own output and its own status, in whatever order they are asked."""
    wanted = [(["version"], 0), (["sreve"], 2), (["config", "--config", "absent.toml"], 2)] * 4
    children = [
        fork_program([COMPTOIR, *words], environment(), tmp_path, err.fileno())
        for words, _ in wanted
    ]
    assert len({child.pid for child in children}) == len(children)
    for child, (_, status) in reversed(list(zip(children, wanted, strict=True))):
        read(child)
        assert child.wait(SECONDS_MAX) == status
        assert not Path(f"/proc/{child.pid}").exists(), "nobody has waited for it"


def test_ends_with_whoever_asked(tmp_path: Path) -> None:
    """A session that is killed leaves no process behind that would be forked for nobody."""
    code = f"""
import os, sys
from pathlib import Path
from comptoir.engine import forking_testing as forking
child = forking.fork_program({VERSION!r}, dict(os.environ), Path({str(tmp_path)!r}), 2)
with child.stdout as stdout:
    stdout.read()
print(Path("/proc/self/task", str(os.getpid()), "children").read_text(), flush=True)
sys.stdin.read()
"""
    session = subprocess.Popen(
        [sys.executable, "-P", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with session:
        assert session.stdout is not None
        (forked,) = map(int, session.stdout.readline().split())
        watched = os.pidfd_open(forked)
        session.kill()
    with selectors.DefaultSelector() as selector:
        selector.register(watched, selectors.EVENT_READ)  # readable once it has ended
        assert selector.select(SECONDS_MAX)
    os.close(watched)


def test_all_that_is_read_before_is_there() -> None:
    """A module that is renamed is noticed here, by name, not by every test that starts a daemon."""
    assert [name for name in READ_BEFORE if importlib.util.find_spec(name) is None] == []
