"""What a failed statement means: whose fault it is, by SQLSTATE.

The rule: data is refused (and isolated), a fence is answered, an environment is waited for, and
anything else is a bug of ours that ends the journal loudly. Nothing here, and nothing that it
raises, holds a value of a statement. Source: design.md 7; PostgreSQL manual, appendix A.
"""

from typing import Final

from comptoir.engine.errors import Unavailable

__all__ = [
    "ALREADY_TAKEN",
    "CLIENT_ENCODING",
    "GONE",
    "LOT_NOT_OWNED",
    "STALE",
    "SUPERSEDED",
    "ConnectionLost",
    "DataRefused",
    "FenceRaised",
    "StatementBroken",
    "explain",
]

SUPERSEDED: Final = "CT001"
ALREADY_TAKEN: Final = "CT002"
GONE: Final = "CT003"
STALE: Final = "CT004"
LOT_NOT_OWNED: Final = "CT005"
CLIENT_ENCODING: Final = "22000"
"""For a value that could not even be sent: too great an integer, a lone surrogate."""

FENCES: Final = frozenset((SUPERSEDED, ALREADY_TAKEN, GONE, STALE))
AWAY_CLASSES: Final = frozenset(("08", "40", "53", "57", "58"))
"""Connection, rollback by the server, resources (disk full, memory), intervention, system."""
AWAY_STATES: Final = frozenset(("25006", "28000", "28P01", "3D000", "55P03", "55006", "XX000"))
"""Read-only, a server that refuses us, locks: none is the fault of a decision; all may pass."""
DATA_CLASSES: Final = frozenset(("22", "23", "54"))
KEYS_OF_DECISIONS: Final = frozenset(("lot_pkey",))
"""Unique keys that a decision chooses itself; every other one is numbered by the journal."""


class ConnectionLost(Unavailable):
    """The database is away, or did not answer: what was sent may or may not be committed."""


class DataRefused(Exception):
    """The database refused the values of a statement; nothing of it was applied."""

    def __init__(self, sqlstate: str, name: str) -> None:
        super().__init__(f"{sqlstate} {name}".strip())
        self.sqlstate = sqlstate
        self.name = name
        """Of the constraint or column; empty if the server named none."""


class FenceRaised(Exception):
    """A fence of commit_batch was met (CT001 to CT004); nothing of it was applied."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


class StatementBroken(Exception):
    """The server refused a statement for a reason that only a bug or a wrong set-up explains."""

    def __init__(self, sqlstate: str, text: str) -> None:
        super().__init__(f"{sqlstate} {text}".strip())
        self.sqlstate = sqlstate


def explain(sqlstate: str, name: str, text: str) -> Exception:
    """The error of ours for an answer of the server.

    Args:
        sqlstate: five characters.
        name: the constraint or column that the server named, or empty.
        text: its message, kept only where it can hold no value (not for data errors).
    """
    if sqlstate in FENCES:
        return FenceRaised(sqlstate)
    if sqlstate == LOT_NOT_OWNED:
        return DataRefused(sqlstate, name)
    if sqlstate[:2] in DATA_CLASSES and (sqlstate != "23505" or name in KEYS_OF_DECISIONS):
        return DataRefused(sqlstate, name)
    if sqlstate[:2] in AWAY_CLASSES or sqlstate in AWAY_STATES:
        return ConnectionLost(f"the database answered {sqlstate}")
    # a unique violation's text names no value either; its detail does, and is not read
    return StatementBroken(sqlstate, text if sqlstate[:2] not in DATA_CLASSES else name)
