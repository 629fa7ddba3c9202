"""The rows of dead letters and of outages (operations.py has the rule).

Source: interface.md 7 (rows b1); spec.md S60, S63 to S65, X18, X23, E5, E14; docs/authorization.md.
"""

from types import MappingProxyType
from typing import Final

from comptoir.http import dead_letters, dispositions, parking
from comptoir.http import shapes_upkeep as upkeep
from comptoir.http.operation import Assurance, Body, Door, Operation, Parameter, Reach
from comptoir.http.operations_accounts import ACCOUNTS
from comptoir.http.operations_banking import CURSOR, LIMIT
from comptoir.http.operations_events import EVENTS
from comptoir.http.operations_lists import LISTS
from comptoir.http.principal import Role
from comptoir.http.times import TIME_PATTERN

__all__ = ["UPKEEP"]

_SEES_LETTERS: Final = MappingProxyType(
    {Role.COMPLIANCE: Reach.ANY, Role.ADMIN: Reach.ANY, Role.OPERATIONS: Reach.ANY}
)
"""Queues, reasons and times name nobody."""
_READS_LETTERS: Final = MappingProxyType({Role.COMPLIANCE: Reach.ANY, Role.OPERATIONS: Reach.ANY})
"""What a letter says is somebody's data: whoever reads wallets, and so no ADMIN."""
_SETTLES: Final = MappingProxyType({Role.OPERATIONS: Reach.ANY})
_WATCHES: Final = MappingProxyType({Role.ADMIN: Reach.ANY, Role.OPERATIONS: Reach.ANY})

_NAME: Final = {"type": "string", "pattern": upkeep.NAME_PATTERN}
_TIME: Final = {"type": "string", "format": "date-time", "pattern": TIME_PATTERN}
_LETTER = Parameter(
    "letterId",
    "path",
    "The letter's id, `dl_...`.",
    {"type": "string", "minLength": 19, "maxLength": 19},
)
_DISPOSITION = Parameter(
    "dispositionId", "path", "The letter's id, or that of a replay of many, `dsp_...`.",
    {"type": "string", "minLength": 19, "maxLength": 24},
)  # fmt: skip
_FILTER: Final = (
    Parameter("queue", "query", "Of one queue, such as `dlq:points`.", _NAME),
    Parameter("code", "query", "Of one reason.", _NAME),
    Parameter("kind", "query", "Addressed to one kind of actor or party.", _NAME),
    Parameter("diedFrom", "query", "Died at this time or later.", _TIME),
    Parameter("diedBefore", "query", "Died before this time.", _TIME),
)
_ONE: Final = ("NOT_FOUND", "STORAGE_UNAVAILABLE")
_DECIDES: Final = (*_ONE, "VAULT_ERASED", "DEAD_LETTER_DECIDED")
_DECIDED: Final = Body("It is decided, or a second person approves it.", upkeep.DispositionBegun)

UPKEEP: Final = (
    Operation(
        "listDeadLetters", "GET", "/api/v1/dead-letters", "Messages that were given up", "dead letters",
        Door.TOKEN, {200: Body("A page, newest first.", upkeep.DeadLetterPage)}, dead_letters.listed,
        problems=("REQUEST_INVALID", "STORAGE_UNAVAILABLE"), grants=_SEES_LETTERS,
        parameters=(*_FILTER, LIMIT, CURSOR),
    ),
    Operation(
        "listDeadLetterQueues", "GET", "/api/v1/dead-letters/queues", "What they add up to",
        "dead letters", Door.TOKEN, {200: Body("By queue and reason.", upkeep.QueueList)},
        dead_letters.queues, problems=("STORAGE_UNAVAILABLE",), grants=_SEES_LETTERS,
    ),
    Operation(
        "listDeadLetterReports", "GET", "/api/v1/dead-letters/reports",
        "The daily reports of dlq:transactions", "dead letters", Door.TOKEN,
        {200: Body("The last month's.", upkeep.ReportList)}, dead_letters.reports,
        problems=("STORAGE_UNAVAILABLE",), grants=_SEES_LETTERS,
    ),
    Operation(
        "replayDeadLetters", "POST", "/api/v1/dead-letters/replay", "Many are to be delivered again",
        "dead letters", Door.TOKEN,
        {202: Body("Nothing yet: a second person approves it.", upkeep.DispositionBegun)}, dispositions.replay_many,
        problems=("NOT_FOUND", "REQUEST_MALFORMED", "REQUEST_INVALID", "STORAGE_UNAVAILABLE"),
        grants=_SETTLES, assurance=Assurance.RECENT, body=Body("Which.", upkeep.ReplayMany),
    ),
    Operation(
        "getDisposition", "GET", "/api/v1/dead-letters/dispositions/{dispositionId}",
        "What was decided about letters, and how far it is", "dead letters", Door.TOKEN,
        {200: Body("It.", upkeep.Disposition)}, dispositions.described, problems=_ONE,
        grants=_SEES_LETTERS, parameters=(_DISPOSITION,),
    ),
    Operation(
        "getDeadLetter", "GET", "/api/v1/dead-letters/{letterId}", "One of them", "dead letters",
        Door.TOKEN, {200: Body("It, without what it says.", upkeep.DeadLetter)}, dead_letters.shown,
        problems=_ONE, grants=_SEES_LETTERS, parameters=(_LETTER,),
    ),
    Operation(
        "getDeadLetterContent", "GET", "/api/v1/dead-letters/{letterId}/content", "What it says",
        "dead letters", Door.TOKEN, {200: Body("As far as it is shown.", upkeep.DeadLetterContent)},
        dead_letters.content, problems=(*_ONE, "VAULT_ERASED"), grants=_READS_LETTERS,
        parameters=(_LETTER,),
    ),
    Operation(
        "replayDeadLetter", "POST", "/api/v1/dead-letters/{letterId}/replay", "It is delivered again",
        "dead letters", Door.TOKEN, {202: _DECIDED}, dispositions.replay, problems=_DECIDES,
        grants=_SETTLES, assurance=Assurance.TWO_FACTORS, parameters=(_LETTER,),
    ),
    Operation(
        "discardDeadLetter", "POST", "/api/v1/dead-letters/{letterId}/discard", "It is given up",
        "dead letters", Door.TOKEN, {202: _DECIDED}, dispositions.discard,
        problems=(*_DECIDES, "REQUEST_MALFORMED", "REQUEST_INVALID"), grants=_SETTLES, assurance=Assurance.TWO_FACTORS,
        parameters=(_LETTER,), body=Body("Why.", upkeep.Discard),
    ),
    Operation(
        "getParking", "GET", "/api/v1/parking", "How outside parties are doing, and what waits for them",
        "operation", Door.TOKEN, {200: Body("Every party.", upkeep.Parking)}, parking.parking,
        problems=("STORAGE_UNAVAILABLE",), grants=_WATCHES,
    ),
    *ACCOUNTS,
    *LISTS,
    *EVENTS,
)  # fmt: skip
