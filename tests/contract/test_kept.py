"""What is kept of a linked card, searched for in everything that a daemon writes (S58, S59, X15).

Rule: the search is of the whole database, every row of every table as text, of standard error and of the
metrics; what may be there in clear is found by the same search, which shows that it finds.
"""

import json
from collections.abc import Callable
from typing import Any

import trio

from comptoir.engine.testing import Process
from comptoir.sandbox.parties.bank import FORBIDDEN
from tests.contract.banking import Person

Start = Callable[..., Process]
TABLES = (
    "select string_agg(format('%I.%I', schemaname, tablename), ' ') from pg_tables "
    "where schemaname not in ('pg_catalog', 'information_schema')"
)


def whole_of(server: Any, daemon: Process) -> str:
    """Every row of every table; bytes in hexadecimal and, as far as they go, as text."""
    database = daemon.env["COMPTOIR_STORAGE__URL"].partition("@/")[2].partition("?")[0]
    found: list[str] = []
    for table in str(trio.run(server.run_sql, TABLES, database)).split():
        rows = f"select string_agg(t::text, chr(10)) from {table} t"  # of pg_tables
        found.append(str(trio.run(server.run_sql, rows, database)))
    text = chr(10).join(found)
    raw = text.replace(chr(92) * 2, chr(92)).split(chr(92) + "x")[1:]
    opened = [bytes.fromhex(_hexadecimal(part)).decode("latin-1") for part in raw]
    return chr(10).join([text, *opened])


def _hexadecimal(text: str) -> str:
    """The leading digits of it, in pairs."""
    digits = text[: len(text) - len(text.lstrip("0123456789abcdef"))]
    return digits[: len(digits) // 2 * 2]


def test_nothing_forbidden_is_kept(
    comptoir_daemon: Start, comptoir_sandbox: Start, comptoir_postgres_server: Any
) -> None:
    """S58, S59, X15: link, read, report and revoke with a provider that tells everything: nothing of what is
    forbidden is anywhere; neither tokens nor the connection's id are in clear; last digits and bank are.
    """
    sandbox = comptoir_sandbox()
    daemon = comptoir_daemon(
        COMPTOIR_AUTH__MODE="on", COMPTOIR_PROVIDERS__SEED__BASE_URL=sandbox.url
    )
    person = Person.new(daemon)
    mine = person.linked(card="4242")
    exchanged = sandbox.get("/control/calls?party=seed").json()["items"][1]
    granted = json.loads(exchanged["answer"]["body"])
    data = {
        "transaction_id": "tx1", "connection_id": granted["connectionId"], "amount": 10.0,
        "currency": "EUR", "direction": "DEBIT", "date": "2026-11-20",
        "merchant": {"name": "CHEZ NOUS", **FORBIDDEN}, **FORBIDDEN,
    }  # fmt: skip
    body = json.dumps({"event": "transaction.created", "data": data, **FORBIDDEN}).encode()
    assert daemon.webhook(body).status == 202
    assert person.ask("POST", f"/api/v1/connections/{mine}/sync").status == 202
    daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 20})
    for stage in ("linked", "revoked"):
        kept = whole_of(comptoir_postgres_server, daemon)
        assert "4242" in kept
        assert "Banque du Bac" in kept
        said = daemon.log.read_text() + daemon.get("/metrics").body.decode()
        for name, canary in FORBIDDEN.items():
            assert canary not in kept, (stage, name)
            assert canary not in said, (stage, name)
        for name in ("connectionId", "accessToken", "refreshToken"):
            assert granted[name] not in kept, (stage, name)
            assert granted[name] not in said, (stage, name)
        assert person.name not in said
        person.ask("DELETE", f"/api/v1/connections/{mine}")
        daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 20})
    assert 'comptoir_consents_total{change="revoked"} 1' in daemon.get("/metrics").body.decode()
