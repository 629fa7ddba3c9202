"""The mainframe's queues at a broker that is not ours: Debian's RabbitMQ with its AMQP 1.0 plugin.

Debian's ActiveMQ has no AMQP connector. RabbitMQ has no selectors, so the reply queue is ours alone here. The tests skip where it
is not installed, unless TESTS_REQUIRE_AMQP_BROKER is set. It listens on loopback, in the clear and under TLS by an authority of
the test, in a folder of its own, and is ended by its process id, as is the port mapper that is started for it.
"""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from glob import glob
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio
import trio.testing

from comptoir.actors.account.messages import (
    AccountDescribed,
    AccountProfile,
    DescribeAccount,
    OpenAccount,
)
from comptoir.actors.gateways.queues import Names, QueueAway, QueueUnsure, Received, Sent
from comptoir.engine import Address
from comptoir.engine.boot import memory_engine
from comptoir.engine.settings import Secret, Settings
from comptoir.http.testing_tls import Authority
from comptoir.sandbox.parties.mainframe_program import PythonProgram

SERVER = "/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server"
QUEUES = (
    "AS.IT.WAS", "NOBODY", "AGAIN", "POISON", "OUTLIVES", "SEALED", "SHARED", "POISONED", "REQUESTS", "REPLIES", "CHANGES"
)  # fmt: skip
GUEST = {"name": "guest", "password": "guest", "tags": ""}
ALL = {"user": "guest", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}
DEFINITIONS: dict[str, Any] = {
    "vhosts": [{"name": "/"}], "users": [GUEST], "permissions": [ALL],
    "queues": [
        {"name": one, "vhost": "/", "durable": True, "auto_delete": False, "arguments": {}} for one in QUEUES
    ],
}  # fmt: skip
"""Queues that an administrator has made, as those of a mainframe are."""
RECORD = bytes(range(165))
START_S = 180.0


def _names(queue: str, ours: str = "") -> Names:
    """What is sent to a queue comes back from it."""
    return Names(_queue(queue), _queue(queue), "", ours)


class Rabbit:
    """One broker, in a folder of its own, on free ports."""

    def __init__(self, program: str, folder: Path) -> None:
        self.port, self.tls_port, distribution, names = _free_ports()
        authority = Authority()
        self.authority = authority.write(folder)
        certificate, key = authority.pair(folder)
        (folder / "rabbit.conf").write_text(
            f"listeners.tcp.local = 127.0.0.1:{self.port}\namqp1_0.default_user = none\n"
            f"load_definitions = {folder / 'definitions.json'}\n"
            f"listeners.ssl.local = 127.0.0.1:{self.tls_port}\nssl_options.cacertfile = {self.authority}\n"
            f"ssl_options.certfile = {certificate}\nssl_options.keyfile = {key}\n"
            "ssl_options.verify = verify_none\n"
        )
        (folder / "definitions.json").write_text(json.dumps(DEFINITIONS))
        (folder / "plugins").write_text("[rabbitmq_amqp1_0].")
        self._env = {
            "PATH": os.environ["PATH"], "HOME": str(folder), "RABBITMQ_NODENAME": f"n{self.port}@localhost",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbit.conf"), "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"), "RABBITMQ_MNESIA_BASE": str(folder / "db"),
            "RABBITMQ_LOG_BASE": str(folder / "log"), "RABBITMQ_DIST_PORT": str(distribution),
            "ERL_EPMD_PORT": str(names), "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }  # fmt: skip
        self._program, self._folder = program, folder
        command = ["epmd", "-port", str(names), "-address", "127.0.0.1"]
        self._names = subprocess.Popen(command, env=self._env)  # Erlang's own
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it listens."""
        with (self._folder / "out.log").open("ab") as log:
            self._server = subprocess.Popen(  # Debian's own
                [self._program], env=self._env, stdout=log, stderr=log, start_new_session=True
            )
        end = time.monotonic() + START_S
        while time.monotonic() < end and self._server.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.2)
        raise AssertionError((self._folder / "out.log").read_text()[-2000:])

    def kill(self) -> None:
        """As a power cut does: the whole session that was started for it."""
        if self._server is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait()

    def end(self) -> None:
        """All that was started."""
        self.kill()
        self._names.terminate()
        self._names.wait()


def _free_ports() -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture(scope="module")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rabbit]:
    """A broker for all tests here."""
    programs = glob(SERVER)  # noqa: PTH207  # an absolute pattern
    if not os.environ.get("TESTS_REQUIRE_AMQP_BROKER"):
        pytest.importorskip("proton", reason="Qpid Proton is an extra")
        if not programs:
            pytest.skip("no rabbitmq-server on this machine")
    broker = Rabbit(programs[0], tmp_path_factory.mktemp("rabbit"))
    try:
        broker.start()
        yield broker
    finally:
        broker.end()


class Line:
    """Our queues at that broker, and what came."""

    def __init__(self, rabbit: Rabbit, queue: str, password: str = "guest", ours: str = "") -> None:
        from comptoir.actors.gateways.queue_amqp import AmqpQueues  # an extra

        address = f"amqp://127.0.0.1:{rabbit.port}"
        self.way = AmqpQueues(address, ("guest", password), _names(queue, ours))
        self.durable = trio.Event()
        """Until it is set, what comes is not taken."""
        self._put, self.came = trio.open_memory_channel[Received](10)

    async def take(self, received: Received) -> None:
        """Say what came, and be done when it is durable."""
        self._put.send_nowait(received)
        await self.durable.wait()

    async def ready(self) -> None:
        """Wait for the connection."""
        with trio.fail_after(30):
            while True:
                with suppress(QueueAway):
                    return await self.way.check()


async def test_a_record_is_stored_and_comes_back_as_it_was(rabbit: Rabbit) -> None:
    """PLAIN, a durable message of bytes, `accepted`, its correlation; in their order (S31)."""
    line = Line(rabbit, "AS.IT.WAS")
    line.durable.set()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(line.way.run, line.take)
        await line.ready()
        for number in range(3):
            await line.way.send(Sent(f"ONB-2026-00001:{number}", RECORD))
        with trio.fail_after(10):
            came = [await line.came.receive() for _ in range(3)]
        nursery.cancel_scope.cancel()
    assert came == [
        Received("/amq/queue/AS.IT.WAS", f"ONB-2026-00001:{one}", RECORD) for one in range(3)
    ]


async def test_a_wrong_password_is_a_queue_that_is_away(rabbit: Rabbit) -> None:
    """Nothing leaves."""
    line = Line(rabbit, "NOBODY", "wrong")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(line.way.run, line.take)
        with pytest.raises(QueueAway):
            await line.way.send(Sent("ONB-2026-00001:1", RECORD))
        nursery.cancel_scope.cancel()


async def test_what_is_not_durable_here_comes_again(rabbit: Rabbit) -> None:
    """A message is accepted when it is a row of ours, and not when it was read (invariant 1)."""
    assert await _seen(rabbit, durable=False), "read, and not kept"
    assert await _seen(rabbit, durable=True), "it comes again"
    assert not await _seen(rabbit, durable=True), "and is gone"


async def _seen(rabbit: Rabbit, *, durable: bool) -> bool:
    """Whether there is one, on a connection of its own; the first one sends it."""
    line = Line(rabbit, "AGAIN")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(line.way.run, line.take)
        await line.ready()
        if durable:
            line.durable.set()
        else:
            await line.way.send(Sent("ONB-2026-00002:1", RECORD))
        with trio.move_on_after(2) as waited:
            await line.came.receive()
            await trio.testing.wait_all_tasks_blocked(0.1)
        nursery.cancel_scope.cancel()
    return not waited.cancelled_caught


UNDECODABLE = b"\x00Sw\xa1\x03\xc1\xff\xd3"
"""A value of AMQP that says it is a string, and is none: its bytes are no UTF-8."""


@pytest.mark.parametrize(("queue", "ours"), [("POISON", ""), ("POISONED", "ONB-")])
async def test_what_nobody_can_decode_is_handed_over_as_it_came_and_accepted(
    rabbit: Rabbit, monkeypatch: pytest.MonkeyPatch, queue: str, ours: str
) -> None:
    """A dead letter with its bytes, on a shared queue too; what is behind it comes, on the same connection (S31, X10)."""
    from comptoir.actors.gateways.amqp import proton

    line = Line(rabbit, queue, ours=ours)
    line.durable.set()

    def encode(_message: object) -> bytes:
        return UNDECODABLE

    async with trio.open_nursery() as nursery:
        nursery.start_soon(line.way.run, line.take)
        await line.ready()
        with monkeypatch.context() as patched:
            patched.setattr(proton.Message, "encode", encode)
            await line.way.send(Sent("ONB-2026-00004:1", RECORD))
        await line.way.send(Sent("ONB-2026-00004:2", RECORD))
        with trio.fail_after(10):
            poison, behind = [await line.came.receive() for _ in range(2)]
        nursery.cancel_scope.cancel()
    assert poison.correlation == ""
    assert UNDECODABLE[3:] in poison.body
    assert behind == Received(_queue(queue), "ONB-2026-00004:2", RECORD)


async def test_a_crash_ends_a_connection_and_nothing_else(rabbit: Rabbit) -> None:
    """What crashed us is not accepted: it comes again on the next connection (S32, invariant 1)."""
    line = Line(rabbit, "AGAIN")
    line.durable.set()
    crashes = iter((RuntimeError("a bug"), trio.BrokenResourceError()))

    async def take(received: Received) -> None:
        for crash in crashes:
            raise crash
        await line.take(received)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(line.way.run, take)
        await line.ready()
        with suppress(QueueUnsure):  # it may crash before the broker has said that it has it
            await line.way.send(Sent("ONB-2026-00005:1", RECORD))
        with trio.fail_after(20):
            assert (await line.came.receive()).body == RECORD
        nursery.cancel_scope.cancel()


def _queue(name: str) -> str:
    return f"/amq/queue/{name}"


async def test_a_broker_without_selectors_is_refused(rabbit: Rabbit) -> None:
    """X10: RabbitMQ 3.10 says that our filter is in force, and sends others' replies all the same: the first one is not
    accepted, and is theirs again.
    """
    from comptoir.actors.gateways.queue_amqp import AmqpQueues  # an extra

    names = Names(_queue("SHARED"), _queue("SHARED"), "", "ONB-")
    way = AmqpQueues(f"amqp://127.0.0.1:{rabbit.port}", ("guest", "guest"), names)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(way.run, _nothing_comes)
        theirs = Line(rabbit, "SHARED")
        with suppress(QueueAway, QueueUnsure), trio.fail_after(30):
            while not way.trouble:
                await way.send(Sent("BANK-7", b"theirs"))
                await trio.sleep(0.05)
        assert way.trouble == "SELECTOR_IGNORED"
        theirs.durable.set()
        nursery.start_soon(theirs.way.run, theirs.take)
        with trio.fail_after(30):
            assert (await theirs.came.receive()).body == b"theirs"
        nursery.cancel_scope.cancel()


async def _nothing_comes(received: Received) -> None:
    raise AssertionError(f"{received.correlation} is not for us")


async def test_under_tls_by_an_authority_that_we_trust(
    rabbit: Rabbit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S31, S62: `amqps`; a stranger's certificate is a queue that is away, and the password does not leave."""
    from comptoir.actors.gateways.queue_amqp import AmqpQueues  # an extra

    def authorities(*_named: str) -> Any:
        return httpx.create_ssl_context()

    monkeypatch.setattr("comptoir.engine.trust._authorities", authorities)  # it reads them once
    line = Line(rabbit, "SEALED")
    line.durable.set()
    address = f"amqps://127.0.0.1:{rabbit.tls_port}"
    async with trio.open_nursery() as nursery:
        stranger = AmqpQueues(address, ("guest", "guest"), _names("SEALED"))
        nursery.start_soon(stranger.run, line.take)
        with pytest.raises(QueueAway):
            await stranger.check()
        nursery.cancel_scope.cancel()
    monkeypatch.setenv("SSL_CERT_FILE", str(rabbit.authority))
    line.way = AmqpQueues(address, ("guest", "guest"), _names("SEALED"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(line.way.run, line.take)
        await line.ready()
        await line.way.send(Sent("ONB-2026-00006:1", RECORD))
        with trio.fail_after(10):
            assert (await line.came.receive()).body == RECORD
        nursery.cancel_scope.cancel()


class Mainframe:
    """Whoever is behind those queues: it takes requests, and answers each."""

    def __init__(self, rabbit: Rabbit) -> None:
        from comptoir.actors.gateways.queue_amqp import AmqpQueues  # an extra

        names = Names(_queue("REPLIES"), _queue("REQUESTS"), "", "")
        self.way = AmqpQueues(f"amqp://127.0.0.1:{rabbit.port}", ("guest", "guest"), names)
        self.program = PythonProgram()
        self.asked: list[str] = []

    async def take(self, received: Received) -> None:
        """A request."""
        self.asked.append(received.correlation)
        reply = await self.program.answer(received.body)
        await self.way.send(Sent(received.correlation, reply))


async def test_an_account_is_opened_through_it(rabbit: Rabbit) -> None:
    """S29 to S31: the account's own machine, its adapter and RabbitMQ; one command, and the account that was made."""
    settings = Settings().having({
        ("providers", "mainframe", "base_url"): f"amqp://127.0.0.1:{rabbit.port}",
        ("providers", "mainframe", "username"): "guest",
        ("providers", "mainframe", "password"): Secret("guest"),
        ("core_banking", "request_queue"): _queue("REQUESTS"),
        ("core_banking", "reply_queue"): _queue("REPLIES"),
        ("core_banking", "change_queue"): _queue("CHANGES"),
        ("core_banking", "reply_queue_shared"): False,
    })  # fmt: skip
    client, profile = "ONB-2026-00007", AccountProfile(
        "Zoé", "O'Brien", "SSN", "123-45-6789", "1 rue Peel", "Québec", "QC", "H3A 1B1"
    )  # fmt: skip
    mainframe, account = Mainframe(rabbit), Address("account", client)
    async with memory_engine(settings) as engine, trio.open_nursery() as nursery:
        nursery.start_soon(mainframe.way.run, mainframe.take)
        await engine.ask(account, OpenAccount(client, profile))
        with trio.fail_after(60):
            while (found := await _described(engine, account)).status == "asked":  # noqa: ASYNC110  # of an actor
                await trio.sleep(0.05)
        nursery.cancel_scope.cancel()
    assert (found.status, found.account_number) == ("created", mainframe.program.accounts()[client])
    assert mainframe.asked == [f"{client}:1"]


async def _described(engine: Any, account: Address) -> AccountDescribed:
    reply = (await engine.ask(account, DescribeAccount())).reply
    assert isinstance(reply, AccountDescribed)
    return reply


async def test_what_was_accepted_outlives_the_broker(rabbit: Rabbit) -> None:
    """`accepted` means stored: the broker is killed, and has it; our line comes back by itself (S32)."""
    line = Line(rabbit, "OUTLIVES")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(line.way.run, line.take)
        await line.ready()
        await line.way.send(Sent("ONB-2026-00003:1", RECORD))
        await line.came.receive()
        rabbit.kill()
        await trio.to_thread.run_sync(rabbit.start)
        line.durable.set()
        with trio.fail_after(60):
            assert (await line.came.receive()).body == RECORD
        nursery.cancel_scope.cancel()
