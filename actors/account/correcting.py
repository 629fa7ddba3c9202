"""What a file has corrected of its client, so that the mainframe has it too (S33): one command, and what came of it.

Rules:
- a correction is published once, and never again: an old one that came after a newer change would undo it. Where nobody
  answers in the time that a creation takes, the file and operations are told, and whoever answers later is still heard;
- then it is looked, at ever longer intervals and a bounded number of times, whether the client lives there (FIND_ADDRESS, which
  changes nothing): that it is so is an answer; that it is not, twice one after the other, is one too, since what is asked later
  is answered later; a person corrects once more, or not;
- the first answer counts, and none after it;
- an answer says whether it was taken. What the profile is now, the mainframe says as it says every change, in the order of
  its sequence (applying.py): so our own change comes back by one way only, and nothing that comes leads to a command;
- of an account that is not there, or is held, nothing is corrected.
Source: spec.md S29, S32, S33, X9; docs/core-banking.md; docs/adr/0059-a-profile-has-one-writer-once-there-is-an-account.md.
"""

from typing import Final, Literal

import msgspec

from comptoir.actors.account.messages import (
    CommandAnswered,
    CorrectionAnswered,
    CorrectionDue,
    CorrectProfile,
)
from comptoir.actors.account.state import (
    AccountAlerted,
    AccountState,
    AnswerIgnored,
    CorrectionAsked,
    CorrectionEnded,
    CorrectionSought,
    Phase,
    corrected_as,
    correction_of,
    corrections_look,
)
from comptoir.actors.account.terms import core_terms_of
from comptoir.actors.gateways.core_messages import COMMANDS, PublishCommand
from comptoir.actors.onboarding.messages import KIND as FILE
from comptoir.engine import Address, Decision, Outgoing
from comptoir.engine.machine import Context

__all__ = ["corrected", "correction_due", "correction_refused", "wanted"]

CORRECTION: Final = "correction"
"""The timer's name."""
NOT_OPEN: Final = "ACCOUNT_NOT_OPEN"
ABSENT: Final = "CLIENT_ABSENT"
UNCONFIRMED: Final = "CORRECTION_UNCONFIRMED"
LOST: Final = "CORRECTION_ABSENT"
"""The mainframe has another address: it was lost, or somebody has changed it since."""
LOOKS_MAX: Final = 10
"""Of one correction: at ever longer intervals, three days and more."""
DOUBLINGS_MAX: Final = 7
"""From ten minutes to 21 hours between two looks."""
ABSENT_ENOUGH: Final = 2
OVER: Final = ("taken", "refused")
"""What became of one of which nothing more is heard."""
Outcome = Decision[AccountState]
Ending = Literal["taken", "refused", "unconfirmed"]


def wanted(state: AccountState, message: CorrectProfile, context: Context) -> Outcome:
    """Publish the command of a correction."""
    if message.number <= state.corrections:
        return Decision(state)
    asked = msgspec.structs.replace(
        state, corrections=message.number, correction_ended="", corrected=message.profile, correction_looks=0,
        correction_absent=0, correction_counted=0,
    )  # fmt: skip
    if state.phase is not Phase.CREATED:
        return _ended(asked, context, "refused", NOT_OPEN)
    key, now = context.address.key, context.now
    name = correction_of(key, message.number)
    command = PublishCommand(name, "UPDATE_ACCOUNT", key, message.profile, now)
    due = now + core_terms_of(context).look_ms
    return Decision(
        msgspec.structs.replace(asked, correcting=True),
        events=(CorrectionAsked(message.number),),
        messages=(
            Outgoing(COMMANDS, command),
            Outgoing(context.address, CorrectionDue(), due, CORRECTION),
        ),
    )


def corrected(state: AccountState, message: CommandAnswered, context: Context) -> Outcome:
    """An answer to a correction: the last one's counts, also after it was given up."""
    number = corrected_as(message.command_id, context.address.key)
    look = corrections_look(message.command_id)
    answered = state.correction_ended in OVER
    if number != state.corrections or answered or message.outcome in ("unknown", "created"):
        # A code of ours: what the mainframe writes as its reason may be anything.
        over = AnswerIgnored(message.outcome, state.phase.value, "CORRECTION_OVER")
        return Decision(state, events=(over,))
    if message.outcome == "updated":
        return _ended(state, context, "taken", "")
    if look:
        return _absent(state, message, look, context)
    return _ended(state, context, "refused", message.code or ABSENT)


def _absent(state: AccountState, message: CommandAnswered, look: int, context: Context) -> Outcome:
    """It is not there: that is sure when the next look says so as well."""
    said_before = look == state.correction_counted
    if look != state.correction_looks or said_before or message.outcome != "absent":
        over = AnswerIgnored(message.outcome, state.phase.value, "LOOK_OVER")
        return Decision(state, events=(over,))
    absent = state.correction_absent + 1
    if absent >= ABSENT_ENOUGH:
        return _ended(state, context, "refused", LOST)
    return Decision(
        msgspec.structs.replace(state, correction_absent=absent, correction_counted=look)
    )


def correction_refused(
    state: AccountState, number: int | None, code: str, context: Context
) -> Outcome:
    """It could not be put on the bus, or into a record."""
    if number != state.corrections or not state.correcting:
        return Decision(state)
    return _ended(state, context, "refused", code)


def correction_due(state: AccountState, _message: CorrectionDue, context: Context) -> Outcome:
    """Nobody has answered: the first time that is told; and it is looked whether it was made."""
    if state.correction_ended in OVER:
        return Decision(state)
    looked = _look(state, context)
    if not state.correcting:
        return looked
    over = _ended(state, context, "unconfirmed", UNCONFIRMED)
    return Decision(
        msgspec.structs.replace(
            over.state, corrected=looked.state.corrected, correction_looks=looked.state.correction_looks
        ),
        events=(AccountAlerted(UNCONFIRMED), *over.events, *looked.events),
        messages=(*over.messages, *looked.messages),
    )  # fmt: skip


def _look(state: AccountState, context: Context) -> Outcome:
    """Ask whether the client lives there, and again at the latest after a while that grows."""
    if state.corrected is None or state.correction_looks >= LOOKS_MAX:
        return Decision(state)
    look, key, now = state.correction_looks + 1, context.address.key, context.now
    name = correction_of(key, state.corrections, look)
    asked = PublishCommand(name, "FIND_ADDRESS", key, state.corrected, now)
    pause = core_terms_of(context).look_ms << min(look - 1, DOUBLINGS_MAX)
    return Decision(
        msgspec.structs.replace(state, correction_looks=look),
        events=(CorrectionSought(state.corrections, look),),
        messages=(
            Outgoing(COMMANDS, asked),
            Outgoing(context.address, CorrectionDue(), now + pause, CORRECTION),
        ),
    )


def _ended(state: AccountState, context: Context, outcome: Ending, code: str) -> Outcome:
    told = CorrectionAnswered(state.corrections, outcome, code)
    waited = state.correcting or state.correction_looks > 0
    return Decision(
        msgspec.structs.replace(
            state, correcting=False, correction_ended=outcome, corrected=None, correction_absent=0
        ),
        events=(CorrectionEnded(state.corrections, outcome),),
        messages=(Outgoing(Address(FILE, context.address.key), told),),
        cancel=(CORRECTION,) if waited else (),
    )
