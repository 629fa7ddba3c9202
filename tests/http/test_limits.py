"""How often a caller may ask: sliding windows, exact at the limit, kept across restarts.

Rule: no test sleeps; time is a number that the test moves. The oracle is the definition itself: a
list of the moments of every request that was let by.
Source: spec.md S62, X28; interface.md 6; draft-ietf-httpapi-ratelimit-headers-11.
"""

import subprocess
import sys
import time
from collections.abc import AsyncIterator
from functools import partial
from ipaddress import ip_address, ip_network
from pathlib import Path

import httpx
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from comptoir.engine.settings import Auth, Http, Settings, Storage
from comptoir.engine.testing import sign_webhook
from comptoir.engine.trust import trust_of
from comptoir.http import limits
from comptoir.http.gate import PROBES_PER_MINUTE
from comptoir.http.limits import CALLERS_MAX, Limits, Quotas, open_limits
from comptoir.http.principal import Principal
from comptoir.http.server import Shared, serve
from comptoir.http.testing import NOW_MS, SECRET, FakeAuthenticator, FakeDaemon
from comptoir.http.testing_wire import BODY

ANA, BEN = Principal("ana", "i"), Principal("ben", "i")
HOME = ip_address("192.0.2.1")
NOON = NOW_MS / 1000
S62 = Quotas(authenticated=1_000, anonymous=100)


class Clock:
    """A time that a test moves."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Noon, and as long after it as the test says."""
    return Clock()


def made(clock: Clock, path: Path | None = None, quotas: Quotas = S62) -> Limits:
    """Limits by that clock."""
    return Limits(quotas, path, clock)


def test_two_clients_at_the_limit(clock: Clock) -> None:
    """S62: two that ask faster than they may get 1,000 each in their minute, within 1 %, and do not
    take from one another; nor do they in any sixty seconds that follow.
    """
    counted = made(clock)
    let_by: dict[str, list[float]] = {"ana": [], "ben": []}
    for step in range(180 * 50):  # three minutes, each fifty times a second: three times the limit
        clock.now = NOON + step / 50
        for who in (ANA, BEN):
            if not counted.principal(who).refused:
                let_by[who.subject].append(clock.now)
    for moments in let_by.values():
        first = [moment for moment in moments if moment < NOON + 60]
        assert len(first) == 1_000
        assert len(moments) >= 3 * 1_000 * 0.99
        assert max(_in_any_minute(moments)) <= 1_000
    counted.close()


def _in_any_minute(moments: list[float]) -> list[int]:
    """How many fall into the sixty seconds that end with each."""
    found: list[int] = []
    first = 0
    for number, moment in enumerate(moments):
        while moments[first] <= moment - 60:
            first += 1
        found.append(number - first + 1)
    return found


@settings(max_examples=60, deadline=None)
@given(
    quota=st.integers(1, 20),
    steps=st.lists(st.floats(0, 40, allow_nan=False), min_size=1, max_size=200),
)
def test_never_more_in_any_minute(quota: int, steps: list[float]) -> None:
    """S62: whatever the pace, no sixty seconds hold more than the quota; whoever is refused has used
    it within sixty and a half, and is let by when it was told to come again.
    """
    clock = Clock()
    counted = made(clock, quotas=Quotas(1, quota))
    moments: list[float] = []
    for step in steps:
        clock.now += step
        count = counted.address(HOME)
        if count.refused:
            recent = [moment for moment in moments if moment > clock.now - 60.5]
            assert len(recent) >= quota
            clock.now += count.more_in_s
            assert not counted.address(HOME).refused, "it came when it was told to"
        moments.append(clock.now)
    assert max(_in_any_minute(moments)) <= quota
    counted.close()


def test_a_burst_is_not_repeated_early(clock: Clock) -> None:
    """S62: what was asked at the very end of a slot counts for its sixty seconds, and half of one more."""
    counted = made(clock, quotas=Quotas(1, 100))
    clock.now = NOON + 0.49
    assert [counted.address(HOME).refused for _ in range(101)] == [False] * 100 + [True]
    for seconds, refused in ((59.6, True), (60.4, True), (60.5, False)):
        clock.now = NOON + seconds
        assert counted.address(HOME).refused == refused
    counted.close()


def test_what_is_told(clock: Clock) -> None:
    """draft-ietf-httpapi-ratelimit-headers-11: the policy, what is left, and when there is more."""
    counted = made(clock, quotas=Quotas(10, 2))
    first = counted.address(HOME)
    assert dict(first.headers()) == {
        b"ratelimit-policy": b'"anonymous";q=2;w=60',
        b"ratelimit": b'"anonymous";r=1;t=61',
    }
    clock.now += 20
    assert counted.address(HOME)[2:] == (0, 41, False)
    clock.now += 10
    assert counted.address(HOME)[2:] == (0, 31, True)
    assert counted.principal(ANA).left == 9
    counted.close()


def test_who_is_one_caller(clock: Clock) -> None:
    """X28: a principal is subject and issuer; an IPv6 line is one caller, an IPv4 address is; those
    that cannot be known share one.
    """
    counted = made(clock, quotas=Quotas(1, 1))
    ask = counted.address
    assert not counted.principal(ANA).refused
    assert not counted.principal(Principal("ana", "other")).refused
    assert counted.principal(Principal("ana", "i")).refused
    assert not ask(ip_address("2001:db8::1")).refused
    assert ask(ip_address("2001:db8::ffff")).refused
    assert not ask(ip_address("2001:db8:0:1::1")).refused
    assert not ask(ip_address("192.0.2.1")).refused
    assert not ask(ip_address("192.0.2.2")).refused
    assert not ask(None).refused
    assert ask(None).refused
    counted.close()


def test_callers_are_bounded(clock: Clock) -> None:
    """Design.md 5: of too many addresses the longest silent is forgotten, and no principal is."""
    counted = made(clock, quotas=Quotas(1, 1))
    counted.principal(ANA)
    network = ip_network("10.0.0.0/8")
    for number in range(CALLERS_MAX):
        assert not counted.address(network[number]).refused
    assert counted.address(network[0]).refused, "known still, and now the last to be forgotten"
    assert not counted.address(network[CALLERS_MAX]).refused
    assert counted.address(network[0]).refused
    assert not counted.address(network[1]).refused, "it was forgotten"
    assert counted.principal(ANA).refused
    assert f"{CALLERS_MAX} addresses" in repr(counted)
    counted.close()


def test_a_clock_that_is_set(clock: Clock) -> None:
    """S62: a clock set back gives nobody a quota; one that had run far ahead holds nobody for ever."""
    counted = made(clock, quotas=Quotas(1, 2))
    assert [counted.address(HOME).refused for _ in range(3)] == [False, False, True]
    clock.now -= 30
    assert counted.address(HOME).refused
    clock.now += 86_400
    assert not counted.address(HOME).refused
    clock.now -= 86_400
    assert not counted.address(HOME).refused
    counted.close()


def test_a_restart_goes_on(clock: Clock, tmp_path: Path) -> None:
    """S62: what was counted is counted still by the process that follows, and slides on."""
    path = tmp_path / "data" / "limits.bin"
    first = made(clock, path, Quotas(3, 3))
    for _ in range(3):
        first.principal(ANA)
        clock.now += 10
    first.close()
    then = made(clock, path, Quotas(3, 3))
    assert then.principal(ANA)[2:] == (0, 31, True)
    assert not then.principal(BEN).refused
    assert not then.address(HOME).refused, "each sort has its own"
    clock.now += 31
    assert not then.principal(ANA).refused
    then.close()
    assert path.stat().st_mode & 0o777 == 0o600
    for name in (b"ana", b"ben", b"192.0.2"):
        assert name not in path.read_bytes(), "nobody is named in it"


KILLED = """
import os, signal, sys
from pathlib import Path
from comptoir.http.limits import Limits, Quotas
from comptoir.http.principal import Principal
counted = Limits(Quotas(5, 5), Path(sys.argv[1]), lambda: float(sys.argv[2]))
taken = [counted.principal(Principal("ana", "i")).refused for _ in range(4)]
sys.stdout.write(str(taken.count(False)))
sys.stdout.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_forgets_nothing(clock: Clock, tmp_path: Path) -> None:
    """S62: a process killed in the middle of a minute gives nobody a second one: not one request."""
    path = tmp_path / "limits.bin"
    command = [sys.executable, "-c", KILLED, str(path), str(clock.now)]
    killed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (killed.returncode, killed.stdout) == (-9, "4"), killed.stderr
    then = made(clock, path, Quotas(5, 5))
    assert [then.principal(ANA).refused for _ in range(2)] == [False, True]
    then.close()


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"\xff" * limits.FILE_BYTES])
def test_a_file_of_another_form_is_made_anew(clock: Clock, tmp_path: Path, content: bytes) -> None:
    """Design.md 5: what is not ours, cut short or of an older form, is no count of anybody."""
    path = tmp_path / "limits.bin"
    path.write_bytes(content)
    counted = made(clock, path)
    assert counted.kept
    assert counted.address(HOME).left == 99
    counted.close()
    assert path.stat().st_size == limits.FILE_BYTES


def test_without_the_file_it_counts_all_the_same(clock: Clock, tmp_path: Path) -> None:
    """X28: a second process on the file, a link in its place or a folder that cannot be made: counted
    in memory, and said.
    """
    path = tmp_path / "limits.bin"
    first = made(clock, path, Quotas(1, 1))
    (tmp_path / "link.bin").symlink_to(path)
    (tmp_path / "file").write_bytes(b"")
    for other in (path, tmp_path / "link.bin", tmp_path / "file" / "limits.bin"):
        second = made(clock, other, Quotas(1, 1))
        assert (first.kept, second.kept) == (True, False)
        assert [second.address(HOME).refused for _ in range(2)] == [False, True]
        second.close()
    assert not first.address(HOME).refused
    first.close()
    third = made(clock, path, Quotas(1, 1))
    assert third.kept, "the lock went with the first"
    third.close()


@pytest.mark.parametrize(
    ("mode", "wanted", "held"),
    [
        ("loopback", "auto", False),
        ("loopback", "on", True),
        ("loopback", "off", False),
        ("on", "auto", True),
        ("on", "off", False),
    ],
)
def test_when_limits_hold(tmp_path: Path, mode: str, wanted: str, held: bool) -> None:
    """S62, http.rate_limits: by default where there are accounts; the quotas are those of S62."""
    configured = Settings(
        auth=Auth(mode=mode),  # type: ignore[arg-type]
        http=Http(rate_limits=wanted),  # type: ignore[arg-type]
        storage=Storage(data_dir=tmp_path),
    )
    with open_limits(configured) as found:
        assert (found is not None) == held
        if found is not None:
            assert found.principal(ANA).quota == 1_000
            assert found.address(HOME).quota == 100
    assert (tmp_path / limits.FILE_NAME).exists() == held


class TestAtTheEdge:
    """The same over a socket."""

    @pytest.fixture
    def daemon(self) -> FakeDaemon:
        """A daemon with accounts, behind a trusted proxy."""
        proxies = (ip_network("127.0.0.0/8"),)
        daemon = FakeDaemon(loopback_only=False, trusted_proxies=proxies)
        daemon.wallets["ana"] = {"userId": "ana"}
        return daemon

    @pytest.fixture
    async def client(self, daemon: FakeDaemon, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
        """A client of an edge with small limits."""
        counted = made(clock, quotas=Quotas(3, 2))
        async with trio.open_nursery() as nursery:
            shared = Shared(authenticator=FakeAuthenticator(), limits=counted)
            start = partial(serve, daemon, Settings(http=Http(port=0)), shared, stop_seconds=0.2)
            listening = await nursery.start(start)
            async with httpx.AsyncClient(
                verify=trust_of(listening.url), base_url=listening.url
            ) as opened:
                yield opened
            nursery.cancel_scope.cancel()
        counted.close()

    async def test_a_principal(self, client: httpx.AsyncClient, clock: Clock) -> None:
        """S62: counted by principal, whatever the address; 429 with when to come again."""
        ana, ben = ({"authorization": f"Bearer CLIENT.{name}"} for name in ("ana", "ben"))
        seen = [
            await client.get("/api/v1/wallets/ana", headers={**ana, "x-forwarded-for": address})
            for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")
        ]
        assert [one.status_code for one in seen] == [200, 200, 200, 429]
        assert [one.headers["ratelimit"] for one in seen] == [
            f'"authenticated";r={left};t=61' for left in (2, 1, 0, 0)
        ]
        assert {one.headers["ratelimit-policy"] for one in seen} == {'"authenticated";q=3;w=60'}
        assert seen[3].json()["code"] == "RATE_LIMITED"
        assert seen[3].headers["retry-after"] == "61"
        assert (await client.get("/api/v1/wallets/ben", headers=ben)).status_code == 404
        clock.now += 61
        assert (await client.get("/api/v1/wallets/ana", headers=ana)).status_code == 200

    async def test_an_address(self, client: httpx.AsyncClient) -> None:
        """S62, X28: who has no token is counted by the address that the trusted proxy tells; what does
        not exist counts too, and so does a token that does not hold.
        """
        first, second = ({"x-forwarded-for": address} for address in ("192.0.2.1", "192.0.2.2"))
        bad = {"authorization": "Bearer no"}
        assert (await client.get("/docs", headers=first)).status_code == 200
        assert (await client.get("/nope", headers=first)).status_code == 404
        for path in ("/docs", "/nope", "/api/v1/wallets/ana", "/metrics"):
            for headers in (first, first | bad):
                answer = await client.get(path, headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (429, "RATE_LIMITED")
        for status in (401, 401, 429):
            answer = await client.get("/api/v1/wallets/ana", headers=second | bad)
            assert answer.status_code == status
        ana = second | {"authorization": "Bearer CLIENT.ana"}
        assert (await client.get("/api/v1/wallets/ana", headers=ana)).status_code == 200

    async def test_what_is_outside(self, client: httpx.AsyncClient) -> None:
        """Interface.md 6: health, metrics and doors of this machine, and webhooks are not counted."""
        for _ in range(5):
            for path in ("/health/live", "/health/ready", "/metrics"):
                answer = await client.get(path)
                assert answer.status_code == 200
                assert "ratelimit" not in answer.headers
            quiet = await client.post("/dev/v1/quiesce", json={"timeoutSeconds": 0})
            assert "ratelimit" not in quiet.headers
            assert quiet.status_code != 429

    async def test_health_has_a_bound_of_its_own(self, client: httpx.AsyncClient) -> None:
        """S62, issue 5: an address has ten looks a second at our health, whatever it has used of its minute, and
        another one its own; who is on this machine is not counted at all.
        """
        there, other = ({"x-forwarded-for": f"192.0.2.{n}"} for n in (1, 2))
        used = [(await client.get("/docs", headers=there)).status_code for _ in range(3)]
        assert used == [200, 200, 429]
        paths, seen, began = ("/health/live", "/health/ready"), 0, time.monotonic()
        while (answer := await client.get(paths[seen % 2], headers=there)).status_code == 200:
            seen += 1
            assert seen < 5 * PROBES_PER_MINUTE, "nothing bounds them"
        filled_anew = (time.monotonic() - began) * PROBES_PER_MINUTE / 60
        assert PROBES_PER_MINUTE <= seen <= PROBES_PER_MINUTE + filled_anew
        assert (answer.status_code, answer.json()["code"]) == (429, "RATE_LIMITED")
        assert answer.headers["retry-after"] == "1"
        assert (await client.get("/health/live", headers=other)).status_code == 200
        assert (await client.get("/health/live")).status_code == 200

    async def test_failed_webhooks_count(
        self, daemon: FakeDaemon, client: httpx.AsyncClient
    ) -> None:
        """Interface.md 6: failures at rows 1 and 3 count against the address; a good one never hears."""

        def forged(address: str) -> dict[str, str]:
            return {"x-forwarded-for": address, "content-type": "application/json"}

        statuses: list[int] = []
        for address in ("127.0.0.9", "127.0.0.9", "127.0.0.9", *["192.0.2.7"] * 3):
            answer = await client.post("/webhooks/banking", content=BODY, headers=forged(address))
            statuses.append(answer.status_code)
        assert statuses == [401, 401, 429, 403, 403, 429]
        good = sign_webhook(SECRET, BODY, NOW_MS) | {"x-forwarded-for": "127.0.0.9"}
        for _ in range(3):
            answer = await client.post("/webhooks/banking", content=BODY, headers=good)
            assert answer.status_code == 202
        assert [code for _, code in daemon.counts].count("RATE_LIMITED") == 2
