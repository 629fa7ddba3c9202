"""Invitations as actors: raced, restarted and delivered through the engine, parties and all (S34, X8)."""

import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from hashlib import sha256

import httpx
import msgspec
import orjson
import trio
from trio.testing import MockClock

from comptoir.actors.browser_session.kind import browser_session_spec
from comptoir.actors.browser_session.messages import KIND as SESSION
from comptoir.actors.browser_session.messages import FindSession, SessionFound, SessionMissing
from comptoir.actors.gateways.mail import mail_gateway
from comptoir.actors.gateways.sendgrid import sendgrid
from comptoir.actors.invitation.kind import invitation_spec
from comptoir.actors.invitation.messages import (
    KIND,
    ClientInvited,
    CodeAccepted,
    CodeSent,
    EnterCode,
    InviteClient,
    LinkOver,
    UseLink,
)
from comptoir.actors.invitation.terms import TERMS, Terms
from comptoir.engine.engine import Engine
from comptoir.engine.gateway_spec import GatewayBounds
from comptoir.engine.spec import Bounds
from comptoir.engine.toys import toy_clock, toy_parts
from comptoir.engine.values import Address, Message, Reply
from comptoir.storage.testing import MemoryJournal, MemoryTables

ROUNDS = 200
FILE = Address(KIND, "ONB-2025-00123")


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _invite(number: int, reference: str = "r") -> InviteClient:
    return InviteClient(
        "ONB-2025-00123", f"u-{number}", "a@example.org", "", "en", f"link-{number}",
        _digest(f"link-{number}"), f"{reference}-{number}", "by",
    )  # fmt: skip


def _use(number: int, browser: str) -> UseLink:
    proof = _digest(f"{browser}.123456")
    return UseLink(_digest(f"link-{number}"), _digest(browser), proof, "123456")


def _enter(browser: str, opens: str) -> EnterCode:
    return EnterCode(_digest(browser), _digest(f"{browser}.123456"), opens, 1)


@asynccontextmanager
async def _engine(tables: MemoryTables, mails: list[str]) -> AsyncGenerator[Engine]:
    def answer(request: httpx.Request) -> httpx.Response:
        mails.append(orjson.loads(request.content)["content"][0]["value"])
        return httpx.Response(202)

    transport = httpx.MockTransport(answer)
    specs = (invitation_spec(Bounds()), browser_session_spec(Bounds()))
    async with (
        httpx.AsyncClient(base_url="https://party.example", transport=transport) as client,
        MemoryJournal.open(tables) as journal,
    ):
        mail = mail_gateway([sendgrid(client, "key", "us@example.org", 10)], GatewayBounds())
        parts = toy_parts(journal, mail, actors=specs, clock=toy_clock(manual=True))
        parts = msgspec.structs.replace(parts, constants={TERMS: Terms(mail=True)})
        async with Engine(parts).running() as engine:
            yield engine


async def _race(engine: Engine, messages: list[Message]) -> list[Reply | None]:
    """Send all at once; the replies, in the order of the messages."""
    replies: list[Reply | None] = [None] * len(messages)

    async def one(place: int) -> None:
        replies[place] = (await engine.ask(FILE, messages[place])).reply

    async with trio.open_nursery() as nursery:
        for place in range(len(messages)):
            nursery.start_soon(one, place)
    return replies


async def test_raced_there_is_one_winner(autojump_clock: MockClock) -> None:
    """X8: of 2 to 8 browsers that use one link at once one is answered; of as many who type its code at
    once one is in, and only that one's session is there.
    """
    chance = random.Random(20_261_130)
    async with _engine(MemoryTables(), []) as engine:
        for number in range(ROUNDS):
            await engine.ask(FILE, _invite(number))
            rivals = [f"browser-{number}-{n}" for n in range(chance.randint(2, 8))]
            used = await _race(engine, [_use(number, rival) for rival in rivals])
            winners = [r for r, reply in zip(rivals, used, strict=True) if reply != LinkOver()]
            assert len(winners) == 1
            opens = [f"session-{number}-{n}" for n in range(len(rivals))]
            typed = await _race(engine, [_enter(winners[0], one) for one in opens])
            entered = [
                o for o, reply in zip(opens, typed, strict=True) if isinstance(reply, CodeAccepted)
            ]
            assert len(entered) == 1
            for one in opens:
                found = (await engine.ask(Address(SESSION, one), FindSession())).reply
                assert isinstance(found, SessionFound if one == entered[0] else SessionMissing)


async def test_a_restart_changes_nothing(autojump_clock: MockClock) -> None:
    """X8, interface.md 1: what was sent is not sent again, the same request has the first answer, and a
    used link stays used, also in the next life.
    """
    tables, mails = MemoryTables(), list[str]()
    async with _engine(tables, mails) as engine:
        first = await engine.ask(FILE, _invite(1))
        await engine.quiesce(30)
        used = (await engine.ask(FILE, _use(1, "browser"))).reply
        assert isinstance(used, CodeSent)
        await engine.quiesce(30)
    async with _engine(tables, mails) as engine:
        again = await engine.ask(FILE, _invite(1))
        assert again.replayed
        assert again.reply == first.reply
        assert isinstance(again.reply, ClientInvited)
        assert (await engine.ask(FILE, _use(1, "another"))).reply == LinkOver()
        assert isinstance((await engine.ask(FILE, _enter("browser", "s"))).reply, CodeAccepted)
        await engine.quiesce(30)
        assert isinstance(
            (await engine.ask(Address(SESSION, "s"), FindSession())).reply, SessionFound
        )
    assert ["link-1" in mails[0], "123456" in mails[1], len(mails)] == [True, True, 2]
