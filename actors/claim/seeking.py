"""A claim whose purchase nobody has kept: its provider is asked, for as long as it takes (X23).

Rules:
- the connection is asked, which alone knows whether it may be read; the provider is asked through its gateway, and
  what is parked there waits with the claim, which says so;
- where the provider was away for longer than the gateway tries, the claim asks again every ten minutes; after a
  month it gives up, whatever became of its call;
- what is on record already is the answer; what is not becomes the claim of its purchase, of which there is one,
  and goes on as if it had been kept;
- what a person has stated is forgotten with the answer. The same asked again soon has the same answer: nobody makes
  us ask a provider more often than that.

Source: spec.md X23, S57, S60, S65, E9; docs/adr/0038.
"""

from typing import Final

import msgspec

from comptoir.actors.claim.messages import (
    KIND,
    Claimed,
    OpenClaim,
    PurchaseDelayed,
    PurchaseFound,
    PurchaseMissed,
    Reason,
    SeekOn,
    StateClaim,
    Verdict,
    purchase_claim,
    verdict_of,
)
from comptoir.actors.claim.state import ClaimOpened, ClaimState, Outcome, Phase, described
from comptoir.actors.connection.messages import KIND as CONNECTION
from comptoir.actors.connection.messages import SeekPurchase
from comptoir.actors.programme import DAY_MS
from comptoir.engine import Address, Decision, Outgoing
from comptoir.engine.machine import Context

__all__ = ["delayed", "found", "missed", "seek_on", "state_again", "state_claim"]

SEEKING: Final = "seeking"
"""The timer's name."""
ASK_AGAIN_MS: Final = 600_000
"""Between two rounds of the gateway's own retries."""
WAIT_MS_MAX: Final = 30 * DAY_MS
"""As long as a gateway parks a call."""
ANSWER_STANDS_MS: Final = 600_000
VERDICTS: Final = {
    Reason.NOT_AT_BANK: Verdict.NOT_FOUND,
    Reason.OTHER_CURRENCY: Verdict.IGNORED,
}
"""Of the reasons; of all others nothing is kept."""


def state_claim(_state: ClaimState, message: StateClaim, context: Context) -> Outcome:
    """The provider is to be asked."""
    waiting = ClaimState(
        Phase.WAITING, message.user_id, Verdict.SEARCHED, message.trace, opened_at=context.now,
        because=Reason.SEARCHING, id=context.address.key, link=message.link, stated=message.stated,
    )  # fmt: skip
    return Decision(
        waiting,
        described(waiting),
        events=(ClaimOpened(Verdict.SEARCHED),),
        messages=_ask(waiting, context),
    )


def state_again(state: ClaimState, message: StateClaim, context: Context) -> Outcome:
    """It was answered: what was true a while ago may be otherwise now."""
    if context.now < state.decided_at + ANSWER_STANDS_MS:
        return Decision(state, described(state))
    return state_claim(state, message, context)


def _ask(state: ClaimState, context: Context, *, again: bool = False) -> tuple[Outgoing, ...]:
    assert state.stated is not None, "what waits has been stated"
    asked = SeekPurchase(context.address.key, state.stated, again)
    give_up_at = state.opened_at + WAIT_MS_MAX
    return (
        Outgoing(Address(CONNECTION, state.link), asked),
        Outgoing(context.address, SeekOn(), give_up_at, SEEKING),
    )


def delayed(state: ClaimState, _message: PurchaseDelayed, context: Context) -> Outcome:
    """Come back to it."""
    at = context.now + ASK_AGAIN_MS
    return Decision(state, messages=(Outgoing(context.address, SeekOn(), at, SEEKING),))


def seek_on(state: ClaimState, _message: SeekOn, context: Context) -> Outcome:
    """Ask again, or give up."""
    if context.now < state.opened_at + WAIT_MS_MAX:
        return Decision(state, messages=_ask(state, context, again=True))
    return Decision(_answered(state, Verdict.NOT_KEPT, Reason.PROVIDER_SILENT, context))


def missed(state: ClaimState, message: PurchaseMissed, context: Context) -> Outcome:
    """There is nothing to decide."""
    verdict = VERDICTS.get(message.reason, Verdict.NOT_KEPT)
    return Decision(_answered(state, verdict, message.reason, context), cancel=(SEEKING,))


def found(state: ClaimState, message: PurchaseFound, context: Context) -> Outcome:
    """It is on record, or becomes the claim of its purchase."""
    if message.standing:
        known = _answered(state, verdict_of(message.standing), None, context)
        shown = msgspec.structs.replace(known, trace=message.trace)
        return Decision(shown, cancel=(SEEKING,))
    claimed = Claimed(message.report, state.link)
    name = purchase_claim(state.user_id, claimed)
    answered = _answered(state, Verdict.FETCHED, None, context)
    opened = OpenClaim(state.user_id, Verdict.FETCHED, message.trace, claimed)
    return Decision(
        msgspec.structs.replace(answered, phase=Phase.FOUND, claim=name),
        messages=(Outgoing(Address(KIND, name), opened),),
        cancel=(SEEKING,),
    )


def _answered(
    state: ClaimState, verdict: Verdict, reason: Reason | None, context: Context
) -> ClaimState:
    return msgspec.structs.replace(
        state,
        phase=Phase.ANSWERED,
        verdict=verdict,
        because=reason,
        stated=None,
        decided_at=context.now,
    )
