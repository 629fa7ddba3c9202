"""Every error code of S66 that this release can give, over a socket, with what its person is told to do.

Rule: each is met as an app or a provider meets it, and none is made up. Daemon and sandbox are processes of their own.
Source: spec.md S66, X29; interface.md 1, 6 and 7.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest

from comptoir.engine.testing import Answered, Process
from comptoir.http.contract_testing import DAY_S, Customer, free_port, purchase
from tests.contract.banking import Person
from tests.contract.saving import Saver
from tests.contract.test_conventions import is_problem

Start = Callable[..., Process]
SIGNATURE, TIMESTAMP = "WEBHOOK_SIGNATURE_INVALID", "WEBHOOK_TIMESTAMP_EXPIRED"


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Process:
    """The bank."""
    return comptoir_sandbox_shared()


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Start, sandbox: Process) -> Process:
    """A daemon that knows it."""
    return comptoir_daemon_shared(
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_HTTP__RATE_LIMITS="off",
        COMPTOIR_HTTP__PORT=str(free_port()),
        COMPTOIR_PROVIDERS__SEED__BASE_URL=sandbox.url,
    )


def _linking_failed(daemon: Process, _sandbox: Process) -> Answered:
    """The person says no at the bank."""
    person = Person.new(daemon)
    session = person.start().json()
    assert person.at_bank(session["authUrl"], outcome="denied").status == 303
    return person.complete(session["sessionId"])


def _already_linked(daemon: Process, _sandbox: Process) -> Answered:
    """Somebody else has the card."""
    card = {"card": "1111", "iban": "FR7630006000011234567890189"}
    assert Person.new(daemon).link(**card).status == 201
    return Person.new(daemon).link(**card)


def _expired(daemon: Process, sandbox: Process) -> Answered:
    """The consent's time is over."""
    person = Person.new(daemon)
    mine = person.linked()
    for process, path in ((sandbox, "/control/clock"), (daemon, "/dev/v1/clock")):
        assert process.post(path, {"advanceSeconds": 91 * DAY_S}).status == 200
    return person.ask("POST", f"/api/v1/connections/{mine}/sync")


def _unavailable(daemon: Process, sandbox: Process) -> Answered:
    """The bank is away."""
    fault = [{"party": "seed", "operation": "auth.init", "fault": "status", "status": 503}]
    told = sandbox.request("PUT", "/control/faults", json.dumps(fault).encode())
    assert told.status == 200, told
    try:
        return Person.new(daemon).start()
    finally:
        sandbox.request("DELETE", "/control/faults")


def _forged(daemon: Process, _sandbox: Process) -> Answered:
    """Who sends has not the secret."""
    return daemon.webhook(json.dumps(purchase("tx-f", "conn-f")).encode(), secret="not-ours")


def _replayed(daemon: Process, _sandbox: Process) -> Answered:
    """It was signed ten minutes ago."""
    late = Customer(daemon).now_ms() - 600_000
    return daemon.webhook(json.dumps(purchase("tx-l", "conn-l")).encode(), at_ms=late)


Meet = Callable[[Process, Process], Answered]


def _wrong_iban(daemon: Process, sandbox: Process) -> Answered:
    return Saver(daemon, sandbox).asks(iban="FR15 2004 1010 0505 0001 3M02 606")


def _too_few(daemon: Process, sandbox: Process) -> Answered:
    return Saver(daemon, sandbox).asks(99)


def _two_at_once(daemon: Process, sandbox: Process) -> Answered:
    saver = Saver(daemon, sandbox)
    saver.withdraws()
    return saver.asks(100)


MET: Final[Mapping[str, tuple[int, str, str, Meet]]] = {
    "BANK_CARD_LINKING_FAILED": (400, "Réessayer", "Try again", _linking_failed),
    "BANK_CARD_ALREADY_LINKED": (
        409, "Utiliser carte existante", "Use the linked card", _already_linked,
    ),
    "BANK_CONNECTION_EXPIRED": (401, "Reconnecter", "Reconnect", _expired),
    "BANK_PROVIDER_UNAVAILABLE": (503, "Réessayer plus tard", "Try again later", _unavailable),
    "BANK_IBAN_INVALID": (400, "Corriger IBAN", "Correct the IBAN", _wrong_iban),
    "BANK_WITHDRAWAL_MINIMUM": (400, "Accumuler plus de points", "Collect more points", _too_few),
    "BANK_WITHDRAWAL_PENDING": (409, "Attendre fin traitement", "Wait until it is done", _two_at_once),
    SIGNATURE: (401, "Log sécurité", "Logged for security", _forged),
    TIMESTAMP: (401, "Log (replay attack)", "Logged (replay attack)", _replayed),
}  # fmt: skip
"""Code -> its status, what is to be done in French (the source's words) and in English, and how it is met."""


@pytest.mark.parametrize("code", MET)
def test_what_is_to_be_done_about_it(daemon: Process, sandbox: Process, code: str) -> None:
    """S66, X29: each code comes with its status and what to do, in both languages; it is said to be worth another
    try where it is, with when, and 401 about a bank's consent asks nobody to sign in here.
    """
    status, fr, en, meet = MET[code]
    answer = meet(daemon, sandbox)
    body: dict[str, Any] = is_problem(answer, status, code)
    assert body["userAction"] == {"fr": fr, "en": en}
    assert body["retryable"] == (code == "BANK_PROVIDER_UNAVAILABLE")
    assert ("retry-after" in answer.headers) == body["retryable"]
    assert "www-authenticate" not in answer.headers
    shown = daemon.get(f"/problems/{code}")
    assert shown.status == 200, shown
    assert all(text in shown.body.decode() for text in (code, fr, en))


def test_none_is_left_out(daemon: Process) -> None:
    """S66: the description names every code of a bank's that an operation can give; each of them is met here."""
    told = daemon.get("/api/v1/openapi.json").body.decode()
    assert set(re.findall(r"BANK_[A-Z_]+|WEBHOOK_(?:SIGNATURE|TIMESTAMP)_[A-Z]+", told)) == set(MET)
