"""The machine of a claim: a person asks why a purchase gave no cashback, and somebody of the house decides.

Rules:
- what has an answer already (credited, ignored, nothing known) is answered, and nothing waits for anybody;
- what is open is granted by naming the partner whose purchase it was, as the partner was on its day, or
  refused with a reason; nobody grants what they claim themselves (FOUR_EYES);
- a grant is sent by the decision that grants it, to the connection that told of the purchase, which credits it
  once (adr/0035); it makes a labelled case, which names nobody;
- of what is refused the purchase is forgotten; the answer stays for the person;
- of what nobody has kept the provider is asked, and it waits until that has answered (seeking.py).

Source: spec.md E9, X23, S47; docs/matching.md; docs/adr/0038.
"""

import msgspec

from comptoir.actors.claim import seeking
from comptoir.actors.claim.messages import (
    CASES,
    COLLECTION,
    KIND,
    SAME_PERSON,
    ClaimDescribed,
    DescribeClaim,
    GrantClaim,
    OpenClaim,
    PurchaseDelayed,
    PurchaseFound,
    PurchaseMissed,
    RefuseClaim,
    SeekOn,
    StateClaim,
    place_of,
)
from comptoir.actors.claim.state import (
    ClaimDecided,
    ClaimOpened,
    ClaimState,
    Outcome,
    Phase,
    described,
)
from comptoir.actors.connection.messages import KIND as CONNECTION
from comptoir.actors.connection.messages import GrantPurchase, TransactionReported
from comptoir.actors.merchants.messages import CATALOGUE, Finder, shown_label
from comptoir.engine import Address, Decision, Message, Outgoing, Put, Refusal, Reply
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "REPLIES", "ClaimDecided", "ClaimOpened", "ClaimState", "Phase"]


def _open(_state: ClaimState, message: OpenClaim, context: Context) -> Outcome:
    waits = message.claimed is not None
    opened = ClaimState(
        Phase.OPEN if waits else Phase.ANSWERED, message.user_id, message.verdict, message.trace,
        message.claimed, context.now,
    )  # fmt: skip
    listed = (_listed(opened, context, waits=True),) if waits else ()
    return Decision(
        opened, described(opened), events=(ClaimOpened(message.verdict),), documents=listed
    )


def _listed(state: ClaimState, context: Context, *, waits: bool) -> Put:
    return Put(COLLECTION, place_of(state.opened_at, context.address.key), {"waits": waits})


def _grant(state: ClaimState, message: GrantClaim, context: Context) -> Outcome | Refusal:
    assert state.claimed is not None, "what is open has one"
    if message.maker and message.maker == state.user_id:
        return Refusal(SAME_PERSON, "whoever claims it does not grant it as well")
    report = state.claimed.report
    catalogue: Finder = context.references[CATALOGUE]
    partner = catalogue.get(message.partner_id)
    if partner is None:
        return Refusal("PARTNER_UNKNOWN", "there is no partner of this id")
    period = partner.on(report.date)
    if not period.valid_from <= report.date <= (period.valid_to or report.date):
        return Refusal("PARTNER_NOT_VALID", "its agreement does not cover the day of the purchase")
    granted = msgspec.structs.replace(
        state,
        phase=Phase.GRANTED,
        partner_id=partner.id,
        maker=message.maker,
        decided_at=context.now,
    )
    order = GrantPurchase(
        report, msgspec.structs.replace(period, earlier=()), context.address.key, state.trace
    )
    return Decision(
        granted,
        described(granted),
        events=(ClaimDecided("granted", message.maker, partner.id),),
        messages=(Outgoing(Address(CONNECTION, state.claimed.link), order),),
        documents=(_listed(state, context, waits=False), _case(report, partner.id, context)),
    )


def _case(report: TransactionReported, partner_id: str, context: Context) -> Put:
    """The line of a labelled set that the purchase makes; of whom and when it was it says nothing."""
    fields: dict[str, object] = {
        "label": shown_label(report.merchant_name),
        "mcc": report.mcc or None,
        "country": report.country,
        "partner": partner_id,
        "note": "a claim that was granted",
    }
    return Put(CASES, context.address.key, fields)


def _refuse(state: ClaimState, message: RefuseClaim, context: Context) -> Outcome:
    refused = msgspec.structs.replace(
        state, phase=Phase.REFUSED, claimed=None, maker=message.maker, reason=message.reason,
        decided_at=context.now,
    )  # fmt: skip
    return Decision(
        refused,
        described(refused),
        events=(ClaimDecided("refused", message.maker, reason=message.reason),),
        documents=(_listed(state, context, waits=False),),
    )


def _describe(state: ClaimState, _message: object, _context: Context) -> Outcome:
    return Decision(state, described(state))


def _ignore(state: ClaimState, _message: Message, _context: Context) -> Outcome:
    """It was on its way when another answer came."""
    return Decision(state)


DECIDED = (Phase.FOUND, Phase.ANSWERED, Phase.GRANTED, Phase.REFUSED)
ASKED: tuple[type[Message], ...] = (OpenClaim, StateClaim, GrantClaim, RefuseClaim, DescribeClaim)
SOUGHT: tuple[type[Message], ...] = (PurchaseFound, PurchaseMissed, PurchaseDelayed, SeekOn)
"""What comes while it waits, and may come late."""

MACHINE: Machine[ClaimState] = Machine(
    KIND,
    phases=Phase,
    messages=(*ASKED, *SOUGHT),
    rows=(
        row(Phase.NONE, OpenClaim, _open, Phase.OPEN, Phase.ANSWERED),
        row(Phase.NONE, StateClaim, seeking.state_claim, Phase.WAITING),
        *(row(Phase.WAITING, message, _describe, Phase.WAITING) for message in ASKED),
        row(Phase.WAITING, PurchaseFound, seeking.found, Phase.FOUND, Phase.ANSWERED),
        row(Phase.WAITING, PurchaseMissed, seeking.missed, Phase.ANSWERED),
        row(Phase.WAITING, PurchaseDelayed, seeking.delayed, Phase.WAITING),
        row(Phase.WAITING, SeekOn, seeking.seek_on, Phase.WAITING, Phase.ANSWERED),
        row(Phase.OPEN, GrantClaim, _grant, Phase.GRANTED),
        row(Phase.OPEN, RefuseClaim, _refuse, Phase.REFUSED),
        *(row(Phase.OPEN, message, _describe, Phase.OPEN)
          for message in (OpenClaim, StateClaim, DescribeClaim)),
        row(Phase.ANSWERED, StateClaim, seeking.state_again, Phase.ANSWERED, Phase.WAITING),
        # Whoever decides it again hears what was decided: an answer was lost, or they are two.
        *(
            row(phase, message, _describe, phase)
            for phase in DECIDED
            for message in ASKED
            if (phase, message) != (Phase.ANSWERED, StateClaim)
        ),
        *(
            row(phase, message, _ignore, phase)
            for phase in (*DECIDED, Phase.OPEN)
            for message in SOUGHT
        ),
    ),
    refusal=Refusal("NOT_FOUND", "nothing was claimed under this id"),
)  # fmt: skip

REPLIES: tuple[type[Reply], ...] = (ClaimDescribed,)
