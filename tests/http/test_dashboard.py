"""Files as they are listed, at the edge: whose list is read, what is kept of it, how it is walked (S18, S38).

Source: interface.md 1 and 8; docs/onboarding.md; http/dashboard.py.
"""

from typing import Any

import msgspec
import pytest

from comptoir.actors.onboarding.views import ALL, FileRow, advisors, partners
from comptoir.http import dashboard
from comptoir.http.operation import Access, Call
from comptoir.http.principal import Principal, Role
from comptoir.http.shapes_dashboard import FilePage, SubmissionPage
from comptoir.http.testing import FakeDaemon

AT = 1_764_000_000_000
PHASES = ("SIGNED", "DOCUMENTS_PENDING", "KYC_PENDING", "SIGNED", "COMPLETED")
ADVISOR = Principal("ada", "i", frozenset({Role.CONSEILLER}))
PARTNER = Principal("cl_1", "i", scopes=frozenset({"partner:submit"}))


@pytest.fixture
def daemon() -> FakeDaemon:
    """Five files of all, the last one the newest; the second is Ada's, the third a partner's."""
    made = FakeDaemon()
    rows = {
        f"ONB-2025-0000{number}": FileRow("INDIVIDUAL", status, "", "none", AT - 5, AT - number, AT + number)
        for number, status in enumerate(PHASES, 1)
    }  # fmt: skip
    made.filed[ALL] = rows
    for mine, number in ((advisors("ada"), 2), (partners("cl_1"), 3)):
        made.filed[mine] = {name: row for name, row in rows.items() if name.endswith(str(number))}
    return made


def _call(who: Principal | None = None, **query: str) -> Call:
    asked = {name: [value] for name, value in query.items()}
    return Call("abcdefgh", {}, asked, "", b"", Access(None), principal=who)


async def _listed(daemon: FakeDaemon, **query: str) -> tuple[list[int], str | None]:
    answer = await dashboard.listed(daemon, _call(None, **query))
    assert answer.status == 200
    page = msgspec.json.decode(answer.body, type=FilePage)
    return [int(one.onboarding_id[-1]) for one in page.items], page.next_cursor


async def test_whose_list_it_is(daemon: FakeDaemon) -> None:
    """S34, X7: an advisor reads their own, a partner its own and the coarse word alone, compliance all."""
    own = msgspec.json.decode((await dashboard.listed(daemon, _call(ADVISOR))).body)
    (file,) = own["items"]
    assert (file["onboardingId"], file["waitingFor"], file["nextStep"]) == (
        "ONB-2025-00002", "client", "DOCUMENTS_UPLOAD",
    )  # fmt: skip
    answer = await dashboard.submitted(daemon, _call(PARTNER))
    assert (
        msgspec.json.decode(answer.body, type=SubmissionPage).items[0].summary_status
        == "KYC_PENDING"
    )
    assert msgspec.json.decode(answer.body)["items"][0].keys() == {
        "onboardingId", "summaryStatus", "createdAt",
    }  # fmt: skip
    assert await _listed(daemon) == ([5, 4, 3, 2, 1], None)


@pytest.mark.parametrize(
    ("query", "files"),
    [({"status": "SIGNED"}, [4, 1]), ({"waitingFor": "provider"}, [3]), ({"nextStep": "APPROVAL"}, [4, 1]),
     ({"waitingFor": "advisor", "overdue": "true"}, [4, 1]), ({"overdue": "false"}, [])],
)  # fmt: skip
async def test_what_is_asked_for(
    daemon: FakeDaemon, query: dict[str, str], files: list[int]
) -> None:
    """S38: filters add up."""
    daemon.now = AT
    assert (await _listed(daemon, **query))[0] == files


@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_it_is_walked_once(daemon: FakeDaemon, limit: int) -> None:
    """interface.md 1: page after page, each once, with a filter too; the last page has no cursor."""
    walks: list[tuple[dict[str, str], list[int]]] = [
        ({}, [5, 4, 3, 2, 1]), ({"status": "SIGNED"}, [4, 1]),
    ]  # fmt: skip
    for query, files in walks:
        seen, more = list[int](), dict[str, str]()
        while True:
            found, cursor = await _listed(daemon, **{"limit": str(limit), **query, **more})
            seen += found
            assert len(found) <= limit
            if cursor is None:
                break
            more = {"cursor": cursor}
        assert seen == files


async def test_a_long_list_of_others_is_not_walked_for_one_page(daemon: FakeDaemon) -> None:
    """S65: whoever looks for what is rare hears where the search goes on, after a bounded number of rows."""
    row = FileRow("INDIVIDUAL", "COMPLETED", "", "signed", AT, 0, AT)
    many = dashboard.LOOK * dashboard.LOOKS_MAX + 10
    daemon.filed[ALL] = {f"ONB-2025-{number:05d}": row for number in range(many)}
    found, cursor = await _listed(daemon, status="SIGNED")
    assert (found, cursor is not None) == ([], True)
    assert await _listed(daemon, status="SIGNED", cursor=str(cursor)) == ([], None)


@pytest.mark.parametrize(
    "query",
    [{"status": "DONE"}, {"cursor": "x"}, {"limit": "0"}, {"overdue": "1"}, {"waitingFor": ""}],
)
async def test_a_wrong_query_is_refused(daemon: FakeDaemon, query: dict[str, Any]) -> None:
    """interface.md 1: 422, never guessed at."""
    assert (await dashboard.listed(daemon, _call(None, **query))).status == 422
