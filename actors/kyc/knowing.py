"""What is known of a client: the answers of a case, made into the facts that a decision is taken from.

The rules:
- where a port of ours has answered, its answer counts, and the bureau's word (S10, `checks`) can only make it worse;
- where there is no port of ours (NOT_CONFIGURED, a country that none covers, no address to ask about), the bureau's word
  counts: PASSED is good, FAILED is not;
- a word that nobody knows is no word: it makes a good fact unknown, and no fact good (S27);
- what was not answered is not known, and never good;
- a hit that a person has judged counts as judged; one that nobody has judged is a suspicion (X3, E4).
Source: spec.md S10, S20, S21, S24, S25, S27, X3, E4.
"""

from collections.abc import Callable, Iterable
from typing import Final

from comptoir.actors.gateways.kyc_messages import ListedHit
from comptoir.actors.kyc.facts import Facts, Finding
from comptoir.actors.kyc.messages import Party
from comptoir.actors.kyc.state import (
    CLEARED,
    CONFIRMED,
    PEP_TOPICS,
    KycState,
    check_of,
    found_hits,
    is_sanction,
    word_on,
)

__all__ = ["facts_of", "is_unserved"]

UNSERVED: Final = frozenset({"NOT_CONFIGURED", "COUNTRY_NOT_COVERED"})
"""Codes of `CheckImpossible` that say that there is no port of ours for it."""
PASSED: Final = "PASSED"
FAILED: Final = "FAILED"
_BADNESS: Final = (Finding.CLEAR, None, Finding.SUSPECTED, Finding.CONFIRMED)
"""What is worse stands later: what is not known is worse than what is clear."""
_WORTH: Final = (False, None, True)
"""What is worse stands earlier."""


def facts_of(state: KycState) -> Facts:
    """The facts, as far as they are known now."""
    asked = state.asked
    assert asked is not None, "asked of cases that have begun"
    documents, parties = asked.documents, asked.parties
    return Facts(
        identity_verified=_verdict(_word(state, "identityVerification")),
        documents_valid=documents.valid,
        documents_expired=documents.expired,
        data_inconsistent=documents.inconsistent,
        address_verified=_address(state),
        credit_high=None if state.credit is None else state.credit.high,
        pep=_searched(state, "pepCheck", _found(state, _is_pep)),
        sanctions=_searched(state, "sanctionsCheck", _found(state, is_sanction)),
        adverse_media=_media(state),
        residence=_country(parties[0].residence_country) or None,
        tax_residences=_countries(_ties(parties)),
        nationalities=_countries(one.nationality for one in parties),
        lists=dict(state.lists),
    )


def is_unserved(state: KycState, check: str) -> bool:
    """Whether there is no port of ours for a check."""
    return any(
        check_of(one) == check and code in UNSERVED for one, code in state.impossible.items()
    )


def _word(state: KycState, name: str) -> str:
    """What the bureau says of a check; empty: it says nothing."""
    return "" if state.report is None else state.report.checks.get(name, "")


def _verdict(word: str) -> bool | None:
    return {PASSED: True, FAILED: False}.get(word)


def _finding(word: str) -> Finding | None:
    return {PASSED: Finding.CLEAR, FAILED: Finding.SUSPECTED}.get(word)


def _address(state: KycState) -> bool | None:
    word = _word(state, "addressVerification")
    own = None if state.address is None else state.address.verified
    asked = own is not None or any(
        check_of(one) == "address" for one in (*state.impossible, *state.waits)
    )
    if not asked or is_unserved(state, "address"):
        return _verdict(word)
    return own if not word else min(own, _verdict(word), key=_WORTH.index)


def _searched(state: KycState, check: str, own: Finding | None) -> Finding | None:
    """A search of our lists, and the bureau's word on the same."""
    word = _word(state, check)
    if is_unserved(state, "screening"):
        return _worst(own, _finding(word)) if own is not None else _finding(word)
    return own if not word else _worst(own, _finding(word))


def _worst(*findings: Finding | None) -> Finding | None:
    return max(findings, key=_BADNESS.index)


def _screened(state: KycState) -> bool:
    """Whether everybody was searched for, in lists that there are."""
    asked = state.asked
    assert asked is not None, "asked of cases that have begun"
    return bool(state.lists) and all(one.id in state.hits for one in asked.parties)


def _is_pep(hit: ListedHit) -> bool:
    return any(x.startswith(PEP_TOPICS) for x in hit.topics)


def _is_other(hit: ListedHit) -> bool:
    """Listed for something else: a crime, a debarment; or for nothing that the list says."""
    return not is_sanction(hit) and not _is_pep(hit)


def _found(state: KycState, matches: Callable[[ListedHit], bool]) -> Finding | None:
    """The worst of the hits of a kind; clear only where everybody was searched for."""
    words = [_judged(state, party, hit) for party, hit in found_hits(state) if matches(hit)]
    nothing = Finding.CLEAR if _screened(state) else None
    return _worst(nothing, *words)


def _judged(state: KycState, party: str, hit: ListedHit) -> Finding:
    word = word_on(state, party, hit)
    if word == CLEARED:
        return Finding.CLEAR
    return Finding.CONFIRMED if word == CONFIRMED else Finding.SUSPECTED


def _media(state: KycState) -> Finding | None:
    """The press, and lists that are neither of sanctions nor of offices."""
    asked = state.asked
    assert asked is not None, "asked of cases that have begun"
    whole = all(one.id in state.headlines for one in asked.parties)
    found = any(state.headlines.values())
    own = Finding.SUSPECTED if found else Finding.CLEAR if whole else None
    word = _word(state, "adverseMedia")
    if is_unserved(state, "media") and not found:
        own = _finding(word)
    elif word:
        own = _worst(own, _finding(word))
    listed = _found(state, _is_other)
    return own if listed in (None, Finding.CLEAR) else _worst(own, listed)


def _ties(parties: tuple[Party, ...]) -> Iterable[str]:
    """Where taxes are paid; of those who stand behind a client, where they live as well (S25)."""
    for one in parties:
        yield one.tax_residence
    for one in parties[1:]:
        yield one.residence_country


def _countries(codes: Iterable[str]) -> tuple[str, ...]:
    """Each once, in an order that does not depend on who came first."""
    return tuple(sorted({code for code in map(_country, codes) if code}))


def _country(code: str) -> str:
    """A code of two capitals, or nothing: what was misread is no country."""
    return code if len(code) == 2 and code.isascii() and code.isupper() else ""  # noqa: PLR2004
