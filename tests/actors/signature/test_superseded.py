"""A contract that was issued anew, and had been signed before its void arrived (S18, S28)."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.gateways.document_messages import DeleteObject
from comptoir.actors.gateways.signing_messages import (
    ContractMade,
    EnvelopeCreated,
    EnvelopeGone,
    FetchSigned,
    MakeContract,
    SignedFetched,
    SigningRefused,
    VoidEnvelope,
)
from comptoir.actors.signature.messages import (
    EarlierSigned,
    EnvelopeTaken,
    ForgetContract,
    StandingDue,
)
from comptoir.actors.signature.state import (
    EarlierContractKept,
    EarlierContractSigned,
    ReportIgnored,
    SignatureState,
    round_of,
)
from comptoir.engine import Decision, Message
from tests.actors.signature.test_machine import REFERENCE, Told
from tests.actors.signed import CONTRACT, ENVELOPE, NOW, OPEN, report

SECOND = "ONB-2026-00001:2"
AGAIN = msgspec.structs.replace(OPEN, round=2)
SIGNED: tuple[Message, ...] = (report("signed"), EnvelopeGone(REFERENCE, signed=True))
"""By a webhook, or because it could not be voided."""
ON: tuple[Message, ...] = (
    ContractMade(SECOND, CONTRACT, 3), EnvelopeCreated(SECOND, "docusign", "env-2"), report("viewed", "env-2"),
    report("signed", "env-2"), SignedFetched(SECOND, "6" * 64),
)  # fmt: skip
"""The way of the second round."""


def fetches(signature: Told, envelope: str = ENVELOPE) -> list[FetchSigned]:
    """How often, and where to, the signed document was asked for."""
    return [x for x in signature.said if isinstance(x, FetchSigned) and x.envelope_id == envelope]


@pytest.mark.parametrize("word", SIGNED)
@pytest.mark.parametrize("steps", range(len(ON) + 1))
def test_it_is_on_record_kept_and_told(word: Message, steps: int) -> None:
    """S18, S28: however far the next round is, which goes its way; told and fetched once, whatever is said again."""
    signature = Told().sent()
    signature.take_all((AGAIN, *ON[:steps]))
    before = signature.state
    decided = signature.take(word)
    assert [type(x) for x in decided.events] == [EarlierContractSigned]
    changed = msgspec.structs.replace(signature.state, superseded=before.superseded)
    assert changed == before
    (fetch,) = fetches(signature)
    for again in SIGNED:
        assert not signature.take(again).events
    kept = signature.take(SignedFetched(REFERENCE, "5" * 64))
    assert kept.events == (EarlierContractKept(1, "docusign", "5" * 64),)
    assert kept.cancel == ("earlier:1",)
    assert fetch.path in signature.state.earlier
    told = [x for x in signature.said if isinstance(x, EarlierSigned)]
    assert told == [EarlierSigned(1, "docusign", NOW)]
    signature.take_all(ON[steps:])
    assert (signature.state.signed_sha256, round_of(signature.state)) == ("6" * 64, 2)


def test_a_document_that_cannot_be_had_is_asked_for_again() -> None:
    """S28: its provider is away: once more after a while, under the same key, until it is kept."""
    signature = Told().sent().take_all((AGAIN, report("signed"), SigningRefused(REFERENCE, "AWAY")))
    due = signature.take(StandingDue(1))
    assert [x.name for x in due.messages if x.due_at] == ["earlier:1"]
    assert len({x.path for x in fetches(signature)}) == 1
    signature.take_all((SignedFetched(REFERENCE, "5" * 64), StandingDue(1)))
    assert len(fetches(signature)) == 2
    assert signature.state.superseded == ()


def test_one_that_was_voided_is_forgotten() -> None:
    """S18: nobody has signed it; whatever is said of it afterwards is only on record."""
    signature = Told().sent().take_all((AGAIN, EnvelopeGone(REFERENCE)))
    assert signature.state.superseded == ()
    late = signature.take(report("signed"))
    assert (late.reply, late.events) == (
        EnvelopeTaken("ignored"),
        (ReportIgnored(ENVELOPE, "signed"),),
    )


def test_one_of_which_nothing_is_heard_is_voided_once_more() -> None:
    """S18: a void that was lost, or given up, leaves nobody with a contract that they could still sign."""
    signature = Told().sent()
    begun = signature.take(AGAIN)
    assert [x.name for x in begun.messages if x.due_at] == ["earlier:1"]
    due = signature.take(StandingDue(1))
    assert signature.said[-1] == VoidEnvelope(REFERENCE, ENVELOPE, "REISSUED", repeated=True)
    assert [x.name for x in due.messages if x.due_at] == ["earlier:1"]
    assert signature.take(EnvelopeGone(REFERENCE)).cancel == ("earlier:1",)
    assert not signature.take(StandingDue(1)).messages


def test_one_that_turned_up_late_may_be_signed_too() -> None:
    """S18, S28: its creation was answered after the next round had begun; it is voided, and had been signed."""
    signature = Told().take_all((OPEN, ContractMade(REFERENCE, CONTRACT, 3), AGAIN))
    signature.take(EnvelopeCreated(REFERENCE, "docusign", ENVELOPE))
    assert signature.said[-1] == VoidEnvelope(REFERENCE, ENVELOPE, "REISSUED")
    signature.take(EnvelopeGone(REFERENCE, signed=True))
    assert len(fetches(signature)) == 1


@given(
    st.lists(
        st.sampled_from((*SIGNED, report("viewed"), report("voided"), *ON, StandingDue(1))),
        max_size=14,
    )
)
def test_the_next_round_ends_as_without_it(words: Sequence[Message]) -> None:
    """S28: whatever is said of the earlier envelope, in any order, the round that counts is the same without it; and what is
    told of the earlier one is told once.
    """
    with_it, without = Told().sent(), Told().sent()
    with_it.take(AGAIN)
    without.take(AGAIN)
    for word in words:
        with_it.decide(word)
        if word in ON:
            without.decide(word)
    assert with_it.state.phase is without.state.phase
    assert [type(x) for x in with_it.heard()] == [type(x) for x in without.heard()]
    was_signed = any(x in SIGNED for x in words)
    told = [x for x in with_it.said if isinstance(x, EarlierSigned)]
    assert len(told) == was_signed
    assert isinstance(with_it.decide(SignedFetched(REFERENCE, "5" * 64)), Decision)
    assert bool(with_it.state.earlier) == was_signed


def deleted(decided: "Decision[SignatureState]") -> set[str]:
    """The keys that it has deleted."""
    return {x.message.path for x in decided.messages if isinstance(x.message, DeleteObject)}


def made(signature: Told) -> set[str]:
    """All that it has had drawn or fetched."""
    return {x.path for x in signature.said if isinstance(x, MakeContract | FetchSigned)}


@given(
    st.lists(
        st.sampled_from(
            (*SIGNED, EnvelopeGone(REFERENCE), SignedFetched(REFERENCE, "5" * 64), *ON, StandingDue(1),
             EnvelopeCreated(REFERENCE, "docusign", "env-1b"), msgspec.structs.replace(OPEN, round=3))
        ),
        max_size=10,
    )
)  # fmt: skip
def test_of_a_file_that_goes_nothing_stays(words: Sequence[Message]) -> None:
    """S52, X13: however many rounds there were: all that was drawn or fetched goes, whatever is on its way; nobody is left with an
    envelope that they could still sign; and no timer comes.
    """
    signature = Told().sent()
    signature.take(AGAIN)
    for word in words:
        signature.decide(word)
    before = signature.state
    gone = signature.take(ForgetContract())
    assert deleted(gone) == made(signature)
    voided = {x.message.envelope_id for x in gone.messages if isinstance(x.message, VoidEnvelope)}
    assert voided >= {x.envelope_id for x in before.superseded if not x.signed_path}
    assert {f"earlier:{x.round}" for x in before.superseded} <= set(gone.cancel)


def test_what_was_under_way_when_its_file_went_goes_too() -> None:
    """X13: drawn, fetched or created afterwards: deleted, and voided; nothing of it is a dead letter."""
    signature = Told().sent().take_all((AGAIN, ForgetContract()))
    for made_late in (
        ContractMade(SECOND, CONTRACT, 3, "", "p"),
        SignedFetched(REFERENCE, "5" * 64, "p"),
    ):
        assert deleted(signature.take(made_late)) == {"p"}
    created = signature.take(EnvelopeCreated(SECOND, "docusign", "env-2"))
    assert [x.message for x in created.messages] == [VoidEnvelope(SECOND, "env-2", "FILE_ERASED")]
    for word in (EnvelopeGone(REFERENCE), SigningRefused(REFERENCE, "X")):
        assert not signature.take(word).messages


def test_two_envelopes_of_one_round_are_two() -> None:
    """S28: an answer that was lost has made another: each word is of the one that it names, and the other is still waited for."""
    signature = Told().sent().take_all((AGAIN, EnvelopeCreated(REFERENCE, "docusign", "env-1b")))
    kept = signature.take(EnvelopeGone(REFERENCE, envelope_id=ENVELOPE))
    assert ([x.envelope_id for x in signature.state.superseded], kept.cancel) == (["env-1b"], ())
    signature = Told().sent().take_all((AGAIN, EnvelopeCreated(REFERENCE, "docusign", "env-1b")))
    signature.take(EnvelopeGone(REFERENCE, signed=True, envelope_id=ENVELOPE))
    assert (len(fetches(signature)), fetches(signature, "env-1b")) == (1, [])
    signature.take(StandingDue(1))
    assert len(fetches(signature)) == 2
    assert signature.said[-1] == VoidEnvelope(REFERENCE, "env-1b", "REISSUED", repeated=True)
    path = fetches(signature)[0].path
    assert signature.take(SignedFetched(REFERENCE, "5" * 64, path)).cancel == ()
    assert signature.state.earlier == (path,)
    assert signature.take(EnvelopeGone(REFERENCE, envelope_id="env-1b")).cancel == ("earlier:1",)


def test_one_whose_creation_is_told_again_stays_as_it_is_known() -> None:
    """S52, X13: its client had signed it by then: what was asked for of it is not forgotten, and goes with the file."""
    signature = Told().sent().take_all((AGAIN, msgspec.structs.replace(OPEN, round=3)))
    created = EnvelopeCreated(SECOND, "docusign", "env-2")
    signature.take_all((created, report("signed", "env-2")))
    before = signature.state
    assert not signature.take(created).messages
    assert signature.state == before
    assert deleted(signature.take(ForgetContract())) == made(signature)


def test_one_that_cannot_be_voided_is_given_up_when_nobody_can_sign_it() -> None:
    """S28: its provider refuses for good: it is voided again as long as its time lasts, and no longer; then it is forgotten."""
    signature = Told().sent().take_all((AGAIN,))
    asked = 0
    while signature.state.superseded and asked < 500:
        signature.now += 3_600_000
        asked += len(signature.take(StandingDue(1)).messages) > 0
        signature.take(SigningRefused(REFERENCE, "SIGNING_REFUSED"))
    assert 14 * 24 <= asked <= 16 * 24
    assert not signature.take(StandingDue(1)).messages
