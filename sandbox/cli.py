"""The command line: `comptoir-sandbox serve`.

Rule: standard output carries the ready line and nothing else; what goes wrong is one line on
standard error, `comptoir-sandbox: CODE: text: remedy`, with the exit status of interface.md 2.

Source: interface.md 2 and 10.
"""

import sys
import time
from pathlib import Path
from typing import Annotated

import structlog
import trio
import typer

from comptoir.sandbox.app import PORT, PortTaken, SandboxSettings, run
from comptoir.sandbox.errors import Refused

EXIT_USAGE = 2
EXIT_PORT = 4
SCRIPT_BYTES_MAX = 1024 * 1024

app = typer.Typer(
    name="comptoir-sandbox",
    help="Plays the outside parties: the bank aggregator that sends webhooks, and the push service.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


class _Ends(Exception):
    """The program cannot go on: `text` names what is wrong and what to do."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.line = f"comptoir-sandbox: {code}: {text}"


@app.callback()
def _root() -> None:
    """Plays the outside parties: the bank aggregator that sends webhooks, and the push service."""


@app.command()
def serve(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes any free one.")
    ] = PORT,
    script: Annotated[
        Path | None, typer.Option(help="Fault script: TOML with [[fault]] tables.")
    ] = None,
    allow_target: Annotated[
        list[str] | None,
        typer.Option(
            help="Host beside this machine that webhooks may be sent to; may be repeated."
        ),
    ] = None,
) -> None:
    """Serves until SIGTERM or SIGINT. Logs go to standard error."""
    started = time.monotonic()
    _log_to_stderr()
    settings = SandboxSettings(port, _read(script), frozenset(allow_target or ()))
    try:
        trio.run(run, settings, started)
    except PortTaken as error:
        text = f"port {port} on 127.0.0.1: {error}: stop what listens there, or use --port 0"
        raise _Ends(EXIT_PORT, "PORT_IN_USE", text) from None
    except Refused as refusal:
        where = "see the list of faults in docs/sandbox.md"
        text = f"{script}: {refusal.detail}: {where}"
        raise _Ends(EXIT_USAGE, "SCRIPT_INVALID", text) from None


def _read(script: Path | None) -> str | None:
    if script is None:
        return None
    try:
        if script.stat().st_size > SCRIPT_BYTES_MAX:
            text = f"{script}: over {SCRIPT_BYTES_MAX} bytes: split it"
            raise _Ends(EXIT_USAGE, "SCRIPT_INVALID", text)
        return script.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        text = f"{script}: {reason}: give a readable TOML file"
        raise _Ends(EXIT_USAGE, "SCRIPT_UNREADABLE", text) from None


def _log_to_stderr() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def main() -> None:
    """Runs the command and ends the process with its status."""
    try:
        status = app(standalone_mode=False)
    except _Ends as end:
        sys.stderr.write(end.line + "\n")
        sys.exit(end.status)
    except typer.TyperException as error:
        text = " ".join(error.format_message().split()).rstrip(".")
        sys.stderr.write(f"comptoir-sandbox: USAGE: {text}: see comptoir-sandbox --help\n")
        sys.exit(EXIT_USAGE)
    except typer.Abort:
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)
