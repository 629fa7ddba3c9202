"""Whose an account is: what the scheme is asked, what is made of its answer, and that nobody waits for it (E18)."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import httpx
import pytest
import trio
from jsonschema import ValidationError
from trio.testing import MockClock

from comptoir.actors.gateways.payee import (
    CHECKS_MAX,
    CHECKS_S,
    PayeeDesk,
    PayeeVerified,
    VerifyPayee,
)
from comptoir.actors.gateways.payee_vop import VopPayees
from comptoir.actors.withdrawal.messages import CLOSE_MATCH, MATCH, NO_MATCH, UNAVAILABLE
from comptoir.engine.gateway_spec import CallFault, GatewayBounds
from comptoir.engine.spec import BreakerBounds
from tests.actors.gateways.provider import Provider
from tests.actors.gateways.vop_schemas import ANSWER, HEADERS, QUESTION, holds

IBAN = "FR1420041010050500013M02606"
ASKED = VerifyPayee(IBAN, "Ada Lovelace", bytes(range(16)), 1_764_504_000_123)
VERIFY = "POST /vop/v1/payee-verifications"
BOUNDS = GatewayBounds(deadline_s=3.0, calls_max=2, breaker=BreakerBounds(2, 10_000, 30_000))


@pytest.fixture
def provider() -> Provider:
    """The gateway."""
    made = Provider()
    made.answers[VERIFY] = (200, {"partyNameMatch": "MTCH"})
    return made


@pytest.fixture
async def payees(provider: Provider) -> AsyncIterator[VopPayees]:
    """We, who ask it."""
    transport = httpx.MockTransport(provider.respond)
    async with httpx.AsyncClient(base_url="https://vop.example/vop", transport=transport) as client:
        yield VopPayees(client, "t0ken", "COBADEFFXXX")


@pytest.mark.parametrize(
    ("iban", "bic"),
    [
        (IBAN, "PSSTFRPP"),
        ("DE89370400440532013000", "COBADEFFXXX"),
        ("GI75NWBK000000007099453", None),
    ],
)
async def test_what_is_asked(
    payees: VopPayees, provider: Provider, iban: str, bic: str | None
) -> None:
    """E18: in the scheme's own fields, with the bank's BIC where the registry names one; and nothing more."""
    asked = VerifyPayee(iban, "Zoé O'Hara", ASKED.reference, ASKED.at)
    assert await payees.verify(asked) == PayeeVerified(MATCH)
    (request,) = provider.requests
    question = json.loads(request.content)
    holds(QUESTION, question)
    holds(HEADERS, dict(request.headers))
    assert question["party"] == {"name": "Zoé O'Hara"}
    assert question["partyAccount"] == {"iban": iban}
    agent = question.get("partyAgent", {"financialInstitutionId": {"bicfi": None}})
    assert agent["financialInstitutionId"]["bicfi"] == bic
    assert request.headers["x-request-timestamp"] == "2025-11-30T12:00:00.123Z"


def test_the_judge_is_one() -> None:
    """E18: a request that is not of the scheme, and a name where none may be told, do not hold."""
    agent = {"financialInstitutionId": {"bicfi": "PSSTFRPP"}}
    right = {"party": {"name": "A"}, "partyAccount": {"iban": IBAN}, "requestingAgent": agent}
    holds(QUESTION, right)
    changes: tuple[dict[str, Any], ...] = (
        {"more": 1},
        {"party": {}},
        {"partyAccount": {"iban": "FR 14"}},
    )
    for wrong in changes:
        with pytest.raises(ValidationError):
            holds(QUESTION, {**right, **wrong})
    holds(ANSWER, {"partyNameMatch": "CMTC", "matchedName": "Ada"})
    for answer in ({"partyNameMatch": "CMTC"}, {"partyNameMatch": "NMTC", "matchedName": "Ada"}):
        with pytest.raises(ValidationError):
            holds(ANSWER, answer)


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({"partyNameMatch": "MTCH"}, PayeeVerified(MATCH)),
        ({"partyNameMatch": "CMTC", "matchedName": "Ada B"}, PayeeVerified(CLOSE_MATCH, "Ada B")),
        ({"partyNameMatch": "NMTC"}, PayeeVerified(NO_MATCH)),
        ({"partyNameMatch": "NOAP"}, PayeeVerified(UNAVAILABLE)),
        # What a bank should not tell is not told on.
        ({"partyNameMatch": "NMTC", "matchedName": "Ada B"}, PayeeVerified(NO_MATCH)),
        ({"partyNameMatch": "CMTC", "matchedName": "Ada\u202eB"}, PayeeVerified(CLOSE_MATCH)),
        ({"partyNameMatch": "CMTC"}, PayeeVerified(CLOSE_MATCH)),
    ],
)
async def test_what_is_made_of_the_answer(
    payees: VopPayees, provider: Provider, told: Any, found: PayeeVerified
) -> None:
    """E18: the four answers of the scheme; a name on a close match alone, and one that can be shown."""
    provider.answers[VERIFY] = (200, told)
    desk = PayeeDesk(payees, BOUNDS, lambda _answer: None)
    assert await desk.verify(ASKED, "u1") == found


@pytest.mark.parametrize(
    ("status", "body", "code", "sick"),
    [
        (500, {}, "PAYEE_UNAVAILABLE", True),
        (429, {}, "PAYEE_UNAVAILABLE", True),
        (400, {}, "PAYEE_CHECK_REFUSED", False),
        (401, {}, "PAYEE_CHECK_REFUSED", False),
        (302, {}, "PAYEE_CHECK_REFUSED", False),
        (200, b"", "PAYEE_ANSWER_INVALID", True),
        (200, {"partyNameMatch": "MAYBE"}, "PAYEE_ANSWER_INVALID", True),
        (200, {"partyNameMatch": 1}, "PAYEE_ANSWER_INVALID", True),
    ],
)
async def test_what_is_no_answer(
    payees: VopPayees, provider: Provider, status: int, body: Any, code: str, sick: bool
) -> None:
    """E18, S65: it is a fault, and to whoever asked it is unavailable, never an error."""
    provider.answers[VERIFY] = (status, body)
    with pytest.raises(CallFault, match=code) as caught:
        await payees.verify(ASKED)
    assert caught.value.sick is sick
    counted: list[str] = []
    desk = PayeeDesk(payees, BOUNDS, counted.append)
    assert await desk.verify(ASKED, "u1") == PayeeVerified(UNAVAILABLE)
    assert counted == [UNAVAILABLE]


class Slow:
    """Whom it takes as long as it is told."""

    def __init__(self, does: Callable[[], Awaitable[object]]) -> None:
        self.asked, self.does = 0, does

    async def verify(self, wanted: VerifyPayee) -> PayeeVerified:
        """One answer."""
        del wanted
        self.asked += 1
        await self.does()
        return PayeeVerified(MATCH)


async def test_nobody_waits_for_it(autojump_clock: MockClock) -> None:
    """E18, S65: unavailable after the deadline; two such, and nobody is asked until the breaker's time is over."""
    slow = Slow(trio.sleep_forever)
    desk = PayeeDesk(slow, BOUNDS, lambda _answer: None)
    began = trio.current_time()
    assert (await desk.verify(ASKED, "u1")).answer == UNAVAILABLE
    assert trio.current_time() - began == pytest.approx(3)
    assert (await desk.verify(ASKED, "u1")).answer == UNAVAILABLE
    began = trio.current_time()
    assert (await desk.verify(ASKED, "u1")).answer == UNAVAILABLE
    assert (trio.current_time(), slow.asked) == (began, 2)
    await trio.sleep(31)
    slow.does = trio.lowlevel.checkpoint
    assert (await desk.verify(ASKED, "u1")).answer == MATCH


async def test_not_more_at_once_than_allowed(autojump_clock: MockClock) -> None:
    """S18: beyond the calls in flight nobody queues: it is unavailable at once."""
    slow = Slow(partial(trio.sleep, 1))
    desk = PayeeDesk(slow, BOUNDS, lambda _answer: None)
    answers: list[str] = []

    async def ask() -> None:
        answers.append((await desk.verify(ASKED, "u1")).answer)

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(ask)
    assert (sorted(answers), slow.asked) == ([MATCH] * 2 + [UNAVAILABLE] * 3, 2)


async def test_nobody_tries_names_on_accounts(autojump_clock: MockClock) -> None:
    """E18: one person's questions are bounded; another's are not bounded by them, and the hour goes by."""
    slow = Slow(trio.lowlevel.checkpoint)
    desk = PayeeDesk(slow, BOUNDS, lambda _answer: None)
    found = [(await desk.verify(ASKED, "u1")).answer for _ in range(CHECKS_MAX + 5)]
    assert found == [MATCH] * CHECKS_MAX + [UNAVAILABLE] * 5
    assert (await desk.verify(ASKED, "u2")).answer == MATCH
    await trio.sleep(CHECKS_S)
    assert (await desk.verify(ASKED, "u1")).answer == MATCH


async def test_there_is_nobody_to_ask() -> None:
    """E18: without an address of providers.vop it is unavailable."""
    desk = PayeeDesk(None, BOUNDS, lambda _answer: None)
    assert await desk.verify(ASKED, "u1") == PayeeVerified(UNAVAILABLE)
