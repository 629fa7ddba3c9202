"""The partner catalogue: who gives cashback, and whose a card-statement label is (S47).

`catalogue.py` states the matching rule; `normalise.py` and `prefixes.py` are what it leans on.
"""

from comptoir.actors.merchants.catalogue import (
    SLICE_PARTNERS,
    Builder,
    Catalogue,
    CatalogueStatistics,
)
from comptoir.actors.merchants.partner import Match, Partner, Purchase

__all__ = [
    "SLICE_PARTNERS",
    "Builder",
    "Catalogue",
    "CatalogueStatistics",
    "Match",
    "Partner",
    "Purchase",
]
