"""How Plaid is spoken to: one POST per call, and what each of its errors comes to.

Rules:
- credentials go in headers, so that no body holds them;
- an error is known by `error_type` and `error_code`, as Plaid asks; the HTTP status and the texts decide
  nothing. A bank that is down is tried again, and is no outage of Plaid's: the breaker is shared by all banks;
- an answer is read by the fields that its type names; every other is dropped where it arrives (S58).

Source: plaid.com/docs/api (Authentication, Versioning), plaid.com/docs/errors and its pages (Item,
Institution, Transactions, API, Invalid input, Rate limit exceeded errors); spec.md S58, S63, S65.
"""

from collections.abc import Mapping
from typing import Any, Final

import httpx
import msgspec

from comptoir.actors.gateways.bank import ENDED, REFUSED, read_answer, sent
from comptoir.engine.gateway_spec import CallFault

__all__ = ["GONE", "PROVIDER", "VERSION", "PlaidApi", "PlaidRefused"]

PROVIDER: Final = "plaid"
VERSION: Final = "2020-09-14"
"""Of the API; Plaid keeps older ones as they were."""
GONE: Final = frozenset({"ITEM_NOT_FOUND", "INVALID_ACCESS_TOKEN"})
"""There is no such access any more."""
PERSON_MUST_ACT: Final = frozenset({
    "ACCESS_NOT_GRANTED", "INSUFFICIENT_CREDENTIALS", "INVALID_CREDENTIALS", "INVALID_MFA",
    "INVALID_SEND_METHOD", "INVALID_UPDATED_USERNAME", "ITEM_LOCKED", "ITEM_LOGIN_REQUIRED",
    "PASSWORD_RESET_REQUIRED", "USER_INPUT_TIMEOUT", "USER_SETUP_REQUIRED",
})  # fmt: skip
"""Item errors that end when the person goes through Link's update mode (or links anew)."""
CREDENTIALS: Final = frozenset({
    "INVALID_API_KEYS", "UNAUTHORIZED_ENVIRONMENT", "UNAUTHORIZED_ROUTE_ACCESS",
})  # fmt: skip
"""Ours are wrong: no call goes well, whoever it is for."""
PASSING: Final = frozenset({"PRODUCT_NOT_READY", "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"})
"""The same call goes well a little later."""
LASTING: Final = frozenset({
    "INSTITUTION_NO_LONGER_SUPPORTED", "INSTITUTION_NOT_ENABLED_IN_ENVIRONMENT",
    "UNAUTHORIZED_INSTITUTION",
})  # fmt: skip
"""Of the errors of institutions, those that do not pass."""


class _Error(msgspec.Struct, frozen=True):
    """As in every answer that is none."""

    error_type: str
    error_code: str


_ERROR: Final = msgspec.json.Decoder(_Error)


class PlaidRefused(CallFault):
    """Plaid said no, and why; the code is Plaid's own word, for the adapter alone."""

    def __init__(self, reason: str, code: str, *, retryable: bool, sick: bool) -> None:
        super().__init__(code, retryable=retryable, sick=sick)
        self.reason = reason
        """`error_code`, or empty where the answer names none."""


class PlaidApi:
    """Plaid's API in one environment, over a client whose base URL is that environment's."""

    def __init__(self, client: httpx.AsyncClient, credentials: tuple[str, str]) -> None:
        """Args: the client; our `client_id` and secret there."""
        self._client = client
        self._headers = {
            "PLAID-CLIENT-ID": credentials[0],
            "PLAID-SECRET": credentials[1],
            "Plaid-Version": VERSION,
        }

    def __repr__(self) -> str:
        return f"<PlaidApi {self._client.base_url.host}>"

    async def post(
        self, path: str, body: Mapping[str, object], decoder: "msgspec.json.Decoder[Any]"
    ) -> Any:
        """One call; what of its answer the decoder's type names.

        Raises:
            CallFault: it went wrong; a `PlaidRefused` where Plaid has said why.
        """
        request = self._client.build_request("POST", path, json=body, headers=self._headers)
        response = await sent(self._client, request)
        if not response.is_success:
            raise _fault(response)
        return read_answer(response, decoder)


def _fault(response: httpx.Response) -> PlaidRefused:
    """What an error comes to."""
    try:
        error = _ERROR.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return PlaidRefused("", REFUSED, retryable=False, sick=False)
    reason = error.error_code
    if reason in CREDENTIALS:
        return PlaidRefused(reason, "BANK_CREDENTIALS_REFUSED", retryable=False, sick=True)
    if reason in GONE or reason in PERSON_MUST_ACT:
        return PlaidRefused(reason, ENDED, retryable=False, sick=False)
    passing = error.error_type in ("INSTITUTION_ERROR", "API_ERROR", "RATE_LIMIT_EXCEEDED")
    if reason in PASSING or (passing and reason not in LASTING):
        sick = error.error_type in ("API_ERROR", "RATE_LIMIT_EXCEEDED")
        return PlaidRefused(reason, "BANK_UNAVAILABLE", retryable=True, sick=sick)
    return PlaidRefused(reason, REFUSED, retryable=False, sick=False)
