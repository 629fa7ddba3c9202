"""A crowd before a listener under TLS: those who say nothing, and those who never end a handshake.

Rule: neither costs TLS for more than the handshakes that may go on at once, and honest callers are
served beside them.
Source: design.md 5 (nothing is unbounded); spec.md S62; http/places.py, http/handshakes.py.
"""

import contextlib
import resource
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from comptoir.engine.testing import Process
from comptoir.http.testing_tls import Authority

IDLE = 2_500
SLOW = 700
SOURCES = 40
"""Addresses of loopback, so that one address's share is not what ends them."""
KIB_MAX = 64 * 1024
"""256 handshakes are some 16 MiB; if each of 2,048 places had its own, they would be 120 MiB."""
ANSWER_SECONDS_MAX = 6.0
"""Of a busy machine; the crowd of handshakes by itself is given up after five."""
GREETING = b"\x16\x03\x01\x02\x00\x01"
"""The first bytes of a ClientHello of 512."""

Start = Callable[..., Process]


@pytest.fixture
def open_files() -> Iterator[None]:
    """Let this process hold the crowd."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = IDLE + SLOW + 500
    if resource.RLIM_INFINITY != hard < wanted:
        pytest.skip(f"the crowd needs {wanted} descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def resident_kib(process: Process) -> int:
    """Memory of a program, in KiB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1])


def come(stack: contextlib.ExitStack, port: int, count: int, says: bytes) -> list[socket.socket]:
    """Connect so many, each with the same first words."""
    crowd: list[socket.socket] = []
    for number in range(count):
        one = stack.enter_context(socket.socket())
        one.bind((f"127.0.0.{2 + number % SOURCES}", 0))
        one.settimeout(5)
        one.connect(("127.0.0.1", port))
        if says:
            with contextlib.suppress(OSError):
                one.send(says)
        crowd.append(one)
    return crowd


def asked(port: int, folder: Path) -> float:
    """How long an honest caller waits for an answer, its handshake included."""
    began = time.monotonic()
    context = ssl.create_default_context(cafile=folder / "authority.pem")
    while time.monotonic() - began < ANSWER_SECONDS_MAX:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), 5) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
        ):
            secured.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            if secured.recv(4096).startswith(b"HTTP/1.1 "):
                break
    return time.monotonic() - began


@pytest.mark.parametrize("section", ["http", "ingest"])
@pytest.mark.usefixtures("open_files")
def test_crowd_before_tls(
    comptoir_daemon: Start, tmp_path: Path, section: str, tell: Callable[[str], None]
) -> None:
    """S62, S49: 2,500 idle sockets and 700 endless handshakes cost bounded memory, and honest
    callers are answered beside them, each within seconds.
    """
    authority = Authority()
    authority.write(tmp_path)
    certificate, key = authority.pair(tmp_path)
    names = {"CERTIFICATE": str(certificate), "KEY": str(key)}
    process = comptoir_daemon(
        **{f"COMPTOIR_{section.upper()}__TLS_{name}": names[name] for name in names}
    )
    url = process.url if section == "http" else process.ingest_url
    port = int(url.rpartition(":")[2])
    before = resident_kib(process)
    with contextlib.ExitStack() as stack:
        come(stack, port, IDLE, b"")
        idle = max(asked(port, tmp_path) for _ in range(5))
        slow = come(stack, port, SLOW, GREETING)
        spent = [asked(port, tmp_path) for _ in range(10)]
        grown = resident_kib(process) - before
        ended = sum(1 for one in slow if is_closed(one))
    after = asked(port, tmp_path)
    assert process.running, process.said()
    assert max(idle, *spent, after) < ANSWER_SECONDS_MAX
    assert grown < KIB_MAX
    assert ended == SLOW, "a handshake without end is not ended"
    tell(
        f"{section} under TLS, {IDLE} idle sockets: slowest answer {idle:.2f} s; {SLOW} endless "
        f"handshakes beside them: {max(spent):.2f} s, {grown} KiB in all; {after:.2f} s after they left"
    )


def is_closed(one: socket.socket) -> bool:
    """Whether the other end closes within its time."""
    one.settimeout(15)
    try:
        return one.recv(64) == b""
    except TimeoutError:
        return False
    except OSError:
        return True
