"""The machine that keeps a user's candidates: purchases that matched nobody and looked like a partner's.

Rules:
- each is kept for `merchants.candidate_days` (X23), sealed under its user's key, and in no document, event or log;
- whoever ends a consent ends what was kept by it (S60);
- the newest hold: of more than `CANDIDATES_MAX` the oldest goes first;
- told again, it is what it was told last; told under another id, it is found by that one.

Source: spec.md X22, X23, E9; adr/0035.
"""

from enum import Enum
from typing import Final

from comptoir.actors.candidates.messages import (
    COLLECTION,
    KIND,
    Candidate,
    CandidateFound,
    CandidateMissing,
    DropCandidate,
    FindCandidate,
    ForgetCandidates,
    ForgetLink,
    KeepCandidate,
)
from comptoir.actors.merchants.messages import words_of
from comptoir.engine import Decision, Outgoing, Put, Reply, State
from comptoir.engine.machine import Context, Machine, row

__all__ = ["CANDIDATES_MAX", "MACHINE", "REPLIES", "CandidatesState", "Phase"]

CANDIDATES_MAX: Final = 60
"""Of one user: two a day for a month. A person's cards see two or three purchases a day, and the fewest of them look
like a partner's; the state of so many is thirty kilobytes, and each one writes it anew (measured: 70 us to encode).
"""
FORGET: Final = "forget"
"""The timer's name."""


class Phase(Enum):
    """Whether any is kept."""

    EMPTY = "empty"
    HOLDING = "holding"


class CandidatesState(State, frozen=True):
    """Sealed as a whole at rest."""

    phase: Phase
    kept: tuple[Candidate, ...] = ()
    """The oldest first."""


Outcome = Decision[CandidatesState]


def _keep(state: CandidatesState, message: KeepCandidate, context: Context) -> Outcome:
    new = message.candidate
    same = {new.report.transaction_id, message.replaces}
    others = _without(state.kept, new.report.provider, same)
    kept = (*others, new)[-CANDIDATES_MAX:]
    return _after(state, kept, context)


def _drop(state: CandidatesState, message: DropCandidate, context: Context) -> Outcome:
    kept = _without(state.kept, message.provider, {message.transaction_id})
    return Decision(state) if kept == state.kept else _after(state, kept, context)


def _forget(state: CandidatesState, _message: ForgetCandidates, context: Context) -> Outcome:
    kept = tuple(one for one in state.kept if one.until > context.now)
    return _after(state, kept, context, timer_is_over=True)


def _forget_link(state: CandidatesState, message: ForgetLink, context: Context) -> Outcome:
    kept = tuple(one for one in state.kept if one.link != message.link)
    return Decision(state) if kept == state.kept else _after(state, kept, context)


def _without(kept: tuple[Candidate, ...], provider: str, ids: set[str]) -> tuple[Candidate, ...]:
    return tuple(
        one
        for one in kept
        if one.report.provider != provider or one.report.transaction_id not in ids
    )


def _after(
    state: CandidatesState,
    kept: tuple[Candidate, ...],
    context: Context,
    *,
    timer_is_over: bool = False,
) -> Outcome:
    """Keep these, and be told when the time of the first is over."""
    holds = bool(kept)
    held = state.phase is Phase.HOLDING
    messages: tuple[Outgoing, ...] = ()
    if holds and (timer_is_over or not held):
        due = min(one.until for one in kept)
        messages = (Outgoing(context.address, ForgetCandidates(), due, FORGET),)
    owner = context.address.key
    listed = (Put(COLLECTION, owner, {"holds": holds}, owner),) if holds != held else ()
    phase = Phase.HOLDING if holds else Phase.EMPTY
    return Decision(
        CandidatesState(phase, kept),
        messages=messages,
        cancel=() if holds or timer_is_over else (FORGET,),
        documents=listed,
    )


def _find(state: CandidatesState, message: FindCandidate, context: Context) -> Outcome:
    """The newest that is meant and whose time is not over."""
    wanted = [
        one for one in reversed(state.kept) if one.until > context.now and _is_meant(one, message)
    ]
    if not wanted:
        return Decision(state, CandidateMissing())
    said = set(words_of(message.label))
    best = max(wanted, key=lambda one: len(said & set(words_of(one.report.merchant_name))))
    return Decision(state, CandidateFound(best))


def _is_meant(one: Candidate, message: FindCandidate) -> bool:
    report = one.report
    if message.transaction_id:
        return report.transaction_id == message.transaction_id
    return (one.link, report.date, report.amount_cents) == (
        message.link, message.date, message.amount_cents,
    )  # fmt: skip


def _none(state: CandidatesState, _message: FindCandidate, _context: Context) -> Outcome:
    return Decision(state, CandidateMissing())


def _nothing(state: CandidatesState, _message: object, _context: Context) -> Outcome:
    return Decision(state)


MACHINE: Machine[CandidatesState] = Machine(
    KIND,
    phases=Phase,
    messages=(KeepCandidate, DropCandidate, ForgetCandidates, ForgetLink, FindCandidate),
    rows=(
        row(Phase.EMPTY, KeepCandidate, _keep, Phase.HOLDING),
        row(Phase.EMPTY, DropCandidate, _nothing, Phase.EMPTY),
        # The last one was dropped while the timer was on its way.
        row(Phase.EMPTY, ForgetCandidates, _nothing, Phase.EMPTY),
        row(Phase.EMPTY, ForgetLink, _nothing, Phase.EMPTY),
        row(Phase.EMPTY, FindCandidate, _none, Phase.EMPTY),
        row(Phase.HOLDING, KeepCandidate, _keep, Phase.HOLDING),
        row(Phase.HOLDING, DropCandidate, _drop, Phase.HOLDING, Phase.EMPTY),
        row(Phase.HOLDING, ForgetCandidates, _forget, Phase.HOLDING, Phase.EMPTY),
        row(Phase.HOLDING, ForgetLink, _forget_link, Phase.HOLDING, Phase.EMPTY),
        row(Phase.HOLDING, FindCandidate, _find, Phase.HOLDING),
    ),
)

REPLIES: tuple[type[Reply], ...] = (CandidateFound, CandidateMissing)
