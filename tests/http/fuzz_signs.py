"""What schemathesis needs to be a sender of webhooks, and of documents: it signs what it made up.

It is loaded by the program itself (`hooks` of its configuration), not by a test.
Source: spec.md S54, S55; protocols.md 5.1; the documentation of schemathesis 4 (authentication).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import requests
import requests.auth
import schemathesis
import schemathesis.auths
from hypothesis import strategies as st

from comptoir.engine.signing_testing import (
    sign_docusign,
    sign_plaid,
    sign_powens,
    sign_tink,
    sign_webhook,
)
from comptoir.http.testing import NOW_MS, SECRET


class Signed(requests.auth.AuthBase):
    """Puts the headers of a scheme on a request."""

    def __init__(self, sign: Callable[[str, bytes, int], dict[str, str]]) -> None:
        """Sign in this way."""
        self._sign = sign

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign the body as it is sent."""
        body: object = request.body or b""
        raw = body.encode() if isinstance(body, str) else body
        assert isinstance(raw, bytes)
        headers = self._sign(SECRET, raw, NOW_MS)
        del headers["Content-Type"]  # what it made up stays
        request.headers.update(headers)
        return request


@schemathesis.serializer("application/pdf")
def _as_it_is(_context: object, value: Any) -> bytes:
    """A document of any text: an upload is judged by its address before its bytes."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


def _time(moment: datetime) -> str:
    """As all times of the API are written, so that none is drawn that its own pattern refuses."""
    return f"{moment.isoformat(timespec='milliseconds')}Z"


TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001 - UTC, as the Z says
schemathesis.openapi.format("date-time", TIMES.map(_time))

auths: Any = schemathesis.auths  # its storage is generic over what nobody says
for path, sign in (
    ("/webhooks/banking", sign_webhook),
    ("/webhooks/docusign", sign_docusign),
    ("/webhooks/kyc", sign_webhook),
    ("/webhooks/plaid", sign_plaid),
    ("/webhooks/powens", sign_powens),
    ("/webhooks/tink", sign_tink),
):
    auths.GLOBAL_AUTH_STORAGE.set_from_requests(Signed(sign)).apply_to(path=path)
