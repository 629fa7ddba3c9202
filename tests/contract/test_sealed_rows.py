"""What was stolen from one row and put into another does not open, in a whole daemon (S59).

Rule: the theft is SQL of the database's owner, beneath the daemon; what it must show is what a caller sees.
Source: spec.md S59, X14; docs/threat-model.md, Database.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
import trio

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import Customer, purchase

Start = Callable[..., Process]
SWAPPED = """
update comptoir.actor one set state = other.state
 from comptoir.actor other
 where one.kind = 'connection' and other.kind = 'connection' and one.key <> other.key;
"""
"""Of two cards: each has the other's, so its purchases would be credited to the other's owner."""


@pytest.mark.parametrize("store", [True, False], ids=["key store", "vault keys"])
def test_a_stolen_state_opens_in_no_other_row(
    comptoir_daemon: Start, comptoir_postgres_server: Any, *, store: bool
) -> None:
    """S59: the sealed states of two cards change places: a purchase by either is refused and credited to
    nobody, least of all to the thief; put back, it is taken, and credited to whose card it is.
    """
    daemon = comptoir_daemon(start=False)
    if store:
        data = daemon.env["COMPTOIR_STORAGE__DATA_DIR"]
        daemon.env["COMPTOIR_VAULT__STORE"] = f"{data}/keys/store.db"
    daemon.start()
    customer = Customer(daemon)
    cards = [customer.card(rate_bp=1000) for _ in range(2)]
    for card in cards:
        customer.buy(card, 10)
    customer.quiet()
    database = daemon.env["COMPTOIR_STORAGE__URL"].partition("@/")[2].partition("?")[0]
    bodies = [
        purchase(customer.name("tx"), card.connection_id, amount=20, merchant={"name": card.label})
        for card in cards
    ]
    for opens in (False, True):
        daemon.kill()
        trio.run(comptoir_postgres_server.run_sql, SWAPPED, database)
        daemon.start()
        for body in bodies:
            answer = customer.send(body)
            assert (answer.status in (200, 202)) is opens, answer
            assert all(card.user_id not in json.dumps(answer.json()) for card in cards)
        points = [customer.balance(card.user_id)["available"] for card in cards]
        assert points == ([300, 300] if opens else [100, 100])
