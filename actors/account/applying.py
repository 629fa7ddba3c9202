"""What the mainframe changes of a client by itself (S33): applied once, in the order of its sequence.

Rules:
- changes of one client count from 1. One whose turn has not come waits for those before it; one that is behind, or the same
  again, changes nothing;
- they wait for the account too: before it is created nothing is applied;
- the file is told of each as it is applied, and keeps what it says (actors/onboarding/syncing.py): nothing of it stays here;
- where one is missing for too long, counted from the first that waited for it, the others go on without it, and operations
  are told, since what it said is lost.
Source: spec.md S33 (Customer Data Hub); docs/core-banking.md.
"""

from typing import Final

import msgspec

from comptoir.actors.account.messages import ChangesDue, CoreBankingChanged, CoreProfileChanged
from comptoir.actors.account.state import AccountAlerted, AccountState, Phase, ProfileChanged
from comptoir.actors.account.terms import core_terms_of
from comptoir.actors.onboarding.messages import KIND as FILE
from comptoir.engine import Address, Decision, Event, Outgoing
from comptoir.engine.machine import Context

__all__ = ["apply_waiting", "change", "gap", "untold"]

GAP: Final = "changes"
"""The timer's name."""
BEFORE: Final = "BEFORE"
"""What all changes together are called that a release before has told nobody."""
WAITING_MAX: Final = 100
"""Changes of one client that wait for an earlier one, or for the account."""

Outcome = Decision[AccountState]


def change(state: AccountState, message: CoreBankingChanged, context: Context) -> Outcome:
    """One change."""
    same = next((x for x in state.waiting if x.sequence == message.sequence), None)
    if message.sequence <= state.sequence or (same and same.change_id == message.change_id):
        return Decision(state)
    if same is not None:
        return Decision(state, events=(AccountAlerted("CHANGE_CONTRADICTED"),))
    # The one that the others wait for is never one too many.
    if len(state.waiting) >= WAITING_MAX and message.sequence != state.sequence + 1:
        return Decision(state, events=(AccountAlerted("CHANGES_TOO_MANY"),))
    waiting = sorted((*state.waiting, message), key=lambda one: one.sequence)
    after = msgspec.structs.replace(state, waiting=tuple(waiting))
    return apply_waiting(after, context, timed=bool(state.waiting))


def apply_waiting(
    state: AccountState, context: Context, *, whole: bool = False, timed: bool = False
) -> Outcome:
    """Apply those whose turn has come.

    Args:
        state: with all that wait.
        context: of the decision.
        whole: all, since what is missing between them is given up.
        timed: it is being waited already; that lasts no longer for what comes behind.
    """
    if state.phase is not Phase.CREATED:
        return Decision(state)
    state, before = untold(state, context)
    events, told = list[Event](), list[Outgoing](before)
    file = Address(FILE, context.address.key)
    sequence, left = state.sequence, list(state.waiting)
    while left and (whole or left[0].sequence == sequence + 1):
        one = left.pop(0)
        sequence = one.sequence
        events.append(ProfileChanged(one.change_id, sequence, tuple(sorted(one.fields)), one.at))
        told.append(Outgoing(file, CoreProfileChanged(one.change_id, sequence, one.fields, one.at)))
    after = msgspec.structs.replace(state, sequence=sequence, waiting=tuple(left))
    if not left:
        gone = (GAP,) if state.waiting else ()
        return Decision(after, events=tuple(events), messages=tuple(told), cancel=gone)
    if timed and not events:
        return Decision(after, messages=tuple(told))
    due = context.now + core_terms_of(context).look_ms
    timer = Outgoing(context.address, ChangesDue(), due, GAP)
    return Decision(after, events=tuple(events), messages=(*told, timer))


def untold(state: AccountState, context: Context) -> tuple[AccountState, tuple[Outgoing, ...]]:
    """With what a release before has applied and told nobody, and the word that its file hears of it.

    When each was changed there was not kept: it was after the account was created.
    """
    if not state.profile_said:
        return state, ()
    fields, at = dict(state.profile_said), state.answered_at
    word = CoreProfileChanged(BEFORE, state.sequence, fields, at)
    over = msgspec.structs.replace(state, profile_said={})
    return over, (Outgoing(Address(FILE, context.address.key), word),)


def gap(state: AccountState, _message: ChangesDue, context: Context) -> Outcome:
    """One is missing: the others go on without it."""
    if not state.waiting or state.phase is not Phase.CREATED:
        return Decision(state)
    applied = apply_waiting(state, context, whole=True)
    # This very timer needs no cancelling.
    return msgspec.structs.replace(
        applied, events=(AccountAlerted("CHANGE_MISSING"), *applied.events), cancel=()
    )
