"""A bank's report: each thing that it says is passed on once, to whom it is about.

Source: spec.md S64, X26, X27; docs/payouts.md.
"""

import msgspec
import pytest

from comptoir.actors.payout_batch.messages import KIND as BATCH
from comptoir.actors.payout_batch.messages import BatchReported
from comptoir.actors.payout_report.machine import LEFTOVERS_MAX, MACHINE, Phase, ReportState
from comptoir.actors.payout_report.messages import (
    STATEMENTS,
    TakeReport,
    UnmatchedFinding,
)
from comptoir.actors.sepa.words import Finding
from comptoir.actors.withdrawal.messages import KIND as WITHDRAWAL
from comptoir.actors.withdrawal.messages import PaymentInitiated, PaymentReported
from comptoir.engine import Address, Decision, Refusal
from comptoir.engine.machine import Context

NAME = "PB-202511241300-001"
KNOWN = {
    "R-1": {"withdrawal": "wd_1", "cents": 950, "currency": "EUR", "batch": NAME},
    NAME: {"batch": NAME},
}
NEW = ReportState(Phase.NONE)


def part(
    *findings: Finding, number: int = 0, last: bool = True, digest: str = "d" * 64
) -> TakeReport:
    """A part of a report."""
    return TakeReport("camt.054.001.08", "M1", digest, number, last, findings)


def decided(state: ReportState, message: object) -> Decision[ReportState]:
    """What comes of it."""
    context = Context(Address("payout_report", "pr_1"), 7, 1, {}, KNOWN)
    found = MACHINE.decide(state, message, context)  # type: ignore[arg-type]
    assert isinstance(found, Decision), found
    return found


@pytest.mark.parametrize(
    ("finding", "target", "message"),
    [
        (Finding("initiated", "R-1", NAME), Address(WITHDRAWAL, "wd_1"), PaymentInitiated("")),
        (Finding("completed", "R-1", NAME, 950, "EUR"), Address(WITHDRAWAL, "wd_1"),
         PaymentReported("completed", "", 950, "EUR")),
        (Finding("failed", "R-1", "", None, "", "AC04"), Address(WITHDRAWAL, "wd_1"),
         PaymentReported("failed", "", None, "", "AC04")),
        (Finding("failed", "", NAME, reason="AM10"), Address(BATCH, NAME), BatchReported("failed", "AM10")),
    ],
)  # fmt: skip
def test_what_is_known_is_passed_on(finding: Finding, target: Address, message: object) -> None:
    """X26: as a provider would have said it, to the withdrawal or to the batch."""
    found = decided(NEW, part(finding))
    assert [(one.target, one.message) for one in found.messages] == [(target, message)]
    assert (found.state.applied, found.state.unmatched) == (1, 0)


@pytest.mark.parametrize(
    ("finding", "code", "passed"),
    [
        (Finding("completed", "R-9", NAME, 950, "EUR"), "PAYMENT_UNKNOWN", 0),
        (Finding("completed", NAME, NAME, 950, "EUR"), "PAYMENT_UNKNOWN", 0),
        (Finding("failed", "", "PB-202511241300-002"), "PAYMENT_UNKNOWN", 0),
        (Finding("failed", "", "R-1"), "PAYMENT_UNKNOWN", 0),
        (Finding("completed", "R-1", NAME, 951, "EUR"), "PAYMENT_DIFFERS", 1),
        (Finding("completed", "R-1", NAME, 950, "CHF"), "PAYMENT_DIFFERS", 1),
        (Finding("initiated", "R-1", NAME, 951, "EUR"), "PAYMENT_DIFFERS", 1),
        (Finding("completed", "R-1", "PB-202511241300-002", 950, "EUR"), "PAYMENT_DIFFERS", 0),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_a_letter(finding: Finding, code: str, passed: int) -> None:
    """S64, X26: one for each; where the transfer is ours, it hears of the other amount, and is held."""
    found = decided(NEW, part(finding))
    unmatched = [one.message for one in found.messages if isinstance(one.message, UnmatchedFinding)]
    assert unmatched == [UnmatchedFinding.of(code, "M1", finding)]
    reported = [one.message for one in found.messages if isinstance(one.message, PaymentReported)]
    assert len(reported) == passed
    assert [one.code for one in found.state.leftovers] == [code]
    letter = decided(found.state, unmatched[0]).dead_letter
    assert letter is not None
    assert letter.code == code


def test_a_letter_that_is_delivered_again_is_looked_up_anew() -> None:
    """S64: by now it is known, and goes where it belongs."""
    finding = Finding("completed", "R-1", NAME, 950, "EUR")
    found = decided(ReportState(Phase.TAKEN), UnmatchedFinding.of("PAYMENT_UNKNOWN", "M1", finding))
    assert found.dead_letter is None
    assert [one.target for one in found.messages] == [Address(WITHDRAWAL, "wd_1")]


def test_parts_are_taken_in_order_and_once() -> None:
    """X26: one that comes again changes nothing; one that is missing is asked for."""
    finding = Finding("completed", "R-1", NAME, 950, "EUR")
    first = decided(NEW, part(finding, last=False))
    again = decided(first.state, part(finding, last=False))
    assert (again.state, again.messages) == (first.state, ())
    context = Context(Address("payout_report", "pr_1"), 7, 1, {}, KNOWN)
    gap = MACHINE.decide(first.state, part(finding, number=2), context)
    assert isinstance(gap, Refusal)
    other = MACHINE.decide(first.state, part(finding, number=1, digest="e" * 64), context)
    assert isinstance(other, Refusal)
    assert other.code == "REPORT_REUSED"
    second = decided(first.state, part(finding, number=1))
    assert (second.state.phase, second.state.applied) == (Phase.TAKEN, 2)


def test_what_was_booked_is_kept_for_the_reconciliation() -> None:
    """X27: under its day, report and reference, once, with what came back and why."""
    booked = Finding("completed", "R-1", NAME, 950, "EUR", "", "2025-11-25", "DBIT")
    back = msgspec.structs.replace(booked, word="returned", reason="AC06", direction="CRDT")
    puts = decided(NEW, part(booked, back, Finding("initiated", "R-1", NAME))).documents
    common = {
        "reference": "R-1", "amountCents": 950, "currency": "EUR", "bookedOn": "2025-11-25", "statementId": "M1",
    }  # fmt: skip
    assert [(one.collection, one.key, dict(one.fields)) for one in puts] == [
        (STATEMENTS, "2025-11-25:M1:R-1:DBIT", {**common, "direction": "DBIT"}),
        (
            STATEMENTS,
            "2025-11-25:M1:R-1:CRDT",
            {**common, "direction": "CRDT", "returnReason": "AC06"},
        ),
    ]


def test_many_leftovers_are_letters_and_the_first_are_named() -> None:
    """Invariant 6: the answer stays small, whatever a file says."""
    strange = tuple(Finding("completed", f"X-{n}", "", 1, "EUR") for n in range(LEFTOVERS_MAX + 50))
    found = decided(NEW, part(*strange))
    assert len(found.state.leftovers) == LEFTOVERS_MAX
    assert found.state.unmatched == len(found.messages) == LEFTOVERS_MAX + 50
