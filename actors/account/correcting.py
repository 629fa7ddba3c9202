"""What a file has corrected of its client, so that the mainframe has it too (S33): one command, and what came of it.

Rules:
- a correction is published once, and never again: an old one that came after a newer change would undo it. Where nobody
  answers in the time that a creation takes, the file and operations are told, and whoever answers later is still heard;
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
    Phase,
    corrected_as,
    correction_of,
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
Outcome = Decision[AccountState]
Ending = Literal["taken", "refused", "unconfirmed"]


def wanted(state: AccountState, message: CorrectProfile, context: Context) -> Outcome:
    """Publish the command of a correction."""
    if message.number <= state.corrections:
        return Decision(state)
    asked = msgspec.structs.replace(state, corrections=message.number, correction_ended="")
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
    answered = state.correction_ended in ("taken", "refused")
    if number != state.corrections or answered or message.outcome in ("unknown", "created"):
        # A code of ours: what the mainframe writes as its reason may be anything.
        over = AnswerIgnored(message.outcome, state.phase.value, "CORRECTION_OVER")
        return Decision(state, events=(over,))
    if message.outcome == "updated":
        return _ended(state, context, "taken", "")
    return _ended(state, context, "refused", message.code or ABSENT)


def correction_refused(
    state: AccountState, number: int | None, code: str, context: Context
) -> Outcome:
    """It could not be put on the bus, or into a record."""
    if number != state.corrections or not state.correcting:
        return Decision(state)
    return _ended(state, context, "refused", code)


def correction_due(state: AccountState, _message: CorrectionDue, context: Context) -> Outcome:
    """Nobody has answered."""
    if not state.correcting:
        return Decision(state)
    over = _ended(state, context, "unconfirmed", UNCONFIRMED)
    # This very timer needs no cancelling.
    return msgspec.structs.replace(
        over, events=(AccountAlerted(UNCONFIRMED), *over.events), cancel=()
    )


def _ended(state: AccountState, context: Context, outcome: Ending, code: str) -> Outcome:
    told = CorrectionAnswered(state.corrections, outcome, code)
    return Decision(
        msgspec.structs.replace(state, correcting=False, correction_ended=outcome),
        events=(CorrectionEnded(state.corrections, outcome),),
        messages=(Outgoing(Address(FILE, context.address.key), told),),
        cancel=(CORRECTION,) if state.correcting else (),
    )
