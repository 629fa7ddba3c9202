"""The machine of a disposition: what is to become of dead letters, who wanted it, and how far it is.

Rules:
- the letters are named in the audit log before anything is done to them, with who wanted it and when;
- so does each reading of what a letter says, and by whom, before they are shown it: not what it says;
- a letter has one disposition: asked for again it answers how far that is, and another one is refused;
- many are taken a page at a time, the oldest first and at a pace, since what they are addressed to is to
  bear it; where a daemon ends in between, its successor goes on after the last page that was named;
- doing it is the desk's (a gateway): a letter that is gone it leaves out, so that a page that is settled
  twice, because nobody heard of the first time, has one effect.

Source: spec.md S57, S64, E14; design.md 3; adr/0032.
"""

from enum import Enum
from typing import Final, cast

import msgspec

from comptoir.actors.disposition.messages import (
    KIND,
    OTHERWISE,
    Act,
    DescribeDisposition,
    DisposeLetter,
    DispositionDescribed,
    LettersSettled,
    LettersUnsettled,
    NoteReading,
    PageDue,
    ReadingNoted,
    ReplayLetters,
)
from comptoir.actors.gateways.messages import LETTERS, SettleLetters
from comptoir.engine import Decision, Event, Message, Outgoing, Refusal, Reply, State
from comptoir.engine.letters import LetterFilter
from comptoir.engine.machine import Context, Machine, row

__all__ = [
    "MACHINE",
    "PAGE_LETTERS",
    "REPLIES",
    "DispositionEnded",
    "DispositionOrdered",
    "DispositionState",
    "LetterRead",
    "LettersNamed",
    "Many",
    "Phase",
]

PAGE_LETTERS: Final = 100
"""One transaction of the writer, beside others' work."""
TURN: Final = "turn"
"""The timer's name."""


class Phase(Enum):
    """How far it is."""

    NONE = "none"
    WAITING = "waiting"
    """For the next page's turn."""
    SETTLING = "settling"
    DONE = "done"
    FAILED = "failed"


class Many(msgspec.Struct, frozen=True):
    """Where a disposition of many letters is."""

    wanted: LetterFilter
    after: int
    """The last one that was named."""
    until: int
    per_second: int
    last: bool = False
    """Whether nothing is left after the page that was named."""


class DispositionState(State, frozen=True):
    """Sealed at rest: people's names, and reasons that people have written."""

    phase: Phase
    act: Act = Act.REPLAY
    maker: str = ""
    reason: str = ""
    letters: int = 0
    """Named so far."""
    page: tuple[int, ...] = ()
    """Those that are being settled."""
    many: Many | None = None
    code: str = ""
    since: int = 0
    """Business time, ms: when it was decided."""


class DispositionOrdered(Event, frozen=True):
    """Somebody has decided what is to become of letters."""

    act: Act
    maker: str
    reason: str = ""
    wanted: LetterFilter | None = None
    """Of many letters."""
    until: int = 0


class LettersNamed(Event, frozen=True):
    """These are meant."""

    letters: tuple[int, ...]


class LetterRead(Event, frozen=True):
    """Somebody was shown what a letter says."""

    letter: int
    reader: str


class DispositionEnded(Event, frozen=True):
    """It is over."""

    letters: int
    """Named in all."""
    outcome: str
    """`done`, or the code of what went wrong."""


Outcome = Decision[DispositionState]
replace = msgspec.structs.replace


def _dispose(_state: DispositionState, message: DisposeLetter, context: Context) -> Outcome:
    ordered = DispositionOrdered(message.act, message.maker, message.reason)
    page = (message.letter,)
    begun = DispositionState(
        Phase.SETTLING, message.act, message.maker, message.reason, 1, page, since=context.now
    )
    return _settle(begun, context, (ordered, LettersNamed(page)))


def _replay(_state: DispositionState, message: ReplayLetters, context: Context) -> Outcome:
    many = Many(message.wanted, 0, message.until, message.per_second)
    begun = DispositionState(
        Phase.WAITING, Act.REPLAY, message.maker, many=many, since=context.now
    )  # fmt: skip
    ordered = DispositionOrdered(
        Act.REPLAY, message.maker, wanted=message.wanted, until=message.until
    )
    turn = Outgoing(context.address, _next_page(many), name=TURN)
    return Decision(begun, _described(begun), events=(ordered,), messages=(turn,))


def _next_page(many: Many) -> PageDue:
    return PageDue(many.wanted, many.after, many.until)


def _name(state: DispositionState, _message: PageDue, context: Context) -> Outcome:
    """The next letters, as they were found (kind.py)."""
    many = state.many
    assert many is not None
    page = cast("tuple[int, ...]", context.facts)
    if not page:
        return _end(state, "done")
    on = replace(many, after=page[-1], last=len(page) < PAGE_LETTERS)
    named = replace(
        state, phase=Phase.SETTLING, page=page, letters=state.letters + len(page), many=on
    )
    return _settle(named, context, (LettersNamed(page),))


def _settle(state: DispositionState, context: Context, events: tuple[Event, ...]) -> Outcome:
    order = SettleLetters(context.address.key, state.act.value, state.page)
    return Decision(state, _described(state), events=events, messages=(Outgoing(LETTERS, order),))


def _settled(state: DispositionState, _message: LettersSettled, context: Context) -> Outcome:
    many = state.many
    if many is None or many.last:
        return _end(state, "done")
    due_at = context.now + len(state.page) * 1000 // many.per_second
    turn = Outgoing(context.address, _next_page(many), due_at, TURN)
    return Decision(replace(state, phase=Phase.WAITING, page=(), code=""), messages=(turn,))


def _unsettled(state: DispositionState, message: LettersUnsettled, _context: Context) -> Outcome:
    return _end(state, message.code)


def _end(state: DispositionState, outcome: str) -> Outcome:
    done = outcome == "done"
    over = replace(
        state,
        phase=Phase.DONE if done else Phase.FAILED,
        page=() if done else state.page,
        code="" if done else outcome,
    )
    return Decision(over, events=(DispositionEnded(state.letters, outcome),))


def _again(state: DispositionState, message: DisposeLetter, _context: Context) -> Outcome | Refusal:
    """It was decided before; whoever wants the same hears how far it is."""
    if message.act is not state.act:
        return Refusal(OTHERWISE, "something else was decided about this letter")
    return Decision(state, _described(state))


def _note(state: DispositionState, message: NoteReading, _context: Context) -> Outcome:
    """Whatever was decided about it, or nothing."""
    return Decision(state, ReadingNoted(), events=(LetterRead(message.letter, message.reader),))


def _describe(state: DispositionState, _message: Message, _context: Context) -> Outcome:
    return Decision(state, _described(state))


def _described(state: DispositionState) -> DispositionDescribed:
    return DispositionDescribed(
        state.act.value, state.phase.value, state.letters, state.maker, state.reason, state.code,
        state.since,
    )  # fmt: skip


def _stays(state: DispositionState, _message: Message, _context: Context) -> Outcome:
    return Decision(state)


MACHINE: Machine[DispositionState] = Machine(
    KIND,
    phases=Phase,
    messages=(
        DisposeLetter, ReplayLetters, PageDue, LettersSettled, LettersUnsettled, NoteReading,
        DescribeDisposition,
    ),
    rows=(
        row(Phase.NONE, DisposeLetter, _dispose, Phase.SETTLING),
        row(Phase.NONE, ReplayLetters, _replay, Phase.WAITING),
        row(Phase.WAITING, PageDue, _name, Phase.SETTLING, Phase.DONE),
        row(Phase.SETTLING, LettersSettled, _settled, Phase.WAITING, Phase.DONE),
        row(Phase.SETTLING, LettersUnsettled, _unsettled, Phase.FAILED),
        row(Phase.SETTLING, DisposeLetter, _again, Phase.SETTLING),
        row(Phase.DONE, DisposeLetter, _again, Phase.DONE),
        row(Phase.FAILED, DisposeLetter, _dispose, Phase.SETTLING),
        # The desk's own call had died, and was replayed in its turn.
        row(Phase.FAILED, LettersSettled, _settled, Phase.WAITING, Phase.DONE),
        row(Phase.FAILED, LettersUnsettled, _stays, Phase.FAILED),
        # Both the first call and the one after a failure were answered.
        row(Phase.DONE, LettersSettled, _stays, Phase.DONE),
        row(Phase.DONE, LettersUnsettled, _stays, Phase.DONE),
        *(row(phase, NoteReading, _note, phase) for phase in Phase),
        *(
            row(phase, DescribeDisposition, _describe, phase)
            for phase in Phase
            if phase is not Phase.NONE
        ),
    ),
    refusal=Refusal("NOT_FOUND", "nothing was decided about this"),
)  # fmt: skip

REPLIES: tuple[type[Reply], ...] = (DispositionDescribed, ReadingNoted)
