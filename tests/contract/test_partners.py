"""Section 7, partners over the API, and section 5, what the codes mean (rows b1)."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from comptoir.engine.testing import Answered, Process
from comptoir.http.contract_testing import Customer
from comptoir.http.problems import PROBLEMS

Start = Callable[..., Process]
FNAC: dict[str, Any] = {
    "name": "Fnac", "rateBp": 250, "mcc": ["5732"], "patterns": ["FNAC COM"], "validFrom": "2026-01-01",
    "validTo": None, "capCentsPurchase": 100_00, "capCentsMonth": None, "city": "Paris",
}  # fmt: skip


def _put(daemon: Process, partner_id: str, body: object) -> Answered:
    headers = {"Content-Type": "application/json"}
    return daemon.request(
        "PUT", f"/api/v1/partners/{partner_id}", json.dumps(body).encode(), headers
    )


def test_set_and_seen(daemon: Process) -> None:
    """S47: 201 for a new one, 200 for a changed or an unchanged one; every column, in camelCase."""
    created = _put(daemon, "fnac", FNAC)
    assert (created.status, created.json()) == (201, {"id": "fnac", **FNAC})
    assert _put(daemon, "fnac", FNAC).status == 200
    changed = _put(daemon, "fnac", {"name": "Fnac", "rateBp": 300})
    assert changed.status == 200
    seen = daemon.get("/api/v1/partners/fnac")
    assert (seen.status, seen.json()) == (200, changed.json())
    assert seen.json()["patterns"] == []
    assert daemon.get("/api/v1/partners/nobody").status == 404
    assert daemon.get("/api/v1/partners/%F0%9F%92%A9").status == 404


def test_it_counts_from_the_answer_on(daemon: Process) -> None:
    """S47: the next purchase is matched against what was answered."""
    customer = Customer(daemon)
    card = customer.card(500)
    label = f"Enseigne {card.partner_id} Neuve"
    assert _put(daemon, card.partner_id, {"name": label, "rateBp": 1000}).status == 200
    customer.buy(card, 100, merchant={"name": label})
    customer.quiet()
    assert customer.balance(card.user_id)["available"] == 1000


def test_by_file_and_by_api_alike(daemon: Process) -> None:
    """Interface.md 4: what a file has set is shown, and set again unchanged it is no change."""
    assert daemon.load("partners", "id,name,rate_bp,mcc\nlidl,Lidl,100,5411;5499\n").status == 200
    shown = daemon.get("/api/v1/partners/lidl").json()
    assert (shown["name"], shown["mcc"]) == ("Lidl", ["5411", "5499"])
    assert _put(daemon, "lidl", shown).status == 200


def test_what_a_partner_says_about_itself(daemon: Process) -> None:
    """E9: trade names, stores, names of others, country and a common name are set, shown, and set again as shown."""
    more = {
        "tradeNames": ["Fnac Café"], "stores": [{"name": "SARL Dupont", "city": "Brest"}, {"name": "Fnac 2", "city": None}],
        "excludes": ["Fnac Darty"], "country": "FR", "commonName": True,
    }  # fmt: skip
    created = _put(daemon, "fnac-more", {**FNAC, **more})
    assert (created.status, created.json()) == (201, {"id": "fnac-more", **FNAC, **more})
    assert _put(daemon, "fnac-more", created.json()).status == 200
    page = daemon.get("/api/v1/partners/fnac-more/history").json()
    assert len(page["items"]) == 1, "set again alike, it was not changed"


def test_its_history_and_the_rate_of_the_day(daemon: Process) -> None:
    """E9: a rate from a day on leaves the days before; what was said is kept, the newest first, page by page."""
    customer = Customer(daemon)
    card = customer.card(500)
    name = f"SHOP{card.partner_id}"
    later = {"name": name, "rateBp": 1000, "validFrom": "2026-11-20"}
    assert _put(daemon, card.partner_id, later).status == 200
    customer.buy(card, 100, date="2026-11-19")
    assert customer.balance(card.user_id)["available"] == 500
    customer.buy(card, 100, date="2026-11-20")
    assert customer.balance(card.user_id)["available"] == 1500
    path = f"/api/v1/partners/{card.partner_id}/history"
    (newest,), (oldest,) = customer.pages(path, 1)
    assert (newest["partner"]["rateBp"], oldest["partner"]["rateBp"]) == (1000, 500)
    assert newest["version"] > oldest["version"]
    assert newest["periods"] == [
        {"validFrom": None, "validTo": "2026-11-19", "rateBp": 500, "capCentsPurchase": None, "capCentsMonth": None}
    ]  # fmt: skip
    assert (oldest["periods"], oldest["maker"]) == ([], None)
    assert daemon.get("/api/v1/partners/nobody/history").status == 404
    assert daemon.get(f"{path}?cursor=x").status == 422


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"country": "FRA"}, "/country", "VALUE_INVALID"),
        ({"tradeNames": ["A;B"]}, "/tradeNames", "VALUE_CHARACTER_FORBIDDEN"),
        ({"excludes": ["--"]}, "/excludes", "VALUE_INVALID"),
        ({"stores": [{"name": "A@B"}]}, "/stores", "VALUE_CHARACTER_FORBIDDEN"),
        ({"stores": [{"name": "--"}]}, "/stores", "VALUE_INVALID"),
        ({"stores": [{"city": "Brest"}]}, "/stores/name", "FIELD_MISSING"),
        ({"rateBp": 10_001}, "/rateBp", "VALUE_INVALID"),
        ({"rateBp": 1.5}, "/rateBp", "VALUE_INVALID"),
        ({"name": "***"}, "/name", "VALUE_INVALID"),
        ({"mcc": ["57"]}, "/mcc", "VALUE_INVALID"),
        ({"patterns": ["A;B"]}, "/patterns", "VALUE_CHARACTER_FORBIDDEN"),
        ({"validFrom": "2026-02-30"}, "/validFrom", "VALUE_INVALID"),
        ({"validFrom": "2026-02-02", "validTo": "2026-02-01"}, "/validTo", "DATES_REVERSED"),
        ({"id": "other"}, "/id", "VALUE_INVALID"),
        ({"surprise": 1}, "", "VALUE_INVALID"),
        ({"name": "A\u0007"}, "/name", "VALUE_CHARACTER_FORBIDDEN"),
    ],
)
def test_what_is_no_partner(
    daemon: Process, fields: dict[str, Any], pointer: str, code: str
) -> None:
    """Interface.md 1, 4: the file's own rules, each fault in its place; nothing is changed."""
    answer = _put(daemon, "never", {**FNAC, **fields})
    assert (answer.status, answer.json()["code"]) == (422, "REQUEST_INVALID")
    assert (pointer, code) in [(one["pointer"], one["code"]) for one in answer.json()["errors"]]
    assert daemon.get("/api/v1/partners/never").status == 404


def test_an_id_that_is_none(daemon: Process) -> None:
    """Interface.md 4: 1 to 64 of [A-Za-z0-9_-]."""
    answer = _put(daemon, "a.b", FNAC)
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/id"]


def test_pages(daemon: Process) -> None:
    """Interface.md 1: page by page, each once, in the order of ids; a foreign cursor is refused."""
    for number in range(5):
        assert (
            _put(daemon, f"zz{number}", {"name": f"Enseigne {number}", "rateBp": 1}).status == 201
        )
    seen: list[str] = []
    path = "/api/v1/partners?limit=3"
    while True:
        page = daemon.get(path).json()
        seen += [one["id"] for one in page["items"]]
        if page["nextCursor"] is None:
            break
        path = f"/api/v1/partners?limit=3&cursor={page['nextCursor']}"
    assert seen == sorted(set(seen))
    assert {f"zz{number}" for number in range(5)} <= set(seen)
    for bad in ("x", "cDE6", "", "cDE6YQ=="):
        answer = daemon.get(f"/api/v1/partners?cursor={bad}")
        assert (answer.status, answer.json()["errors"][0]["pointer"]) == (422, "/query/cursor")


def test_every_code_has_its_page(daemon: Process) -> None:
    """Interface.md 5, S66: each code, what it means and what to do, in French and English; `type` leads there."""
    for code in (*PROBLEMS, "PARTNERS_TOO_MANY", "CLIENTS_TOO_MANY"):
        page = daemon.get(f"/problems/{code}")
        assert page.status == 200, code
        meaning = page.json()
        assert meaning["code"] == code
        assert meaning["userAction"]["fr"]
        assert meaning["userAction"]["en"]
    refused = daemon.get("/api/v1/partners/nobody").json()
    assert daemon.get(refused["type"]).json()["title"] == refused["title"]
    assert daemon.get("/problems/NO_SUCH_CODE").status == 404
