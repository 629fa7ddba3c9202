"""The import rules between the rooms: they hold, and each of them can fail.

Rule: an import against the table of rooms breaks the build. The contracts stand in
`pyproject.toml` under `tool.importlinter`; a contract that matches nothing passes for ever, so each
is run here against a small made-up tree of rooms in which one forbidden import was planted.
Source: docs/architecture.md (the rooms); import-linter's contract types.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.orders import starting

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("engine", "actors", "http", "storage", "sandbox")
LINT = ROOT / "tools" / "lint_imports.py"

# A lawful tree: every room, and every module that a contract names, with imports that are allowed.
LAWFUL = {
    "engine/__init__.py": "",
    "engine/machine.py": "",
    "engine/engine.py": "import comptoir.engine.boot\n",
    "engine/boot.py": (
        "import comptoir.actors.wallet.machine, comptoir.http.app\n"
        "import comptoir.storage.journal, comptoir.sandbox.bank\n"
    ),
    "engine/testing.py": "import comptoir.engine.boot\nimport comptoir.storage.journal\n",
    "engine/cli.py": "import comptoir.engine.boot\nimport comptoir.storage.migrations\n",
    "actors/__init__.py": "",
    "actors/wallet/__init__.py": "",
    "actors/wallet/machine.py": (
        "import comptoir.engine.machine\nimport comptoir.actors.connection.messages\n"
    ),
    "actors/wallet/messages.py": "",
    "actors/wallet/views.py": "",
    "actors/connection/__init__.py": "",
    "actors/connection/machine.py": "import comptoir.actors.wallet.messages\n",
    "actors/connection/messages.py": "",
    "actors/connection/views.py": "",
    "http/app.py": (
        "import comptoir.engine.machine\n"
        "import comptoir.actors.wallet.messages, comptoir.actors.wallet.views\n"
    ),
    "storage/__init__.py": "",
    "storage/migrations/__init__.py": "",
    "storage/journal.py": "import comptoir.engine.machine\n",
    "sandbox/__init__.py": "",
    "sandbox/bank.py": "",
}

# (the contract that must break, the file that gets the import, the module it imports)
PLANTED = [
    ("engine", "engine/machine.py", "comptoir.actors.wallet.messages"),
    ("engine", "engine/machine.py", "comptoir.storage.journal"),
    ("engine", "engine/__init__.py", "comptoir.http.app"),
    ("engine", "engine/machine.py", "comptoir.sandbox"),
    ("boot", "http/app.py", "comptoir.engine.boot"),
    ("boot", "engine/machine.py", "comptoir.engine.boot"),
    ("actors", "actors/wallet/machine.py", "comptoir.storage.journal"),
    ("actors", "actors/wallet/views.py", "comptoir.http.app"),
    ("actors", "actors/wallet/messages.py", "comptoir.sandbox.bank"),
    ("machines", "actors/wallet/machine.py", "comptoir.actors.connection.machine"),
    ("machines", "actors/wallet/views.py", "comptoir.actors.connection.views"),
    ("machines", "actors/wallet/machine.py", "comptoir.actors.connection"),
    ("storage", "storage/journal.py", "comptoir.actors.wallet.messages"),
    ("storage", "storage/journal.py", "comptoir.http.app"),
    ("storage", "storage/migrations/__init__.py", "comptoir.sandbox.bank"),
    ("http", "http/app.py", "comptoir.storage.journal"),
    ("http", "http/app.py", "comptoir.actors.wallet.machine"),
    ("http", "http/app.py", "comptoir.sandbox.bank"),
    ("sandbox", "sandbox/bank.py", "comptoir.engine.machine"),
    ("sandbox", "sandbox/bank.py", "comptoir.actors.wallet.messages"),
    ("sandbox", "sandbox/bank.py", "comptoir.storage"),
    ("sandbox", "sandbox/bank.py", "comptoir.http.app"),
]


def _lint_rooms() -> subprocess.CompletedProcess[str]:
    """Run import-linter over the rooms as they are, as the gate does."""
    return subprocess.run(
        [sys.executable, str(LINT), "--no-cache", "--config", str(ROOT / "pyproject.toml")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / ".src"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


Lint = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def lint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lint]:
    """Give the way to run import-linter with the project's contracts over made-up rooms (lint_runs.py)."""
    folder = tmp_path_factory.mktemp("lint")
    output = folder / "output"
    with starting("tests.repo.lint_runs", folder) as orders:

        def run(tree: Path, *contracts: str) -> tuple[int, str]:
            only = [argument for name in contracts for argument in ("--contract", name)]
            arguments = ["--no-cache", "--config", str(ROOT / "pyproject.toml"), *only]
            status = orders.give({"tree": str(tree), "arguments": arguments, "output": str(output)})
            return status, output.read_text()

        yield run


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A lawful tree of rooms, importable as `comptoir` through `.src`."""
    for name, source in LAWFUL.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    links = tmp_path / ".src" / "comptoir"
    links.mkdir(parents=True)
    for room in ROOMS:
        (links / room).symlink_to(Path("../..") / room)
    return tmp_path


def test_rooms_keep_their_contracts() -> None:
    """The rooms as they stand import nothing that the table forbids."""
    ran = _lint_rooms()
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_lawful_tree_breaks_nothing(tree: Path, lint: Lint) -> None:
    """The made-up tree is lawful, so what a planted import breaks is the planted import's doing."""
    status, told = lint(tree)
    assert status == 0, told
    assert "0 broken" in told


@pytest.mark.parametrize(("contract", "importer", "imported"), PLANTED)
def test_planted_import_is_refused(
    tree: Path, lint: Lint, contract: str, importer: str, imported: str
) -> None:
    """A forbidden import breaks the contract that is meant to forbid it."""
    with (tree / importer).open("a") as file:
        file.write(f"import {imported}\n")
    status, told = lint(tree, contract)
    assert status == 1, told
    assert "0 kept, 1 broken" in told
    assert imported in told
