"""Credit and the press: what they are asked, and what of their answers is told on (S21, S24)."""

import json
from typing import Any

import pytest

from comptoir.actors.gateways.credit import credit_gateway
from comptoir.actors.gateways.kyc_messages import (
    CheckCredit,
    CheckImpossible,
    CreditChecked,
    Headline,
    MediaSearched,
    SearchMedia,
)
from comptoir.actors.gateways.media import PAGES_MAX, media_gateway
from comptoir.engine.gateway_spec import CallContext, CallFault, GatewayBounds, Operation
from tests.actors.gateways.kyc_schemas import SCORE, SEARCH, SEARCH_ANSWER, hold
from tests.actors.gateways.people import CLIENT, HOME, Played

CONTEXT = CallContext(0, 1, "key")
REFERENCE = "ONB-2026-00001:1"
CREDIT = CheckCredit(REFERENCE, CLIENT, HOME)
MEDIA = SearchMedia(f"{REFERENCE}:client", CLIENT)


def _credit(party: Played | None) -> Operation:
    spec = credit_gateway(party.client() if party else None, "s3cret", 725, GatewayBounds())
    assert (spec.kind, spec.dead_queue) == ("credit", "dlq:onboarding")
    return spec.operations[CheckCredit]


def _media(party: Played | None) -> Operation:
    spec = media_gateway(party.client() if party else None, "s3cret", GatewayBounds())
    assert (spec.kind, spec.dead_queue) == ("media", "dlq:onboarding")
    return spec.operations[SearchMedia]


@pytest.mark.parametrize(("score", "high"), [(300, False), (724, False), (725, True), (900, True)])
async def test_a_score_stays_where_it_is(score: int, high: bool) -> None:
    """S24: whether it is high is told, and the party's word for it; not the score."""
    party = Played({"score": score, "band": "A BAND", "reference": REFERENCE})
    answer = await _credit(party).call(CREDIT, CONTEXT)
    assert answer == CreditChecked(REFERENCE, high, "A BAND")
    assert str(score) not in repr(answer)
    (request,) = party.requests
    hold(SCORE, json.loads(request.content))
    assert (request.method, request.url.path) == ("POST", "/v1/scores")
    assert request.headers["authorization"] == "Bearer s3cret"


async def test_nothing_known_is_no_low_score() -> None:
    """S24, S27: it counts for nothing and against nobody."""
    answer = await _credit(Played({"score": None})).call(CREDIT, CONTEXT)
    assert answer == CheckImpossible(REFERENCE, "credit", "CREDIT_NOT_KNOWN")


@pytest.mark.parametrize(
    "answer",
    [{}, {"score": 299}, {"score": 901}, {"score": 725.5}, {"score": True}, {"score": 700, "band": "x" * 33}],
)  # fmt: skip
async def test_what_is_no_score(answer: Any) -> None:
    """S24: nothing is made of it."""
    with pytest.raises(CallFault, match="CREDIT_ANSWER_INVALID"):
        await _credit(Played(answer)).call(CREDIT, CONTEXT)


def _article(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "title": f"Title {number}", "publisher": "The Courier", "publishedAt": "2026-01-15",
        "url": f"https://press.example/{number}", **fields,
    }  # fmt: skip


def _page(first: int, count: int, *, more: bool) -> dict[str, Any]:
    page = {
        "reference": MEDIA.reference, "items": [_article(first + n) for n in range(count)], "more": more,
    }  # fmt: skip
    hold(SEARCH_ANSWER, page)
    return page


async def test_nobody_writes_of_them() -> None:
    """S21: that is an answer."""
    party = Played(_page(0, 0, more=False))
    assert await _media(party).call(MEDIA, CONTEXT) == MediaSearched(MEDIA.reference, ())
    (request,) = party.requests
    hold(SEARCH, json.loads(request.content))
    assert (request.method, request.url.path) == ("POST", "/v1/searches")


async def test_pages_are_read_to_their_end() -> None:
    """S21: each once; what stands on two of them is told once."""
    party = Played(_page(40, 5, more=False))
    party.script = [_page(0, 25, more=True), _page(20, 25, more=True)]
    answer = await _media(party).call(MEDIA, CONTEXT)
    assert isinstance(answer, MediaSearched)
    assert [one.title for one in answer.headlines] == [f"Title {n}" for n in range(45)]
    assert [json.loads(one.content)["page"] for one in party.requests] == [1, 2, 3]


async def test_pages_without_an_end() -> None:
    """S18: a bounded number of them is read, and what was found is told."""
    party = Played(_page(0, 25, more=True))
    answer = await _media(party).call(MEDIA, CONTEXT)
    assert isinstance(answer, MediaSearched)
    assert len(party.requests) == PAGES_MAX
    assert len(answer.headlines) == 25


async def test_what_others_write_is_shown_as_text() -> None:
    """Invariant 8: in one line, bounded, and with an address of the web or none."""
    items = [
        _article(1, title="One\u202e\n<b>" + "x" * 400),
        _article(2, url="javascript:alert(1)"),
        _article(3, url="https://a b"),
        _article(4, publishedAt=""),
    ]
    answer = await _media(Played({"items": items})).call(MEDIA, CONTEXT)
    assert isinstance(answer, MediaSearched)
    first, second, third, fourth = answer.headlines
    assert first.title == ("One <b>" + "x" * 400)[:300]
    assert (second.url, third.url) == ("", "")
    assert fourth == Headline("Title 4", "The Courier", "", "https://press.example/4")


NO_PAGES: list[Any] = [
    {"items": [_article(n) for n in range(26)]},
    {"items": [{}]},
    {"items": [_article(1, title="")]},
    {"items": [_article(1, title="x" * 2_001)]},
    {"items": [_article(1, publishedAt="<script>")]},
    {"more": False},
]


@pytest.mark.parametrize("answer", NO_PAGES)
async def test_what_is_no_page(answer: Any) -> None:
    """S18: nothing of it is told on, and nobody is cleared by it (S27)."""
    with pytest.raises(CallFault, match="MEDIA_ANSWER_INVALID"):
        await _media(Played(answer)).call(MEDIA, CONTEXT)


async def test_there_is_nobody_to_ask() -> None:
    """S21: whoever asks hears so."""
    assert await _credit(None).call(CREDIT, CONTEXT) == CheckImpossible(
        REFERENCE, "credit", "NOT_CONFIGURED"
    )
    assert await _media(None).call(MEDIA, CONTEXT) == CheckImpossible(
        MEDIA.reference, "media", "NOT_CONFIGURED"
    )
