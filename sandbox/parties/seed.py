"""The bank aggregator of the seed documents: it sends webhooks.

Its own API is bank.py.

Rule: its misbehaviour is a stage between what was planned and what is sent, so that single webhooks
and whole runs fail in the same ways.

Source: spec S52, S56; interface.md 10 (faults duplicate, reorder, late, forged, wrong_clock,
replay).
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from comptoir.sandbox.deliveries import Delivery
from comptoir.sandbox.faults import Direction, Faults, FaultSpec, Kind, Operation
from comptoir.sandbox.schemes import Signature

NAME = "seed"
WEBHOOK = Operation("webhooks.send", Direction.OUTBOUND)
# So many later ones overtake a reordered webhook: enough to cross any pair of connections.
OVERTAKEN_BY = 8


def misbehave(
    deliveries: Iterable[Delivery],
    faults: Faults,
    sends: tuple[str, Operation] = (NAME, WEBHOOK),
) -> Iterator[Delivery]:
    """Passes the deliveries of a party's operation on, with the faults in force done to them."""
    held: deque[tuple[int, list[Delivery]]] = deque()
    for position, delivery in enumerate(deliveries):
        fired = faults.draw(*sends) if faults and not delivery.verbatim else ()
        group = _disturb(delivery, fired)
        if any(spec.kind is Kind.REORDER for spec in fired):
            held.append((position + OVERTAKEN_BY, group))
        else:
            yield from group
        while held and held[0][0] <= position:
            yield from held.popleft()[1]
    for _, group in held:
        yield from group


def _disturb(delivery: Delivery, fired: tuple[FaultSpec, ...]) -> list[Delivery]:
    """The deliveries that one becomes: itself, disturbed, then its repeats; none if it is lost on the way."""
    if any(spec.kind is Kind.LOST for spec in fired):
        delivery.acknowledged = False  # what was to follow it does not go
        return []
    repeats: list[Delivery] = []
    for spec in fired:
        if spec.kind is Kind.FORGED:
            delivery.kind, delivery.signature = "forged", Signature.FORGED
        elif spec.kind is Kind.LATE:
            delivery.kind, delivery.skew_ms = "late", delivery.skew_ms - spec.ms
        elif spec.kind is Kind.WRONG_CLOCK:
            delivery.kind, delivery.skew_ms = "wrong_clock", delivery.skew_ms + spec.ms
        elif spec.kind is Kind.DUPLICATE:
            repeats.append(replace(delivery, kind="duplicate", waiting=[]))
        elif spec.kind is Kind.REPLAY:
            repeats.append(
                Delivery(
                    "replay", delivery.body, delivery.transaction, after=delivery, verbatim=True
                )
            )
    return [delivery, *repeats]
