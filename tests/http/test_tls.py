"""TLS of both listeners: what is spoken, who must show a certificate, how ours is renewed."""

import contextlib
import os
import shutil
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import structlog.testing
import trio
import trio.testing

from comptoir.engine.settings import Settings
from comptoir.http import certificates, handshakes, places
from comptoir.http.certificates import AllCertificates, Certificates, TlsFiles
from comptoir.http.lane import LaneListening, serve_lane
from comptoir.http.listener import BindError
from comptoir.http.server import Listening, serve
from comptoir.http.testing import FakeDaemon
from comptoir.http.testing_tls import Authority
from comptoir.http.testing_wire import connect, post, read_answer

OPENSSL = shutil.which("openssl") or ""
AUTHORITY = Authority()
Server = Listening | LaneListening


class Edge:
    """Either listener under TLS, and its files."""

    def __init__(self, section: str, folder: Path, daemon: FakeDaemon) -> None:
        self.section, self.folder, self.daemon = section, folder, daemon
        self.authority = AUTHORITY.write(folder)
        self.certificate, self.key = AUTHORITY.pair(folder)
        self.server: Server | None = None

    async def open(self, nursery: trio.Nursery, **more: object) -> Server:
        """Begin to listen."""
        named = {
            "port": 0, "tls_certificate": str(self.certificate), "tls_key": str(self.key), **more,
        }  # fmt: skip
        settings = Settings().having({(self.section, name): value for name, value in named.items()})
        opened = serve if self.section == "http" else serve_lane
        self.server = await nursery.start(partial(opened, self.daemon, settings, stop_seconds=0.2))
        assert self.server is not None
        return self.server

    @property
    def certificates(self) -> Certificates:
        """What it shows."""
        assert self.server is not None
        assert self.server.certificates is not None
        return self.server.certificates

    async def secured(
        self, client: tuple[Path, Path] | None = None
    ) -> trio.SSLStream[trio.SocketStream]:
        """A connection whose handshake is over, as far as a caller can tell."""
        context = ssl.create_default_context(cafile=str(self.authority))
        if client is not None:
            context.load_cert_chain(*client)
        assert self.server is not None
        plain = await connect(self.server)
        stream = trio.SSLStream(plain, context, server_hostname="127.0.0.1", https_compatible=True)
        try:
            with trio.fail_after(5):
                await stream.do_handshake()
        except trio.BrokenResourceError:
            await trio.aclose_forcefully(stream)
            raise
        return stream

    async def serial(self) -> int:
        """The number of the certificate that a new caller sees."""
        async with await self.secured() as stream:
            shown: dict[str, str] = stream.getpeercert()
            return int(shown["serialNumber"], 16)


@pytest.fixture(params=["http", "ingest"])
def edge(request: pytest.FixtureRequest, tmp_path: Path, daemon: FakeDaemon) -> Edge:
    """Give either listener, not open yet."""
    return Edge(request.param, tmp_path, daemon)


@pytest.fixture
async def opened(edge: Edge) -> AsyncIterator[Edge]:
    """Give either listener, open."""
    async with trio.open_nursery() as nursery:
        await edge.open(nursery)
        yield edge
        nursery.cancel_scope.cancel()


async def s_client(edge: Edge, *options: str) -> str:
    """What openssl's own client says of a handshake."""
    assert edge.server is not None
    address = edge.server.url.rpartition("//")[2]
    command = [OPENSSL, "s_client", "-connect", address, "-CAfile", str(edge.authority)]
    with trio.fail_after(20):
        done = await trio.run_process(
            [*command, "-verify_return_error", *options],
            stdin=b"", capture_stdout=True, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    return done.stdout.decode("utf-8", "replace")


@pytest.mark.skipif(not OPENSSL, reason="the oracle is openssl's own client")
class TestOpenssl:
    """S35, S62: another program's word for what is spoken here."""

    async def test_1_3(self, opened: Edge) -> None:
        """S35, S62: TLS 1.3 is taken, and the certificate verified, to HTTP/1.1 and nothing else."""
        said = await s_client(opened, "-tls1_3", "-alpn", "h2,http/1.1")
        assert "TLSv1.3" in said
        assert "Verify return code: 0 (ok)" in said
        assert "ALPN protocol: http/1.1" in said

    async def test_nothing_below(self, opened: Edge) -> None:
        """S35, S62: TLS 1.2, with every cipher that openssl has, is refused by an alert."""
        said = await s_client(opened, "-tls1_2", "-cipher", "ALL:@SECLEVEL=0")
        assert "alert protocol version" in said
        assert "Cipher is (NONE)" in said

    async def test_no_early_data(self, opened: Edge) -> None:
        """S62: no 0-RTT, which could be replayed: a ticket allows no early data."""
        said = await s_client(opened, "-tls1_3")
        assert "Max Early Data: 0" in said or "Early data was not sent" in said


async def test_requests(opened: Edge) -> None:
    """S62: requests are answered on one connection, as in the clear; HSTS is said by hypercorn's."""
    assert opened.server is not None
    assert opened.server.url.startswith("https://127.0.0.1:")
    async with await opened.secured() as stream:
        for _ in range(3):
            await stream.send_all(post())
            with trio.fail_after(5):
                assert (await read_answer(stream))[0] == 202  # type: ignore[arg-type]


class TestClients:
    """A file of client authorities shuts out whoever cannot show a certificate of theirs."""

    async def shut_out(self, edge: Edge, client: tuple[Path, Path] | None) -> None:
        """A caller with this certificate gets no answer."""
        # Under TLS 1.3 the caller is done before the server has judged: it hears so when it reads.
        with pytest.raises(trio.BrokenResourceError) as caught, trio.fail_after(5):
            async with await edge.secured(client) as stream:
                await stream.receive_some()
        assert isinstance(caught.value.__cause__, ssl.SSLError)
        assert "ALERT" in caught.value.__cause__.reason  # it says why
        assert edge.daemon.asks == []

    async def test_required(self, edge: Edge, tmp_path: Path) -> None:
        """S62: none, one of another authority, one that has expired, and a server's are refused."""
        other = Authority()
        async with trio.open_nursery() as nursery:
            await edge.open(nursery, tls_client_ca=str(edge.authority))
            await self.shut_out(edge, None)
            await self.shut_out(edge, other.pair(tmp_path, "stranger", client=True))
            await self.shut_out(edge, AUTHORITY.pair(tmp_path, "old", days=(-9, -1), client=True))
            await self.shut_out(edge, AUTHORITY.pair(tmp_path, "another server"))
            partner = AUTHORITY.pair(tmp_path, "partner", client=True)
            async with await edge.secured(partner) as stream:
                await stream.send_all(post())
                assert (await read_answer(stream))[0] == 202  # type: ignore[arg-type]
            nursery.cancel_scope.cancel()

    async def test_it_is_nobodys_name(self, tmp_path: Path, daemon: FakeDaemon) -> None:
        """S53, S62: behind the door a partner's webhook is judged as anybody's: unsigned is 401."""
        edge = Edge("ingest", tmp_path, daemon)
        async with trio.open_nursery() as nursery:
            await edge.open(nursery, tls_client_ca=str(edge.authority))
            partner = AUTHORITY.pair(tmp_path, "partner", client=True)
            async with await edge.secured(partner) as stream:
                await stream.send_all(post().replace(b"X-Webhook-Signature", b"X-Other"))
                assert (await read_answer(stream))[0] == 401  # type: ignore[arg-type]
            nursery.cancel_scope.cancel()


class TestRenewal:
    """S35, S62: certificates change under a running daemon."""

    @pytest.fixture(autouse=True)
    def soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Files are looked at often."""
        monkeypatch.setattr(certificates, "LOOK_SECONDS", 0.02)

    async def test_by_time(self, opened: Edge) -> None:
        """A new pair is shown to the next caller; who was there goes on."""
        before = await opened.serial()
        async with await opened.secured() as old:
            AUTHORITY.pair(opened.folder)
            with trio.fail_after(10):
                while await opened.serial() == before:
                    pass
            await old.send_all(post())
            assert (await read_answer(old))[0] == 202  # type: ignore[arg-type]
        figures = opened.certificates.statistics()
        assert (figures.reloads_total, figures.refused_total) == (1, 0)

    async def test_by_signal(self, opened: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
        """What SIGHUP asks for reads the files now, even if nothing tells that they have changed."""
        monkeypatch.setattr(certificates, "LOOK_SECONDS", 3600.0)
        await renewed(opened, partial(AUTHORITY.pair, opened.folder))
        assert opened.certificates.statistics().reloads_total >= 1

    async def test_a_signal_in_the_moment_of_a_look(
        self, tmp_path: Path, mock_clock: trio.testing.MockClock
    ) -> None:
        """A SIGHUP is heard whenever it comes, also when it is time to look anyway."""
        shown = Certificates(TlsFiles("http", *map(str, AUTHORITY.pair(tmp_path))))

        async def tell() -> None:
            await trio.sleep(certificates.LOOK_SECONDS)
            shown.reload()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(shown.watch)
            for heard in range(20):  # which of the two is woken first is chance
                nursery.start_soon(tell)
                await trio.testing.wait_all_tasks_blocked()
                mock_clock.jump(certificates.LOOK_SECONDS)
                until = time.monotonic() + 10
                while shown.statistics().reloads_total == heard:
                    assert time.monotonic() < until, f"signal {heard} was not heard"
                    await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()

    @pytest.mark.parametrize("fault", ["absent", "garbage", "other key", "expired", "exposed"])
    async def test_a_bad_pair(self, opened: Edge, fault: str, tmp_path: Path) -> None:
        """A pair that is not good is refused with a line and a count; the old one stays."""
        before = await opened.serial()

        def spoil() -> None:
            match fault:
                case "absent":
                    opened.key.unlink()
                case "garbage":
                    opened.certificate.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n")
                case "other key":
                    shutil.copyfile(AUTHORITY.pair(tmp_path, "other")[1], opened.key)
                case "expired":
                    AUTHORITY.pair(opened.folder, days=(-9, -1))
                case _:
                    opened.key.chmod(0o644)

        with structlog.testing.capture_logs() as logs:
            await renewed(opened, spoil)
        assert await opened.serial() == before
        figures = opened.certificates.statistics()
        assert figures.reloads_total == 0
        assert figures.refused_total >= 1
        lines = [line for line in logs if line["event"] == "certificate_refused"]
        assert lines[0]["listener"] == opened.section
        assert str(tmp_path) not in str(lines)


async def renewed(edge: Edge, change: "partial[object] | object") -> None:
    """Change the files, ask for their reading, and wait until that is over."""
    shown = edge.certificates

    def turns() -> int:
        figures = shown.statistics()
        return figures.reloads_total + figures.refused_total

    assert callable(change)
    change()
    before = turns()
    shown.reload()
    with trio.fail_after(10):
        while turns() == before:  # noqa: ASYNC110 - a thread's: no event here
            await trio.sleep(0.005)


class TestStart:
    """interface.md 2: a start with files that are not good ends with 2 and a remedy."""

    @pytest.mark.parametrize(
        ("days", "mode", "code"),
        [
            ((-9, -1), 0o600, "TLS_CERTIFICATE_INVALID"),
            ((1, 9), 0o600, "TLS_CERTIFICATE_INVALID"),
            ((-1, 9), 0o604, "TLS_KEY_EXPOSED"),
        ],
    )
    def test_refused(self, tmp_path: Path, days: tuple[float, float], mode: int, code: str) -> None:
        """S62: expired, not valid yet, a key that everybody may read."""
        certificate, key = AUTHORITY.pair(tmp_path, days=days)
        key.chmod(mode)
        with pytest.raises(BindError) as caught:
            Certificates(TlsFiles("http", str(certificate), str(key)))
        assert (caught.value.code, caught.value.exit_status) == (code, 2)
        assert "http.tls_" in caught.value.text

    @pytest.mark.skipif(not OPENSSL, reason="openssl makes the keys")
    @pytest.mark.parametrize(
        "made",
        [["-newkey", "rsa:1024", "-nodes"], ["-newkey", "rsa:2048", "-passout", "pass:x"]],
        ids=["weak", "under a passphrase"],
    )
    def test_keys(self, tmp_path: Path, made: list[str]) -> None:
        """S62: a weak key is refused; one under a passphrase as well, and nobody is asked for it."""
        certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
        command = [OPENSSL, "req", "-x509", "-subj", "/CN=x", "-days", "2", *made]
        subprocess.run(
            [*command, "-keyout", key, "-out", certificate], check=True, capture_output=True
        )
        key.chmod(0o600)
        with pytest.raises(BindError) as caught:
            Certificates(TlsFiles("ingest", str(certificate), str(key)))
        assert caught.value.code == "TLS_UNREADABLE"

    def test_client_authorities(self, tmp_path: Path) -> None:
        """S62: a file without authorities is refused, and named."""
        certificate, key = AUTHORITY.pair(tmp_path)
        empty = tmp_path / "empty.pem"
        empty.touch()
        with pytest.raises(BindError) as caught:
            Certificates(TlsFiles("http", str(certificate), str(key), str(empty)))
        assert caught.value.code == "TLS_UNREADABLE"
        assert "http.tls_client_ca" in caught.value.text


class TestHandshakes:
    """design.md 5: handshakes are bounded in time and in number."""

    async def test_slow_ones(self, edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
        """S62: whoever begins a handshake and does not end it is closed."""
        monkeypatch.setattr(handshakes, "HANDSHAKE_SECONDS_MAX", 0.1)
        async with trio.open_nursery() as nursery:
            server = await edge.open(nursery)
            async with await connect(server) as slow:
                await slow.send_all(b"\x16\x03\x01\x02\x00\x01")  # the first bytes of a greeting
                with trio.fail_after(5), contextlib.suppress(trio.BrokenResourceError):
                    assert await slow.receive_some() == b""
            await trio.testing.wait_all_tasks_blocked()
            figures = edge.certificates.statistics()
            assert (figures.handshakes_done_total, figures.handshakes_failed_total) == (0, 1)
            nursery.cancel_scope.cancel()

    async def test_many_slow_ones(self, edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
        """S62: beyond their number the longest-waiting leaves, and an honest caller is served."""
        monkeypatch.setattr(places, "HANDSHAKES_MAX", 4)
        monkeypatch.setattr(places, "GRACE_SECONDS", 0.05)
        async with trio.open_nursery() as nursery, contextlib.AsyncExitStack() as stack:
            server = await edge.open(nursery)
            slow = [await stack.enter_async_context(await connect(server)) for _ in range(8)]
            for one in slow:
                await one.send_all(b"\x16\x03\x01\x02\x00\x01")
            answered = False
            with trio.fail_after(4):  # sooner than the time of a slow one ends
                while not answered:
                    with contextlib.suppress(trio.BrokenResourceError):
                        async with await edge.secured() as stream:
                            await stream.send_all(post())
                            answered = (await read_answer(stream))[0] == 202  # type: ignore[arg-type]
            nursery.cancel_scope.cancel()


def test_what_is_told(tmp_path: Path) -> None:
    """S62, S67: the end of a certificate is a metric, and a detail of readiness from two weeks on."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    every = AllCertificates(registry)
    every.add(None)
    assert (len(every), every.checks()) == (0, {})
    certificate, key = AUTHORITY.pair(tmp_path, days=(-1, 30))
    shown = Certificates(TlsFiles("http", str(certificate), str(key)))
    every.add(shown)
    now, day = time.time(), 86_400
    assert every.checks() == {"tls.http": "ok"}
    assert shown.check(now + 17 * day) == "certificate expires in 12 days"
    assert shown.check(now + 31 * day) == "certificate has expired"
    text = generate_latest(registry).decode()
    name = 'comptoir_tls_certificate_not_after_timestamp_seconds{listener="http"} '
    (line,) = [line for line in text.splitlines() if line.startswith(name)]
    assert abs(float(line.removeprefix(name)) - now - 30 * day) < 60
    assert 'comptoir_tls_reloads_refused_total{listener="http"} 0.0' in text
    assert 'comptoir_tls_handshakes_total{listener="http",result="failed"} 0.0' in text
    assert os.fspath(tmp_path) not in text
