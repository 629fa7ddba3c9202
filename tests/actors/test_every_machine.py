"""Every machine: every pair of phase and message is exercised, and every declared target is reached.

A new machine, message or target fails here until it has its sample (S16: each transition tested).
"""

from collections.abc import Mapping, Sequence
from enum import Enum

import msgspec
import pytest

from comptoir.actors.authorization_code import machine as code
from comptoir.actors.authorization_code.messages import CodeExpired, IssueCode, RedeemCode
from comptoir.actors.browser_session import machine as session
from comptoir.actors.browser_session.messages import (
    DescribeSession,
    EndSession,
    FindSession,
    OpenSession,
    Person,
    SessionExpired,
)
from comptoir.actors.ceremony import machine as ceremony
from comptoir.actors.ceremony.messages import BeginCeremony, CeremonyExpired, FinishCeremony
from comptoir.actors.claim.messages import PurchaseFound
from comptoir.actors.connection.messages import TransactionReported
from comptoir.actors.cutoffs import Cutoffs
from comptoir.actors.erasure.messages import ErasePerson
from comptoir.actors.idempotency import machine as idempotency
from comptoir.actors.idempotency.messages import BeginRequest, EndRequest, ForgetRequest
from comptoir.actors.invitation.messages import InvitationExpired
from comptoir.actors.issuance import machine as issuance
from comptoir.actors.issuance.messages import RecordToken
from comptoir.actors.letter_report.messages import ReportDue
from comptoir.actors.letter_report.terms import ReportTerms
from comptoir.actors.merchants import machine as merchants
from comptoir.actors.merchants.messages import ImportPartners
from comptoir.actors.person import machine as person
from comptoir.actors.person.messages import (
    AddPasskey,
    ConfirmSeed,
    DescribePerson,
    EnrolPasskey,
    InvitePerson,
    ListPasskeys,
    NoteGiven,
    OfferSeed,
    PasskeyAnswer,
    RemovePasskey,
    RemovePerson,
    ShowLink,
    SignIn,
    SignInByPasskey,
)
from comptoir.actors.person.passkeys import registered
from comptoir.actors.person.totp import password_at
from comptoir.actors.refresh_family import machine as family
from comptoir.actors.refresh_family.messages import (
    Authorization,
    DescribeFamily,
    EndFamily,
    FamilyExpired,
    OpenFamily,
    RevokeFamily,
    RotateToken,
)
from comptoir.actors.revocation import machine as revocation
from comptoir.actors.revocation.messages import EndAccess, Ground, PruneAccess
from comptoir.actors.revocation.views import Over
from comptoir.actors.wallet import state as wallet
from comptoir.actors.wallet.messages import TellStanding
from comptoir.actors.wallet.state import RefundFacts, WalletState
from comptoir.engine import breaker
from comptoir.engine.boot import machines
from comptoir.engine.breaker import BreakerState, CallFailed, CallSucceeded, ProbeDue
from comptoir.engine.decision import Decision
from comptoir.engine.spec import BreakerBounds
from comptoir.engine.values import Message, State, encode
from tests.actors import assessed, banking, batched, claiming, lasting, notifying, withdrawing
from tests.actors.consenting import CONSENTS, TO_CONSENT
from tests.actors.deciding import PARTNER, Case
from tests.actors.filed import FILES, NUMBERS
from tests.actors.invited import (
    ENTER,
    INVITATIONS,
    LAST_TRY,
    LAST_TRY_INSIDE,
    TO_INVITATION,
    USE,
)
from tests.actors.letters import OF_DISPOSITIONS, OF_REPORTS, REPORTING
from tests.actors.listed import OF_LISTS
from tests.actors.listed_sessions import LISTS, TO_SESSIONS
from tests.actors.onward import ONWARD, OPEN_TERMS
from tests.actors.opened import ACCOUNTS
from tests.actors.person.authenticator import Authenticator
from tests.actors.purchases import (
    NOW,
    REFUND,
    RELEASE,
    TAKEN_BACK,
    bought,
    credit,
    replaced,
    restated,
)
from tests.actors.reconciling import OF_RECONCILIATION
from tests.actors.registered import OF_CLIENTS
from tests.actors.reviewed import DAYS, REVIEWS
from tests.actors.sighted import SIGHTINGS
from tests.actors.signed import FILE as SIGNED
from tests.actors.signed import SIGNATURES
from tests.actors.telling import ENDPOINTS, FEEDS
from tests.actors.two_people import (
    APPROVE,
    ERASURES,
    PENDING,
    PROPOSALS,
    TO_ERASURE,
    TO_PROPOSAL,
)

REPORT = TransactionReported(
    "seed", "transaction.created", "tx1", 10_000, "EUR", "DEBIT", "2026-11-21", "CB CHEZ NOUS"
)
ALLOWED = Authorization("u1", "web", ("CLIENT",), ("openid",), ("otp",), NOW // 1000)
H = person.Phase
TYPED = password_at(bytes(20), NOW // 30_000)
DEVICE = Authenticator()
ASKED = {"challenge": "Y2hhbGxlbmdl", "user": {"id": "dTE"}}
MADE = PasskeyAnswer(DEVICE.create(ASKED), "Y2hhbGxlbmdl", DEVICE.rp_id, DEVICE.origin)
ANOTHER = msgspec.structs.replace(MADE, credential=Authenticator(2).create(ASKED))
KEY = registered(MADE, "key", NOW)
assert KEY is not None
SHOWN = msgspec.structs.replace(MADE, credential=DEVICE.get(ASKED))
INVITED = person.PersonState(H.INVITED, "u1", (), "link", NOW + 1, bytes(20).hex())
N = ceremony.Phase
WAITING = ceremony.CeremonyState(N.OPEN, "sign_in", "", "c", NOW + 1)
F, A, S = family.Phase, code.Phase, session.Phase
SOMEBODY = Person("u1", ("CLIENT",), ("otp",), NOW // 1000)
CODE = code.CodeState(A.ISSUED, ALLOWED, "https://a/b", "c", "", NOW + 1)
REDEEM = RedeemCode("web", "https://a/b", "c", "f", "d", 1000)
FAMILY = family.FamilyState(F.ACTIVE, ALLOWED, "d1", NOW + 1000)
BY_HAND = RecordToken("jti1", 1_800_000_000, "u1", ("CLIENT",), (), "comptoir-cli", 900, 1000)
DIGEST = "d" * 64
BEGUN = idempotency.Running(DIGEST, "00", NOW)
TO_MEMORY: tuple[Message, ...] = (
    BeginRequest("k1", DIGEST, "00", 1000), EndRequest("k1", DIGEST, 201, "a/b", "{}", 1000),
    ForgetRequest("k1"),
)  # fmt: skip
R = revocation.Phase
HOLDING = revocation.RevocationState(R.HOLDING, 1, 0, {"token:jti1": Over(0, NOW - 2, NOW - 1)})
M, W, B = merchants.Phase, wallet.Phase, breaker.Phase
ACTIVE = WalletState(W.ACTIVE, available=500, pending=500, earned_total=500)
OVERDRAWN = WalletState(W.OVERDRAWN, shortfall=100, pending=500)
STOCKED = merchants.CatalogueState(M.STOCKED, 1, 1)
KNOWN = {"p1": msgspec.to_builtins(PARTNER)}
ALMOST = BreakerState(B.CLOSED, failures=(0, 0, 0, 0))
RECOVERED = BreakerBounds().recovery_ms


def _cases(pairs: Sequence[tuple[State, Message]]) -> tuple[Case, ...]:
    return tuple(Case(state, message) for state, message in pairs)


CASES: Mapping[str, tuple[Case, ...]] = {
    "clients": _cases(OF_CLIENTS),
    "card": _cases(banking.CARD),
    "candidates": _cases(claiming.KEPT),
    "claim": _cases(claiming.CLAIMS),
    "connection": _cases(banking.CONNECTION),
    "consent_week": _cases(banking.WEEK),
    "linking": _cases(banking.LINKING),
    "idempotency": tuple(
        Case(state, message)
        for state in (idempotency.IdempotencyState(idempotency.Phase.IDLE),
                      idempotency.IdempotencyState(idempotency.Phase.BUSY, {"k1": BEGUN}),
                      idempotency.IdempotencyState(idempotency.Phase.BUSY, {"k1": BEGUN, "k2": BEGUN}))
        for message in TO_MEMORY
    ),
    "issuance": tuple(
        Case(issuance.IssuanceState(phase), BY_HAND) for phase in issuance.Phase
    ),
    "merchants": (
        Case(merchants.CatalogueState(M.EMPTY), ImportPartners(())),
        Case(merchants.CatalogueState(M.EMPTY), ImportPartners((PARTNER,))),
        Case(STOCKED, ImportPartners((PARTNER,)), KNOWN),
    ),
    "withdrawal": tuple(
        Case(*one, cutoffs=cutoffs)
        for one in withdrawing.WITHDRAWALS for cutoffs in (Cutoffs(), batched.ON)
    ),
    "payout_batch": tuple(
        Case(state, message, facts, key=key) for state, message, facts, key in batched.BATCHES
    ),
    "payout_file": _cases(batched.FILES),
    "payout_report": tuple(Case(*one) for one in batched.REPORTS),
    "reconciliation": tuple(Case(a, b, terms=c) for a, b, c in OF_RECONCILIATION),
    "watch_list": _cases(OF_LISTS),
    **{kind: _cases(pairs) for kind, pairs in notifying.OURS.items()},
    "wallet": (
        *(Case(*one) for one in (*withdrawing.HOLDS, *lasting.LASTING)),
        Case(WalletState(W.NEW), credit(1000)),
        Case(WalletState(W.NEW), REFUND, RefundFacts()),
        Case(WalletState(W.NEW), RELEASE, RefundFacts()),
        Case(WalletState(W.NEW), restated(1000), RefundFacts()),
        Case(
            WalletState(W.NEW),
            msgspec.structs.replace(restated(1000), removed=True, revision=2),
            RefundFacts(),
        ),
        Case(WalletState(W.NEW), TAKEN_BACK, RefundFacts()),
        Case(ACTIVE, restated(20_000), replaced(500)),
        Case(WalletState(W.ACTIVE, earned_total=500), restated(1000), replaced(0)),
        Case(ACTIVE, TAKEN_BACK, bought(500)),
        Case(WalletState(W.ACTIVE, earned_total=500), TAKEN_BACK, bought(0)),
        Case(OVERDRAWN, restated(10_500), replaced(0)),
        Case(OVERDRAWN, restated(20_000), replaced(0)),
        Case(OVERDRAWN, TAKEN_BACK, bought(0)),
        Case(ACTIVE, credit(1000)),
        Case(ACTIVE, REFUND, bought(500)),
        Case(ACTIVE, REFUND, bought(100)),
        Case(ACTIVE, RELEASE, bought(500)),
        Case(OVERDRAWN, credit(1000)),
        Case(OVERDRAWN, credit(10_000)),
        Case(OVERDRAWN, REFUND, bought(0)),
        Case(OVERDRAWN, RELEASE, bought(50)),
        Case(OVERDRAWN, RELEASE, bought(500)),
        *(Case(state, TellStanding("clm_1", PurchaseFound(REPORT, ("x",))), bought(500))
          for state in (WalletState(W.NEW), ACTIVE, OVERDRAWN)),
    ),
    "person": (
        *(Case(state, message)
          for state in (person.PersonState(H.UNKNOWN), INVITED,
                        person.PersonState(H.ENROLLED, "u1", seed=bytes(20).hex(), passkeys=(KEY,)),
                        person.PersonState(H.REMOVED, "u1"), person.PersonState(H.ERASED))
          for message in (InvitePerson("u1", (), "link", 1000), OfferSeed("link", "00"),
                          ConfirmSeed("link", TYPED), SignIn(TYPED), ShowLink("link"),
                          EnrolPasskey("link", "key", MADE), SignInByPasskey(SHOWN), ListPasskeys(),
                          AddPasskey("key", ANOTHER), RemovePasskey(KEY.credential_id),
                          RemovePerson(), DescribePerson(),
                          NoteGiven("browser_session", "s1", 0, NOW + 1), ErasePerson())),
        Case(INVITED, ConfirmSeed("link", "wrong!")),
        Case(INVITED, EnrolPasskey("other", "key", MADE)),
    ),
    "revocation": (
        *(Case(state, message)
          for state in (revocation.RevocationState(R.EMPTY), HOLDING)
          for message in (EndAccess(Ground.TOKEN, "jti2"), PruneAccess())),
        Case(HOLDING, PruneAccess(), now=NOW - 2),
    ),
    "approval": (
        *(Case(state, message) for state in PROPOSALS for message in TO_PROPOSAL),
        Case(PENDING, APPROVE, now=NOW + 1),
    ),
    "erasure": tuple(Case(state, message) for state in ERASURES for message in TO_ERASURE),
    "disposition": tuple(Case(*one) for one in OF_DISPOSITIONS),
    "letter_report": (
        *(Case(*one) for one in OF_REPORTS), Case(REPORTING, ReportDue(7), (), terms=ReportTerms()),
    ),
    "ceremony": (
        *(Case(state, message)
          for state in (ceremony.CeremonyState(N.UNKNOWN), WAITING, ceremony.CeremonyState(N.ENDED))
          for message in (BeginCeremony("sign_in", "", "c", 1000), FinishCeremony("sign_in", ""),
                          CeremonyExpired())),
    ),
    "invitation": (
        *(Case(state, message) for state in INVITATIONS for message in TO_INVITATION),
        Case(INVITATIONS[1], msgspec.structs.replace(USE, digest="other")),
        Case(INVITATIONS[1], InvitationExpired(), now=NOW + 1000),
        Case(INVITATIONS[2], msgspec.structs.replace(ENTER, proof="wrong")),
        Case(LAST_TRY, msgspec.structs.replace(ENTER, proof="wrong")),
        Case(LAST_TRY_INSIDE, msgspec.structs.replace(ENTER, proof="wrong", alive=True)),
        Case(INVITATIONS[2], InvitationExpired(), now=NOW + 1000),
    ),
    "browser_session": (
        *(Case(state, message)
          for state in (session.SessionState(S.UNKNOWN),
                        session.SessionState(S.OPEN, SOMEBODY, NOW + 1),
                        session.SessionState(S.ENDED))
          for message in (OpenSession(SOMEBODY, 1000), FindSession(), DescribeSession(), EndSession(),
                          SessionExpired())),
        Case(session.SessionState(S.OPEN, SOMEBODY, NOW), SessionExpired()),
    ),
    "authorization_code": (
        *(Case(state, message)
          for state in (code.CodeState(A.UNKNOWN), CODE, code.CodeState(A.REDEEMED, family="f"),
                        code.CodeState(A.ENDED, why="expired"))
          for message in (IssueCode(ALLOWED, "https://a/b", "c", "", 60_000), REDEEM, CodeExpired())),
        Case(CODE, msgspec.structs.replace(REDEEM, challenge="other")),
    ),
    "consent": tuple(Case(state, message) for state in CONSENTS for message in TO_CONSENT),
    "review": tuple(Case(state, message, now=now) for state, message, now in REVIEWS),
    "onboarding_day": _cases(DAYS),
    "onboarding": (*_cases(FILES), *(Case(*one, files=OPEN_TERMS) for one in ONWARD)), "numbering": _cases(NUMBERS),
    "kyc": tuple(Case(*one, key=assessed.FILE.key) for one in assessed.CASES),
    "sighting": _cases(SIGHTINGS), "account": _cases(ACCOUNTS),
    "signature": tuple(Case(a, b, now=now, key=SIGNED.key) for a, b, now in SIGNATURES),
    "feed": _cases(FEEDS), "endpoint": _cases(ENDPOINTS),
    "sessions": tuple(Case(state, message) for state in LISTS for message in TO_SESSIONS),
    "refresh_family": (
        *(Case(state, message)
          for state in (family.FamilyState(F.UNKNOWN), FAMILY, family.FamilyState(F.ENDED, why="x"))
          for message in (
              OpenFamily(ALLOWED, "d1", 1000), RotateToken("web", "d1", "d2"),
              RevokeFamily("web"), DescribeFamily(), EndFamily("code_reused"), FamilyExpired())),
        Case(FAMILY, RotateToken("web", "d0", "d2")),
    ),
    "breaker": (
        *(Case(BreakerState(phase), message(), now=0)
          for phase in B for message in (CallSucceeded, CallFailed, ProbeDue)),
        Case(ALMOST, CallFailed(), now=0),
        Case(BreakerState(B.OPEN), ProbeDue(), now=RECOVERED),
    ),
}  # fmt: skip


def _name(phase: Enum) -> str:
    return phase.name


def test_no_machine_is_without_samples() -> None:
    """Every machine of the daemon is exercised here, and nothing else is."""
    assert set(CASES) == set(machines())


@pytest.mark.parametrize("name", machines())
def test_every_pair_has_a_sample(name: str) -> None:
    """All phases times all messages: a new message or phase fails until it has its sample."""
    machine = machines()[name]
    sampled = {(case.state.phase, type(case.message)) for case in CASES[name]}
    assert sampled == {(phase, message) for phase in machine.phases for message in machine.messages}


@pytest.mark.parametrize("name", machines())
def test_every_pair_is_decided_as_its_row_says(name: str) -> None:
    """A row leads to a declared target; a filled pair is answered by the declared refusal and
    nothing else; every decision is a value that can be stored.
    """
    machine = machines()[name]
    rows = {(row.source, row.message): row for row in machine}
    for case in CASES[name]:
        row = rows[case.state.phase, type(case.message)]
        outcome = case.decide(name)
        if row.refused:
            assert outcome is machine.refusal
            continue
        assert isinstance(outcome, Decision), f"{case.state.phase} x {type(case.message).__name__}"
        assert outcome.state.phase in row.targets
        stored = encode(outcome.state)
        assert msgspec.json.decode(stored, type=type(case.state)) == outcome.state


@pytest.mark.parametrize("name", machines())
def test_every_declared_target_is_reached(name: str) -> None:
    """No row lies: each of its targets is where some sample ends."""
    reached: dict[tuple[Enum, type[Message]], set[Enum]] = {}
    for case in CASES[name]:
        outcome = case.decide(name)
        if isinstance(outcome, Decision):
            pair = (case.state.phase, type(case.message))
            reached.setdefault(pair, set()).add(outcome.state.phase)
    declared = {(r.source, r.message): set(r.targets) for r in machines()[name] if not r.refused}
    assert reached == declared


@pytest.mark.parametrize("name", machines())
def test_deciding_again_changes_nothing(name: str) -> None:
    """A machine is pure: the same state, message and context give the same decision."""
    for case in CASES[name]:
        assert case.decide(name) == case.decide(name)


@pytest.mark.parametrize("name", machines())
def test_drawing_shows_every_arrow_and_no_other(name: str) -> None:
    """The diagram has exactly the declared transitions (docs/machines is made of it)."""
    machine = machines()[name]
    arrows = {
        f"{_name(row.source)} --> {_name(target)} : {row.message.__name__}"
        for row in machine
        if not row.refused
        for target in row.targets
    }
    drawn = [line.strip() for line in machine.mermaid().splitlines() if " : " in line]
    assert sorted(drawn) == sorted(arrows)
    assert machine.table().count("\n") == 2 + len(machine.phases)
