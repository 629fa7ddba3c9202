"""What /metrics tells of keys: generations, how many there are, how far a rotation has come.

Rule: figures only; nothing of a key or of a person. Source: interface.md 5; docs/keys.md.
"""

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from comptoir.storage.keys.keyring import Keyring
from comptoir.storage.keys.rotation import KINDS, Rotations, measure

__all__ = ["KeyMeasures"]


class KeyMeasures(Collector):
    """Reads the keyring and the rotations when scraped."""

    def __init__(self, keyring: Keyring, rotations: Rotations) -> None:
        self._keyring = keyring
        self._rotations = rotations

    def collect(self) -> Iterable[Metric]:
        """Yield the gauges; keys are counted once a minute."""
        progress = GaugeMetricFamily(
            "comptoir_key_rotation_progress", "Done of the last rotation, 0 to 1.", labels=["key"]
        )
        faults = GaugeMetricFamily(
            "comptoir_key_rotation_waiting", "1: a step failed and is tried again.", labels=["key"]
        )
        for kind in KINDS:
            row = self._rotations.rows.get(kind)
            progress.add_metric([kind], 1.0 if row is None else measure(row))
            faults.add_metric([kind], float(row is not None and bool(row.fault)))
        yield progress
        yield faults
        figures = self._keyring.statistics()
        generation = GaugeMetricFamily(
            "comptoir_key_generation", "Generation of the keys in use.", labels=["key"]
        )
        for kind, value in (
            ("data", figures.generation), ("wrap", figures.wrap), ("once", figures.once),
            ("index", figures.index), ("subject", figures.subject),
        ):  # fmt: skip
            generation.add_metric([kind], value)
        yield generation
        held = GaugeMetricFamily("comptoir_data_keys", "Data keys by state.", labels=["state"])
        for state, value in (
            ("held", self._rotations.keys),
            ("erased", self._rotations.erased),
            ("cached", figures.cached),
        ):
            held.add_metric([state], value)
        yield held
