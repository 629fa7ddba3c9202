"""Runs the benches: all but the long ones, or those that are named (`make bench ARGS=matching`).

Rule: the list is written out, in the order in which the figures are read.
Source: bench/__init__.py.
"""

import argparse
import logging
from collections.abc import Callable

import structlog

from bench import (
    ask,
    backtest,
    copybook,
    crowd,
    documents,
    edge,
    flame,
    history,
    lots,
    matching,
    memory,
    outage,
    restart,
    screening,
    screening_beside,
    size,
    sustained,
    tokens,
    webhook_receive,
    webhooks,
)
from bench.results import end_as_interrupted

BENCHES: dict[str, Callable[[], None]] = {
    "webhooks": webhooks.main,
    "edge": edge.main,
    "crowd": crowd.main,
    "ask": ask.main,
    "memory": memory.main,
    "lots": lots.main,
    "size": size.main,
    "sustained": sustained.main,
    "history": history.main,
    "restart": restart.main,
    "outage": outage.main,
    "matching": matching.main,
    "backtest": backtest.main,
    "screening": screening.main,
    "screens": screening_beside.main,
    "documents": documents.main,
    "receive": webhook_receive.main,
    "token": tokens.main,
    "copybook": copybook.main,
    "profile": flame.main,
}
"""All of them, in the order in which the figures are read."""
LONG = {
    "crowd",
    "size",
    "sustained",
    "restart",
    "history",
    "outage",
    "profile",
    "screening",
    "screens",
    "documents",
}
"""Run only when named: each takes minutes, or draws instead of measuring."""


def main() -> None:
    """Run what was asked for, one after the other, each under its name."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="figures of this machine")
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"any of: {', '.join(BENCHES)}; none: all but {', '.join(sorted(LONG))}",
    )
    names = parser.parse_args().names
    end_as_interrupted()
    if unknown := [name for name in names if name not in BENCHES]:
        parser.error(f"no bench is named {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    # Benches print figures; what the daemon has to say while they run is not one of them.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    for name in names or [name for name in BENCHES if name not in LONG]:
        print(f"== {name}", flush=True)
        BENCHES[name]()


if __name__ == "__main__":
    main()
