"""From a purchase that matched nobody to its points, through actors, messages and lots (E9, X23)."""

import msgspec
import pytest
from trio.testing import MockClock

from comptoir.actors.candidates.messages import CandidateFound, CandidateMissing, FindCandidate
from comptoir.actors.claim.messages import (
    ClaimDescribed,
    Claimed,
    DescribeClaim,
    GrantClaim,
    OpenClaim,
    Verdict,
)
from comptoir.actors.connection.messages import (
    LinkConnection,
    TransactionReported,
    TransactionTaken,
)
from comptoir.actors.merchants import Partner
from comptoir.actors.merchants.messages import CATALOGUE, MERCHANTS, ImportPartners
from comptoir.actors.wallet.messages import TRANSACTIONS
from comptoir.actors.wallet.state import WalletState
from comptoir.engine.boot import memory_engine
from comptoir.engine.engine import Engine
from comptoir.engine.values import Address

CARD = Address("connection", "card")
WALLET = Address("wallet", "u1")
CANDIDATES = Address("candidates", "u1")
CLAIM = Address("claim", "clm_1")
PARTNER = Partner(id="p1", name="Chez Nous", rate_bp=500, mcc=("5812",))
MONTH_S = 31 * 86_400.0
REPORT = TransactionReported(
    "seed",
    "transaction.created",
    "tx1",
    10_000,
    "EUR",
    "DEBIT",
    "2026-11-21",
    "SARL DUPONT",
    "5812",
)


async def _open(engine: Engine) -> None:
    await engine.ask(MERCHANTS, ImportPartners((PARTNER,)))
    await engine.wait_reference(CATALOGUE, 1)
    await engine.ask(CARD, LinkConnection("c1", "u1", card_last4="4242"))


async def _told(engine: Engine, report: TransactionReported = REPORT) -> str:
    taken = (await engine.ask(CARD, report)).reply
    assert isinstance(taken, TransactionTaken)
    assert await engine.quiesce(20)
    return taken.outcome


async def _points(engine: Engine) -> int:
    loaded = await engine.journal.load(WALLET)
    return 0 if loaded is None else msgspec.json.decode(loaded.state, type=WalletState).available


async def _claim(engine: Engine) -> None:
    found = (await engine.ask(CANDIDATES, FindCandidate("tx1"))).reply
    assert isinstance(found, CandidateFound)
    kept = found.candidate
    claimed = Claimed(kept.report, kept.link)
    await engine.ask(CLAIM, OpenClaim("u1", Verdict.NOT_MATCHED, kept.trace, claimed))


async def _granted(engine: Engine) -> None:
    await _claim(engine)
    await engine.ask(CLAIM, GrantClaim("m.durand", "p1"))
    assert await engine.quiesce(20)


@pytest.fixture
def clock(autojump_clock: MockClock) -> MockClock:
    """Time that jumps over waiting."""
    return autojump_clock


async def test_a_granted_claim_is_credited_once(clock: MockClock) -> None:
    """E9, X16: at the partner's rate, with the claim in its trace; granted again, told again by the webhook, soon
    or after the key of the unmatched purchase is forgotten, it is credited no more.
    """
    del clock
    async with memory_engine() as engine:
        await _open(engine)
        assert await _told(engine) == "unmatched"
        await _granted(engine)
        assert await _points(engine) == 500
        document = (await engine.journal.documents(TRANSACTIONS, ["seed:tx1"]))["seed:tx1"]
        assert (document["status"], document["partner_id"]) == ("credited", "p1")
        assert document["trace"][-1] == "granted by clm_1: partner p1"
        again = (await engine.ask(CLAIM, GrantClaim("m.durand", "p1"))).reply
        assert isinstance(again, ClaimDescribed)
        assert again.status == "granted"
        await _told(engine)
        await engine.advance_clock(MONTH_S)
        while await engine.journal.purge(engine.clock.now()):
            pass
        assert await _told(engine) == "granted"
        assert await _points(engine) == 500
        missing = (await engine.ask(CANDIDATES, FindCandidate("tx1"))).reply
        assert isinstance(missing, CandidateMissing)


async def test_a_candidate_is_forgotten_after_its_time(clock: MockClock) -> None:
    """X23: a month later nothing of it is there, and no message waits for it."""
    del clock
    async with memory_engine() as engine:
        await _open(engine)
        await _told(engine)
        await engine.advance_clock(MONTH_S)
        assert await engine.quiesce(20)
        found = (await engine.ask(CANDIDATES, FindCandidate("tx1"))).reply
        assert isinstance(found, CandidateMissing)
        loaded = await engine.journal.load(CANDIDATES)
        assert loaded is not None
        assert b"DUPONT" not in loaded.state


async def test_what_is_no_candidate_is_not_kept(clock: MockClock) -> None:
    """X23: neither what is like nobody's, nor a refund, nor another currency."""
    del clock
    async with memory_engine() as engine:
        await _open(engine)
        for number, fields in enumerate(
            ({"mcc": "7995"}, {"direction": "CREDIT"}, {"currency": "CHF"}), start=2
        ):
            await _told(
                engine, msgspec.structs.replace(REPORT, transaction_id=f"tx{number}", **fields)
            )
        assert await engine.journal.load(CANDIDATES) is None


async def test_a_later_word_about_a_granted_purchase_keeps_its_partner(clock: MockClock) -> None:
    """E8, E9: corrected by the provider, it earns what it costs now; taken back, nothing."""
    del clock
    async with memory_engine() as engine:
        await _open(engine)
        first = msgspec.structs.replace(REPORT, revision=1)
        await _told(engine, first)
        await _granted(engine)
        corrected = msgspec.structs.replace(REPORT, revision=2, amount_cents=4_000)
        await _told(engine, corrected)
        assert await _points(engine) == 200
        await _told(engine, msgspec.structs.replace(corrected, revision=3, removed=True))
        assert await _points(engine) == 0


async def test_a_purchase_that_never_happened_is_no_candidate(clock: MockClock) -> None:
    """E8, X23: taken back by its provider, it is not kept for a claim."""
    del clock
    async with memory_engine() as engine:
        await _open(engine)
        await _told(engine, msgspec.structs.replace(REPORT, revision=1))
        await _told(engine, msgspec.structs.replace(REPORT, revision=2, removed=True))
        found = (await engine.ask(CANDIDATES, FindCandidate("tx1"))).reply
        assert isinstance(found, CandidateMissing)


async def test_the_rate_is_that_of_the_purchases_day(clock: MockClock) -> None:
    """E9: after a new rate, a purchase of before takes the old one, and one of its day the new one."""
    del clock
    async with memory_engine() as engine:
        await _open(engine)
        newer = msgspec.structs.replace(PARTNER, rate_bp=1000, valid_from="2026-11-22")
        await engine.ask(MERCHANTS, ImportPartners((newer,)))
        await engine.wait_reference(CATALOGUE, 2)
        label = {"merchant_name": "CB CHEZ NOUS"}
        await _told(engine, msgspec.structs.replace(REPORT, **label))
        assert await _points(engine) == 500
        await _told(
            engine,
            msgspec.structs.replace(REPORT, transaction_id="tx2", date="2026-11-22", **label),
        )
        assert await _points(engine) == 1_500


async def test_unknown_claims_are_not_found(clock: MockClock) -> None:
    """E9: nobody learns of a claim that is not there."""
    del clock
    async with memory_engine() as engine:
        with pytest.raises(Exception, match="NOT_FOUND"):
            await engine.ask(Address("claim", "clm_none"), DescribeClaim())
