"""The circuit breaker as a pure machine: S65's three settings, one probe, never stuck (X18, E5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.engine.breaker import BREAKER, Breaker, Phase
from comptoir.engine.spec import BreakerBounds

SETTINGS = {
    "powens": BreakerBounds(5, 10_000, 30_000),
    "points": BreakerBounds(10, 10_000, 15_000),
    "notification": BreakerBounds(20, 10_000, 10_000),
}
"""S65: errors, window, recovery."""


def _opened(bounds: BreakerBounds, at: int = 0) -> Breaker:
    breaker = Breaker("x", bounds)
    for _ in range(bounds.errors):
        breaker.failed(at)
    assert breaker.state.phase is Phase.OPEN
    return breaker


@pytest.mark.parametrize("name", SETTINGS)
def test_opens_at_the_declared_number_of_errors(name: str) -> None:
    """S65: n-1 errors within the window leave it closed, the n-th opens it."""
    bounds = SETTINGS[name]
    breaker = Breaker(name, bounds)
    for index in range(bounds.errors - 1):
        breaker.failed(index)
        assert breaker.permits(index)
    breaker.failed(bounds.window_ms - 1)
    assert breaker.state.phase is Phase.OPEN
    assert not breaker.permits(bounds.window_ms)
    assert breaker.opened_total == 1


@pytest.mark.parametrize("name", SETTINGS)
def test_errors_outside_the_window_are_forgotten(name: str) -> None:
    """S65: errors spread so that never n of them are within ten seconds open nothing."""
    bounds = SETTINGS[name]
    breaker = Breaker(name, bounds)
    step = -(-bounds.window_ms // (bounds.errors - 1))
    for index in range(10 * bounds.errors):
        breaker.failed(index * step)
        assert breaker.closed
    assert len(breaker.state.failures) < bounds.errors


@pytest.mark.parametrize("name", SETTINGS)
def test_recovers_through_one_probe(name: str) -> None:
    """S65, E5: nothing passes before the recovery time, then one probe; its success closes."""
    bounds = SETTINGS[name]
    breaker = _opened(bounds)
    assert not breaker.permits(bounds.recovery_ms - 1)
    assert breaker.wait_ms(bounds.recovery_ms - 1) == 1
    assert breaker.wait_ms(bounds.recovery_ms) == 0
    assert breaker.permits(bounds.recovery_ms)
    assert breaker.state.phase is Phase.HALF_OPEN
    assert not any(breaker.permits(bounds.recovery_ms + ms) for ms in range(0, 100, 7))
    breaker.succeeded(bounds.recovery_ms + 100)
    assert breaker.closed
    assert breaker.permits(bounds.recovery_ms + 100)


def test_failed_probe_opens_again_for_a_whole_recovery() -> None:
    """S65: a probe that fails opens the breaker again, and the recovery time begins anew."""
    bounds = SETTINGS["powens"]
    breaker = _opened(bounds)
    assert breaker.permits(30_000)
    breaker.failed(31_000)
    assert breaker.state.phase is Phase.OPEN
    assert breaker.opened_total == 2
    assert not breaker.permits(60_999)
    assert breaker.permits(61_000)


def test_late_answers_do_not_close_an_open_breaker() -> None:
    """Calls that were under way when it opened change nothing when they come back."""
    breaker = _opened(SETTINGS["powens"])
    breaker.succeeded(1)
    breaker.failed(2)
    assert breaker.state.phase is Phase.OPEN
    assert breaker.state.opened_at == 0


def test_lost_probe_does_not_keep_it_half_open() -> None:
    """A probe that nobody ever hears of again is followed by another after the recovery time."""
    bounds = SETTINGS["points"]
    breaker = _opened(bounds)
    assert breaker.permits(15_000)
    assert breaker.wait_ms(20_000) == 10_000
    assert not breaker.permits(29_999)
    assert breaker.permits(30_000)
    assert not breaker.permits(30_001)


def test_every_pair_has_a_row() -> None:
    """Nothing that can be told to a breaker is refused."""
    assert not any(line.refused for line in BREAKER)


STEPS = st.lists(
    st.tuples(st.sampled_from(("ask", "ok", "fail")), st.integers(0, 7000)), max_size=200
)


@given(STEPS, st.sampled_from(sorted(SETTINGS)))
def test_never_more_than_one_probe_in_half_open(steps: list[tuple[str, int]], name: str) -> None:
    """Whatever happens, while not closed at most one call is let through per recovery time.

    The oracle is a list of permissions, and knows nothing of phases.
    """
    bounds = SETTINGS[name]
    breaker = Breaker(name, bounds)
    now = 0
    blocked_since: int | None = None
    for step, wait in steps:
        now += wait
        if step == "ok":
            breaker.succeeded(now)
        elif step == "fail":
            breaker.failed(now)
        else:
            was_closed = breaker.closed
            permitted = breaker.permits(now)
            assert permitted or not was_closed
            if permitted and not was_closed:
                assert blocked_since is None or now - blocked_since >= bounds.recovery_ms
                blocked_since = now
        if breaker.closed:
            blocked_since = None
        assert len(breaker.state.failures) < bounds.errors
        assert 0 <= breaker.wait_ms(now) <= bounds.recovery_ms
