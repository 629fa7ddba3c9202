"""From the arguments to the exit status: every error of every command ends here as its lines.

Rule: no traceback reaches a terminal; a usage error exits 2 with the nearest right name.
Source: interface.md 2.
"""

import os
import re
import sys
from typing import Any, Final

import typer
from typer.main import get_command

from comptoir.engine.cli.app import app
from comptoir.engine.cli.errors import EXIT_INTERRUPTED, EXIT_OTHER, EXIT_USAGE, explain, one_line

__all__ = ["main"]

_COMMANDS: Final = get_command(app)
"""Made once, from what app.py declares: a call of the app itself would make them anew."""
_HINT = re.compile(r"(.*?)[.\s]*\bDid you mean (.+?)\??\Z", re.DOTALL)


def main() -> None:
    """Run the command of `sys.argv`; never returns."""
    sys.exit(_run())


def _run() -> int:
    try:
        result: Any = _COMMANDS(prog_name="comptoir", standalone_mode=False)
    except typer.TyperException as error:
        sys.stderr.write(_usage(error) + "\n")
        return EXIT_USAGE
    except typer.Abort:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return _reader_gone()
    except (Exception, KeyboardInterrupt, BaseExceptionGroup) as error:  # noqa: BLE001  the boundary: told, and the status says so
        lines, status = explain(error)
        sys.stderr.write("".join(f"{line}\n" for line in lines))
        return status
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _reader_gone()
    return result if isinstance(result, int) else 0


def _reader_gone() -> int:
    """Whoever read our output has left (`| head`): end without a word, at the exit too."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_OTHER


def _usage(error: typer.TyperException) -> str:
    """The line of a usage error; the library's own words, its hint as our remedy."""
    text = error.message or error.format_message()
    possible: list[str] = list(getattr(error, "possibilities", None) or [])
    found = _HINT.match(text)
    context: Any = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "comptoir"
    if possible:
        remedy = f"did you mean {' or '.join(sorted(possible))}?"
    elif found is not None:
        text, remedy = found[1], f"did you mean {found[2]}?"
    else:
        text, remedy = error.format_message(), f"see {command} --help"
    return f"comptoir: USAGE: {one_line(text).rstrip('.')}: {remedy}"
