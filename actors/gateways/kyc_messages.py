"""What is asked of those who know about people, and what they answer (S21).

Whoever asks is answered with a message, once, under the same `reference`. A party that is away parks the question
(E5), so that nothing is answered until it is back; `CheckImpossible` is the answer where there will be none: the party
is not configured, or refuses the question for good. It clears nobody (S27).
Source: spec.md S10, S21, S27; docs/kyc.md, docs/screening.md.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from comptoir.actors.kyc.messages import Party, PostalAddress
from comptoir.actors.screening.clearing import Said
from comptoir.engine.values import Address, Message

__all__ = [
    "ADDRESSES",
    "BUREAU",
    "CREDIT",
    "MEDIA",
    "SCREENING",
    "AddressChecked",
    "CheckAddress",
    "CheckCredit",
    "CheckImpossible",
    "CreditChecked",
    "Headline",
    "ListedHit",
    "MediaSearched",
    "PartyScreened",
    "ReadVerification",
    "ScreenParty",
    "SearchMedia",
    "StartVerification",
    "VerificationStarted",
]

BUREAU = Address("bureau", "")
"""Who verifies identities, and reports by webhook (S10)."""
ADDRESSES = Address("addresses", "")
"""Who knows addresses: the French BAN, Canada Post."""
CREDIT = Address("credit", "")
"""Who scores credit."""
MEDIA = Address("media", "")
"""Who searches the press."""
SCREENING = Address("screening", "")
"""Who searches our watch lists: a process of ours."""


class StartVerification(Message, frozen=True):
    """Verify this client; the result comes by webhook (`BureauReported`). Asked again under the same reference it is
    the same verification.
    """

    reference: str
    """`ONB-2026-00001:1`: the file and its round."""
    onboarding_id: str
    client_type: str
    parties: tuple[Party, ...]
    address: PostalAddress
    email: str
    phone: str


class VerificationStarted(Message, frozen=True):
    """The bureau has taken it."""

    reference: str
    verification_id: str


class ReadVerification(Message, frozen=True):
    """No webhook has come: what does the bureau have? Answered by `BureauReported` with `healed`, or not at all while it
    is still at work.
    """

    reference: str
    onboarding_id: str
    verification_id: str


class CheckAddress(Message, frozen=True):
    """Is there such an address?"""

    reference: str
    address: PostalAddress


class AddressChecked(Message, frozen=True):
    """What is known of it."""

    reference: str
    verified: bool
    likeness: int
    """0 to 100."""
    found: PostalAddress | None
    """As it is written where it is known; None: nothing like it is."""


class CheckCredit(Message, frozen=True):
    """How creditworthy is this client?"""

    reference: str
    party: Party
    address: PostalAddress


class CreditChecked(Message, frozen=True):
    """The answer; the score is the party's own and stays there."""

    reference: str
    high: bool
    band: str
    """The party's word for it."""


class SearchMedia(Message, frozen=True):
    """What does the press say of this party that is adverse?"""

    reference: str
    party: Party


class Headline(msgspec.Struct, frozen=True):
    """One article."""

    title: str
    publisher: str
    published_at: str
    url: str


class MediaSearched(Message, frozen=True):
    """What it says; nothing: nothing was found."""

    reference: str
    headlines: tuple[Headline, ...]


class ScreenParty(Message, frozen=True):
    """Who on our lists could this be?"""

    reference: str
    party: Party


class ListedHit(msgspec.Struct, frozen=True):
    """Somebody on a list who could be the client."""

    list: str
    entry_id: str
    name: str
    score: int
    """0 to 1000."""
    topics: tuple[str, ...]
    features: Mapping[str, float]
    fingerprint: str
    """Of what the entry and the party say (E4): a hit that was cleared stays silent while it is the same."""
    aliases: tuple[str, ...] = ()
    """The entry's names, its own first."""
    birth_dates: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    said: Said | None = None
    """What the fingerprint is of: what is kept with a person's word, and compared with when it changes (E4)."""


class PartyScreened(Message, frozen=True):
    """Those found, best first, and what was searched."""

    reference: str
    hits: tuple[ListedHit, ...]
    lists: Mapping[str, str]
    """List -> digest of its version; empty: there is no list, and nobody is clear (S27)."""


class CheckImpossible(Message, frozen=True):
    """There is no answer and will be none."""

    reference: str
    check: Literal["identity", "address", "credit", "media", "screening"]
    code: str
