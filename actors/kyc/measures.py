"""Counter of what compliance should know at once of the assessment of clients (X4, S27)."""

from prometheus_client import CollectorRegistry

from comptoir.actors.kyc.state import CaseAlerted, ReportIgnored
from comptoir.engine.journal import Decided
from comptoir.engine.tally import Tallies

__all__ = ["KycMeasures"]


class KycMeasures:
    """Counts what cases alert of."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._alerts = Tallies(
            registry,
            "comptoir_kyc_alerts",
            "Cases that somebody of compliance should look at, by why: the bureau and our decision disagree, a party "
            "is silent, a list has somebody (X4, S27, E4).",
            ("code",),
        )
        self._ignored = Tallies(
            registry,
            "comptoir_kyc_reports_ignored",
            "Reports of the bureau that came when they could not count.",
        ).of()

    def count(self, decided: Decided) -> None:
        """Count what one decision says."""
        for event in decided.decision.events:
            if isinstance(event, CaseAlerted):
                for code in event.codes:
                    self._alerts.of(code).value += 1
            elif isinstance(event, ReportIgnored):
                self._ignored.value += 1
