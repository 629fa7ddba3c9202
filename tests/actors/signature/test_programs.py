"""The programs that draw, seal and verify contracts, as processes: they end with their daemon (S28; adr/0045, 0052)."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SECONDS_MAX = 60


def _follows(child: subprocess.Popen[bytes]) -> bool:
    """Whether it has asked to be told when nobody reads it any more: fcntl(2), O_ASYNC."""
    info = Path(f"/proc/{child.pid}/fdinfo/1").read_text(encoding="ascii")
    (flags,) = (line.split()[1] for line in info.splitlines() if line.startswith("flags:"))
    return bool(int(flags, 8) & os.O_ASYNC)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's signal is Linux's")
@pytest.mark.parametrize("work", ["drawing", "sealing", "verifying"])
def test_a_program_ends_with_its_daemon(work: str) -> None:
    """S28: whoever would read its answer is gone, so it ends at once, whatever it waits for: its task here, or an authority
    outside that answers by drops.
    """
    child = subprocess.Popen(
        [sys.executable, "-I", "-m", f"comptoir.actors.signature.{work}"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert child.stdout is not None
        until = time.monotonic() + SECONDS_MAX
        while not _follows(child):
            assert child.poll() is None
            assert time.monotonic() < until, "it follows nobody"
            time.sleep(0.02)
        child.stdout.close()
        assert child.wait(SECONDS_MAX) == -signal.SIGIO
    finally:
        child.kill()
        child.wait()
        assert child.stdin is not None
        child.stdin.close()
