"""Section 10: the sandbox as another program, and the daemon in front of it.

Rule: what the sandbox says that a correct daemon must hold, this daemon holds, to the point.
Source: interface.md 10; spec.md S49, S73, E15, X16, X32.
"""

import json
from collections.abc import Callable

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import Customer, eventually, purchase

Start = Callable[..., Process]
PARTNERS = "id,name,rate_bp\n" + "".join(
    f"p{number},{name},{100 * number + 33}\n"
    for number, name in enumerate(("Zorblax", "Quilmont", "Fervance", "Orthel", "Nubrique"))
)
CONNECTIONS = "connection_id,user_id\n" + "".join(f"c{n},u{n % 7}\n" for n in range(30))
MIX = {
    "partner": 0.7, "duplicate": 0.05, "forged": 0.03, "late": 0.03, "refund": 0.04,
    "reorderWindow": 16,
}  # fmt: skip


def test_ready_line(comptoir_sandbox: Start) -> None:
    """Its ready line is like the daemon's; health is 200; SIGTERM exits 0 with nothing more said."""
    sandbox = comptoir_sandbox()
    assert (sandbox.ready["event"], sandbox.ready["pid"]) == ("ready", sandbox.pid)
    assert sandbox.ready["http"].startswith("http://127.0.0.1:")
    assert sandbox.get("/health").status == 200
    assert sandbox.stop() == 0
    assert sandbox.printed == b""


def test_single_webhooks(comptoir_daemon: Start, comptoir_sandbox: Start) -> None:
    """Valid, forged, missing, repeated: the answers it got come back (S54, X16)."""
    sandbox, customer = comptoir_sandbox(), Customer(comptoir_daemon())
    request = {
        "target": f"{customer.process.url}/webhooks/banking", "scheme": "seed-v1",
        "secret": customer.secret, "body": purchase("t1", "c1"),
    }  # fmt: skip

    def answers(**more: object) -> list[int]:
        return [
            one["status"] for one in sandbox.post("/control/webhooks", {**request, **more}).json()
        ]

    assert answers(signature="forged") == [401]
    assert answers(signature="missing") == [401]
    assert answers(timestampMs=1) == [401]
    assert answers(times=3) == [202, 200, 200]


def test_a_run_is_held_to_the_point(comptoir_daemon: Start, comptoir_sandbox: Start) -> None:
    """Duplicates, forgeries, late ones, refunds, out of order: credited = acknowledged (S73, E15)."""
    sandbox, customer = comptoir_sandbox(), Customer(comptoir_daemon())
    assert customer.must("partners", PARTNERS)["imported"] == 5
    assert customer.must("connections", CONNECTIONS)["imported"] == 30
    run = sandbox.post(
        "/control/runs",
        {
            "target": f"{customer.process.url}/webhooks/banking", "scheme": "seed-v1",
            "secret": customer.secret, "count": 600, "ratePerSecond": None, "connections": 16,
            "seed": 7, "mix": MIX, "partnersCsv": PARTNERS, "connectionsCsv": CONNECTIONS,
        },
    )  # fmt: skip
    assert run.status == 202, run
    path = f"/control/runs/{run.json()['runId']}"
    eventually(lambda: sandbox.get(path).json()["status"] != "running", 60)
    result = sandbox.get(path).json()
    assert result["sent"] >= 600
    assert set(result["answers"]) <= {"200", "202", "401"}
    assert result["expected"] == result["acknowledged"]
    customer.quiet()
    found = 0
    for user, points in result["acknowledged"]["byUser"].items():
        answer = customer.process.get(f"/api/v1/wallets/{user}")
        balance = answer.json()["balance"] if answer.status == 200 else dict.fromkeys(
            ("available", "pending", "shortfall"), 0)  # fmt: skip
        held = balance["available"] + balance["pending"] - balance["shortfall"]
        assert held == points, user
        found += held
    assert found == result["acknowledged"]["points"] > 0
    codes = ("WEBHOOK_SIGNATURE_INVALID", "WEBHOOK_TIMESTAMP_EXPIRED")
    for code in codes:
        refused = customer.metric("comptoir_webhooks_total", result="refused", code=code)
        assert refused == result["byCode"].get(code, 0) > 0


def test_faults_of_a_party(comptoir_daemon: Start, comptoir_sandbox: Start) -> None:
    """A push that fails with 503 is sent again, and arrives once (S63, E15)."""
    sandbox = comptoir_sandbox()
    customer = Customer(comptoir_daemon(COMPTOIR_PROVIDERS__FCM__BASE_URL=sandbox.url))
    faults = [
        {"party": "fcm", "operation": "push.send", "fault": "status", "status": 503, "count": 1}
    ]
    operations = sandbox.request(
        "PUT", "/control/faults", json.dumps(faults).encode(), {"Content-Type": "application/json"}
    )
    assert operations.status == 200, operations
    card = customer.card(rate_bp=1000)
    inbox = f"/control/inbox?channel=push&to={customer.reachable(card.user_id)}"
    customer.buy(card, 10)
    customer.quiet()
    eventually(lambda: _has(customer, sandbox, inbox))
    calls = sandbox.get("/control/calls?party=fcm").json()["items"]
    sent = [json.loads(call["body"]) for call in calls if call["operation"] == "push.send"]
    assert len(sent) == 2
    tags = {one["message"]["android"]["notification"]["tag"] for one in sent}
    assert len(tags) == 1, "so a second would take the first one's place on the device"
    assert len(sandbox.get(inbox).json()["items"]) == 1
    assert sandbox.post("/control/reset", {}).status == 200
    assert sandbox.get(inbox).json()["items"] == []


def _has(customer: Customer, sandbox: Process, inbox: str) -> bool:
    """Whether the push arrived; a manual clock must be moved for its retry to fall due."""
    customer.advance(1)
    return len(sandbox.get(inbox).json()["items"]) == 1
