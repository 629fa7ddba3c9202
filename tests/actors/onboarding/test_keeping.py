"""For how long a file is kept, and what goes when its time is over or its client wants it gone.

Source: spec.md S36, X13, E13; GDPR article 17; docs/erasure.md; adr/0063.
"""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.account.messages import ListAccount
from comptoir.actors.cutoffs import CUTOFFS, Cutoffs
from comptoir.actors.erasure.messages import BeginErasure, Sealed
from comptoir.actors.gateways.document_messages import DeleteObject
from comptoir.actors.invitation.messages import ForgetInvitation
from comptoir.actors.kyc.messages import ForgetCase
from comptoir.actors.onboarding.keeping import (
    DocumentsForgotten,
    FileErasureRefused,
    Ground,
    RelationEnded,
    end_of,
    rule_of,
)
from comptoir.actors.onboarding.keeping_messages import (
    KEPT_FILES,
    READ,
    AskErasure,
    EndRelation,
    EraseFile,
    ErasureAnswered,
    KeepByRule,
)
from comptoir.actors.onboarding.machine import MACHINE
from comptoir.actors.onboarding.messages import (
    DescribeFile,
    DescribeProfile,
    DocumentStatus,
    FileDescribed,
    FileExpired,
    FileOver,
    KeptLongEnough,
)
from comptoir.actors.onboarding.state import OnboardingState, Phase
from comptoir.actors.onboarding.terms import TERMS, OnboardingTerms
from comptoir.actors.signature.messages import ForgetContract
from comptoir.engine import Address, Decision, Message
from comptoir.engine.machine import Context
from comptoir.engine.settings import Settings
from comptoir.engine.values import encode
from tests.actors.filed import (
    ASSESSED,
    BEGUN,
    CONCLUDED,
    MARIE,
    PENDING,
    RESUMES,
    WHOLE_COMPANY,
    document,
)
from tests.actors.filed import NOW as BEGINNING
from tests.actors.onward import COMPLETED, CREATED, HELD, ONWARD, OPEN_TERMS, SENT, SIGNED

NUMBER = "ONB-2026-00001"
FILE = Address("onboarding", NUMBER)
DAY_MS = 86_400_000
REJECTED = msgspec.structs.replace(CONCLUDED, outcome="rejected")


def decide(
    state: OnboardingState, message: Message, now: int = BEGINNING
) -> Decision[OnboardingState]:
    """What the machine makes of it, by the terms of a house that has everything."""
    context = Context(FILE, now, 1, {TERMS: OPEN_TERMS, CUTOFFS: Cutoffs()})
    found = MACHINE.decide(state, message, context)
    assert isinstance(found, Decision)
    return found


def timers(found: Decision[OnboardingState]) -> list[int]:
    """When what is kept of it goes."""
    return [x.due_at or 0 for x in found.messages if isinstance(x.message, KeptLongEnough)]


def erased(found: Decision[OnboardingState]) -> bool:
    """Whether all of it went."""
    kinds = {type(one.message) for one in found.messages}
    gone = {ForgetCase, ForgetContract, ForgetInvitation, BeginErasure}
    assert kinds & gone in (set(), gone), "never by halves"
    assert found.state.forgotten == bool(kinds & gone)
    return found.state.forgotten


@given(st.integers(1, 30))
def test_the_years_of_the_law_are_never_shorter_than_the_calendars(years: int) -> None:
    """S36: seven years by default, from any day on, leap years and all, and at most two days more."""
    settings = Settings()
    kept = msgspec.structs.replace(OnboardingTerms.of(settings))
    assert kept.audit_ms == 2_557 * DAY_MS
    retention = type(settings.retention)(onboarding_audit_years=years)
    days = OnboardingTerms.of(_with_retention(settings, retention)).audit_ms // DAY_MS
    for month in (1, 3):
        for first in range(2024, 2028):
            begins = datetime(first, month, 1, tzinfo=UTC)
            calendar = (begins.replace(year=first + years) - begins).days
            assert calendar <= days <= calendar + 2


def _with_retention(settings: Settings, retention: object) -> Settings:
    from dataclasses import replace

    return replace(settings, retention=retention)  # type: ignore[arg-type]


def test_a_rejected_file_is_kept_for_the_years_of_the_law_and_then_goes() -> None:
    """S36: what a decision was taken on stays seven years, not ninety days and not for ever; an earlier timer is set anew."""
    rejected = decide(ASSESSED, REJECTED)
    assert (rejected.state.phase, timers(rejected)) == (
        Phase.KYC_REJECTED,
        [BEGINNING + 2_557 * DAY_MS],
    )
    early = decide(rejected.state, KeptLongEnough(), BEGINNING + 90 * DAY_MS)
    assert (early.state, timers(early)) == (rejected.state, timers(rejected))
    gone = decide(rejected.state, KeptLongEnough(), BEGINNING + 2_557 * DAY_MS)
    assert erased(gone)
    assert gone.events == (DocumentsForgotten(),)


def test_what_nobody_decided_about_goes_after_its_days() -> None:
    """S36, X13: an abandoned file is kept for as long as it may be resumed, no longer."""
    over = decide(msgspec.structs.replace(BEGUN, expires_at=BEGINNING), FileExpired())
    assert timers(over) == [BEGINNING + 90 * DAY_MS]
    assert erased(decide(over.state, KeptLongEnough(), BEGINNING + 90 * DAY_MS))


def test_an_assessed_file_that_is_kept_is_not_resumed_for_years() -> None:
    """S16, S36: onboarding.incomplete_kept_days bound how long it may be resumed; that the law keeps it opens nothing."""
    over = msgspec.structs.replace(ASSESSED, phase=Phase.INCOMPLETE, updated_at=BEGINNING)
    assert decide(over, RESUMES, BEGINNING + 90 * DAY_MS).state.phase is not Phase.INCOMPLETE
    late = decide(over, RESUMES, BEGINNING + 90 * DAY_MS + 1)
    assert (late.state, late.reply) == (over, FileOver())


def test_a_clients_file_is_kept_until_years_after_the_relation() -> None:
    """S6, S36, X13: an account has no end of its own; it begins to count when the relation ends, once."""
    done = decide(
        msgspec.structs.replace(SIGNED, phase=Phase.ACCOUNT_CREATION_PENDING), CREATED
    ).state
    assert end_of(COMPLETED, OPEN_TERMS) is None
    assert decide(COMPLETED, KeptLongEnough(), BEGINNING + 99 * 365 * DAY_MS).state == COMPLETED
    assert not done.forgotten
    ended = decide(COMPLETED, EndRelation("ops-1"))
    until = BEGINNING + 2_557 * DAY_MS
    assert (ended.events, timers(ended)) == ((RelationEnded(until),), [until])
    assert ended.reply == ErasureAnswered(Ground.LAW, until)
    again = decide(ended.state, EndRelation("ops-2"), BEGINNING + DAY_MS)
    assert again == Decision(ended.state, ended.reply)
    assert erased(decide(ended.state, KeptLongEnough(), until))


def test_files_from_before_the_rule_get_their_end() -> None:
    """S36: a file that ended without a timer has one when it is looked at, counted from when it ended; looked at
    again, it is the same one; what goes on, or lasts, has none.
    """
    old = msgspec.structs.replace(ASSESSED, phase=Phase.KYC_REJECTED, updated_at=BEGINNING)
    for _ in range(2):
        found = decide(old, KeepByRule(), BEGINNING + 400 * DAY_MS)
        assert (found.state, timers(found)) == (old, [BEGINNING + 2_557 * DAY_MS])
        (noted,) = found.documents
        assert (noted.collection, noted.key) == (KEPT_FILES, NUMBER)
        assert noted.fields == rule_of(OPEN_TERMS), "another rule has it asked again"
    for state in (ASSESSED, SENT, PENDING):
        assert decide(state, KeepByRule()) == Decision(state)
    _, through = decide(old, KeepByRule(7)).documents
    assert (through.key, through.fields) == (READ, {**rule_of(OPEN_TERMS), "through": 7})
    lasting = decide(COMPLETED, KeepByRule())
    assert (lasting.state, timers(lasting), len(lasting.documents)) == (COMPLETED, [], 1)


def test_accounts_from_before_the_list_are_listed() -> None:
    """E11, S33: a file that has asked for an account sees to it, whether it has ended or not; one that is erased does not."""
    account = Address("account", NUMBER)
    for state in (HELD, COMPLETED):
        found = decide(state, KeepByRule())
        assert found.state == state
        assert [one.target for one in found.messages if one.message == ListAccount()] == [account]
    gone = msgspec.structs.replace(COMPLETED, forgotten=True)
    assert decide(gone, KeepByRule()).messages == ()


@pytest.mark.parametrize("message", [EraseFile(), KeptLongEnough()])
def test_what_a_release_before_has_left_of_a_file_goes(message: Message) -> None:
    """S36, X13: it dropped documents and statements after ninety days, and kept client, invitation and keys."""
    over = decide(PENDING, FileExpired(), PENDING.expires_at).state
    left = msgspec.structs.replace(over, documents=(), said={}, forgotten=True)
    years_later = PENDING.expires_at + 3_000 * DAY_MS
    assert timers(decide(left, KeepByRule(), years_later)) == [PENDING.expires_at + 90 * DAY_MS]
    assert decide(left, AskErasure(), years_later).reply == ErasureAnswered(Ground.NONE, 0)
    gone = decide(left, message, years_later)
    assert {type(x.message) for x in gone.messages} >= {ForgetCase, ForgetInvitation, BeginErasure}
    assert gone.state.client is None
    assert decide(gone.state, message, years_later).messages == (), "once"


@pytest.mark.parametrize("phase", [Phase.KYC_REJECTED, Phase.INCOMPLETE])
def test_who_has_an_account_is_a_client_whatever_became_of_the_file(phase: Phase) -> None:
    """S36, X13: a file that was rejected when its account was open already is kept until years after that has ended."""
    open_all_the_same = msgspec.structs.replace(COMPLETED, phase=phase, updated_at=BEGINNING)
    later = BEGINNING + 99 * 365 * DAY_MS
    assert end_of(open_all_the_same, OPEN_TERMS) is None
    assert decide(open_all_the_same, KeptLongEnough(), later) == Decision(open_all_the_same)
    asked = decide(open_all_the_same, AskErasure(), later).reply
    assert asked == ErasureAnswered(Ground.RELATION, 0)
    ended = decide(open_all_the_same, EndRelation("ops-1"), later)
    assert timers(ended) == [later + 2_557 * DAY_MS]
    gone = decide(ended.state, KeptLongEnough(), later + 2_557 * DAY_MS)
    assert erased(gone)
    assert decide(gone.state, EndRelation("ops-1"), later + 9_999 * DAY_MS).messages == ()


@pytest.mark.parametrize("phase", [Phase.KYC_REJECTED, Phase.INCOMPLETE])
def test_without_an_account_there_is_no_relation_to_end(phase: Phase) -> None:
    """X13: whoever says so all the same hears that."""
    never = msgspec.structs.replace(ASSESSED, phase=phase, updated_at=BEGINNING)
    said = decide(never, EndRelation("ops-1"))
    assert said == Decision(never, ErasureAnswered(Ground.NONE, 0))


@pytest.mark.parametrize("status", DocumentStatus)
def test_while_an_address_is_valid_or_bytes_are_looked_at_nothing_is_erased(
    status: DocumentStatus,
) -> None:
    """X13: what is sent afterwards, to whatever address was given out, would belong to nobody."""
    file = msgspec.structs.replace(BEGUN, documents=(document(status),))
    assert decide(file, AskErasure()).reply == ErasureAnswered(Ground.UPLOAD, BEGINNING + 1000)
    looked_at = status in (DocumentStatus.VERIFYING, DocumentStatus.INSPECTING)
    late = ErasureAnswered(Ground.UPLOAD if looked_at else Ground.NONE, 0)
    assert decide(file, AskErasure(), BEGINNING + 1000).reply == late


@pytest.mark.parametrize(
    ("state", "ground", "until"),
    [
        (ASSESSED, Ground.UNDER_WAY, 0), (HELD, Ground.UNDER_WAY, 0), (SENT, Ground.UNDER_WAY, 0),
        (COMPLETED, Ground.RELATION, 0),
        (msgspec.structs.replace(COMPLETED, relation_ended_at=BEGINNING), Ground.LAW, BEGINNING + 2_557 * DAY_MS),
        (msgspec.structs.replace(ASSESSED, phase=Phase.KYC_REJECTED, updated_at=BEGINNING), Ground.LAW, BEGINNING + 2_557 * DAY_MS),
        (msgspec.structs.replace(BEGUN, round=1), Ground.UNDER_WAY, 0),
        (msgspec.structs.replace(BEGUN, documents=(document(DocumentStatus.AWAITING),)), Ground.UPLOAD, BEGINNING + 1000),
    ],
)  # fmt: skip
def test_what_the_law_keeps_is_refused_with_why_and_until_when(
    state: OnboardingState, ground: str, until: int
) -> None:
    """E13, X13: GDPR 17(3)(b): the refusal is on record; approved all the same, it is refused again, and nothing goes."""
    asked = decide(state, AskErasure())
    assert (asked.reply, asked.events) == (
        ErasureAnswered(ground, until),
        (FileErasureRefused(ground, until),),
    )
    ordered = decide(state, EraseFile())
    assert (ordered.state, ordered.events, ordered.messages) == (state, asked.events, ())


SENT_LONG_AGO = tuple(
    msgspec.structs.replace(
        PENDING, documents=(document(status, expires_at=BEGINNING, proven_sha256="ab" * 32),)
    )
    for status in (DocumentStatus.REDO, DocumentStatus.ACCEPTED)
)


@pytest.mark.parametrize("state", [BEGUN, *SENT_LONG_AGO, WHOLE_COMPANY])
def test_what_nobody_decided_about_is_erased_at_once(state: OnboardingState) -> None:
    """E13, X13: nothing of the client is left in the file, its parts are told, and five keys go; what happened stays."""
    assert decide(state, AskErasure()).reply == ErasureAnswered(Ground.NONE, 0)
    gone = decide(state, EraseFile())
    assert erased(gone)
    assert (gone.state.phase, gone.events) == (Phase.INCOMPLETE, (DocumentsForgotten(asked=True),))
    (begun,) = [x for x in gone.messages if isinstance(x.message, BeginErasure)]
    kinds = ("onboarding", "kyc", "review", "signature", "account")
    assert begun.message == BeginErasure(tuple(Sealed(kind, NUMBER) for kind in kinds))
    assert begun.target == Address("erasure", "onboarding:onb-2026-00001")
    deleted = {x.message.path for x in gone.messages if isinstance(x.message, DeleteObject)}
    assert deleted == {one.key(NUMBER).path for one in state.documents}
    assert {"expiry", "reminder", "kept"} <= set(gone.cancel)
    text = encode(gone.state).decode()
    for value in (MARIE.first_name, MARIE.last_name, MARIE.email, MARIE.phone, MARIE.date_of_birth):
        assert value not in text
    assert decide(gone.state, EraseFile()).messages == (), "once"
    assert decide(gone.state, KeptLongEnough(), BEGINNING + 9_999 * DAY_MS).messages == ()


def test_an_erased_file_answers_until_its_key_is_gone() -> None:
    """E13: it says how it stands, without a person in it, and cannot be resumed."""
    gone = decide(WHOLE_COMPANY, EraseFile()).state
    shown = decide(gone, DescribeFile()).reply
    assert isinstance(shown, FileDescribed)
    assert (shown.status, shown.documents) == ("INCOMPLETE", ())
    assert decide(gone, DescribeProfile()).reply is not None
    assert decide(gone, RESUMES).reply == FileOver()


def test_every_file_that_has_ended_has_an_end_of_its_data_or_a_relation() -> None:
    """S36: over every sample of a file and what may be said to it: whoever ends it sets the timer of its rule."""
    context = Context(FILE, BEGINNING, 1, {TERMS: OPEN_TERMS, CUTOFFS: Cutoffs()})
    ended = (Phase.INCOMPLETE, Phase.KYC_REJECTED)
    seen: set[Phase] = set()
    for state, message in ONWARD:
        assert isinstance(state, OnboardingState)
        found = MACHINE.decide(state, message, context)
        if (
            not isinstance(found, Decision)
            or state.phase in ended
            or found.state.phase not in ended
        ):
            continue
        seen.add(found.state.phase)
        end = end_of(found.state, OPEN_TERMS)
        lasts = found.state.forgotten or end is None
        assert lasts or timers(found) == [end], (state.phase, message)
        account = found.state.onward.account.status
        assert end is not None or account == "created", "or there is a client"
    assert seen == set(ended)
