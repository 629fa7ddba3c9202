"""Finds the commit sites by reading the code: where a decision is submitted, where SQL writes.

Rules:
- a *statement site* is a text of SQL in a module of the journal that writes, locks, or ends another
  session. A module belongs to the journal if storage/journal.py imports it, directly or not;
- a *submit site* is a function that makes a decision and has it committed. A function that is handed
  a ready one (a parameter annotated Run, Decided or Decision) and passes it on is no site: its
  callers are;
- nothing is listed by hand, so a new site is found by itself, and has no case until it is given one.
Standard library only: docs/generate.py reads it, too.
Source: issue 3, deliver 2; design.md 7.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOMS = ("engine", "actors", "http", "storage")
JOURNAL = "storage/journal.py"
SENDERS = {"fetch", "run_script", "call", "advance", "send", "start", "execute", "perform"}
"""Methods that take a statement; what is sent in another way is seen on the wire."""
CARRIED = {"Run", "Decided", "Decision"}
_VERBS = "begin|commit|do|insert|update|delete|create|alter|drop|grant|revoke|truncate|lock|call|merge|copy"
_LOUD = re.compile(
    rf"^(?:{_VERBS})\b|\bfor (?:no key )?(?:update|share)\b|\bpg_(?:try_)?advisory_"
    r"|\bpg_(?:terminate|cancel)_backend\b|\b(?:nextval|setval|pg_notify)\(",
)
_INSIDE = re.compile(r"^with\b.*\b(?:insert into|update|delete from|merge into)\b")
_FUNCTION = re.compile(r"^create (?:or replace )?function (comptoir\.\w+)", re.MULTILINE)

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Statement:
    """A text of SQL that writes."""

    name: str
    """`COMMIT_SQL`; without a constant `_apply: commit`."""
    template: tuple[str, ...]
    """Its text; between two parts something is filled in."""
    sent_by: tuple[str, ...]
    """Functions that name it: `Writer.raise_epoch`."""
    file: str
    """`storage/writer.py`."""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches it on the wire, blanks aside."""
        return re.compile(".*".join(re.escape(squeeze(part)) for part in self.template), re.DOTALL)

    def matches(self, sql: str) -> bool:
        """Whether this statement was sent."""
        return self.pattern.fullmatch(squeeze(sql)) is not None


def squeeze(sql: str) -> str:
    """A statement in lower case with single blanks, none at its ends."""
    return " ".join(sql.split()).lower()


def schema_functions(root: Path) -> frozenset[str]:
    """The functions of the schema comptoir: whoever calls one of them may write."""
    found: set[str] = set()
    for path in (root / "storage" / "migrations").glob("*.sql"):
        found |= set(_FUNCTION.findall(path.read_text(encoding="utf-8")))
    assert found, "the migrations define functions"
    return frozenset(found)


def writes(sql: str, functions: Iterable[str]) -> bool:
    """Whether a statement does more than read."""
    text = squeeze(sql)
    if _LOUD.search(text) or _INSIDE.search(text):
        return True
    return any(f"{function}(" in text for function in functions)


def journal_modules(root: Path) -> list[Path]:
    """storage/journal.py and every module of storage that it leads to."""
    left, found = [root / JOURNAL], set[Path]()
    while left:
        path = left.pop()
        if path in found or not path.exists():
            continue
        found.add(path)
        left += [root / f"storage/{name}.py" for name in _imported(path)]
    return sorted(found)


def _imported(path: Path) -> list[str]:
    """The modules of storage that a module imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    room = "comptoir.storage."
    return [name.removeprefix(room) for name in names if name.startswith(room)]


def find_statements(root: Path) -> dict[str, Statement]:
    """Every statement site, by name."""
    functions = schema_functions(root)
    found: dict[str, Statement] = {}
    for path in journal_modules(root):
        for site in _statements_in(path, functions):
            assert site.name not in found, f"two statements are named {site.name}"
            found[site.name] = site
    return found


def _statements_in(path: Path, functions: frozenset[str]) -> Iterator[Statement]:
    tree, file = ast.parse(path.read_text(encoding="utf-8")), f"storage/{path.name}"
    scopes = list(_functions_of(tree))
    for node in tree.body:
        target = _constant_name(node)
        if target is None:
            continue
        template = _text(node.value) if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if template is not None and writes(" ".join(template), functions):
            users = tuple(name for name, scope in scopes if _names(scope, target))
            yield Statement(target, template, users, file)
    for name, scope in scopes:
        for template in _inline_texts(scope):
            if writes(" ".join(template), functions):
                words = " ".join(squeeze(" ".join(template)).split("(")[0].strip(";").split()[:2])
                yield Statement(f"{name}: {words}", template, (name,), file)


def _constant_name(node: ast.stmt) -> str | None:
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return None


def _text(node: ast.expr | None) -> tuple[str, ...] | None:
    """The parts of a string; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return (node.value,)
    if not isinstance(node, ast.JoinedStr):
        return None
    parts = [""]
    for value in node.values:
        if isinstance(value, ast.Constant):
            parts[-1] += str(value.value)
        else:
            parts.append("")
    return tuple(parts)


def _inline_texts(scope: _Function) -> Iterator[tuple[str, ...]]:
    """Texts that a function hands to a sender in place."""
    for node in ast.walk(scope):
        if isinstance(node, ast.Call) and _called(node).lstrip("_") in SENDERS:
            for given in (*node.args, *(word.value for word in node.keywords)):
                yield from _texts(given)


def _texts(node: ast.expr) -> Iterator[tuple[str, ...]]:
    """The texts that an expression may be."""
    text = _text(node)
    if text is not None:
        yield text
    elif isinstance(node, ast.IfExp | ast.BinOp):
        for inner in ast.iter_child_nodes(node):
            yield from _texts(inner) if isinstance(inner, ast.expr) else ()


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _names(scope: _Function, name: str) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(scope))


def _functions_of(tree: ast.Module) -> Iterator[tuple[str, _Function]]:
    for node in tree.body:
        if isinstance(node, _Function):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            methods = [x for x in node.body if isinstance(x, _Function)]
            yield from ((f"{node.name}.{method.name}", method) for method in methods)


def find_submits(root: Path) -> dict[str, str]:
    """Every submit site, `Gateway._park`, with its file."""
    found: dict[str, str] = {}
    for path in sorted(path for room in ROOMS for path in (root / room).rglob("*.py")):
        file = path.relative_to(root).as_posix()
        if file.startswith("storage/") or "testing" in path.stem:
            continue  # what takes submissions, and fakes
        for name in _submitters_in(path.read_text(encoding="utf-8")):
            assert name not in found, f"two submit sites are named {name}"
            found[name] = file
    return found


@cache
def _submitters_in(text: str) -> tuple[str, ...]:
    """The submit sites of a module; kept, since copies of the tree differ in one module only."""
    scopes = dict(_functions_of(ast.parse(text)))
    carriers = {name for name, scope in scopes.items() if _carries(scope)}
    committing = _closure(scopes, carriers)
    return tuple(
        name
        for name, scope in scopes.items()
        if name not in carriers and (_submits(scope) or _reaches(name, scope, committing))
    )


def _carries(scope: _Function) -> bool:
    """Whether it is handed a decision that somebody else made."""
    given = [*scope.args.posonlyargs, *scope.args.args, *scope.args.kwonlyargs]
    return any(
        isinstance(node, ast.Name) and node.id in CARRIED
        for one in given
        if one.annotation is not None
        for node in ast.walk(one.annotation)
    )


def _closure(scopes: dict[str, _Function], carriers: set[str]) -> set[str]:
    """The carriers from which `journal.submit` is reached."""
    found = {name for name in carriers if _submits(scopes[name])}
    while True:
        more = {name for name in carriers - found if _reaches(name, scopes[name], found)}
        if not more:
            return found
        found |= more


def _submits(scope: _Function) -> bool:
    """Whether it calls `….journal.submit(…)`, whatever the journal is named there."""
    return any(
        isinstance(node, ast.Attribute)
        and node.attr == "submit"
        and "journal" in ast.unparse(node.value).lower()
        for node in ast.walk(scope)
    )


def _reaches(name: str, scope: _Function, committing: set[str]) -> bool:
    """Whether it calls one of these on itself (or on an engine, from anywhere)."""
    own = name.rpartition(".")[0]
    for node in ast.walk(scope):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called, receiver = node.func.attr, ast.unparse(node.func.value)
            if receiver == "self" and f"{own}.{called}" in committing:
                return True
            if called == "commit" and "engine" in receiver.lower():
                return True
    return False
