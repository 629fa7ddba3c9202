"""An account that is held, and the ways out of it (E11): an answer that was wanting, or two people.

Rules:
- no answer chooses between two that contradict each other. Where it is held for want of one, what the mainframe says after
  all counts: that it is there, or, of the last command, that it is refused;
- anybody of operations may have it looked for, by CLIENT-ID, which changes nothing there; what is found is kept beside it, and
  never counts towards publishing a command again;
- what two people have found holds only if a look that begins after their word says the very same: the number that they
  have named, or that nothing is there. If it says anything else the account stays held;
- a look that is on its way is waited for, as long as a creation takes, before another one is begun;
- a look has a number, for which its name has room for three digits. A hundred are kept for what two people find, however
  often one person looks;
- a word waits for the look that it began, or for one that a person has begun since. Where that could not be sent, or its answer
  not be read, or none comes in three times the time that a creation takes, it is given up, and operations are told; who looks
  again gives it no more time;
- what had been answered before two people settled it is known: said again, it changes nothing.
Source: spec.md E11, E14, X9, X10; docs/core-banking.md.
"""

from typing import Final

import msgspec

from comptoir.actors.account.messages import (
    AccountDue,
    CommandAnswered,
    DisownAccount,
    LookForAccount,
    Seen,
    SettleAccount,
)
from comptoir.actors.account.outcomes import (
    DUE,
    ORPHANED,
    REPEATED,
    UNCLEAR,
    Outcome,
    command,
    created,
    held,
    ignored,
    refused,
)
from comptoir.actors.account.state import (
    AccountAlerted,
    AccountMade,
    AccountSettled,
    AccountSought,
    AccountState,
    AnswerIgnored,
    command_of,
    described,
    sent_as,
)
from comptoir.actors.account.terms import core_terms_of
from comptoir.engine import Decision, Outgoing
from comptoir.engine.machine import Context

__all__ = [
    "LOOKS_BY_HAND_MAX",
    "SETTLED",
    "answer_held",
    "answer_wanted",
    "disown",
    "heard",
    "look_by_hand",
    "look_failed",
    "settle",
    "unanswered",
    "was_settled",
]

LOOKS_MAX: Final = 999
"""Of all looks: the number in the command's name has three digits, which MQ's CorrelId has room for."""
LOOKS_BY_HAND_MAX: Final = 839
"""Of these, what `LookForAccount` may use; the timer has sixty, and a hundred are for `SettleAccount`."""
WAITS: Final = 3
"""Times that a creation takes, before a look that was to settle it is given up."""
NUMBERS_MAX: Final = 16
"""Accounts of one client that are remembered: two are a contradiction already."""
UNANSWERED: Final = frozenset(("ACCOUNT_NEVER_MADE", "MAINFRAME_SILENT"))
"""Why an account is held of which nobody has said anything: no contradiction."""
SETTLED: Final = "SETTLED_ABSENT"
"""Why there is none: two people have closed it, and the mainframe has said that nothing is there."""
CONTRADICTED: Final = "SETTLEMENT_CONTRADICTED"
"""The mainframe says something else than two people have found."""
UNCONFIRMED: Final = "SETTLEMENT_UNCONFIRMED"
"""The look that was to confirm it could not be sent, or its answer not be read, or had none."""
SPENT: Final = "LOOKS_SPENT"
"""It was looked as often as there are numbers: what two people have found cannot be confirmed any more."""


def look_by_hand(state: AccountState, _message: LookForAccount, context: Context) -> Outcome:
    """Ask what is there. One that has no answer for too long is given up for this one, which settles what that would have;
    until then this is the same. Where there is no number left, `looking` says that nothing was begun.
    """
    waits = context.now - state.asking_at < core_terms_of(context).look_ms
    if (state.asking and waits) or state.looks >= LOOKS_BY_HAND_MAX:
        return Decision(state, described(state))
    asked = _asked(state, context)
    return msgspec.structs.replace(asked, reply=described(asked.state))


def _asked(state: AccountState, context: Context) -> Outcome:
    number, waits = state.looks + 1, state.settling is not None
    name = command_of(context.address.key, state.attempts, number)
    asking = msgspec.structs.replace(
        state, looks=number, by_hand=state.by_hand + 1, asking=name,
        asking_at=context.now, seen=None,
        settling_at=(state.settling_at or context.now) if waits else 0,
    )  # fmt: skip
    timer = (_until(asking, context),) if waits else ()
    return Decision(
        asking,
        events=(AccountSought(number),),
        messages=(command(asking, context, "FIND_ACCOUNT", name), *timer),
    )


def settle(state: AccountState, message: SettleAccount, context: Context) -> Outcome:
    """Two people have found out: the mainframe is asked whether it is so."""
    if state.looks >= LOOKS_MAX:
        return Decision(state, events=(AccountAlerted(SPENT),))
    return _asked(msgspec.structs.replace(state, settling=message, settling_at=0), context)


def unanswered(state: AccountState, _message: AccountDue, context: Context) -> Outcome:
    """What two people have found waits for no answer for ever: it is as if the look could not be sent."""
    if state.settling is None:
        return Decision(state)
    until = _until(state, context)
    assert until.due_at is not None, "a timer"
    if context.now < until.due_at:  # a timer of before
        return Decision(state, messages=(until,))
    return look_failed(state)


def _until(state: AccountState, context: Context) -> Outgoing:
    """The timer by which it is given up."""
    began = state.settling_at or state.asking_at
    due_at = began + WAITS * core_terms_of(context).look_ms
    return Outgoing(context.address, AccountDue(), due_at, DUE)


def answer_wanted(state: AccountState, message: CommandAnswered, context: Context) -> Outcome:
    """The answer to a look that a person has wanted: there, or not. Elsewhere than in HELD it only says so."""
    found: Seen | None = None
    if message.outcome == "created" and message.account_number:
        found = Seen("created", message.account_number, context.now)
    elif message.outcome == "absent":
        found = Seen("absent", "", context.now)
    if found is None:  # it may be asked again
        over = look_failed(state)
        unclear = AnswerIgnored(message.outcome, state.phase.value, UNCLEAR)
        return msgspec.structs.replace(over, events=(unclear, *over.events))
    seen = msgspec.structs.replace(state, asking="", seen=found, settling=None)
    if state.settling is None:
        return Decision(seen)
    return _settled(seen, state.settling, found, context)


def look_failed(state: AccountState) -> Outcome:
    """The look that a person has wanted says nothing; nor does what two people have found hold by it."""
    alerts = () if state.settling is None else (AccountAlerted(UNCONFIRMED),)
    return Decision(msgspec.structs.replace(state, asking="", settling=None), events=alerts)


def heard(state: AccountState, message: CommandAnswered) -> AccountState:
    """With the account that this tells of."""
    number = message.account_number
    known = state.heard_numbers
    if message.outcome != "created" or not number or number in known:
        return state
    return msgspec.structs.replace(state, heard_numbers=(*known, number)[-NUMBERS_MAX:])


def was_settled(state: AccountState, message: CommandAnswered, attempt: int) -> bool:
    """Whether two people knew this when they settled it."""
    news = message.outcome == "created" and message.account_number not in state.settled_numbers
    return attempt <= state.settled_attempts and not news


def _settled(state: AccountState, word: SettleAccount, found: Seen, context: Context) -> Outcome:
    agreed = AccountSettled(word.outcome, word.maker, word.checker, word.reason)
    if word.outcome == "created" and found.account_number == word.account_number:
        over = created(
            state, found.account_number, AccountMade(state.attempts, healed=True), context
        )
    elif word.outcome == "refused" and found.outcome == "absent":
        over = refused(state, SETTLED, context)
    else:
        return Decision(state, events=(AccountAlerted(CONTRADICTED),))
    known = (*state.heard_numbers, state.account_number, found.account_number)
    after = msgspec.structs.replace(
        over.state, settled_attempts=state.attempts, settled_numbers=tuple(sorted({*known} - {""}))
    )
    return msgspec.structs.replace(over, state=after, events=(agreed, *over.events))


def answer_held(state: AccountState, message: CommandAnswered, context: Context) -> Outcome:
    """A person decides, unless all that was wanting is the answer which now comes (X9)."""
    attempt = sent_as(message.command_id, context.address.key)
    if attempt is None or not 0 < attempt <= state.attempts:
        return ignored(state, message, "COMMAND_UNKNOWN")
    state = heard(state, message)
    if state.code in UNANSWERED and not state.account_number:
        if message.outcome == "created" and message.account_number:
            made = AccountMade(attempt, message.healed)
            return created(state, message.account_number, made, context)
        last = command_of(context.address.key, state.attempts)
        if message.outcome == "refused" and message.command_id == last:
            return refused(state, message.code, context)
    if message.command_id == state.asking:
        return answer_wanted(state, message, context)
    return ignored(state, message, REPEATED)


def disown(state: AccountState, _message: DisownAccount, context: Context) -> Outcome:
    """Its file has come to nothing, and somebody has to close it there."""
    return held(state, ORPHANED, context)
