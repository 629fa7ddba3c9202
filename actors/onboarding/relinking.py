"""A file sends its client another link, because the client has asked for it (docs/portal.md).

Rules:
- it goes to the mail address and the telephone with which the file began, and to no others, whoever asks;
- as long as there is anything for the client to do or to see; a file that is INCOMPLETE is its advisor's to resume, and one
  that was rejected lets nobody in;
- where nobody carries mail, or what is left of the file names nobody, nothing happens.

Source: spec.md S4, S9, S44, X8.
"""

from typing import Final

from comptoir.actors.invitation.messages import KIND as INVITATION
from comptoir.actors.invitation.messages import InviteClient
from comptoir.actors.onboarding.link_messages import RenewLink
from comptoir.actors.onboarding.messages import KIND
from comptoir.actors.onboarding.state import OnboardingState, Phase
from comptoir.actors.onboarding.terms import terms_of
from comptoir.engine import Address, Decision, Event, Outgoing
from comptoir.engine.machine import Context, row

__all__ = ["RELINKING_ROWS", "LinkSentAgain"]


class LinkSentAgain(Event, frozen=True):
    """The client asked for another link, and it is on its way."""


Outcome = Decision[OnboardingState]


def _renew(state: OnboardingState, message: RenewLink, context: Context) -> Outcome:
    terms, opened, client = terms_of(context), state.opened, state.client
    carried = client is not None and terms.mail and (terms.sms or not client.phone)
    if opened is None or client is None or not carried:
        return Decision(state)
    invitation = InviteClient(
        context.address.key, opened.user_id, client.email, client.phone, message.language, message.link,
        message.digest, message.reference, KIND, message.listing, tells=state.phase is Phase.INITIATED,
    )  # fmt: skip
    sent = Outgoing(Address(INVITATION, context.address.key), invitation)
    return Decision(state, events=(LinkSentAgain(),), messages=(sent,))


def _nothing(state: OnboardingState, _message: RenewLink, _context: Context) -> Outcome:
    return Decision(state)


_SHUT: Final = (Phase.NONE, Phase.INCOMPLETE, Phase.KYC_REJECTED)
RELINKING_ROWS: Final = tuple(
    row(phase, RenewLink, _nothing if phase in _SHUT else _renew, phase) for phase in Phase
)
