"""Options that many commands share."""

from pathlib import Path
from typing import Annotated, Final

import typer

__all__ = ["HELP", "Config", "MyToken", "TokenFile"]

HELP: Final = {"help_option_names": ["-h", "--help"]}

Config = Annotated[
    Path | None,
    typer.Option(
        help="Settings file; else $COMPTOIR_CONFIG, else ./config.toml, else the defaults.",
        metavar="FILE",
        show_default=False,
    ),
]

TokenFile = Annotated[
    Path,
    typer.Option(
        "--token-file",
        metavar="FILE",
        help="Your own access token; - reads it from standard input.",
        show_default=False,
    ),
]
"""Of what one of two people says: a command is nobody (docs/authorization.md)."""
MyToken = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        help="Your own access token, where a second person has to approve it; - reads standard input.",
        show_default=False,
    ),
]
