"""Installs what node is to run for the tests of identity: into .venv, once for a lock file."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

__all__ = ["installed_for_node"]

SOURCES = Path(__file__).resolve().parent
TRIES = 3
TRY_SECONDS_MAX = 60
"""All tries together take less than what a test may take before it is held for one that hangs."""
FILES = ("package.json", "package-lock.json", ".npmrc", "provider.mjs", "client.mjs")


def installed_for_node() -> Path:
    """A folder in .venv with the programs of this folder and the packages of the lock file."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        if os.environ.get("CI"):
            pytest.fail(
                "the tests of identity need node and npm (Debian: apt-get install nodejs npm)"
            )
        pytest.skip("node and npm are not there (Debian, Ubuntu: apt-get install nodejs npm)")
    digest = hashlib.sha256(b"".join((SOURCES / name).read_bytes() for name in FILES)).hexdigest()
    folder = Path(sys.prefix) / "oidc" / digest[:16]
    ready = folder / ".ready"
    if ready.exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copy(SOURCES / name, folder)
    _install(folder)
    ready.touch()
    return folder


def _install(folder: Path) -> None:
    """Have npm fetch the packages; one that is stuck with a connection is begun anew."""
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--cache", ".npm"]
    said = ""
    for _ in range(TRIES):
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                check=False,
                timeout=TRY_SECONDS_MAX,
                capture_output=True,
                text=True,
            )
        except subprocess.TimeoutExpired:
            said += f"not done in {TRY_SECONDS_MAX} s\n"
            continue
        if done.returncode == 0:
            return
        said += done.stderr
    pytest.fail(f"npm did not install the packages of the tests of identity: {said}")
