"""The catalogue's machine: an import is one decision that puts what differs and numbers it (S47)."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.merchants import Partner
from comptoir.actors.merchants.machine import MACHINE, CatalogueChanged, CatalogueState, Phase
from comptoir.actors.merchants.messages import (
    CHANGES,
    COLLECTION,
    MERCHANTS,
    ImportPartners,
    PartnersImported,
)
from comptoir.actors.programme import PROGRAMME, Programme
from comptoir.engine.decision import Decision, Refusal
from comptoir.engine.machine import Context

PARTNERS = st.builds(
    Partner,
    id=st.sampled_from(("p1", "p2", "p3", "p4")),
    name=st.sampled_from(("Chez Nous", "Aux Halles")),
    rate_bp=st.sampled_from((0, 500)),
    mcc=st.sampled_from(((), ("5812",))),
    cap_cents_month=st.sampled_from((None, 1000)),
)
IMPORTS = st.lists(st.lists(PARTNERS, unique_by=lambda p: p.id, max_size=4), max_size=8)


class Shelf:
    """The partners' documents as the database keeps them, and the catalogue's state."""

    def __init__(self) -> None:
        self.state = CatalogueState(Phase.EMPTY)
        self.documents: dict[str, dict[str, Any]] = {}

    def load(
        self, partners: list[Partner], most: int = 100
    ) -> tuple[PartnersImported, Decision[CatalogueState]]:
        """Import as the actor does: look up, decide, keep."""
        known = {p.id: self.documents[p.id] for p in partners if p.id in self.documents}
        context = Context(MERCHANTS, 0, 1, {PROGRAMME: Programme(partners_max=most)}, facts=known)
        decision = MACHINE.decide(self.state, ImportPartners(tuple(partners)), context)
        assert isinstance(decision, Decision)
        assert isinstance(decision.reply, PartnersImported)
        self.state = decision.state
        for put in decision.documents:
            if put.collection == CHANGES:
                assert put.fields == self.documents[put.key.partition(":")[0]]
                continue
            assert put.collection == COLLECTION
            stored = msgspec.json.decode(msgspec.json.encode(dict(put.fields)))
            self.documents.setdefault(put.key, {}).update(stored)
        return decision.reply, decision


@given(IMPORTS)
def test_imports_are_counted_and_numbered(imports: list[list[Partner]]) -> None:
    """interface.md 4: imported, updated, unchanged by id; the version grows exactly with a change;
    what is kept is what was imported last (the oracle is a dictionary).
    """
    shelf = Shelf()
    model: dict[str, Partner] = {}
    version = 0
    for partners in imports:
        new = sum(p.id not in model for p in partners)
        changed = sum(p.id in model and model[p.id] != p for p in partners)
        model |= {p.id: p for p in partners}
        version += bool(new or changed)
        reply, decision = shelf.load(partners)
        same = len(partners) - new - changed
        assert reply == PartnersImported(new, changed, same, version)
        assert bool(decision.events) == bool(new or changed)
        assert shelf.state.partners == len(model)
    kept = {name: msgspec.convert(fields, Partner) for name, fields in shelf.documents.items()}
    assert kept == model
    assert shelf.state.phase is (Phase.STOCKED if model else Phase.EMPTY)


def test_import_that_changes_nothing_writes_nothing() -> None:
    """A repeated import leaves the very same state: no new version, no event, no document."""
    shelf = Shelf()
    partners = [Partner(id="p1", name="Chez Nous")]
    _, first = shelf.load(partners)
    (changed,) = first.events
    assert isinstance(changed, CatalogueChanged)
    assert (changed.version, changed.imported, changed.updated, changed.maker) == (1, 1, 0, "")
    before = shelf.state
    reply, again = shelf.load(partners)
    assert again.state is before
    assert (again.events, again.documents) == ((), ())
    assert reply == PartnersImported(0, 0, 1, 1)


def test_an_import_beyond_the_bound_is_refused_whole() -> None:
    """S47: no more partners are kept than merchants.partners_max; those that are there may change."""
    shelf = Shelf()
    first = [Partner(id=name, name="Chez Nous") for name in ("p1", "p2")]
    shelf.load(first, most=2)
    more = ImportPartners(
        (Partner(id="p2", name="Aux Halles"), Partner(id="p3", name="Aux Halles"))
    )
    context = Context(
        MERCHANTS, 0, 1, {PROGRAMME: Programme(partners_max=2)}, {"p2": shelf.documents["p2"]}
    )
    refusal = MACHINE.decide(shelf.state, more, context)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "PARTNERS_TOO_MANY"
    reply, _ = shelf.load([Partner(id="p2", name="Aux Halles")], most=1)
    assert reply == PartnersImported(0, 1, 0, 2)
