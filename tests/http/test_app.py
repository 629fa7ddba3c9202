"""The API over a real socket, with a daemon of the test behind it."""

from typing import Any

import httpx
import pytest

from comptoir.engine import Overloaded, Refused
from comptoir.http.testing import NOW_MS, FakeAnswer, FakeDaemon, FakeHealth

CSV = {"content-type": "text/csv"}
LOCAL = "127.0.0.1"


async def test_wallet(daemon: FakeDaemon, client: httpx.AsyncClient) -> None:
    """interface.md 7: a wallet as the port shows it; a user never seen is 404."""
    daemon.wallets["u 1/é"] = {"userId": "u 1/é", "version": 3}
    daemon.wallets["u1"] = {"userId": "u1", "version": 3}
    shown = await client.get("/api/v1/wallets/u1")
    assert (shown.status_code, shown.json()) == (200, daemon.wallets["u1"])
    for user in ("nobody", "%00", "%ff", "%20%0a", "x" * 200):
        missing = await client.get(f"/api/v1/wallets/{user}")
        assert (missing.status_code, missing.json()["code"]) == (404, "NOT_FOUND")


async def test_entries_are_paged(daemon: FakeDaemon, client: httpx.AsyncClient) -> None:
    """interface.md 1 and 7: newest first, every entry once, a cursor while there are more."""
    daemon.histories["u1"] = [(number, {"entryId": str(number)}) for number in range(1, 124)]
    seen: list[str] = []
    query: dict[str, Any] = {}
    sizes: list[int] = []
    while True:
        page = (await client.get("/api/v1/wallets/u1/entries", params=query)).json()
        assert list(page) == ["items", "nextCursor"]
        seen += [item["entryId"] for item in page["items"]]
        sizes.append(len(page["items"]))
        if page["nextCursor"] is None:
            break
        query = {"cursor": page["nextCursor"]}
    assert seen == [str(number) for number in range(123, 0, -1)]
    assert sizes == [50, 50, 23]


async def test_entries_at_the_bounds(daemon: FakeDaemon, client: httpx.AsyncClient) -> None:
    """interface.md 1: a full last page has no cursor; an empty history is a list, a stranger 404."""
    daemon.histories["u1"] = [(number, {"entryId": str(number)}) for number in range(1, 501)]
    daemon.wallets["new"] = {}
    whole = (await client.get("/api/v1/wallets/u1/entries?limit=500")).json()
    assert (len(whole["items"]), whole["nextCursor"]) == (500, None)
    empty = await client.get("/api/v1/wallets/new/entries")
    assert (empty.status_code, empty.json()) == (200, {"items": [], "nextCursor": None})
    assert (await client.get("/api/v1/wallets/nobody/entries")).status_code == 404


@pytest.mark.parametrize(
    "query", ["limit=501", "limit=0", "limit=x", "cursor=x", "limit=1&limit=2"]
)
async def test_wrong_page(client: httpx.AsyncClient, query: str) -> None:
    """interface.md 1: 422 with the parameter named."""
    answer = await client.get(f"/api/v1/wallets/u1/entries?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "REQUEST_INVALID")
    assert answer.json()["errors"][0]["pointer"] == f"/query/{query.partition('=')[0]}"


async def test_transaction(daemon: FakeDaemon, client: httpx.AsyncClient) -> None:
    """interface.md 7: a transaction as the port shows it, else 404 (X23)."""
    daemon.transactions["tx_1"] = {"transactionId": "tx_1", "userId": "u1", "trace": ["matched"]}
    shown = await client.get("/api/v1/transactions/tx_1")
    assert (shown.status_code, shown.json()) == (200, daemon.transactions["tx_1"])
    assert (await client.get("/api/v1/transactions/tx_2")).status_code == 404


async def test_health(daemon: FakeDaemon, client: httpx.AsyncClient) -> None:
    """interface.md 5: live, ready, and what is missing when not."""
    assert (await client.get("/health/live")).json() == {"status": "live"}
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()) == (
        200,
        {"status": "ready", "checks": {"storage": "ok"}},
    )
    daemon.state = FakeHealth("standby", {"storage": "another daemon leads"}, 7)
    waiting = await client.get("/health/ready")
    assert (waiting.status_code, waiting.json()) == (
        503,
        {
            "status": "standby",
            "checks": {"storage": "another daemon leads"},
            "pendingMessages": 7,
        },
    )
    assert int(waiting.headers["retry-after"]) >= 1


async def test_metrics(client: httpx.AsyncClient) -> None:
    """interface.md 5: Prometheus text."""
    answer = await client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.text == "comptoir_messages_pending 0\n"


async def test_landing(client: httpx.AsyncClient) -> None:
    """Deliver 5: a plain page that leads on, loads nothing, and whose policy fits its style."""
    answer = await client.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "/health/ready" in answer.text
    assert "http" not in answer.text
    assert "<script" not in answer.text
    assert "style-src 'sha256-" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nope", 404, "NOT_FOUND"),
        ("GET", "/api/v1/wallets/", 404, "NOT_FOUND"),
        ("GET", "/health/live/", 404, "NOT_FOUND"),
        ("POST", "/api/v1/wallets/u1", 405, "METHOD_NOT_ALLOWED"),
        ("DELETE", "/", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/dev/v1/clock", 405, "METHOD_NOT_ALLOWED"),
        ("BREW", "/health/live", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/webhooks/banking", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/webhooks/nobody", 404, "NOT_FOUND"),
    ],
)
async def test_no_such_thing(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    """interface.md 1: a problem with a request id, and Allow where the method is wrong."""
    answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["requestId"] == answer.headers["x-request-id"]
    assert ("allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize("path", ["/", "/health/live", "/nope", "/metrics", "/webhooks/banking"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_every_answer_is_dressed(client: httpx.AsyncClient, method: str, path: str) -> None:
    """interface.md 1: X-Request-Id on every answer, nothing sniffed, nobody told what serves."""
    given = {"x-request-id": "caller-012345"}
    answer = await client.request(method, path, headers=given)
    assert answer.headers["x-request-id"] == "caller-012345"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "server" not in answer.headers
    assert answer.content == b"" or method != "HEAD"
    other = await client.request(method, path, headers={"x-request-id": "no"})
    assert len(other.headers.get_list("x-request-id")) == 1
    assert 8 <= len(other.headers["x-request-id"]) <= 64


async def test_errors_of_the_engine(daemon: FakeDaemon, client: httpx.AsyncClient) -> None:
    """interface.md 1: an engine's error is its problem; a bug of ours tells nothing of itself."""

    async def refuse(user_id: str) -> None:
        raise {"full": Overloaded("inside"), "no": Refused("WALLET_CLOSED", "inside")}.get(
            user_id, ZeroDivisionError("inside")
        )

    daemon.wallet = refuse  # type: ignore[method-assign]
    for user, status, code in (
        ("full", 503, "OVERLOADED"),
        ("no", 409, "WALLET_CLOSED"),
        ("bug", 500, "INTERNAL"),
    ):
        answer = await client.get(f"/api/v1/wallets/{user}")
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert "inside" not in answer.text
        assert ("retry-after" in answer.headers) == (status == 503)


class TestHostNames:
    """DNS rebinding: while there are no tokens, only names of this machine are served."""

    @pytest.mark.parametrize("host", ["localhost", "localhost:8080", "[::1]:8080", "127.0.0.1:1"])
    async def test_local(self, client: httpx.AsyncClient, host: str) -> None:
        """design.md 2.1: names that nobody else can point here."""
        assert (await client.get("/metrics", headers={"host": host})).status_code == 200

    @pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:80", "", "[x]"])
    async def test_foreign(self, client: httpx.AsyncClient, host: str) -> None:
        """design.md 2.1: a page elsewhere that resolves its name to loopback reads nothing."""
        answer = await client.get("/metrics", headers={"host": host})
        assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")


@pytest.mark.parametrize("daemon", [FakeDaemon(clock_manual=True)])
class TestClock:
    """interface.md 10: business time moved over HTTP."""

    async def test_advance(self, daemon: FakeDaemon, client: httpx.AsyncClient) -> None:
        """The answer has the time after it and how many timers fired."""
        answer = await client.post("/dev/v1/clock", json={"advanceSeconds": 600})
        assert (answer.status_code, answer.json()) == (
            200,
            {"now": "2025-11-24T14:40:00.000Z", "fired": 1},
        )
        assert daemon.now == NOW_MS + 600_000
        daemon.now = NOW_MS

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"advanceSeconds": -1}, 422),
            ({"advanceSeconds": "1"}, 422),
            ({"advanceSeconds": 1e11}, 422),
            ({"advanceSeconds": None}, 422),
            ({}, 422),
            ([], 422),
            ({"advanceSeconds": 1, "x": 1}, 422),
        ],
    )
    async def test_wrong(
        self, daemon: FakeDaemon, client: httpx.AsyncClient, body: object, status: int
    ) -> None:
        """A wrong step is refused by name and moves nothing."""
        answer = await client.post("/dev/v1/clock", json=body)
        assert (answer.status_code, daemon.now) == (status, NOW_MS)
        assert answer.json()["errors"][0]["pointer"] == "/advanceSeconds"

    async def test_form(self, daemon: FakeDaemon, client: httpx.AsyncClient) -> None:
        """A foreign page's form cannot say application/json; what is no JSON is malformed."""
        plain = {"content-type": "text/plain"}
        body = b'{"advanceSeconds":1}'
        answer = await client.post("/dev/v1/clock", content=body, headers=plain)
        assert (answer.status_code, daemon.now) == (415, NOW_MS)
        json_type = {"content-type": "application/json"}
        answer = await client.post("/dev/v1/clock", content=b"{", headers=json_type)
        assert (answer.status_code, answer.json()["code"]) == (400, "REQUEST_MALFORMED")


async def test_wall_clock_does_not_move(daemon: FakeDaemon, client: httpx.AsyncClient) -> None:
    """interface.md 10: only a manual clock is moved."""
    answer = await client.post("/dev/v1/clock", json={"advanceSeconds": 1})
    assert (answer.status_code, daemon.now) == (409, NOW_MS)


async def test_quiesce(daemon: FakeDaemon, client: httpx.AsyncClient) -> None:
    """interface.md 5: 200 when nothing is due, else 504; the time is optional."""
    assert (await client.post("/dev/v1/quiesce", json={"timeoutSeconds": 30})).status_code == 200
    assert (await client.post("/dev/v1/quiesce")).status_code == 200
    wrong = await client.post("/dev/v1/quiesce", json={"timeoutSeconds": 601})
    assert wrong.status_code == 422
    daemon.quiet = False
    late = await client.post("/dev/v1/quiesce", json={"timeoutSeconds": 0})
    assert (late.status_code, late.json()["code"]) == (504, "QUIESCE_TIMEOUT")


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "via"])
@pytest.mark.parametrize("path", ["clock", "quiesce", "import/partners"])
async def test_doors_are_local(client: httpx.AsyncClient, path: str, header: str) -> None:
    """interface.md 10: through a proxy, the doors do not exist."""
    answer = await client.post(f"/dev/v1/{path}", headers={header: "127.0.0.1"})
    assert answer.status_code == 404


@pytest.mark.parametrize("daemon", [FakeDaemon(dev_open=False)])
async def test_doors_of_tests_can_be_shut(client: httpx.AsyncClient) -> None:
    """interface.md 5: neither manual clock nor loopback mode, so neither clock nor quiet."""
    assert (await client.post("/dev/v1/clock", json={"advanceSeconds": 1})).status_code == 404
    assert (await client.post("/dev/v1/quiesce")).status_code == 404


async def test_import_partners(daemon: FakeDaemon, client: httpx.AsyncClient) -> None:
    """interface.md 4: the whole file is one message to the catalogue."""
    data = "id,name,rate_bp\np1,Le Bistrot,300\np2,Chez Léa,500\n"
    answer = await client.post("/dev/v1/import/partners", content=data.encode(), headers=CSV)
    assert (answer.status_code, answer.json()) == (
        200,
        {"imported": 2, "updated": 0, "unchanged": 0},
    )
    [(address, message)] = daemon.asks
    assert (str(address), type(message).__name__) == ("merchants/all", "ImportPartners")


async def test_import_connections(daemon: FakeDaemon, client: httpx.AsyncClient) -> None:
    """interface.md 4, X15: each row goes to the actor behind its blind index, once."""
    rows = "".join(f"cn_{number},u_{number}\n" for number in range(500))
    data = f"connection_id,user_id\n{rows}".encode()
    answer = await client.post("/dev/v1/import/connections", content=data, headers=CSV)
    assert answer.json() == {"imported": 500, "updated": 0, "unchanged": 0}
    addresses = {str(address) for address, _ in daemon.asks}
    assert len(daemon.asks) == len(addresses) == 500
    assert "connection/blind:seed:cn_7" in addresses


async def test_import_of_a_bad_file(daemon: FakeDaemon, client: httpx.AsyncClient) -> None:
    """interface.md 4: a bad line changes nothing and is named by line and column."""
    data = b"connection_id,user_id,card_last4\ncn_1,u_1,1234\ncn_2,,12\n"
    answer = await client.post("/dev/v1/import/connections", content=data, headers=CSV)
    assert (answer.status_code, answer.json()["code"]) == (422, "REQUEST_INVALID")
    pointers = [error["pointer"] for error in answer.json()["errors"]]
    assert pointers == ["/3/user_id", "/3/card_last4"]
    assert daemon.asks == []


async def test_import_is_patient(daemon: FakeDaemon, client: httpx.AsyncClient) -> None:
    """design.md 2.2: a full engine is asked again, and the import still ends whole."""
    from comptoir.actors.connection.messages import Linked

    refused: set[str] = set()

    async def busy(address: Any, message: Any) -> FakeAnswer:
        del message
        if str(address) not in refused:
            refused.add(str(address))
            raise Overloaded
        return FakeAnswer(Linked("updated"))

    daemon.asked = busy
    data = b"connection_id,user_id\ncn_1,u_1\ncn_2,u_2\n"
    answer = await client.post("/dev/v1/import/connections", content=data, headers=CSV)
    assert answer.json() == {"imported": 0, "updated": 2, "unchanged": 0}


async def test_import_fails_by_name(daemon: FakeDaemon, client: httpx.AsyncClient) -> None:
    """interface.md 1: an error of the engine among many asks is one problem."""
    daemon.error = Refused("CONNECTION_REVOKED", "inside")
    data = b"connection_id,user_id\ncn_1,u_1\ncn_2,u_2\n"
    answer = await client.post("/dev/v1/import/connections", content=data, headers=CSV)
    assert (answer.status_code, answer.json()["code"]) == (409, "CONNECTION_REVOKED")


async def test_import_wants_csv(daemon: FakeDaemon, client: httpx.AsyncClient) -> None:
    """interface.md 4: CSV by its name; other kinds of import do not exist."""
    answer = await client.post("/dev/v1/import/partners", json={})
    assert answer.status_code == 415
    answer = await client.post("/dev/v1/import/users", content=b"", headers=CSV)
    assert answer.status_code == 404
    gzip = CSV | {"content-encoding": "gzip"}
    answer = await client.post("/dev/v1/import/partners", content=b"", headers=gzip)
    assert answer.status_code == 415
    assert daemon.asks == []
