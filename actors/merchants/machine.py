"""The partner catalogue's machine: it decides what an import changes; matching is the snapshot's.

Rule: an import is one decision, so it is atomic and numbered; the snapshot that decisions match
against is built from what is durable (engine/reference.py). Source: spec.md S47; interface.md 4.
"""

from enum import Enum
from typing import Any, cast

import msgspec

from comptoir.actors.merchants.messages import (
    COLLECTION,
    KIND,
    ImportPartners,
    Partner,
    PartnersImported,
)
from comptoir.actors.programme import programme_of
from comptoir.engine import Decision, Event, Put, Refusal, State
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "CatalogueChanged", "CatalogueState", "Phase"]


class Phase(Enum):
    """Whether there is any partner yet."""

    EMPTY = "empty"
    STOCKED = "stocked"


class CatalogueState(State, frozen=True):
    """The partners themselves are documents; here is only what numbers them."""

    phase: Phase
    catalogue_version: int = 0
    partners: int = 0


class CatalogueChanged(Event, frozen=True):
    """Partners were added or changed."""

    version: int
    imported: int
    updated: int


def _import(
    state: CatalogueState, message: ImportPartners, context: Context
) -> Decision[CatalogueState] | Refusal:
    """Compare with what is there (`context.facts`: id -> document) and put what differs."""
    known = cast("dict[str, Any]", context.facts or {})
    puts: list[Put] = []
    imported = updated = 0
    for partner in message.partners:
        fields = msgspec.to_builtins(partner)
        if partner.id not in known:
            imported += 1
        elif msgspec.convert(known[partner.id], Partner) != partner:
            updated += 1
        else:
            continue
        puts.append(Put(COLLECTION, partner.id, fields))
    if imported and state.partners + imported > programme_of(context).partners_max:
        return Refusal("PARTNERS_TOO_MANY", "raise merchants.partners_max, or import fewer")
    unchanged = len(message.partners) - imported - updated
    if not puts:
        return Decision(state, PartnersImported(0, 0, unchanged, state.catalogue_version))
    version = state.catalogue_version + 1
    return Decision(
        CatalogueState(Phase.STOCKED, version, state.partners + imported),
        PartnersImported(imported, updated, unchanged, version),
        events=(CatalogueChanged(version, imported, updated),),
        documents=tuple(puts),
    )


MACHINE: Machine[CatalogueState] = Machine(
    KIND,
    phases=Phase,
    messages=(ImportPartners,),
    rows=(
        # An import of no partner at all leaves an empty catalogue empty.
        row(Phase.EMPTY, ImportPartners, _import, Phase.EMPTY, Phase.STOCKED),
        row(Phase.STOCKED, ImportPartners, _import, Phase.STOCKED),
    ),
)
