"""hypercorn on trio, inside the daemon's own nursery: sockets, bounds, graceful stop.

The rule: nothing is unbounded (connections, header, body, idle time, the stop itself), and nothing
is ever written to standard output. Socket and accept loop are those of both edges (listener.py).

hypercorn's `serve` offers no bound on connections and no way to give up on a peer that does not
read, so its per-connection server is run by our own accept loop.
Source: interface.md 2 and 3; design.md 5; hypercorn 0.18 (trio worker).
"""

import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

import structlog
import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import AppWrapper, ConnectionState, LifespanState

from comptoir.engine.settings import Settings
from comptoir.http.app import make_app
from comptoir.http.asgi import PLACE, Application
from comptoir.http.certificates import Certificates, TlsFiles, open_certificates
from comptoir.http.connection import Connection
from comptoir.http.descriptors import reserve_descriptors
from comptoir.http.edge import Edge
from comptoir.http.handshakes import Handshakes
from comptoir.http.limits import Limits
from comptoir.http.listener import STOP_SECONDS_DEFAULT, Callers, bind, proxies_only, url_of
from comptoir.http.places import Place, Places
from comptoir.http.port import Port
from comptoir.http.principal import Authenticator
from comptoir.http.webhooks import Reception

__all__ = ["CONNECTIONS_MAX", "Listening", "Shared", "serve"]

CONNECTIONS_MAX: Final = 2048
"""About 60 KiB each at worst; fewer where descriptors are few. One more takes the place of one that
keeps us waiting (places.py), or hears 503."""
HEADER_BYTES_MAX: Final = 16 * 1024
"""431 beyond it."""
SILENT_SECONDS_MAX: Final = 10.0
"""For the first byte of a new connection; until then it costs a task and a socket, no protocol."""
IDLE_SECONDS_MAX: Final = 30.0
"""For the next request on a connection, its header complete, however many bytes trickle in."""
REQUESTS_PER_CONNECTION_MAX: Final = 1_000_000
"""A sender of webhooks keeps its connections; closing them often costs it more than us."""
CUT_OFF_SECONDS: Final = 0.2
"""From the cancellation of what is at work to the closing of its sockets."""

_log = structlog.stdlib.get_logger("comptoir.http.server")


@dataclass(frozen=True, slots=True)
class Listening:
    """A server that accepts; what `nursery.start(serve, ...)` returns."""

    url: str
    """Where, with the real port: `http://127.0.0.1:8080`, or `https`."""
    stopping: trio.Event
    edge: Edge
    certificates: Certificates | None = None
    """Shown to callers; None: in the clear."""

    @property
    def in_flight(self) -> int:
        """Requests being worked on."""
        return self.edge.in_flight

    def stop(self) -> None:
        """Stop accepting; `serve` returns when the requests at work are answered, or in time."""
        self.stopping.set()


@dataclass(frozen=True, slots=True)
class Shared:
    """What a server has in common with the rest of its daemon."""

    reception: Reception | None = None
    """Of webhooks, where another listener has the same; None = its own."""
    authenticator: Authenticator | None = None
    """None: there are no accounts, and this machine may do everything."""
    limits: Limits | None = None
    """Of callers (S62); None: none."""
    bound: Callable[[str], None] | None = None
    """Told the address, with the real port, before the first connection is taken."""


async def serve(
    port: Port,
    settings: Settings,
    shared: Shared = Shared(),
    *,
    stop_seconds: float = STOP_SECONDS_DEFAULT,
    task_status: "trio.TaskStatus[Listening]" = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve HTTP until `Listening.stop()`; started with the address once connections are taken.

    Args:
        port: the daemon behind.
        settings: host, port, TLS, auth mode.
        shared: what is not this server's alone.
        stop_seconds: what requests at work get to end after a stop; then they are cut off.
        task_status: started with the `Listening`.

    Raises:
        BindError, DescriptorsTooFew: before started.
    """
    connections_max = reserve_descriptors(settings, CONNECTIONS_MAX).http
    http = settings.http
    certificates = open_certificates(
        TlsFiles("http", http.tls_certificate, http.tls_key, http.tls_client_ca)
    )
    loopback_only = settings.auth.mode == "loopback"
    listener = await bind(http.host, http.port, loopback_only=loopback_only)
    with listener:
        # Quart is an ASGI application; its own types name every kind of scope by itself.
        application = cast(Application, make_app(port, shared.authenticator, shared.limits))
        edge = Edge(port, application, shared.reception or Reception(port, shared.limits))
        url = url_of(listener, "http" if certificates is None else "https")
        listening = Listening(url, trio.Event(), edge, certificates)
        if shared.bound is not None:
            shared.bound(url)
        admits = proxies_only(listener, http.trusted_proxies) if certificates is None else None
        server = _Server(edge, Places(connections_max), stop_seconds, _Door(certificates, admits))
        await server.run(listener, listening, task_status)


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


@dataclass(frozen=True, slots=True)
class _Door:
    """What a caller meets before a byte of HTTP."""

    certificates: Certificates | None
    admits: Callable[[str], bool] | None
    """Says of an address whether it may call; None: everybody may."""


class _Server:
    """The accept loop, and what is needed to end it."""

    def __init__(
        self,
        edge: Edge,
        places: Places,
        stop_seconds: float,
        door: "_Door",
    ) -> None:
        self._config = _config()
        self._app: AppWrapper = ASGIWrapper(cast(Any, edge))
        self._context = WorkerContext(None)
        self._places = places
        self._certificates = certificates = door.certificates
        self._handshakes = None if certificates is None else Handshakes(places, certificates)
        self._beginnings: set[trio.CancelScope] = set()
        self._callers = Callers(
            places,
            self._serve,
            name="http",
            admits=door.admits,
            secured=certificates is not None,
        )
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
            if self._certificates is not None:
                watch.start_soon(self._certificates.watch)
            async with trio.open_nursery() as connections:
                async with trio.open_nursery() as accepting:
                    accepting.start_soon(self._callers.accept, listener, connections)
                    task_status.started(listening)
                    await listening.stopping.wait()
                    accepting.cancel_scope.cancel()
                # Idle connections end now, the others after their answer, or else in time.
                await self._context.terminated.set()
                for beginning in self._beginnings:
                    beginning.cancel()
                connections.cancel_scope.deadline = trio.current_time() + self._stop_seconds
            watch.cancel_scope.cancel()

    async def _cut_off(self, stopping: trio.Event) -> None:
        """Close what the deadline of the stop, or a cancellation, does not end by itself.

        hypercorn shields its sends, so nothing but a closed socket ends one whose peer is deaf.
        """
        try:
            await stopping.wait()
            await trio.sleep(self._stop_seconds + CUT_OFF_SECONDS)
        finally:
            self._places.close_all()

    def _serve(self, place: Place, connections: trio.Nursery) -> None:
        connections.start_soon(self._connection, place)

    async def _connection(self, place: Place) -> None:
        """Serve one connection; whatever goes wrong in it stays in it."""
        try:
            stream = await self._begun(place)
            if stream is not None:
                state = ConnectionState(cast(LifespanState, {PLACE: place}))
                # Its parameter is typed for TLS streams only; it tells a plain one by itself, and
                # its own handshake is over at once.
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
            place.close()

    async def _begun(self, place: Place) -> trio.abc.Stream | None:
        """Wait for the first byte, and have the handshake; None if one does not come in time, or
        before the stop.
        """
        with trio.CancelScope() as beginning:
            self._beginnings.add(beginning)
            try:
                if not await _speaks(place.socket):
                    return None
                if self._handshakes is not None:
                    return await self._handshakes.shake(place)
                return trio.SocketStream(trio.socket.from_stdlib_socket(place.socket))
            finally:
                self._beginnings.discard(beginning)
        return None


async def _speaks(taken: socket.socket) -> bool:
    """Wait for the first byte; False if none comes in time.

    A connection that says nothing gets no protocol's worth of memory.
    """
    with trio.move_on_after(SILENT_SECONDS_MAX):
        try:
            await trio.lowlevel.wait_readable(taken)
        except (trio.ClosedResourceError, OSError, ValueError):
            return False  # its place was given to another
        return True
    return False
