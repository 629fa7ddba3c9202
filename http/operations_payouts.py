"""The rows of withdrawals, and of the books that they are in (operations.py).

Source: interface.md 7 (rows b2); spec.md S34, S46, S50, S60.
"""

from types import MappingProxyType
from typing import Final

from comptoir.http import shapes_payouts as payouts
from comptoir.http import withdrawals
from comptoir.http.operation import Assurance, Body, Door, Operation, Owner, Parameter, Reach
from comptoir.http.operations_banking import CURSOR, ID, LIMIT, READS_MONEY, WITHDRAWAL
from comptoir.http.operations_books import BOOKS
from comptoir.http.principal import Role

__all__ = ["PAYOUTS"]

_WITHDRAWS: Final = MappingProxyType({Role.CLIENT: Reach.OWN})
"""Whose points they are, and nobody for them."""
_FINDS_OUT: Final = MappingProxyType({Role.OPERATIONS: Reach.ANY})
"""Who answers for a payment; another person approves."""
_OF_USER = Parameter("userId", "query", "Whose; a client's own without it.", ID)

PAYOUTS: Final = (
    Operation(
        "withdrawPoints", "POST", "/api/v1/withdrawals", "A person wants their points as money",
        "withdrawals", Door.TOKEN, {201: Body("It has begun; its points are blocked.", payouts.Withdrawal)},
        withdrawals.ask,
        problems=(
            "NOT_FOUND", "REQUEST_INVALID", "BANK_IBAN_INVALID", "BANK_WITHDRAWAL_MINIMUM",
            "BANK_WITHDRAWAL_PENDING", "POINTS_INSUFFICIENT",
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
        "settleWithdrawal", "POST", "/api/v1/withdrawals/{withdrawalId}/settle",
        "Somebody has found out what became of a payment that is held", "withdrawals", Door.TOKEN,
        {202: Body("Nothing yet: a second person approves it.", payouts.SettlementProposed)}, withdrawals.settle,
        problems=("NOT_FOUND", "CONFLICT", "REQUEST_INVALID"), grants=_FINDS_OUT,
        assurance=Assurance.TWO_FACTORS, parameters=(WITHDRAWAL,),
        body=Body("What, and how it was found out.", payouts.Settlement),
    ),
    *BOOKS,
)  # fmt: skip
