"""A claim as a person reads it on their statement: card, day, amount and label; over a card that they have linked.

Rule: daemon and sandbox are processes of their own.
Source: interface.md 7 (`POST /api/v1/claims`); spec.md E9, S60, X23.
"""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import Customer, free_port, purchase
from tests.contract.banking import Person, new_card
from tests.contract.letters import Somebody

Start = Callable[..., Process]
CLAIMS = "/api/v1/claims"


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Process:
    """The bank."""
    return comptoir_sandbox_shared()


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Start, sandbox: Process) -> Process:
    """A daemon that knows it, and one partner."""
    started = comptoir_daemon_shared(
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_HTTP__RATE_LIMITS="off",
        COMPTOIR_HTTP__PORT=str(free_port()),
        COMPTOIR_PROVIDERS__SEED__BASE_URL=sandbox.url,
        COMPTOIR_CONNECTIONS__REDIRECT_URIS='["https://app.example/linked"]',
    )
    assert started.load("partners", "id,name,rate_bp,mcc\nchez,Chez Nous,500,5812\n").status == 200
    return started


class Holder:
    """A person with a card that is linked at the bank."""

    def __init__(self, daemon: Process, sandbox: Process) -> None:
        self.person = Person.new(daemon)
        self.id = self.person.linked(card=new_card())
        calls = sandbox.get("/control/calls?party=seed").json()["items"]
        exchanged = [one for one in calls if one["operation"] == "auth.token"][-1]
        told = exchanged["answer"]["body"]
        self.connection = told.partition('"connectionId":"')[2].partition('"')[0]
        self.signer = Customer(daemon)
        self.day = datetime.fromtimestamp(self.signer.now_ms() / 1000, UTC).date().isoformat()

    def buy(self, label: str, amount: int = 100) -> None:
        """The provider reports a purchase."""
        merchant = {"name": label, "mcc_code": "5812"}
        body = purchase(
            f"tx-{secrets.token_hex(4)}", self.connection, merchant=merchant, date=self.day, amount=amount
        )  # fmt: skip
        assert self.signer.send(body).status == 202
        self.signer.quiet()

    def claim(self, label: str, cents: int = 10_000) -> dict[str, Any]:
        """As they read it."""
        stated = {"connectionId": self.id, "date": self.day, "amountCents": cents, "label": label}
        answer = self.person.ask("POST", CLAIMS, stated)
        assert answer.status == 201, answer
        body: dict[str, Any] = answer.json()
        return body

    def points(self) -> int:
        """What they have."""
        self.signer.quiet()
        answer = self.person.ask("GET", f"/api/v1/wallets/{self.person.name}")
        return int(answer.json()["balance"]["available"]) if answer.status == 200 else 0


@pytest.fixture
def holder(daemon: Process, sandbox: Process) -> Holder:
    """Somebody new."""
    return Holder(daemon, sandbox)


def test_found_by_what_a_statement_says(holder: Holder, daemon: Process) -> None:
    """E9: of two purchases of a day and an amount the label tells which; granted, that one is credited."""
    holder.buy("SARL DUPONT BREST")
    holder.buy("CAFE DES ARTS BREST")
    claim = holder.claim("Café des Arts")
    assert (claim["verdict"], claim["status"]) == ("not_matched", "open")
    assert claim["purchase"]["merchantName"] == "CAFE DES ARTS BREST"
    assert holder.claim("CAFE DES ARTS BREST")["claimId"] == claim["claimId"]
    eva = Somebody.of(daemon, "eva", "OPERATIONS")
    granted = eva.ask("POST", f"{CLAIMS}/{claim['claimId']}/grant", {"partnerId": "chez"})
    assert granted.status == 200, granted
    assert holder.points() == 500
    assert holder.claim("SARL DUPONT")["claimId"] != claim["claimId"]


def test_what_nobody_told_is_explained(holder: Holder) -> None:
    """E9, X23: nothing of that amount is kept, nor has the bank one; the answer shows how such a label is matched."""
    answered = holder.claim("CB CHEZ NOUS", 4_200)
    assert (answered["verdict"], answered["status"], answered["purchase"]) == (
        "not_found", "answered", None,
    )  # fmt: skip
    assert answered["because"]["code"] == "NOT_AT_BANK"
    assert answered["trace"][-1] == "longest name 'chez nous': partner chez"


def test_a_card_of_another_person(holder: Holder, daemon: Process, sandbox: Process) -> None:
    """S60: another's card is one that nobody knows."""
    other = Holder(daemon, sandbox)
    stated = {"connectionId": holder.id, "date": holder.day, "amountCents": 1, "label": "X"}
    assert other.person.ask("POST", CLAIMS, stated).status == 404
    never = {**stated, "connectionId": "cn_" + "0" * 20}
    assert other.person.ask("POST", CLAIMS, never).status == 404


def test_a_revoked_card_keeps_nothing(holder: Holder) -> None:
    """S60, X23: whoever ends the consent ends what was kept by it."""
    holder.buy("SARL DUPONT BREST")
    revoked = holder.person.ask("DELETE", f"/api/v1/connections/{holder.id}")
    assert revoked.status == 202, revoked
    holder.signer.quiet()
    assert holder.claim("SARL DUPONT")["verdict"] == "not_kept"
