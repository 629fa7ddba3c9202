"""The programs that a daemon starts for one piece of work each: they begin with what that work takes, and no more."""

import subprocess
import sys

PROGRAMS = (
    "comptoir.actors.inspection.child",
    "comptoir.actors.screening.loading",
    "comptoir.actors.signature.drawing",
    "comptoir.actors.signature.verifying",
)
"""Sealing has pyHanko's client of HTTP beside ours, and asyncio with it."""
DAEMONS = (
    "comptoir.engine",
    "comptoir.http",
    "comptoir.storage",
    "httpx",
    "rich",
    "structlog",
    "trio",
)


def test_none_of_them_is_half_a_daemon() -> None:
    """S19, S62: a document is looked at, a contract drawn, in a program that has read none of the daemon's modules, which
    are five sixths of its start: more documents in the same time, and less that a hostile one could lean on.
    """
    look = f"import {', '.join(PROGRAMS)}, sys; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-I", "-c", look], check=True, capture_output=True, text=True
    ).stdout.split()
    assert set(PROGRAMS) < set(found)
    assert not set(DAEMONS) & set(found)


def test_whoever_embeds_finds_the_programme() -> None:
    """The room's names are there for whoever asks, and no others."""
    from comptoir import actors

    assert [type(getattr(actors, name)).__name__ for name in actors.__all__] == [
        "str",
        "StructMeta",
        "function",
    ]
    assert not hasattr(actors, "Programmes")
