"""House rules that no linter knows, held by reading the source of every file.

Rules: a machine is pure and is one table; packages say what they export; imports are absolute;
functions, modules, parameters and nesting stay small; every module and every test says what it is
for; nothing is left for later, no key is committed, no path of one machine stands in a file. Each
rule is a function from a parsed file to complaints, and each is shown a planted breach at the end.
Source: CONTRIBUTING.md, "House rules"; docs/adr/0002-folders-as-package.md.
"""

import ast
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("engine", "actors", "http", "storage", "sandbox")
CODE = (*ROOMS, "bench", "tests", "docs")
TEXT = {".py", ".toml", ".md", ".sql", ".sh", ".csv", ".txt", ".yml", ".yaml", ".json", ".pem", ""}

FUNCTION_LINES_MAX = 70  # two screens; beyond it nobody sees the whole (docstring not counted)
MODULE_LINES_MAX = 400  # one sitting
PARAMETERS_MAX = 5  # then a frozen dataclass
NESTING_LEVELS_MAX = 3  # `with` not counted: nurseries and cancel scopes nest by design
SKIPPED = {".venv", ".git", ".comptoir", ".hypothesis", "build", "dist", ".src", "node_modules"}

# Words that a pure machine has no business importing, and names that it has none calling.
IMPURE_MODULES = {
    "asyncio", "trio", "time", "uuid", "random", "secrets", "os", "io", "sys", "socket", "pathlib",
    "subprocess", "threading", "logging", "structlog", "httpx", "asyncpg", "tempfile", "shutil",
}  # fmt: skip
IMPURE_CALLS = {"open", "print", "input", "exec", "eval"}
CLOCK_CALLS = {"now", "utcnow", "today", "monotonic", "perf_counter", "current_time"}

Function = ast.FunctionDef | ast.AsyncFunctionDef
LEVELS = ast.If | ast.For | ast.AsyncFor | ast.While | ast.Try | ast.Match
BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
"""Where statements hold statements: most rules look at no expression, which is nine nodes of ten."""


@dataclass(frozen=True)
class Source:
    """One Python file: its path from the root, its text, its tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        """The top-level folder."""
        return self.path.partition("/")[0]

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.path.rpartition("/")[2]

    @cached_property
    def statements(self) -> list[ast.AST]:
        """All of them, with those within others; and the arms of `except` and `match`."""
        found: list[ast.AST] = [self.tree]
        for node in found:
            found += _inside(node)
        return found

    @property
    def functions(self) -> Iterator[Function]:
        """All of them, with those within others."""
        return (node for node in self.statements if isinstance(node, Function))


def source(path: str, text: str) -> Source:
    """Parse a file."""
    return Source(path, text, ast.parse(text))


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    """The statements that one holds itself."""
    for name in BLOCKS:
        block = getattr(node, name, None)
        if isinstance(block, list):
            yield from block


def _called(call: ast.Call) -> str:
    """The last name of what is called: `now` for `datetime.now()`, `Machine` for `Machine[S]()`."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(value=ast.Name(id=name)):
            return name
        case _:
            return ""


def _imported(node: ast.AST) -> list[str]:
    """The modules that a statement imports."""
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=str(module)):
            return [module]
        case _:
            return []


def machine_is_pure(file: Source) -> Iterator[str]:
    """Habit 4: no async, clock, chance, I/O or logging in `actors/**/machine.py`."""
    if file.room != "actors" or file.name != "machine.py":
        return
    for node in ast.walk(file.tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
            yield f"{line}: a machine is not async"
        for module in _imported(node):
            if module.partition(".")[0] in IMPURE_MODULES:
                yield f"{line}: a machine does not import {module}"
        if isinstance(node, ast.Call):
            name = _called(node)
            if name in CLOCK_CALLS or (name in IMPURE_CALLS and isinstance(node.func, ast.Name)):
                yield f"{line}: a machine does not call {name}()"


def machine_is_one_table(file: Source) -> Iterator[str]:
    """Habit 5: a machine.py builds one Machine, at module level; no other file of actors/ does."""
    if file.room != "actors" or (file.name != "machine.py" and "Machine" not in file.text):
        return
    built = [n for n in ast.walk(file.tree) if isinstance(n, ast.Call) and _called(n) == "Machine"]
    held = [n.value for n in file.tree.body if isinstance(n, ast.Assign | ast.AnnAssign)]
    if file.name != "machine.py":
        yield from (f"{call.lineno}: Machine(...) belongs into machine.py" for call in built)
    elif len(built) != 1 or built[0] not in held:
        yield "1: one Machine(...), assigned at module level, holds every transition"


def package_says_what_it_exports(file: Source) -> Iterator[str]:
    """Habit 11: the rooms' `__init__.py` re-exports and has `__all__`; http/ and tests/ have none."""
    if file.name != "__init__.py":
        return
    if file.path == "http/__init__.py" or file.room == "tests":
        yield "1: no package marker here"
    if file.path in {"engine/__init__.py", "actors/__init__.py", "storage/__init__.py"}:
        names = {
            ast.unparse(t) for n in file.tree.body if isinstance(n, ast.Assign) for t in n.targets
        }
        if "__all__" not in names:
            yield "1: a room says what it exports (__all__)"


def imports_are_absolute(file: Source) -> Iterator[str]:
    """Habit 11: relative imports, and the rooms' second names, make two copies of a class."""
    for node in file.statements:
        if isinstance(node, ast.ImportFrom) and node.level:
            yield f"{node.lineno}: relative import"
        for module in _imported(node):
            if module.partition(".")[0] in {"engine", "actors", "storage", "sandbox"}:
                yield f"{getattr(node, 'lineno', 0)}: import comptoir.{module}"


def groups_are_left_first(file: Source) -> Iterator[str]:
    """What is raised inside `except*` comes alone from newer Pythons and in a group from the floor (3.11.2): raise it behind."""
    for group in (node for node in file.statements if isinstance(node, ast.TryStar)):
        for node in (inner for handler in group.handlers for inner in ast.walk(handler)):
            if isinstance(node, ast.Raise) and node.exc is not None:
                yield f"{node.lineno}: raised inside except*"


def the_oldest_is_popped(file: Source) -> Iterator[str]:
    """The first of a dict that is lost again and again is found past all that were lost before it: 62 us where
    it holds a hundred thousand. `OrderedDict.popitem(last=False)` is 0.2, whatever it holds.
    """
    for node in ast.walk(file.tree):
        match node:
            case (
                ast.Delete(targets=[ast.Subscript(value=ast.Attribute() as held, slice=first)])
                | ast.Call(
                    func=ast.Attribute(attr="pop", value=ast.Attribute() as held), args=[first, *_]
                )
            ) if ast.unparse(first) == f"next(iter({ast.unparse(held)}))":
                yield f"{node.lineno}: {ast.unparse(node)}"
            case _:
                pass


def _lines(function: Function) -> int:
    """The function's lines less its docstring, which is contract and not code."""
    total = (function.end_lineno or 0) - function.lineno + 1
    if ast.get_docstring(function) is None:
        return total
    prose = function.body[0]
    return total - ((prose.end_lineno or 0) - prose.lineno + 1)


def _depth(node: ast.AST) -> int:
    """How deep conditions and loops nest below a node; an `elif` is no level of its own."""
    deepest = 0
    for child in _inside(node):
        if not isinstance(child, Function | ast.ClassDef):
            chained = (
                isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
            )
            own = isinstance(child, LEVELS) and not chained
            deepest = max(deepest, _depth(child) + own)
    return deepest


def sizes_are_small(file: Source) -> Iterator[str]:
    """Habit 12: lines of a module and a function, parameters, levels of nesting."""
    lines = file.text.count("\n")
    if lines > MODULE_LINES_MAX:
        yield f"1: {lines} lines in a module (at most {MODULE_LINES_MAX})"
    for function in file.functions:
        where = f"{function.lineno}: {function.name}"
        if (lines := _lines(function)) > FUNCTION_LINES_MAX:
            yield f"{where} has {lines} lines (at most {FUNCTION_LINES_MAX})"
        if (depth := _depth(function)) > NESTING_LEVELS_MAX:
            yield f"{where} nests {depth} levels (at most {NESTING_LEVELS_MAX})"


def parameters_are_few(file: Source) -> Iterator[str]:
    """Habit 12: five parameters; then a frozen dataclass, or the named options of a constructor,
    which declare as a dataclass's fields do. Fixtures and a command's options are another matter.
    """
    if file.room == "tests" or file.path.startswith(("engine/cli", "sandbox/cli")):
        return
    for function in file.functions:
        given = function.args
        options = [] if function.name == "__init__" else given.kwonlyargs
        names = [a.arg for a in (*given.posonlyargs, *given.args, *options)]
        count = len([name for name in names if name not in {"self", "cls"}])
        if count > PARAMETERS_MAX:
            yield f"{function.lineno}: {function.name} takes {count} (at most {PARAMETERS_MAX})"


def docstrings_are_there(file: Source) -> Iterator[str]:
    """Every file opens with what it is; every test states the behaviour that it holds."""
    if ast.get_docstring(file.tree) is None:
        yield "1: a file opens with a docstring"
    if file.room == "tests":
        for function in file.functions:
            if function.name.startswith("test_") and ast.get_docstring(function) is None:
                yield f"{function.lineno}: {function.name} states no behaviour"


RULES: list[Callable[[Source], Iterator[str]]] = [
    machine_is_pure,
    machine_is_one_table,
    package_says_what_it_exports,
    imports_are_absolute,
    groups_are_left_first,
    the_oldest_is_popped,
    sizes_are_small,
    parameters_are_few,
    docstrings_are_there,
]

# A letter in brackets keeps each pattern from finding itself in this file.
LEFT_FOR_LATER = re.compile(r"\b(TO[D]O|FIX[M]E)\b")
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIV[A]TE KEY-----")
# A home, a checkout or a scratch folder of one machine; /var/tmp and the like are not meant.
MACHINE_PATH = re.compile(r"(?<![\w.~/-])/(work|root|home/\w+|Users/\w+|tmp)/|\.\./sh[a]red")


def text_is_clean(text: str) -> Iterator[str]:
    """Nothing left for later, no private key, no path of one machine."""
    if not any(one.search(text) for one in (LEFT_FOR_LATER, PRIVATE_KEY, MACHINE_PATH)):
        return
    for number, line in enumerate(text.splitlines(), 1):
        if LEFT_FOR_LATER.search(line):
            yield f"{number}: something is left for later"
        if PRIVATE_KEY.search(line):
            yield f"{number}: a private key"
        if MACHINE_PATH.search(line):
            yield f"{number}: a path of one machine"


def _files(*folders: str) -> Iterator[Path]:
    """Every file below the folders, or below the root, that belongs to the project."""
    for top in [ROOT / folder for folder in folders] or [ROOT]:
        for place, inside, names in os.walk(top):
            inside[:] = sorted(name for name in inside if not _is_made(name))
            yield from (Path(place, name) for name in sorted(names) if not _is_made(name))


def _is_made(name: str) -> bool:
    """Whether a folder, or a link to one, holds what tools have put there."""
    return (
        name in SKIPPED
        or name.startswith(".coverage")
        or name.endswith((".egg-info", "_cache", "__"))
    )


@pytest.fixture(scope="module")
def complaints() -> dict[str, list[str]]:
    """Those of each rule about every Python file of the project, each file being read once for all rules."""
    found: dict[str, list[str]] = {rule.__name__: [] for rule in RULES}
    for path in _files(*CODE):
        if path.suffix == ".py":
            name = path.relative_to(ROOT).as_posix()
            file = source(name, path.read_text(encoding="utf-8"))
            for rule in RULES:
                found[rule.__name__] += [f"{name}:{complaint}" for complaint in rule(file)]
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_code_keeps_the_rule(
    rule: Callable[[Source], Iterator[str]], complaints: dict[str, list[str]]
) -> None:
    """No Python file of the project breaks the rule."""
    assert not complaints[rule.__name__], "\n" + "\n".join(complaints[rule.__name__])


def test_text_is_clean() -> None:
    """No file of the project leaves work, keys or paths of one machine behind."""
    complaints: list[str] = []
    for path in _files():
        if path.suffix in TEXT and path.name != "requirements.lock":
            found = text_is_clean(path.read_text(encoding="utf-8", errors="replace"))
            complaints += [f"{path.relative_to(ROOT)}:{complaint}" for complaint in found]
    assert not complaints, "\n" + "\n".join(complaints)


MACHINE = "actors/wallet/machine.py"
DEEP = "def f():\n if a:\n  for b in c:\n   while d:\n    try: e\n    finally: g\n"
PLANTED = [
    (machine_is_pure, MACHINE, "async def f(): ..."),
    (machine_is_pure, MACHINE, "from uuid import uuid4"),
    (machine_is_pure, MACHINE, "import os.path"),
    (machine_is_pure, MACHINE, "x = datetime.now(UTC)"),
    (machine_is_pure, MACHINE, "open('x')"),
    (machine_is_one_table, MACHINE, "X = 1"),
    (machine_is_one_table, MACHINE, "A = Machine()\nB = Machine()"),
    (machine_is_one_table, MACHINE, "def f():\n    return Machine()"),
    (machine_is_one_table, "actors/wallet/views.py", "A = Machine()"),
    (package_says_what_it_exports, "engine/__init__.py", "'''Engine.'''"),
    (package_says_what_it_exports, "http/__init__.py", "__all__ = []"),
    (package_says_what_it_exports, "tests/x/__init__.py", ""),
    (imports_are_absolute, "engine/a.py", "from . import b"),
    (imports_are_absolute, "engine/a.py", "from engine.b import c"),
    (groups_are_left_first, "engine/a.py", "try: a\nexcept* OSError: raise B"),
    (the_oldest_is_popped, "engine/a.py", "def f():\n if a:\n  del self.x[next(iter(self.x))]"),
    (the_oldest_is_popped, "engine/a.py", "y = self.x.pop(next(iter(self.x)))"),
    (sizes_are_small, "engine/a.py", "#\n" * 401),
    (sizes_are_small, "engine/a.py", "def f():\n" + "    x = 1\n" * 70),
    (sizes_are_small, "engine/a.py", DEEP),
    (parameters_are_few, "engine/a.py", "def f(a, b, c, *, d, e, f): ..."),
    (parameters_are_few, "engine/a.py", "def __init__(self, a, b, c, d, e, f): ..."),
    (docstrings_are_there, "engine/a.py", "X = 1"),
    (docstrings_are_there, "tests/test_a.py", "'''About.'''\ndef test_a(): ..."),
]
LAWFUL = [
    (machine_is_pure, MACHINE, "from datetime import date\nx = context.at\nstate.open()"),
    (machine_is_one_table, MACHINE, "M: Machine[S] = Machine(Phase)"),
    (machine_is_one_table, MACHINE, "M = Machine[S](Phase)"),
    (
        the_oldest_is_popped,
        "engine/a.py",
        "del self.x[next(iter(self.y))]\nself.x.popitem(last=False)",
    ),
    (sizes_are_small, "engine/a.py", "def f():\n '''" + "\n" * 90 + "'''\n return 1\n"),
    (sizes_are_small, "engine/a.py", "if a: b\n" + "elif a: b\n" * 9),
    (sizes_are_small, "engine/a.py", DEEP.replace("try: e\n    finally: g", "pass")),
    (parameters_are_few, "engine/a.py", "def f(self, a, b, c, d, e): ..."),
    (parameters_are_few, "engine/a.py", "def __init__(self, a, *, b, c, d, e, f, g): ..."),
]


@pytest.mark.parametrize(("rule", "path", "text"), PLANTED)
def test_planted_breach_is_seen(
    rule: Callable[[Source], Iterator[str]], path: str, text: str
) -> None:
    """Each rule complains about a file that breaks it."""
    assert list(rule(source(path, text)))


@pytest.mark.parametrize(("rule", "path", "text"), LAWFUL)
def test_lawful_file_passes(rule: Callable[[Source], Iterator[str]], path: str, text: str) -> None:
    """What comes close to a breach and is none raises no complaint."""
    assert not list(rule(source(path, text)))


@pytest.mark.parametrize(
    "text",
    ["# TO|DO: later", "-----BEGIN EC PRIV|ATE KEY-----", "see /ro|ot/x", "in ../sha|red/a"],
)
def test_planted_text_is_seen(text: str) -> None:
    """Work left for later, a private key and a path of one machine are each found in plain text."""
    assert list(text_is_clean(text.replace("|", "")))
