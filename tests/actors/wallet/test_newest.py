"""Which purchase an unnamed refund takes: the newest alike, also where the clock cannot tell two apart."""

import pytest

from comptoir.actors.wallet.messages import ClawBack
from comptoir.engine.clock import BusinessClock
from tests.actors.wallet.books import Wallet, anew, credit, opened

NAMES = tuple(f"t{number}" for number in range(12))


def stopped() -> BusinessClock:
    """One that stands, as for two purchases of one millisecond, or while a wall clock that was set back catches up."""
    return BusinessClock(manual=True, wall_ms=lambda: 1_800_000_000_000)


def refund(number: int, cents: int = 5_000) -> ClawBack:
    """One that names no purchase."""
    return ClawBack("plaid", f"r{number}", "", f"tag{cents}", cents)


async def refunded(wallet: Wallet, names: tuple[str, ...]) -> list[str]:
    """Those of them that were refunded."""
    return [name for name in names if (await wallet.found(name)).get("refunded_cents")]


async def test_of_one_instant_what_was_told_last_is_the_newest() -> None:
    """X24, interface.md 6: twelve purchases in the same millisecond are taken back from the last to the first."""
    async with opened(clock=stopped()) as wallet:
        await wallet.told(*(credit(name, 5_000) for name in NAMES))
        lots = await wallet.engine.journal.lots("u1")
        assert len({lot.earned_at for lot in lots}) == 1
        for number in range(len(NAMES)):
            await wallet.told(refund(number))
            assert await refunded(wallet, NAMES) == list(NAMES[-1 - number :])


async def test_of_one_instant_what_was_told_first_is_spent_first() -> None:
    """S47: first in, first out, by the order in which they were earned."""
    async with opened(clock=stopped()) as wallet:
        await wallet.told(*(credit(name, 5_000) for name in NAMES))
        assert [lot.source for lot in await wallet.engine.journal.lots("u1")] == list(NAMES)


@pytest.mark.parametrize("later_ms", [0, 1])
async def test_a_correction_does_not_make_a_purchase_newer(later_ms: int) -> None:
    """E8, X24: that its amount was told anew, and earned a lot of its own, changes nothing about when it was made."""
    async with opened(clock=stopped()) as wallet:
        await wallet.told(anew("older", "older", 4_000))
        await wallet.engine.advance_clock(1)
        await wallet.told(credit("newer", 5_000))
        await wallet.engine.advance_clock(later_ms / 1000)
        await wallet.told(anew("older", "older", 5_000))
        await wallet.told(refund(1))
        assert await refunded(wallet, ("older", "newer")) == ["newer"]
        await wallet.told(refund(2))
        assert await refunded(wallet, ("older", "newer")) == ["older", "newer"]
