"""Runs of schemathesis, each a fork of one process that has read it.

Most of what a short run computes is reading some thousand modules, and which characters Unicode has; that is the
same for every run. The fork is a process of its own, and calls what the installed program calls.

A program of its own, which obeys orders (tests/orders.py): `arguments`, and `folder`, where it runs.
Source: the documentation of schemathesis 4.
"""

import gc
import importlib
import os
import sys
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.orders import obey

READ_BEFORE = (
    "comptoir.http.testing",  # tests/http/fuzz_signs.py wants it
    "hypothesis.stateful",
    "rich.live",
    "schemathesis.cli",
    "schemathesis.cli.commands.run.executor",
    "schemathesis.engine.run.stateful",
    "schemathesis.engine.run.unit",
    "schemathesis.openapi.loaders",
    "schemathesis.specs.openapi.schemas",
    "schemathesis.transport.requests",
)


def _remember(owner: Any, name: str) -> None:
    """Have a question about an operation's settings answered once: no run changes them, and it merges them anew
    for every request that it draws, which is a tenth of what it computes.
    """
    asked = getattr(owner, name)
    known: dict[tuple[Any, ...], Any] = {}

    def answer(self: Any, *, operation: Any = None, **more: Any) -> Any:
        key = (id(self), None if operation is None else operation.label, *sorted(more.items()))
        if key not in known:
            known[key] = asked(self, operation=operation, **more)
        return known[key]

    setattr(owner, name, answer)


def _run(order: dict[str, Any]) -> None:
    """In the fork: become the program, and never return."""
    os.chdir(order["folder"])
    sys.argv = ["schemathesis", *order["arguments"]]
    config = importlib.import_module("schemathesis.config").ProjectConfig
    for name in ("generation_for", "phases_for"):
        _remember(config, name)
    importlib.import_module("schemathesis.cli").schemathesis()


@settings(max_examples=1, database=None, deadline=None)
@given(st.text(), st.integers())
def _draw(text: str, number: int) -> None:
    """Draw something: what hypothesis has to know for that, of Unicode and of our constants, it then knows."""


def main() -> None:
    """Read it all, then carry out what standard input asks for until it ends."""
    for name in READ_BEFORE:
        importlib.import_module(name)
    _draw()
    gc.collect()
    gc.freeze()  # the collector of a fork touches none of the shared pages
    obey(_run)


if __name__ == "__main__":
    main()
