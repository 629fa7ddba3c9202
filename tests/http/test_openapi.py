"""The description of the API: valid, complete, and true of what is executed.

Rule: an outside validator judges the document, an outside validator of JSON Schema the answers, and
the router is compared with it; schemas are closed for the comparison, so that nothing is answered
that is not described. tests/contract/test_description.py holds a whole daemon to it.
Source: OpenAPI 3.1.0; JSON Schema 2020-12; interface.md 5 and 7; spec.md S73, S75.
"""

import re
from html.parser import HTMLParser
from typing import Any

import httpx
import orjson
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from comptoir.engine import Refused, Unavailable
from comptoir.http.app import make_app
from comptoir.http.openapi import described, problems_of
from comptoir.http.operation import Body, Door, Operation, Owner, Parameter, Reach
from comptoir.http.operations import BY_ID, OPERATIONS
from comptoir.http.principal import Role
from comptoir.http.problems import PROBLEMS, problem, problem_of, status_of
from comptoir.http.reference import reference
from comptoir.http.testing import FakeDaemon, FakeHealth
from tests.http.answered import Described

DOCUMENT: dict[str, Any] = orjson.loads(described(OPERATIONS, 50, 500))
DESCRIBED = Described(DOCUMENT)


def test_the_document_is_openapi() -> None:
    """Interface.md 5: an outside validator takes it as OpenAPI 3.1."""
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_every_route_is_a_row() -> None:
    """S73: the router knows the rows, and nothing else: no route without description and policy."""
    app = make_app(FakeDaemon())
    routed = {
        (rule.endpoint, rule.rule, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    rows = {(one.id, one.rule, one.method) for one in OPERATIONS if one.handle is not None}
    assert routed == rows
    described_rows = {
        (method.upper(), path): operation["operationId"]
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    }
    assert described_rows == {(one.method, one.path): one.id for one in OPERATIONS}
    assert len(BY_ID) == len(OPERATIONS)


def test_routes_lead_back() -> None:
    """S73: an address can be made from an operation and what its path holds, as the framework offers it."""
    back = make_app(FakeDaemon()).url_map.bind("localhost")
    assert back.build("getWallet", {"userId": "u 1é"}) == "/api/v1/wallets/u%201%C3%A9"
    assert back.build("getWallet", {"userId": "u", "a": "b"}) == "/api/v1/wallets/u?a=b"


def test_every_link_leads_somewhere() -> None:
    """S73: what may be asked next exists, and takes the parameters that the link fills in."""
    links = [link for one in OPERATIONS for link in one.links]
    assert links
    for link in links:
        names = {one.name for one in BY_ID[link.operation].parameters}
        assert link.parameters.keys() <= names
        assert "$response.body#/" in " ".join(link.parameters.values())


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.id)
def test_every_code_is_known(operation: Operation) -> None:
    """Interface.md 1: an operation's codes are those of the table, or named refusals of a machine."""
    machines = {"PARTNERS_TOO_MANY", "CLIENTS_TOO_MANY"}
    assert set(problems_of(operation)) <= PROBLEMS.keys() | machines
    for code in problems_of(operation):
        refused = problem_of(Refused(code), "abcdefgh")
        assert refused.status == status_of(code)
        DESCRIBED.holds(operation.id, refused.status, dict(refused.headers), refused.body)


def test_every_problem_fits_its_schema() -> None:
    """RFC 9457: whatever code, with and without `errors`, is what the schema Problem says."""
    fault = {"pointer": "/a", "code": "MISSING", "detail": "required"}
    for code in PROBLEMS:
        for errors in ((), (fault,)):
            answer = problem(code, "abcdefgh", errors=errors)  # type: ignore[arg-type]
            DESCRIBED.fits({"$ref": "#/components/schemas/Problem"}, answer.body)


async def test_answers_of_the_edge(daemon: FakeDaemon, client: httpx.AsyncClient) -> None:
    """S73: what the daemon serves as its description is what it does: reads, health, problems."""
    served = Described((await client.get("/api/v1/openapi.json")).json())
    assert served.document == DOCUMENT
    for path, operation, status in (
        ("/", "getLanding", 200),
        ("/docs", "getDocs", 200),
        ("/api/v1/openapi.json", "getOpenapi", 200),
        ("/metrics", "getMetrics", 200),
        ("/health/live", "getLive", 200),
        ("/health/ready", "getReady", 200),
        ("/api/v1/wallets/nobody", "getWallet", 404),
        ("/api/v1/wallets/x/entries?limit=0", "listEntries", 422),
        ("/api/v1/transactions/none", "getTransaction", 404),
    ):
        answer = await client.get(path)
        assert answer.status_code == status
        served.answered(operation, answer)
    daemon.state = FakeHealth("degraded", {"storage": "away"}, 3)
    served.answered("getReady", await client.get("/health/ready"))

    async def away(user_id: str) -> None:
        raise Unavailable(user_id)

    daemon.wallet = away  # type: ignore[method-assign]
    answer = await client.get("/api/v1/wallets/x")
    assert answer.status_code == 503
    served.answered("getWallet", answer)


async def test_limits_of_pages_are_the_settings(client: httpx.AsyncClient) -> None:
    """Interface.md 1: the greatest and the default `limit` are described as they are configured."""
    document: dict[str, Any] = orjson.loads(described(OPERATIONS, 7, 9))
    parameters = document["paths"]["/api/v1/wallets/{userId}/entries"]["get"]["parameters"]
    [limit] = [one["schema"] for one in parameters if one["name"] == "limit"]
    assert limit == {"type": "integer", "minimum": 1, "maximum": 9, "default": 7}
    assert document != DOCUMENT


class _Page(HTMLParser):
    """Tags, texts, and what a page would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.headings: list[int] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.lang = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one."""
        given = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        self.attributes |= given.keys()
        if tag == "html":
            self.lang = given.get("lang", "")
        if tag == "a":
            self.links.append(given["href"])
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if "id" in given:
            assert given["id"] not in self.ids, "an id is one element's"
            self.ids.add(given["id"])


async def test_the_page(client: httpx.AsyncClient) -> None:
    """Interface.md 5: works without a network, needs no script, names everything, and reads in order
    (WCAG 2.2: 1.3.1, 2.4.2, 2.4.4, 3.1.1).
    """
    answer = await client.get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    found = _Page()
    found.feed(answer.text)
    assert not found.tags & {"script", "img", "iframe", "link", "object", "form", "base"}
    assert not [name for name in found.attributes if name.startswith("on") or name == "style"]
    assert "http" not in answer.text.replace("HTTP", "")
    assert "style-src 'sha256-" in answer.headers["content-security-policy"]
    assert found.lang == "en"
    assert {"main", "nav", "title", "caption", "th"} <= found.tags
    assert found.headings[0] == 1
    assert found.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(found.headings, found.headings[1:]))  # noqa: B905
    for link in found.links:
        here = link.startswith("#") and link[1:] in found.ids
        assert here or link == "/api/v1/openapi.json", link
    for operation in OPERATIONS:
        assert operation.id in found.ids
        assert operation.path in answer.text
    for name in DOCUMENT["components"]["schemas"]:
        assert f"schema-{name}" in found.ids


def test_the_page_escapes() -> None:
    """W3C CSP 3: a text of a row is a text, never markup."""
    evil = '<script>alert("1")</script>'
    row = Operation(
        "x", "GET", "/x", evil, evil, Door.OPEN, {200: Body(evil, None, evil)}, OPERATIONS[0].handle
    )
    page = reference(described((row,), 1, 2), "abcdefgh").body
    assert b"<script" not in page
    assert page.count(b"&lt;script&gt;") >= 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"path": "/x/{userId}"},
        {"grants": {}},
        {"door": Door.OPEN},
        {"grants": {Role.CLIENT: Reach.OWN}, "owner": Owner.NOBODY, "path": "/x", "parameters": ()},
        {"owner": Owner.ANSWER},
        {"handle": None},
    ],
)
def test_a_row_that_contradicts_itself(wrong: dict[str, Any]) -> None:
    """S34: a row whose parts do not fit ends the import, not a request."""
    right: dict[str, Any] = {
        "id": "x", "method": "GET", "path": "/x/{userId}/{part}", "summary": "s", "tag": "t",
        "door": Door.TOKEN, "answers": {200: Body("b")}, "handle": OPERATIONS[0].handle,
        "grants": {Role.CLIENT: Reach.OWN}, "owner": Owner.PATH,
        "parameters": tuple(Parameter(name, "path", "p", {}) for name in ("userId", "part")),
    }  # fmt: skip
    Operation(**right)
    with pytest.raises(AssertionError):
        Operation(**(right | wrong))
