"""A table on standard output.

Rule: nothing is cut, and what a daemon or a file says is text and no markup.
"""

import sys
from collections.abc import Sequence
from typing import Final

__all__ = ["print_table"]

PIPED_COLUMNS: Final = 160
"""Where no terminal says how wide it is: a row is a line, for whoever looks for words in it."""


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under a head."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for place, name in enumerate(head):
        table.add_column(name, no_wrap=not place, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Console(width=None if sys.stdout.isatty() else PIPED_COLUMNS).print(table)
