"""How a case asks those who know people, and takes what they answer.

The rules:
- everything is asked at once, in the decision that begins; each answer comes once, in any order, under the reference
  of its question, and one that nobody waits for changes nothing;
- a party that is away parks its question, and the case waits (E5); what cannot be answered is noted with its reason,
  and clears nobody;
- the bureau's report comes by webhook, or is read when none has come (E6). The first counts; the same again is a duplicate;
  another one while the case is checked means that the bureau has told two things, which holds it; one that comes when
  nothing waits for it is on record, and changes nothing.
Source: spec.md S10, S11, S21, S27, E5, E6, X4; interface.md 8 (KYC_COMPLETED).
"""

from collections.abc import Iterator

import msgspec

from comptoir.actors.gateways.kyc_messages import (
    ADDRESSES,
    BUREAU,
    CREDIT,
    MEDIA,
    SCREENING,
    AddressChecked,
    CheckAddress,
    CheckCredit,
    CheckImpossible,
    CreditChecked,
    MediaSearched,
    PartyScreened,
    ReadVerification,
    ScreenParty,
    SearchMedia,
    StartVerification,
    VerificationStarted,
)
from comptoir.actors.kyc.concluding import DUE, CaseDecision, conclude, when_whole
from comptoir.actors.kyc.messages import (
    CASES,
    AssessClient,
    BureauReported,
    CaseDue,
    PostalAddress,
    ReportTaken,
)
from comptoir.actors.kyc.state import (
    AssessmentBegun,
    BureauHeard,
    KycState,
    Phase,
    ReportIgnored,
    reference_of,
)
from comptoir.actors.kyc.terms import kyc_terms_of
from comptoir.actors.review.messages import KIND as REVIEW
from comptoir.actors.review.messages import WithdrawReview
from comptoir.engine import Address, Decision, Outgoing, Put
from comptoir.engine.machine import Context

__all__ = [
    "address_checked", "assess", "credit_checked", "due", "impossible", "media_searched", "party_of",
    "report", "report_late", "screen_all", "screened", "started",
]  # fmt: skip

HEADLINES_MAX = 20
"""Kept of one party: one is enough for a person to look."""


def assess(state: KycState, message: AssessClient, context: Context) -> CaseDecision:
    """Begin, or begin again in another round; the same round again changes nothing."""
    if state.asked is not None and message.round <= state.asked.round:
        return Decision(state)
    terms, file = kyc_terms_of(context), context.address.key
    begun = KycState(
        Phase.CHECKING, message, context.now, context.now + terms.silent_ms,
        digests=state.digests, searches=state.searches + 1, words=state.words, reviews=state.reviews,
    )  # fmt: skip
    asked = tuple(_questions(begun, context))
    waits = tuple(dict.fromkeys(reference for reference, _ in asked))
    withdrawn = (
        (Outgoing(Address(REVIEW, file), WithdrawReview(state.reviews)),)
        if state.phase is Phase.HELD
        else ()
    )
    due = Outgoing(context.address, CaseDue(), context.now + terms.read_ms, DUE)
    return Decision(
        msgspec.structs.replace(begun, waits=waits),
        events=(AssessmentBegun(message.round, message.client_type, len(message.parties)),),
        messages=(*withdrawn, *(out for _, out in asked), due),
        documents=(Put(CASES, file, {"round": message.round}),),
    )


def _questions(state: KycState, context: Context) -> Iterator[tuple[str, Outgoing]]:
    asked, file = state.asked, context.address.key
    assert asked is not None, "just begun"
    reference = reference_of(file, asked.round, "identity")
    verification = StartVerification(
        reference, file, asked.client_type, asked.parties, asked.address, asked.email, asked.phone
    )
    yield reference, Outgoing(BUREAU, verification)
    if _is_known(asked.address):
        reference = reference_of(file, asked.round, "address")
        yield reference, Outgoing(ADDRESSES, CheckAddress(reference, asked.address))
    reference = reference_of(file, asked.round, "credit")
    yield reference, Outgoing(CREDIT, CheckCredit(reference, asked.parties[0], asked.address))
    for party in asked.parties:
        reference = reference_of(file, asked.round, "media", party.id)
        yield reference, Outgoing(MEDIA, SearchMedia(reference, party))
    yield from screen_all(state, context)


def screen_all(state: KycState, context: Context) -> Iterator[tuple[str, Outgoing]]:
    """Have everybody searched for, under the number of this search."""
    asked = state.asked
    assert asked is not None, "asked of cases that have begun"
    for party in asked.parties:
        reference = reference_of(
            context.address.key, asked.round, "screening", party.id, state.searches
        )
        yield reference, Outgoing(SCREENING, ScreenParty(reference, party))


def _is_known(address: PostalAddress) -> bool:
    """Whether there is anything to ask about."""
    return bool(address.street and (address.postal_code or address.city))


def started(state: KycState, message: VerificationStarted, _context: Context) -> CaseDecision:
    """The bureau has taken it: its report is waited for."""
    if message.reference not in state.waits:
        return Decision(state)
    return Decision(msgspec.structs.replace(state, verification_id=message.verification_id))


def report(state: KycState, message: BureauReported, context: Context) -> CaseDecision:
    """The bureau's report, while it may count."""
    if message.digest in state.digests:
        return Decision(state, ReportTaken("duplicate"))
    asked = state.asked
    assert asked is not None, "checked cases have begun"
    if state.report is not None:
        twice = msgspec.structs.replace(state, contradicted=True)
        ignored = ReportIgnored(message.digest, state.phase.value)
        return Decision(twice, ReportTaken("ignored"), events=(ignored,))
    reference = reference_of(context.address.key, asked.round, "identity")
    heard = msgspec.structs.replace(
        _answered(state, reference), report=message, digests=(*state.digests, message.digest)
    )
    taken = BureauHeard(asked.round, message.digest, message.healed)
    return msgspec.structs.replace(
        when_whole(heard, context, (taken,)), reply=ReportTaken("accepted")
    )


def report_late(state: KycState, message: BureauReported, _context: Context) -> CaseDecision:
    """The bureau's report, when nothing waits for one."""
    if message.digest in state.digests:
        return Decision(state, ReportTaken("duplicate"))
    ignored = ReportIgnored(message.digest, state.phase.value)
    return Decision(state, ReportTaken("ignored"), events=(ignored,))


def address_checked(state: KycState, message: AddressChecked, context: Context) -> CaseDecision:
    """Whether there is such an address."""
    if message.reference not in state.waits:
        return Decision(state)
    known = msgspec.structs.replace(_answered(state, message.reference), address=message)
    return when_whole(known, context)


def credit_checked(state: KycState, message: CreditChecked, context: Context) -> CaseDecision:
    """How creditworthy the client is."""
    if message.reference not in state.waits:
        return Decision(state)
    known = msgspec.structs.replace(_answered(state, message.reference), credit=message)
    return when_whole(known, context)


def media_searched(state: KycState, message: MediaSearched, context: Context) -> CaseDecision:
    """What the press says of one of the parties."""
    party = party_of(message.reference)
    if message.reference not in state.waits:
        return Decision(state)
    headlines = {**state.headlines, party: message.headlines[:HEADLINES_MAX]}
    known = msgspec.structs.replace(_answered(state, message.reference), headlines=headlines)
    return when_whole(known, context)


def screened(state: KycState, message: PartyScreened, context: Context) -> CaseDecision:
    """Whom the lists may have, of one of the parties."""
    if message.reference not in state.waits:
        return Decision(state)
    return when_whole(found(state, message), context)


def found(state: KycState, message: PartyScreened) -> KycState:
    """With what a search has found; every search knows every list."""
    hits = {**state.hits, party_of(message.reference): message.hits}
    return msgspec.structs.replace(
        _answered(state, message.reference), hits=hits, lists=message.lists
    )


def impossible(state: KycState, message: CheckImpossible, context: Context) -> CaseDecision:
    """There is no answer, and there will be none."""
    if message.reference not in state.waits:
        return Decision(state)
    codes = {**state.impossible, message.reference: message.code}
    known = msgspec.structs.replace(_answered(state, message.reference), impossible=codes)
    return when_whole(known, context)


def due(state: KycState, _message: CaseDue, context: Context) -> CaseDecision:
    """Read what was not told; after too long wait for nothing more."""
    if context.now >= state.due_at:
        return conclude(state, context)
    terms, asked = kyc_terms_of(context), state.asked
    assert asked is not None, "checked cases have begun"
    file = context.address.key
    again = min(context.now + terms.read_ms, state.due_at)
    out = [Outgoing(context.address, CaseDue(), again, DUE)]
    if state.report is None and state.verification_id:
        reference = reference_of(file, asked.round, "identity")
        out.append(Outgoing(BUREAU, ReadVerification(reference, file, state.verification_id)))
    return Decision(state, messages=tuple(out))


def party_of(reference: str) -> str:
    """Whom a question was about (`reference_of`)."""
    return reference.split(":")[3]


def _answered(state: KycState, reference: str) -> KycState:
    """This one is not waited for any more."""
    waits = tuple(one for one in state.waits if one != reference)
    return msgspec.structs.replace(state, waits=waits)
