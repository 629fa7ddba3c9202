"""Where a file stands whose client was accepted, and who is told on the way. Pure functions.

The rule: where it stands follows from what it has, and from nothing else: a signed contract, the last word of an advisor
who did not decide the case, an account. So whatever comes late, twice or in another order, leads to the same place, and
COMPLETED is never reached with one of them missing.
Source: spec.md S13, S14, S16, S18, X5; docs/adr/0057-a-file-stands-where-its-papers-are.md.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from comptoir.actors.cutoffs import cutoffs_of
from comptoir.actors.gateways.messages import MAIL, SendMail
from comptoir.actors.onboarding.completing import APPROVAL, SIGNATURE
from comptoir.actors.onboarding.messages import ClientInfo, Value
from comptoir.actors.onboarding.onward_events import SigningOpened, StaffUntold
from comptoir.actors.onboarding.onward_messages import (
    ApprovalDue,
    ApprovalKept,
    Onward,
    SignatureDue,
    SigningKept,
)
from comptoir.actors.onboarding.people import contract_of, declared
from comptoir.actors.onboarding.profile import values
from comptoir.actors.onboarding.staff_texts import approval_mail
from comptoir.actors.onboarding.state import OnboardingState, Phase
from comptoir.actors.onboarding.terms import terms_of
from comptoir.actors.signature.messages import KIND as SIGNING
from comptoir.actors.signature.messages import OpenSigning, Signer
from comptoir.engine import Address, Decision, Event, Outgoing
from comptoir.engine.machine import Context

__all__ = [
    "SIGNING_FIELDS",
    "Outcome",
    "anew",
    "awaited",
    "issued",
    "standing",
    "told",
    "with_onward",
]

Outcome = Decision[OnboardingState]
Told = tuple[tuple[Outgoing, ...], tuple[Event, ...]]
"""Mails, and an event for who could not be told."""
SIGNING_FIELDS: Final = (
    "firstName", "lastName", "dateOfBirth", "residenceCountry", "nationality", "address/", "entity/",
    "occupation/",
)  # fmt: skip
"""What a contract may say of its client: no number that a state gave, nothing of their means."""


def with_onward(state: OnboardingState, **changes: Any) -> OnboardingState:
    """With another signing, approval or account."""
    return msgspec.structs.replace(state, onward=msgspec.structs.replace(state.onward, **changes))


def anew(state: OnboardingState) -> OnboardingState:
    """Of a file that is assessed again: what was signed and approved before is of before."""
    was = state.onward
    signing = SigningKept(round=was.signing.round, reissues=was.signing.reissues)
    return msgspec.structs.replace(
        state, onward=Onward(signing, account=was.account, reviewers=was.reviewers)
    )


def standing(state: OnboardingState) -> Phase:
    """Where it stands, if nothing speaks against its client; INCOMPLETE: the mainframe does."""
    onward = state.onward
    if onward.signing.status != "signed":
        return Phase.KYC_APPROVED
    if onward.account.status == "refused":
        return Phase.INCOMPLETE
    if not onward.approval.approved or onward.account.status == "none":
        return Phase.SIGNED
    created = onward.account.status == "created"
    return Phase.COMPLETED if created else Phase.ACCOUNT_CREATION_PENDING


def issued(state: OnboardingState, context: Context) -> Outcome:
    """With its contract on the way, where contracts are signed at all; a round more than before."""
    terms, opened = terms_of(context), state.opened
    assert opened is not None, "asked of files that have begun"
    template = contract_of(state, terms)
    if not (terms.signing and template):
        return Decision(state)
    was = state.onward.signing
    until = context.now + terms.signature_ms
    signing = SigningKept(
        "preparing", was.round + 1, due_at=until, at=context.now, reissues=was.reissues
    )
    client = declared(state)
    question = OpenSigning(
        signing.round, template, opened.client_type, _signer(client, opened.user_id),
        _contract_values(values(state.said)),
    )  # fmt: skip
    return Decision(
        with_onward(state, signing=signing),
        events=(SigningOpened(signing.round),),
        messages=(
            Outgoing(Address(SIGNING, context.address.key), question),
            Outgoing(context.address, SignatureDue(), until, SIGNATURE),
        ),
    )


def _signer(client: ClientInfo, user_id: str) -> Signer:
    return Signer(client.first_name, client.last_name, client.email, client.phone, "fr", user_id)


def _contract_values(known: dict[str, Value]) -> dict[str, str]:
    return {
        path: value
        for path, value in known.items()
        if isinstance(value, str) and path.startswith(SIGNING_FIELDS)
    }


def awaited(state: OnboardingState, context: Context) -> Outcome:
    """Of a signed file: an advisor's word is due, and they are told."""
    days = terms_of(context).approval_days
    due_at = cutoffs_of(context).business_days_on(context.now, days)
    waits = with_onward(state, approval=ApprovalKept(due_at))
    mails, untold = told(
        waits, context, "approval", approval_mail(context.address.key, due_at, overdue=False)
    )
    timer = Outgoing(context.address, ApprovalDue(), due_at, APPROVAL)
    return Decision(waits, events=untold, messages=(timer, *mails), cancel=(SIGNATURE,))


def told(
    state: OnboardingState,
    context: Context,
    why: str,
    mail: tuple[str, str],
    to: Iterable[str] | None = None,
) -> Told:
    """Mails of one text, each with a reference of its own.

    Args:
        state: of the file.
        context: of the decision.
        why: part of the mails' reference.
        mail: subject and text.
        to: addresses; None: the file's advisor.
    """
    addresses = _advisor(state, context) if to is None else tuple(to)
    if not addresses:
        return (), (StaffUntold("ADVISOR_UNKNOWN" if to is None else "OPERATIONS_UNKNOWN"),)
    if not terms_of(context).mail:
        return (), (StaffUntold("MAIL_NOT_CONFIGURED"),)
    subject, text = mail
    stem = f"{context.address.key}:{why}:{context.now}"
    sent = (SendMail(f"{stem}:{at}", one, subject, text) for at, one in enumerate(addresses))
    return tuple(Outgoing(MAIL, one) for one in sent), ()


def _advisor(state: OnboardingState, context: Context) -> tuple[str, ...]:
    """Where a file's advisor is told. Of a file that a partner's program has brought the configuration says it, as it says who
    that is: an address that the partner named is its word, and receives nothing.
    """
    opened = state.opened
    assert opened is not None, "asked of files that have begun"
    address = terms_of(context).partner_advisor_email if opened.partner else opened.advisor_email
    return (address,) if address else ()
