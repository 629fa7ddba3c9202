"""The folders and what they become: package list, links, markers, wheel, lock file.

Rule: what works in the checkout works from the wheel. A folder that the package list forgets
imports well in the checkout and is missing for everyone else.
Source: docs/adr/0002-folders-as-package.md, docs/adr/0003-lock-file-without-hosts.md; setuptools'
manual, "package_dir".
"""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("engine", "actors", "http", "storage", "sandbox")
SHIPPED = {".py", ".sql"}  # what a package folder carries; a typed marker and the like follow it


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _shipped() -> set[str]:
    """The files of the rooms as a wheel names them: `comptoir/engine/machine.py`."""
    return {
        f"comptoir/{path.relative_to(ROOT).as_posix()}"
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.suffix in SHIPPED and "__pycache__" not in path.parts
    }


def test_package_list_equals_the_folders() -> None:
    """Every folder that holds a module or a migration is listed as a package, and no other."""
    folders = {name.rpartition("/")[0].replace("/", ".") for name in _shipped()}
    listed = _project()["tool"]["setuptools"]["packages"]
    missing, extra = sorted(folders - set(listed)), sorted(set(listed) - folders)
    assert not missing, f"list them in pyproject.toml: {missing}"
    assert not extra, f"remove them from pyproject.toml: {extra}"
    assert len(listed) == len(set(listed))


def test_package_dir_maps_every_room() -> None:
    """Each room, and nothing else, is mapped to its top-level folder."""
    mapped = _project()["tool"]["setuptools"]["package-dir"]
    assert mapped == {f"comptoir.{room}": room for room in ROOMS}


def test_links_lead_type_checkers_to_the_rooms() -> None:
    """Each room has one relative link under .src/comptoir, and there is nothing else."""
    links = ROOT / ".src" / "comptoir"
    assert sorted(link.name for link in links.iterdir()) == sorted(ROOMS)
    for room in ROOMS:
        assert os.readlink(links / room) == f"../../{room}"  # noqa: PTH115  as text, unresolved


def test_packages_have_markers_except_http() -> None:
    """Every package folder has an `__init__.py`, but http/ and data folders must have none."""
    for name in sorted({name.rpartition("/")[0] for name in _shipped()}):
        folder = ROOT / name.removeprefix("comptoir/")
        marker = (folder / "__init__.py").exists()
        if folder == ROOT / "http":
            assert not marker, "http/__init__.py shadows the standard library's http"
        elif any(folder.glob("*.py")):
            assert marker, f"{folder.relative_to(ROOT)} needs an __init__.py"


def test_standard_library_wins_over_our_http() -> None:
    """A program started in the root gets the standard library's http, not our folder."""
    code = "import http, http.client; print(http.HTTPStatus.OK.value)"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "200"


def test_wheel_holds_every_module_and_migration(tmp_path: Path) -> None:
    """A wheel built from a copy of the tree ships exactly the rooms' modules and SQL files."""
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, copy)
    for room in ROOMS:
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    ran = subprocess.run(
        [*command, "--wheel-dir", str(tmp_path), str(copy)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if Path(name).suffix in SHIPPED}
    assert held == _shipped()


def test_lock_names_every_dependency_with_hashes_and_no_host() -> None:
    """The lock has a hash for each requirement, covers pyproject.toml, and names no address."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if "://" in line or line.startswith("-")]
    locked = set[str]()
    for line, after in itertools.pairwise([*lines, ""]):
        if entry := re.match(r"([a-z0-9-]+)==", line):
            assert re.match(r" {4}--hash=sha256:[0-9a-f]{64}", after), f"no hash: {line}"
            locked.add(entry[1])
        else:
            assert not line or line[0] in " #", f"not pinned: {line}"
    project = _project()
    groups = project["dependency-groups"].values()
    asked = [*project["project"]["dependencies"], *itertools.chain.from_iterable(groups)]
    names = {re.split(r"[\[<>=~! ]", item)[0] for item in asked if isinstance(item, str)}
    assert names <= locked, f"run: make lock ({sorted(names - locked)})"


def test_lock_of_the_extra_has_a_hash_and_no_host() -> None:
    """What is compiled where a compiler is (mq) is as locked as the rest."""
    text = (ROOT / "requirements-mq.lock").read_text(encoding="utf-8")
    assert "://" not in text
    (extra,) = _project()["project"]["optional-dependencies"]["mq"]
    name = re.split(r"[<>=~! ]", extra)[0]
    assert re.search(
        rf"^{name}==[0-9.]+ \\\n {{4}}--hash=sha256:[0-9a-f]{{64}}$", text, re.MULTILINE
    )


def test_lock_of_the_tests_provider_names_no_host() -> None:
    """The lock of what npm brings to the tests has a hash for each package and no address of a file."""
    folder = ROOT / "tests" / "oidc"
    lock = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: row for name, row in lock["packages"].items() if name}
    assert packages
    for name, row in packages.items():
        assert row["integrity"].startswith("sha512-"), name
        assert "resolved" not in row, f"made without tests/oidc/.npmrc: {name}"
    asked = json.loads((folder / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert asked == lock["packages"][""]["dependencies"]
