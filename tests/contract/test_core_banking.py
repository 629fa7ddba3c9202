"""Accounts on the sandbox's mainframe, over its queues: whatever becomes of a reply, there is one account for a client.

An engine in memory drives the kind `account` itself, by either way to the queues; both clocks are moved by hand.
"""

import base64
import itertools
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest
import trio
import trio.testing

from comptoir.actors.account.messages import (
    AccountDescribed,
    AccountProfile,
    CorrectProfile,
    DescribeAccount,
    OpenAccount,
)
from comptoir.engine import Address
from comptoir.engine.boot import memory_engine
from comptoir.engine.letters import DeadLetterRow
from comptoir.engine.settings import Settings
from comptoir.engine.testing import Process
from comptoir.engine.trust import trust_of
from comptoir.http.contract_testing import free_port
from tests.contract.line import line_between
from tests.contract.opening import cobol_answers

PROFILE = AccountProfile(
    "Marie", "Tremblay", "SSN", "123-45-6789", "123 rue Sherbrooke", "Montréal", "QC", "H3A 1B1"
)
NUMBERS = itertools.count(1)
CP500 = "cp500"


class Bank:
    """An engine, the sandbox, and both clocks."""

    def __init__(self, engine: Any, sandbox: httpx.AsyncClient) -> None:
        self.engine, self.sandbox = engine, sandbox

    async def control(self, method: str, path: str, body: object = None) -> Any:
        """Ask the sandbox."""
        answer = await self.sandbox.request(method, f"/control/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def open(self, **script: object) -> str:
        """Have an account opened; its reply is as scripted."""
        client = f"ONB-2026-{next(NUMBERS):05d}"
        if script:
            await self.control("POST", "mainframe/replies", {"clientId": client, **script})
        await self.engine.ask(Address("account", client), OpenAccount(client, PROFILE))
        return client

    async def account(self, client: str) -> AccountDescribed:
        """How far it is."""
        answer = await self.engine.ask(Address("account", client), DescribeAccount())
        assert isinstance(answer.reply, AccountDescribed)
        return answer.reply

    async def until(self, client: str, *statuses: str) -> AccountDescribed:
        """Wait until it is one of these."""
        with trio.fail_after(20):
            while True:
                account = await self.account(client)
                if account.status in statuses:
                    return account
                await trio.sleep(0.02)

    async def asked(self, client: str) -> None:
        """Wait until the mainframe has the command."""
        with trio.fail_after(20):
            while client not in (await self.mainframe())["creations"]:  # noqa: ASYNC110  # in another process
                await trio.sleep(0.02)

    async def until_dead(self, client: str, code: str) -> None:
        """Wait for a dead letter of this code, about this client."""
        with trio.fail_after(20):
            while code not in await self.dead(client):  # noqa: ASYNC110  # of a gateway
                await trio.sleep(0.02)

    async def dead(self, client: str) -> list[str]:
        """Codes of the dead letters of core banking that are about a client: the mainframe is shared, and answers to clients
        of earlier tests may come.
        """
        letters = await self.engine.journal.dead_letters("dlq:core-banking", 100)
        return [one.code for one in letters if client in told_of(one)]

    async def pass_time(self, seconds: int) -> None:
        """On both sides."""
        await self.control("POST", "clock", {"advanceSeconds": seconds})
        await self.engine.advance_clock(seconds)

    async def mainframe(self) -> Any:
        """What the mainframe has."""
        return await self.control("GET", "mainframe")


def told_of(letter: DeadLetterRow) -> str:
    """What a dead letter says and of whom: its correlation, and its record where that is of our code page."""
    record = base64.b64decode(json.loads(letter.payload).get("record", ""))
    return letter.payload.decode() + record.decode(CP500, "replace")


@asynccontextmanager
async def bank_of(base_url: str, sandbox_url: str) -> AsyncGenerator[Bank]:
    """An engine whose mainframe is there."""
    settings = Settings().having(
        {
            ("clock", "mode"): "manual",
            ("providers", "mainframe", "base_url"): base_url,
            ("breakers", "default", "recovery_s"): 0.2,
        }
    )
    async with (
        httpx.AsyncClient(base_url=sandbox_url, verify=trust_of(sandbox_url)) as client,
        memory_engine(settings) as engine,
    ):
        yield Bank(engine, client)


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Callable[..., Process]) -> str:
    """Of all tests here: each has clients of its own. Its program is COBOL wherever it can be."""
    process = comptoir_sandbox_shared()
    cobol_answers(process.get("/control/mainframe").json())
    return process.url


async def amqp_of(sandbox: str) -> str:
    """Where the sandbox's broker listens; without Qpid Proton, which is an extra, the test is skipped."""
    async with httpx.AsyncClient(base_url=sandbox, verify=trust_of(sandbox)) as client:
        address: str | None = (await client.get("/control/mainframe")).json()["amqp"]
    if address is None and not os.environ.get("TESTS_REQUIRE_AMQP"):
        pytest.skip("no Qpid Proton (make setup says why)")
    assert address, "TESTS_REQUIRE_AMQP: Qpid Proton was not compiled"
    return address


@pytest.fixture(params=["amqp", "http"])
async def bank(sandbox: str, request: pytest.FixtureRequest) -> AsyncIterator[Bank]:
    """One test's, by either way to the queues."""
    address: str = sandbox
    if request.param == "amqp":
        address = await amqp_of(sandbox)
    async with bank_of(address, sandbox) as opened:
        yield opened


async def made_once(bank: Bank, client: str, creations: int = 1) -> None:
    """One account there, which is ours, after so many commands."""
    account, there = await bank.until(client, "created"), await bank.mainframe()
    assert account.account_number == there["accounts"][client]
    assert there["creations"][client] == creations == account.attempts


async def test_an_account_is_opened_over_the_queue(bank: Bank) -> None:
    """The command becomes a record, the reply an account (S29 to S31)."""
    await made_once(bank, await bank.open())


async def test_a_reply_after_eight_minutes_completes_it(bank: Bank) -> None:
    """MQ's wait is over and the account late; no second command leaves, and the reply counts (X9, S32)."""
    client = await bank.open(delaySeconds=480)
    await bank.asked(client)
    await bank.pass_time(31)
    assert (await bank.until(client, "late")).attempts == 1
    await bank.pass_time(448)
    assert (await bank.account(client)).status == "late"
    await bank.pass_time(2)
    await made_once(bank, client)


async def test_a_doubled_reply_is_one_account(bank: Bank) -> None:
    """However often it comes (S31)."""
    client = await bank.open(times=3)
    await made_once(bank, client)
    await bank.engine.quiesce(10)
    assert (await bank.account(client)).status == "created"


async def test_a_reply_under_anothers_correlation_creates_nothing(bank: Bank) -> None:
    """X10: it is a dead letter, whoever it seems to answer keeps its account, and both are found by CLIENT-ID."""
    other = await bank.open()
    await made_once(bank, other)
    client = await bank.open(correlation="crossed")
    await bank.until_dead(client, "REPLY_CROSSED")
    assert (await bank.account(other)).status == "created"
    assert (await bank.account(client)).status == "asked"
    await bank.pass_time(31)
    await bank.pass_time(600)
    await made_once(bank, client)


async def test_unsuccessful_is_not_success(bank: Bank) -> None:
    """X10: the status decides, though the word SUCCESS is in the text."""
    client = await bank.open(reply="UNSUCCESSFUL")
    account = await bank.until(client, "refused", "created")
    assert (account.status, account.code) == ("refused", "UNSUCCESSFUL")
    assert client not in (await bank.mainframe())["accounts"]


async def test_trouble_there_decides_nothing(bank: Bank) -> None:
    """X10: status 16 is no refusal; two looks find nothing, and then, and not before, a second command makes the account."""
    client = await bank.open(reply="SUCCESSFUL ABEND", status="16")
    assert (await bank.until(client, "late", "refused", "created")).status == "late"
    with trio.fail_after(20):
        while (await bank.account(client)).status == "late":  # a look may be overtaken by the next
            await bank.pass_time(600)
            await trio.sleep(0.05)
    await made_once(bank, client, creations=2)


def reply(client: str, length: int = 80, page: str = CP500) -> str:
    """A reply that says SUCCESS, of another length or code page."""
    text = f"ACRP{client:<20}00{'WM9999999999':<12}{'SUCCESS':<42}"
    return base64.b64encode(f"{text:<{length}.{length}}".encode(page)).decode()


@pytest.mark.parametrize(
    ("length", "page", "code"),
    [
        (79, CP500, "RECORD_LENGTH_WRONG"),
        (81, CP500, "RECORD_LENGTH_WRONG"),
        (164, CP500, "RECORD_LENGTH_WRONG"),
        (166, CP500, "RECORD_LENGTH_WRONG"),
        (80, "latin-1", "REPLY_FOREIGN"),
        (0, CP500, "RECORD_LENGTH_WRONG"),
    ],
)
async def test_a_reply_that_is_no_record_creates_nothing(
    bank: Bank, length: int, page: str, code: str
) -> None:
    """A byte too few or too many, or another code page: a dead letter; what is true is found by CLIENT-ID (E11)."""
    client = f"ONB-2026-{next(NUMBERS) + 1:05d}"
    opened = await bank.open(rawB64=reply(client, length, page))
    assert opened == client
    account = await bank.until(client, "created")
    assert account.account_number != "WM9999999999"
    assert await bank.dead(client) == [code]
    await made_once(bank, client)


async def test_a_lost_reply_is_found_by_client_id(bank: Bank) -> None:
    """The account was made and nobody told us: a look finds it, and no command is sent again (X9, E11)."""
    client = await bank.open(times=0)
    await bank.asked(client)
    await bank.pass_time(31)
    await bank.until(client, "late")
    await bank.pass_time(600)
    await made_once(bank, client)


async def test_a_mainframe_that_is_away_has_one_command_when_it_is_back(bank: Bank) -> None:
    """The queue survives its outage (S32): nothing is sent twice, however long it takes."""
    await bank.control("PUT", "mainframe", {"running": False})
    client = await bank.open()
    await bank.pass_time(31)
    await bank.until(client, "late")
    await bank.pass_time(3600)
    await bank.control("PUT", "mainframe", {"running": True})
    await made_once(bank, client)


async def test_a_bridge_that_is_away_holds_the_command_back(sandbox: str) -> None:
    """What has not left waits, parked, and leaves once when it is back (S65, X18)."""
    async with bank_of(sandbox, sandbox) as bank:
        fault = {"party": "mainframe", "operation": "*", "fault": "status", "status": 503}
        await bank.control("PUT", "faults", [fault])
        client = await bank.open()
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert client not in (await bank.mainframe())["creations"]
        await bank.control("DELETE", "faults")
        await bank.pass_time(2)
        await made_once(bank, client)


async def test_a_broker_that_goes_and_comes_back_has_one_command(sandbox: str) -> None:
    """MQ is not there, comes, goes and comes again: each command leaves once, and a reply meanwhile waits there (S32)."""
    address = await amqp_of(sandbox)
    port = free_port()
    async with bank_of(f"amqp://127.0.0.1:{port}", sandbox) as bank:
        first = await bank.open()
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert first not in (await bank.mainframe())["creations"]
        async with line_between(port, address):
            await bank.pass_time(2)
            await made_once(bank, first)
            second = await bank.open(delaySeconds=60)
            await bank.asked(second)
        await bank.pass_time(61)
        assert (await bank.until(second, "late")).attempts == 1
        async with line_between(port, address):
            await made_once(bank, second)


async def test_an_answer_lost_after_it_was_queued_is_no_second_command(bank: Bank) -> None:
    """The connection breaks when the queue has it: nobody knows, so it is looked for, and not sent again (design.md 6)."""
    fault = {
        "party": "mainframe",
        "operation": "requests.put",
        "fault": "drop_after_effect",
        "count": 1,
    }
    await bank.control("PUT", "faults", [fault])
    client = await bank.open(times=0)
    for _ in range(3):
        await bank.pass_time(61)
    await bank.pass_time(600)
    await made_once(bank, client)
    await bank.control("DELETE", "faults")


async def test_changes_there_are_applied_here_once(bank: Bank) -> None:
    """Profile sync: a change on the mainframe arrives on core-banking-events (S33)."""
    client = await bank.open()
    await made_once(bank, client)
    for value, times in (("LAVAL", 1), ("MONTRÉAL", 2)):
        change = {"clientId": client, "field": "CITY", "value": value, "times": times}
        await bank.control("POST", "mainframe/changes", change)
    with trio.fail_after(20):
        while (found := await profile_changes(bank))[-1:] != [2]:  # noqa: ASYNC110  # of an actor
            await trio.sleep(0.02)
    assert found == [1, 2]


async def test_a_correction_without_an_answer_is_looked_for(bank: Bank) -> None:
    """S33, X9: its reply is lost: after ten minutes it is asked whether the client lives there, and it is taken, after one update."""
    await made_once(bank, client := await bank.open())
    await bank.control("POST", "mainframe/replies", {"clientId": client, "times": 0})
    moved = msgspec.structs.replace(PROFILE, street="9 rue Peel")
    await bank.engine.ask(Address("account", client), CorrectProfile(1, moved))
    with trio.fail_after(20):
        while client not in (await bank.mainframe())["updates"]:  # noqa: ASYNC110  # in another process
            await trio.sleep(0.02)  # or the look overtakes it, and finds another address
    await bank.pass_time(601)
    with trio.fail_after(20):
        while (told := await corrections(bank, client))[-1:] != ["taken"]:  # noqa: ASYNC110  # of an actor
            await trio.sleep(0.02)
    assert (told, (await bank.mainframe())["updates"][client]) == (["unconfirmed", "taken"], 1)


async def corrections(bank: Bank, client: str) -> list[str]:
    """What became of them, on record."""
    ended = [x for x in await bank.engine.journal.events(0, 1000) if x.type == "CorrectionEnded"]
    return [json.loads(x.payload)["outcome"] for x in ended if x.address.key == client]


async def profile_changes(bank: Bank) -> list[int]:
    """Sequences of the changes that are on record."""
    events = await bank.engine.journal.events(0, 1000)
    return [int(one.payload.split(b'"sequence":')[1].split(b",")[0]) for one in events if one.type == "ProfileChanged"]  # fmt: skip


async def test_what_no_record_can_hold_is_refused_and_nothing_is_sent(bank: Bank) -> None:
    """A national id that is not nine digits is never cut or filled (X11, X12)."""
    client = f"ONB-2026-{next(NUMBERS):05d}"
    wrong = AccountProfile("A", "B", "NIR", "1 85 05 78 006 084", "1 rue", "Paris", "QC", "H3A1B1")
    await bank.engine.ask(Address("account", client), OpenAccount(client, wrong))
    account = await bank.until(client, "refused")
    assert account.code == "FIELD_LENGTH_WRONG:SSN"
    assert client not in (await bank.mainframe())["creations"]


async def test_without_a_mainframe_an_account_is_refused_by_name(sandbox: str) -> None:
    """The default (interface.md 3)."""
    async with bank_of("", sandbox) as bank:
        account = await bank.until(await bank.open(), "refused")
    assert account.code == "NOT_CONFIGURED"
