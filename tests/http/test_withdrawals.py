"""Withdrawals and quotes at the edge, over a daemon that answers as it is told: http/withdrawals.py, withdrawal_terms.py."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from comptoir.actors.gateways.payee import PayeeVerified
from comptoir.actors.wallet.messages import HoldPoints
from comptoir.actors.withdrawal.messages import (
    CLOSE_MATCH,
    MATCH,
    NO_MATCH,
    UNAVAILABLE,
    PayeeShown,
)
from comptoir.engine import Address, Message
from comptoir.http import reconciliations, withdrawals
from comptoir.http.operation import Access, Call
from comptoir.http.testing import NOW_MS, FakeAnswer, FakeDaemon

IBAN = "FR1420041010050500013M02606"
BODY = {"points": 500, "iban": IBAN, "beneficiaryName": "Ada Lovelace"}
Json = dict[str, Any]
ANSWERS = (MATCH, CLOSE_MATCH, NO_MATCH, UNAVAILABLE)


def call(body: object, user: str = "u1", key: str = "", seed: bytes = bytes(32)) -> Call:
    """A request of somebody."""
    headers = [(b"idempotency-key", key.encode())] if key else []
    raw = json.dumps(body).encode()
    return Call(
        "abcdefgh", {}, {}, "application/json", raw, Access(user), headers=headers, seed=seed
    )


def listing(**query: str) -> Call:
    """A request for a list."""
    return Call("abcdefgh", {}, {name: [value] for name, value in query.items()}, "", b"")


class Paying(FakeDaemon):
    """A daemon whose u1 and u2 have points, and which keeps what a wallet is asked."""

    def __init__(self, answer: str = MATCH, name: str = "", **rules: Any) -> None:
        super().__init__()
        self.rules = replace(self.rules, payouts=replace(self.rules.payouts, **rules))
        self.payee = PayeeVerified(answer, name)
        balance = {"available": 1000, "pending": 0, "blocked": 0, "shortfall": 0}
        self.wallets = {name: {"balance": balance} for name in ("u1", "u2")}
        self.holds: list[HoldPoints] = []
        self.asked = self._hold

    async def _hold(self, address: Address, message: Message) -> FakeAnswer:
        if isinstance(message, HoldPoints):
            self.holds.append(message)
        return self.quiet_answer(address, message)


def told(answer: Any, status: int) -> Json:
    """The body of an answer of this status."""
    assert answer.status == status, answer.body
    found: Json = json.loads(answer.body)
    return found


async def quoted(daemon: Paying, user: str = "u1") -> str:
    """A quote's id."""
    return str(told(await withdrawals.quote(daemon, call(BODY, user)), 200)["quoteId"])


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize("wary", [True, False])
@pytest.mark.parametrize("by_quote", [True, False])
async def test_which_answers_want_a_word(
    answer: str, accepted: bool, wary: bool, by_quote: bool
) -> None:
    """E18: the table of docs/withdrawals.md: what its person was shown and said goes with the order; where a word
    is wanted and was not given, no wallet is asked.
    """
    name = "Ada Lovelase" if answer == CLOSE_MATCH else ""
    daemon = Paying(answer, name, confirm_unavailable=wary)
    body: Json = {**BODY, "acceptPayeeCheck": accepted}
    if by_quote:
        body["quoteId"] = await quoted(daemon)
    found = await withdrawals.ask(daemon, call(body))
    wanted = answer in (CLOSE_MATCH, NO_MATCH) or (answer == UNAVAILABLE and wary)
    if wanted and not accepted:
        problem = told(found, 409)
        assert problem["code"] == "PAYEE_CHECK_NOT_CONFIRMED"
        assert [one["code"] for one in problem["errors"]] == [f"PAYEE_{answer.upper()}"]
        assert daemon.holds == []
        return
    begun = told(found, 201)
    assert (begun["payeeCheck"], begun["payeeCheckAccepted"]) == (answer, accepted)
    (held,) = daemon.holds
    shown = name if by_quote else ""
    assert held.order.payee == PayeeShown(answer, shown, NOW_MS, accepted=accepted, quoted=by_quote)
    assert len(daemon.payees_asked) == 1


async def test_what_is_asked() -> None:
    """E18: the account and the name, for whose withdrawal it is; a request that is run again asks the same."""
    daemon = Paying()
    for _ in range(2):
        told(
            await withdrawals.ask(daemon, call({**BODY, "beneficiaryName": " Ada Lovelace "})), 201
        )
    (first, whose), again = daemon.payees_asked
    assert (first.iban, first.name, whose, first.at) == (IBAN, "Ada Lovelace", "u1", NOW_MS)
    assert again == (first, whose)
    assert len(first.reference) == 16


@pytest.mark.parametrize(
    ("late_ms", "code"), [(0, None), (15 * 60_000 - 1, None), (15 * 60_000, "QUOTE_EXPIRED")]
)
async def test_its_time_is_over(late_ms: int, code: str | None) -> None:
    """E18: a quote holds to its last millisecond, and not for another one."""
    daemon = Paying()
    quote = await quoted(daemon)
    daemon.now += late_ms
    found = await withdrawals.ask(daemon, call({**BODY, "quoteId": quote}))
    assert (json.loads(found.body).get("code"), len(daemon.holds)) == (code, int(code is None))


async def test_its_terms_hold() -> None:
    """X21: rate, fee and net of the quote, whatever is configured since."""
    daemon = Paying(value_cents=2, fee_bp=500)
    quote = await quoted(daemon)
    daemon.rules = replace(
        daemon.rules, payouts=replace(daemon.rules.payouts, value_cents=1, fee_bp=0)
    )
    begun = told(await withdrawals.ask(daemon, call({**BODY, "quoteId": quote})), 201)
    amounts = {"rateCentsPerPoint": 2, "grossCents": 1000, "feeCents": 50, "netCents": 950}
    assert begun == begun | amounts


async def test_anothers_quote() -> None:
    """S60, E18: it is as one that never was; and so is one of which a byte was changed, whichever."""
    daemon = Paying()
    quote = await quoted(daemon, "u2")
    found = await withdrawals.ask(daemon, call({**BODY, "quoteId": quote}))
    assert told(found, 400)["code"] == "QUOTE_INVALID"
    mine = await quoted(daemon)
    for at in range(3, len(mine), 7):
        other = "A" if mine[at] != "A" else "B"
        body = {**BODY, "quoteId": mine[:at] + other + mine[at + 1 :]}
        assert told(await withdrawals.ask(daemon, call(body)), 400)["code"] == "QUOTE_INVALID"
    assert daemon.holds == []


async def test_a_request_that_is_run_again_has_begun() -> None:
    """interface.md 1: one whose first answer was lost is answered by what it began, whatever the bank says now."""
    daemon = Paying()
    first = told(await withdrawals.ask(daemon, call(BODY, key="k1")), 201)
    daemon.payee = PayeeVerified(NO_MATCH)
    again = told(await withdrawals.ask(daemon, call(BODY, key="k1")), 201)
    assert again["withdrawalId"] == first["withdrawalId"]
    assert (len(daemon.holds), len(daemon.payees_asked)) == (1, 1)
    # Another request is another withdrawal.
    other = await withdrawals.ask(daemon, call(BODY, key="k1", seed=b"1" * 32))
    assert told(other, 409)["code"] == "PAYEE_CHECK_NOT_CONFIRMED"


Handle = Callable[[Any, Call], Any]


@pytest.mark.parametrize("handle", [withdrawals.ask, withdrawals.quote])
@pytest.mark.parametrize(
    ("points", "rules", "status", "code"),
    [
        (500, {"served": False}, 503, "BANK_PROVIDER_UNAVAILABLE"),
        (500, {"fee_bp": 10_000}, 400, "BANK_WITHDRAWAL_MINIMUM"),
        (0, {}, 422, "REQUEST_INVALID"),
    ],
)
async def test_nobody_is_asked_in_vain(
    handle: Handle, points: int, rules: Json, status: int, code: str
) -> None:
    """S46, S66: what cannot be paid is refused before the bank, or the wallet, hears of it."""
    daemon = Paying(**rules)
    found = await handle(daemon, call({**BODY, "points": points}))
    assert told(found, status)["code"] == code
    assert (daemon.holds, daemon.payees_asked) == ([], [])


async def test_reports_of_payments() -> None:
    """S46: as they are kept; of a day that was never compared the reason alone."""
    daemon = Paying()
    total = {"currency": "EUR", "payments": 1, "cents": 950}
    row = {
        "reference": "R-1", "kind": "missing_here", "ours": "", "theirs": "completed",
        "our_cents": None, "their_cents": 950,
    }  # fmt: skip
    report = {
        "source": "provider", "day": "2026-11-29", "at": NOW_MS, "ours": [], "theirs": [total],
        "differences": 1, "rows": [row], "code": "",
    }  # fmt: skip
    failed = {"source": "provider", "day": "2026-11-30", "code": "BREAKER_OPEN", "tried_at": NOW_MS}
    daemon.reports = {"9260243:provider": failed, "9260244:provider": report}
    found = told(await reconciliations.listed(daemon, listing(limit="1")), 200)
    assert found["nextCursor"] == "9260243:provider"
    (never,) = found["items"]
    assert never == {
        "source": "provider", "day": "2026-11-30", "comparedAt": None, "code": "BREAKER_OPEN",
        "ours": [], "theirs": [], "differences": 0, "rows": [],
    }  # fmt: skip
    page = listing(cursor=found["nextCursor"])
    (shown,) = told(await reconciliations.listed(daemon, page), 200)["items"]
    assert (shown["code"], shown["theirs"], shown["differences"]) == (None, [total], 1)
    assert shown["rows"] == [
        {"reference": "R-1", "kind": "missing_here", "ours": None, "theirs": "completed",
         "ourCents": None, "theirCents": 950}
    ]  # fmt: skip
