"""The pages of docs/ tell the truth: generated ones equal the code, written ones keep their form.

Rule: a page made from code is compared with the code; a decision record has its four parts.
Source: docs/generate.py, docs/adr/0000-template.md.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
ADR_PARTS = ["Context", "Decision", "Consequence", "What would change our mind"]


def _load_generator() -> ModuleType:
    """docs/generate.py as a module: docs/ is no package, and nothing puts it on the path."""
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


generate = _load_generator()


def _checkout(root: Path, test_source: str) -> Path:
    """A checkout with three spec lines and one test module of this source."""
    (root / "docs").mkdir()
    (root / "docs" / "spec-lines.csv").write_text("id,title\nS1,one\nS2,two\nX1,three\n")
    (root / "tests").mkdir()
    (root / "tests" / "test_a.py").write_text(test_source)
    return root


def test_generated_pages_equal_the_code() -> None:
    """Every generated page is what `make docs` would write now."""
    assert generate.stale(ROOT) == [], "run: make docs"


def test_every_spec_line_has_one_title() -> None:
    """The data file names every line of the three parts, each once and in order."""
    expected = [
        f"{k}{n}" for k, top in (("S", 75), ("X", 32), ("E", 18)) for n in range(1, top + 1)
    ]
    rows = (ROOT / "docs" / "spec-lines.csv").read_text().splitlines()[1:]
    assert [row.partition(",")[0] for row in rows] == expected
    assert all(title.strip() for title in generate.spec_lines(ROOT).values())


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Answers 401 (S54).", {"S54"}),
        ("S52-S54 and X1.", {"S52", "S53", "S54", "X1"}),
        ("S52–54", {"S52", "S53", "S54"}),  # noqa: RUF001  the dash that prose uses
        ("E5, E18; not E501, not FS3, not S123", {"E5", "E18"}),
        ("nothing", set[str]()),
    ],
)
def test_citations_are_found_in_prose(text: str, lines: set[str]) -> None:
    """Ids and ranges are read from a sentence, and longer words that look alike are not."""
    assert generate.cited(text) == lines


def test_citations_come_from_tests_classes_and_marks(tmp_path: Path) -> None:
    """A test cites by its docstring, its class or a mark; a module or a plain function does not."""
    root = _checkout(
        tmp_path,
        '"""About S2."""\n'
        'def prepare():\n    """S2."""\n'
        'def test_a():\n    """S1."""\n'
        'async def test_b():\n    """X1."""\n'
        'class TestC:\n    """S1."""\n    def test_d(self): ...\n'
        '@pytest.mark.spec("X1")\ndef test_e(): ...\n',
    )
    module = "tests/test_a.py"
    assert generate.proofs(root) == {
        "S1": [f"{module}::TestC::test_d", f"{module}::test_a"],
        "S2": [],
        "X1": [f"{module}::test_b", f"{module}::test_e"],
    }
    page = generate.coverage_page(root)
    assert "2 of 3 lines" in page
    assert page.endswith("## Not yet proven\n\nS2\n")


def test_unknown_line_is_refused(tmp_path: Path) -> None:
    """A citation of a line that the specification lacks is an error that names the test."""
    root = _checkout(tmp_path, 'def test_a():\n    """S9."""\n')
    with pytest.raises(generate.UnknownLineError, match=r"tests/test_a.py::test_a cites S9"):
        generate.proofs(root)


def test_decision_records_have_their_parts() -> None:
    """Every record is one page: numbered without a gap, with the four parts in their order."""
    records = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert [record.name[:4] for record in records] == [f"{n:04}" for n in range(len(records))]
    for record in records:
        lines = record.read_text(encoding="utf-8").splitlines()
        assert [line[3:] for line in lines if line.startswith("## ")] == ADR_PARTS, record.name
        assert len(lines) <= 80, f"{record.name} is longer than a page"
