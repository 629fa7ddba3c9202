"""Who may do what, twice: as docs/authorization.md expects it, and as the gate decides it.

- `expected`: the tables of that page, read;
- `page`: docs/access.md, every operation for every caller, made by asking the gate (`make docs`).

Rule: the expectations are written by hand and never made from the gate.
Source: docs/authorization.md; spec.md S34, X7.
"""

import re
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

from structlog.testing import capture_logs

from comptoir.engine.settings import Settings
from comptoir.http.gate import Asked, Gate, Passage
from comptoir.http.operation import Door, Operation, Owner
from comptoir.http.operations import OPERATIONS
from comptoir.http.principal import Role
from comptoir.http.problems import PROBLEMS
from comptoir.http.rules import EdgeRules
from comptoir.http.testing import FakeAuthenticator

SELF, OTHER = "u-self", "u-other"
SCOPE = "partner:submit"
CALLERS = {
    "nobody": None,
    **{role.value: f"Bearer {role.value}.{SELF}" for role in Role},
    "service": f"Bearer {SCOPE}.{SELF}",
}
"""Every kind of caller, with the Authorization header that it sends; all but the first are SELF."""
_WORDED = re.compile(r"(?:([a-z]+) )?(\d{3})(?: ([a-z]+))?").fullmatch


def expected(root: Path) -> dict[str, dict[str, dict[str, int]]]:
    """The tables under Expectations: operation -> column -> word (`own`, `signed`, or ``) -> status.

    Args:
        root: the checkout.
    """
    text = (root / "docs" / "authorization.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.partition("## Expectations")[2].splitlines()
        if line.startswith("|") and not line.startswith("| ---")
    ]
    found: dict[str, dict[str, dict[str, int]]] = {}
    heads: list[str] = []
    for first, *cells in rows:
        if first == "operation":
            heads = cells
        else:
            assert first not in found, f"{first} stands twice"
            found[first] = {
                head: dict(_read(cell)) for head, cell in zip(heads, cells, strict=True)
            }
    return found


def _read(cell: str) -> Iterator[tuple[str, int]]:
    """`own 200, other 404`, `401 unsigned, 202 signed` or `200`."""
    for part in cell.split(", "):
        form = _WORDED(part)
        assert form is not None, f"not readable: {cell!r}"
        yield form[1] or form[3] or "", int(form[2])


def now(work: Coroutine[Any, Any, Passage]) -> Passage:
    """What a coroutine that waits for nothing returns."""
    try:
        work.send(None)
    except StopIteration as end:
        passage: Passage = end.value
        return passage
    raise AssertionError("the gate waited")


def asked(
    operation: Operation, caller: str | None, owner: str = SELF, *, elsewhere: bool = False
) -> Asked:
    """A request for an operation, about an object of `owner`."""
    headers = [(b"host", b"localhost")]
    if caller is not None:
        headers.append((b"authorization", caller.encode()))
    if elsewhere:
        headers.append((b"x-forwarded-for", b"203.0.113.9"))
    path = {one.name: owner for one in operation.parameters if one.place == "path"}
    return Asked("abcdefgh", operation, path, headers, "127.0.0.1")


def outcome(
    gate: Gate, operation: Operation, caller: str | None, owner: str, *, elsewhere: bool = False
) -> str:
    """What a caller hears of an object that is there: `yes`, or status and code."""
    passage = now(gate.admit(asked(operation, caller, owner, elsewhere=elsewhere)))
    if passage.refusal is not None:
        code = re.search(rb'"code":"([A-Z_]+)"', passage.refusal.body)
        assert code is not None
        return f"{passage.refusal.status} {code[1].decode()}"
    if operation.owner is Owner.ANSWER and not passage.access.covers(owner):
        return f"{PROBLEMS['NOT_FOUND'].status} NOT_FOUND"
    return "yes"


def page(root: Path) -> str:
    """docs/access.md."""
    del root
    gate = Gate(EdgeRules.of(Settings()), FakeAuthenticator(), None)
    out = [
        "# Every operation, every caller",
        "",
        "Made by `make docs` by asking the gate (`http/gate.py`) for each cell; do not edit it. Why it is",
        "so, and what a test expects: [authorization.md](authorization.md). *nobody*: no token. *service*:",
        f"the scope `{SCOPE}`. *own*: the object is the caller's, *other*: it is not. *signed*: no token",
        "counts, the signature decides.",
        "*sign-in*: how a person must have signed in, else 401 STEP_UP_REQUIRED; all of these have, with two",
        "factors and just now.",
        "",
        f"| operation | | {' | '.join(CALLERS)} | sign-in |",
        f"| --- | --- |{' --- |' * len(CALLERS)} --- |",
    ]
    with capture_logs():  # the gate tells of every refusal
        out += [
            f"| {operation.id} | {word} | {' | '.join(cells)} | {_sign_in(operation)} |"
            for operation in OPERATIONS
            for word, cells in _rows(gate, operation)
        ]
    return "\n".join([*out, ""])


def _sign_in(operation: Operation) -> str:
    """How somebody must have signed in, where one can."""
    return operation.assurance.value if operation.door is Door.TOKEN else ""


def _rows(gate: Gate, operation: Operation) -> Iterator[tuple[str, list[str]]]:
    """An operation's rows: a word for what differs, and a cell for each caller."""
    if operation.door is Door.SIGNED:
        yield "any", ["signed"] * len(CALLERS)
    elif operation.door is Door.LOCAL:
        for word, elsewhere in (("here", False), ("elsewhere", True)):
            yield (
                word,
                [outcome(gate, operation, c, SELF, elsewhere=elsewhere) for c in CALLERS.values()],
            )
    elif operation.owner is Owner.NOBODY:
        yield "any", [outcome(gate, operation, caller, SELF) for caller in CALLERS.values()]
    else:
        for word, owner in (("own", SELF), ("other", OTHER)):
            yield word, [outcome(gate, operation, caller, owner) for caller in CALLERS.values()]
