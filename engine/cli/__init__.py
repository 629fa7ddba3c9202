"""The command line: `comptoir`. Only this package, and the shipped fixtures, import `boot`.

Start at `app.py` (the commands), then `entry.py` (what becomes of an error). Each command's work is
in a module of its own, imported when the command runs, so that `comptoir version` stays quick.
Source: interface.md 2 and 4; check-command contract.
"""

__all__ = ["main"]


def main() -> None:
    """Run the command that `sys.argv` names, and end the process with its exit status."""
    from comptoir.engine.cli.entry import main as run

    run()
