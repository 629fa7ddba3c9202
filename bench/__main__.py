"""Runs the benches: all of them, or those that are named (`make bench ARGS=matching`).

Rule: the list is written out, in the order in which the figures are read.
Source: bench/__init__.py.
"""

import argparse
from collections.abc import Callable

from bench import matching

BENCHES: dict[str, Callable[[], None]] = {
    "matching": matching.main,
}


def main() -> None:
    """Run what was asked for, one after the other, each under its name."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="figures of this machine")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of: {', '.join(BENCHES)}")
    names = parser.parse_args().names
    if unknown := [name for name in names if name not in BENCHES]:
        parser.error(f"no bench is named {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    for name in names or BENCHES:
        print(f"== {name}", flush=True)
        BENCHES[name]()


if __name__ == "__main__":
    main()
