"""The public events as they are read: by whoever asks over the API, by what sends webhooks, by what feeds a bus.

Rule: where an event is says its document, what it says the journal, at the moment when it is asked: of somebody who was
erased meanwhile there is the type, the entity and the time, and nothing else.
Source: spec.md S17, S33, E13; docs/events.md.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec

from comptoir.actors.feed.messages import (
    COLLECTION,
    OWNERS,
    Found,
    NotePublic,
    PublicEvent,
    place_of,
)
from comptoir.actors.public_events import PUBLIC, publish
from comptoir.engine.journal import Journal, Recorded

__all__ = ["NAMES", "PublicFeed", "find_public"]

NAMES: Final = tuple(PUBLIC)
_PARTNER: Final = "partner"


class PublicFeed:
    """The feed over a journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def page(self, after: int, limit: int) -> Sequence[PublicEvent]:
        """Those with positions above `after`, in order."""
        documents = await self._journal.scan(COLLECTION, place_of(after), limit)
        return await self._read(documents)

    async def at(self, position: int) -> PublicEvent | None:
        """The one at a position."""
        key = place_of(position)
        found = await self._journal.documents(COLLECTION, [key])
        return (await self._read([*found.items()]) or (None,))[0]

    async def _read(
        self, documents: Sequence[tuple[str, Mapping[str, Any]]]
    ) -> Sequence[PublicEvent]:
        if not documents:
            return ()
        found = [(int(key), msgspec.convert(one, Found)) for key, one in documents]
        recorded = await self._journal.events_at([one.number for _, one in found])
        payloads = {one.number: one for one in recorded}
        return [_event(position, one, payloads.get(one.number)) for position, one in found]


def _event(position: int, found: Found, recorded: Recorded | None) -> PublicEvent:
    data: Mapping[str, object] = {}
    if recorded is not None:
        publication = publish(recorded.address.kind, recorded.type, recorded.payload)
        data = {} if publication is None else publication.data
    # With the time: a restored database gives a number to another event, which is then another id.
    seed = f"{found.number}|{found.at}|{found.entity}|{found.type}"
    identity = f"evt_{blake2b(seed.encode(), digest_size=10).hexdigest()}"
    return PublicEvent(
        position, identity, found.type, found.entity, found.at, data, found.partner
    )  # fmt: skip


async def find_public(journal: Journal, after: int, last: int, limit: int) -> NotePublic:
    """What of the journal the feed is to be told next.

    Args:
        journal: to read.
        after: the number up to which the feed was told.
        last: the greatest number to read to.
        limit: how many public events at most.
    """
    page = await journal.events_named(NAMES, after, last, limit)
    through = page[-1].number if len(page) == limit else last
    known = await journal.documents(OWNERS, list({one.address.key for one in page}))
    owners = {key: str(one[_PARTNER]) for key, one in known.items()}
    found: list[Found] = []
    for one in page:
        publication = publish(one.address.kind, one.type, one.payload)
        if publication is None:
            continue
        entity = one.address.key
        if one.type == "OnboardingInitiated" and one.payload:
            owners[entity] = str(msgspec.json.decode(one.payload).get(_PARTNER, ""))
        found.append(
            Found(one.number, publication.type, entity, one.at, owners.get(entity, ""))
        )  # fmt: skip
    return NotePublic(after, through, tuple(found))
