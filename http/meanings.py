"""What the codes mean: the page behind `type` of every problem (interface.md 5, RFC 9457 section 3.1.1).

The rule: every code that an operation may answer has its page, made from the same row as the answer.
"""

from collections.abc import Callable
from typing import Final

from comptoir.http.answers import Response, json_response
from comptoir.http.operation import Call, Handler
from comptoir.http.port import Port
from comptoir.http.problems import PROBLEMS, problem, row_of

__all__ = ["meaning"]


def meaning(told: Callable[[], frozenset[str]]) -> Handler:
    """GET /problems/{code}.

    Args:
        told: the codes that operations name beyond the table: machines' own refusals.
    """

    async def answer(port: Port, call: Call) -> Response:
        del port
        code = call.path["code"]
        if code not in PROBLEMS and code not in told():
            return problem("NOT_FOUND", call.ticket)
        row: Final = row_of(code)
        shown = {
            "code": code,
            "title": row.title,
            "status": row.status,
            "detail": row.detail,
            "userAction": {"fr": row.fr, "en": row.en},
            "retryable": row.retryable,
        }
        return json_response(200, shown, call.ticket)

    return answer
