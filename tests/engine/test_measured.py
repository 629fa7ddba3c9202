"""The figures of onboarding as gauges (S26, S39, E17)."""

from prometheus_client import CollectorRegistry

from comptoir.actors.onboarding_day.adding import summed, sums_of
from comptoir.engine.boot.measured import OnboardingFigures
from tests.actors.onboarding_day.test_figures import NOW, TERMS, seen, stays


def test_what_has_left_the_window_is_told_no_more() -> None:
    """E17: a stage in which nobody was for weeks has no share; the last one would be an alert for ever."""
    registry = CollectorRegistry()
    gauges = OnboardingFigures(registry, TERMS, lambda: NOW)

    def late(stage: str) -> float | None:
        return registry.get_sample_value("comptoir_onboarding_late_share", {"stage": stage})

    gauges.show(seen(summed(map(sums_of, stays("SIGNED", "advisor", 700, 9)))))
    assert (late("SIGNED"), late("KYC_PENDING")) == (1.0, None)
    gauges.show(seen(summed(map(sums_of, stays("KYC_PENDING", "provider", 700, 9)))))
    assert (late("SIGNED"), late("KYC_PENDING")) == (None, 1.0)
