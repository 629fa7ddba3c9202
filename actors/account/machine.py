"""The machine of an account on the mainframe: created once, however late, often or confusedly its answers come.

Rules:
- a command is published once. That no answer comes is no failure (X9): the file is told once that it takes longer, and
  whatever comes later counts all the same;
- nothing is ever published again before it was looked, by CLIENT-ID, whether there is an account, twice, one
  reconciliation after the other, with the time that a creation takes between them; and a bounded number of times;
- an answer counts by what it answers: a refusal only where it is of the last command, "absent" only once for each look.
  What cannot be read, or is of somebody else, decides nothing, and makes us look;
- answers that contradict each other, or a second account, hold it for people, and so does an account whose file has come to
  nothing: the file is told so, and nothing more until it is settled (holding.py);
- what the mainframe changes is applied once, in the order of its sequence (applying.py), and what a file corrects is
  commanded once (correcting.py).

Source: spec.md S29 to S33, X9, X10, E11; docs/core-banking.md; docs/adr/0054-an-answer-is-never-awaited.md.
"""

from typing import Final

import msgspec

from comptoir.actors.account.applying import change, gap, untold
from comptoir.actors.account.correcting import (
    corrected,
    correction_due,
    correction_refused,
    wanted,
)
from comptoir.actors.account.holding import (
    answer_held,
    answer_wanted,
    disown,
    heard,
    look_by_hand,
    look_failed,
    settle,
    unanswered,
    was_settled,
)
from comptoir.actors.account.messages import (
    KIND,
    AccountCreated,
    AccountDelayed,
    AccountDescribed,
    AccountDue,
    ChangesDue,
    CommandAnswered,
    CoreBankingChanged,
    CorrectionDue,
    CorrectProfile,
    DescribeAccount,
    DisownAccount,
    ListAccount,
    LookForAccount,
    OpenAccount,
    SettleAccount,
)
from comptoir.actors.account.outcomes import (
    DUE,
    REPEATED,
    UNCLEAR,
    Outcome,
    command,
    created,
    held,
    ignored,
    listed,
    refused,
    tell,
)
from comptoir.actors.account.state import (
    AccountAsked,
    AccountLate,
    AccountMade,
    AccountSought,
    AccountState,
    AnswerIgnored,
    Phase,
    command_of,
    corrected_as,
    corrections_look,
    described,
    sent_as,
)
from comptoir.actors.account.terms import core_terms_of
from comptoir.actors.gateways.core_messages import (
    CommandPublished,
    CommandRefused,
)
from comptoir.engine import Decision, Message, Outgoing, Refusal, Reply
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "REPLIES"]

ABSENT_ENOUGH: Final = 2
"""Looks, one after the other, that must find nothing before a command is published again."""
ATTEMPTS_MAX: Final = 3
LOOKS_MAX: Final = 60
"""Of one account: at ever longer intervals, a month and more."""
DOUBLINGS_MAX: Final = 7
"""From ten minutes to 21 hours between two looks."""


def _open(state: AccountState, message: OpenAccount, context: Context) -> Outcome:
    """Publish the command. After a refusal, which has created nothing, it is a new one."""
    asked = AccountState(
        Phase.ASKED, message.profile, context.now, attempts=state.attempts,
        settled_attempts=state.settled_attempts, settled_numbers=state.settled_numbers,
        heard_numbers=state.heard_numbers,
    )  # fmt: skip
    published = _publish(asked, context)
    due = Outgoing(context.address, AccountDue(), context.now + core_terms_of(context).wait_ms, DUE)
    waits = (listed(asked, context, waits=True),)
    return msgspec.structs.replace(published, messages=(*published.messages, due), documents=waits)


def _publish(state: AccountState, context: Context) -> Outcome:
    attempt = state.attempts + 1
    sent = msgspec.structs.replace(state, attempts=attempt, absent=0, looking="")
    name = command_of(context.address.key, attempt)
    published = command(sent, context, "CREATE_ACCOUNT", name)
    return Decision(sent, events=(AccountAsked(attempt),), messages=(published,))


def _there(state: AccountState, _message: OpenAccount, context: Context) -> Outcome:
    """It is there already, and whoever asks is told again."""
    return Decision(
        state, messages=(tell(context, AccountCreated(state.account_number, state.answered_at)),)
    )


def _due(state: AccountState, _message: AccountDue, context: Context) -> Outcome:
    """MQ's wait is over; or it is time to look."""
    if state.phase is Phase.LATE:
        return _look(state, context)
    late = msgspec.structs.replace(state, phase=Phase.LATE)
    at = max(state.asked_at + core_terms_of(context).look_ms, context.now)
    return Decision(
        late,
        events=(AccountLate(state.attempts),),
        messages=(
            tell(context, AccountDelayed(context.now)),
            Outgoing(context.address, AccountDue(), at, DUE),
        ),
    )


def _look(state: AccountState, context: Context) -> Outcome:
    """Ask whether there is an account, and look again at the latest after a while that grows."""
    if state.looks - state.by_hand >= LOOKS_MAX:
        return held(state, "MAINFRAME_SILENT", context)
    number = state.looks + 1
    name = command_of(context.address.key, state.attempts, number)
    looking = msgspec.structs.replace(state, looks=number, looking=name)
    return Decision(
        looking,
        events=(AccountSought(number),),
        messages=(command(looking, context, "FIND_ACCOUNT", name), _again(looking, context)),
    )


def _again(state: AccountState, context: Context) -> Outgoing:
    looks = state.looks - state.by_hand
    pause = core_terms_of(context).look_ms << min(max(looks - 1, 0), DOUBLINGS_MAX)
    return Outgoing(context.address, AccountDue(), context.now + pause, DUE)


def _answer(state: AccountState, message: CommandAnswered, context: Context) -> Outcome:
    """An answer while it is waited for."""
    attempt = sent_as(message.command_id, context.address.key)
    if attempt is None or not 0 < attempt <= state.attempts:
        return ignored(state, message, "COMMAND_UNKNOWN")
    if was_settled(state, message, attempt):
        return ignored(state, message, REPEATED)
    state = heard(state, message)
    if message.outcome == "created" and message.account_number:
        made = AccountMade(attempt, message.healed)
        return created(state, message.account_number, made, context)
    if message.command_id == state.asking:
        return answer_wanted(state, message, context)
    if message.outcome == "refused":
        return _refusal(state, message, attempt, context)
    if message.outcome == "absent":
        return _absent(state, message, context)
    return _unclear(state, context)


def _refusal(
    state: AccountState, message: CommandAnswered, attempt: int, context: Context
) -> Outcome:
    """Only what answers the last command says that there will be none; a look changes nothing, so it cannot be refused."""
    if attempt < state.attempts:
        return ignored(state, message, "COMMAND_REPLACED")
    if message.command_id == command_of(context.address.key, attempt):
        return refused(state, message.code, context)
    if state.looking != message.command_id:
        return ignored(state, message, "LOOK_OVER")
    return _unclear(state, context)


def _absent(state: AccountState, message: CommandAnswered, context: Context) -> Outcome:
    """Nothing is there: once that is sure, and only then, the command is published again."""
    if message.command_id != state.looking:
        return ignored(state, message, "LOOK_OVER")
    seen = msgspec.structs.replace(state, looking="", absent=state.absent + 1)
    if seen.absent < ABSENT_ENOUGH:
        return Decision(seen, messages=(_again(seen, context),))
    if seen.attempts >= ATTEMPTS_MAX:
        return held(seen, "ACCOUNT_NEVER_MADE", context)
    published = _publish(seen, context)
    return msgspec.structs.replace(
        published, messages=(*published.messages, _again(published.state, context))
    )


def _unclear(state: AccountState, context: Context) -> Outcome:
    """What came cannot be read, or is somebody else's: what is true must be looked for."""
    unclear = AnswerIgnored("unknown", state.phase.value, UNCLEAR)
    if state.looking:  # that very look may be what is unclear: the timer looks again
        return Decision(state, events=(unclear,))
    if state.phase is Phase.ASKED:
        looked = _look(msgspec.structs.replace(state, phase=Phase.LATE), context)
        late = (AccountLate(state.attempts), *looked.events)
        told = tell(context, AccountDelayed(context.now))
        looked = msgspec.structs.replace(looked, events=late, messages=(told, *looked.messages))
    else:
        looked = _look(state, context)
    return msgspec.structs.replace(looked, events=(unclear, *looked.events))


def _command_refused(state: AccountState, message: CommandRefused, context: Context) -> Outcome:
    """It could not be put on the bus, or into a record: nothing was sent."""
    if message.command_id == state.asking:
        return look_failed(state)
    if message.command_id != command_of(context.address.key, state.attempts):
        replaced = AnswerIgnored("refused", state.phase.value, "COMMAND_REPLACED")
        return Decision(state, events=(replaced,))
    return refused(state, message.code, context)


def _not_published(state: AccountState, message: CommandRefused, context: Context) -> Outcome:
    """Of an account that has its answer: a correction can be meant, or a look that a person has wanted."""
    if state.asking and message.command_id == state.asking:
        return look_failed(state)
    if corrections_look(message.command_id):
        return Decision(state)
    number = corrected_as(message.command_id, context.address.key)
    return correction_refused(state, number, message.code, context)


def _answer_later(state: AccountState, message: CommandAnswered, context: Context) -> Outcome:
    """An answer to what is answered: the same again changes nothing, another one holds it."""
    if corrected_as(message.command_id, context.address.key) is not None:
        return corrected(state, message, context)
    attempt = sent_as(message.command_id, context.address.key)
    if attempt is None or not 0 < attempt <= state.attempts:
        return ignored(state, message, "COMMAND_UNKNOWN")
    if was_settled(state, message, attempt):
        return ignored(state, message, REPEATED)
    state = heard(state, message)
    made = message.outcome == "created" and bool(message.account_number)
    if made and state.phase is Phase.REFUSED:
        found = msgspec.structs.replace(state, account_number=message.account_number)
        return held(found, "CREATED_YET_REFUSED", context)
    if made and message.account_number != state.account_number:
        return held(state, "SECOND_ACCOUNT", context)
    last = message.command_id == command_of(context.address.key, state.attempts)
    if message.outcome == "refused" and last and state.phase is Phase.CREATED:
        return held(state, "CREATED_YET_REFUSED", context)
    return ignored(state, message, REPEATED)


def _answer_held(state: AccountState, message: CommandAnswered, context: Context) -> Outcome:
    """To a correction that was under way; any other as holding.py has it."""
    if corrected_as(message.command_id, context.address.key) is not None:
        return corrected(state, message, context)
    return answer_held(state, message, context)


def _noted(state: AccountState, _message: Message, _context: Context) -> Outcome:
    """Nothing follows from it."""
    return Decision(state)


def _list(state: AccountState, _message: ListAccount, context: Context) -> Outcome:
    """It stands in the list as it is, and its file has been told all."""
    told, words = untold(state, context)
    waits = state.phase in (*_WAITING, Phase.HELD)
    return Decision(told, messages=words, documents=(listed(state, context, waits=waits),))


def _describe(
    state: AccountState, _message: DescribeAccount | LookForAccount, _context: Context
) -> Outcome:
    """How far it is; of one that has its end, nobody needs to look."""
    return Decision(state, described(state))


_WAITING = (Phase.ASKED, Phase.LATE)
_ENDS = (Phase.CREATED, Phase.REFUSED, Phase.HELD)
_ALL = (*_WAITING, *_ENDS)

MACHINE: Machine[AccountState] = Machine(
    KIND,
    phases=Phase,
    messages=(
        OpenAccount, CommandPublished, CommandRefused, CommandAnswered, AccountDue, CoreBankingChanged, ChangesDue,
        CorrectProfile, CorrectionDue, DescribeAccount, ListAccount, LookForAccount, SettleAccount, DisownAccount,
    ),
    rows=(
        row(Phase.NONE, OpenAccount, _open, Phase.ASKED),
        row(Phase.REFUSED, OpenAccount, _open, Phase.ASKED),
        row(Phase.CREATED, OpenAccount, _there, Phase.CREATED),
        *(row(x, OpenAccount, _noted, x) for x in (*_WAITING, Phase.HELD)),
        *(row(x, CommandPublished, _noted, x) for x in _ALL),
        *(row(x, CommandRefused, _command_refused, x, Phase.REFUSED) for x in _WAITING),
        *(row(x, CommandRefused, _not_published, x) for x in _ENDS),
        row(Phase.ASKED, CommandAnswered, _answer, Phase.ASKED, Phase.LATE, *_ENDS),
        row(Phase.LATE, CommandAnswered, _answer, Phase.LATE, *_ENDS),
        row(Phase.CREATED, CommandAnswered, _answer_later, Phase.CREATED, Phase.HELD),
        row(Phase.REFUSED, CommandAnswered, _answer_later, Phase.REFUSED, Phase.HELD),
        row(Phase.HELD, CommandAnswered, _answer_held, Phase.HELD, Phase.CREATED, Phase.REFUSED),
        row(Phase.ASKED, AccountDue, _due, Phase.LATE),
        row(Phase.LATE, AccountDue, _due, Phase.LATE, Phase.HELD),
        *(row(x, AccountDue, _noted, x) for x in (Phase.CREATED, Phase.REFUSED)),
        row(Phase.HELD, AccountDue, unanswered, Phase.HELD),
        *(row(x, CoreBankingChanged, change, x) for x in _ALL),
        *(row(x, ChangesDue, gap, x) for x in _ALL),
        *(row(x, CorrectProfile, wanted, x) for x in _ALL),
        *(row(x, CorrectionDue, correction_due, x) for x in _ALL),
        *(row(x, ListAccount, _list, x) for x in _ALL),
        *(row(x, DescribeAccount, _describe, x) for x in _ALL),
        *(row(x, LookForAccount, look_by_hand, x) for x in (*_WAITING, Phase.HELD)),
        *(row(x, LookForAccount, _describe, x) for x in (Phase.CREATED, Phase.REFUSED)),
        row(Phase.HELD, SettleAccount, settle, Phase.HELD),
        *(row(x, SettleAccount, _noted, x) for x in (*_WAITING, Phase.CREATED, Phase.REFUSED)),
        row(Phase.CREATED, DisownAccount, disown, Phase.HELD),
        *(row(x, DisownAccount, _noted, x) for x in (*_WAITING, Phase.REFUSED, Phase.HELD)),
    ),
    refusal=Refusal("NOT_FOUND", "no account was asked for this file"),
)  # fmt: skip

REPLIES: tuple[type[Reply], ...] = (AccountDescribed,)
