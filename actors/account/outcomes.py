"""What becomes of an account on the mainframe, whichever row says so: created, refused, held. Pure.

Rules:
- its file is told each of the three, in the order of its decisions; of an account that the file itself gives up it hears
  nothing it has not said;
- while it has no end it stands in the list of accounts (`ACCOUNTS`), which names nobody;
- why an answer could not count is a code of ours: what the mainframe writes into its REASON may be anything, a name too.
Source: spec.md S17, S29 to S33, X9, X10, E11; docs/core-banking.md.
"""

from typing import Final, Literal

import msgspec

from comptoir.actors.account.applying import apply_waiting
from comptoir.actors.account.messages import (
    ACCOUNTS,
    AccountCreated,
    AccountHeld,
    AccountRefused,
    CommandAnswered,
    place_of,
)
from comptoir.actors.account.state import (
    AccountAlerted,
    AccountMade,
    AccountState,
    AnswerIgnored,
    Phase,
)
from comptoir.actors.gateways.core_messages import COMMANDS, PublishCommand
from comptoir.actors.onboarding.messages import KIND as FILE
from comptoir.engine import Address, Decision, Message, Outgoing, Put
from comptoir.engine.machine import Context

__all__ = [
    "DUE", "ORPHANED", "REPEATED", "UNCLEAR", "Outcome", "command", "created", "held", "ignored", "listed", "refused", "tell",
]  # fmt: skip

DUE: Final = "due"
"""The timer's name."""
ORPHANED: Final = "ACCOUNT_ORPHANED"
"""Why an account is held whose file has come to nothing: the file knows."""
REPEATED: Final = "ANSWER_REPEATED"
"""It says what is known, or what no longer counts."""
UNCLEAR: Final = "ANSWER_UNCLEAR"
"""It cannot be read, or is of somebody else."""

Outcome = Decision[AccountState]


def command(
    state: AccountState,
    context: Context,
    kind: Literal["CREATE_ACCOUNT", "FIND_ACCOUNT"],
    name: str,
) -> Outgoing:
    """One to the bus."""
    assert state.profile is not None, "it was asked for"
    word = PublishCommand(name, kind, context.address.key, state.profile, context.now)
    return Outgoing(COMMANDS, word)


def tell(context: Context, message: Message) -> Outgoing:
    """A word to its file."""
    return Outgoing(Address(FILE, context.address.key), message)


def listed(state: AccountState, context: Context, *, waits: bool) -> Put:
    """Its place among those without an end."""
    return Put(ACCOUNTS, place_of(state.asked_at, context.address.key), {"waits": waits})


def created(state: AccountState, number: str, made: AccountMade, context: Context) -> Outcome:
    """It is there, and so is what the mainframe has changed of it meanwhile."""
    there = msgspec.structs.replace(
        state, phase=Phase.CREATED, account_number=number, answered_at=context.now, looking="", absent=0, code="",
        asking="", seen=None, settling=None,
    )  # fmt: skip
    applied = apply_waiting(there, context)
    return msgspec.structs.replace(
        applied,
        events=(made, *applied.events),
        messages=(tell(context, AccountCreated(number, context.now)), *applied.messages),
        cancel=(*applied.cancel, DUE),
        documents=(listed(state, context, waits=False),),
    )


def refused(state: AccountState, code: str, context: Context) -> Outcome:
    """There is none, and none will be by this command."""
    over = msgspec.structs.replace(
        state, phase=Phase.REFUSED, account_number="", code=code, answered_at=context.now, looking="", absent=0,
        asking="", seen=None, settling=None,
    )  # fmt: skip
    return Decision(
        over,
        events=(AccountAlerted("ACCOUNT_REFUSED"),),
        messages=(tell(context, AccountRefused(code, context.now)),),
        cancel=(DUE,),
        documents=(listed(state, context, waits=False),),
    )


def held(state: AccountState, code: str, context: Context) -> Outcome:
    """A person decides (holding.py)."""
    waits = msgspec.structs.replace(
        state, phase=Phase.HELD, code=code, looking="", absent=0, held_at=context.now, asking="", seen=None,
        settling=None,
    )  # fmt: skip
    told = () if code == ORPHANED else (tell(context, AccountHeld(code, context.now)),)
    return Decision(
        waits,
        events=(AccountAlerted(code),),
        messages=told,
        cancel=(DUE,),
        documents=(listed(state, context, waits=True),),
    )


def ignored(state: AccountState, message: CommandAnswered, code: str) -> Outcome:
    """It came when it could not count; `code` is ours."""
    return Decision(state, events=(AnswerIgnored(message.outcome, state.phase.value, code),))
