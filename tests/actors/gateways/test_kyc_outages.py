"""Outages of those who know about people: a question is parked and resumed, and is asked once (S18, S27, S63, S65, E5)."""

import httpx
import pytest
import trio
from trio.testing import MockClock

from comptoir.actors.gateways.addresses import (
    BAN,
    CANADA_POST,
    address_gateway,
    addresses_gateway,
)
from comptoir.actors.gateways.addresses_ban import Ban
from comptoir.actors.gateways.addresses_canada_post import CanadaPost
from comptoir.actors.gateways.bureau import bureau_gateway
from comptoir.actors.gateways.credit import credit_gateway
from comptoir.actors.gateways.kyc_messages import (
    AddressChecked,
    CheckAddress,
    CheckCredit,
    CheckImpossible,
    CreditChecked,
    ReadVerification,
    VerificationStarted,
)
from comptoir.actors.kyc.messages import BureauReported
from comptoir.engine.compose import gateway_bounds
from comptoir.engine.engine import Engine
from comptoir.engine.gateway_spec import GatewayBounds
from comptoir.engine.settings import Settings
from comptoir.storage.testing import MemoryTables
from tests.actors.gateways.people import (
    CLIENT,
    FILE,
    HOME,
    IN_CANADA,
    RESULT,
    START,
    Answer,
    Ask,
    Played,
    asking,
    cut_off,
    heard,
    streamed,
    unreachable,
)

REFERENCE = START.reference
STARTED = VerificationStarted(REFERENCE, "ver_1")
READ = ReadVerification(REFERENCE, START.onboarding_id, "ver_1")
OUTAGE_S = 600.0


def _bounds() -> GatewayBounds:
    """Those of the default settings."""
    settings = Settings()
    return gateway_bounds(settings, settings.providers.kyc, settings.breakers.kyc)


async def _parked(engine: Engine, kind: str) -> int:
    return (await engine.journal.count_pending(engine.now())).get((kind, "parked"), 0)


def _silent(request: httpx.Request) -> httpx.Response:
    """No answer, ever; it is the bureau that waits."""
    raise AssertionError(request)


def _html(_request: httpx.Request) -> httpx.Response:
    return streamed(200, b"<html>We will be back soon</html>")


def _without_credit(_request: httpx.Request) -> httpx.Response:
    return streamed(402, b"{}")


class Bureau(Played):
    """One that takes a verification once for each key, and may lose its answer."""

    def __init__(self) -> None:
        super().__init__(self.take)
        self.begun: list[str] = []
        self.away: Answer | None = None
        self.lost = 0

    async def respond(self, request: httpx.Request) -> httpx.Response:
        """One answer."""
        if self.away is _silent:
            self.requests.append(request)
            await trio.sleep_forever()
        return await super().respond(request)

    def take(self, request: httpx.Request) -> httpx.Response:
        """What it does while it is there."""
        if self.away is not None:
            return self.away(request)
        key = request.headers["idempotency-key"]
        if key not in self.begun:
            self.begun.append(key)
        if self.lost:
            self.lost -= 1
            return cut_off(request)
        return streamed(202, b'{"id": "ver_%d"}' % (self.begun.index(key) + 1))


@pytest.mark.parametrize(
    "away", [unreachable, cut_off, _silent, _html, _without_credit], ids=lambda one: one.__name__
)
async def test_a_bureau_that_is_away_for_ten_minutes(
    autojump_clock: MockClock, away: Answer
) -> None:
    """S27, E5: one file alone, and whatever kind of outage: it waits, parked, burns no attempt meanwhile, and goes on by itself
    when the bureau is back; nothing is a dead letter, and nothing is answered before.
    """
    tables, bureau = MemoryTables(), Bureau()
    bureau.away = away
    async with asking(tables, bureau_gateway(bureau.client(), "key", _bounds())) as engine:
        await engine.ask(FILE, Ask("bureau", START))
        await trio.sleep(OUTAGE_S)
        assert await _parked(engine, "bureau") == 1
        assert heard(tables) == []
        bureau.away = None
        await trio.sleep(60)
        assert await engine.quiesce(5)
        assert not await engine.journal.dead_letters(None, 10)
    assert heard(tables) == [STARTED]
    assert bureau.begun == [REFERENCE]


@pytest.mark.parametrize("life_s", [0.5, 1.5, 4.0, 40.0])
async def test_a_bureau_that_is_away_over_many_lives_of_the_daemon(
    autojump_clock: MockClock, life_s: float
) -> None:
    """S16, S27, E5: a daemon that ends and starts again all through the outage has a breaker that knows of nothing; the file's
    own tries are kept, so that its question is parked all the same, and asked once.
    """
    tables, bureau = MemoryTables(), Bureau()
    bureau.away = unreachable
    async with asking(tables, bureau_gateway(bureau.client(), "key", _bounds())) as engine:
        await engine.ask(FILE, Ask("bureau", START))
    for _ in range(12):
        async with asking(tables, bureau_gateway(bureau.client(), "key", _bounds())) as engine:
            await trio.sleep(life_s)
    assert heard(tables) == []
    bureau.away = None
    async with asking(tables, bureau_gateway(bureau.client(), "key", _bounds())) as engine:
        await trio.sleep(60)
        assert await engine.quiesce(5)
        assert not await engine.journal.dead_letters(None, 10)
    assert heard(tables) == [STARTED]
    assert bureau.begun == [REFERENCE]


@pytest.mark.parametrize("lost", [1, 2, 5])
async def test_a_lost_answer_begins_no_second_verification(
    autojump_clock: MockClock, lost: int
) -> None:
    """S21, S63: the start is sent again under its key, also through an open breaker, and finds the first."""
    tables, bureau = MemoryTables(), Bureau()
    bureau.lost = lost
    async with asking(tables, bureau_gateway(bureau.client(), "key", _bounds())) as engine:
        await engine.ask(FILE, Ask("bureau", START))
        await trio.sleep(OUTAGE_S)
        assert await engine.quiesce(5)
    assert len(bureau.requests) == lost + 1
    assert len({one.content for one in bureau.requests}) == 1
    assert bureau.begun == [REFERENCE]
    assert heard(tables) == [STARTED]


async def test_a_crash_in_between_begins_no_second_verification(autojump_clock: MockClock) -> None:
    """S21: an engine that dies with the question on its way asks it again, under its key."""
    tables, bureau = MemoryTables(), Bureau()
    bureau.away = _silent
    async with asking(tables, bureau_gateway(bureau.client(), "key", _bounds())) as engine:
        await engine.ask(FILE, Ask("bureau", START))
        await trio.sleep(1)
    bureau.away = None
    async with asking(tables, bureau_gateway(bureau.client(), "key", _bounds())) as engine:
        await trio.sleep(60)
        assert await engine.quiesce(5)
    assert len(bureau.requests) == 2
    assert bureau.begun == [REFERENCE]
    assert heard(tables) == [STARTED]


async def test_a_reading_waits_too_and_a_refused_one_is_silent(autojump_clock: MockClock) -> None:
    """E6, S27: what the bureau has is read when it is back; where it knows of nothing, nobody hears of an end."""
    tables, bureau = MemoryTables(), Played(unreachable)
    done = {"id": "ver_1", "onboardingId": START.onboarding_id, "status": "COMPLETED", "kycResult": dict(RESULT)}  # fmt: skip
    async with asking(tables, bureau_gateway(bureau.client(), "key", _bounds())) as engine:
        await engine.ask(FILE, Ask("bureau", READ))
        await trio.sleep(OUTAGE_S)
        assert await _parked(engine, "bureau") == 1
        bureau.usual = (404, b"{}")
        await trio.sleep(60)
        (letter,) = await engine.journal.dead_letters("dlq:onboarding", 10)
        assert letter.code == "BUREAU_REFUSED"
        assert heard(tables) == []
        bureau.usual = done
        await engine.ask(FILE, Ask("bureau", READ))
        assert await engine.quiesce(5)
    (report,) = heard(tables)
    assert isinstance(report, BureauReported)
    assert report.healed


async def test_a_no_is_told_at_once(autojump_clock: MockClock) -> None:
    """S27, S63: nobody waits for what would be said again; who asked hears the code, and nothing of the question."""
    tables, party = MemoryTables(), Played((422, b'{"detail": "Ada Lovelace"}'))
    async with asking(tables, bureau_gateway(party.client(), "key", _bounds())) as engine:
        await engine.ask(FILE, Ask("bureau", START))
        assert await engine.quiesce(5)
    assert heard(tables) == [CheckImpossible(REFERENCE, "identity", "BUREAU_REFUSED")]
    assert len(party.requests) == 1


async def test_an_answer_that_nobody_can_read_ends_its_own_question(
    autojump_clock: MockClock,
) -> None:
    """S18, S63: after its tries it is given up; the breaker stays closed, and those beside it are answered."""
    tables, party = MemoryTables(), Played({"score": "many"})
    gateway = credit_gateway(party.client(), "key", 725, _bounds())
    async with asking(tables, gateway) as engine:
        await engine.ask(FILE, Ask("credit", CheckCredit("r1", CLIENT, HOME)))
        await trio.sleep(30)
        (figures,) = engine.statistics().gateways
        assert figures.breaker == "closed"
        party.usual = {"score": 800, "band": "EXCELLENT"}
        await engine.ask(FILE, Ask("credit", CheckCredit("r2", CLIENT, HOME)))
        assert await engine.quiesce(5)
    assert heard(tables) == [
        CheckImpossible("r1", "credit", "CREDIT_ANSWER_INVALID"),
        CreditChecked("r2", high=True, band="EXCELLENT"),
    ]
    assert len(party.requests) == 5


async def test_while_france_is_away_canada_answers(autojump_clock: MockClock) -> None:
    """S18, S65: one address for all, and a breaker for each party behind it."""
    tables, ban, canada_post = MemoryTables(), Played(unreachable), Played({"Items": []})
    gateways = (
        addresses_gateway(GatewayBounds()),
        address_gateway(BAN, Ban(ban.client()).known, 85, _bounds()),
        address_gateway(CANADA_POST, CanadaPost(canada_post.client(), "k").known, 85, _bounds()),
    )
    async with asking(tables, *gateways) as engine:
        await engine.ask(FILE, Ask("addresses", CheckAddress("fr", HOME)))
        await trio.sleep(OUTAGE_S)
        assert await _parked(engine, "addresses_ban") == 1
        await engine.ask(FILE, Ask("addresses", CheckAddress("ca", IN_CANADA)))
        assert await engine.quiesce(5)
        assert [one.reference for one in heard(tables) if isinstance(one, AddressChecked)] == ["ca"]
        ban.usual = {"type": "FeatureCollection", "features": []}
        await trio.sleep(60)
        assert await engine.quiesce(5)
        assert not await engine.journal.dead_letters(None, 10)
    answers = [one for one in heard(tables) if isinstance(one, AddressChecked)]
    assert [one.reference for one in answers] == ["ca", "fr"]


async def test_nobody_is_configured(autojump_clock: MockClock) -> None:
    """S21: every question has an answer, at once."""
    tables = MemoryTables()
    gateways = (
        bureau_gateway(None, "", _bounds()),
        addresses_gateway(GatewayBounds()),
        address_gateway(BAN, None, 85, _bounds()),
        address_gateway(CANADA_POST, None, 85, _bounds()),
        credit_gateway(None, "", 725, _bounds()),
    )
    async with asking(tables, *gateways) as engine:
        await engine.ask(FILE, Ask("bureau", START))
        await engine.ask(FILE, Ask("bureau", READ))
        await engine.ask(FILE, Ask("addresses", CheckAddress(REFERENCE, HOME)))
        await engine.ask(FILE, Ask("credit", CheckCredit(REFERENCE, CLIENT, HOME)))
        assert await engine.quiesce(5)
    found = heard(tables)
    assert all(isinstance(one, CheckImpossible) and one.code == "NOT_CONFIGURED" for one in found)
    assert len(found) == 3
