"""The machine of a signature: the contract of one file, from when it is asked for to when it is kept.

Rules:
- the contract is drawn, sent, and signed or not; each round is one contract, and a higher one voids what went before
  (beginning.py);
- one that was issued anew and had been signed before is evidence, and nothing else (superseded.py);
- the end is a function of what was reported, whatever its order and number: signed wins, and is never undone (hearing.py);
- where no report comes the provider is asked, and nothing waits for ever (hearing.py, ending.py);
- in our own portal the signer signs what they saw, by a one-time code (portal.py).
Source: spec.md S6, S7, S16, S18, S28, E6; docs/signature.md; docs/adr/0052-a-contract-is-signed-without-a-provider.md.
"""

from comptoir.actors.gateways.signing_messages import (
    ContractMade,
    EnvelopeCreated,
    EnvelopeGone,
    EnvelopeStands,
    SignedFetched,
    SigningRefused,
)
from comptoir.actors.signature import beginning, ending, hearing, portal, superseded
from comptoir.actors.signature.messages import (
    KIND,
    AdmitSigner,
    DeclineContract,
    DescribeSigning,
    EnvelopeReported,
    EnvelopeTaken,
    ForgetContract,
    KeepContract,
    OpenSigning,
    ShowContract,
    SignContract,
    SignerAdmitted,
    SigningDescribed,
    SigningOver,
    SigningUnread,
    StandingDue,
    VoidSigning,
)
from comptoir.actors.signature.state import Phase, SignatureState, described
from comptoir.engine import Decision, Message, Reply
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "REPLIES"]


def _describe(
    state: SignatureState, _message: DescribeSigning, _context: Context
) -> Decision[SignatureState]:
    return Decision(state, described(state))


def _late(state: SignatureState, _message: Message, _context: Context) -> Decision[SignatureState]:
    """Nobody waits for it any more."""
    return Decision(state)


P = Phase
_BEGINNING = (P.DRAWING, P.SENDING)
_OPEN = (P.SENT, P.VIEWED)
_ENDED = (P.DECLINED, P.EXPIRED, P.VOIDED, P.FAILED)
_DONE = (P.FETCHING, P.SIGNED)
_BEGUN = (*_BEGINNING, *_OPEN, *_DONE, *_ENDED)
_HIGHER = {
    P.SENT: (P.SENT, P.VIEWED, P.FETCHING, P.DECLINED, P.EXPIRED, P.VOIDED, P.FAILED),
    P.VIEWED: (P.VIEWED, P.FETCHING, P.DECLINED, P.EXPIRED, P.VOIDED, P.FAILED),
    P.FAILED: (P.FAILED, P.VOIDED, P.EXPIRED, P.DECLINED, P.FETCHING),
    P.VOIDED: (P.VOIDED, P.EXPIRED, P.DECLINED, P.FETCHING),
    P.EXPIRED: (P.EXPIRED, P.DECLINED, P.FETCHING),
    P.DECLINED: (P.DECLINED, P.FETCHING),
    P.FETCHING: (P.FETCHING,),
    P.SIGNED: (P.SIGNED,),
}
"""Where a report may lead from each phase (state.RANK)."""

MACHINE: Machine[SignatureState] = Machine(
    KIND,
    phases=Phase,
    messages=(
        OpenSigning, ContractMade, EnvelopeCreated, SigningRefused, EnvelopeReported, EnvelopeStands,
        StandingDue, SigningOver, SignedFetched, EnvelopeGone, ShowContract, SignContract, AdmitSigner,
        DeclineContract, VoidSigning, KeepContract, DescribeSigning, ForgetContract,
    ),
    rows=(
        row(P.NONE, OpenSigning, beginning.reopen, P.DRAWING),
        row(P.NONE, EnvelopeReported, hearing.ignore, P.NONE),
        row(P.NONE, VoidSigning, _late, P.NONE),
        row(P.NONE, KeepContract, _late, P.NONE),
        # What was on its way when its file went.
        row(P.NONE, ContractMade, ending.made_in_vain, P.NONE),
        row(P.NONE, SignedFetched, ending.made_in_vain, P.NONE),
        row(P.NONE, EnvelopeCreated, ending.created_in_vain, P.NONE),
        *(row(P.NONE, x, _late, P.NONE) for x in (EnvelopeGone, EnvelopeStands, SigningRefused)),
        row(P.FETCHING, OpenSigning, beginning.reopen, P.FETCHING),
        *(
            row(x, OpenSigning, beginning.reopen, *dict.fromkeys((x, P.DRAWING)))
            for x in _BEGUN
            if x is not P.FETCHING
        ),
        *(row(x, DescribeSigning, _describe, x) for x in Phase),
        *(row(x, ForgetContract, ending.forget, P.NONE) for x in Phase),
        # It is drawn, and sent.
        row(P.DRAWING, ContractMade, beginning.drawn, P.DRAWING, P.SENDING),
        row(P.DRAWING, SigningRefused, beginning.drawn, P.DRAWING, P.FAILED),
        row(P.DRAWING, EnvelopeReported, hearing.ignore, P.DRAWING),
        row(P.DRAWING, EnvelopeCreated, beginning.overtaken, P.DRAWING),
        row(P.SENDING, ContractMade, _late, P.SENDING),
        row(
            P.SENDING, EnvelopeCreated, beginning.created,
            P.SENDING, P.SENT, P.VIEWED, P.FETCHING, P.DECLINED, P.EXPIRED, P.VOIDED, P.FAILED,
        ),
        row(P.SENDING, SigningRefused, beginning.created, P.SENDING, P.FAILED),
        row(P.SENDING, EnvelopeReported, hearing.hold, P.SENDING),
        # Reports, in every phase that knows its envelope.
        *(row(x, EnvelopeReported, hearing.report, *to) for x, to in _HIGHER.items()),
        *(row(x, EnvelopeStands, hearing.stands, *to) for x, to in _HIGHER.items()),
        *(row(x, EnvelopeGone, hearing.gone, x, P.FETCHING) for x in (*_OPEN, *_ENDED)),
        *(row(x, StandingDue, hearing.ask, x) for x in (*_OPEN, P.FETCHING)),
        *(row(x, SigningOver, ending.expire, x, P.EXPIRED) for x in _OPEN),
        row(P.FETCHING, SignedFetched, hearing.fetched, P.FETCHING, P.SIGNED),
        row(P.FETCHING, SigningRefused, hearing.fetched, P.FETCHING),
        # In our portal.
        *(row(x, ShowContract, portal.show, P.VIEWED, x) for x in (P.SENT,)),
        row(P.VIEWED, ShowContract, portal.show, P.VIEWED),
        *(row(x, ShowContract, portal.shown, x) for x in (*_BEGINNING, *_DONE, *_ENDED)),
        row(P.SENT, SignContract, portal.unread, P.SENT),
        row(P.VIEWED, SignContract, portal.sign, P.FETCHING),
        *(row(x, SignContract, portal.signed_before, x) for x in (*_DONE, *_ENDED)),
        *(row(x, AdmitSigner, portal.admit, x) for x in _OPEN),
        *(row(x, AdmitSigner, portal.shown, x) for x in (*_BEGINNING, *_DONE, *_ENDED)),
        *(row(x, DeclineContract, portal.decline, P.DECLINED) for x in _OPEN),
        row(P.DECLINED, DeclineContract, portal.declined_before, P.DECLINED),
        # The file ends it.
        *(row(x, VoidSigning, ending.void, P.VOIDED) for x in (*_BEGINNING, *_OPEN)),
        *(row(x, VoidSigning, ending.void, x) for x in _ENDED),
        *(row(x, VoidSigning, _late, x) for x in _DONE),
        *(row(x, KeepContract, ending.keep, P.VOIDED) for x in (*_BEGINNING, *_OPEN)),
        *(row(x, KeepContract, ending.keep, x) for x in (*_ENDED, *_DONE)),
        *(row(x, EnvelopeCreated, ending.created_late, x) for x in _ENDED),
        # What was on its way when it ended, or when it was begun anew.
        *(row(x, EnvelopeCreated, beginning.overtaken, x) for x in (*_OPEN, *_DONE)),
        *(row(x, ContractMade, _late, x) for x in (*_OPEN, *_DONE, *_ENDED)),
        *(row(x, SigningRefused, _late, x) for x in (*_OPEN, P.SIGNED, *_ENDED)),
        *(row(x, SignedFetched, superseded.fetched, x) for x in (*_BEGINNING, *_OPEN, P.SIGNED, *_ENDED)),
        *(row(x, EnvelopeStands, _late, x) for x in _BEGINNING),
        *(row(x, EnvelopeGone, superseded.gone, x) for x in (*_BEGINNING, *_DONE)),
        *(row(x, StandingDue, superseded.due, x) for x in (*_BEGINNING, P.SIGNED)),
        *(row(x, StandingDue, ending.void_again, x) for x in _ENDED),
        *(row(x, SigningOver, _late, x) for x in (*_BEGINNING, *_DONE, *_ENDED)),
    ),
    refusal=portal.NOT_FOUND,
)  # fmt: skip

REPLIES: tuple[type[Reply], ...] = (SigningDescribed, EnvelopeTaken, SigningUnread, SignerAdmitted)
