"""Which messages of a shared reply queue are left for others: actors/gateways/queue_amqp.py.

Source: X10, S31; docs/core-banking.md.
"""

import pytest


@pytest.mark.parametrize(
    ("correlation", "others"),
    [
        ("BANK-7", True), ("BANK-7\0\0", True), ("ONB-2026-00001:1", False), ("ONB-2026-00001:1" + "\0" * 8, False),
        (b"ONB-2026-00001:1", False), ("ONB-\u00e9", False), ("BANK-\u00e9", False), ("", False), (None, False), (7, False),
    ],
)  # fmt: skip
def test_only_what_is_plainly_others_stops_us(correlation: object, others: bool) -> None:
    """X10, S31: as a broker without selectors shows itself; what cannot be read is a dead letter, and stops nothing."""
    pytest.importorskip("proton", reason="Qpid Proton is an extra")
    from comptoir.actors.gateways.queue_amqp import is_for_others  # an extra

    assert is_for_others(correlation, "ONB-") is others
