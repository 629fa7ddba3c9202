"""The rows of adjustments (operations.py).

Source: interface.md 7 (rows b2); spec.md S34, S47, S60, E14.
"""

from types import MappingProxyType
from typing import Final

from comptoir.http import adjustments
from comptoir.http import shapes_points as points
from comptoir.http.operation import Assurance, Body, Door, Operation, Parameter, Reach
from comptoir.http.operations_banking import CURSOR, LIMIT
from comptoir.http.principal import Role

__all__ = ["POINTS"]

_ADJUSTS: Final = MappingProxyType({Role.OPERATIONS: Reach.ANY})
"""Who answers for what people have."""
_APPROVES: Final = MappingProxyType({Role.OPERATIONS: Reach.ANY, Role.ADMIN: Reach.ANY})
"""Another of them, or who keeps access; the machine holds that they are two."""
_ADJUSTMENT = Parameter(
    "adjustmentId", "path", "The adjustment's id, `adj_...`.",
    {"type": "string", "minLength": 24, "maxLength": 24},
)  # fmt: skip

POINTS: Final = (
    Operation(
        "adjustPoints", "POST", "/api/v1/adjustments", "Points are to be given or taken by hand", "points",
        Door.TOKEN, {202: Body("Nothing yet: a second person approves it.", points.Adjustment)}, adjustments.ask,
        problems=("NOT_FOUND", "REQUEST_INVALID", "POINTS_INSUFFICIENT", "CONFLICT"), grants=_ADJUSTS,
        assurance=Assurance.TWO_FACTORS, body=Body("Whose, how many, why.", points.NewAdjustment),
    ),
    Operation(
        "listAdjustments", "GET", "/api/v1/adjustments", "Points that were given or taken by hand", "points",
        Door.TOKEN, {200: Body("A page, the newest first.", points.AdjustmentPage)}, adjustments.listed,
        problems=("REQUEST_INVALID", "STORAGE_UNAVAILABLE"), grants=_APPROVES, parameters=(LIMIT, CURSOR),
    ),
    Operation(
        "getAdjustment", "GET", "/api/v1/adjustments/{adjustmentId}", "How far an adjustment is", "points",
        Door.TOKEN, {200: Body("It.", points.Adjustment)}, adjustments.shown,
        problems=("NOT_FOUND", "STORAGE_UNAVAILABLE"), grants=_APPROVES, parameters=(_ADJUSTMENT,),
    ),
    Operation(
        "approveAdjustment", "POST", "/api/v1/adjustments/{adjustmentId}/approve",
        "A second person lets points be given or taken", "points", Door.TOKEN,
        {200: Body("The wallet has decided: it is applied, or refused.", points.Adjustment)},
        adjustments.approve, problems=("NOT_FOUND", "CONFLICT", "FOUR_EYES", "STORAGE_UNAVAILABLE", "VAULT_ERASED"),
        grants=_APPROVES, assurance=Assurance.RECENT, parameters=(_ADJUSTMENT,),
    ),
)  # fmt: skip
