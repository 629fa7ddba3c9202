"""Access tokens for tests, made by the function behind `comptoir token`, without a program for each.

Rule: what is said, signed and put on record is what the command would have; only its process is spared. Keys
that were read are not judged again as long as their file holds the same.
Source: interface.md 9 and 11.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from comptoir.engine.cli.errors import CommandError
from comptoir.engine.cli.tokens import TokenOptions, token_of
from comptoir.engine.settings import Settings
from comptoir.http.identity.signing import SigningKeys

__all__ = ["TokenOptions", "make_token"]

FILES_MAX = 8
_KNOWN: dict[bytes, SigningKeys] = {}
"""Keys by a digest of where their file lies and of what it holds."""


def make_token(options: TokenOptions, env: Mapping[str, str], folder: Path) -> str:
    """One token.

    Args:
        options: as the command has them.
        env: the program's environment.
        folder: where it would run: a configuration file counts that lies there, not that of the caller's.

    Raises:
        AssertionError: the command would have refused.
    """
    file = folder / "config.toml"
    path = None if "COMPTOIR_CONFIG" in env else file if file.exists() else Path(os.devnull)
    try:
        return token_of(options, Settings.load(path, env), _open)
    except CommandError as refused:
        raise AssertionError(f"{refused.code}: {refused.text}") from refused


def _open(path: Path, now: int) -> SigningKeys:
    """The keys of a file."""
    name = _digest(path)
    if name not in _KNOWN:
        keys = SigningKeys.open(path, now)  # which may have made the file
        name = _digest(path)
        while len(_KNOWN) >= FILES_MAX:
            _KNOWN.pop(next(iter(_KNOWN)))
        _KNOWN[name] = keys
    return _KNOWN[name]


def _digest(path: Path) -> bytes:
    content = path.read_bytes() if path.exists() else b""
    return hashlib.sha256(b"%s\0%s" % (os.fsencode(path), content)).digest()
