"""One HTTP request of a test to a program on this machine, and its answer.

The rule: any status is an answer, not an error, and each request has a connection of its own.
"""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

__all__ = ["ANSWER_SECONDS_MAX", "IMPORT_SECONDS_MAX", "Answered", "ask"]

ANSWER_SECONDS_MAX = 30.0
IMPORT_SECONDS_MAX = 120.0
"""Of a file, answered when each of its thousands of lines is durable: a busy disk takes its time."""


class Answered:
    """An HTTP answer: `status`, `headers` (names in lower case), `body` (bytes) and `json()`."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"<Answered {self.status} {self.body[:200]!r}>"


def ask(
    url: str,
    method: str,
    body: bytes | None,
    headers: Mapping[str, str],
    seconds_max: float = ANSWER_SECONDS_MAX,
) -> Answered:
    """Send one request, and read the answer to its end.

    Args:
        url: of the loopback.
        method: GET, POST, and so on.
        body: None: none.
        headers: what is sent beside those of urllib.
        seconds_max: without a byte, after which it is an error.
    """
    request = urllib.request.Request(  # noqa: S310  # our own loopback address
        url, data=body, method=method, headers=dict(headers)
    )
    try:
        with urllib.request.urlopen(request, timeout=seconds_max) as found:  # noqa: S310  # as above
            return Answered(found.status, dict(found.headers), found.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answered(error.code, dict(error.headers), error.read())
    except http.client.HTTPException as broken:  # whoever answered has died within its answer
        raise ConnectionError(f"no whole answer: {type(broken).__name__}") from broken
