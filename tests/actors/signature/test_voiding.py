"""An envelope that nobody is to sign any more: voided until its provider says that it is gone (S18, S28)."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from comptoir.actors.gateways.signing import signing_gateway
from comptoir.actors.gateways.signing_messages import (
    ContractMade,
    EnvelopeCreated,
    EnvelopeGone,
    VoidEnvelope,
)
from comptoir.actors.signature.messages import (
    ForgetContract,
    KeepContract,
    SignContract,
    SigningDescribed,
    SigningOver,
    StandingDue,
    VoidSigning,
)
from comptoir.actors.signature.state import Phase
from comptoir.actors.signature.terms import SigningTerms
from comptoir.engine import Decision, Message
from comptoir.engine.gateway_spec import CallContext, CallFault, GatewayBounds
from tests.actors.signature.test_machine import DAY_MS, REFERENCE, Told
from tests.actors.signed import CONTRACT, ENVELOPE, EVIDENCE, OPEN, report

ENDINGS: tuple[Message, ...] = (VoidSigning("FILE_REFUSED"), KeepContract("FILE_REFUSED"), SigningOver(1))  # fmt: skip
"""By its file, twice, and by time."""


def ended(by: Message) -> Told:
    """A contract that is with its signer, and ends so."""
    signature = Told().sent()
    if isinstance(by, SigningOver):
        signature.now = signature.state.expires_at
    signature.take(by)
    return signature


def voids(signature: Told) -> list[VoidEnvelope]:
    """All that were sent."""
    return [x for x in signature.said if isinstance(x, VoidEnvelope)]


@pytest.mark.parametrize("by", ENDINGS, ids=lambda x: type(x).__name__)
def test_a_void_that_was_lost_is_said_again_until_it_is_known(by: Message) -> None:
    """S18: whatever became of the call, a dead letter too; nobody is left with a contract that they could still sign."""
    signature = ended(by)
    for count in (2, 3):
        due = signature.take(StandingDue(1))
        assert [x.name for x in due.messages if x.due_at] == ["poll"]
        first = VoidEnvelope(REFERENCE, ENVELOPE, signature.state.reason)
        again = msgspec.structs.replace(first, repeated=True)
        assert voids(signature) == [first, *[again] * (count - 1)]
    assert signature.take(EnvelopeGone(REFERENCE, envelope_id=ENVELOPE)).cancel == ("poll",)
    assert not signature.take(StandingDue(1)).messages


def test_one_that_was_signed_all_the_same_is_evidence() -> None:
    """S18: its provider says so instead of voiding it: it is fetched, and voided no more."""
    signature = ended(VoidSigning("FILE_REFUSED"))
    for _ in range(6):
        signature.take(StandingDue(1))
    found = signature.take(EnvelopeGone(REFERENCE, signed=True))
    assert (signature.state.phase, signature.state.void_until) == (Phase.FETCHING, 0)
    assert [x.due_at for x in found.messages if x.due_at] == [
        signature.now + SigningTerms().poll_ms
    ]


def test_nothing_is_waited_for_that_nobody_could_sign() -> None:
    """S63: a provider that never answers has ended it by itself a day after its time: every call is bounded in number."""
    signature = ended(VoidSigning("FILE_REFUSED"))
    signature.now = signature.state.expires_at + DAY_MS
    assert signature.take(StandingDue(1)).messages == ()
    assert len(voids(signature)) == 1


def test_an_envelope_that_turned_up_late_is_waited_for_too() -> None:
    """S28: it was made after its file had ended; and of one that is not known yet there is nothing to void."""
    signature = Told().take_all((OPEN, ContractMade(REFERENCE, CONTRACT, 3), VoidSigning("FILE_REFUSED")))  # fmt: skip
    assert voids(signature) == []
    signature.take(EnvelopeCreated(REFERENCE, "docusign", ENVELOPE))
    signature.take(StandingDue(1))
    assert len(voids(signature)) == 2


def test_one_that_was_made_late_is_waited_for_as_long_as_it_lives() -> None:
    """S28: after its contract's time it lives a day all the same, which its provider counts whole."""
    signature = Told().take_all((OPEN, ContractMade(REFERENCE, CONTRACT, 3), VoidSigning("FILE_REFUSED")))  # fmt: skip
    signature.now = signature.state.expires_at + DAY_MS
    signature.take(EnvelopeCreated(REFERENCE, "docusign", ENVELOPE))
    signature.now += DAY_MS
    signature.take(StandingDue(1))
    assert len(voids(signature)) == 2
    signature.now += DAY_MS
    signature.take(StandingDue(1))
    assert (len(voids(signature)), signature.state.void_until) == (2, 0)


@pytest.mark.parametrize(("poll_minutes", "calls"), [(1, 25), (60, 19), (1440, 15)])
def test_a_provider_that_says_nothing_is_asked_ever_less(poll_minutes: int, calls: int) -> None:
    """S63: an interval that doubles up to a day: fifteen days of silence are so many calls, and none of them is parked."""
    signature = Told()
    signature.terms = msgspec.structs.replace(SigningTerms(), poll_ms=poll_minutes * 60_000)
    due = signature.sent().take(VoidSigning("FILE_REFUSED"))
    while timers := [x.due_at for x in due.messages if x.due_at]:
        signature.now = timers[0]
        due = signature.take(StandingDue(1))
    assert signature.state.void_until == 0
    assert len(voids(signature)) == calls
    assert [x.repeated for x in voids(signature)] == [False, *[True] * (calls - 1)]


def test_only_what_comes_again_is_given_up() -> None:
    """S63, design 6: the first word waits, parked, for a provider that is away; the last one of a file that goes as well."""
    void = signing_gateway(None, GatewayBounds()).operations[VoidEnvelope]
    signature = ended(VoidSigning("FILE_REFUSED")).take_all((StandingDue(1), ForgetContract()))
    assert [void.expendable(x) for x in voids(signature)] == [False, True, False]


class Refusing:
    """A provider that voids nothing."""

    def __init__(self, *, retryable: bool) -> None:
        self.retryable = retryable

    async def void(self, _message: VoidEnvelope, _context: CallContext) -> EnvelopeGone:
        """Refused."""
        raise CallFault("ENVELOPE_REFUSED", retryable=self.retryable)

    create = find = read = fetch = void


@pytest.mark.parametrize("retryable", [True, False])
@pytest.mark.parametrize("repeated", [True, False])
async def test_a_void_that_is_refused_for_good_is_one_dead_letter(
    *, retryable: bool, repeated: bool
) -> None:
    """S67: the first call's; those that follow in the next two weeks say nothing new. A provider that is away is no refusal."""
    provider: Any = Refusing(retryable=retryable)
    void = signing_gateway(provider, GatewayBounds()).operations[VoidEnvelope]
    message = VoidEnvelope(REFERENCE, ENVELOPE, "FILE_REFUSED", repeated=repeated)
    context = CallContext(0, 1, "k")
    if repeated and not retryable:
        assert await void.call(message, context) is None
        return
    with pytest.raises(CallFault):
        await void.call(message, context)


def test_a_file_that_goes_has_it_voided_once_more() -> None:
    """X13: what is not known to be gone is voided with the last word of its file."""
    signature = ended(VoidSigning("FILE_REFUSED")).take_all((ForgetContract(),))
    assert voids(signature)[-1] == VoidEnvelope(REFERENCE, ENVELOPE, "FILE_ERASED")


@budget(max_examples=100, deadline=None)
@given(
    st.sampled_from(ENDINGS),
    st.lists(
        st.sampled_from(
            (StandingDue(1), EnvelopeGone(REFERENCE), EnvelopeGone(REFERENCE, envelope_id="env-9"),
             report("voided"), report("declined"), report("viewed"), report("signed"), msgspec.structs.replace(OPEN, round=2))
        ),
        max_size=10,
    ),
)  # fmt: skip
def test_it_is_waited_for_until_it_is_gone_signed_or_another_round_s(
    by: Message, words: list[Message]
) -> None:
    """S18: by each timer once, and by nothing else; whoever issues it anew remembers it (superseded.py)."""
    signature = ended(by)
    for word in words:
        waits, sent = signature.state.void_until, len(voids(signature))
        decided = signature.decide(word)
        assert isinstance(decided, Decision)
        over = (Phase.FETCHING, Phase.DRAWING, Phase.DECLINED)
        gone = word == EnvelopeGone(REFERENCE) or signature.state.phase in over
        assert bool(signature.state.void_until) == (bool(waits) and not gone)
        if waits and signature.state.phase is not Phase.DRAWING:
            assert len(voids(signature)) - sent == isinstance(word, StandingDue)
        if waits and signature.state.phase is Phase.DRAWING:
            assert [x.envelope_id for x in signature.state.superseded] == [ENVELOPE]


@pytest.mark.parametrize("by", [*ENDINGS, report("declined"), report("voided")], ids=str)
def test_what_has_ended_is_told_to_who_would_sign_it(by: Message) -> None:
    """S28: by its end, which is no signature; nobody is told that there was nothing."""
    signature = ended(by)
    told = signature.take(SignContract(EVIDENCE)).reply
    assert isinstance(told, SigningDescribed)
    assert told.status != "signed"
