"""What the gateways of those who know about people have in common: one bounded request, and what its answer means.

Rules:
- an outage is waited for. A party that cannot be reached, answers 5xx, asks for time, says a page of words instead of
  JSON, or does not take our credentials is away: tried again, counted by the breaker, and parked by it (S63, E5), so that
  no client is judged without an answer because we had none (S27);
- an answer that is JSON and not of the form is that question's own: tried again, and not counted, since one answer
  that nobody can read must not keep all others waiting;
- a no is `CheckImpossible`, and so is a party that is not configured;
- an answer is read up to a number of bytes, and of it the named fields within their bounds; nothing of a question
  or of an answer goes into a fault.
Source: design.md 6; spec.md S18, S21, S27, S63, S65, X18, E5.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final, Literal, TypeVar, cast

import httpx
import msgspec
import trio

from comptoir.actors.gateways.kyc_messages import CheckImpossible
from comptoir.engine.gateway_spec import CallContext, CallFault, Operation
from comptoir.engine.values import Message

__all__ = [
    "DEAD_QUEUE",
    "NOT_CONFIGURED",
    "Asker",
    "Check",
    "impossible",
    "operation",
    "printable",
    "unconfigured",
]

DEAD_QUEUE: Final = "dlq:onboarding"
NOT_CONFIGURED: Final = "NOT_CONFIGURED"
ANSWER_BYTES_MAX: Final = 256 * 1024
"""Of one answer: the longest that any of them has reason to give is a tenth of it."""
PLAIN: Final = "identity"
"""How we want an answer: of one that is packed nobody knows how long it is."""
WAIT_S_MAX: Final = 600
"""Of a Retry-After: beyond it we ask again, and hear it again."""
_BUSY: Final = frozenset((
    HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS,
))  # fmt: skip
_OURS: Final = frozenset((
    HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN,
))  # fmt: skip
"""Answers about us, not about who is asked about."""

Check = Literal["identity", "address", "credit", "media"]
T = TypeVar("T")


class Asker:
    """One party, as it is asked."""

    def __init__(
        self, name: str, client: httpx.AsyncClient, headers: dict[str, str] | None = None
    ) -> None:
        """Speak to it.

        Args:
            name: how its faults begin, such as `BUREAU`.
            client: with the party's base URL.
            headers: what shows who we are there.
        """
        self.name, self._client, self._headers = name, client, headers or {}

    def __repr__(self) -> str:
        return f"<Asker {self.name}>"

    async def ask(
        self, method: str, path: str, shape: "msgspec.json.Decoder[T]", **request: Any
    ) -> T:
        """Make one request, and read its answer.

        Args:
            method: of HTTP.
            path: after the base URL.
            shape: reads the answer.
            request: as httpx has it: `params`, `data`, `content`, `headers`.

        Raises:
            CallFault: `NAME_UNREACHABLE`, `_UNAVAILABLE`, `_CREDENTIALS_REFUSED`, `_ANSWER_INVALID` or `_REFUSED`.
        """
        headers = {"accept-encoding": PLAIN, **self._headers, **request.pop("headers", {})}
        made = self._client.build_request(method, path, headers=headers, **request)
        try:
            response = await self._client.send(made, stream=True)
            try:
                self._judge(response)
                body = await self._read(response)
            finally:
                await response.aclose()
        except httpx.RequestError:
            raise CallFault(f"{self.name}_UNREACHABLE", retryable=True) from None
        return self._decode(body, shape)

    def _judge(self, response: httpx.Response) -> None:
        status = response.status_code
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _BUSY:
            raise CallFault(f"{self.name}_UNAVAILABLE", retryable=True, wait_ms=_wait_ms(response))
        if status in _OURS:
            raise CallFault(f"{self.name}_CREDENTIALS_REFUSED", retryable=True)
        if not response.is_success:
            raise self.refused()

    async def _read(self, response: httpx.Response) -> bytes:
        if response.headers.get("content-encoding", PLAIN) != PLAIN:
            raise self.invalid()
        body, is_long = bytearray(), False
        with trio.CancelScope() as scope:
            async for part in response.aiter_raw():
                body += part
                is_long = is_long or len(body) > ANSWER_BYTES_MAX
                if is_long:
                    body.clear()
                    scope.cancel()  # no break, which would leave open what the iteration is made of
        if is_long or scope.cancelled_caught:
            raise self.invalid()
        return bytes(body)

    def _decode(self, body: bytes, shape: "msgspec.json.Decoder[T]") -> T:
        try:
            return shape.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if isinstance(error, msgspec.ValidationError) or body.lstrip().startswith(b"{"):
                raise self.invalid() from None
            # No JSON at all: a proxy's page while the party is away, say.
            raise CallFault(f"{self.name}_UNAVAILABLE", retryable=True) from None

    def invalid(self) -> CallFault:
        """The answer is not of the form."""
        return CallFault(f"{self.name}_ANSWER_INVALID", retryable=True, sick=False)

    def refused(self) -> CallFault:
        """It said no, which it would say again."""
        return CallFault(f"{self.name}_REFUSED", retryable=False, sick=False)


def impossible(check: Check) -> Callable[[Any, str], Message | None]:
    """What whoever asked hears where there will be no answer."""
    return lambda message, code: CheckImpossible(message.reference, check, code)


def operation(
    check: Check,
    call: Callable[[Any, CallContext], Awaitable[Message | None]],
    word: str = "check",
    *,
    quiet: bool = False,
) -> Operation:
    """An operation that may be made again: asking twice is one question, by its reference.

    Args:
        check: what is asked about.
        call: asks.
        word: which of the operations about it this is.
        quiet: nobody waits to hear that it has failed.
    """

    def key(message: Any) -> str:
        return f"{check}:{word}:{cast('str', message.reference)}"

    if quiet:
        return Operation(call, key)
    return Operation(call, key, failed=impossible(check))


def unconfigured(check: Check) -> Callable[[Any, CallContext], Awaitable[Message | None]]:
    """The call of a party that has no address."""
    told = impossible(check)

    async def call(message: Any, _context: CallContext) -> Message | None:
        return told(message, NOT_CONFIGURED)

    return call


def printable(text: str, characters_max: int) -> str:
    """A party's words as they may be shown: in one line, without what steers a terminal or a page's direction."""
    kept = "".join(one if one.isprintable() else " " for one in text)
    return " ".join(kept.split())[:characters_max]


def _wait_ms(response: httpx.Response) -> int:
    """For how long the party asks us to wait; 0 where it does not say so in seconds (RFC 9110, 10.2.3)."""
    text = response.headers.get("retry-after", "")
    return min(int(text), WAIT_S_MAX) * 1000 if text.isascii() and text.isdigit() else 0
