"""Every machine: every pair of phase and message is exercised, and every declared target is reached.

A new machine, message or target fails here until it has its sample (S16: each transition tested).
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import msgspec
import pytest

from comptoir.actors.connection import machine as connection
from comptoir.actors.connection.messages import (
    LinkConnection,
    TransactionHeld,
    TransactionReported,
)
from comptoir.actors.merchants import Builder, Partner
from comptoir.actors.merchants import machine as merchants
from comptoir.actors.merchants.messages import CATALOGUE, ImportPartners
from comptoir.actors.programme import PROGRAMME, Programme
from comptoir.actors.wallet import state as wallet
from comptoir.actors.wallet.messages import ClawBack, Credit, ReleasePoints
from comptoir.actors.wallet.state import RefundFacts, WalletState
from comptoir.engine import breaker
from comptoir.engine.boot import machines
from comptoir.engine.breaker import BreakerState, CallFailed, CallSucceeded, ProbeDue
from comptoir.engine.decision import Decision, Refusal
from comptoir.engine.journal import Lot
from comptoir.engine.machine import Context
from comptoir.engine.spec import BreakerBounds
from comptoir.engine.values import Address, Message, State, encode

NOW = 1_800_000_000_000
PARTNER = Partner(id="p1", name="Chez Nous", rate_bp=500)


def _catalogue() -> Any:
    builder = Builder(1)
    builder.add([PARTNER])
    return builder.build()


REFERENCES: Mapping[str, Any] = {PROGRAMME: Programme(), CATALOGUE: _catalogue()}
REPORT = TransactionReported(
    "seed", "transaction.created", "tx1", 10_000, "EUR", "DEBIT", "2026-11-21", "CB CHEZ NOUS"
)
PURCHASE: Mapping[str, Any] = {
    "transaction_id": "tx1", "user_id": "u1", "status": "credited", "amount_cents": 10_000,
    "eligible_cents": 10_000, "points": 500, "rate_bp": 500, "multiplier_bp": 10_000,
    "lot_id": "lt1",
}  # fmt: skip


def _lot(remaining: int) -> Lot:
    return Lot("lt1", "u1", "tx1", "tag", 500, remaining, 10_000, 500, 10_000, NOW - 1, None)


def _bought(remaining: int) -> RefundFacts:
    return RefundFacts("seed:tx1", PURCHASE, _lot(remaining))


REFUND = ClawBack("seed", "rf1", "tx1", "tag", 10_000)
RELEASE = ReleasePoints("lt1", "tx1", "seed:tx1")


def _credit(cents: int) -> Credit:
    return Credit("seed", "tx2", "p1", cents, cents, 500, "tag")


class Case(msgspec.Struct, frozen=True):
    """One decision that is to be made, with all that it is made from."""

    state: State
    message: Message
    facts: Any = None
    now: int = NOW

    def decide(self, name: str) -> "Decision[Any] | Refusal":
        """Let the machine of this name decide."""
        context = Context(Address(name, "u1"), self.now, 7, REFERENCES, self.facts)
        return machines()[name].decide(self.state, self.message, context)


C, M, W, B = connection.Phase, merchants.Phase, wallet.Phase, breaker.Phase
ACTIVE = WalletState(W.ACTIVE, available=500, pending=500, earned_total=500)
OVERDRAWN = WalletState(W.OVERDRAWN, shortfall=100, pending=500)
LINKED = connection.ConnectionState(C.LINKED, "cn", "u1", "seed")
STOCKED = merchants.CatalogueState(M.STOCKED, 1, 1)
KNOWN = {"p1": msgspec.to_builtins(PARTNER)}
ALMOST = BreakerState(B.CLOSED, failures=(0, 0, 0, 0))
RECOVERED = BreakerBounds().recovery_ms

CASES: Mapping[str, tuple[Case, ...]] = {
    "connection": (
        *(Case(connection.ConnectionState(C.UNKNOWN), message) for message in (
            REPORT, TransactionHeld(REPORT), LinkConnection("cn", "u1"))),
        *(Case(LINKED, message) for message in (
            REPORT, TransactionHeld(REPORT), LinkConnection("cn", "u2"))),
    ),
    "merchants": (
        Case(merchants.CatalogueState(M.EMPTY), ImportPartners(())),
        Case(merchants.CatalogueState(M.EMPTY), ImportPartners((PARTNER,))),
        Case(STOCKED, ImportPartners((PARTNER,)), KNOWN),
    ),
    "wallet": (
        Case(WalletState(W.NEW), _credit(1000)),
        Case(WalletState(W.NEW), REFUND, RefundFacts()),
        Case(WalletState(W.NEW), RELEASE, RefundFacts()),
        Case(ACTIVE, _credit(1000)),
        Case(ACTIVE, REFUND, _bought(500)),
        Case(ACTIVE, REFUND, _bought(100)),
        Case(ACTIVE, RELEASE, _bought(500)),
        Case(OVERDRAWN, _credit(1000)),
        Case(OVERDRAWN, _credit(10_000)),
        Case(OVERDRAWN, REFUND, _bought(0)),
        Case(OVERDRAWN, RELEASE, _bought(50)),
        Case(OVERDRAWN, RELEASE, _bought(500)),
    ),
    "breaker": (
        *(Case(BreakerState(phase), message(), now=0)
          for phase in B for message in (CallSucceeded, CallFailed, ProbeDue)),
        Case(ALMOST, CallFailed(), now=0),
        Case(BreakerState(B.OPEN), ProbeDue(), now=RECOVERED),
    ),
}  # fmt: skip


def _name(phase: Enum) -> str:
    return phase.name


def test_no_machine_is_without_samples() -> None:
    """Every machine of the daemon is exercised here, and nothing else is."""
    assert set(CASES) == set(machines())


@pytest.mark.parametrize("name", machines())
def test_every_pair_has_a_sample(name: str) -> None:
    """All phases times all messages: a new message or phase fails until it has its sample."""
    machine = machines()[name]
    sampled = {(case.state.phase, type(case.message)) for case in CASES[name]}
    assert sampled == {(phase, message) for phase in machine.phases for message in machine.messages}


@pytest.mark.parametrize("name", machines())
def test_every_pair_is_decided_as_its_row_says(name: str) -> None:
    """A row leads to a declared target; a filled pair is answered by the declared refusal and
    nothing else; every decision is a value that can be stored.
    """
    machine = machines()[name]
    rows = {(row.source, row.message): row for row in machine}
    for case in CASES[name]:
        row = rows[case.state.phase, type(case.message)]
        outcome = case.decide(name)
        if row.refused:
            assert outcome is machine.refusal
            continue
        assert isinstance(outcome, Decision), f"{case.state.phase} x {type(case.message).__name__}"
        assert outcome.state.phase in row.targets
        stored = encode(outcome.state)
        assert msgspec.json.decode(stored, type=type(case.state)) == outcome.state


@pytest.mark.parametrize("name", machines())
def test_every_declared_target_is_reached(name: str) -> None:
    """No row lies: each of its targets is where some sample ends."""
    reached: dict[tuple[Enum, type[Message]], set[Enum]] = {}
    for case in CASES[name]:
        outcome = case.decide(name)
        if isinstance(outcome, Decision):
            pair = (case.state.phase, type(case.message))
            reached.setdefault(pair, set()).add(outcome.state.phase)
    declared = {(r.source, r.message): set(r.targets) for r in machines()[name] if not r.refused}
    assert reached == declared


@pytest.mark.parametrize("name", machines())
def test_deciding_again_changes_nothing(name: str) -> None:
    """A machine is pure: the same state, message and context give the same decision."""
    for case in CASES[name]:
        assert case.decide(name) == case.decide(name)


@pytest.mark.parametrize("name", machines())
def test_drawing_shows_every_arrow_and_no_other(name: str) -> None:
    """The diagram has exactly the declared transitions (docs/machines is made of it)."""
    machine = machines()[name]
    arrows = {
        f"{_name(row.source)} --> {_name(target)} : {row.message.__name__}"
        for row in machine
        if not row.refused
        for target in row.targets
    }
    drawn = [line.strip() for line in machine.mermaid().splitlines() if " : " in line]
    assert sorted(drawn) == sorted(arrows)
    assert machine.table().count("\n") == 2 + len(machine.phases)
