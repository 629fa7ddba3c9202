"""What a program reads before it begins: every module costs its user time, and a child of the daemon pays for each document.

The rule: a program reads what it works with. Modules are counted, not seconds: the count is the same on every machine.
Source: issue 3 (the time of the suite); design.md 2; docs/reliability.md.
"""

import json
import subprocess
import sys
from typing import NamedTuple

import pytest

CODE = "import sys; before = set(sys.modules)\nimport {}\nimport json; print(json.dumps(sorted(set(sys.modules) - before)))"
OF_A_DAEMON = ("trio", "structlog", "rich", "httpx", "quart", "asyncpg", "comptoir.engine.settings")
OF_FILES = (
    "pikepdf",
    "pypdfium2",
    "PIL",
    "tesserocr",
    "typst",
    "pyhanko",
    "pyhanko_certvalidator",
    "reportlab",
)
OF_SOME = ("botocore", "boto3", "proton", "aiohttp", "pytest", "hypothesis")
"""Of settings that few have, and of tests."""


class Start(NamedTuple):
    """A program, and its bounds."""

    modules: str
    without: tuple[str, ...]
    most: int
    """Modules, the standard library's among them: a quarter more than there were when this was written."""


STARTS = {
    "comptoir": Start("comptoir.engine.cli.entry", (*OF_A_DAEMON, *OF_FILES, *OF_SOME), 150),
    "check iban": Start(
        "comptoir.engine.cli.checking, comptoir.actors.checks",
        (*OF_A_DAEMON, *OF_FILES, *OF_SOME),
        215,
    ),
    "check screen": Start(
        "comptoir.engine.cli.entry, comptoir.actors.check_names, comptoir.engine.cli.listing",
        (*OF_A_DAEMON, *OF_FILES, *OF_SOME, "schwifty", "comptoir.actors.merchants"),
        350,
    ),
    "a document": Start(
        "comptoir.actors.inspection.child",
        (*OF_A_DAEMON, *OF_FILES, *OF_SOME, "comptoir.engine"),
        65,
    ),
    "a contract": Start(
        "comptoir.actors.signature.drawing",
        (*OF_A_DAEMON, *OF_FILES, *OF_SOME, "comptoir.engine"),
        65,
    ),
    "a signature": Start(
        "comptoir.actors.signature.verifying",
        (*OF_A_DAEMON, *OF_FILES, *OF_SOME, "comptoir.engine"),
        160,
    ),
    "a list": Start(
        "comptoir.actors.screening.loading",
        (*OF_A_DAEMON, *OF_FILES, *OF_SOME, "comptoir.engine"),
        160,
    ),
    "a statement": Start("comptoir.http.statement_pdf", (*OF_A_DAEMON, *OF_FILES, *OF_SOME), 50),
    "the daemon": Start("comptoir.engine.boot.serving", (*OF_FILES, *OF_SOME), 2_350),
}


@pytest.mark.parametrize("name", STARTS)
def test_a_program_reads_what_it_works_with(name: str) -> None:
    """What it must not read is not there, and there is not much more than there was."""
    start = STARTS[name]
    done = subprocess.run(
        [sys.executable, "-I", "-c", CODE.format(start.modules)],
        capture_output=True,
        check=True,
        text=True,
    )
    read: list[str] = json.loads(done.stdout)
    strangers = [x for x in read if any(x == no or x.startswith(f"{no}.") for no in start.without)]
    assert strangers == []
    assert len(read) <= start.most


def test_whoever_embeds_finds_the_programme() -> None:
    """The names of `comptoir.actors` are there for whoever asks, and no others."""
    from comptoir import actors

    found = [type(getattr(actors, name)).__name__ for name in actors.__all__]
    assert found == ["str", "StructMeta", "function"]
    assert not hasattr(actors, "Programmes")
