"""The daily report of a dead-letter queue (S64, S68, X23)."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from comptoir.actors.gateways.messages import NoticeRefused, NoticeTaken, SendMail
from comptoir.actors.letter_report.kind import letter_report_spec
from comptoir.actors.letter_report.machine import (
    CAUSES_MAX,
    DAY_MS,
    HOUR_MS,
    MACHINE,
    REPORTS_MAX,
    Phase,
    ReportState,
)
from comptoir.actors.letter_report.messages import (
    REPORTED,
    KeepReporting,
    ListReports,
    Report,
    ReportDue,
    ReportsListed,
)
from comptoir.actors.letter_report.terms import TERMS, ReportTerms
from comptoir.actors.letter_report.texts import report_mail
from comptoir.engine import Address, Decision
from comptoir.engine.decision import Outgoing
from comptoir.engine.engine import Engine
from comptoir.engine.gateway_spec import CallContext, CallFault, GatewaySpec, Operation
from comptoir.engine.letters import LetterCount
from comptoir.engine.machine import Context
from comptoir.engine.spec import Bounds
from comptoir.engine.toys import Call, Do, Party, Send, toy_clock, toy_parts, toy_spec
from comptoir.engine.values import Message
from comptoir.storage.testing import MemoryJournal, MemoryTables

OPS = ReportTerms("ops@example.org", 6, mail=True)
DAY_S = 86_400.0


class Post:
    """Who carries mail: takes all, or nothing."""

    def __init__(self) -> None:
        self.taken: list[SendMail] = []
        self.refuses = False

    async def send(self, message: SendMail, _context: CallContext) -> Message:
        """One mail."""
        if self.refuses:
            raise CallFault("MAIL_REFUSED", retryable=False, sick=False)
        self.taken.append(message)
        return NoticeTaken(message.reference)

    def gateway(self) -> GatewaySpec:
        """In front of it."""
        operation = Operation(
            self.send,
            lambda message: message.reference,
            failed=lambda message, code: NoticeRefused(message.reference, code),
        )
        return GatewaySpec("mail", {SendMail: operation})


class World:
    """An engine whose toys die into the queue that is reported."""

    def __init__(self, engine: Engine, party: Party) -> None:
        self.engine, self.party = engine, party

    async def bury(self, *names: str) -> None:
        """Have calls refused for good."""
        self.party.script |= {name: ["no"] for name in names}
        sent = tuple(Send("party", "", Call(name)) for name in names)
        await self.engine.ask(Address("toy", "a"), Do("m", quiet=True, send=sent))
        assert await self.engine.quiesce(5)

    async def reports(self) -> tuple[Report, ...]:
        """What was reported, the newest first."""
        reply = (await self.engine.ask(REPORTED, ListReports())).reply
        assert isinstance(reply, ReportsListed)
        return reply.reports


@asynccontextmanager
async def _world(
    tables: MemoryTables, post: Post, terms: ReportTerms = OPS
) -> AsyncGenerator[World, None]:
    party = Party()
    gateway = msgspec.structs.replace(party.gateway(), dead_queue=REPORTED.key)
    async with MemoryJournal.open(tables) as journal:
        parts = toy_parts(
            journal, gateway, post.gateway(),
            actors=(toy_spec(), letter_report_spec(Bounds())), clock=toy_clock(manual=True),
        )  # fmt: skip
        parts = msgspec.structs.replace(parts, constants={TERMS: terms})
        async with Engine(parts).running() as engine:
            if terms.to:
                await engine.ask(REPORTED, KeepReporting())
            yield World(engine, party)


async def test_a_day_has_one_report(autojump_clock: MockClock) -> None:
    """S64, S68: once a day what is in the queue, by reason, the oldest, and what is new since the report
    before; sent to operations in French and English, and kept to be read.
    """
    post = Post()
    async with _world(MemoryTables(), post) as world:
        await world.bury("r1", "r2")
        await world.engine.advance_clock(DAY_S)
        await world.bury("r3")
        await world.engine.advance_clock(DAY_S)
        await world.engine.advance_clock(DAY_S)
        third, second, first = await world.reports()
        assert [(x.letters, x.fresh) for x in (first, second, third)] == [(2, 2), (3, 1), (3, 0)]
        assert (second.since, third.since) == (first.at, second.at)
        assert first.oldest == third.oldest < first.at
        assert {x.mail for x in (first, second, third)} == {"taken"}
        (cause,) = second.causes
        assert (cause.code, cause.letters, cause.fresh) == ("PARTY_REFUSED", 3, 1)
    assert [mail.to for mail in post.taken] == ["ops@example.org"] * 3
    assert "3  PARTY_REFUSED (1 nouveaux)" in post.taken[1].text
    assert "3  PARTY_REFUSED (1 new)" in post.taken[1].text


async def test_missed_days_have_one_report(autojump_clock: MockClock) -> None:
    """Design.md 3: the timer outlives its daemon; after three days away one report tells of all three."""
    tables, post = MemoryTables(), Post()
    async with _world(tables, post) as world:
        await world.bury("r1")
    async with _world(tables, post) as world:
        await world.engine.advance_clock(3 * DAY_S)
        (report,) = await world.reports()
        assert (report.letters, report.fresh) == (1, 1)
    assert len(post.taken) == 1


async def test_a_mail_that_does_not_arrive_is_said(autojump_clock: MockClock) -> None:
    """S68: the report is there to be read, and says why its mail is not."""
    post = Post()
    post.refuses = True
    async with _world(MemoryTables(), post) as world:
        await world.engine.advance_clock(DAY_S)
        (report,) = await world.reports()
        assert (report.letters, report.mail) == (0, "MAIL_REFUSED")


async def test_nobody_to_report_to(autojump_clock: MockClock) -> None:
    """S68: without an address the reports end, and begin again with one; without mail they can be read."""
    tables, post = MemoryTables(), Post()
    async with _world(tables, post) as world:
        await world.engine.advance_clock(DAY_S)
    async with _world(tables, post, ReportTerms()) as world:
        await world.engine.advance_clock(3 * DAY_S)
        assert len(await world.reports()) == 1
    assert not tables.messages, "no timer is left"
    async with _world(tables, post, ReportTerms("ops@example.org", 23)) as world:
        await world.engine.advance_clock(5 * DAY_S)
        newest, *_ = await world.reports()
        assert newest.mail == ""
    assert len(post.taken) == 1


def _decide(
    state: ReportState, message: Message, now: int, terms: ReportTerms = OPS, facts: object = ()
) -> tuple[ReportState, list[Outgoing]]:
    context = Context(REPORTED, now, 1, {TERMS: terms}, facts)
    outcome = MACHINE.decide(state, message, context)
    assert isinstance(outcome, Decision)
    timers = [sent for sent in outcome.messages if sent.target == REPORTED]
    return outcome.state, timers


@given(now=st.integers(0, 4_000_000_000_000), hour=st.integers(0, 23), other=st.integers(0, 23))
def test_the_hour_is_kept(now: int, hour: int, other: int) -> None:
    """S68: the next report is due at the hour, within a day, never now; a timer that stands is left
    alone by every start, and set anew when the hour was changed.
    """
    terms = ReportTerms("o@x", hour)
    state, (timer,) = _decide(ReportState(Phase.OFF), KeepReporting(), now, terms)
    assert timer.due_at is not None
    assert now < timer.due_at <= now + DAY_MS
    assert timer.due_at % DAY_MS == hour * HOUR_MS
    again, timers = _decide(state, KeepReporting(), timer.due_at + 1, terms)
    assert (again, timers) == (state, []), "it is due already, and must not be put off"
    moved, timers = _decide(state, KeepReporting(), now, ReportTerms("o@x", other))
    assert bool(timers) == (other != hour)
    assert moved.next_at % DAY_MS == other * HOUR_MS


@given(st.lists(st.integers(1, 10**9), max_size=40))
def test_a_report_is_bounded(letters: list[int]) -> None:
    """Nothing is unbounded: a month of reports, some reasons each; the sums are of all."""
    counts = tuple(LetterCount("q", f"CODE_{n}", x, 0, n + 1) for n, x in enumerate(letters))
    state, now = _decide(ReportState(Phase.OFF), KeepReporting(), 0)[0], 0
    for _ in range(REPORTS_MAX + 2):
        now += DAY_MS
        state, _ = _decide(state, ReportDue(now - DAY_MS), now, facts=counts)
    assert len(state.reports) == REPORTS_MAX
    report = state.reports[-1]
    assert report.letters == sum(letters)
    assert len(report.causes) == min(len(letters), CAUSES_MAX)
    subject, text = report_mail("dlq:transactions", report)
    assert "dlq:transactions" in subject
    assert text.count("comptoir dlq list --queue dlq:transactions") == 2
