"""The rows of accounts on the mainframe (operations.py has the rule).

Source: spec.md S29 to S33, S34, S60, E11, E14; docs/authorization.md; docs/core-banking.md.
"""

from types import MappingProxyType
from typing import Final

from comptoir.http import accounts
from comptoir.http import shapes_accounts as shapes
from comptoir.http.operation import Assurance, Body, Door, Operation, Reach
from comptoir.http.operations_banking import CURSOR, LIMIT
from comptoir.http.operations_documents import THE_FILE
from comptoir.http.principal import Role
from comptoir.http.shapes_payouts import SettlementProposed

__all__ = ["ACCOUNTS"]

_FINDS_OUT: Final = MappingProxyType({Role.OPERATIONS: Reach.ANY})
"""Who looks after the mainframe; of two that settle one, the other may be an ADMIN."""
_ONE: Final = "/api/v1/core-banking/accounts/{onboardingId}"
_NOW: Final = Body("The account.", shapes.AccountKeptOpen)

ACCOUNTS: Final = (
    Operation(
        "listAccounts", "GET", "/api/v1/core-banking/accounts", "Accounts on the mainframe that have no end",
        "core banking", Door.TOKEN, {200: Body("A page, the oldest first.", shapes.AccountPage)}, accounts.listed,
        problems=("REQUEST_INVALID", "STORAGE_UNAVAILABLE"), grants=_FINDS_OUT, parameters=(LIMIT, CURSOR),
    ),
    Operation(
        "getAccount", "GET", _ONE, "How far an account is", "core banking", Door.TOKEN, {200: _NOW}, accounts.shown,
        problems=("NOT_FOUND",), grants=_FINDS_OUT, parameters=(THE_FILE,),
    ),
    Operation(
        "lookForAccount", "POST", f"{_ONE}/look", "The mainframe is asked, by CLIENT-ID, what is there", "core banking",
        Door.TOKEN, {202: _NOW}, accounts.look, problems=("NOT_FOUND", "ACCOUNT_LOOKS_SPENT"), grants=_FINDS_OUT,
        assurance=Assurance.TWO_FACTORS, parameters=(THE_FILE,),
    ),
    Operation(
        "settleAccount", "POST", f"{_ONE}/settle", "Somebody has found out what is true of an account that is held",
        "core banking", Door.TOKEN, {202: Body("Nothing yet: a second person approves it.", SettlementProposed)},
        accounts.settle, problems=("NOT_FOUND", "ACCOUNT_NOT_SEEN", "REQUEST_INVALID"), grants=_FINDS_OUT,
        assurance=Assurance.TWO_FACTORS, parameters=(THE_FILE,),
        body=Body("What, and how it was found out.", shapes.AccountSettlement),
    ),
)  # fmt: skip
