"""Where a webhook may go, and where it may not: a table (server-side request forgery; S33).

Source: OWASP SSRF Prevention Cheat Sheet; RFC 6890; actors/gateways/outward_target.py.
"""

from collections.abc import Sequence

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.gateways.outward_target import (
    LOOKUPS,
    address_fault,
    aim,
    allowed,
    look_up,
)
from comptoir.engine.gateway_spec import CallFault

PUBLIC = (
    "8.8.8.8",
    "93.184.216.34",
    "2606:2800:220:1:248:1893:25c8:1946",
    "64:ff9b::808:808",
    "::ffff:8.8.8.8",
)
PRIVATE = (
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "255.255.255.255", "224.0.0.1", "198.18.0.1", "192.0.2.1", "203.0.113.9", "240.0.0.1", "fe80::1", "fc00::1",
    "fd00:ec2::254", "ff02::1", "::", "2001:db8::1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a00:1",
    "64:ff9b:1::a00:1", "2002:a00:1::1", "fe80::1%eth0", "fec0::1", "feff::1", "not an address", "",
)  # fmt: skip
HERE = ("127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1")
WRONG = (
    "http://hub.example/", "ftp://hub.example/", "file:///etc/passwd", "https://", "//hub.example", "hub.example/x",
    "https://user:pw@hub.example/", "https://hub.example/#x", "https://10.0.0.1/", "https://[::1]/",
    "https://[fe80::1]/", "https://169.254.169.254/latest/meta-data/", "https://localhost/", "https://2130706433/",
    "https://0x7f000001/", "https://127.1/", "https://0177.0.0.1/", "https://exa mple/", "https://hüb.example/",
    "https://hub.example/\n", f"https://hub.example/{'x' * 2048}", "https://.../", "gopher://hub.example/",
    "http://127.0.0.1/",
)  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_the_worlds_addresses_are_allowed(address: str) -> None:
    """S33: the public internet, by either family, and as IPv4 inside IPv6."""
    assert allowed(address, this_machine=False)


@pytest.mark.parametrize("address", [*PRIVATE, *HERE])
def test_no_other_address_is(address: str) -> None:
    """A network of the house, the link, a cloud's metadata, what nobody has: whatever it is dressed as."""
    assert not allowed(address, this_machine=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_development_opens_this_machine_and_nothing_else(address: str) -> None:
    """`outward.this_machine` is about loopback alone."""
    assert not allowed(address, this_machine=True)
    assert allowed("127.0.0.1", this_machine=True)


@pytest.mark.parametrize("url", WRONG)
def test_what_cannot_be_registered(url: str) -> None:
    """It is refused when it is registered, where the reason can be read."""
    assert address_fault(url, this_machine=False) is not None


@pytest.mark.parametrize(
    "url",
    ["https://hub.example/events?x=1", "https://8.8.8.8:8443/", "https://[2606:2800:220:1::1]/"],
)
def test_what_can(url: str) -> None:
    """An https address of the world."""
    assert address_fault(url, this_machine=False) is None


def test_in_the_clear_to_this_machine_alone() -> None:
    """Http only to loopback, and only where the configuration lets it."""
    assert address_fault("http://127.0.0.1:8090/x", this_machine=True) is None
    assert address_fault("http://localhost:8090/x", this_machine=True) is None
    assert address_fault("http://hub.example/x", this_machine=True) is not None


@given(st.text(max_size=60))
def test_no_address_crashes_it(text: str) -> None:
    """Whatever is given, it is judged."""
    address_fault(f"https://{text}", this_machine=False)
    allowed(text, this_machine=True)


class Names:
    """A resolver that answers otherwise each time, and counts."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers, self.asked = [*answers], 0

    async def resolve(self, _host: str, _port: int) -> Sequence[str]:
        """The next answer."""
        self.asked += 1
        return self.answers.pop(0)


async def test_a_name_is_resolved_once_and_called_there() -> None:
    """DNS rebinding: the address that was judged is the one that is called; the name stays for TLS and `Host`."""
    names = Names(["8.8.8.8", "8.8.4.4"], ["127.0.0.1"])
    target = await aim("https://hub.example:8443/events", names.resolve, this_machine=False)
    assert str(target.url) == "https://8.8.8.8:8443/events"
    assert (target.host, target.name) == ("hub.example:8443", "hub.example")
    assert names.asked == 1


@pytest.mark.parametrize(
    "found", [["10.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::1"], ["169.254.169.254"]]
)
async def test_a_name_that_leads_inside_is_refused(found: list[str]) -> None:
    """All of its addresses must be the world's."""
    with pytest.raises(CallFault, match="TARGET_FORBIDDEN"):
        await aim("https://hub.example/", Names(found).resolve, this_machine=False)


async def test_a_name_in_the_clear_leads_here_or_nowhere() -> None:
    """`http://localhost` that resolves to somebody else is not called in the clear."""
    with pytest.raises(CallFault, match="TARGET_FORBIDDEN"):
        await aim("http://localhost/", Names(["8.8.8.8"]).resolve, this_machine=True)
    with pytest.raises(CallFault, match="TARGET_UNKNOWN"):
        await aim("https://hub.example/", Names([]).resolve, this_machine=False)


async def test_look_ups_have_threads_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """S28, S33: a dead name server fills its own threads, and none of those that files want."""
    borrowed = list[tuple[int, int]]()

    def count() -> None:
        shared = trio.to_thread.current_default_thread_limiter()
        borrowed.append((LOOKUPS.borrowed_tokens, shared.borrowed_tokens))

    def answer(_host: bytes, port: int, **_kind: object) -> list[object]:
        trio.from_thread.run_sync(count)
        return [(2, 1, 6, "", ("8.8.8.8", port))]

    monkeypatch.setattr("comptoir.actors.gateways.outward_target.socket.getaddrinfo", answer)
    assert await look_up("hub.example", 443) == ["8.8.8.8"]
    assert borrowed == [(1, 0)]


async def test_a_name_that_is_none_has_no_address() -> None:
    """A label that is too long for any name server (RFC 1035) is a name without an address, and no error of ours."""
    with pytest.raises(CallFault, match="TARGET_UNKNOWN"):
        await aim(f"https://{'x' * 64}.example/", look_up, this_machine=False)


async def test_a_name_of_other_letters_is_asked_for_as_it_is_written() -> None:
    """RFC 5891: the A-label that was registered is the one that is resolved."""
    asked = list[str]()

    async def resolve(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["8.8.8.8"]

    await aim("https://xn--hb-xka.example/", resolve, this_machine=False)
    assert asked == ["xn--hb-xka.example"]
