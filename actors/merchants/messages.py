"""What may be said to the partner catalogue, one actor for all partners (S47).

Another machine may import this module and nothing else of this package; so it also names the values
that matching is about.
"""

from comptoir.actors.merchants.partner import Match, Partner, Purchase
from comptoir.engine.values import Address, Message, Reply

__all__ = [
    "CATALOGUE",
    "COLLECTION",
    "KIND",
    "MERCHANTS",
    "ImportPartners",
    "Match",
    "Partner",
    "PartnersImported",
    "Purchase",
]

KIND = "merchants"
MERCHANTS = Address(KIND, "all")
CATALOGUE = "partners"
"""Name of the published snapshot among the references of a decision."""
COLLECTION = "partner"
"""The documents that the snapshot is built from."""


class ImportPartners(Message, frozen=True):
    """Add or update all of these partners, atomically."""

    partners: tuple[Partner, ...]


class PartnersImported(Reply, frozen=True):
    """How many were new, changed, and as before; `version` is the catalogue's after it."""

    imported: int
    updated: int
    unchanged: int
    version: int
