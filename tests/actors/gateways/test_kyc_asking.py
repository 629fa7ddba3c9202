"""What each answer of those who know about people comes to: an outage, an answer that is none, a no (S27, S63, S65)."""

import gzip
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import httpx
import msgspec
import pytest
import trio

from comptoir.actors.gateways.credit import credit_gateway
from comptoir.actors.gateways.kyc_asking import ANSWER_BYTES_MAX, Asker, printable
from comptoir.actors.gateways.kyc_messages import CheckCredit
from comptoir.engine.gateway_spec import CallContext, CallFault, GatewayBounds
from tests.actors.gateways.people import (
    CLIENT,
    HOME,
    PERSONAL,
    Played,
    cut_off,
    streamed,
    unreachable,
)

CONTEXT = CallContext(0, 1, "key")
ASKED = CheckCredit("ONB-2026-00001:1", CLIENT, HOME)


class _Shape(msgspec.Struct):
    score: Annotated[int, msgspec.Meta(le=900)]


SHAPE = msgspec.json.Decoder(_Shape)


async def _fault(answer: Any) -> CallFault:
    party = Played(answer)
    with pytest.raises(CallFault) as caught:
        await Asker("PARTY", party.client()).ask("GET", "/it", SHAPE)
    return caught.value


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (unreachable, "PARTY_UNREACHABLE"),
        (cut_off, "PARTY_UNREACHABLE"),
        ((500, b""), "PARTY_UNAVAILABLE"),
        ((503, b"{}"), "PARTY_UNAVAILABLE"),
        ((429, b""), "PARTY_UNAVAILABLE"),
        ((408, b""), "PARTY_UNAVAILABLE"),
        ((401, b""), "PARTY_CREDENTIALS_REFUSED"),
        ((402, b""), "PARTY_CREDENTIALS_REFUSED"),
        ((403, b""), "PARTY_CREDENTIALS_REFUSED"),
        ((200, b"<html>back soon</html>"), "PARTY_UNAVAILABLE"),
        ((200, b""), "PARTY_UNAVAILABLE"),
        ((200, b"\xff\xfe"), "PARTY_UNAVAILABLE"),
    ],
)
async def test_an_outage_is_waited_for(answer: Any, code: str) -> None:
    """S27, S63, S65: whoever is away, asks for time, or does not know us is asked again, and counted by the breaker."""
    fault = await _fault(answer)
    assert (fault.code, fault.retryable, fault.sick) == (code, True, True)


def _zipped(_request: httpx.Request) -> httpx.Response:
    """Little on the wire, and much of it."""
    body = gzip.compress(b" " * (ANSWER_BYTES_MAX * 40))
    return streamed(200, body, {"content-encoding": "gzip"})


def _endless(_request: httpx.Request) -> httpx.Response:
    async def parts() -> AsyncIterator[bytes]:
        while True:
            await trio.lowlevel.checkpoint()
            yield b" " * 65_536

    return httpx.Response(200, content=parts())


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"[]"),
        (200, b"null"),
        (200, b"{}"),
        (200, b'{"score": "700"}'),
        (200, b'{"score": 1'),
        (200, b'{"score": 1e999}'),
        (200, b'{"score": 99999999999999999999999999}'),
        (200, b'{"x": ' + b"[" * 20_000 + b"]" * 20_000 + b', "score": 1}'),
        (200, b'{"score": 1}' + b" " * ANSWER_BYTES_MAX),
        _zipped,
        _endless,
    ],
)
async def test_an_answer_that_nobody_can_read_stops_no_other(answer: Any) -> None:
    """S18, S63: wrong, deep, long or lying, it is bounded, tried again, and no sign of an outage."""
    fault = await _fault(answer)
    assert (fault.code, fault.retryable, fault.sick) == ("PARTY_ANSWER_INVALID", True, False)


@pytest.mark.parametrize("status", [302, 400, 404, 409, 422])
async def test_a_no_is_a_no(status: int) -> None:
    """S63: it would be said again, and says nothing of the party's health."""
    fault = await _fault((status, b"{}"))
    assert (fault.code, fault.retryable, fault.sick) == ("PARTY_REFUSED", False, False)


@pytest.mark.parametrize(
    ("said", "wait_ms"), [("5", 5_000), ("0", 0), ("99999999", 600_000), ("soon", 0), ("-1", 0)]
)
async def test_a_party_says_when_to_come_again(said: str, wait_ms: int) -> None:
    """S63; the address service blocks for five seconds and says so: it is not asked before, within reason."""

    def busy(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(429, headers={"retry-after": said})

    assert (await _fault(busy)).wait_ms == wait_ms


@pytest.mark.parametrize(
    "answer",
    [
        unreachable,
        (500, b"Ada Lovelace"),
        (200, b'{"score": "Ada Lovelace"}'),
        (404, b"1985-12-10"),
    ],
)
async def test_nothing_of_a_person_is_in_a_fault(
    answer: Callable[..., Any], capfd: pytest.CaptureFixture[str]
) -> None:
    """Invariant 8: neither what was asked nor what was answered."""
    spec = credit_gateway(Played(answer).client(), "s3cret", 725, GatewayBounds())
    with pytest.raises(CallFault) as caught:
        await spec.operations[CheckCredit].call(ASKED, CONTEXT)
    said = repr(caught.value) + repr(caught.value.__cause__) + "".join(capfd.readouterr())
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert not [one for one in (*PERSONAL, "s3cret") if one in said]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  a\n\tb  ", "a b"),
        ("a\u202eb\u0000c", "a b c"),
        ("\x1b[31mred", "[31mred"),
        ("é" * 20, "é" * 10),
    ],
)
def test_words_of_others_are_shown_in_one_line(text: str, shown: str) -> None:
    """Invariant 8: nothing in them steers a terminal, or turns a line round."""
    assert printable(text, 10) == shown
