"""The secret of a sender's webhooks replaced as an operator does it, while webhooks flow.

Rule: the sender changes over on its own, some of its machines before others, and sends again what was not
acknowledged; a webhook that is refused for its signature would be lost. Source: docs/operations.md; spec.md
S54, S71; issue 5.
"""

import json
import secrets
from collections.abc import Callable

import pytest

from comptoir.engine.testing import SECRETS, Process
from comptoir.http.contract_testing import free_port
from tests.durability.bank import CALLERS, Bank, Start, audit, prepare, wait_for

EACH_PHASE = 30
"""Purchases acknowledged before the operator goes on."""

Change = Callable[[Start, Bank, list[str]], None]


def restart(_start: Start, bank: Bank, accepted: list[str]) -> None:
    """The daemon ends and comes again with these secrets; meanwhile nobody answers."""
    bank.daemon.stop()
    bank.daemon.env[SECRETS] = json.dumps(accepted)
    bank.daemon.start()


def take_over(start: Start, bank: Bank, accepted: list[str]) -> None:
    """A standby with these secrets is there before the daemon ends; callers are sent to it then."""
    port = free_port()
    standby = start(
        start=False, **{"COMPTOIR_HTTP__PORT": str(port), SECRETS: json.dumps(accepted)}
    )
    standby.ready = {"http": f"http://127.0.0.1:{port}"}
    standby.spawn()
    wait_for(lambda: "waiting to take over" in standby.said(), "the standby waits")
    before, bank.daemon = bank.daemon, standby
    before.stop()
    standby.wait_ready()


def refused(daemon: Process, secret: str) -> bool:
    """Whether what is signed with this secret is not taken for the sender's."""
    body = json.dumps({"event": "transaction.created", "data": {}}).encode()
    answer = daemon.webhook(body, secret)
    return answer.status == 401 and answer.json()["code"] == "WEBHOOK_SIGNATURE_INVALID"


@pytest.mark.parametrize("change", [restart, take_over])
def test_a_webhook_secret_is_replaced_under_load(comptoir_daemon: Start, change: Change) -> None:
    """S54, S71: the new secret in front, the sender changes over bit by bit, the old one is removed: no
    webhook is refused, each purchase is credited once, and the old secret opens nothing any more.
    """
    old, new = secrets.token_hex(32), secrets.token_hex(32)
    bank = prepare(comptoir_daemon(**{SECRETS: json.dumps([old])}))

    def flows(signed_with: list[str]) -> None:
        """The sender signs with these; so much is acknowledged, by each of its callers, as proves it."""
        bank.secrets = signed_with
        least = bank.acknowledged() + EACH_PHASE + CALLERS
        wait_for(lambda: bank.acknowledged() >= least, "webhooks flow")

    bank.secrets = [old]
    bank.begin()
    flows([old])
    assert refused(bank.daemon, new)
    change(comptoir_daemon, bank, [new, old])
    flows([old])
    flows([old, new])
    flows([new])
    change(comptoir_daemon, bank, [new])
    flows([new])
    bank.end()
    assert refused(bank.daemon, old)
    assert not refused(bank.daemon, new)
    assert set(bank.answers) <= {"accepted", "duplicate", "away"}, bank.answers
    audit(bank)
