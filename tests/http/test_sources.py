"""Who may call at all: the API's list of addresses, and the clear beyond loopback."""

import socket
from collections.abc import AsyncIterator
from functools import partial
from ipaddress import ip_network
from typing import Any

import orjson
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from comptoir.engine.settings import Http, Settings
from comptoir.http import peers
from comptoir.http.listener import Callers, proxies_only
from comptoir.http.places import Place, Places
from comptoir.http.rules import EdgeRules
from comptoir.http.server import Listening, serve
from comptoir.http.testing import FakeDaemon
from comptoir.http.testing_wire import exchange, post, problem_code

OFFICE = ip_network("203.0.113.0/24")
PROXY = ip_network("127.0.0.0/8")
FORBIDDEN = (403, "SOURCE_FORBIDDEN")


async def asked(
    listening: Listening, path: str, forwarded: str = "", more: str = ""
) -> tuple[int, str]:
    """The status and the code of an answer."""
    claim = f"X-Forwarded-For: {forwarded}\r\n" if forwarded else ""
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{claim}{more}\r\n".encode()
    status, headers, body = await exchange(listening, request)
    if headers["content-type"] != "application/problem+json":
        return status, ""
    return status, orjson.loads(body)["code"]


class TestList:
    """S62: `http.allowed_ips`."""

    @pytest.fixture
    async def listening(self, daemon: FakeDaemon) -> AsyncIterator[Listening]:
        """The edge behind a proxy on this machine, for an office."""
        http = Http(port=0, allowed_ips=(OFFICE,), trusted_proxies=(PROXY,))
        daemon.rules = EdgeRules.of(Settings(http=http))
        async with trio.open_nursery() as nursery:
            opened = partial(serve, daemon, Settings(http=http), stop_seconds=0.2)
            yield await nursery.start(opened)
            nursery.cancel_scope.cancel()

    async def test_behind_a_proxy(self, listening: Listening) -> None:
        """S62, X28: judged by the address that the trusted proxy names, whatever is asked."""
        for path in ("/api/v1/wallets/u", "/api/v1/openapi.json", "/docs", "/nothing", "/metrics"):
            assert await asked(listening, path, "198.51.100.7") == FORBIDDEN
            assert await asked(listening, path, "203.0.113.9") != FORBIDDEN
            # What a caller writes on the left is its own word.
            assert await asked(listening, path, "203.0.113.9, 198.51.100.7") == FORBIDDEN
            assert await asked(listening, path, "no address") == FORBIDDEN

    async def test_before_anything_else(self, listening: Listening, daemon: FakeDaemon) -> None:
        """S62: a body over every limit is neither awaited nor read, and the connection ends."""
        head = "Content-Length: 999999999\r\n"
        assert await asked(listening, "/api/v1/wallets/u", "198.51.100.7", head) == FORBIDDEN
        assert daemon.asks == []

    async def test_what_has_no_list(self, listening: Listening) -> None:
        """S53, interface.md 5: webhooks have their own; health and this machine itself none."""
        assert await asked(listening, "/health/live", "198.51.100.7") == (200, "")
        assert await asked(listening, "/api/v1/openapi.json") == (200, "")
        webhook = post(b"{}", "X-Forwarded-For: 198.51.100.7")
        status, _, body = await exchange(listening, webhook)
        assert (status, problem_code(body)) == (403, "WEBHOOK_SOURCE_FORBIDDEN")

    def test_everybody_by_default(self) -> None:
        """S62: the default shuts out nobody, not even one whose address is not known."""
        rules = EdgeRules.of(Settings())
        for peer in (None, "192.0.2.1", "2001:db8::1", "fe80::1%eth0"):
            assert rules.may_call(peer, [])

    @given(address=st.ip_addresses(), office=st.ip_addresses(v=4), bits=st.integers(0, 32))
    def test_is_what_the_library_says(self, address: Any, office: Any, bits: int) -> None:
        """S62: without a proxy an address may call if it is in the list, or this machine."""
        network = ip_network((int(office), bits), strict=False)
        rules = EdgeRules.of(Settings(http=Http(allowed_ips=(network,))))
        plain = getattr(address, "ipv4_mapped", None) or address
        expected = plain in network or plain.is_loopback
        assert rules.may_call(str(address), []) == expected
        # Nobody gains by claiming to be another.
        claim = [(b"x-forwarded-for", str(office).encode())]
        assert rules.may_call(str(address), claim) <= expected


class TestInTheClear:
    """S62, X28: beyond loopback, what is in the clear comes from a trusted proxy, or not at all."""

    def test_who(self) -> None:
        """S62: the proxies and this machine; on loopback there is no question."""
        trusted = [ip_network("10.0.0.0/8")]
        with socket.create_server(("127.0.0.1", 0)) as listener:
            assert proxies_only(listener, trusted) is None
        with socket.create_server(("0.0.0.0", 0)) as listener:
            admits = proxies_only(listener, trusted)
        assert admits is not None
        allowed = [peer for peer in ("10.1.2.3", "::ffff:10.1.2.3", "127.0.0.1") if admits(peer)]
        assert len(allowed) == 3
        assert not any(
            admits(peer) for peer in ("192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1", "")
        )

    async def test_the_others_are_told(self) -> None:
        """S62: they hear 403 with the code before they have said anything, and are no place's worth."""
        places = Places(8)
        served: list[Place] = []
        callers = Callers(
            places, lambda place, _: served.append(place), name="x", admits=lambda _: False
        )
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        async with trio.open_nursery() as nursery:
            port = listener.getsockname()[1]
            nursery.start_soon(callers.accept, listener, nursery)
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                with trio.fail_after(5):
                    said = b"".join([part async for part in stream])
            nursery.cancel_scope.cancel()
        assert said.startswith(b"HTTP/1.1 403 ")
        assert b'"SOURCE_FORBIDDEN"' in said
        assert (served, len(places)) == ([], 0)


def test_versions() -> None:
    """X28: an IPv4 address inside IPv6 is judged as what it is."""
    rules = EdgeRules.of(Settings(http=Http(allowed_ips=(OFFICE,))))
    assert rules.may_call("::ffff:203.0.113.5", [])
    assert not rules.may_call("::ffff:198.51.100.5", [])
    assert peers.parse("::ffff:203.0.113.5") == peers.parse("203.0.113.5")


@pytest.mark.parametrize("path", ["/health/live", "/api/v1/wallets/u", "/docs", "/nothing"])
async def test_trace_echoes_nothing(listening: Listening, path: str) -> None:
    """S62: TRACE is no method here, so no header comes back to whoever had it sent."""
    request = f"TRACE {path} HTTP/1.1\r\nHost: localhost\r\nX-Secret: hush\r\n\r\n".encode()
    status, _, body = await exchange(listening, request)
    assert status in (404, 405)
    assert b"hush" not in body
