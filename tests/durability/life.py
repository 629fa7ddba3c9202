"""A program that starts daemons quickly, and lets a test give them orders that have no door yet.

It imports the daemon once and forks a process for each life, so a start costs no imports. Each life is
the daemon of `comptoir serve` (the same call), with three things beside it:
- a kind of toy actors and three parties, in whose terms every way of committing can be asked for;
- orders over a socket: what an operator or a program that embeds the engine may call;
- notes over a socket: what it said on standard output, and which statements were answered. Before a
  batch is sent, the file `batch` tells which submit sites it holds.

Rule: nothing of the daemon's own behaviour is changed; the notes are taken where calls pass by.
Lines on standard input, one for each life: `{"env", "folder", "listener", "log"}`; answers: its process id.
Source: issue 3, deliver 2.
"""

import gc
import inspect
import json
import os
import signal
import socket
import sys
import traceback
from collections import OrderedDict
from pathlib import Path
from typing import Any, cast
from weakref import WeakKeyDictionary

import msgspec
import trio

from comptoir.actors.gateways.core_kafka import Taken
from comptoir.actors.gateways.core_messages import EVENTS
from comptoir.engine.boot.bus_outbox import Outbox
from comptoir.engine.boot.bus_reading import commit_record
from comptoir.engine.boot.daemon import Daemon
from comptoir.engine.boot.serving import serve
from comptoir.engine.decision import Decision, Once, Outgoing
from comptoir.engine.engine import Engine
from comptoir.engine.errors import EngineError, Unavailable
from comptoir.engine.forking_testing import start_once
from comptoir.engine.gateway_spec import (
    CallContext,
    CallFault,
    GatewayBounds,
    GatewaySpec,
    Operation,
)
from comptoir.engine.journal import Decided, Lost
from comptoir.engine.settings import Settings
from comptoir.engine.spec import BreakerBounds
from comptoir.engine.toys import TOY, Call, Do, Done, Look, toy_spec
from comptoir.engine.values import Address, Message
from comptoir.storage import bridge
from comptoir.storage.journal import PostgresJournal
from comptoir.storage.keys.rotation import ask_rotation
from comptoir.storage.writer import Writer

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1]))

from tests.durability import sites  # noqa: E402 - a program: its folder is not the root

ROOT = HERE.parents[1]
FUNCTIONS = sites.schema_functions(ROOT)
SUBMITS = frozenset(sites.find_submits(ROOT))
LONG_AGO_MS = 1
ONCE_MS = 86_400_000
STATELESS: Any = object()
RUNS_KEPT_MAX = 10_000
ANSWERED, FAILED = 1, 100
"""What an answer and a failure add to the sum of the toy that asked."""
DEADLINE_S = 5.0
PATIENT = BreakerBounds(errors=1_000)
NERVOUS = BreakerBounds(errors=1, recovery_ms=1_000)


class Office:
    """An outside party whose memory is a file: it outlives every daemon.

    References say what happens: `ok-`; `sick-` fails once without effect; `no-` refuses once,
    `never-` always; `vanish-` fails without effect, and nobody knows.
    """

    def __init__(self, kind: str, book: Path) -> None:
        self.kind = kind
        self._book = book

    def _write(self, what: str, reference: str) -> None:
        with self._book.open("a", encoding="ascii") as file:
            file.write(f"{what} {self.kind} {reference}\n")

    def _count(self, what: str, reference: str) -> int:
        if not self._book.exists():
            return 0
        lines = self._book.read_text(encoding="ascii").splitlines()
        return lines.count(f"{what} {self.kind} {reference}")

    async def call(self, message: Call, _context: CallContext) -> Message | None:
        """One call."""
        reference = message.reference
        again = self._count("call", reference) > 0
        self._write("call", reference)
        if reference.startswith("vanish-") or (reference.startswith("sick-") and not again):
            raise CallFault("PARTY_SICK", retryable=True)
        if reference.startswith("never-") or (reference.startswith("no-") and not again):
            raise CallFault("PARTY_REFUSED", retryable=False, sick=False)
        self._write("effect", reference)
        return Do(f"answered {reference}", add=ANSWERED)

    async def look_up(self, message: Call, _context: CallContext) -> Message | None:
        """What became of it."""
        found = self._count("effect", message.reference) > 0
        return Do(f"found {message.reference}", add=ANSWERED) if found else None

    def gateway(self, bounds: GatewayBounds, *, confirm: bool = False) -> GatewaySpec:
        """The gateway in front of it."""
        operation = Operation(
            self.call,
            lambda message: f"{self.kind}:{message.reference}",
            idempotent=not confirm,
            look_up=self.look_up if confirm else None,
            failed=lambda message, _code: Do(f"failed {message.reference}", add=FAILED),
        )
        return GatewaySpec(self.kind, {Call: operation}, bounds, dead_queue="dlq:party")


def add_toys(daemons: list[Daemon]) -> None:
    """Give every daemon a kind of toys and three parties; keep the daemon for the orders."""
    usual = Daemon.parts

    async def parts(self: Daemon, journal: Any, stack: Any) -> Any:
        daemons.append(self)
        made = await usual(self, journal, stack)
        book = Path.cwd() / "book"
        offices = (
            Office("payment", book).gateway(
                GatewayBounds(deadline_s=DEADLINE_S, breaker=PATIENT), confirm=True
            ),
            Office("mail", book).gateway(GatewayBounds(deadline_s=DEADLINE_S, breaker=PATIENT)),
            # One call at a time: the second finds the breaker that the first has opened.
            Office("shaky", book).gateway(
                GatewayBounds(deadline_s=DEADLINE_S, calls_max=1, breaker=NERVOUS)
            ),
        )
        return msgspec.structs.replace(
            made, actors=(*made.actors, toy_spec()), gateways=(*made.gateways, *offices)
        )

    Daemon.parts = parts  # type: ignore[method-assign] # two kinds more, nothing else


class Notes:
    """Where a life tells what happens in it."""

    def __init__(self, stream: int) -> None:
        self._stream = stream

    def write(self, **values: object) -> None:
        """One line, at once."""
        os.write(self._stream, json.dumps(values).encode() + b"\n")

    def watch_answers(self) -> None:
        """Note every writing statement when its answer is here."""
        start, answer = bridge.Connection.start, bridge.Connection.answer
        run_script = bridge.Connection.run_script
        sent: WeakKeyDictionary[Any, str] = WeakKeyDictionary()

        def noted_start(self: Any, sql: str, *args: object) -> Any:
            query = start(self, sql, *args)
            sent[query] = sql
            return query

        async def noted_answer(self: Any, query: Any, seconds: float | None = None) -> Any:
            rows = await answer(self, query, seconds)
            sql = sent.get(query, "")
            if sites.writes(sql, FUNCTIONS):
                note(got=sql)
            return rows

        async def noted_script(self: Any, sql: str, *args: Any, **options: Any) -> None:
            await run_script(self, sql, *args, **options)
            if sites.writes(sql, FUNCTIONS):
                note(got=sql)

        note = self.write
        bridge.Connection.start = noted_start  # type: ignore[method-assign] # it is watched
        bridge.Connection.answer = noted_answer  # type: ignore[method-assign] # as above
        bridge.Connection.run_script = noted_script  # type: ignore[method-assign] # as above

    def watch_batches(self) -> None:
        """Tell in the file `batch`, before a batch is sent, which sites submitted its runs."""
        submit = PostgresJournal.submit
        writer: Any = sys.modules[Writer.__module__]
        fold = writer.fold
        known: OrderedDict[int, tuple[Any, str]] = OrderedDict()

        def noted_submit(self: PostgresJournal, run: Any) -> None:
            known[id(run)] = (run, f"{_find_site()} {run.address.kind}")
            if len(known) > RUNS_KEPT_MAX:
                known.popitem(last=False)
            submit(self, run)

        def noted_fold(parts: Any, *others: Any) -> Any:
            batch = fold(parts, *others)
            if batch.decisions:
                held = [known[id(part.progress.run)][1] for part in parts]
                Path("batch").write_text("\n".join(held), encoding="ascii")
            return batch

        PostgresJournal.submit = noted_submit  # type: ignore[method-assign] # as above
        writer.fold = noted_fold


def _find_site() -> str:
    """The nearest caller that is a submit site."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_qualname not in SUBMITS:
        frame = frame.f_back
    assert frame is not None, "submitted from a place that the finder does not know"
    return str(frame.f_code.co_qualname)


class Orders:
    """What a test may ask of a life beside HTTP."""

    def __init__(self, daemons: list[Daemon], notes: Notes, everything: trio.CancelScope) -> None:
        self._daemons = daemons
        self._notes = notes
        self._everything = everything
        self._scopes: dict[int, trio.CancelScope] = {}

    async def run(self, source: int) -> None:
        """Follow orders, each in a task and a scope of its own, until the life ends."""
        async with trio.open_nursery() as nursery:
            stream, rest = trio.lowlevel.FdStream(source), b""
            while piece := await stream.receive_some():
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    nursery.start_soon(self._follow, json.loads(line))
            await trio.sleep_forever()

    async def _follow(self, order: dict[str, Any]) -> None:
        number = int(order["id"])
        if order["do"] == "cancel":
            (self._scopes[order["what"]] if order["what"] else self._everything).cancel()
            self._notes.write(id=number, value=None)
            return
        with trio.CancelScope() as scope:
            self._scopes[number] = scope
            try:
                value = await getattr(self, f"_{order['do']}")(self._daemons[-1], order)
            except EngineError as error:
                self._notes.write(id=number, error=repr(error))
            else:
                self._notes.write(id=number, value=value)
        if scope.cancelled_caught:
            self._notes.write(id=number, error="cancelled")

    @staticmethod
    def _engine(daemon: Daemon) -> Engine:
        assert daemon.engine is not None
        return daemon.engine

    async def _ask(self, daemon: Daemon, order: dict[str, Any]) -> int:
        message = msgspec.convert(order["message"], Do)
        answer = await self._engine(daemon).ask(Address(TOY, order["key"]), message)
        return cast("Done", answer.reply).total

    async def _look(self, daemon: Daemon, order: dict[str, Any]) -> list[int | None]:
        answer = await self._engine(daemon).ask(Address(TOY, order["key"]), Look("look"))
        reply = cast("Done", answer.reply)
        return [reply.total, reply.found]

    async def _tell(self, daemon: Daemon, order: dict[str, Any]) -> None:
        message = msgspec.convert(order["message"], Do)
        await self._engine(daemon).tell(Address(TOY, order["key"]), message)

    async def _replay(self, daemon: Daemon, order: dict[str, Any]) -> int:
        return await self._engine(daemon).replay(order["ids"])

    async def _take(self, daemon: Daemon, order: dict[str, Any]) -> None:
        """A record of the bus, whose id is the order's key."""
        key = order["key"]
        told = Outgoing(Address(TOY, key), Do("do", add=1))
        decision = Decision[Any](STATELESS, messages=(told,), once=(Once("bus", key, ONCE_MS),))
        decided = Decided(decision, daemon.clock.now(), None, None)
        fate = await commit_record(self._engine(daemon), Taken(EVENTS, decided, "taken")).wait()
        if isinstance(fate.why, Lost):
            raise Unavailable(fate.why.detail)

    async def _publish(self, daemon: Daemon, order: dict[str, Any]) -> None:
        """What a toy has done, to a topic that is a file."""
        key = order["key"]

        async def send(_topic: str, _key: str, _body: bytes) -> None:
            with Path("book").open("a", encoding="ascii") as file:
                file.write(f"told topic {key}\n")

        outbox = Outbox(key, send, lambda one: ("t", b"") if one.address.key == key else None, ((TOY, "Did"),))  # fmt: skip
        while await outbox.publish(self._engine(daemon)):
            pass

    async def _clock(self, daemon: Daemon, order: dict[str, Any]) -> int:
        return (await self._engine(daemon).advance_clock(order["seconds"]))[0]

    async def _offset(self, daemon: Daemon, order: dict[str, Any]) -> int:
        return daemon.clock.offset_ms

    async def _epoch(self, daemon: Daemon, order: dict[str, Any]) -> int:
        return self._journal(daemon).statistics().epoch

    async def _purge(self, daemon: Daemon, order: dict[str, Any]) -> int:
        return await self._journal(daemon).purge(daemon.clock.now())

    async def _discard(self, daemon: Daemon, order: dict[str, Any]) -> int:
        return await self._journal(daemon).discard(order["ids"])

    async def _expire(self, daemon: Daemon, order: dict[str, Any]) -> int:
        return sum((await self._journal(daemon).expire_dead(daemon.clock.now())).values())

    async def _forget(self, daemon: Daemon, order: dict[str, Any]) -> int:
        """Actors that nothing was changed of since 1970: those that a test made so old."""
        page: str | None = ""
        gone = 0
        while page is not None:
            page, deleted = await self._journal(daemon).expire_actors(TOY, page, LONG_AGO_MS)
            gone += deleted
        return gone

    async def _setting(self, daemon: Daemon, order: dict[str, Any]) -> None:
        await self._journal(daemon).put_setting(order["name"], order["value"])

    async def _read_setting(self, daemon: Daemon, order: dict[str, Any]) -> str | None:
        return await self._journal(daemon).setting(order["name"])

    async def _rotate(self, daemon: Daemon, order: dict[str, Any]) -> None:
        assert daemon.rotations is not None
        ask_rotation(daemon.rotations.store, order["what"])

    async def _rotation(self, daemon: Daemon, order: dict[str, Any]) -> str:
        assert daemon.rotations is not None
        rows = daemon.rotations.store.rotations()
        return next((x.state for x in rows if x.what == order["what"]), "")

    @staticmethod
    def _journal(daemon: Daemon) -> PostgresJournal:
        assert daemon.journal is not None
        return daemon.journal


async def live(notes: Notes, orders_from: int) -> None:
    """The daemon as `comptoir serve` runs it, until it ends or is cancelled."""
    daemons: list[Daemon] = []
    add_toys(daemons)
    notes.watch_answers()
    notes.watch_batches()
    settings = Settings.load(None, os.environ)
    async with trio.open_nursery() as nursery:
        with trio.CancelScope() as everything:
            nursery.start_soon(Orders(daemons, notes, everything).run, orders_from)
            await serve(settings)
        nursery.cancel_scope.cancel()


def be(order: dict[str, Any]) -> int:
    """In the new process: become the daemon of this order; its exit status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.chdir(order["folder"])
    os.dup2(os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    told, heard = (socket.socket(socket.AF_UNIX) for _ in range(2))
    told.connect(order["listener"])
    heard.connect(order["listener"])
    os.dup2(told.fileno(), 1)
    os.environ.clear()
    os.environ.update(order["env"])
    try:
        trio.run(live, Notes(told.fileno()), heard.detach())
    except BaseException:  # noqa: BLE001 - the end of this process: told in its log
        traceback.print_exc()
        return 1
    return 0


def main() -> None:
    """Fork a life for each line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them here
    start_once()
    gc.freeze()
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            status = be(order)
            sys.stderr.flush()
            os._exit(status)
        print(pid, flush=True)  # noqa: T201 - its answer


if __name__ == "__main__":
    main()
