"""pytest fixtures for whoever embeds or drives comptoir; nothing is active until asked for.

- `comptoir_postgres`: the URL of a fresh database; one embedded server per test session.
- `comptoir_engine`: an engine of the cashback actors over an in-memory journal, manual clock.
- `comptoir_daemon`: starts whole daemons as separate processes, on free ports and fresh databases.
- `comptoir_sandbox`: starts sandboxes as separate processes, on free ports.
- `comptoir_daemon_shared`: as `comptoir_daemon`, for all tests of one module.

Rule: what a fixture starts it stops, by the process id that it kept, whatever the test did.
Registered as the pytest plugin `comptoir` (pyproject.toml, entry point pytest11), so this module
imports no other room before a fixture is used. Source: interface.md 11.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Answered", "Process", "sign_webhook"]

START_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 15.0
WEBHOOK_SECRET_BYTES = 24
VAULT_KEY_BYTES = 32


class Answered:
    """An HTTP answer: `status`, `headers` (names in lower case), `body` (bytes) and `json()`."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"<Answered {self.status} {self.body[:200]!r}>"


def sign_webhook(secret: str, body: bytes, at_ms: int) -> dict[str, str]:
    """Headers of the seed scheme (interface.md 6), made with the standard library alone."""
    text = str(at_ms)
    digest = hmac.new(secret.encode(), text.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-Webhook-Timestamp": text,
        "X-Webhook-Signature": f"sha256={digest}",
    }


class Process:
    """A daemon or a sandbox as a separate program."""

    def __init__(self, command: list[str], env: Mapping[str, str], folder: Path) -> None:
        self.command = command
        self.env = dict(env)
        self.folder = folder
        self.log = folder / "stderr.log"
        self.ready: dict[str, Any] = {}
        self.printed = b""
        """What it wrote to standard output after its ready line; known once it has ended."""
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the running program."""
        assert self._child is not None
        return self._child.pid

    @property
    def url(self) -> str:
        """Where it listens, from its ready line."""
        return str(self.ready["http"])

    @property
    def ingest_url(self) -> str:
        """Where a daemon takes webhooks and nothing else, from its ready line."""
        return str(self.ready["ingest"])

    @property
    def spawned(self) -> bool:
        """Whether it was ever started."""
        return self._child is not None

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._child is not None and self._child.poll() is None

    def spawn(self) -> None:
        """Start without waiting for the ready line."""
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(  # noqa: S603  # our own program
                self.command, env=self.env, stdout=subprocess.PIPE, stderr=log, cwd=self.folder
            )

    def start(self) -> "Process":
        """Start, and wait for the ready line.

        Raises:
            AssertionError: it ended instead; with what it said on standard error.
        """
        self.spawn()
        return self.wait_ready()

    def wait_ready(self) -> "Process":
        """Wait for the ready line of a spawned program."""
        child = self._child
        assert child is not None
        assert child.stdout is not None
        watchdog = _Watchdog(child, START_SECONDS_MAX)
        line = child.stdout.readline()
        watchdog.cancel()
        if not line:
            raise AssertionError(f"exit status {self._wait(STOP_SECONDS_MAX)}: {self.said()}")
        self.ready = json.loads(line)
        return self

    def said(self) -> str:
        """The end of standard error."""
        return self.log.read_text(errors="replace")[-4000:]

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        return self._end(signal.SIGTERM)

    def send_signal(self, number: int) -> None:
        """Any signal."""
        os.kill(self.pid, number)

    def ended(self, seconds_max: float = START_SECONDS_MAX) -> int:
        """Wait until it has ended by itself; the exit status (negative: the signal)."""
        return self._wait(seconds_max)

    def _end(self, number: int) -> int:
        child = self._child
        assert child is not None
        if child.poll() is None:
            child.send_signal(number)
        return self._wait(STOP_SECONDS_MAX)

    def _wait(self, seconds_max: float) -> int:
        child = self._child
        assert child is not None
        try:
            status = child.wait(seconds_max)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            raise AssertionError(f"did not end in time: {self.said()}") from None
        if child.stdout is not None and not child.stdout.closed:
            self.printed = child.stdout.read()
            child.stdout.close()
        return status

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        """One HTTP request; any status is an answer, not an error."""
        return self._request(self.url + path, method, body, headers or {})

    @staticmethod
    def _request(url: str, method: str, body: bytes | None, headers: Mapping[str, str]) -> Answered:
        request = urllib.request.Request(  # noqa: S310  # our own loopback address
            url, data=body, method=method, headers=dict(headers)
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as found:  # noqa: S310  # as above
                return Answered(found.status, dict(found.headers), found.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answered(error.code, dict(error.headers), error.read())

    def get(self, path: str) -> Answered:
        """GET."""
        return self.request("GET", path)

    def post(self, path: str, value: object) -> Answered:
        """POST JSON."""
        headers = {"Content-Type": "application/json"}
        return self.request("POST", path, json.dumps(value).encode(), headers)

    def load(self, kind: str, csv: str) -> Answered:
        """Import partners or connections."""
        headers = {"Content-Type": "text/csv; charset=utf-8"}
        return self.request("POST", f"/dev/v1/import/{kind}", csv.encode(), headers)

    def webhook(
        self,
        body: bytes,
        secret: str | None = None,
        at_ms: int | None = None,
        *,
        lane: bool = False,
    ) -> Answered:
        """A signed webhook of the seed scheme, to either listener."""
        key = secret if secret is not None else str(json.loads(self.env[SECRETS])[0])
        moment = at_ms if at_ms is not None else time.time_ns() // 1_000_000
        url = (self.ingest_url if lane else self.url) + "/webhooks/banking"
        return self._request(url, "POST", body, sign_webhook(key, body, moment))


class _Watchdog:
    """Kills a child that does not become ready, so that reading its ready line ends."""

    def __init__(self, child: "subprocess.Popen[bytes]", seconds: float) -> None:
        import threading  # only when a program is started

        self._timer = threading.Timer(seconds, child.kill)
        self._timer.daemon = True
        self._timer.start()

    def cancel(self) -> None:
        self._timer.cancel()


SECRETS = "COMPTOIR_WEBHOOKS__SEED__SECRETS"


def _command(name: str) -> list[str]:
    """A program installed beside this Python."""
    return [str(Path(sys.executable).with_name(name)), "serve"]


def _environment(values: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without any COMPTOIR_ variable, and then these."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("COMPTOIR_")}
    return {**kept, **values}


@contextmanager
def _database(server: Any) -> "Generator[str]":
    """A fresh database of this server, dropped at the end."""
    import trio  # a plugin that nobody uses must cost nothing

    name = f"t_{secrets.token_hex(6)}"
    url: str = trio.run(server.create_database, name)
    try:
        yield url
    finally:
        trio.run(server.drop_database, name)


@contextmanager
def _daemons(url: str) -> "Generator[Callable[..., Process]]":
    """What starts daemons over one database, and stops at the end those that run."""
    key = base64.b64encode(secrets.token_bytes(VAULT_KEY_BYTES)).decode()
    shared = {
        "COMPTOIR_STORAGE__URL": url,
        "COMPTOIR_HTTP__PORT": "0",
        "COMPTOIR_INGEST__PORT": "0",
        SECRETS: json.dumps([secrets.token_hex(WEBHOOK_SECRET_BYTES)]),
        "COMPTOIR_VAULT__KEYS": json.dumps({"k1": key}),
        "COMPTOIR_CLOCK__MODE": "manual",
        "COMPTOIR_LOG__FORMAT": "text",
    }
    with ExitStack() as stack:

        def start(*, start: bool = True, **values: str) -> Process:
            folder = Path(tempfile.mkdtemp(prefix="ctd-"))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            own = {"COMPTOIR_STORAGE__DATA_DIR": str(folder / "data")}
            environment = _environment({**shared, **own, **values})
            process = Process(_command("comptoir"), environment, folder)
            stack.callback(_end, process)
            return process.start() if start else process

        yield start


@pytest.fixture(scope="session")
def comptoir_postgres_server() -> "Iterator[Any]":
    """One embedded PostgreSQL for the test session (fsync off: these tests kill no machine)."""
    import trio  # as above

    from comptoir.storage.embedded import EmbeddedPostgres  # as above

    folder = Path(tempfile.mkdtemp(prefix="ct-"))
    folder.chmod(0o711)
    server = EmbeddedPostgres(folder, settings={"fsync": "off", "max_connections": "200"})
    try:
        trio.run(server.start)
        yield server
    finally:
        trio.run(server.destroy)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def comptoir_postgres(comptoir_postgres_server: Any) -> Iterator[str]:
    """The URL of a fresh, empty database, dropped afterwards."""
    with _database(comptoir_postgres_server) as url:
        yield url


@pytest.fixture
async def comptoir_engine() -> AsyncIterator[Any]:
    """An engine with the cashback actors over an in-memory journal, with a manual clock."""
    from comptoir.engine.boot import memory_engine  # as above

    async with memory_engine() as engine:
        yield engine


@pytest.fixture
def comptoir_daemon(comptoir_postgres: str) -> Iterator[Callable[..., Process]]:
    """Start daemons: `comptoir_daemon(VARIABLE="value", ...) -> Process`, ready.

    All of one test share its fresh database and the keys that seal it; `start=False` leaves
    starting to the caller.
    """
    with _daemons(comptoir_postgres) as start:
        yield start


@pytest.fixture(scope="module")
def comptoir_daemon_shared(comptoir_postgres_server: Any) -> Iterator[Callable[..., Process]]:
    """Start daemons that all tests of a module use; they have a fresh database of their own."""
    with _database(comptoir_postgres_server) as url, _daemons(url) as start:
        yield start


@pytest.fixture
def comptoir_sandbox() -> Iterator[Callable[..., Process]]:
    """Start sandboxes: `comptoir_sandbox() -> Process`, ready."""
    with ExitStack() as stack:

        def start(*arguments: str) -> Process:
            folder = Path(tempfile.mkdtemp(prefix="cts-"))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            command = [*_command("comptoir-sandbox"), "--port", "0", *arguments]
            process = Process(command, _environment({}), folder)
            stack.callback(_end, process)
            return process.start()

        yield start


def _end(process: Process) -> None:
    """End what was started, and let go of its pipe where it ended by itself."""
    if process.running:
        process.stop()
    elif process.spawned:
        process.ended()
