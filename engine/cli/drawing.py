"""`comptoir machines`, and the pages of docs/machines: what is drawn is what is executed.

Rule: nothing here is written by hand; a page is the table, the diagram and the docstrings of one
machine. Source: design.md 4; style: diagrams in docs/ are compared with the tables.
"""

import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from comptoir.engine import boot
from comptoir.engine.cli.errors import CommandError, nearest
from comptoir.engine.machine import Machine

__all__ = ["draw", "page", "pages", "write_pages"]


def draw(name: str | None, form: str) -> str:
    """One machine or all of them, as `mermaid` or `table`.

    Raises:
        CommandError: no such machine.
    """
    chosen = _chosen(name)
    parts = [machine.mermaid() if form == "mermaid" else machine.table() for machine in chosen]
    if len(chosen) == 1:
        return parts[0]
    mark = "%%" if form == "mermaid" else "##"
    titled = zip(chosen, parts, strict=True)
    return "\n".join(f"{mark} {machine.name}\n{part}" for machine, part in titled)


def pages() -> Mapping[str, str]:
    """Every page by its file name."""
    return {f"{name}.md": page(machine) for name, machine in sorted(boot.machines().items())}


def write_pages(folder: Path, name: str | None = None) -> list[Path]:
    """Write the pages into a folder, which is made if it is not there.

    Raises:
        CommandError: no such machine, or the folder cannot be written.
    """
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for machine in _chosen(name):
            path = folder / f"{machine.name}.md"
            path.write_text(page(machine), encoding="utf-8")
            written.append(path)
    except OSError as error:
        text = f"{folder} cannot be written ({error.strerror})"
        raise CommandError("FILE_UNWRITABLE", text, "name a folder of yours") from None
    return written


def page(machine: Machine[Any]) -> str:
    """The page of one machine."""
    module = sys.modules[machine.phases[0].__class__.__module__]
    file = module.__name__.removeprefix("comptoir.").replace(".", "/") + ".py"
    phases = "".join(f"- `{phase.name}`\n" for phase in machine.phases)
    messages = "".join(
        f"- `{message.__name__}`: {_sentence(message)}\n" for message in machine.messages
    )
    return (
        f"# {machine.name}\n\n{_prose(inspect.getdoc(module) or '')}\n\n"
        f"Made by `make docs` from the table in `{file}`, the one that is executed; do not edit it.\n\n"
        f"## Diagram\n\n```mermaid\n{machine.mermaid()}```\n\n"
        f"## Phases\n\nThe first is that of an actor never heard of. {_terminal(machine)}\n\n{phases}\n"
        f"## Messages\n\n{messages}\n"
        "## Every pair\n\nWhere a message leads to from each phase; in italics the code with which "
        f"it is refused there.\n\n{machine.table()}"
    )


def _prose(text: str) -> str:
    """A module's docstring as Markdown: a list needs a blank line before it."""
    out: list[str] = []
    for line in text.splitlines():
        starts_list = line.startswith("- ") and bool(out) and bool(out[-1])
        if starts_list and not out[-1].startswith(("- ", "  ")):
            out.append("")
        out.append(line)
    return "\n".join(out)


def _sentence(message: type[Any]) -> str:
    """What a message says, in its docstring's first paragraph."""
    return " ".join((inspect.getdoc(message) or "").partition("\n\n")[0].split())


def _terminal(machine: Machine[Any]) -> str:
    names = ", ".join(f"`{phase.name}`" for phase in machine.terminal)
    return f"Never left: {names}." if names else "None is terminal."


def _chosen(name: str | None) -> list[Machine[Any]]:
    known = boot.machines()
    if name is None:
        return [known[key] for key in sorted(known)]
    if name not in known:
        near = nearest(name, known)
        remedy = f"did you mean {near}?" if near else f"there are {', '.join(sorted(known))}"
        raise CommandError("USAGE", f"no such machine: {name!r}", remedy)
    return [known[name]]
