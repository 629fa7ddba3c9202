"""The machine of a file: kept once, by the decision that approves it, and never changed.

Rules:
- what lies here is what was approved; another file is refused, whoever sends it;
- it has names and account numbers, and is sealed as a whole, as every state is.

Source: spec.md X27, S58; docs/payouts.md; adr/0043.
"""

from enum import Enum

from comptoir.actors.payout_file.messages import KIND, FileRead, KeepFile, ReadFile
from comptoir.engine import Decision, Event, Refusal, Reply, State
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "REPLIES", "FileKept", "FileState", "Phase"]


class Phase(Enum):
    """Whether it is there."""

    NONE = "none"
    KEPT = "kept"


class FileState(State, frozen=True):
    """Sealed as a whole at rest."""

    phase: Phase
    digest: str = ""
    document: bytes = b""


class FileKept(Event, frozen=True):
    """It is there from now on."""

    digest: str


Outcome = Decision[FileState]


def _keep(_state: FileState, message: KeepFile, _context: Context) -> Outcome:
    kept = FileState(Phase.KEPT, message.digest, message.document)
    return Decision(kept, events=(FileKept(message.digest),))


def _read(state: FileState, _message: ReadFile, _context: Context) -> Outcome:
    return Decision(state, FileRead(state.digest, state.document))


MACHINE: Machine[FileState] = Machine(
    KIND,
    phases=Phase,
    messages=(KeepFile, ReadFile),
    rows=(
        row(Phase.NONE, KeepFile, _keep, Phase.KEPT),
        row(Phase.KEPT, ReadFile, _read, Phase.KEPT),
    ),
    terminal=(Phase.KEPT,),
    refusal=Refusal("CONFLICT", "no file was approved yet, or one was, and stays as it is"),
)

REPLIES: tuple[type[Reply], ...] = (FileRead,)
