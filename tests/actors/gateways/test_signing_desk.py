"""Where a client signs on the page of whoever has contracts signed: an address while they wait, or why there is none (S28)."""

import pytest
import structlog.testing
import trio

from comptoir.actors.gateways.signing_desk import (
    ADDRESSES_MAX,
    ADDRESSES_S,
    AWAY,
    ELSEWHERE,
    TOO_OFTEN,
    SigningDesk,
    SigningPlace,
    SigningView,
)
from comptoir.engine.gateway_spec import CallFault, GatewayBounds
from comptoir.engine.spec import BreakerBounds
from tests.actors.signed import SIGNER

SECRET = "https://sign.example/1?token=secret"
BOUNDS = GatewayBounds(deadline_s=2.0, calls_max=2, breaker=BreakerBounds(errors=2))


class Page:
    """A provider's; what it says next."""

    def __init__(self) -> None:
        self.asked = 0
        self.fault: CallFault | None = None
        self.takes_s = 0.0

    async def view(self, place: SigningPlace) -> SigningView:
        """As it is told."""
        del place
        self.asked += 1
        await trio.sleep(self.takes_s)
        if self.fault is not None:
            raise self.fault
        return SigningView(SECRET)


class Desk:
    """A desk, what it counted, and its time."""

    def __init__(self, page: Page | None) -> None:
        self.counted: list[str] = []
        self.desk = SigningDesk(page, BOUNDS, self.counted.append)

    async def asks(self, envelope: str = "env-1") -> str:
        """An address, or the code of why there is none."""
        try:
            view = await self.desk.address(SigningPlace(envelope, SIGNER, "https://us.example/", 0))
        except CallFault as fault:
            return fault.code
        return view.url


async def test_an_address_is_given_and_in_no_words(autojump_clock: object) -> None:
    """S28, S36: it goes to whoever asks for it, and stands in no log and in nothing that may be printed."""
    page = Page()
    with structlog.testing.capture_logs() as logs:
        there = Desk(page)
        assert await there.asks() == SECRET
        page.fault = CallFault("SIGNING_REFUSED", retryable=False, sick=False)
        assert await there.asks() == AWAY
    assert there.counted == ["given", AWAY]
    assert [one["code"] for one in logs] == ["SIGNING_REFUSED"]
    assert "secret" not in f"{SigningView(SECRET)!r}{there.desk!r}{logs}"


async def test_nobody_is_sent_where_nobody_signs() -> None:
    """S28: without a provider that has pages of its own, or by its own word."""
    there = Desk(None)
    assert (there.desk.is_open, await there.asks()) == (False, ELSEWHERE)
    page = Page()
    page.fault = CallFault(ELSEWHERE, retryable=False, sick=False)
    assert await Desk(page).asks() == ELSEWHERE


async def test_of_one_envelope_there_are_so_many_addresses(autojump_clock: object) -> None:
    """S62: more are refused with how long to wait, and nobody is asked; another envelope has its own."""
    page = Page()
    there = Desk(page)
    for _ in range(ADDRESSES_MAX):
        assert await there.asks() == SECRET
    assert await there.asks() == TOO_OFTEN
    assert page.asked == ADDRESSES_MAX
    assert await there.asks("env-2") == SECRET
    with pytest.raises(CallFault) as refused:
        await there.desk.address(SigningPlace("env-1", SIGNER, "https://us.example/", 0))
    assert 0 < refused.value.wait_ms <= ADDRESSES_S * 1000
    await trio.sleep(refused.value.wait_ms / 1000)
    assert await there.asks() == SECRET


async def test_a_provider_that_is_away_is_left_alone(autojump_clock: object) -> None:
    """S65: a call has its deadline, and after some that failed none is made for a while."""
    page = Page()
    there = Desk(page)
    page.takes_s = 60.0
    began = trio.current_time()
    for number in range(4):
        assert await there.asks(f"env-{number}") == AWAY
    assert trio.current_time() - began == 2 * BOUNDS.deadline_s
    assert page.asked == 2


async def test_so_many_are_asked_for_at_once(autojump_clock: object) -> None:
    """design.md 5: one more is told to come back, and does not wait."""
    page = Page()
    page.takes_s = 1.0
    there = Desk(page)
    found: list[str] = []

    async def one(envelope: str) -> None:
        found.append(await there.asks(envelope))

    async with trio.open_nursery() as nursery:
        for number in range(BOUNDS.calls_max + 1):
            nursery.start_soon(one, f"env-{number}")
    assert sorted(found) == sorted([AWAY, SECRET, SECRET])


async def test_presses_while_it_is_away_are_no_addresses(autojump_clock: object) -> None:
    """S62, S65: who pressed the button in an outage gets their address when it is over, and is not told to wait on."""
    page = Page()
    there = Desk(page)
    page.fault = CallFault("SIGNING_UNREACHABLE", retryable=True)
    for _ in range(2 * ADDRESSES_MAX):
        assert await there.asks() == AWAY
        await trio.sleep(1)
    page.fault = None
    await trio.sleep(BOUNDS.breaker.recovery_ms / 1000)
    for _ in range(ADDRESSES_MAX):
        assert await there.asks() == SECRET
    assert await there.asks() == TOO_OFTEN
