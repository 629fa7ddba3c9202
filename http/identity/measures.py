"""What became of tokens and of a provider's keys, as metrics that are read when they are scraped.

The rule: labels are words of fixed lists, never an issuer's name, a key's or a caller's.
Source: interface.md 5; spec.md S67, S70 (invalid attempts).
"""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from comptoir.http.identity.opening import Identity

__all__ = ["IdentityCollector"]


class IdentityCollector(Collector):
    """Reads the figures of one identity."""

    def __init__(self, identity: Identity) -> None:
        """Args: whose."""
        self._identity = identity

    def collect(self) -> Iterable[Metric]:
        """Yield every metric of identity."""
        figures = self._identity.authenticator.statistics()
        tokens = CounterMetricFamily(
            "comptoir_tokens", "Access tokens by what became of them.", labels=["result", "reason"]
        )
        tokens.add_metric(["accepted", ""], figures.accepted)
        for reason, count in sorted(figures.refused.items()):
            tokens.add_metric(["refused", reason], count)
        yield tokens
        if self._identity.provider is not None:
            yield from self._provider()

    def _provider(self) -> Iterable[Metric]:
        """How the external issuer's keys are; without any, they have no age."""
        provider = self._identity.provider
        assert provider is not None
        figures = provider.statistics()
        yield GaugeMetricFamily(
            "comptoir_issuer_keys", "Usable keys of the external issuer.", value=figures.keys
        )
        age = GaugeMetricFamily(
            "comptoir_issuer_keys_age_seconds", "Since the external issuer's keys were fetched."
        )
        if figures.age_s is not None:
            age.add_metric([], figures.age_s)
        yield age
        fetches = CounterMetricFamily(
            "comptoir_issuer_fetches", "Fetches of the external issuer's keys.", labels=["result"]
        )
        fetches.add_metric(["fetched"], figures.fetches - figures.failures)
        fetches.add_metric(["failed"], figures.failures)
        yield fetches
