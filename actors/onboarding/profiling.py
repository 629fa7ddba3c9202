"""What is said of a client while its file is being put together: by the client, its advisor, a partner, a document.

Rules:
- it may be said until the documents are there; afterwards it stands, unless the file is resumed;
- names and date of birth stand once a document was held against them;
- a partner's submission is a whole: sent again as it was, it is the same, and so is its receipt; sent again changed,
  it takes the place of what the partner said before. Whom it is about and how they are reached does not change;
- a receipt is kept with its submission: the first one that was signed is the one;
- an event says which fields were spoken of, and never what was said.

Source: spec.md S5, E16, X31; RFC 7396; docs/onboarding.md.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from comptoir.actors.onboarding.completing import described, profile_of
from comptoir.actors.onboarding.going_on import ON, whole
from comptoir.actors.onboarding.messages import (
    DOCUMENT,
    PARTNER,
    SUBMISSIONS_MAX,
    AmendFile,
    ChangeProfile,
    DescribeProfile,
    Document,
    DocumentStatus,
    FileOver,
    KeepReceipt,
    ProfileClosed,
    ProfileRefused,
    Said,
    SubmissionClosed,
    Submitted,
    Value,
)
from comptoir.actors.onboarding.people import party_ids
from comptoir.actors.onboarding.profile import FIELDS_MAX, taken_over, values, with_said
from comptoir.actors.onboarding.reading import suggested
from comptoir.actors.onboarding.state import OnboardingState, Phase, moved
from comptoir.actors.onboarding.terms import OnboardingTerms, terms_of
from comptoir.engine import Decision, Event
from comptoir.engine.machine import Context, row
from comptoir.engine.settings.client_types import PARTIES_MAX

__all__ = ["PROFILING", "FileAmended", "ProfileChanged", "ReceiptKept", "with_suggestions"]

FIXED: Final = ("firstName", "lastName", "dateOfBirth")
"""What documents are held against."""
SEEN: Final = "seen"
"""Digests of documents by type: of what a partner has seen, and of what was accepted."""
_HELD: Final = (DocumentStatus.INSPECTING, DocumentStatus.ACCEPTED)


class ProfileChanged(Event, frozen=True):
    """Something was said of the client."""

    source: str
    by: str
    fields: tuple[str, ...]
    """By their first names: `address`, `parties`."""


class FileAmended(Event, frozen=True):
    """A partner has sent its submission again, changed."""

    partner: str
    sequence: int
    digest: str


class ReceiptKept(Event, frozen=True):
    """A submission has its receipt."""

    sequence: int


Outcome = Decision[OnboardingState]


def _change(state: OnboardingState, message: ChangeProfile, context: Context) -> Outcome:
    terms = terms_of(context)
    if message.expected not in (None, state.version):
        return Decision(state, ProfileRefused("PRECONDITION_FAILED", ""))
    said = Said(None, message.source, message.by, context.now)
    after = msgspec.structs.replace(state, said=with_said(state.said, message.changes, said))
    fault = next(_faults(state, after, terms), None)
    if fault is not None:
        return Decision(state, fault)
    if after.said == state.said:
        return Decision(state, profile_of(state, terms))
    came = after
    if message.source == "client" and state.phase is Phase.INITIATED:
        came = moved(after, Phase.DOCUMENTS_PENDING, ("CLIENT_CAME", "client"), context.now)
    changed = msgspec.structs.replace(came, version=state.version + 1, updated_at=context.now)
    happened = ProfileChanged(message.source, message.by, _named(state.said, changed.said))
    decision = whole(changed, (happened,), context)
    return msgspec.structs.replace(decision, reply=profile_of(decision.state, terms))


def _named(
    before: Mapping[str, tuple[Said, ...]], after: Mapping[str, tuple[Said, ...]]
) -> tuple[str, ...]:
    """Which fields are not as they were, by their first names."""
    paths = {*before, *after}
    changed = (path for path in paths if before.get(path) != after.get(path))
    return tuple(sorted({path.partition("/")[0] for path in changed}))


def _faults(
    before: OnboardingState, after: OnboardingState, terms: OnboardingTerms
) -> Iterator[ProfileRefused]:
    """Why it cannot be said so."""
    assert after.opened is not None, "asked of files that have begun"
    old, new = values(before.said), values(after.said)
    if len(after.said) > FIELDS_MAX:
        yield ProfileRefused("PROFILE_TOO_LARGE", "")
    if any(one.status in _HELD for one in after.documents):
        for path in FIXED:
            if old.get(path) != new.get(path):
                yield ProfileRefused("PROFILE_FIELD_FIXED", path)
    kind = terms.types.get(after.opened.client_type)
    if kind is None or not kind.entity:
        for path in new:
            if path.startswith("entity/"):
                yield ProfileRefused("PROFILE_NO_ENTITY", path)
    most = {one.role: one.most for one in kind.parties} if kind else {}
    yield from _party_faults(new, most, terms.owner_share)


def _party_faults(
    known: Mapping[str, Value], most: Mapping[str, int], share_min: int
) -> Iterator[ProfileRefused]:
    names = party_ids(known)
    if len(names) > PARTIES_MAX:
        yield ProfileRefused("PROFILE_PARTIES_TOO_MANY", "parties")
    roles: Counter[str] = Counter()
    for name in names:
        own = f"parties/{name}"
        role, share = known.get(f"{own}/role"), known.get(f"{own}/sharePercent")
        if role is not None:
            roles[str(role)] += 1
            if role not in most:
                yield ProfileRefused("PROFILE_ROLE_UNKNOWN", f"{own}/role")
        by_share = known.get(f"{own}/control") != "OTHER"
        if by_share and isinstance(share, int) and share < share_min:
            yield ProfileRefused("PROFILE_SHARE_TOO_SMALL", f"{own}/sharePercent")
    for role, number in roles.items():
        if role in most and number > most[role]:
            yield ProfileRefused("PROFILE_PARTIES_TOO_MANY", "parties")


def _amend(state: OnboardingState, message: AmendFile, context: Context) -> Outcome:
    terms, client, opened = terms_of(context), state.client, state.opened
    assert client is not None, "asked of files that have begun"
    assert opened is not None, "asked of files that have begun"
    if _is_repeat(state, message):
        return Decision(state, described(state, terms))
    mine, theirs = (client.email, client.phone), (message.client.email, message.client.phone)
    if mine != theirs:
        return Decision(state, ProfileRefused("SUBMISSION_FIELD_FIXED", "clientInfo"))
    if opened.client_type != message.client_type:
        return Decision(state, ProfileRefused("SUBMISSION_FIELD_FIXED", "clientType"))
    if len(state.submissions) >= SUBMISSIONS_MAX:
        return Decision(state, ProfileRefused("SUBMISSIONS_TOO_MANY", ""))
    said = Said(None, f"{PARTNER}:{message.partner}", message.partner, context.now)
    spoken = msgspec.structs.replace(state, said=taken_over(state.said, message.profile, said))
    fault = next(_faults(state, spoken, terms), None)
    if fault is not None:
        return Decision(state, fault)
    sequence = len(state.submissions) + 1
    one = Submitted(message.digest, sequence, context.now)
    amended = msgspec.structs.replace(
        spoken, version=state.version + 1, submissions=(*state.submissions, one),
        updated_at=context.now,
    )  # fmt: skip
    happened = (
        FileAmended(message.partner, sequence, message.digest),
        ProfileChanged(said.source, said.by, _named(state.said, amended.said)),
    )
    decision = whole(amended, happened, context)
    return msgspec.structs.replace(decision, reply=described(decision.state, terms))


def _is_repeat(state: OnboardingState, message: AmendFile) -> bool:
    """Whether it is what was submitted last."""
    return bool(state.submissions) and state.submissions[-1].digest == message.digest


def _amend_late(state: OnboardingState, message: AmendFile, context: Context) -> Outcome:
    if _is_repeat(state, message):
        return Decision(state, described(state, terms_of(context)))
    return Decision(state, SubmissionClosed())


def _keep(state: OnboardingState, message: KeepReceipt, context: Context) -> Outcome:
    terms = terms_of(context)
    kept = tuple(
        msgspec.structs.replace(one, jws=message.jws)
        if one.sequence == message.sequence and not one.jws
        else one
        for one in state.submissions
    )
    if kept == state.submissions:  # there is one, and it stays
        return Decision(state, described(state, terms))
    with_it = msgspec.structs.replace(state, submissions=kept)
    return Decision(with_it, described(with_it, terms), events=(ReceiptKept(message.sequence),))


def with_suggestions(
    state: OnboardingState, document: Document, context: Context
) -> OnboardingState:
    """With what an accepted document says of its client."""
    residence = values(state.said).get("residenceCountry")
    found = {
        **suggested(document, residence if isinstance(residence, str) else ""),
        f"{SEEN}/{document.doc_type}": document.proven_sha256,
    }
    said = Said(None, f"{DOCUMENT}:{document.id}", "", context.now)
    after = with_said(state.said, found, said)
    if after == state.said:
        return state
    return msgspec.structs.replace(state, said=after, version=state.version + 1)


def _closed(state: OnboardingState, _message: ChangeProfile, _context: Context) -> Outcome:
    return Decision(state, ProfileClosed())


def _over(state: OnboardingState, _message: ChangeProfile, _context: Context) -> Outcome:
    return Decision(state, FileOver())


def _describe(state: OnboardingState, _message: DescribeProfile, context: Context) -> Outcome:
    return Decision(state, profile_of(state, terms_of(context)))


_BEGUN: Final = tuple(phase for phase in Phase if phase is not Phase.NONE)
_EARLY: Final = (Phase.INITIATED, Phase.DOCUMENTS_PENDING)
_OTHERS: Final = (Phase.INCOMPLETE, Phase.COMPLETED)
"""It is over; or what is said goes to the mainframe (syncing.py)."""

PROFILING: Final = (
    row(Phase.INITIATED, ChangeProfile, _change, Phase.INITIATED, Phase.DOCUMENTS_PENDING, *ON),
    row(Phase.DOCUMENTS_PENDING, ChangeProfile, _change, Phase.DOCUMENTS_PENDING, *ON),
    row(Phase.INCOMPLETE, ChangeProfile, _over, Phase.INCOMPLETE),
    *(row(x, ChangeProfile, _closed, x) for x in _BEGUN if x not in (*_EARLY, *_OTHERS)),
    row(Phase.INITIATED, AmendFile, _amend, Phase.INITIATED),
    row(Phase.DOCUMENTS_PENDING, AmendFile, _amend, Phase.DOCUMENTS_PENDING, *ON),
    *(row(x, AmendFile, _amend_late, x) for x in _BEGUN if x not in _EARLY),
    *(row(x, KeepReceipt, _keep, x) for x in _BEGUN),
    *(row(x, DescribeProfile, _describe, x) for x in _BEGUN),
)
