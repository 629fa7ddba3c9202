"""What a failed start or a broken run means to whoever started the program (interface.md 2).

Rule: one line `comptoir: CODE: text: remedy` and an exit status; never a traceback for what a
person can mend. Errors are recognised by what they carry (`code`, `remedy`, `exit_status`), so that this
module needs no other room.
"""

from typing import cast

import msgspec

__all__ = ["Broken", "Failure", "failure_of"]

EXIT_OTHER = 1
EXIT_USAGE = 2
EXIT_DATABASE = 3


class Broken(Exception):
    """The journal ended while the daemon was serving: superseded, or a bug."""

    def __init__(self, code: str) -> None:
        super().__init__("this daemon can write no more")
        self.code = code
        self.remedy = (
            "another daemon has taken over; look there"
            if code == "SUPERSEDED"
            else "read the log above this line and report it"
        )
        self.exit_status = EXIT_OTHER


class Failure(msgspec.Struct, frozen=True):
    """One line, and the exit status."""

    code: str
    text: str
    remedy: str
    exit_status: int

    def line(self) -> str:
        """As it is printed on standard error."""
        return f"comptoir: {self.code}: {self.text}: {self.remedy}"


def failure_of(error: BaseException) -> tuple[Failure, ...]:
    """What to print for an error: the first that a person can mend, else that it is a bug."""
    found = list(_leaves(error))
    known = [one for one in found if hasattr(one, "code") and hasattr(one, "remedy")]
    if known:
        return (_known(known[0]),)
    for one in found:
        problems = getattr(one, "problems", None)
        if problems is not None:
            status = int(getattr(one, "exit_status", 2))
            return tuple(_problem(problem, status) for problem in problems)
    first = found[0]
    return (
        Failure(
            "INTERNAL",
            f"{type(first).__name__}: {first}",
            "this is a bug: report it with the log",
            EXIT_OTHER,
        ),
    )


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return [leaf for one in group.exceptions for leaf in _leaves(one)]
    return [error]


def _known(error: BaseException) -> Failure:
    code = str(getattr(error, "code", "INTERNAL"))
    text = str(getattr(error, "text", error))
    remedy = str(getattr(error, "remedy", ""))
    return Failure(code, text, remedy, int(getattr(error, "exit_status", EXIT_DATABASE)))


def _problem(problem: object, status: int) -> Failure:
    def get(name: str) -> str:
        return str(getattr(problem, name, ""))

    place = get("place")
    text = f"{place}: {get('text')}" if place else get("text")
    return Failure(get("code"), text, get("remedy"), status)
