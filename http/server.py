"""hypercorn on trio, inside the daemon's own nursery: sockets, bounds, graceful stop.

The rule: nothing is unbounded (connections, header, body, idle time, the stop itself), and nothing
is ever written to standard output. The listening socket is ours: port 0 is reported, a port in use
is an error with a remedy, and a bind beyond loopback is refused while there are no tokens. The
accept loop outlives whatever accepting meets, and a caller without a place is told so (503).

hypercorn's `serve` offers no bound on connections and no way to give up on a peer that does not
read, so its per-connection server is run by our own accept loop.
Source: interface.md 2 and 3; design.md 5; hypercorn 0.18 (trio worker).
"""

import errno
import logging
import socket
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final, cast

import structlog
import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import AppWrapper, ConnectionState, LifespanState

from comptoir.engine.settings import Settings
from comptoir.http.answers import request_id
from comptoir.http.app import make_app
from comptoir.http.connection import Connection
from comptoir.http.descriptors import reserve_descriptors
from comptoir.http.edge import PLACE, Application, Edge
from comptoir.http.places import Place, Places
from comptoir.http.port import Port
from comptoir.http.problems import problem

__all__ = ["BindError", "Listening", "bind", "serve"]

CONNECTIONS_MAX: Final = 2048
"""About 60 KiB each at worst; fewer where descriptors are few. One more takes the place of one that
keeps us waiting (places.py), or hears 503."""
BACKLOG_CONNECTIONS: Final = 4096
"""In the kernel's queue; a caller that finds it full tries again after one, three, seven seconds."""
ACCEPTS_AT_ONCE: Final = 32
"""Connections taken in one step, about a millisecond: one for each turn of a busy loop would let a
storm fill the queue for seconds."""
HEADER_BYTES_MAX: Final = 16 * 1024
"""431 beyond it."""
SILENT_SECONDS_MAX: Final = 10.0
"""For the first byte of a new connection; until then it costs a task and a socket, no protocol."""
IDLE_SECONDS_MAX: Final = 30.0
"""For the next request on a connection, its header complete, however many bytes trickle in."""
ACCEPT_PAUSE_SECONDS: Final = 0.1
"""After an accept that failed for want of something; what waits stays in the kernel's queue."""
LINGERING_MAX: Final = 8
LINGER_SECONDS_MAX: Final = 0.5
"""A refused caller's request is read and thrown away for so long: closing a socket with unread bytes
in it resets the connection, and may take the answer along. Of more at once nothing is read."""
COMPLAINT_SECONDS: Final = 5.0
"""Whoever fills the places shall not fill the log as well: one line in so long, with the counts."""
REQUESTS_PER_CONNECTION_MAX: Final = 1_000_000
"""A sender of webhooks keeps its connections; closing them often costs it more than us."""
UNREAD_SECONDS_MAX: Final = 30.0
"""A peer that does not take what we sent is given up (TCP_USER_TIMEOUT)."""
CUT_OFF_SECONDS: Final = 0.2
"""From the cancellation of what is at work to the closing of its sockets."""
STOP_SECONDS_DEFAULT: Final = 5.0
"""Half of the 10 s that a graceful stop may take (interface.md 2); the engine has the rest."""


_log = structlog.stdlib.get_logger("comptoir.http.server")


class BindError(Exception):
    """The socket cannot be opened: a stable code, a text, a remedy, an exit status."""

    def __init__(self, code: str, text: str, remedy: str, exit_status: int) -> None:
        """Keep them; interface.md 2 has the line that shows them."""
        super().__init__(f"{code}: {text}: {remedy}")
        self.code = code
        self.text = text
        self.remedy = remedy
        self.exit_status = exit_status


@dataclass(frozen=True, slots=True)
class Listening:
    """A server that accepts; what `nursery.start(serve, ...)` returns."""

    url: str
    """Where, with the real port: `http://127.0.0.1:8080`."""
    stopping: trio.Event
    edge: Edge

    def stop(self) -> None:
        """Stop accepting; `serve` returns when the requests at work are answered, or in time."""
        self.stopping.set()


async def bind(host: str, port: int, *, loopback_only: bool) -> socket.socket:
    """Open a listening socket.

    Args:
        host: a name or an IP address; a name's first address is taken.
        port: 0 = any free one.
        loopback_only: refuse an address that others can reach.

    Raises:
        BindError: with exit status 4 for a port in use, else 2.
    """
    try:
        found = await trio.socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        remedy = "give an IP address of this machine in http.host"
        raise BindError("HOST_UNKNOWN", f"{host} has no address", remedy, 2) from error
    family, kind, protocol, _, address = found[0]
    if loopback_only and not ip_address(address[0]).is_loopback:
        raise BindError(
            "BIND_LOOPBACK_ONLY",
            f"{host} can be reached by others and there are no access tokens",
            "set http.host to 127.0.0.1",
            2,
        )
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            milliseconds = int(UNREAD_SECONDS_MAX * 1000)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
        listener.bind(address)
        listener.listen(BACKLOG_CONNECTIONS)
    except OSError as error:
        listener.close()
        raise _bind_error(error, host, port) from error
    return listener


def _bind_error(error: OSError, host: str, port: int) -> BindError:
    """Say what stands in the way, and what to do."""
    if error.errno == errno.EADDRINUSE:
        return BindError(
            "PORT_IN_USE",
            f"port {port} of {host} is taken by another program",
            "stop it, or set http.port to another port (0 takes any free one)",
            4,
        )
    if error.errno == errno.EACCES:
        remedy = "set http.port to 1024 or more"
        return BindError("PORT_FORBIDDEN", f"port {port} needs more rights", remedy, 2)
    remedy = "give an IP address of this machine in http.host"
    return BindError("BIND_FAILED", f"{host}:{port} cannot be opened", remedy, 2)


async def serve(
    port: Port,
    settings: Settings,
    *,
    stop_seconds: float = STOP_SECONDS_DEFAULT,
    task_status: "trio.TaskStatus[Listening]" = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve HTTP until `Listening.stop()`; started with the address once connections are taken.

    Args:
        port: the daemon behind.
        settings: host, port, auth mode.
        stop_seconds: what requests at work get to end after a stop; then they are cut off.
        task_status: started with the `Listening`.

    Raises:
        BindError, DescriptorsTooFew: before started.
    """
    connections_max = reserve_descriptors(settings, CONNECTIONS_MAX)
    loopback_only = settings.auth.mode == "loopback"
    listener = await bind(settings.http.host, settings.http.port, loopback_only=loopback_only)
    with listener:
        # Quart is an ASGI application; its own types name every kind of scope by itself.
        edge = Edge(port, cast(Application, make_app(port)))
        listening = Listening(_url(listener), trio.Event(), edge)
        server = _Server(edge, Places(connections_max), stop_seconds)
        await server.run(listener, listening, task_status)


def _url(listener: socket.socket) -> str:
    """The address of a listening socket."""
    host, number = listener.getsockname()[:2]
    return f"http://[{host}]:{number}" if ":" in host else f"http://{host}:{number}"


def _config() -> Config:
    """The settings of hypercorn."""
    config = Config()
    config.accesslog = None
    config.errorlog = logging.getLogger("comptoir.http.hypercorn")  # to standard error, as ours
    config.include_server_header = False
    config.h11_max_incomplete_size = HEADER_BYTES_MAX
    config.keep_alive_timeout = IDLE_SECONDS_MAX
    config.keep_alive_max_requests = REQUESTS_PER_CONNECTION_MAX
    return config


def _refusal() -> bytes:
    """503 as bytes, for whatever is asked."""
    answer = problem("OVERLOADED", request_id(None))
    lines = [b"HTTP/1.1 503 ", b"connection: close"]
    lines += [name + b": " + value for name, value in answer.headers]
    return b"\r\n".join([*lines, b"", answer.body])


class _Server:
    """The accept loop, and what is needed to end it."""

    def __init__(self, edge: Edge, places: Places, stop_seconds: float) -> None:
        self._config = _config()
        self._app: AppWrapper = ASGIWrapper(cast(Any, edge))
        self._context = WorkerContext(None)
        self._places = places
        self._silences: set[trio.CancelScope] = set()
        self._lingering = 0
        self._complained_at = -COMPLAINT_SECONDS
        self._stop_seconds = stop_seconds

    def __repr__(self) -> str:
        return f"_Server({self._places!r})"

    async def run(
        self,
        listener: socket.socket,
        listening: Listening,
        task_status: "trio.TaskStatus[Listening]",
    ) -> None:
        """Accept until the stop, then let what is at work end."""
        async with trio.open_nursery() as watch:
            watch.start_soon(self._cut_off, listening.stopping)
            async with trio.open_nursery() as connections:
                async with trio.open_nursery() as accepting:
                    accepting.start_soon(self._accept, listener, connections)
                    task_status.started(listening)
                    await listening.stopping.wait()
                    accepting.cancel_scope.cancel()
                # Idle connections end now, the others after their answer, or else in time.
                await self._context.terminated.set()
                for silence in self._silences:
                    silence.cancel()
                connections.cancel_scope.deadline = trio.current_time() + self._stop_seconds
            watch.cancel_scope.cancel()

    async def _accept(self, listener: socket.socket, connections: trio.Nursery) -> None:
        """Take connections until cancelled, whatever one of them or the system is short of."""
        try:
            while True:
                await trio.lowlevel.wait_readable(listener)
                try:
                    self._take_callers(listener, connections)
                except OSError as error:
                    # No descriptor, no memory: it may pass. Where it is descriptors, a place that is
                    # given up is one.
                    self._complain(f"{type(error).__name__} {error.errno}")
                    self._places.give_up_one()
                    await trio.sleep(ACCEPT_PAUSE_SECONDS)
        finally:
            trio.lowlevel.notify_closing(listener)
            listener.close()

    def _take_callers(self, listener: socket.socket, connections: trio.Nursery) -> None:
        """Take who is in the kernel's queue, up to a bound."""
        for _ in range(ACCEPTS_AT_ONCE):
            try:
                taken, _address = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return  # nobody any more, or one that left again
            self._admit(taken, connections)

    def _admit(self, taken: socket.socket, connections: trio.Nursery) -> None:
        """Give a connection a place, or say 503 and close; here, so that none is held without one."""
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(taken))
        place = self._places.take(stream)
        if place is not None:
            connections.start_soon(self._connection, place)
            return
        self._complain("all places are taken")
        with suppress(OSError):
            taken.send(_refusal())  # a fresh socket's buffer takes it at once
            taken.shutdown(socket.SHUT_WR)
        if self._lingering < LINGERING_MAX:
            self._lingering += 1
            connections.start_soon(self._linger, stream)
        else:
            stream.socket.close()

    async def _cut_off(self, stopping: trio.Event) -> None:
        """Close what the deadline of the stop, or a cancellation, does not end by itself.

        hypercorn shields its sends, so nothing but a closed socket ends one whose peer is deaf.
        """
        try:
            await stopping.wait()
            await trio.sleep(self._stop_seconds + CUT_OFF_SECONDS)
        finally:
            self._places.close_all()

    async def _connection(self, place: Place) -> None:
        """Serve one connection; whatever goes wrong in it stays in it."""
        stream = place.stream
        try:
            if await self._speaks(stream):
                state = ConnectionState(cast(LifespanState, {PLACE: place}))
                # Its parameter is typed for TLS streams only; it tells a plain one by itself.
                served = Connection(
                    self._app, self._config, self._context, state, cast(Any, stream)
                )
                served.place = place
                await served
        except* Exception:  # noqa: BLE001 (logged with its traceback)
            # A fault of the server's own; left alone it would end every other connection as well.
            _log.exception("connection_crashed")
        finally:
            self._places.leave(place)
            stream.socket.close()

    async def _speaks(self, stream: trio.SocketStream) -> bool:
        """Wait for the first byte; False if none comes in time, or before the stop.

        A connection that says nothing gets no protocol's worth of memory.
        """
        with trio.move_on_after(SILENT_SECONDS_MAX) as silence:
            self._silences.add(silence)
            try:
                await trio.lowlevel.wait_readable(stream.socket.fileno())
            except (trio.ClosedResourceError, OSError):
                return False  # its place was given to another
            finally:
                self._silences.discard(silence)
            return True
        return False

    async def _linger(self, stream: trio.SocketStream) -> None:
        """Let a refused caller read its answer before the socket is closed."""
        try:
            with trio.move_on_after(LINGER_SECONDS_MAX), suppress(trio.BrokenResourceError):
                while await stream.receive_some():
                    pass
        finally:
            self._lingering -= 1
            stream.socket.close()

    def _complain(self, why: str) -> None:
        now = trio.current_time()
        if now - self._complained_at >= COMPLAINT_SECONDS:
            self._complained_at = now
            places = self._places
            _log.warning(
                "connections_short",
                why=why,
                held=len(places),
                given_up_total=places.given_up_total,
                refused_total=places.refused_total,
            )
