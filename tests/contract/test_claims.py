"""Section 7, rows b1: why a purchase gave no cashback, what was made of the claim, and what a changed base would do.

Rule: the daemon has accounts; a person asks for their own purchases, and somebody of operations decides.
Source: interface.md 7; spec.md E9, X22, X23.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from comptoir.engine.testing import Answered, Process
from comptoir.http.contract_testing import DAY_S, Customer, free_port
from tests.contract.letters import Somebody

Start = Callable[..., Process]
CLAIMS = "/api/v1/claims"


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Start) -> Process:
    """A daemon with accounts."""
    return comptoir_daemon_shared(
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_HTTP__RATE_LIMITS="off",
        COMPTOIR_HTTP__PORT=str(free_port()),
    )


@pytest.fixture
def eva(daemon: Process) -> Somebody:
    """Of operations."""
    return Somebody.of(daemon, "eva", "OPERATIONS")


class Buyer:
    """A person with a card, who bought where no label says whose it is."""

    def __init__(self, customer: Customer) -> None:
        self.customer = customer
        self.card = customer.card(500, mcc="5812")
        self.me = Somebody.of(customer.process, self.card.user_id, "CLIENT")
        self.label = f"SARL {customer.name('owner')} LYON"

    def buy(self, label: str = "", **merchant: object) -> str:
        """A purchase of 100.00 that matches nobody and has the partner's category."""
        named = {"name": label or self.label, "mcc_code": "5812", **merchant}
        identity = self.customer.buy(self.card, 100, merchant=named)
        self.customer.quiet()
        return identity

    def ask(self, transaction_id: str) -> Answered:
        """Why did it give nothing?"""
        return self.me.ask("POST", CLAIMS, {"transactionId": transaction_id})

    def claim(self, transaction_id: str) -> dict[str, Any]:
        """A claim that waits."""
        answer = self.ask(transaction_id)
        assert answer.status == 201, answer
        body: dict[str, Any] = answer.json()
        return body

    def points(self) -> int:
        """What they have."""
        self.customer.quiet()
        answer = self.me.ask("GET", f"/api/v1/wallets/{self.card.user_id}")
        return int(answer.json()["balance"]["available"]) if answer.status == 200 else 0


@pytest.fixture
def buyer(customer: Customer) -> Buyer:
    """Somebody new."""
    return Buyer(customer)


def _code(answer: Answered) -> tuple[int, str]:
    return answer.status, answer.json()["code"]


def test_a_claim_is_asked_granted_and_credited_once(buyer: Buyer, eva: Somebody) -> None:
    """E9: the answer has the trace; asked again it is the same claim; granted, it is credited once, and told again by
    the provider it is a duplicate.
    """
    bought = buyer.buy()
    claim = buyer.claim(bought)
    assert (claim["status"], claim["verdict"], claim["userId"]) == (
        "open", "not_matched", buyer.card.user_id,
    )  # fmt: skip
    assert claim["trace"][-1] == "no partner's name begins the label"
    assert claim["purchase"]["transactionId"] == bought
    assert buyer.claim(bought)["claimId"] == claim["claimId"]
    path = f"{CLAIMS}/{claim['claimId']}"
    assert claim["claimId"] in [one["claimId"] for one in eva.got(f"{CLAIMS}?limit=500")["items"]]
    granted = eva.ask("POST", f"{path}/grant", {"partnerId": buyer.card.partner_id})
    assert (granted.status, granted.json()["status"]) == (200, "granted")
    assert granted.json()["decidedBy"] == "eva"
    assert buyer.points() == 500
    assert eva.ask("POST", f"{path}/grant", {"partnerId": buyer.card.partner_id}).status == 200
    assert buyer.points() == 500
    seen = buyer.me.got(f"/api/v1/transactions/{bought}")
    assert (seen["status"], seen["partnerId"], seen["points"]) == (
        "credited", buyer.card.partner_id, 500,
    )  # fmt: skip
    assert seen["trace"][-1] == f"granted by {claim['claimId']}: partner {buyer.card.partner_id}"
    again = buyer.claim(bought)
    assert (again["status"], again["verdict"]) == ("answered", "credited")
    assert claim["claimId"] not in [
        one["claimId"] for one in eva.got(f"{CLAIMS}?limit=500")["items"]
    ]
    told = buyer.me.got(path)
    assert told["status"] == "granted"
    assert "decidedBy" not in told, "who decided it is the house's business"
    assert eva.got(path)["decidedBy"] == "eva"


def test_a_claim_is_refused_with_a_reason(buyer: Buyer, eva: Somebody) -> None:
    """E9: the person reads why; it is not granted after that; nothing was credited."""
    claim = buyer.claim(buyer.buy())
    path = f"{CLAIMS}/{claim['claimId']}"
    assert _code(eva.ask("POST", f"{path}/refuse", {"reason": "  "})) == (422, "REQUEST_INVALID")
    refused = eva.ask("POST", f"{path}/refuse", {"reason": "not a partner of ours"})
    assert (refused.status, refused.json()["status"]) == (200, "refused")
    assert buyer.me.got(path)["reason"] == "not a partner of ours"
    assert buyer.me.got(path)["purchase"] is None
    again = eva.ask("POST", f"{path}/grant", {"partnerId": buyer.card.partner_id})
    assert _code(again) == (409, "CONFLICT")
    assert buyer.points() == 0


def test_what_is_known_is_answered(buyer: Buyer) -> None:
    """E9: a credited purchase is told with its trace, and waits for nobody."""
    answered = buyer.claim(buyer.buy(buyer.card.label))
    assert (answered["status"], answered["verdict"], answered["purchase"]) == (
        "answered", "credited", None,
    )  # fmt: skip
    assert answered["trace"][-1].endswith(f"partner {buyer.card.partner_id}")


def test_what_is_not_kept_is_not_found(buyer: Buyer) -> None:
    """X23: what was nobody's by name and category, and a candidate after its month."""
    unlike = buyer.buy(f"KAPPA {buyer.customer.name('x')}", mcc_code="7995")
    assert _code(buyer.ask(unlike)) == (404, "NOT_FOUND")
    candidate = buyer.buy()
    buyer.customer.advance(31 * DAY_S)
    buyer.customer.quiet()
    assert _code(buyer.ask(candidate)) == (404, "NOT_FOUND")
    assert _code(buyer.me.ask("GET", f"/api/v1/transactions/{candidate}")) == (404, "NOT_FOUND")


def test_nobody_asks_about_others_purchases(
    buyer: Buyer, customer: Customer, eva: Somebody
) -> None:
    """S60: another's purchase is one that nobody knows; their claim is not there."""
    bought = buyer.buy()
    claim = buyer.claim(bought)
    other = Buyer(customer)
    assert _code(other.ask(bought)) == (404, "NOT_FOUND")
    credited = buyer.buy(buyer.card.label)
    assert _code(other.ask(credited)) == (404, "NOT_FOUND")
    assert _code(other.me.ask("GET", f"{CLAIMS}/{claim['claimId']}")) == (404, "NOT_FOUND")
    asked = {"transactionId": bought, "userId": buyer.card.user_id}
    assert _code(other.me.ask("POST", CLAIMS, asked)) == (404, "NOT_FOUND")
    assert _code(eva.ask("POST", CLAIMS, {"transactionId": bought})) == (403, "FORBIDDEN")


def test_nobody_grants_their_own(buyer: Buyer, daemon: Process) -> None:
    """E14: whoever claims it does not grant it as well, whatever their roles."""
    claim = buyer.claim(buyer.buy())
    both = Somebody.of(daemon, buyer.card.user_id, "CLIENT", "OPERATIONS")
    path = f"{CLAIMS}/{claim['claimId']}/grant"
    assert _code(both.ask("POST", path, {"partnerId": buyer.card.partner_id})) == (403, "FOUR_EYES")
    assert buyer.points() == 0


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/connectionId"),
        ({"connectionId": "cn_1", "date": "2026-11-20", "amountCents": 1}, "/label"),
        ({"connectionId": "cn_1", "date": "2026-02-30", "amountCents": 1, "label": "X"}, "/date"),
        ({"transactionId": "t", "label": "X"}, ""),
        ({"transactionId": ""}, "/transactionId"),
        ({"transactionId": "t", "surprise": 1}, ""),
        (
            {"connectionId": "c", "date": "2026-11-20", "amountCents": -1, "label": "X"},
            "/amountCents",
        ),
    ],
)
def test_what_is_no_question(buyer: Buyer, body: dict[str, object], pointer: str) -> None:
    """Interface.md 1: each fault in its place."""
    answer = buyer.me.ask("POST", CLAIMS, body)
    assert _code(answer) == (422, "REQUEST_INVALID")
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("claim_id", ["clm_" + "0" * 20, "clm_" + "z" * 20, "x" * 24])
def test_claims_that_are_none(eva: Somebody, claim_id: str) -> None:
    """Interface.md 1: 404, whether the id is of the form or not."""
    for method, path, body in (
        ("GET", "", None), ("POST", "/grant", {"partnerId": "p"}), ("POST", "/refuse", {"reason": "x"}),
    ):  # fmt: skip
        assert _code(eva.ask(method, f"{CLAIMS}/{claim_id}{path}", body)) == (404, "NOT_FOUND")


def test_partners_that_cannot_be_given(buyer: Buyer, eva: Somebody) -> None:
    """E9: only to a partner, and only to one whose agreement covers the day."""
    claim = buyer.claim(buyer.buy())
    path = f"{CLAIMS}/{claim['claimId']}/grant"
    assert _code(eva.ask("POST", path, {"partnerId": "nobody"})) == (409, "PARTNER_UNKNOWN")
    late = buyer.customer.partner(100, valid_from="2030-01-01")
    assert _code(eva.ask("POST", path, {"partnerId": late})) == (409, "PARTNER_NOT_VALID")
    assert _code(eva.ask("POST", path, {"partnerId": "a b"})) == (422, "REQUEST_INVALID")


def test_a_changed_base_is_tried_before_it_is_imported(
    buyer: Buyer, eva: Somebody, tmp_path: Path
) -> None:
    """E9, X23: gains, losses and conflicts, with the exit status; a granted claim is a labelled case, and is
    found by the base that has learnt its label; nothing is changed by trying.
    """
    matched, kept = buyer.buy(buyer.card.label), buyer.buy()
    granted = buyer.buy(f"OWNER {buyer.customer.name('x')}")
    claim = buyer.claim(granted)
    partner = buyer.card.partner_id
    eva.ask("POST", f"{CLAIMS}/{claim['claimId']}/grant", {"partnerId": partner})
    buyer.customer.quiet()
    changed = tmp_path / "changed.csv"
    name = f"Shop{partner}"
    changed.write_text(
        f"id,name,rate_bp,mcc,patterns\n{partner},{name},500,5812,{buyer.label}\n", encoding="utf-8"
    )
    ran = buyer.customer.process.ran
    tried = ran("match", "backtest", str(changed), "--format", "json", "--limit", "500")
    assert tried.returncode == 0, tried.stderr
    found = json.loads(tried.stdout)
    assert found["byPartner"][partner] == {"gain": 1}
    assert buyer.label in [one["label"] for one in found["findings"] if one["change"] == "gain"]
    rival = tmp_path / "rival.csv"
    rival.write_text(f"id,name,rate_bp\n{partner}-2,{name},100\n", encoding="utf-8")
    refused = ran("match", "backtest", str(rival), "--format", "json")
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["byPartner"][partner] == {"conflict": 1}
    cases = ran("match", "cases")
    mine = [json.loads(line) for line in cases.stdout.splitlines() if partner in line]
    assert [(one["partner"], one["mcc"]) for one in mine] == [(partner, "5812")]
    assert buyer.me.got(f"/api/v1/transactions/{matched}")["partnerId"] == partner
    assert buyer.claim(kept)["verdict"] == "not_matched"
