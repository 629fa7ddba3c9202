"""The rows of watch lists (operations.py has the rule).

Source: spec.md S21, S27, E4; docs/screening.md; docs/authorization.md.
"""

from types import MappingProxyType
from typing import Final

from comptoir.http import lists
from comptoir.http import shapes_lists as shapes
from comptoir.http.operation import Assurance, Body, Door, Operation, Parameter, Reach
from comptoir.http.principal import Role

__all__ = ["LISTS"]

_KEEPS: Final = MappingProxyType({Role.COMPLIANCE: Reach.ANY, Role.OPERATIONS: Reach.ANY})
"""Who answers for what is on a list, and who puts its file there."""
_SEARCHES: Final = MappingProxyType({Role.COMPLIANCE: Reach.ANY})
_NAME = Parameter(
    "name", "path", "As it is configured.", {"type": "string", "pattern": shapes.LIST_PATTERN}
)

LISTS: Final = (
    Operation(
        "listWatchLists", "GET", "/api/v1/lists", "Watch lists: what is searched, and how far the cases are",
        "screening", Door.TOKEN, {200: Body("Every list.", shapes.WatchLists)}, lists.listed,
        problems=("STORAGE_UNAVAILABLE",), grants=_KEEPS,
    ),
    Operation(
        "getWatchList", "GET", "/api/v1/lists/{name}", "One of them", "screening", Door.TOKEN,
        {200: Body("The list.", shapes.WatchList)}, lists.described,
        problems=("NOT_FOUND", "STORAGE_UNAVAILABLE"), grants=_KEEPS, parameters=(_NAME,),
    ),
    Operation(
        "reloadWatchList", "POST", "/api/v1/lists/{name}/reload", "Its file is to be read now", "screening",
        Door.TOKEN, {202: Body("It is being read; what is searched meanwhile is what was.", shapes.WatchList)},
        lists.reloaded, problems=("NOT_FOUND", "STORAGE_UNAVAILABLE"), grants=_KEEPS,
        assurance=Assurance.TWO_FACTORS, parameters=(_NAME,),
    ),
    Operation(
        "searchWatchLists", "POST", "/api/v1/screening/search", "One name, searched for by hand", "screening",
        Door.TOKEN, {200: Body("Who may be meant, the likeliest first.", shapes.SearchFound)}, lists.searched,
        problems=("NOT_FOUND", "REQUEST_MALFORMED", "REQUEST_INVALID", "SCREENING_UNAVAILABLE", "STORAGE_UNAVAILABLE"),
        grants=_SEARCHES, assurance=Assurance.TWO_FACTORS, body=Body("Who.", shapes.ListSearch),
    ),
)  # fmt: skip
