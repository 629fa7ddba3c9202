"""What may be said to the partner catalogue, one actor for all partners (S47).

Another machine may import this module and nothing else of this package; so it also names the values
that matching is about.
"""

from typing import Protocol

from comptoir.actors.merchants.normalise import fold, words
from comptoir.actors.merchants.normalise import without_card_number as shown_label
from comptoir.actors.merchants.partner import Match, Partner, Purchase, Store
from comptoir.actors.merchants.prefixes import strip
from comptoir.actors.merchants.tails import PLACES, TOWNS
from comptoir.engine.values import Address, Message, Reply

__all__ = [
    "CATALOGUE",
    "CHANGES",
    "COLLECTION",
    "KIND",
    "MERCHANTS",
    "Finder",
    "ImportPartners",
    "Match",
    "Partner",
    "PartnersImported",
    "Purchase",
    "Store",
    "change_key",
    "naming_words",
    "shown_label",
    "words_of",
]

KIND = "merchants"
MERCHANTS = Address(KIND, "all")
CATALOGUE = "partners"
"""Name of the published snapshot among the references of a decision."""
COLLECTION = "partner"
"""The documents that the snapshot is built from: a partner's fields, and the version, time and maker of the word
that made it so.
"""
CHANGES = "partner_change"
"""Collection of what such documents were before they were replaced."""
_VERSION_MAX = 10**15 - 1


class Finder(Protocol):
    """What a decision asks of the snapshot."""

    @property
    def version(self) -> int:
        """Which one it is."""
        ...

    def match(self, purchase: Purchase) -> Match:
        """The partner of a purchase, and how the answer came about."""
        ...

    def get(self, partner_id: str) -> Partner | None:
        """The partner of this id."""
        ...


def words_of(label: str) -> list[str]:
    """The words of a label, whatever its case and accents."""
    return words(fold(label))


def naming_words(label: str) -> list[str]:
    """Those that name the merchant: without what banks, wallets and acquirers print before it, numbers, towns and
    words for places. A label may have none.
    """
    left = words(strip(fold(label)).rest)
    return [one for one in left if not (one.isdecimal() or one in PLACES or one in TOWNS)]


def change_key(partner_id: str, version: int | None = None) -> str:
    """The key of what a partner was by the word of a version: in the order of keys the newest comes first. Without
    a version: where those of the partner begin.
    """
    return f"{partner_id}:" if version is None else f"{partner_id}:{_VERSION_MAX - version:015d}"


class ImportPartners(Message, frozen=True):
    """Add or update all of these partners, atomically."""

    partners: tuple[Partner, ...]
    """Each without periods of its own: those follow from what was said of it before."""
    maker: str = ""
    """`sub` of who says so."""


class PartnersImported(Reply, frozen=True):
    """How many were new, changed, and as before; `version` is the catalogue's after it."""

    imported: int
    updated: int
    unchanged: int
    version: int
