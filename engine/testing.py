"""pytest fixtures for whoever embeds or drives comptoir; nothing is active until asked for.

- `comptoir_postgres`: the URL of a fresh database; one embedded server per test session. It is empty, but
  for tests that start daemons, where it is migrated.
- `comptoir_engine`: an engine of the cashback actors over an in-memory journal, manual clock.
- `comptoir_daemon`: starts whole daemons as separate processes, on free ports and fresh databases,
  without accounts unless told otherwise.
- `comptoir_sandbox`: starts sandboxes as separate processes, on free ports.
- `comptoir_daemon_shared`, `comptoir_sandbox_shared`: the same, for all tests of one module.

Rule: what a fixture starts it stops, by the process id that it kept, whatever the test did.
Registered as the pytest plugin `comptoir` (pyproject.toml, entry point pytest11), so this module
imports no other room before a fixture is used. Source: interface.md 11.
"""

import base64
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import pytest

from comptoir.engine.asking_testing import IMPORT_SECONDS_MAX, Answered, ask
from comptoir.engine.forking_testing import PROGRAMS, Child, Watchdog, fork_program
from comptoir.engine.signing_testing import sign_powens, sign_tink, sign_webhook

__all__ = ["Answered", "Process", "sign_powens", "sign_tink", "sign_webhook"]

START_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 15.0
WEBHOOK_SECRET_BYTES = 24
VAULT_KEY_BYTES = 32


class Process:
    """A daemon or a sandbox as a separate program.

    It is forked from a process that has imported it (forking_testing.py); a test that must have it
    started by the operating system gives a command of its own, such as `env comptoir serve`.
    """

    def __init__(self, command: list[str], env: Mapping[str, str], folder: Path) -> None:
        self.command = command
        self.env = dict(env)
        self.folder = folder
        self.log = folder / "stderr.log"
        self.ready: dict[str, Any] = {}
        self.bearer = ""
        """An access token that goes with every request that has no Authorization of its own."""
        self.printed = b""
        """What it wrote to standard output after its ready line; known once it has ended."""
        self._child: subprocess.Popen[bytes] | Child | None = None

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
            self._child = self._launch(self.command, log)

    def _launch(
        self, command: list[str], stderr: IO[bytes], stdin: IO[bytes] | None = None
    ) -> "subprocess.Popen[bytes] | Child":
        """Start a program of ours without its imports (forking_testing.py), any other as it is."""
        if command in (_program(name, *command[1:]) for name in PROGRAMS):
            given = None if stdin is None else stdin.fileno()
            return fork_program(command, self.env, self.folder, stderr.fileno(), given)
        return subprocess.Popen(  # noqa: S603  # our own program, within another one
            command,
            env=self.env,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            cwd=self.folder,
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
        watchdog = Watchdog(child, START_SECONDS_MAX)
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
        sent = {"Authorization": f"Bearer {self.bearer}"} if self.bearer else {}
        return ask(self.url + path, method, body, {**sent, **(headers or {})})

    def get(self, path: str) -> Answered:
        """GET."""
        return self.request("GET", path)

    def post(self, path: str, value: object) -> Answered:
        """POST JSON."""
        headers = {"Content-Type": "application/json"}
        return self.request("POST", path, json.dumps(value).encode(), headers)

    def token(self, sub: str, *roles: str, scope: str = "", ttl_s: int | None = None) -> str:
        """An access token, made as `comptoir token` makes it; wants auth.dev_tokens."""
        from comptoir.engine.cli import tokens_testing as made  # who asks for none pays nothing

        options = made.TokenOptions(sub, roles, (scope,) if scope else (), ttl_s)
        return made.make_token(options, self.env, self.folder)

    def run(self, *words: str) -> str:
        """What another command of the same program prints, under the same settings.

        Raises:
            AssertionError: it refused; with what it said.
        """
        done = self.ran(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ran(self, *words: str, text: str = "") -> "subprocess.CompletedProcess[str]":
        """How another command of the same program ended, under the same settings.

        Args:
            words: its arguments.
            text: its standard input.
        """
        command = [self.command[0], *words]
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as stderr:
            given.write(text.encode())
            given.seek(0)
            child = self._launch(command, stderr, given)
            assert child.stdout is not None
            watchdog = Watchdog(child, START_SECONDS_MAX)
            with child.stdout as stdout:
                printed = stdout.read().decode()
            status = child.wait(STOP_SECONDS_MAX)
            watchdog.cancel()
            stderr.seek(0)
            return subprocess.CompletedProcess(command, status, printed, stderr.read().decode())

    def load(self, kind: str, csv: str) -> Answered:
        """Import partners or connections."""
        headers = {"Content-Type": "text/csv; charset=utf-8"}
        if self.bearer:
            headers["Authorization"] = f"Bearer {self.bearer}"
        url = f"{self.url}/dev/v1/import/{kind}"
        return ask(url, "POST", csv.encode(), headers, IMPORT_SECONDS_MAX)

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
        return ask(url, "POST", body, sign_webhook(key, body, moment))


SECRETS = "COMPTOIR_WEBHOOKS__SEED__SECRETS"


def _program(name: str, *words: str) -> list[str]:
    """A program installed beside this Python, with its arguments."""
    return [str(Path(sys.executable).with_name(name)), *words]


def _environment(values: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without any COMPTOIR_ variable, and then these."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("COMPTOIR_")}
    return {**kept, **values}


@contextmanager
def _database(server: Any, template: str = "template1") -> "Generator[str]":
    """A fresh database of this server, dropped at the end; a copy of the template."""
    import trio  # a plugin that nobody uses must cost nothing

    name = f"t_{secrets.token_hex(6)}"
    url: str = trio.run(server.create_database, name, template)
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
        "COMPTOIR_AUTH__MODE": "loopback",
        "COMPTOIR_LOG__FORMAT": "text",
    }
    with ExitStack() as stack:

        def start(*, start: bool = True, **values: str) -> Process:
            folder = Path(tempfile.mkdtemp(prefix="ctd-"))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            own = {"COMPTOIR_STORAGE__DATA_DIR": str(folder / "data")}
            environment = _environment({**shared, **own, **values})
            process = Process(_program("comptoir", "serve"), environment, folder)
            stack.callback(_end, process)
            return process.start() if start else process

        yield start


@pytest.fixture(scope="session")
def comptoir_postgres_server() -> "Iterator[Any]":
    """One embedded PostgreSQL for the test session (fsync off: these tests kill no machine)."""
    from comptoir.storage.copied_testing import open_server  # as above

    with open_server({"fsync": "off", "max_connections": "200"}) as server:
        yield server


@pytest.fixture(scope="session")
def _comptoir_migrated(comptoir_postgres_server: Any) -> Iterator[str]:
    """The name of a database as `comptoir migrate` leaves it: a copy spares each daemon that work."""
    with _database(comptoir_postgres_server) as url, _daemons(url) as start:
        start(start=False).run("migrate")
        yield urlsplit(url).path.removeprefix("/")


@pytest.fixture
def comptoir_postgres(
    comptoir_postgres_server: Any, request: pytest.FixtureRequest
) -> Iterator[str]:
    """The URL of a fresh database, dropped afterwards: empty, or migrated where the test has daemons."""
    template = "template1"
    if "comptoir_daemon" in request.fixturenames:
        template = request.getfixturevalue("_comptoir_migrated")
    with _database(comptoir_postgres_server, template) as url:
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
    starting to the caller. They run without accounts (auth.mode = loopback), so that a test needs no
    token; with COMPTOIR_AUTH__MODE="on" they are as in production, and `Process.token` gives one.
    """
    with _daemons(comptoir_postgres) as start:
        yield start


@pytest.fixture(scope="module")
def comptoir_daemon_shared(
    comptoir_postgres_server: Any, _comptoir_migrated: str
) -> Iterator[Callable[..., Process]]:
    """Start daemons that all tests of a module use; they have a fresh database of their own."""
    with _database(comptoir_postgres_server, _comptoir_migrated) as url, _daemons(url) as start:
        yield start


def _sandboxes() -> Iterator[Callable[..., Process]]:
    """Start sandboxes: `comptoir_sandbox() -> Process`, ready; `_shared` for all tests of a module."""
    with ExitStack() as stack:

        def start(*arguments: str) -> Process:
            folder = Path(tempfile.mkdtemp(prefix="cts-"))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            command = _program("comptoir-sandbox", "serve", "--port", "0", *arguments)
            process = Process(command, _environment({}), folder)
            stack.callback(_end, process)
            return process.start()

        yield start


comptoir_sandbox = pytest.fixture(_sandboxes)
comptoir_sandbox_shared = pytest.fixture(_sandboxes, scope="module")


def _end(process: Process) -> None:
    """End what was started, and let go of its pipe where it ended by itself."""
    if process.running:
        process.stop()
    elif process.spawned:
        process.ended()
