"""Samples for points that end, and for points that are given or taken by hand."""

import msgspec

from comptoir.actors.wallet.messages import (
    AdjustPoints,
    DescribeAdjustment,
    ExpirePoints,
    ProposeAdjustment,
)
from comptoir.actors.wallet.state import AdjustmentFacts, ExpiryFacts, Phase, WalletState
from comptoir.engine.journal import Ending, Lot
from comptoir.engine.values import Message, State
from tests.actors.purchases import NOW, lot

__all__ = ["LASTING"]

ENDED: Lot = msgspec.structs.replace(lot(100), expires_at=NOW - 1)
OVER = ExpiryFacts((ENDED,), (Ending(NOW - 1, 100),))
NOTED = {
    "user_id": "u1", "points": 100, "status": "proposed", "maker": "one", "approval": "apr_1",
    "asked_at": 1,
}  # fmt: skip
FOUND = AdjustmentFacts(NOTED, (lot(500),))
NEW = WalletState(Phase.NEW)
RICH = WalletState(Phase.ACTIVE, available=500)
OWING = WalletState(Phase.OVERDRAWN, available=500, shortfall=50)
OWING_MUCH = WalletState(Phase.OVERDRAWN, available=500, shortfall=500)
GIVEN, TAKEN = (AdjustPoints("adj_1", points, "so", "one", "two") for points in (100, -100))
ASKED = ProposeAdjustment("adj_1", "apr_1", 100, "so", "one", ("ADMIN",), 1000)
TOLD = DescribeAdjustment("adj_1")
Sample = tuple[State, Message, ExpiryFacts | AdjustmentFacts]
LASTING: tuple[Sample, ...] = (
    *((state, ExpirePoints(), OVER) for state in (NEW, RICH, OWING, OWING_MUCH)),
    *(
        (state, message, FOUND)
        for state in (NEW, RICH, OWING, OWING_MUCH)
        for message in (GIVEN, TAKEN, ASKED, TOLD)
    ),
    (RICH, ASKED, AdjustmentFacts()),
    (RICH, msgspec.structs.replace(TAKEN, points=-501), FOUND),
)
"""State, message, and what its lookup finds."""
