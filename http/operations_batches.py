"""The rows of batches of payouts (operations.py).

Source: interface.md 7 (rows b2); spec.md S34, S50, S60, E14, X27.
"""

from types import MappingProxyType
from typing import Final

from comptoir.http import bank_reports, batches
from comptoir.http import shapes_batches as shapes
from comptoir.http.operation import Assurance, Body, Door, Operation, Parameter, Reach
from comptoir.http.operations_banking import CURSOR, LIMIT
from comptoir.http.principal import Role

__all__ = ["BATCHES", "REPORT_SCOPE"]

REPORT_SCOPE: Final = "payouts:report"
"""What brings reports from the bank, and does nothing else."""
_SEES: Final = MappingProxyType({Role.COMPLIANCE: Reach.ANY, Role.OPERATIONS: Reach.ANY})
_PAYS: Final = MappingProxyType({Role.OPERATIONS: Reach.ANY})
_SIGNS: Final = MappingProxyType({Role.OPERATIONS: Reach.ANY, Role.ADMIN: Reach.ANY})
"""Another than who closed or released it: the machine's to decide; an ADMIN once it is escalated."""
_BATCH = Parameter(
    "batchId", "path", "The batch's id, `PB-...`.",
    {"type": "string", "minLength": 19, "maxLength": 19},
)  # fmt: skip

BATCHES: Final = (
    Operation(
        "listBatches", "GET", "/api/v1/payouts/batches", "Batches of payouts", "payouts", Door.TOKEN,
        {200: Body("A page, the newest first.", shapes.BatchPage)}, batches.listed,
        problems=("REQUEST_INVALID", "STORAGE_UNAVAILABLE"), grants=_SEES, parameters=(LIMIT, CURSOR),
    ),
    Operation(
        "getBatch", "GET", "/api/v1/payouts/batches/{batchId}", "A batch, and whom it pays", "payouts",
        Door.TOKEN, {200: Body("The batch, and a page of its rows.", shapes.BatchWhole)}, batches.shown,
        problems=("NOT_FOUND", "REQUEST_INVALID", "STORAGE_UNAVAILABLE"), grants=_SEES,
        parameters=(_BATCH, LIMIT, CURSOR),
    ),
    Operation(
        "closeBatch", "POST", "/api/v1/payouts/batches/{batchId}/close",
        "A batch is closed before its cut-off", "payouts", Door.TOKEN,
        {200: Body("It is closed; another person approves it.", shapes.Batch)}, batches.close,
        problems=("NOT_FOUND", "CONFLICT"), grants=_PAYS, assurance=Assurance.TWO_FACTORS,
        parameters=(_BATCH,),
    ),
    Operation(
        "approveBatch", "POST", "/api/v1/payouts/batches/{batchId}/approve",
        "A batch is signed: by a second person it is paid", "payouts", Door.TOKEN,
        {200: Body("Its file is fixed; where its cut-off has closed it, this was the first of two signatures.", shapes.Batch)},
        batches.approve,
        problems=("NOT_FOUND", "CONFLICT", "FOUR_EYES"), grants=_SIGNS, assurance=Assurance.RECENT,
        parameters=(_BATCH,),
    ),
    Operation(
        "rejectBatch", "POST", "/api/v1/payouts/batches/{batchId}/reject",
        "Nobody is paid by this batch", "payouts", Door.TOKEN,
        {200: Body("Its points are on their way back.", shapes.Batch)}, batches.reject,
        problems=("NOT_FOUND", "CONFLICT", "REQUEST_INVALID"), grants=_PAYS, assurance=Assurance.TWO_FACTORS,
        parameters=(_BATCH,), body=Body("Why.", shapes.Rejection),
    ),
    Operation(
        "getBatchFile", "GET", "/api/v1/payouts/batches/{batchId}/pain001",
        "The approved file, for the bank", "payouts", Door.TOKEN,
        {200: Body("pain.001.001.09, the same bytes each time.", media_type="application/xml")},
        batches.download, problems=("NOT_FOUND", "CONFLICT"), grants=_PAYS, parameters=(_BATCH,),
    ),
    Operation(
        "takeBankReport", "POST", bank_reports.REPORTS_PATH, "What the bank says of batches", "payouts",
        Door.TOKEN, {200: Body("It was passed on.", shapes.ReportTaken)}, bank_reports.take,
        problems=(
            "MEDIA_TYPE_UNSUPPORTED", "REPORT_MALFORMED", "REPORT_ACCOUNT_OTHER", "REPORT_REUSED", "CONFLICT",
        ),
        grants=_PAYS, scopes={REPORT_SCOPE: Reach.ANY}, assurance=Assurance.TWO_FACTORS,
        body=Body("pain.002.001.03 or .10, camt.054.001.02, .04 or .08.", media_type="application/xml"),
    ),
)  # fmt: skip
