"""Counters of signatures: what was read of envelopes because no webhook had told it (E6)."""

from comptoir.actors.signature.state import EnvelopeMoved
from comptoir.engine.journal import Decided
from comptoir.engine.tally import Tally

__all__ = ["SignatureMeasures"]


class SignatureMeasures:
    """Counts what signatures say."""

    def __init__(self, healed: Tally) -> None:
        """Args: healed: what webhooks of whoever has contracts signed have missed."""
        self._healed = healed

    def count(self, decided: Decided) -> None:
        """Count what one decision says."""
        for event in decided.decision.events:
            if isinstance(event, EnvelopeMoved) and event.healed:
                self._healed.value += 1
