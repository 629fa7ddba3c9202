"""What the catalogue's actor reads before it decides, and how its snapshot is built.

Rule: the loop is never held for more than a millisecond, so 100,000 partners are indexed in slices
between checkpoints (design.md 2).
"""

from typing import Any

import msgspec
import trio

from comptoir.actors.merchants.catalogue import SLICE_PARTNERS, Builder, Catalogue
from comptoir.actors.merchants.machine import MACHINE, CatalogueState
from comptoir.actors.merchants.messages import (
    CATALOGUE,
    COLLECTION,
    KIND,
    MERCHANTS,
    ImportPartners,
    Partner,
)
from comptoir.engine.journal import Journal
from comptoir.engine.reference import ReferenceSpec
from comptoir.engine.spec import ActorSpec
from comptoir.engine.values import Address

__all__ = ["merchants_spec", "partners_reference"]

PAGE = 500
"""Documents read in one step."""


async def _known_partners(
    journal: Journal, _address: Address, message: ImportPartners
) -> dict[str, dict[str, Any]]:
    """The documents of the partners that an import names."""
    known: dict[str, dict[str, Any]] = {}
    ids = [partner.id for partner in message.partners]
    for start in range(0, len(ids), PAGE):
        known.update(await journal.documents(COLLECTION, ids[start : start + PAGE]))
    return known


async def _build(journal: Journal) -> Catalogue:
    """Read all partners and index them in slices."""
    loaded = await journal.load(MERCHANTS)
    state, _ = merchants_spec().read_state(loaded)
    builder = Builder(state.catalogue_version)
    after = ""
    while page := await journal.scan(COLLECTION, after, PAGE):
        for start in range(0, len(page), SLICE_PARTNERS):
            documents = page[start : start + SLICE_PARTNERS]
            builder.add(msgspec.convert(document, Partner) for _, document in documents)
            await trio.lowlevel.checkpoint()
        after = page[-1][0]
    return builder.build()


def merchants_spec() -> ActorSpec[CatalogueState]:
    """The kind `merchants`."""
    return ActorSpec(MACHINE, CatalogueState, lookups={ImportPartners: _known_partners})


def partners_reference() -> ReferenceSpec:
    """The snapshot that connections match against."""
    return ReferenceSpec(CATALOGUE, KIND, _build)
