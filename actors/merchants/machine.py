"""The partner catalogue's machine: it decides what an import changes; matching is the snapshot's.

Rules:
- an import is one decision, so it is atomic and numbered; the snapshot that decisions match
  against is built from what is durable (engine/reference.py);
- what is said of a partner holds from its first day on, and before that day it is as it was (partner.py);
- what is replaced is kept with who had said it and when, and the audit log has the digest of what was put.

Source: spec.md S47, E9; interface.md 4; adr/0035.
"""

from enum import Enum
from hashlib import sha256
from typing import Any, cast

import msgspec

from comptoir.actors.merchants.messages import (
    CHANGES,
    COLLECTION,
    KIND,
    ImportPartners,
    Partner,
    PartnersImported,
    change_key,
)
from comptoir.actors.merchants.partner import PERIODS_MAX, followed
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
    maker: str = ""
    """`sub` of who said so; empty: by a file on this machine, or without accounts."""
    digest: str = ""
    """SHA-256, hex, over the partners as they are from then on, in their order, each as JSON."""


def _import(
    state: CatalogueState, message: ImportPartners, context: Context
) -> Decision[CatalogueState] | Refusal:
    """Compare with what is there (`context.facts`: id -> document) and put what differs."""
    known = cast("dict[str, Any]", context.facts or {})
    version = state.catalogue_version + 1
    stamp = {"version": version, "at": context.now, "maker": message.maker}
    puts: list[Put] = []
    imported = updated = 0
    digest = sha256()
    for given in message.partners:
        document = known.get(given.id)
        before = None if document is None else msgspec.convert(document, Partner)
        partner = given if before is None else followed(before, given)
        if partner == before:
            continue
        if len(partner.earlier) >= PERIODS_MAX:
            return Refusal("PARTNER_PERIODS_TOO_MANY", "say it anew without a first day")
        if document is None:
            imported += 1
        else:
            updated += 1
            replaced = int(document.get("version", 0))
            puts.append(Put(CHANGES, change_key(given.id, replaced), document))
        puts.append(Put(COLLECTION, given.id, {**msgspec.to_builtins(partner), **stamp}))
        digest.update(msgspec.json.encode(partner))
    if imported and state.partners + imported > programme_of(context).partners_max:
        return Refusal("PARTNERS_TOO_MANY", "raise merchants.partners_max, or import fewer")
    unchanged = len(message.partners) - imported - updated
    if not puts:
        return Decision(state, PartnersImported(0, 0, unchanged, state.catalogue_version))
    changed = CatalogueChanged(version, imported, updated, message.maker, digest.hexdigest())
    return Decision(
        CatalogueState(Phase.STOCKED, version, state.partners + imported),
        PartnersImported(imported, updated, unchanged, version),
        events=(changed,),
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
