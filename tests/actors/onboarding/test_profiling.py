"""A file's profile: who may say what of it and until when; submissions of partners and their receipts; who is looked at.

Source: spec.md S1, S5, S21, E16, X31; docs/onboarding.md.
"""

from typing import Any

import msgspec
import pytest

from comptoir.actors.gateways.document_messages import DocumentInspected
from comptoir.actors.kyc.messages import AssessClient, Party, PostalAddress
from comptoir.actors.onboarding.messages import (
    SUBMISSIONS_MAX,
    AmendFile,
    ChangeProfile,
    ClientReached,
    DescribeFile,
    DocumentStatus,
    FileDescribed,
    FileOver,
    KeepReceipt,
    ProfileClosed,
    ProfileDescribed,
    ProfileRefused,
    Said,
    SubmissionClosed,
    Submitted,
)
from comptoir.actors.onboarding.people import (
    address_of,
    contract_of,
    declared,
    is_accelerated,
    parties_of,
)
from comptoir.actors.onboarding.profile import values
from comptoir.actors.onboarding.profiling import FileAmended, ProfileChanged
from comptoir.actors.onboarding.state import OnboardingState, Phase
from comptoir.engine import Put
from comptoir.engine.settings import ClientType
from tests.actors.filed import (
    AMENDS,
    BEGUN,
    COMPANY,
    FILE_TERMS,
    INITIATE,
    INSPECTED,
    INSPECTING,
    KNOWN,
    MARIE,
    NOW,
    OPENED,
    WHOLE_COMPANY,
    company,
    document,
)
from tests.actors.onboarding.test_machine import TWO, decide, having, refusal

TAX = {"tax/year": 2024, "tax/country": "FR", "tax/referenceIncomeCents": 4_567_800}
BY_PARTNER = msgspec.structs.replace(
    INITIATE,
    opened=msgspec.structs.replace(OPENED, initiated_by="PARTNER", advisor="", partner="cl_1"),
    profile=TAX,
    submission="ab" * 32,
    place="place",
)
PENDING_COMPANY = company(Phase.DOCUMENTS_PENDING)


def says(changes: dict[str, Any], source: Any = "client", **more: Any) -> ChangeProfile:
    """Somebody says something."""
    return ChangeProfile(changes, source, "cli_1" if source == "client" else "adv-1", **more)


def submitted() -> OnboardingState:
    """A file that a partner began."""
    begun: OnboardingState = decide(OnboardingState(Phase.NONE), BY_PARTNER, TWO).state
    return begun


def amends(profile: dict[str, Any], digest: str = "cd", **changes: Any) -> AmendFile:
    """The partner sends it again."""
    return msgspec.structs.replace(
        AmendFile(profile, MARIE, "INDIVIDUAL", "cl_1", digest * 32), **changes
    )


def test_who_begins_a_file_says_its_first_word() -> None:
    """S5, E16: an advisor's, or a partner's who attests it; the partner's reference leads to the file."""
    begun = decide(OnboardingState(Phase.NONE), INITIATE).state
    assert begun.said["lastName"] == (Said("Tremblay", "advisor", "adv-1", NOW),)
    theirs = decide(OnboardingState(Phase.NONE), BY_PARTNER)
    assert theirs.state.said["tax/year"] == (Said(2024, "partner:cl_1", "cl_1", NOW),)
    assert theirs.state.submissions == (Submitted("ab" * 32, 1, NOW),)
    assert theirs.documents == (
        Put("partner_submissions", "place", {"onboarding_id": "ONB-2026-00001"}),
    )
    unknown = msgspec.structs.replace(
        INITIATE, opened=msgspec.structs.replace(OPENED, client_type="CLUB")
    )
    assert refusal(OnboardingState(Phase.NONE), unknown) == "CLIENT_TYPE_UNKNOWN"
    plain = decide(OnboardingState(Phase.NONE), INITIATE)
    assert (plain.state.submissions, plain.documents) == ((), ())


def test_what_is_said_is_in_the_profile_and_no_value_is_in_an_event() -> None:
    """S5, invariant 8: the client that says something has come; said again, it changes nothing; an event names fields."""
    told = decide(BEGUN, says({"address/city": "Paris", "nationality": "FR"}))
    assert told.state.phase is Phase.DOCUMENTS_PENDING
    assert (told.state.version, values(told.state.said)["nationality"]) == (1, "FR")
    assert told.events == (ProfileChanged("client", "cli_1", ("address", "nationality")),)
    assert isinstance(told.reply, ProfileDescribed)
    again = decide(told.state, says({"nationality": "FR"}))
    assert (again.state, again.events) == (told.state, ())
    advised = decide(BEGUN, says({"nationality": "FR"}, "advisor"))
    assert advised.state.phase is Phase.INITIATED


def test_a_profile_that_was_seen_by_its_version() -> None:
    """RFC 9110 section 13.1.1: who saw another one changes nothing."""
    stale = decide(BEGUN, says({"nationality": "FR"}, expected=3))
    assert (stale.state, stale.reply) == (BEGUN, ProfileRefused("PRECONDITION_FAILED", ""))
    assert decide(BEGUN, says({"nationality": "FR"}, expected=0)).state.version == 1


@pytest.mark.parametrize(
    ("state", "changes", "code", "path"),
    [
        (having(document(DocumentStatus.ACCEPTED)), {"lastName": "Moreau"}, "PROFILE_FIELD_FIXED",
         "lastName"),
        (BEGUN, {"entity/name": "Lilas"}, "PROFILE_NO_ENTITY", "entity/name"),
        (BEGUN, {"parties/owner-1/role": "beneficial_owner"}, "PROFILE_ROLE_UNKNOWN",
         "parties/owner-1/role"),
        (COMPANY, {"parties/settlor-1/role": "settlor"}, "PROFILE_ROLE_UNKNOWN",
         "parties/settlor-1/role"),
        (COMPANY, {f"parties/owner-{n}/role": "beneficial_owner" for n in range(3)},
         "PROFILE_PARTIES_TOO_MANY", "parties"),
        (COMPANY, {f"parties/owner-{n}/lastName": "M" for n in range(31)},
         "PROFILE_PARTIES_TOO_MANY", "parties"),
        (COMPANY, {"parties/owner-1/sharePercent": 24}, "PROFILE_SHARE_TOO_SMALL",
         "parties/owner-1/sharePercent"),
        (COMPANY, {f"taxNumbers/{n}": "x" for n in range(501)}, "PROFILE_TOO_LARGE", ""),
    ],
)  # fmt: skip
def test_what_cannot_be_said_so_changes_nothing(
    state: OnboardingState, changes: dict[str, Any], code: str, path: str
) -> None:
    """S1: names stand once a document was held against them; parties as the type wants them, owners from 25 %."""
    refused = decide(state, says(changes))
    assert (refused.state, refused.reply) == (state, ProfileRefused(code, path))


def test_who_controls_otherwise_needs_no_share() -> None:
    """S1: a beneficial owner is one by shares, by votes, or otherwise."""
    other = {"parties/owner-1/control": "OTHER", "parties/owner-1/sharePercent": 1}
    assert isinstance(decide(COMPANY, says(other)).reply, ProfileDescribed)


def test_a_corrected_name_is_what_documents_are_held_against() -> None:
    """S20: before any document is, names may be corrected, and the inspection is told the right ones."""
    told = decide(having(document()), says({"lastName": "Moreau"}))
    assert declared(told.state).last_name == "Moreau"


@pytest.mark.parametrize(
    ("phase", "reply"),
    [(Phase.DOCUMENTS_UPLOADED, ProfileClosed()), (Phase.INCOMPLETE, FileOver())],
)
def test_afterwards_it_stands(phase: Phase, reply: object) -> None:
    """S16: nothing is said any more once the documents are there, or its time is over."""
    state = msgspec.structs.replace(BEGUN, phase=phase)
    refused = decide(state, says({"nationality": "FR"}))
    assert (refused.state, refused.reply) == (state, reply)


def test_a_file_needs_its_parties_whole() -> None:
    """S1: an entity, and an owner of whom everything is known; the last word of the profile completes the file as the
    last document does.
    """
    bare = decide(PENDING_COMPANY, DescribeFile()).reply
    assert isinstance(bare, FileDescribed)
    assert bare.lacking == ("entity/name", "entity/country", "parties:beneficial_owner")
    most = {path: value for path, value in KNOWN.items() if not path.endswith("sharePercent")}
    told = decide(PENDING_COMPANY, says(most))
    assert told.state.phase is Phase.DOCUMENTS_PENDING
    assert isinstance(told.reply, ProfileDescribed)
    assert told.reply.lacking == ("parties/owner-1/sharePercent", "parties:beneficial_owner")
    last = decide(told.state, says({"parties/owner-1/sharePercent": 25}))
    assert last.state.phase is Phase.KYC_PENDING
    assert last.cancel == ("expiry", "reminder")
    assert decide(WHOLE_COMPANY, ClientReached()).state.phase is Phase.KYC_PENDING


def test_parts_that_a_type_wants() -> None:
    """S1, S5: each part of `needs` is asked for by its fields; tax numbers by the countries that are named; a type that
    is configured no more is never complete.
    """
    wants = (
        "address",
        "nationality",
        "tax_residences",
        "tax_numbers",
        "national_id",
        "occupation",
        "wealth",
    )
    terms = msgspec.structs.replace(FILE_TERMS, types={"INDIVIDUAL": ClientType((), wants)})
    told = decide(BEGUN, says({"taxResidences": ("FR", "CA"), "taxNumbers/FR": "123"}), terms).reply
    assert isinstance(told, ProfileDescribed)
    assert told.lacking == (
        "address/street", "address/city", "address/country", "nationality", "taxNumbers/CA",
        "nationalId/type", "nationalId/number", "occupation/status", "wealth/sourceOfFunds",
    )  # fmt: skip
    gone = msgspec.structs.replace(FILE_TERMS, types={})
    reply = decide(having(document(DocumentStatus.ACCEPTED)), DescribeFile(), gone).reply
    assert isinstance(reply, FileDescribed)
    assert (reply.missing, reply.lacking) == ((), ("clientType",))
    assert contract_of(BEGUN, gone) == ""
    assert contract_of(COMPANY, FILE_TERMS) == "management-company"


def test_everybody_behind_a_client_is_looked_at() -> None:
    """S1, S21: the person who acts first, then the entity, then each party as a person."""
    assert address_of(BEGUN) == PostalAddress(country="CA")
    assert parties_of(BEGUN) == (
        Party("client", "client", "Person", "Marie", "Tremblay", "1980-05-15", "CA", "CA"),
    )
    assert parties_of(WHOLE_COMPANY) == (
        Party("client", "representative", "Person", "Marie", "Tremblay", "1980-05-15", "CA", "CA"),
        Party("entity", "entity", "Organization", "", "Lilas SAS", "", "FR", "FR"),
        Party("owner-1", "beneficial_owner", "Person", "Ada", "Moreau", "1970-01-02", "FR"),
    )


def test_what_a_document_says_is_suggested() -> None:
    """S5, S19: behind whatever a person says; where it was read is told."""
    bill = document(
        DocumentStatus.INSPECTING, doc_type="PROOF_OF_RESIDENCE", proven_sha256="ab" * 32
    )
    read = DocumentInspected(
        "doc_1", "ab" * 32, "", (), {"address": "12 rue des Lilas, 75011 Paris"}
    )
    after = decide(having(bill), read, TWO).state
    assert address_of(after) == PostalAddress("12 rue des Lilas", "75011", "Paris")
    assert after.said["address/city"][0].source == "document:doc_1"
    told = decide(after, says({"address/city": "Lyon"}), TWO).state
    assert address_of(told).city == "Lyon"


def test_what_a_partner_attests_stands_in_for_the_declaration_unless_it_is_contested() -> None:
    """S5, X31: no tax declaration is asked for, the review is due sooner; a client who contests it is asked for it."""
    state = decide(submitted(), ClientReached(), TWO).state
    assert is_accelerated(state)
    reply = decide(state, DescribeFile(), TWO).reply
    assert isinstance(reply, FileDescribed)
    assert reply.missing == ("IDENTITY",)
    sent = msgspec.structs.replace(state, documents=INSPECTING.documents)
    assessed = decide(sent, INSPECTED, TWO)
    assert assessed.state.phase is Phase.KYC_PENDING
    (question,) = assessed.messages
    assert isinstance(question.message, AssessClient)
    assert question.message.accelerated
    against = decide(state, says({"tax/year": 2023}), TWO)
    assert isinstance(against.reply, ProfileDescribed)
    assert (against.reply.contested, against.reply.accelerated) == (("tax/year",), False)
    reply = decide(against.state, DescribeFile(), TWO).reply
    assert isinstance(reply, FileDescribed)
    assert reply.missing == ("IDENTITY", "TAX_DECLARATION")


def test_a_submission_sent_again_is_the_same_and_so_is_its_receipt() -> None:
    """E16: the first receipt stays; another one for the same submission is not kept; in every phase."""
    kept = decide(submitted(), KeepReceipt(1, "a.b.c")).state
    assert decide(kept, KeepReceipt(1, "x.y.z")).state == kept
    for phase in (Phase.INITIATED, Phase.DOCUMENTS_UPLOADED, Phase.INCOMPLETE):
        state = msgspec.structs.replace(kept, phase=phase)
        again = decide(state, amends(TAX, "ab"))
        assert again.state == state
        assert isinstance(again.reply, FileDescribed)
        assert again.reply.submissions == (Submitted("ab" * 32, 1, NOW, "a.b.c"),)


def test_a_changed_submission_takes_the_place_of_the_one_before() -> None:
    """E16: with who and when, a sequence and a receipt of its own, until the client has completed the file."""
    changed = decide(submitted(), amends({**TAX, "tax/year": 2025}), now=NOW + 5)
    assert changed.state.said["tax/year"] == (Said(2025, "partner:cl_1", "cl_1", NOW + 5),)
    assert changed.state.submissions[1] == Submitted("cd" * 32, 2, NOW + 5)
    assert changed.events[0] == FileAmended("cl_1", 2, "cd" * 32)
    less = decide(submitted(), amends({}))
    assert "tax/year" not in values(less.state.said)
    done = msgspec.structs.replace(submitted(), phase=Phase.DOCUMENTS_UPLOADED)
    assert decide(done, amends({})).reply == SubmissionClosed()
    assert decide(PENDING_COMPANY, AMENDS).state.phase is Phase.KYC_PENDING


@pytest.mark.parametrize(
    ("message", "code", "path"),
    [
        (amends({}, client=msgspec.structs.replace(MARIE, email="x@y.example")),
         "SUBMISSION_FIELD_FIXED", "clientInfo"),
        (amends({}, client_type="TRUST"), "SUBMISSION_FIELD_FIXED", "clientType"),
        (amends({"entity/name": "X"}), "PROFILE_NO_ENTITY", "entity/name"),
    ],
)  # fmt: skip
def test_whom_it_is_about_does_not_change(message: AmendFile, code: str, path: str) -> None:
    """E16: how the client is reached, and its type, are as they were submitted first."""
    state = submitted()
    refused = decide(state, message)
    assert (refused.state, refused.reply) == (state, ProfileRefused(code, path))


def test_submissions_are_so_many() -> None:
    """design.md 5: nothing is unbounded."""
    many = tuple(Submitted(f"{n}", n, NOW) for n in range(SUBMISSIONS_MAX))
    full = msgspec.structs.replace(submitted(), submissions=many)
    assert decide(full, amends({})).reply == ProfileRefused("SUBMISSIONS_TOO_MANY", "")
