"""The rows of withdrawals, and of the books that they are in (operations.py).

Source: interface.md 7 (rows b2); spec.md S34, S46, S50, S60.
"""

from types import MappingProxyType
from typing import Final

from comptoir.http import reconciliations, withdrawals
from comptoir.http import shapes_payouts as payouts
from comptoir.http import shapes_reconciliation as reconciliation
from comptoir.http.operation import Assurance, Body, Door, Operation, Owner, Parameter, Reach
from comptoir.http.operations_banking import CURSOR, ID, LIMIT, READS_MONEY, WITHDRAWAL
from comptoir.http.operations_batches import BATCHES
from comptoir.http.operations_books import BOOKS
from comptoir.http.principal import Role

__all__ = ["PAYOUTS"]

_WITHDRAWS: Final = MappingProxyType({Role.CLIENT: Reach.OWN})
"""Whose points they are, and nobody for them."""
_FINDS_OUT: Final = MappingProxyType({Role.OPERATIONS: Reach.ANY})
"""Who answers for a payment; another person approves."""
_DAY = Parameter("day", "query", "Of one day, in UTC.", {"type": "string", "format": "date"})
_OF_USER = Parameter("userId", "query", "Whose; a client's own without it.", ID)

_WATCHES: Final = MappingProxyType({Role.COMPLIANCE: Reach.ANY, Role.OPERATIONS: Reach.ANY})
"""Who sees what is paid, and whether it arrives."""
_QUOTED: Final = (
    "NOT_FOUND", "REQUEST_INVALID", "BANK_IBAN_INVALID", "BANK_WITHDRAWAL_MINIMUM", "POINTS_INSUFFICIENT",
    "BANK_PROVIDER_UNAVAILABLE",
)  # fmt: skip

PAYOUTS: Final = (
    Operation(
        "quoteWithdrawal", "POST", "/api/v1/withdrawals/quote",
        "What points would come to, and whose account it is", "withdrawals", Door.TOKEN,
        {200: Body("It blocks nothing; its terms hold until it expires.", payouts.Quote)}, withdrawals.quote,
        problems=_QUOTED, grants=_WITHDRAWS, owner=Owner.ANSWER,
        body=Body("How many, and to where.", payouts.NewQuote),
    ),
    Operation(
        "withdrawPoints", "POST", "/api/v1/withdrawals", "A person wants their points as money",
        "withdrawals", Door.TOKEN, {201: Body("It has begun; its points are blocked.", payouts.Withdrawal)},
        withdrawals.ask,
        problems=(
            *_QUOTED, "BANK_WITHDRAWAL_PENDING", "PAYEE_CHECK_NOT_CONFIRMED", "QUOTE_INVALID", "QUOTE_EXPIRED",
            "QUOTE_CHANGED",
        ),
        grants=_WITHDRAWS, owner=Owner.ANSWER, body=Body("How many, and to where.", payouts.NewWithdrawal),
    ),
    Operation(
        "listWithdrawals", "GET", "/api/v1/withdrawals", "A person's withdrawals", "withdrawals",
        Door.TOKEN, {200: Body("A page, the newest first.", payouts.WithdrawalPage)}, withdrawals.listed,
        problems=("NOT_FOUND", "REQUEST_INVALID", "STORAGE_UNAVAILABLE"), grants=READS_MONEY,
        owner=Owner.ANSWER, parameters=(_OF_USER, LIMIT, CURSOR),
    ),
    Operation(
        "getWithdrawal", "GET", "/api/v1/withdrawals/{withdrawalId}", "How far a withdrawal is",
        "withdrawals", Door.TOKEN, {200: Body("The withdrawal.", payouts.Withdrawal)}, withdrawals.shown,
        problems=("NOT_FOUND",), grants=READS_MONEY, owner=Owner.ANSWER, parameters=(WITHDRAWAL,),
    ),
    Operation(
        "cancelWithdrawal", "POST", "/api/v1/withdrawals/{withdrawalId}/cancel",
        "A person does not want it any more", "withdrawals", Door.TOKEN,
        {200: Body("It is cancelled; its points are available.", payouts.Withdrawal)}, withdrawals.cancel,
        problems=("NOT_FOUND", "CONFLICT"), grants=_WITHDRAWS, owner=Owner.ANSWER,
        parameters=(WITHDRAWAL,),
    ),
    Operation(
        "listOverduePayouts", "GET", "/api/v1/payouts/overdue", "Withdrawals that should have an end by now",
        "payouts", Door.TOKEN, {200: Body("A page, the longest first.", payouts.WithdrawalPage)},
        withdrawals.overdue, problems=("REQUEST_INVALID", "STORAGE_UNAVAILABLE"), grants=_WATCHES,
        parameters=(LIMIT, CURSOR),
    ),
    Operation(
        "listReconciliations", "GET", "/api/v1/payouts/reconciliations",
        "What we think was paid, beside what is said of it", "payouts", Door.TOKEN,
        {200: Body("The last report of each day, the newest day first.", reconciliation.ReconciliationPage)},
        reconciliations.listed, problems=("REQUEST_INVALID", "STORAGE_UNAVAILABLE"), grants=_WATCHES,
        parameters=(_DAY, LIMIT, CURSOR),
    ),
    Operation(
        "settleWithdrawal", "POST", "/api/v1/withdrawals/{withdrawalId}/settle",
        "Somebody has found out what became of a payment that is held", "withdrawals", Door.TOKEN,
        {202: Body("Nothing yet: a second person approves it.", payouts.SettlementProposed)}, withdrawals.settle,
        problems=("NOT_FOUND", "CONFLICT", "REQUEST_INVALID"), grants=_FINDS_OUT,
        assurance=Assurance.TWO_FACTORS, parameters=(WITHDRAWAL,),
        body=Body("What, and how it was found out.", payouts.Settlement),
    ),
    *BATCHES,
    *BOOKS,
)  # fmt: skip
