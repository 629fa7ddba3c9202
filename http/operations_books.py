"""The rows of statements and provenance (operations.py).

Source: interface.md 7 (rows b2); spec.md S47, E7; docs/statements.md.
"""

from typing import Final

from comptoir.http import shapes_books as books
from comptoir.http.drawing import PDF
from comptoir.http.operation import Body, Door, Operation, Owner, Parameter
from comptoir.http.operations_banking import CURSOR, ID, LIMIT, READS_MONEY, WITHDRAWAL
from comptoir.http.provenance import provenance
from comptoir.http.statements import FORMATS, LANGUAGES, statement

__all__ = ["BOOKS"]

_USER = Parameter("userId", "path", "Whose wallet.", ID)
_MONTH = Parameter(
    "month", "path", "The month, `2026-11`.",
    {"type": "string", "pattern": "^20[0-9]{2}-(0[1-9]|1[0-2])$", "minLength": 7, "maxLength": 7},
)  # fmt: skip
_FORMAT = Parameter(
    "format",
    "query",
    "Without it, what `Accept` likes best.",
    {"type": "string", "enum": [*FORMATS]},
)
_LANGUAGE = Parameter(
    "lang", "query", "Of the PDF; without it, what `Accept-Language` likes best.",
    {"type": "string", "enum": [*LANGUAGES]},
)  # fmt: skip
_LINES = Parameter(
    "limit", "query", "Movements of a page; of CSV and PDF `statements.lines_max`, if it is missing.",
    {"type": "integer", "minimum": 1},
)  # fmt: skip

BOOKS: Final = (
    Operation(
        "getStatement", "GET", "/api/v1/wallets/{userId}/statements/{month}", "A month of a user's points",
        "cashback", Door.TOKEN,
        {
            200: Body(
                "The statement.", books.Statement, headers=("ETag", "Link", "Content-Disposition"),
                also=("text/csv", PDF),
            ),
            304: Body("The caller has it already (If-None-Match).", None, "", headers=("ETag",)),
        },
        statement, problems=("NOT_FOUND", "REQUEST_INVALID", "OVERLOADED", "STORAGE_UNAVAILABLE"),
        grants=READS_MONEY, owner=Owner.PATH,
        parameters=(_USER, _MONTH, _FORMAT, _LANGUAGE, _LINES, CURSOR),
    ),
    Operation(
        "getProvenance", "GET", "/api/v1/withdrawals/{withdrawalId}/provenance",
        "Where the money of a withdrawal comes from", "withdrawals", Door.TOKEN,
        {200: Body("A page of its parts, first in, first out.", books.Provenance)}, provenance,
        problems=("NOT_FOUND", "REQUEST_INVALID", "STORAGE_UNAVAILABLE"), grants=READS_MONEY,
        owner=Owner.ANSWER, parameters=(WITHDRAWAL, LIMIT, CURSOR),
    ),
)  # fmt: skip
