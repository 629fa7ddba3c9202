"""Writes the pages of docs/ that are made from the code, and tells when one has fallen behind.

Rule: what can be read off the code is never written by hand, so it cannot lie. `make docs` writes
every page; `make check` and tests/repo/test_docs.py compare them. A new page is one more entry of
PAGES: its path, and a function that returns its text.
Source: docs/spec-lines.csv (the lines of the specification), tests/ (who cites them), the machines'
tables (`comptoir machines`), tests/mutation/mutants.toml, tests/durability/crash_cases.py.
"""

import argparse
import ast
import csv
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from comptoir.engine.cli import drawing as machines

ROOT = Path(__file__).resolve().parents[1]

# One line (S54), or a range of one letter's lines (S52-S56), with either dash.
_CITED = re.compile(r"\b([SXE])(\d{1,2})(?:\s?[-\u2013]\s?(?:\1)?(\d{1,2}))?\b")

_Test = ast.FunctionDef | ast.AsyncFunctionDef


class UnknownLineError(Exception):
    """A test cites a line that the specification does not have."""


def spec_lines(root: Path) -> dict[str, str]:
    """The specification's lines in their order: id (`S54`) to a short title.

    Args:
        root: the checkout, which holds docs/spec-lines.csv.
    """
    with (root / "docs" / "spec-lines.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: row["title"] for row in csv.DictReader(file)}


def cited(text: str) -> set[str]:
    """The ids that a text names, ranges written out: `S52-S54` is S52, S53, S54."""
    found: set[str] = set()
    for letter, first, last in _CITED.findall(text):
        for number in range(int(first), int(last or first) + 1):
            found.add(f"{letter}{number}")
    return found


def _marked(decorators: list[ast.expr]) -> set[str]:
    """The ids in `@pytest.mark.spec("S54", ...)`."""
    marks = [
        mark
        for mark in decorators
        if isinstance(mark, ast.Call) and ast.unparse(mark.func).endswith("mark.spec")
    ]
    return {line for mark in marks for given in mark.args for line in cited(ast.unparse(given))}


def _citations(node: ast.ClassDef | _Test) -> set[str]:
    return cited(ast.get_docstring(node) or "") | _marked(node.decorator_list)


def _tests_in(body: list[ast.stmt]) -> Iterator[_Test]:
    for node in body:
        if isinstance(node, _Test) and node.name.startswith("test"):
            yield node


def _tests_of(tree: ast.Module) -> Iterator[tuple[str, set[str]]]:
    """Every test of a module with the ids that it, or its class, cites."""
    for test in _tests_in(tree.body):
        yield test.name, _citations(test)
    for group in tree.body:
        if isinstance(group, ast.ClassDef):
            for test in _tests_in(group.body):
                yield f"{group.name}::{test.name}", _citations(group) | _citations(test)


def proofs(root: Path) -> dict[str, list[str]]:
    """Every spec line with the tests that cite it, `tests/http/test_app.py::test_x`, sorted.

    A module's docstring does not count: it says what the module is about, not what a test proves.

    Raises:
        UnknownLineError: a test cites an id that docs/spec-lines.csv does not have.
    """
    found: dict[str, list[str]] = {line: [] for line in spec_lines(root)}
    for path in sorted((root / "tests").rglob("test_*.py")):
        name = path.relative_to(root).as_posix()
        tests = _tests_of(ast.parse(path.read_text(encoding="utf-8")))
        for line, test in ((line, test) for test, lines in tests for line in sorted(lines)):
            if line not in found:
                raise UnknownLineError(f"{name}::{test} cites {line}, which is no line")
            found[line].append(f"{name}::{test}")
    return {line: sorted(tests) for line, tests in found.items()}


def coverage_page(root: Path) -> str:
    """docs/coverage.md: which test proves which line, and which lines nothing proves yet."""
    titles, proven = spec_lines(root), proofs(root)
    missing = [line for line, tests in proven.items() if not tests]
    out = [
        "# Which test proves which line",
        "",
        "Made by `make docs` from the docstrings and `spec` marks of the tests; do not edit it.",
        "A line counts as proven when a test that would fail without it cites its number.",
        "",
        f"{len(titles) - len(missing)} of {len(titles)} lines are cited by a test.",
        "",
        "| line | what it asks | proven by |",
        "| --- | --- | --- |",
    ]
    for line, tests in proven.items():
        shown = "<br>".join(f"`{test}`" for test in tests) or "not yet proven"
        out.append(f"| {line} | {titles[line]} | {shown} |")
    out += ["", "## Not yet proven", "", ", ".join(missing) or "None.", ""]
    return "\n".join(out)


def machine_pages() -> dict[str, Callable[[Path], str]]:
    """docs/machines: a page for each machine, made from the table that is executed."""

    def always(text: str) -> Callable[[Path], str]:
        return lambda _root: text

    return {f"docs/machines/{name}": always(text) for name, text in machines.pages().items()}


def mutants_page(root: Path) -> str:
    """docs/mutants.md: the safeguards that the mutation check takes away, and who misses each."""
    text = (root / "tests" / "mutation" / "mutants.toml").read_text(encoding="utf-8")
    declared = tomllib.loads(text)
    mutants, simulation = declared["mutant"], declared["simulation"]
    out = [
        "# Safeguards taken away, and the test that misses each",
        "",
        "Made by `make docs` from tests/mutation/mutants.toml; do not edit it. The mutation check",
        "(`make test ARGS=tests/mutation`) plants each of these bugs alone, into a copy of the tree or what",
        "was loaded from it, and runs the named test there: it must fail, and pass without the bug.",
        "",
        f"{len(mutants)} mutants in {len({mutant['file'] for mutant in mutants})} files.",
        "",
        "| mutant | takes away | what would then happen | in | caught by |",
        "| --- | --- | --- | --- | --- |",
    ]
    out += [
        "| {name} | {takes_away} | {why} | `{file}` | `{test}` |".format_map(mutant)
        for mutant in mutants
    ]
    out += [
        "",
        "## Found by the simulation as well",
        "",
        f"`{simulation['test']}` plays half a dozen seeds in the copy, and one of them must violate an",
        "invariant. Two mutants in one copy are two safeguards of one thing, each enough alone.",
        "",
        *(f"- {' and '.join(names)}" for names in simulation["finds"]),
    ]
    return "\n".join([*out, ""])


def crash_points_page(root: Path) -> str:
    """docs/crash-points.md: every commit site, and what was tried at it."""
    sys.path.append(str(ROOT))  # behind everything: tests/ is found there, and nothing is hidden
    from tests.durability import crash_cases

    return crash_cases.page(root)


def ingest_page(root: Path) -> str:
    """docs/ingest.md: what the lane refuses, and what the two parsers make of it."""
    sys.path.append(str(ROOT))  # as above
    from tests.http import differences

    return differences.page(root)


def access_page(root: Path) -> str:
    """docs/access.md: what every caller hears of every operation, asked of the gate."""
    sys.path.append(str(ROOT))  # as above
    from tests.http import access

    return access.page(root)


def openapi_page(root: Path) -> str:
    """docs/openapi.json: the description as a daemon with default settings serves it."""
    del root
    from comptoir.engine.settings import Settings
    from comptoir.http.openapi import described
    from comptoir.http.operations import OPERATIONS

    http = Settings().http
    document = json.loads(described(OPERATIONS, http.page_items_default, http.page_items_max))
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


PAGES: Mapping[str, Callable[[Path], str]] = {
    "docs/access.md": access_page,
    "docs/coverage.md": coverage_page,
    "docs/crash-points.md": crash_points_page,
    "docs/ingest.md": ingest_page,
    "docs/mutants.md": mutants_page,
    "docs/openapi.json": openapi_page,
    **machine_pages(),
}


def stale(root: Path) -> list[str]:
    """The pages whose file differs from what the code says, or is missing."""
    return [
        page
        for page, make in PAGES.items()
        if not (root / page).exists() or (root / page).read_text(encoding="utf-8") != make(root)
    ]


def main(arguments: list[str] | None = None) -> int:
    """Write the pages, or with `--check` only name those that fell behind (exit status 1)."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, name stale pages")
    options = parser.parse_args(arguments)
    behind = stale(ROOT)
    for page in behind:
        if options.check:
            print(f"{page} has fallen behind the code: make docs", file=sys.stderr)
        else:
            (ROOT / page).parent.mkdir(exist_ok=True)
            (ROOT / page).write_text(PAGES[page](ROOT), encoding="utf-8")
            print(f"wrote {page}")
    return 1 if behind and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
