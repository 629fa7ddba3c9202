"""The ingest lane under TLS."""

import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from comptoir.engine.settings import Ingest, Settings
from comptoir.http import lane
from comptoir.http.lane import LaneListening, serve_lane
from comptoir.http.listener import BindError
from comptoir.http.places import Places, Wait
from comptoir.http.testing import FakeDaemon
from comptoir.http.testing_tls import Authority
from comptoir.http.testing_wire import BODY, connect, open_lane, post, read_answer
from comptoir.http.webhooks import Reception


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Give a certificate of 127.0.0.1 and its key."""
    return Authority().pair(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def tls(
    daemon: FakeDaemon, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[LaneListening]:
    """Give a lane under TLS."""
    monkeypatch.setattr(lane, "SWEEP_SECONDS", 0.01)
    certificate, key = map(str, files)
    bounds = {"silent_s": 0.3, "body_s": 0.3}
    async with trio.open_nursery() as nursery:
        yield await open_lane(nursery, daemon, tls_certificate=certificate, tls_key=key, **bounds)
        nursery.cancel_scope.cancel()


async def secured(
    listening: LaneListening, certificate: Path, most: ssl.TLSVersion
) -> trio.SSLStream[trio.SocketStream]:
    """A connection under TLS."""
    context = ssl.create_default_context(cafile=str(certificate))
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = most
    stream = trio.SSLStream(
        await connect(listening), context, server_hostname="127.0.0.1", https_compatible=True
    )
    try:
        await stream.do_handshake()
    except trio.BrokenResourceError:
        await trio.aclose_forcefully(stream)
        raise
    return stream


async def test_a_webhook(daemon: FakeDaemon, tls: LaneListening, files: tuple[Path, Path]) -> None:
    """S53, S62: the same answers, on one connection, under TLS 1.3; a slow one hears 408."""
    assert tls.url.startswith("https://127.0.0.1:")
    stream = await secured(tls, files[0], ssl.TLSVersion.TLSv1_3)
    assert stream.version() == "TLSv1.3"
    async with stream:
        for _ in range(3):
            await stream.send_all(post())
            assert (await read_answer(stream))[0] == 202  # type: ignore[arg-type]
        await stream.send_all(post()[:-1])
        with trio.fail_after(5):
            status, headers, _ = await read_answer(stream)  # type: ignore[arg-type]
        assert (status, headers["connection"]) == (408, "close")
    assert len(daemon.asks) == 3


async def test_nothing_below_1_3(tls: LaneListening, files: tuple[Path, Path]) -> None:
    """S62: TLS 1.2 is refused in the handshake."""
    with pytest.raises(trio.BrokenResourceError):
        await secured(tls, files[0], ssl.TLSVersion.TLSv1_2)


@pytest.mark.parametrize("said", [b"", post()], ids=["silent", "in the clear"])
async def test_no_handshake(daemon: FakeDaemon, tls: LaneListening, said: bytes) -> None:
    """S62: whoever does not begin a handshake is closed, and what it says is not handled."""
    async with await connect(tls) as stream:
        await stream.send_all(said) if said else None
        with trio.fail_after(5), contextlib.suppress(trio.BrokenResourceError):
            assert b"HTTP" not in b"".join([part async for part in stream])
    assert daemon.asks == []


async def test_files_that_are_none(daemon: FakeDaemon, tmp_path: Path) -> None:
    """interface.md 2: exit 2, with a remedy; nothing listens in the clear instead."""
    (tmp_path / "empty.pem").write_text("")
    for name in ("absent.pem", "empty.pem"):
        path = str(tmp_path / name)
        settings = Settings(ingest=Ingest(port=0, tls_certificate=path, tls_key=path))
        with pytest.raises(BindError) as caught:
            await serve_lane(daemon, settings)
        assert (caught.value.code, caught.value.exit_status) == ("TLS_UNREADABLE", 2)


async def test_late_while_it_is_written_to(daemon: FakeDaemon) -> None:
    """Whoever waits for its body's 100 to be taken when its time is over hears 408 all the same."""
    ours, theirs = socket.socketpair()
    opened = Places(1)
    place = opened.take(ours, "127.0.0.1")
    assert place is not None
    said: list[bytes] = []

    class Slow:
        """Wakes only who waits in `receive`, as TLS does."""

        async def receive(self) -> bytes:
            if said:
                await trio.sleep_forever()
            return post(BODY, "Expect: 100-continue")[: -len(BODY)]

        async def send(self, data: bytes) -> None:
            said.append(data)
            for late in opened.overdue(Wait.BODY, 0.0):
                late.late = True
                late.wake()

        def wake(self) -> None:
            pass

    one = lane.Lane(daemon, Reception(daemon), Settings(), opened, None)
    with trio.fail_after(5):
        await one._serve_alone(place, Slow())  # pyright: ignore[reportPrivateUsage]
    theirs.close()
    assert [data[9:12] for data in said] == [b"100", b"408"]
    assert len(opened) == 0
