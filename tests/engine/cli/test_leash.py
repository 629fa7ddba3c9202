"""The leash of the demo's children. Source: interface.md 2 (a second signal ends at once)."""

import subprocess
import sys

from comptoir.engine.cli import leash

# Counts the SIGTERMs that it gets until standard input ends, and prints how many there were.
COUNTING = (
    "import signal, sys; n = []; signal.signal(signal.SIGTERM, lambda *_: n.append(1));"
    "print('ready', flush=True); signal.pause(); sys.stdin.read(); print(len(n), flush=True)"
)


def test_each_child_gets_one_signal() -> None:
    """When the demo is gone, whoever still runs gets one SIGTERM, and the dead are passed over."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with (
        subprocess.Popen([sys.executable, "-c", COUNTING], **pipes) as alive,  # type: ignore[call-overload]
        subprocess.Popen([sys.executable, "-c", "print('ready')"], **pipes) as dead,  # type: ignore[call-overload]
    ):
        assert alive.stdout is not None
        assert alive.stdout.readline() == "ready\n"
        dead.communicate()
        ids = f"{alive.pid}\n{dead.pid}\n"
        subprocess.run(
            [sys.executable, "-I", "-S", leash.__file__], input=ids, text=True, check=True
        )
        out, _ = alive.communicate()
    assert out == "1\n"
