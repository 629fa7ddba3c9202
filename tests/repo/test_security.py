"""docs/security.md tells the truth: each requirement in scope once, each named test there, sums right.

Rule: what the page claims is looked up, in the tests' own syntax trees; what it cannot claim yet is
counted by the part that it waits for.
Source: OWASP ASVS 5.0.0, levels 1 and 2 of V6 to V13.
"""

import ast
import re
from collections import Counter
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "security.md"
MODEL = ROOT / "docs" / "threat-model.md"
STATES = (
    "met", "operator", "absent", "deviates",
)  # fmt: skip
LEVELS = {"L1", "L2"}

# The standard's own numbers: of each section, the requirements of levels 1 and 2.
SECTIONS = {
    "V6.1": "1-3", "V6.2": "1-12", "V6.3": "1-4", "V6.4": "1-4", "V6.5": "1-5", "V6.6": "1-3",
    "V6.8": "1-4", "V7.1": "1-3", "V7.2": "1-4", "V7.3": "1-2", "V7.4": "1-5", "V7.5": "1-2",
    "V7.6": "1-2", "V8.1": "1-2", "V8.2": "1-3", "V8.3": "1-1", "V8.4": "1-1", "V9.1": "1-3",
    "V9.2": "1-4", "V10.1": "1-2", "V10.2": "1-2", "V10.3": "1-4", "V10.4": "1-11",
    "V10.5": "1-5", "V10.6": "1-2", "V10.7": "1-3", "V11.1": "1-2", "V11.2": "1-3",
    "V11.3": "1-3", "V11.4": "1-4", "V11.5": "1-1", "V11.6": "1-1", "V12.1": "1-3",
    "V12.2": "1-2", "V12.3": "1-4", "V13.1": "1-1", "V13.2": "1-5", "V13.3": "1-2", "V13.4": "1-5",
}  # fmt: skip
BOUNDARIES = (
    "Internet and edge",
    "Senders of webhooks",
    "Staff and clients",
    "Database",
    "Data folder and keys",
    "Outside parties",
    "The operator's shell",
)
STRIDE = (
    "Spoofing",
    "Tampering",
    "Repudiation",
    "Information disclosure",
    "Denial of service",
    "Elevation of privilege",
)


def wanted() -> list[str]:
    """Every requirement in scope, in the standard's order."""
    found: list[str] = []
    for section, numbers in SECTIONS.items():
        first, last = map(int, numbers.split("-"))
        found += [f"{section}.{number}" for number in range(first, last + 1)]
    return found


def rows() -> list[list[str]]:
    """The cells of every requirement's row."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in lines
        if re.match(r"\| V\d", line)
    ]


@lru_cache
def names_of(path: Path) -> frozenset[str]:
    """Every test of a file, as pytest names it, without parameters."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}::{inner.name}"
                for inner in node.body
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)
            }
    return frozenset(found)


def named(cell: str) -> list[str]:
    """The tests that a cell names."""
    return re.findall(r"`([^`]+)`", cell)


def exists(test: str) -> bool:
    """Whether there is such a test."""
    file, _, name = test.partition("::")
    path = ROOT / "tests" / file
    return path.is_file() and name.rpartition("::")[2][:5] == "test_" and name in names_of(path)


def test_every_requirement_has_its_row() -> None:
    """S62, S72: none is left out, and none stands twice; 132 are in scope."""
    assert len(wanted()) == 132
    assert [row[0] for row in rows()] == wanted()
    assert {row[1] for row in rows()} == LEVELS


def test_every_state_is_one() -> None:
    """S62: each row says what it is, and how; the parts that are waited for have names."""
    assert {row[2] for row in rows()} <= set(STATES)
    assert all(row[3] for row in rows())


def test_what_is_met_is_tested() -> None:
    """S62: whatever is met names at least one test, and every test that any row names is there."""
    untested = [row[0] for row in rows() if row[2] == "met" and not named(row[-1])]
    assert untested == []
    absent = [(row[0], test) for row in rows() for test in named(row[4]) if not exists(test)]
    assert absent == []


def test_the_sums_are_right() -> None:
    """S62: each state is counted."""
    counts = Counter(row[2] for row in rows())
    text = PAGE.read_text(encoding="utf-8")
    told = {
        state: int(number)
        for state, number in re.findall(r"^\| ([a-z: -]+?) \| (\d+) \|$", text, re.MULTILINE)
    }
    assert told == counts


def test_keys_are_listed() -> None:
    """S35: every kind of secret that settings hold has its line in the inventory."""
    inventory = PAGE.read_text(encoding="utf-8").partition("## Keys and algorithms")[2]
    for words in ("vault.keys", "webhook secrets", "storage.url", "http.tls_key", "tokens.json"):
        assert words in inventory, words


@pytest.mark.parametrize("name", ["test_nowhere.py::test_a", "repo/test_docs.py::test_nothing"])
def test_a_test_that_is_not_there_is_seen(name: str) -> None:
    """The look-up finds what is missing, and what is there."""
    assert not exists(name)
    assert exists("repo/test_security.py::test_a_test_that_is_not_there_is_seen")


def test_every_boundary_has_its_section() -> None:
    """S62, S72: each trust boundary has assets, the six kinds of threat, and what is left."""
    text = MODEL.read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    assert [name for name in sections if name in BOUNDARIES] == list(BOUNDARIES)
    for boundary in BOUNDARIES:
        section = sections[boundary]
        assert "**Assets**" in section, boundary
        assert "**Left**" in section, boundary
        for kind in STRIDE:
            assert f"| {kind} |" in section, (boundary, kind)


def test_the_model_names_tests_that_are_there() -> None:
    """S62: what holds a threat is tested where the page says so."""
    found = re.findall(r"`([a-z_/]+\.py::[A-Za-z_:0-9]+)`", MODEL.read_text(encoding="utf-8"))
    assert len(found) > 20
    assert [test for test in found if not exists(test)] == []


def test_what_must_be_shown_is_shown() -> None:
    """S62: of the table of what is shown each line names tests, and each of them is there."""
    text = PAGE.read_text(encoding="utf-8")
    table = text.partition("## What is shown, and where")[2].partition("\n## ")[0]
    lines = [line.strip("|").split(" | ") for line in table.splitlines() if line.startswith("| ")][
        2:
    ]
    assert len(lines) >= 14
    for what, tests in lines:
        assert named(tests), what
        assert [test for test in named(tests) if not exists(test)] == [], what
