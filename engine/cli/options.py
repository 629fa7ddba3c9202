"""Options that many commands share."""

from pathlib import Path
from typing import Annotated, Final

import typer

__all__ = ["HELP", "Config"]

HELP: Final = {"help_option_names": ["-h", "--help"]}

Config = Annotated[
    Path | None,
    typer.Option(
        help="Settings file; else $COMPTOIR_CONFIG, else ./config.toml, else the defaults.",
        metavar="FILE",
        show_default=False,
    ),
]
