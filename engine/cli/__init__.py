"""The command line: `comptoir`. Only this package, and the shipped fixtures, import `boot`.

Start at `app.py` (the commands), then `entry.py` (what becomes of an error). Each command's work is
in a module of its own, imported when the command runs, so that `comptoir version` stays quick.
Source: interface.md 2 and 4; check-command contract.
"""

__all__ = ["main"]

INTERRUPTED = 130
"""`errors.EXIT_INTERRUPTED`, which is not imported yet when it is needed here."""


def main() -> None:
    """Run the command that `sys.argv` names, and end the process with its exit status."""
    try:
        from comptoir.engine.cli.entry import main as run
    except KeyboardInterrupt:  # Ctrl-C before anything has begun: half a second on a busy machine
        raise SystemExit(INTERRUPTED) from None
    run()
