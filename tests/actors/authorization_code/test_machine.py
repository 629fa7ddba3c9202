"""Authorization codes: used once, within a minute, by whom they were given to (S34, RFC 6749, RFC 7636)."""

from dataclasses import dataclass

import msgspec
import pytest
import trio
from hypothesis import event, given
from hypothesis import strategies as st
from trio.testing import MockClock

from comptoir.actors.authorization_code.kind import authorization_code_spec
from comptoir.actors.authorization_code.machine import (
    MACHINE,
    CodeReused,
    CodeState,
    CodeUsed,
    Phase,
)
from comptoir.actors.authorization_code.messages import (
    KIND,
    CodeExpired,
    CodeIssued,
    CodeRedeemed,
    CodeRefused,
    IssueCode,
    RedeemCode,
)
from comptoir.actors.refresh_family.kind import refresh_family_spec
from comptoir.actors.refresh_family.messages import KIND as FAMILY
from comptoir.actors.refresh_family.messages import (
    Authorization,
    EndFamily,
    OpenFamily,
    RotateToken,
    TokenRefused,
    TokenRotated,
)
from comptoir.actors.revocation.reading import revocation_spec
from comptoir.engine.decision import Decision, Outgoing
from comptoir.engine.engine import Engine
from comptoir.engine.machine import Context
from comptoir.engine.spec import Bounds
from comptoir.engine.toys import toy_clock, toy_parts
from comptoir.engine.values import Address, Message, encode
from comptoir.storage.testing import MemoryJournal, MemoryTables

DAWN = 1_800_000_000_000
MINUTE_MS = 60_000
ME = Address(KIND, "digest-of-the-code")
ALLOWED = Authorization("u1", "web", ("CLIENT",), ("openid",), ("otp",), DAWN // 1000)
ISSUE = IssueCode(ALLOWED, "https://app.example/back", "challenge", "nonce", MINUTE_MS)
REDEEM = RedeemCode("web", "https://app.example/back", "challenge", "family", "digest", 60_000)
WRONG = {
    "client_mismatch": msgspec.structs.replace(REDEEM, client_id="other"),
    "redirect_mismatch": msgspec.structs.replace(REDEEM, redirect_uri="https://app.example/back/"),
    "verifier_mismatch": msgspec.structs.replace(REDEEM, challenge="challengf"),
}


def _decide(state: CodeState, message: Message, now: int = DAWN) -> Decision[CodeState]:
    outcome = MACHINE.decide(state, message, Context(ME, now, 1))
    assert isinstance(outcome, Decision)
    return outcome


def _issued() -> CodeState:
    return _decide(CodeState(Phase.UNKNOWN), ISSUE).state


def test_a_code_has_a_minute() -> None:
    """S34: issued with one durable timer, in business time; nobody came, so it says no more of anybody."""
    decision = _decide(CodeState(Phase.UNKNOWN), ISSUE)
    assert decision.reply == CodeIssued(DAWN + MINUTE_MS)
    (timer,) = decision.messages
    assert (timer.target, timer.message, timer.due_at) == (ME, CodeExpired(), DAWN + MINUTE_MS)
    expired = _decide(decision.state, CodeExpired()).state
    assert expired == CodeState(Phase.ENDED, why="expired")
    assert _decide(expired, REDEEM).reply == CodeRefused("expired")


def test_a_late_timer_lengthens_no_life() -> None:
    """S34: within the minute yes, at its end no, though the timer has not fired."""
    assert _decide(_issued(), REDEEM, DAWN + MINUTE_MS - 1).reply == CodeRedeemed(ALLOWED, "nonce")
    late = _decide(_issued(), REDEEM, DAWN + MINUTE_MS)
    assert late.reply == CodeRefused("expired")
    assert late.messages == ()


def test_redeeming_opens_the_family_in_the_same_decision() -> None:
    """Invariant 1: code used, tokens' family opened: one commit; and the timer is forgotten."""
    decision = _decide(_issued(), REDEEM)
    assert decision.reply == CodeRedeemed(ALLOWED, "nonce")
    assert decision.messages == (
        Outgoing(Address(FAMILY, "family"), OpenFamily(ALLOWED, "digest", 60_000)),
    )
    assert decision.events == (CodeUsed("web", "redeemed"),)
    assert len(decision.cancel) == 1
    assert b"u1" not in encode(decision.state)


@pytest.mark.parametrize("reason", WRONG)
def test_a_wrong_presentation_uses_the_code(reason: str) -> None:
    """RFC 7636 4.6, RFC 6749 4.1.3: wrong in one thing: nothing is handed out, now or later."""
    decision = _decide(_issued(), WRONG[reason])
    assert decision.reply == CodeRefused(reason)
    assert decision.messages == ()
    assert _decide(decision.state, REDEEM).reply == CodeRefused(reason)


def test_used_twice_takes_back_what_it_gave() -> None:
    """RFC 6749 4.1.2: the second use is refused, whoever it is, and ends the family of the first."""
    redeemed = _decide(_issued(), REDEEM).state
    for again in (REDEEM, *WRONG.values()):
        decision = _decide(redeemed, again)
        assert decision.reply == CodeRefused("reused")
        assert decision.messages == (Outgoing(Address(FAMILY, "family"), EndFamily("code_reused")),)
        assert decision.events == (CodeReused(),)


@dataclass(frozen=True)
class Step:
    """One presentation, after some time."""

    message: RedeemCode
    after_ms: int


STEPS = st.lists(
    st.builds(
        Step, st.sampled_from((REDEEM, REDEEM, *WRONG.values())), st.integers(0, MINUTE_MS // 2)
    ),
    max_size=6,
)


@given(STEPS)
def test_at_most_one_family_whatever_comes(steps: list[Step]) -> None:
    """S34: one redemption if and only if the first presentation is right and in time; at most one
    family is opened, and it is ended if and only if anything came after.
    """
    state, now, sent = _issued(), DAWN, list[Message]()
    for number, step in enumerate(steps):
        now += step.after_ms
        decision = _decide(state, step.message, now)
        state = decision.state
        sent += [outgoing.message for outgoing in decision.messages]
        right = number == 0 and step.message is REDEEM and now < DAWN + MINUTE_MS
        assert isinstance(decision.reply, CodeRedeemed) == right
    first = steps[0] if steps else Step(WRONG["client_mismatch"], 0)
    good = first.message is REDEEM and first.after_ms < MINUTE_MS
    event(f"redeemed: {good}")
    opened = [OpenFamily(ALLOWED, "digest", 60_000)] if good else []
    ended = [EndFamily("code_reused")] if good and len(steps) > 1 else []
    assert sent == [*opened, *ended]


async def test_raced_codes_give_nothing_in_the_end(autojump_clock: MockClock) -> None:
    """S34: of 4 who present one code at once, one gets tokens, and these are then taken back; alone,
    they are good. 200 times, through the engine.
    """
    specs = (authorization_code_spec(Bounds()), refresh_family_spec(Bounds()), revocation_spec())
    async with MemoryJournal.open(MemoryTables()) as journal:
        parts = toy_parts(journal, actors=specs, clock=toy_clock(manual=True))
        async with Engine(parts).running() as engine:
            for number in range(200):
                alone = number % 2 == 0
                code = Address(KIND, f"code-{number}")
                await engine.ask(code, ISSUE)
                redeemed = await _present(engine, code, 1 if alone else 4)
                assert len(redeemed) == 1
                assert await engine.quiesce(5)
                use = RotateToken("web", "digest", "next")
                answer = await engine.ask(Address(FAMILY, redeemed[0]), use)
                expected = TokenRotated if alone else TokenRefused
                assert isinstance(answer.reply, expected)
            assert not await engine.journal.dead_letters("dlq:access", 10)


async def _present(engine: Engine, code: Address, times: int) -> list[str]:
    """Present a code at once so many times; the families that were opened."""
    won: list[str] = []

    async def one(number: int) -> None:
        family = f"{code.key}-{number}"
        reply = (await engine.ask(code, msgspec.structs.replace(REDEEM, family=family))).reply
        if isinstance(reply, CodeRedeemed):
            won.append(family)

    async with trio.open_nursery() as nursery:
        for number in range(times):
            nursery.start_soon(one, number)
    return won
