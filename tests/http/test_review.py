"""Reviews and measures at the edge, over a daemon that answers as it is told: http/review.py, http/measures.py.

Source: interface.md 8 (rows c1); spec.md S26, S27, S39, E14; docs/review.md.
"""

import json
from typing import Any

import msgspec
import pytest

from comptoir.actors.onboarding_day.adding import summed, sums_of
from comptoir.actors.onboarding_day.messages import CountCase, CountStage, day_of
from comptoir.actors.review.messages import ClaimReview, DecideReview, SnoozeReview
from comptoir.http import measures, review
from comptoir.http.operation import Access, Call
from comptoir.http.principal import Principal, Role
from comptoir.http.review_testing import DUE_MS, review_of
from comptoir.http.shapes_review import Measures, Review, ReviewPage
from comptoir.http.testing import FakeDaemon

EVA = Principal("eva", "https://id.example", frozenset({Role.COMPLIANCE}))
FILE = "ONB-2025-00001"


def call(body: object = None, file: str = FILE, **query: str) -> Call:
    """A request of Eva's."""
    raw = b"" if body is None else json.dumps(body).encode()
    asked = {name: [value] for name, value in query.items()}
    path = {"onboardingId": file}
    return Call("abcdefgh", path, asked, "application/json", raw, Access(None), principal=EVA)


@pytest.fixture
def daemon() -> FakeDaemon:
    """Five reviews; two of them somebody has claimed, one is put off, one is overdue."""
    made = FakeDaemon()
    changes: list[dict[str, Any]] = [
        {}, {"status": "claimed", "claimed_by": "eva"}, {"status": "claimed", "claimed_by": "max"},
        {"status": "snoozed", "snoozed_until": DUE_MS}, {"overdue": True},
    ]  # fmt: skip
    for number, change in enumerate(changes, start=1):
        one = msgspec.structs.replace(review_of(DUE_MS - number), **change)
        made.reviewed[f"ONB-2025-0000{number}"] = one
    return made


def body_of(answer: Any) -> dict[str, Any]:
    """The body of an answer."""
    found: dict[str, Any] = json.loads(answer.body)
    return found


def numbers(page: dict[str, Any]) -> list[int]:
    """The files of a page, by the last digit."""
    return [int(one["onboardingId"][-1]) for one in page["items"]]


async def test_the_queue_is_walked_in_the_order_of_due_dates(daemon: FakeDaemon) -> None:
    """interface.md 1 and 8: what is due first first, page after page, each once."""
    seen: list[int] = []
    query: dict[str, str] = {"limit": "2"}
    while True:
        answer = await review.queue(daemon, call(**query))
        assert answer.status == 200
        page = body_of(answer)
        msgspec.convert(page, ReviewPage)
        assert all("notes" not in one for one in page["items"])
        seen += numbers(page)
        if page["nextCursor"] is None:
            break
        query["cursor"] = page["nextCursor"]
    assert seen == [5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"mine": "true"}, [2]),
        ({"mine": "false"}, [5, 4, 3, 1]),
        ({"overdue": "true"}, [5]),
        ({"status": "claimed"}, [3, 2]),
        ({"status": "claimed", "mine": "true"}, [2]),
        ({"status": "snoozed"}, [4]),
        ({"status": "open", "overdue": "false", "limit": "1"}, [1]),
    ],
)
async def test_filters_choose(daemon: FakeDaemon, query: dict[str, str], found: list[int]) -> None:
    """Mine, overdue, status: and a page is filled from what comes after, so that one look shows them."""
    assert numbers(body_of(await review.queue(daemon, call(**query)))) == found


async def test_a_long_queue_is_walked_whole(daemon: FakeDaemon) -> None:
    """interface.md 1: where few of very many fit, pages may be short, and all of them are shown once."""
    for number in range(10_000, 10_000 + 2 * review.LOOK * review.LOOKS_MAX):
        overdue = number % 500 == 0
        one = msgspec.structs.replace(review_of(DUE_MS + number), overdue=overdue)
        daemon.reviewed[f"ONB-2025-{number}"] = one
    seen: list[str] = []
    query = {"overdue": "true"}
    pages = 0
    while True:
        page = body_of(await review.queue(daemon, call(**query)))
        pages += 1
        seen += [one["onboardingId"] for one in page["items"]]
        if page["nextCursor"] is None:
            break
        query["cursor"] = page["nextCursor"]
    assert seen == ["ONB-2025-00005", "ONB-2025-10000", "ONB-2025-10500", "ONB-2025-11000"]
    assert pages == 3


@pytest.mark.parametrize(
    "query", [{"mine": "yes"}, {"status": "approved"}, {"overdue": ""}, {"cursor": "x"}, {"limit": "0"}]
)  # fmt: skip
async def test_a_filter_that_is_none_is_refused(daemon: FakeDaemon, query: dict[str, str]) -> None:
    """interface.md 1: by its name."""
    answer = await review.queue(daemon, call(**query))
    assert answer.status == 422
    (name,) = query
    assert body_of(answer)["errors"][0]["pointer"] == f"/query/{name}"


@pytest.mark.parametrize("file", ["ONB-2025-99999", "queue", "ONB-2025-0000", "../../x"])
async def test_a_file_without_a_review_is_not_found(daemon: FakeDaemon, file: str) -> None:
    """interface.md 1: 404, whatever is wanted of it."""
    for handler, body in (
        (review.shown, None), (review.claim, None), (review.release, None), (review.note, {"text": "x"}),
        (review.decide, {"decision": "approve", "reason": "x"}),
    ):  # fmt: skip
        assert (await handler(daemon, call(body, file))).status == 404


async def test_who_acts_is_who_the_token_says(daemon: FakeDaemon) -> None:
    """E14: the body names nobody."""
    until = "2025-12-01T09:00:00.000Z"
    wanted = [
        (review.claim, None, ClaimReview("eva")),
        (review.snooze, {"until": until, "reason": " later "}, SnoozeReview("eva", 1_764_579_600_000, "later")),
        (review.decide, {"decision": "reject", "reason": "no"}, DecideReview("eva", False, "no")),
    ]  # fmt: skip
    for handler, body, message in wanted:
        answer = await handler(daemon, call(body))
        assert answer.status == 200
        msgspec.convert(body_of(answer), Review)
        assert daemon.asks[-1][1] == message


@pytest.mark.parametrize(
    ("handler", "body"),
    [
        (review.note, {"text": "  "}), (review.note, {"text": "a\u202eb"}), (review.note, {}),
        (review.decide, {"decision": "approve", "reason": " "}), (review.decide, {"decision": "maybe", "reason": "x"}),
        (review.decide, {"decision": "approve", "reason": "two\nlines"}),
        (review.decide, {"decision": "approve", "reason": "x", "reviewer": "max"}),
        (review.snooze, {"until": "tomorrow", "reason": "x"}), (review.snooze, {"until": "2025-12-01T09:00:00.000Z"}),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_refused(daemon: FakeDaemon, handler: Any, body: object) -> None:
    """interface.md 1: 422 and nothing is asked; a reason is needed, on one line."""
    answer = await handler(daemon, call(body))
    assert answer.status == 422
    assert daemon.asks == []


async def test_measures_are_of_the_window(daemon: FakeDaemon) -> None:
    """S26, S27, S39, E17: what is committed of the last days, as the description says."""
    daemon.days[day_of(daemon.now)] = summed(
        map(
            sums_of,
            (
                CountCase("v7", 85, "AUTO_APPROVE", {"base": 25}, "approved"),
                CountStage("COMPLIANCE_HOLD", "compliance", 7_200_000),
            ),
        )
    )
    daemon.days["2020-01-01"] = summed([sums_of(CountCase("v1", 0, "REJECT", {}, "rejected"))])
    answer = await measures.show(daemon, call())
    assert answer.status == 200
    body = body_of(answer)
    found = msgspec.convert(body, Measures)
    assert (found.decisions, found.shares, found.alerts) == (
        1, {"approved": 1.0, "held": 0.0, "rejected": 0.0}, [],
    )  # fmt: skip
    assert (found.stages[0].waits_for, found.stages[0].mean_hours) == ("compliance", 2.0)
    assert found.rules[0].stability_index is None
