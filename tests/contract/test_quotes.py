"""What a withdrawal would come to and whose account it is, told before anything is blocked.

Source: interface.md 7 (rows b2); spec.md S46, S50, S66, E18, X21, X27; docs/withdrawals.md.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from comptoir.engine.testing import Answered, Process
from comptoir.http.contract_testing import free_port
from tests.actors.gateways.vop_schemas import ANSWER, QUESTION, holds
from tests.contract.saving import BARE, IBAN, PATH, Saver, started
from tests.contract.test_conventions import is_problem

Start = Callable[..., Process]
Json = dict[str, Any]
QUOTE = f"{PATH}/quote"
BIC = "PSSTFRPPXXX"
NAMES = {
    "match": ("Ada Lovelace",),
    "close_match": ("Ada Lovelase",),
    "no_match": ("Charles Babbage",),
    "unavailable": (),
}
"""What is said of Ada Lovelace where these have the account."""


def with_vop(start: Start, sandbox: Process, **more: str) -> Process:
    """A daemon that has payees checked by this sandbox."""
    return started(
        start,
        sandbox,
        COMPTOIR_PROVIDERS__VOP__BASE_URL=f"{sandbox.url}/vop",
        COMPTOIR_PROVIDERS__VOP__AGENT_BIC=BIC,
        COMPTOIR_PROVIDERS__VOP__TIMEOUT_S="1",
        COMPTOIR_BREAKERS__DEFAULT__ERRORS="1000",
        COMPTOIR_WITHDRAWALS__FEE_BP="500",
        **more,
    )


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Process:
    """Whoever pays, and the banks."""
    return comptoir_sandbox_shared()


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Start, sandbox: Process) -> Process:
    """A daemon that asks them."""
    return with_vop(comptoir_daemon_shared, sandbox)


@pytest.fixture(autouse=True)
def healed(sandbox: Process) -> Iterator[None]:
    """No fault outlives its test."""
    yield
    sandbox.request("DELETE", "/control/faults")


@pytest.fixture
def saver(daemon: Process, sandbox: Process) -> Saver:
    """Somebody with 1,000 points, whose account is theirs."""
    hold(sandbox, "match")
    return Saver(daemon, sandbox)


def hold(sandbox: Process, answer: str) -> None:
    """The account is in a name for which Ada Lovelace is told so."""
    iban = BARE if NAMES[answer] else "FR7630006000011234567890189"
    items = [{"iban": iban, "names": list(NAMES[answer] or ("Nobody",))}]
    told = sandbox.request("PUT", "/control/vop/holders", json.dumps({"items": items}).encode())
    assert told.status == 200, told


def fails(sandbox: Process, **fault: Any) -> None:
    """The banks' gateway fails so."""
    script = [{"party": "vop", "operation": "payees.verify", **fault}]
    told = sandbox.request("PUT", "/control/faults", json.dumps(script).encode())
    assert told.status == 200, told


def quotes(saver: Saver, points: object = 950, **fields: object) -> Answered:
    """Ask what it would come to."""
    body = {"points": points, "iban": IBAN, "beneficiaryName": "Ada Lovelace", **fields}
    return saver.person.ask("POST", QUOTE, body)


def quoted(saver: Saver, points: int = 950) -> Json:
    """A quote."""
    answer = quotes(saver, points)
    assert answer.status == 200, answer
    found: Json = answer.json()
    return found


def asked_of_banks(sandbox: Process) -> list[Json]:
    """What the banks were asked, and what they said."""
    items: list[Json] = sandbox.get("/control/calls?party=vop").json()["items"]
    return items


@pytest.mark.parametrize("answer", ["match", "close_match", "no_match"])
def test_what_it_would_come_to(saver: Saver, sandbox: Process, answer: str) -> None:
    """S46, E18, X21: amount, fee, and what the bank says; the bank's own name on a close match alone; nothing is
    blocked, and nothing of the person can be read in it.
    """
    hold(sandbox, answer)
    quote = quoted(saver)
    assert quote == quote | {
        "grossCents": 950, "feeCents": 47, "netCents": 903, "currency": "EUR", "payeeCheck": answer,
        "payeeName": "Ada Lovelase" if answer == "close_match" else None,
    }  # fmt: skip
    assert saver.balance() == (1000, 0, 0)
    call = asked_of_banks(sandbox)[-1]
    holds(QUESTION, json.loads(call["body"]))
    holds(ANSWER, json.loads(call["answer"]["body"]))
    assert re.fullmatch(r"wq_[A-Za-z0-9_-]{100,2048}", quote["quoteId"])
    other = quoted(saver)
    assert quote["quoteId"][90:] != other["quoteId"][90:], "sealed anew each time"


def test_its_terms_hold(saver: Saver, sandbox: Process) -> None:
    """E18, X21: paid as quoted, whatever the bank says meanwhile: it is asked once; the record says so."""
    quote = quoted(saver)
    hold(sandbox, "no_match")
    before = len(asked_of_banks(sandbox))
    answer = saver.asks(950, quoteId=quote["quoteId"])
    assert answer.status == 201, answer
    begun = answer.json()
    assert (begun["netCents"], begun["payeeCheck"]) == (903, "match")
    assert begun["payeeCheckAccepted"] is False
    assert len(asked_of_banks(sandbox)) == before
    saver.settles()
    assert saver.payment(begun["withdrawalId"])["amount"] == 9.03


@pytest.mark.parametrize("by_quote", [True, False])
@pytest.mark.parametrize("answer", ["close_match", "no_match"])
def test_its_person_confirms(saver: Saver, sandbox: Process, answer: str, by_quote: bool) -> None:
    """E18, S66: where the bank does not say yes, nothing is blocked without its person's word; with it, it is."""
    hold(sandbox, answer)
    more: Json = {"quoteId": quoted(saver)["quoteId"]} if by_quote else {}
    told = is_problem(saver.asks(950, **more), 409, "PAYEE_CHECK_NOT_CONFIRMED")
    assert [(one["pointer"], one["code"]) for one in told["errors"]] == [
        ("/acceptPayeeCheck", f"PAYEE_{answer.upper()}")
    ]
    assert "Lovelase" not in str(told)
    is_problem(saver.asks(950, acceptPayeeCheck=False, **more), 409, "PAYEE_CHECK_NOT_CONFIRMED")
    assert saver.balance() == (1000, 0, 0)
    begun = saver.asks(950, acceptPayeeCheck=True, **more)
    assert begun.status == 201, begun
    shown = saver.shown(begun.json()["withdrawalId"])
    assert (shown["payeeCheck"], shown["payeeCheckAccepted"]) == (answer, True)
    assert saver.balance() == (50, 950, 0)


@pytest.mark.parametrize(
    "fault", [{"fault": "status", "status": 503}, {"fault": "timeout", "ms": 60_000}, None], ids=str
)
def test_an_outage_stops_nobody(saver: Saver, sandbox: Process, fault: Json | None) -> None:
    """E18, S65: a bank that cannot be asked is unavailable, soon, and the withdrawal goes on."""
    if fault is None:
        hold(sandbox, "unavailable")
        sandbox.post("/control/reset", {})
        hook = {"url": f"{saver.daemon.url}/webhooks/banking", "secret": saver.customer.secret}
        sandbox.post("/control/seed/webhooks", hook)
    else:
        fails(sandbox, **fault)
    quote = quoted(saver)
    assert (quote["payeeCheck"], quote["payeeName"]) == ("unavailable", None)
    begun = saver.asks(950, quoteId=quote["quoteId"])
    assert begun.status == 201, begun
    assert begun.json()["payeeCheck"] == "unavailable"


def test_quotes_that_do_not_hold(daemon: Process, sandbox: Process, saver: Saver) -> None:
    """E18: another's, a made-up one, one that was changed, one for something else, one whose time is over."""
    quote = quoted(saver)["quoteId"]
    other = Saver(daemon, sandbox)
    middle = len(quote) // 2
    flipped = quote[:middle] + ("A" if quote[middle] != "A" else "B") + quote[middle + 1 :]
    for wrong in (quoted(other)["quoteId"], flipped, "wq_x", "x", quote[:-8]):
        is_problem(saver.asks(950, quoteId=wrong), 400, "QUOTE_INVALID")
    is_problem(other.asks(950, quoteId=quote), 400, "QUOTE_INVALID")
    changed: tuple[Json, ...] = (
        {"points": 949},
        {"iban": "FR76 3000 6000 0112 3456 7890 189"},
        {"beneficiaryName": "Ada King"},
    )
    for change in changed:
        told = is_problem(saver.asks(**{"quoteId": quote, **change}), 409, "QUOTE_CHANGED")
        assert [one["pointer"] for one in told["errors"]] == [f"/{name}" for name in change]
    is_problem(saver.asks(950, quoteId=""), 422, "REQUEST_INVALID")
    saver.later(15 * 60 - 60)
    is_problem(saver.asks(949, quoteId=quote), 409, "QUOTE_CHANGED")
    saver.later(61)
    is_problem(saver.asks(950, quoteId=quote), 409, "QUOTE_EXPIRED")
    assert saver.balance() == (1000, 0, 0)


def test_what_is_not_quoted(daemon: Process, sandbox: Process, saver: Saver) -> None:
    """S46, S66: what could not be withdrawn has no quote, and no bank is asked about it."""
    before = len(asked_of_banks(sandbox))
    is_problem(quotes(saver, iban="FR15 2004 1010 0505 0001 3M02 606"), 400, "BANK_IBAN_INVALID")
    is_problem(quotes(saver, 99), 400, "BANK_WITHDRAWAL_MINIMUM")
    is_problem(quotes(saver, 1001), 409, "POINTS_INSUFFICIENT")
    is_problem(quotes(saver, 950, beneficiaryName="\n"), 422, "REQUEST_INVALID")
    is_problem(quotes(saver, 950, quoteId="wq_x"), 422, "REQUEST_INVALID")
    is_problem(quotes(saver, 950, userId="somebody-else"), 404, "NOT_FOUND")
    assert len(asked_of_banks(sandbox)) == before


def test_a_restart_ends_no_quote(comptoir_daemon: Start, sandbox: Process) -> None:
    """E18: quotes outlive the daemon that gave them; where it is configured, what could not be checked is
    confirmed, too.
    """
    made = with_vop(comptoir_daemon, sandbox, COMPTOIR_WITHDRAWALS__CONFIRM_UNAVAILABLE="true")
    saver = Saver(made, sandbox)
    hold(sandbox, "close_match")
    quote = quoted(saver)["quoteId"]
    made.kill()
    made.start()
    fails(sandbox, fault="status", status=503)
    told = is_problem(saver.asks(950), 409, "PAYEE_CHECK_NOT_CONFIRMED")
    assert told["errors"][0]["code"] == "PAYEE_UNAVAILABLE"
    begun = saver.asks(950, quoteId=quote, acceptPayeeCheck=True)
    assert begun.status == 201, begun
    assert begun.json()["payeeCheck"] == "close_match"
    metrics = made.get("/metrics").body.decode()
    assert 'comptoir_payee_checks_total{answer="unavailable"} 1.0' in metrics


@pytest.mark.parametrize("payout", ["seed", "none"])
def test_nobody_pays(comptoir_daemon: Start, sandbox: Process, payout: str) -> None:
    """S66, X27: a withdrawal that nobody would pay is refused when it is asked for, and blocks nothing."""
    more = {"COMPTOIR_PROVIDERS__SEED__BASE_URL": sandbox.url} if payout == "seed" else {}
    made = comptoir_daemon(
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_HTTP__RATE_LIMITS="off",
        COMPTOIR_HTTP__PORT=str(free_port()),
        **more,
    )
    saver = Saver(made, sandbox)
    if payout == "seed":
        assert saver.asks(950).status == 201
        return
    for answer in (saver.asks(950), quotes(saver)):
        told = is_problem(answer, 503, "BANK_PROVIDER_UNAVAILABLE")
        assert (told["retryable"], "retry-after" in answer.headers) == (True, True)
    is_problem(saver.asks(950, iban="FR15"), 400, "BANK_IBAN_INVALID")
    assert saver.balance() == (1000, 0, 0)
