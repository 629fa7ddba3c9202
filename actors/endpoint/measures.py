"""What is measured of webhooks to others: what became of calls, and endpoints that were disabled.

Rule: of decisions that are durable alone; no label names an endpoint or an address.
Source: spec.md S33, S67; docs/events.md.
"""

from prometheus_client import CollectorRegistry, Counter

from comptoir.actors.endpoint.messages import DeliveryEnded
from comptoir.actors.endpoint.state import EndpointDisabled
from comptoir.engine.journal import Decided

__all__ = ["EndpointMeasures"]


class EndpointMeasures:
    """The counters."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = Counter(
            "comptoir_webhook_deliveries", "Webhooks to others, by outcome.", ("outcome",), registry=registry
        )  # fmt: skip
        self._disabled = Counter(
            "comptoir_webhook_endpoints_disabled", "Endpoints disabled, by cause.", ("cause",), registry=registry
        )  # fmt: skip

    def count(self, decided: Decided) -> None:
        """Count one decision of an endpoint."""
        message = decided.message
        if isinstance(message, DeliveryEnded) and message.outcome != "nothing":
            self._calls.labels(message.outcome).inc()
        for event in decided.decision.events:
            if isinstance(event, EndpointDisabled):
                self._disabled.labels(event.cause).inc()
