"""The bodies of the operations about watch lists (comptoir.http.shapes has the rule).

Source: spec.md S21, S27, E4; docs/screening.md.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from comptoir.http.shapes import Count, Time

__all__ = ["LIST_PATTERN", "ListSearch", "SearchFound", "WatchList", "WatchLists"]

LIST_PATTERN: Final = r"^[a-z][a-z0-9-]{0,31}$"
Version = Annotated[
    str, Meta(pattern=r"^[0-9a-f]{64}$", description="SHA-256 over what its entries say.")
]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}$")]


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    """camelCase outside (interface.md 1)."""


class Rescreening(_Shape, frozen=True):
    """How far the cases have been told of a version."""

    version: Version
    done: Count
    of: Annotated[int, Meta(ge=0, description="Cases that there were when it began.")]
    started_at: Time
    ended_at: Time | None


class WatchList(_Shape, frozen=True):
    """A watch list."""

    name: Annotated[str, Meta(pattern=LIST_PATTERN)]
    status: Literal["none", "loading", "ready", "refused"]
    version: Annotated[Version | None, Meta(description="The one that is searched.")]
    entries: Count
    names: Count
    loaded_at: Time | None
    looked_at: Time | None
    code: Annotated[str | None, Meta(description="Why its file was refused.")]
    detail: Annotated[str | None, Meta(description="Where, and what is wrong.")]
    rescreening: Rescreening | None


class WatchLists(_Shape, frozen=True):
    """Every list that is configured."""

    items: tuple[WatchList, ...]


class ListSearch(_Shape, frozen=True, forbid_unknown_fields=True):
    """Somebody to be searched for."""

    name: Annotated[str, Meta(min_length=1, max_length=512)]
    schema: Literal["Person", "Organization"] = "Person"
    birth_date: Annotated[str, Meta(pattern=r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$")] | None = None
    countries: Annotated[tuple[Country, ...], Meta(max_length=3)] = ()


class SearchHit(_Shape, frozen=True):
    """Somebody on a list who may be meant."""

    list: str
    entry_id: str
    name: Annotated[str, Meta(description="The one of theirs that is most alike.")]
    score: Annotated[int, Meta(ge=0, le=1000)]
    topics: tuple[str, ...]
    features: Annotated[dict[str, float], Meta(description="What each thing gave or took.")]
    aliases: tuple[str, ...]
    birth_dates: tuple[str, ...]
    countries: tuple[str, ...]


class SearchFound(_Shape, frozen=True):
    """What was found, the likeliest first."""

    hits: tuple[SearchHit, ...]
    lists: Annotated[dict[str, Version], Meta(description="What was searched.")]
