"""The reference peers do the whole work, exactly: what is not genuine changes nothing, nothing counts twice.

Source: bench/peers/; docs/performance.md, "The peers"; interface.md 6.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trio

from bench.load import run
from bench.peers.door import Matcher
from bench.sides import FAULTS_SQL, LEDGER_SQL, PEERS, Crowd, peer_database, serve
from bench.wires import body_of, points_of
from comptoir.engine.testing import Process

CROWD = Crowd(users=10, partners=5)
JOB = {"users": CROWD.users, "partners": CROWD.partners, "prefix": "t"}
DAY_MS = 86_400_000


class Peer:
    """A peer that runs, and its books."""

    def __init__(self, process: Process, server: Any, database: str) -> None:
        self.process = process
        self._server, self._database = server, database

    def ask(self, sql: str) -> dict[str, int]:
        """One statement that answers JSON."""
        found: dict[str, int] = json.loads(trio.run(self._server.run_sql, sql, self._database))
        return found

    def send(self, body: bytes, **more: Any) -> tuple[int, str]:
        """One webhook; the status, and what the answer says."""
        answer = self.process.webhook(body, **more)
        said = answer.json()
        return answer.status, said.get("status") or said.get("code")


@pytest.fixture(params=PEERS)
def peer(
    request: pytest.FixtureRequest,
    comptoir_postgres_server: Any,
    comptoir_postgres: str,
    tmp_path: Path,
) -> Iterator[Peer]:
    """Each peer on a fresh database with a few partners and connections."""
    database = urlsplit(comptoir_postgres).path[1:]
    peer_database(comptoir_postgres_server, database, CROWD)
    process = serve(request.param, comptoir_postgres, tmp_path, CROWD)
    try:
        yield Peer(process, comptoir_postgres_server, database)
    finally:
        process.stop()


def test_peer_credits_each_purchase_once(peer: Peer) -> None:
    """Purchases are credited to the point, repeats are told and not credited, forgeries change nothing."""
    bodies = [body_of(JOB, number) for number in range(40)]
    assert {peer.send(body) for body in bodies} == {(202, "accepted")}
    assert {peer.send(body) for body in bodies[:10]} == {(200, "duplicate")}
    assert peer.send(body_of(JOB, 40), secret="another") == (401, "WEBHOOK_SIGNATURE_INVALID")
    late = time.time_ns() // 1_000_000 - DAY_MS
    assert peer.send(body_of(JOB, 41), at_ms=late) == (401, "WEBHOOK_TIMESTAMP_EXPIRED")
    for wrong in (b"{}", b"[", body_of(JOB, 42).replace(b'"EUR"', b'"EUR","x":1')):
        assert peer.send(wrong) == (422, "WEBHOOK_PAYLOAD_INVALID")
    worth = sum(map(points_of, range(40)))
    grown = {"entries": 40, "points": worth, "balances": worth, "lots": worth}
    assert peer.ask(LEDGER_SQL) == grown
    assert not any(peer.ask(FAULTS_SQL).values())


def test_peer_keeps_what_it_cannot_credit(peer: Peer) -> None:
    """Unknown connections and merchants, other currencies and credits are taken once, and credit nothing."""
    body = body_of(JOB, 0)
    unknown = body.replace(b'"c0"', b'"nobody"')
    assert [peer.send(unknown), peer.send(unknown)] == [(202, "parked"), (200, "duplicate")]
    for number, (old, new) in enumerate(
        ((b"ENSEIGNE 001", b"INCONNU"), (b'"EUR"', b'"USD"'), (b'"DEBIT"', b'"CREDIT"')), 6
    ):
        changed = body_of(JOB, number * 5 + 1).replace(old, new)
        assert changed != body_of(JOB, number * 5 + 1)
        assert [peer.send(changed), peer.send(changed)] == [(202, "accepted"), (200, "duplicate")]
    assert peer.ask(LEDGER_SQL) == {"entries": 0, "points": 0, "balances": 0, "lots": 0}


def test_load_reaches_a_peer(peer: Peer) -> None:
    """The load generator's webhooks are genuine for a peer, paced or not, and each is credited."""
    job = {**JOB, "url": peer.process.url, "secret": CROWD.secret, "connections": 8}
    found = run({**job, "count": 60})
    paced = run({**job, "count": 20, "first": 60, "rate": 500})
    assert Counter(found["statuses"]) + Counter(paced["statuses"]) == {"202": 80}
    assert peer.ask(LEDGER_SQL)["points"] == sum(map(points_of, range(80)))
    assert not any(peer.ask(FAULTS_SQL).values())


@pytest.mark.parametrize(
    ("label", "partner"),
    [
        ("PAIEMENT CB 2311 ENSEIGNE 007 PARIS", "p7"),
        ("CB ENSEIGNE 007", "p7"),
        ("Enseigne 007", "p7"),
        ("ENSEIGNE 0071 PARIS", None),
        ("PAIEMENT CB 2311 CAFÉ DE LA GARE LYON", "long"),
        ("PAIEMENT CB 2311 CAFE DE LYON", "short"),
        ("PAIEMENT CB 2311", None),
        ("", None),
    ],
)
def test_matcher_takes_the_longest_name(label: str, partner: str | None) -> None:
    """A label matches the partner with the longest name that it begins with, at a word's end."""
    matcher = Matcher(
        [("p7", "Enseigne 007", 500), ("short", "Café", 1), ("long", "Café de la Gare", 2)]
    )
    found = matcher.match(label)
    assert (found[0] if found else None) == partner
