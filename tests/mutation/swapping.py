"""Plants a change of source text into modules that are loaded: the code of functions is swapped.

Rule: all that differs must lie within functions that are alive, and each of these gets its new code; what a module
or the body of a class runs when it is read (a constant, a statement in SQL, a row of a table, a default) is not
planted so, and `plan` says None. What was swapped can be looked at afterwards.
Source: the language reference, 3.2 (`function.__code__`, code objects).
"""

import gc
import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import NamedTuple

__all__ = ["Functions", "Swap", "plan"]


class Swap(NamedTuple):
    """A function, and the code that it is to have."""

    function: FunctionType
    code: CodeType

    def make(self) -> None:
        """Do it: who holds the function, under whatever name, calls the new code."""
        function = self[0]  # by its name a type checker takes it for a method
        function.__code__ = self.code

    @property
    def made(self) -> bool:
        """Whether the function has the code that was planted."""
        return self[0].__code__ is self.code


class _Change(NamedTuple):
    """Code as it was, and as it is to be."""

    before: CodeType
    after: CodeType
    inside: bool
    """Within a function that differs as well: it is made when that one runs, and may have been before."""


class Functions:
    """All functions that are alive below a folder, by where their source stands."""

    def __init__(self, tree: Path) -> None:
        self._tree = tree
        self._files: dict[str, str] = {}
        self._found: dict[tuple[str, str, int], list[FunctionType]] = {}
        for one in gc.get_objects():
            if isinstance(one, FunctionType):
                code = one.__code__
                key = (self._place_of(code.co_filename), code.co_qualname, code.co_firstlineno)
                self._found.setdefault(key, []).append(one)

    def _place_of(self, name: str) -> str:
        """A file's own path, whichever links lead there."""
        if name not in self._files:
            self._files[name] = str(Path(name).resolve())
        return self._files[name]

    def of(self, file: str, code: CodeType) -> list[FunctionType]:
        """Those that were made of this code, which was compiled from a file of the tree."""
        key = (str((self._tree / file).resolve()), code.co_qualname, code.co_firstlineno)
        return self._found.get(key, [])


def plan(functions: Functions, file: str, old: str, new: str) -> list[Swap] | None:
    """What has to be swapped, so that a loaded file does what another text of it says.

    Args:
        functions: those that are alive.
        file: the file, from the root of the tree.
        old: its text, as it was loaded.
        new: the text that it is to behave like.

    Returns:
        Every swap; None where the file must be read anew.
    """
    before, after = (compile(text, file, "exec", dont_inherit=True) for text in (old, new))
    swaps: list[Swap] = []
    for change in _changes(before, after):
        alive = [] if change is None else functions.of(file, change.before)
        if change is None or not (alive or change.inside):
            return None
        swaps += [Swap(function, change.after) for function in alive]
    fit = all(len(x[0].__code__.co_freevars) == len(x.code.co_freevars) for x in swaps)
    return swaps if swaps and fit else None


def _changes(
    before: CodeType, after: CodeType, *, inside: bool = False
) -> Iterator[_Change | None]:
    """The functions that differ; None is any other difference."""
    functions, wanted = _nested(before), _nested(after)
    if [one.co_qualname for one in functions] != [one.co_qualname for one in wanted]:
        if not inside:
            yield None
        return
    if not inside and _own(before, names_only=True) != _own(after, names_only=True):
        yield None
        return
    for one, other in zip(functions, wanted, strict=True):
        if not one.co_flags & inspect.CO_OPTIMIZED:  # a class's body is read as a module is
            yield from _changes(one, other, inside=inside)
        elif _own(one) != _own(other):
            yield _Change(one, other, inside)
            yield from _changes(one, other, inside=True)


def _nested(code: CodeType) -> list[CodeType]:
    return [one for one in code.co_consts if isinstance(one, CodeType)]


def _own(code: CodeType, *, names_only: bool = False) -> tuple[object, ...]:
    """All that code does, but for the numbers of its lines; of what is nested in it, if wished, its name alone."""
    return (
        code.co_qualname, code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars,
        code.co_flags, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_exceptiontable,
        tuple(_constants(code.co_consts, names_only=names_only)),
    )  # fmt: skip


def _constants(constants: Iterable[object], *, names_only: bool) -> Iterator[object]:
    """With their types: 1 and True are equal."""
    for one in constants:
        if isinstance(one, CodeType):
            yield one.co_qualname if names_only else _own(one)
        else:
            yield type(one).__name__, repr(one)
