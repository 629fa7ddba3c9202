"""Where the daemon's time goes: `make bench PROFILE=1` draws a flame graph and a table of steps.

The daemon is sampled by py-spy while 128 connections send webhooks, twice: once for the picture, once
for the stacks that the table is made from. What the table sums to is the process's own CPU by webhook;
sampling itself is another process and costs the daemon little.

Rule: what is profiled is the daemon as it is run, not a part of it under a profiler of its own.
Source: py-spy's manual, `record`; it reads another process's memory, which needs root, or a kernel
that lets the parent trace its child (kernel.yama.ptrace_scope).

    BENCH_COUNT=8000 make bench PROFILE=1
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

from bench.results import RESULTS, ROOT, write
from bench.sides import OURS, Crowd, Side, open_sides
from bench.steps import Step, steps

__all__ = ["main"]

CONNECTIONS: Final = 128
SAMPLES_PER_SECOND: Final = "250"
SECONDS_MAX: Final = "3600"
END_SECONDS_MAX: Final = 60
TITLE: Final = re.compile(r'(?<=y="24.00">)[^<]*')


@contextmanager
def _recorded(pid: int, form: str, target: Path) -> Generator[None]:
    """Sample a process for the length of the block.

    Raises:
        SystemExit: py-spy is missing, or is not allowed to look.
    """
    program = shutil.which("py-spy", path=str(Path(sys.executable).parent))
    if program is None:
        sys.exit("make bench: py-spy is not installed: make setup")
    command = [program, "record", "--pid", str(pid), "--format", form, "--output", str(target),
               "--rate", SAMPLES_PER_SECOND, "--duration", SECONDS_MAX, "--function"]  # fmt: skip
    if form == "raw":
        command.append("--full-filenames")  # the rules go by folder
    with target.with_suffix(".log").open("w+") as said:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True)
        assert child.stdout is not None
        if "Sampling" not in child.stdout.readline():
            child.wait(END_SECONDS_MAX)
            said.seek(0)
            words = said.read().strip().splitlines()
            sys.exit(
                f"make bench: py-spy could not read the daemon's memory ({words[0] if words else ''}): "
                "run it as root, or allow it with `sysctl kernel.yama.ptrace_scope=0`"
            )
        try:
            yield
        finally:
            child.send_signal(signal.SIGINT)
            child.communicate(timeout=END_SECONDS_MAX)
    target.with_suffix(".log").unlink()


def _measure(side: Side, count: int) -> tuple[list[Step], float]:
    """Warm up, draw, record; the table, and CPU-µs of the daemon for each webhook."""
    side.slice(2000, CONNECTIONS)
    with _recorded(side.process.pid, "flamegraph", RESULTS / "flame.svg"):
        side.slice(count, CONNECTIONS)
    drawing = RESULTS / "flame.svg"
    title = f"comptoir: {count:,} webhooks over {CONNECTIONS} connections"
    # py-spy writes its own command there, with a process id and the place of this checkout.
    drawing.write_text(TITLE.sub(title, drawing.read_text()).replace(f"{ROOT}/", ""))
    raw = RESULTS / "flame.raw"
    with _recorded(side.process.pid, "raw", raw):
        cpu_s = side.slice(count, CONNECTIONS)["cpu"]["program"] * count / 1000
    return steps(raw.read_text().splitlines(), cpu_s, count), cpu_s / count * 1e6


def main() -> None:
    """Draw the flame graph, print and keep the table."""
    count = int(os.environ.get("BENCH_COUNT", "8000"))
    RESULTS.mkdir(parents=True, exist_ok=True)
    with open_sides((OURS,), Crowd()) as (side,):
        table, each_us = _measure(side, count)
        side.check()
    print(f"\n{'step':<28}{'us':>8}{'share':>8}")
    for step in table:
        print(f"{step.name:<28}{step.us:>8.1f}{step.share:>8.1%}")
    print(f"{'the daemon, for a webhook':<28}{each_us:>8.1f}")
    print(f"  drawn: {(RESULTS / 'flame.svg').name} in bench/results/")
    write("steps", {"count": count, "us": each_us, "steps": [asdict(step) for step in table]})


if __name__ == "__main__":
    main()
