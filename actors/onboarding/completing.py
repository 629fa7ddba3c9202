"""What a file still needs by the type of its client, and what happens when that is nothing. Pure functions.

Rules:
- what a type needs stands in its block of the configuration, and nothing is asked of a file that is not there: one of
  each of its documents, the parts of the profile that it names, and of its parties as many as it wants, each whole;
- a tax declaration is not wanted where a partner has attested the client's taxes and nobody contests it (X31);
- where the mainframe opens the accounts, what it wants of a client is wanted from the beginning, and not when all the
  rest is there;
- a type that is not configured any more is never complete;
- a document or a profile may be the last thing that was missing: both end in `going_on.whole`.

Source: spec.md S1, S5, S13, S17, X31; docs/onboarding.md.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from comptoir.actors.onboarding.account_fields import unfit
from comptoir.actors.onboarding.differing import compared
from comptoir.actors.onboarding.messages import (
    DocumentStatus,
    FileDescribed,
    ProfileDescribed,
    Value,
)
from comptoir.actors.onboarding.people import (
    attested_tax,
    contests_of,
    is_accelerated,
    party_ids,
)
from comptoir.actors.onboarding.profile import values
from comptoir.actors.onboarding.state import OnboardingState
from comptoir.actors.onboarding.terms import OnboardingTerms
from comptoir.engine import Event

__all__ = [
    "APPROVAL",
    "EXPIRY",
    "KEPT",
    "REMINDER",
    "SIGNATURE",
    "DocumentsUploaded",
    "described",
    "lacking",
    "missing",
    "profile_of",
    "unaccepted",
]

EXPIRY: Final = "expiry"
REMINDER: Final = "reminder"
SIGNATURE: Final = "signature"
APPROVAL: Final = "approval"
KEPT: Final = "kept"
"""The timers' names."""
TAXES: Final = "TAX_DECLARATION"
PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "address": ("address/street", "address/city", "address/country"),
    "nationality": ("nationality",),
    "tax_residences": ("taxResidences",),
    "tax_numbers": (),
    "national_id": ("nationalId/type", "nationalId/number"),
    "occupation": ("occupation/status",),
    "wealth": ("wealth/sourceOfFunds",),
    "entity": ("entity/name", "entity/country"),
}
"""What a type may want of a profile -> the fields that are it; of tax numbers one for each residence."""
_OF_PARTY: Final = ("role", "firstName", "lastName", "dateOfBirth", "residenceCountry")


class DocumentsUploaded(Event, frozen=True):
    """DOCUMENTS_UPLOADED of S17: all that the file needs is there, and every document of it accepted."""


def missing(state: OnboardingState, terms: OnboardingTerms) -> tuple[str, ...]:
    """Types of documents that are still to be sent."""
    return _without(state, terms, (DocumentStatus.INSPECTING, DocumentStatus.ACCEPTED))


def unaccepted(state: OnboardingState, terms: OnboardingTerms) -> tuple[str, ...]:
    """Types of documents of which none has been accepted yet."""
    return _without(state, terms, (DocumentStatus.ACCEPTED,))


def _without(
    state: OnboardingState, terms: OnboardingTerms, there: tuple[DocumentStatus, ...]
) -> tuple[str, ...]:
    """Types that the file needs, and of which no document is so far."""
    assert state.opened is not None, "asked of files that have begun"
    kind = terms.types.get(state.opened.client_type)
    found = {one.doc_type for one in state.documents if one.status in there}
    if attested_tax(state):
        found.add(TAXES)
    return tuple(x for x in kind.documents if x not in found) if kind else ()


def lacking(state: OnboardingState, terms: OnboardingTerms) -> tuple[str, ...]:
    """What the profile still wants, as paths; of parties that are too few, `parties:` with their role."""
    return tuple(_lacking(state, terms))


def _lacking(state: OnboardingState, terms: OnboardingTerms) -> Iterator[str]:
    assert state.opened is not None, "asked of files that have begun"
    kind = terms.types.get(state.opened.client_type)
    if kind is None:
        yield "clientType"
        return
    known = values(state.said)
    for part in kind.needs:
        paths = _numbers(known) if part == "tax_numbers" else PARTS[part]
        yield from (path for path in paths if path not in known)
    if terms.accounts:
        named = {path for part in kind.needs for path in PARTS.get(part, ())}
        yield from (
            path for path in unfit(known, terms.code_page) if path not in named or path in known
        )
    roles: list[Value] = []
    for name in party_ids(known):
        own = f"parties/{name}"
        wanted = [f"{own}/{field}" for field in _OF_PARTY]
        if known.get(f"{own}/role") == "beneficial_owner":
            wanted += _ownership(known, own)
        absent = [path for path in wanted if path not in known]
        yield from absent
        if not absent:
            roles.append(known[f"{own}/role"])
    for one in kind.parties:
        if roles.count(one.role) < one.least:
            yield f"parties:{one.role}"


def _numbers(known: Mapping[str, Value]) -> tuple[str, ...]:
    """Where the tax numbers of a client are: one for each country in which taxes are paid."""
    countries = known.get("taxResidences")
    return tuple(f"taxNumbers/{x}" for x in countries) if isinstance(countries, tuple) else ()


def _ownership(known: Mapping[str, Value], own: str) -> list[str]:
    """By what somebody owns; by shares or votes, how many."""
    by_share = known.get(f"{own}/control") != "OTHER"
    return [f"{own}/control", *([f"{own}/sharePercent"] if by_share else [])]


def described(state: OnboardingState, terms: OnboardingTerms) -> FileDescribed:
    """As it is told."""
    assert state.opened is not None, "asked of files that have begun"
    return FileDescribed(
        state.phase.value, state.opened, compared(state), missing(state, terms), state.history,
        state.created_at, state.expires_at, state.updated_at, state.kyc, lacking(state, terms),
        state.cause, state.submissions, state.onward,
    )  # fmt: skip


def profile_of(state: OnboardingState, terms: OnboardingTerms) -> ProfileDescribed:
    """Its profile, as it is told."""
    assert state.opened is not None, "asked of files that have begun"
    return ProfileDescribed(
        state.opened, state.said, contests_of(state), lacking(state, terms), state.version,
        is_accelerated(state), state.onward.correction,
    )  # fmt: skip
