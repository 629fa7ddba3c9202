"""The gateway `media`: what the press says of somebody that is adverse (S21).

Rules:
- articles are read page by page, `PAGES_MAX` of them at most: whoever has more than that has been found, and a person reads
  on where the party shows it;
- the same article twice is one. A headline is told as text in one line; an address that is none of the web is left out.

No API of a press service is public, so the request is ours (docs/providers.md).
Source: spec.md S21, S63, S65.
"""

from typing import Annotated, Final

import httpx
import msgspec
from msgspec import Meta

from comptoir.actors.gateways.kyc_asking import (
    DEAD_QUEUE,
    Asker,
    operation,
    printable,
    unconfigured,
)
from comptoir.actors.gateways.kyc_messages import MEDIA, Headline, MediaSearched, SearchMedia
from comptoir.actors.gateways.kyc_wire import party_of
from comptoir.engine.gateway_spec import CallContext, GatewayBounds, GatewaySpec, Operation
from comptoir.engine.values import Message

__all__ = ["PAGES_MAX", "PAGE_ARTICLES", "media_gateway"]

PAGES_MAX: Final = 4
PAGE_ARTICLES: Final = 25
TITLE_CHARACTERS_MAX: Final = 300
PUBLISHER_CHARACTERS_MAX: Final = 120


class _Article(msgspec.Struct, frozen=True, rename="camel"):
    """What is read of one."""

    title: Annotated[str, Meta(min_length=1, max_length=2_000)]
    publisher: Annotated[str, Meta(max_length=500)] = ""
    published_at: Annotated[
        str, Meta(max_length=40, pattern=r"^(?:\d{4}-\d\d-\d\d[T0-9:.Z+-]*)?\Z")
    ] = ""
    url: Annotated[str, Meta(max_length=2_000)] = ""


class _Page(msgspec.Struct, frozen=True, rename="camel"):
    """What is read of a page."""

    items: Annotated[tuple[_Article, ...], Meta(max_length=PAGE_ARTICLES)]
    more: bool = False


_PAGE: Final = msgspec.json.Decoder(_Page)


class _Media:
    """It, as it is asked."""

    def __init__(self, client: httpx.AsyncClient, key: str) -> None:
        self._asker = Asker("MEDIA", client, {"authorization": f"Bearer {key}"})

    async def search(self, wanted: SearchMedia, _context: CallContext) -> Message:
        """All pages of one search, up to the last that is read."""
        found: dict[Headline, None] = {}
        for page in range(1, PAGES_MAX + 1):
            question = {
                "reference": wanted.reference,
                "party": party_of(wanted.party),
                "page": page,
                "limit": PAGE_ARTICLES,
            }
            answer = await self._asker.ask(
                "POST",
                "/searches",
                _PAGE,
                content=msgspec.json.encode(question),
                headers={"content-type": "application/json"},
            )
            found |= dict.fromkeys(map(_headline, answer.items))
            if not answer.more:
                break
        return MediaSearched(wanted.reference, tuple(found))


def _headline(article: _Article) -> Headline:
    """As it is told."""
    url = article.url
    is_web = url.startswith(("https://", "http://")) and url.isascii() and " " not in url
    return Headline(
        printable(article.title, TITLE_CHARACTERS_MAX),
        printable(article.publisher, PUBLISHER_CHARACTERS_MAX),
        article.published_at,
        url if is_web and url.isprintable() else "",
    )


def media_gateway(client: httpx.AsyncClient | None, key: str, bounds: GatewayBounds) -> GatewaySpec:
    """The gateway over whoever searches.

    Args:
        client: with the party's base URL; None: there is none.
        key: who we are there.
        bounds: deadlines, calls at once, breaker; the deadline is that of a whole search.
    """
    call = unconfigured("media") if client is None else _Media(client, key).search
    operations: dict[type[Message], Operation] = {SearchMedia: operation("media", call)}
    return GatewaySpec(MEDIA.kind, operations, bounds, dead_queue=DEAD_QUEUE)
