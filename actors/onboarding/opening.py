"""How the account of a file is opened, as its file hears it: asked for once, created, late, or refused.

The rules:
- the mainframe is asked once for one file, ever, whatever happens: the file's number is its CLIENT-ID;
- late is not a failure, and says only for whom it is waited (X9);
- an answer to what was never asked changes nothing; the first that answers it counts, and none after it;
- created, the file is COMPLETED and its client told, if its contract and the last word still stand; refused, the file is
  INCOMPLETE for good, its contract is kept, advisor and operations are told: whoever corrects it begins another file; its
  documents and profile go when they were kept as long as those of any other (S18);
- the mainframe's own words stay in the file, under its seal: events and mails have a stable code;
- an account that comes to a file which was refused meanwhile is told to operations, who close it, and to the account, which
  is held until it is gone; then the file has none;
- an account that is held is told to operations. What they find counts as an answer; a file that has its end keeps its
  status, and what it says of its account is put right.
Source: spec.md S7, S13, S17, S18, S29, S32, X9; docs/adr/0057-a-file-stands-where-its-papers-are.md.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from comptoir.actors.account.messages import (
    KIND as ACCOUNT,
)
from comptoir.actors.account.messages import (
    AccountCreated,
    AccountDelayed,
    AccountHeld,
    AccountRefused,
    DisownAccount,
    OpenAccount,
)
from comptoir.actors.gateways.messages import MAIL, SendMail
from comptoir.actors.onboarding import onward_events as facts
from comptoir.actors.onboarding.account_fields import account_of, refusal_code
from comptoir.actors.onboarding.compensating import undone
from comptoir.actors.onboarding.keeping import kept_until
from comptoir.actors.onboarding.onward import Outcome, told, with_onward
from comptoir.actors.onboarding.onward_messages import AccountKept
from comptoir.actors.onboarding.profile import values
from comptoir.actors.onboarding.staff_texts import (
    account_mail,
    held_mail,
    lost_mail,
    orphan_mail,
    ready_mail,
)
from comptoir.actors.onboarding.state import OnboardingState, Phase, moved
from comptoir.actors.onboarding.terms import terms_of
from comptoir.engine import Address, Decision, Event, Message, Outgoing
from comptoir.engine.machine import Context, Row, row

__all__ = ["OPENING_ROWS", "asked", "completed", "orphaned", "refused"]

REFUSED: Final = "account_refused"


def asked(state: OnboardingState, context: Context) -> Outcome:
    """With its account asked for; a second time it is not."""
    if state.onward.account.status != "none":
        return Decision(state)
    word = OpenAccount(context.address.key, account_of(values(state.said)))
    return Decision(
        with_onward(state, account=AccountKept("asked", asked_at=context.now)),
        events=(facts.AccountAsked(),),
        messages=(Outgoing(Address(ACCOUNT, context.address.key), word),),
    )


def completed(state: OnboardingState, context: Context) -> Outcome:
    """It is COMPLETED: the client hears that the account is there (S7)."""
    done = moved(state, Phase.COMPLETED, ("ACCOUNT_CREATED", "mainframe"), context.now)
    assert done.client is not None, "asked of files that have begun"
    if not terms_of(context).mail:
        return Decision(done, events=(facts.StaffUntold("MAIL_NOT_CONFIGURED"),))
    subject, text = ready_mail()
    mail = SendMail(f"{context.address.key}:ready", done.client.email, subject, text)
    return Decision(done, messages=(Outgoing(MAIL, mail),))


def refused(state: OnboardingState, context: Context) -> Outcome:
    """It is INCOMPLETE for good: what was done is undone or kept by rule (S18)."""
    over = moved(state, Phase.INCOMPLETE, ("ACCOUNT_REFUSED", "mainframe"), context.now)
    left, gone, cancel = undone(over, context, "ACCOUNT_REFUSED")
    mail = account_mail(context.address.key, refusal_code(state.onward.account.code))
    mails, untold = _everybody(left, context, "account", mail)
    return Decision(
        msgspec.structs.replace(left, cause=REFUSED),
        events=untold, messages=(*gone, *mails, *kept_until(left, context)), cancel=cancel,
    )  # fmt: skip


def orphaned(state: OnboardingState, context: Context) -> Outcome:
    """There is an account, and a file that has come to nothing."""
    mail = orphan_mail(context.address.key)
    mails, untold = _everybody(state, context, "orphan", mail)
    return Decision(
        state,
        events=(facts.AccountOrphaned(state.phase.value), *untold),
        messages=(Outgoing(Address(ACCOUNT, context.address.key), DisownAccount()), *mails),
    )


def _everybody(
    state: OnboardingState, context: Context, why: str, mail: tuple[str, str]
) -> tuple[tuple[Outgoing, ...], tuple[Event, ...]]:
    """The file's advisor, and operations."""
    mine, alone = told(state, context, why, mail)
    theirs, unheard = told(state, context, f"{why}:operations", mail, terms_of(context).operations)
    return (*mine, *theirs), (*alone, *unheard)


def _waits(state: OnboardingState) -> bool:
    """Whether an answer is still wanted."""
    return state.onward.account.status in ("asked", "late", "held")


def _with_account(state: OnboardingState, message: AccountCreated, now: int) -> OnboardingState:
    there = msgspec.structs.replace(
        state.onward.account, status="created", number=message.account_number, code="", at=now
    )
    return msgspec.structs.replace(with_onward(state, account=there), updated_at=now)


def _without_account(state: OnboardingState, message: AccountRefused, now: int) -> OnboardingState:
    none = msgspec.structs.replace(
        state.onward.account, status="refused", number="", code=message.code, at=now
    )
    return msgspec.structs.replace(with_onward(state, account=none), updated_at=now)


def _created(state: OnboardingState, message: AccountCreated, context: Context) -> Outcome:
    if not _waits(state):
        return Decision(state)
    done = completed(_with_account(state, message, context.now), context)
    return msgspec.structs.replace(done, events=(facts.AccountCreated(), *done.events))


def _created_meanwhile(
    state: OnboardingState, message: AccountCreated, context: Context
) -> Outcome:
    """It is there; whether the file is COMPLETED is somebody else's word."""
    if not _waits(state):
        return Decision(state)
    there = _with_account(state, message, context.now)
    return Decision(there, events=(facts.AccountCreated(),))


def _created_in_vain(state: OnboardingState, message: AccountCreated, context: Context) -> Outcome:
    if not _waits(state):
        return Decision(state)
    return orphaned(_with_account(state, message, context.now), context)


def _refused(state: OnboardingState, message: AccountRefused, context: Context) -> Outcome:
    if not _waits(state):
        return Decision(state)
    over = refused(_without_account(state, message, context.now), context)
    return msgspec.structs.replace(
        over, events=(facts.AccountNotOpened(refusal_code(message.code)), *over.events)
    )


def _refused_meanwhile(
    state: OnboardingState, message: AccountRefused, context: Context
) -> Outcome:
    if not _waits(state):
        return Decision(state)
    none = _without_account(state, message, context.now)
    return Decision(none, events=(facts.AccountNotOpened(refusal_code(message.code)),))


def _refused_in_vain(state: OnboardingState, message: AccountRefused, context: Context) -> Outcome:
    """There never was one; or the one that nobody wanted was closed."""
    if state.onward.account.status == "created":
        return _still_none(state, message, context)
    return _refused_meanwhile(state, message, context)


def _delayed(state: OnboardingState, _message: AccountDelayed, context: Context) -> Outcome:
    if state.onward.account.status != "asked":
        return Decision(state)
    late = msgspec.structs.replace(state.onward.account, status="late")
    told_late = msgspec.structs.replace(with_onward(state, account=late), updated_at=context.now)
    return Decision(told_late, events=(facts.AccountLate(),))


def _held(state: OnboardingState, message: AccountHeld, context: Context) -> Outcome:
    """People find out; operations are mailed."""
    if state.onward.account.status == "none":
        return Decision(state)
    account = msgspec.structs.replace(state.onward.account, status="held", code=message.code)
    waits = msgspec.structs.replace(with_onward(state, account=account), updated_at=context.now)
    mail = held_mail(context.address.key, message.code)
    mails, untold = told(waits, context, "held", mail, terms_of(context).operations)
    return Decision(waits, events=(facts.AccountHeld(message.code), *untold), messages=mails)


def _is_held(state: OnboardingState) -> bool:
    return state.onward.account.status == "held"


def _found_again(state: OnboardingState, message: AccountCreated, context: Context) -> Outcome:
    """A completed file has an account: as it was told, or another one."""
    if not _is_held(state):
        return Decision(state)
    there = _with_account(state, message, context.now)
    return Decision(there, events=(facts.AccountSettled("created"),))


def _lost(state: OnboardingState, message: AccountRefused, context: Context) -> Outcome:
    """A completed file has none: somebody tells its client."""
    if not _is_held(state):
        return Decision(state)
    none = _without_account(state, message, context.now)
    mails, untold = _everybody(none, context, "lost", lost_mail(context.address.key))
    return Decision(none, events=(facts.AccountSettled("refused"), *untold), messages=mails)


def _still_none(state: OnboardingState, message: AccountRefused, context: Context) -> Outcome:
    """A file that has come to nothing has no account either, or none any more: so its time ends, as one's does without."""
    if state.onward.account.status not in ("held", "created"):
        return Decision(state)
    none = _without_account(state, message, context.now)
    ends = kept_until(none, context)
    return Decision(none, events=(facts.AccountSettled("refused"),), messages=ends)


def _found_in_vain(state: OnboardingState, message: AccountCreated, context: Context) -> Outcome:
    """A file was closed because its account was refused, and there is one."""
    return _created_in_vain(state, message, context) if _is_held(state) else Decision(state)


def _nothing(state: OnboardingState, _message: Message, _context: Context) -> Outcome:
    """It was answered, or never asked."""
    return Decision(state)


_HELD: Final = (Phase.COMPLIANCE_HOLD, Phase.SIGNED)
"""Its account may be on the way all the same: it was held, or its last word fell, after the account was asked for."""

_ENDED: Final = (Phase.COMPLETED, Phase.INCOMPLETE)


def _rows() -> Iterator[Row]:
    pending = Phase.ACCOUNT_CREATION_PENDING
    yield row(pending, AccountCreated, _created, pending, Phase.COMPLETED)
    yield row(pending, AccountRefused, _refused, pending, Phase.INCOMPLETE)
    for phase in _HELD:
        yield row(phase, AccountCreated, _created_meanwhile, phase)
    yield row(Phase.COMPLIANCE_HOLD, AccountRefused, _refused_meanwhile, Phase.COMPLIANCE_HOLD)
    yield row(Phase.SIGNED, AccountRefused, _refused, Phase.SIGNED, Phase.INCOMPLETE)
    yield row(Phase.KYC_REJECTED, AccountCreated, _created_in_vain, Phase.KYC_REJECTED)
    yield row(Phase.KYC_REJECTED, AccountRefused, _refused_in_vain, Phase.KYC_REJECTED)
    for phase in (pending, *_HELD, Phase.KYC_REJECTED):
        yield row(phase, AccountDelayed, _delayed, phase)
    yield row(Phase.COMPLETED, AccountCreated, _found_again, Phase.COMPLETED)
    yield row(Phase.COMPLETED, AccountRefused, _lost, Phase.COMPLETED)
    yield row(Phase.INCOMPLETE, AccountCreated, _found_in_vain, Phase.INCOMPLETE)
    yield row(Phase.INCOMPLETE, AccountRefused, _still_none, Phase.INCOMPLETE)
    for phase in _ENDED:
        yield row(phase, AccountDelayed, _nothing, phase)
    for phase in Phase:
        if phase is not Phase.NONE:
            yield row(phase, AccountHeld, _held, phase)
        if phase not in (Phase.NONE, pending, *_HELD, Phase.KYC_REJECTED, *_ENDED):
            for message in (AccountCreated, AccountRefused, AccountDelayed):
                yield row(phase, message, _nothing, phase)


OPENING_ROWS: Final[tuple[Row, ...]] = tuple(_rows())
