"""A listening socket and its accept loop: what both edges share, whatever they speak.

The rule: the socket is ours: port 0 is reported, a port in use is an error with a remedy, and a bind
beyond loopback is refused while there are no tokens, and one in the clear takes calls of the proxies
that it trusts and of this machine only. The accept loop outlives whatever accepting
meets, and a caller without a place is told so (503), or closed where it could not read that.
Source: interface.md 2 and 3; design.md 5; accept(2), listen(2).
"""

import errno
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

import structlog
import trio

from comptoir.http import peers
from comptoir.http.answers import request_id
from comptoir.http.places import Place, Places
from comptoir.http.problems import problem

__all__ = [
    "STOP_SECONDS_DEFAULT",
    "UNREAD_SECONDS_MAX",
    "BindError",
    "Callers",
    "bind",
    "proxies_only",
    "refusal",
    "url_of",
]

BACKLOG_CONNECTIONS: Final = 4096
"""In the kernel's queue; a caller that finds it full tries again after one, three, seven seconds."""
ACCEPTS_AT_ONCE: Final = 32
"""Connections taken in one step, about a millisecond: one for each turn of a busy loop would let a
storm fill the queue for seconds."""
ACCEPT_PAUSE_SECONDS: Final = 0.1
"""After an accept that failed for want of something; what waits stays in the kernel's queue."""
LINGERING_MAX: Final = 8
LINGER_SECONDS_MAX: Final = 0.5
"""A refused caller's request is read and thrown away for so long: closing a socket with unread bytes
in it resets the connection, and may take the answer along. Of more at once nothing is read."""
PEERS_REMEMBERED_MAX: Final = 4096
COMPLAINT_SECONDS: Final = 5.0
"""Whoever fills the places shall not fill the log as well: one line in so long, with the counts."""
UNREAD_SECONDS_MAX: Final = 30.0
"""A peer that does not take what we sent is given up (TCP_USER_TIMEOUT)."""
STOP_SECONDS_DEFAULT: Final = 5.0
"""Half of the 10 s that a graceful stop may take (interface.md 2); the engine has the rest."""

_log = structlog.stdlib.get_logger("comptoir.http.listener")


class BindError(Exception):
    """The socket cannot be opened: a stable code, a text, a remedy, an exit status."""

    def __init__(self, code: str, text: str, remedy: str, exit_status: int) -> None:
        """Keep them; interface.md 2 has the line that shows them."""
        super().__init__(f"{code}: {text}: {remedy}")
        self.code = code
        self.text = text
        self.remedy = remedy
        self.exit_status = exit_status


async def bind(
    host: str, port: int, *, loopback_only: bool, section: str = "http"
) -> socket.socket:
    """Open a listening socket.

    Args:
        host: a name or an IP address; a name's first address is taken.
        port: 0 = any free one.
        loopback_only: refuse an address that others can reach.
        section: of the settings that say where, for the remedy.

    Raises:
        BindError: with exit status 4 for a port in use, else 2.
    """
    try:
        found = await trio.socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        remedy = f"give an IP address of this machine in {section}.host"
        raise BindError("HOST_UNKNOWN", f"{host} has no address", remedy, 2) from error
    family, kind, protocol, _, address = found[0]
    if loopback_only and not ip_address(address[0]).is_loopback:
        raise BindError(
            "BIND_LOOPBACK_ONLY",
            f"{host} can be reached by others and there are no access tokens",
            f"set {section}.host to 127.0.0.1",
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
        raise _bind_error(error, host, port, section) from error
    return listener


def _bind_error(error: OSError, host: str, port: int, section: str) -> BindError:
    """Say what stands in the way, and what to do."""
    if error.errno == errno.EADDRINUSE:
        return BindError(
            "PORT_IN_USE",
            f"port {port} of {host} is taken by another program",
            f"stop it, or set {section}.port to another port (0 takes any free one)",
            4,
        )
    if error.errno == errno.EACCES:
        remedy = f"set {section}.port to 1024 or more"
        return BindError("PORT_FORBIDDEN", f"port {port} needs more rights", remedy, 2)
    remedy = f"give an IP address of this machine in {section}.host"
    return BindError("BIND_FAILED", f"{host}:{port} cannot be opened", remedy, 2)


def url_of(listener: socket.socket, scheme: str = "http") -> str:
    """The address of a listening socket, with its real port."""
    host, number = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{number}" if ":" in host else f"{scheme}://{host}:{number}"


def proxies_only(
    listener: socket.socket, trusted: Sequence[peers.Network]
) -> Callable[[str], bool] | None:
    """Who may call a listener in the clear: on loopback everybody (None), else the proxies, who have
    spoken TLS with the caller, and this machine (S62).

    Args:
        listener: bound.
        trusted: the proxies.
    """
    if ip_address(listener.getsockname()[0]).is_loopback:
        return None

    @lru_cache(maxsize=PEERS_REMEMBERED_MAX)
    def is_allowed(peer: str) -> bool:
        address = peers.parse(peer)
        return address is not None and (address.is_loopback or peers.within(address, trusted))

    return is_allowed


def refusal(code: str = "OVERLOADED") -> bytes:
    """A problem as bytes, for whatever is asked."""
    answer = problem(code, request_id(None))
    lines = [b"HTTP/1.1 %d " % answer.status, b"connection: close"]
    lines += [name + b": " + value for name, value in answer.headers]
    return b"\r\n".join([*lines, b"", answer.body])


class Callers:
    """The accept loop: whoever calls gets a place, or is refused."""

    def __init__(
        self,
        places: Places,
        serve: Callable[[Place, trio.Nursery], None],
        *,
        name: str,
        admits: Callable[[str], bool] | None = None,
        secured: bool = False,
    ) -> None:
        """Hand each admitted caller's place to `serve`.

        Args:
            places: who may be here.
            serve: has somebody speak with one, perhaps in a task of that nursery, who ends the place.
            name: of the listener, for the log.
            admits: says of an address whether it may call at all; None: everybody may.
            secured: they wait for a handshake: whoever is refused is told nothing.
        """
        self._places = places
        self._serve = serve
        self._name = name
        self._admits = admits
        self._secured = secured
        self._lingering = 0
        self._complained_at = -COMPLAINT_SECONDS

    def __repr__(self) -> str:
        """Show who is here."""
        return f"Callers({self._name}, {self._places!r})"

    async def accept(self, listener: socket.socket, connections: trio.Nursery) -> None:
        """Take connections until cancelled, whatever one of them or the system is short of."""
        try:
            while True:
                await trio.lowlevel.wait_readable(listener)
                try:
                    self._take(listener, connections)
                except OSError as error:
                    # No descriptor, no memory: it may pass. Where it is descriptors, a place that is
                    # given up is one.
                    self._complain(f"{type(error).__name__} {error.errno}")
                    self._places.give_up_one()
                    await trio.sleep(ACCEPT_PAUSE_SECONDS)
        finally:
            trio.lowlevel.notify_closing(listener)
            listener.close()

    def _take(self, listener: socket.socket, connections: trio.Nursery) -> None:
        """Take who is in the kernel's queue, up to a bound."""
        for _ in range(ACCEPTS_AT_ONCE):
            try:
                taken, address = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return  # nobody any more, or one that left again
            self._admit(taken, str(address[0]), connections)

    def _admit(self, taken: socket.socket, peer: str, connections: trio.Nursery) -> None:
        """Give a connection a place, or say 503 and close; here, so that none is held without one."""
        taken.setblocking(False)
        if self._admits is not None and not self._admits(peer):
            self._complain("in the clear, and from no trusted proxy")
            self._refuse(taken, "SOURCE_FORBIDDEN", connections)
            return
        place = self._places.take(taken, peer)
        if place is not None:
            self._serve(place, connections)
            return
        self._complain("all places are taken")
        self._refuse(taken, "OVERLOADED", connections)

    def _refuse(self, taken: socket.socket, code: str, connections: trio.Nursery) -> None:
        """Say why, where that can be read, and close."""
        if self._secured:
            taken.close()
            return
        with suppress(OSError):
            taken.send(refusal(code))  # a fresh socket's buffer takes it at once
            taken.shutdown(socket.SHUT_WR)
        if self._lingering < LINGERING_MAX:
            self._lingering += 1
            connections.start_soon(self._linger, taken)
        else:
            taken.close()

    async def _linger(self, taken: socket.socket) -> None:
        """Let a refused caller read its answer before the socket is closed."""
        try:
            with trio.move_on_after(LINGER_SECONDS_MAX), suppress(OSError):
                while True:
                    await trio.lowlevel.wait_readable(taken)
                    if not taken.recv(65_536):
                        return
        finally:
            self._lingering -= 1
            taken.close()

    def _complain(self, why: str) -> None:
        now = trio.current_time()
        if now - self._complained_at >= COMPLAINT_SECONDS:
            self._complained_at = now
            places = self._places
            _log.warning(
                "connections_short",
                listener=self._name,
                why=why,
                held=len(places),
                given_up_total=places.given_up_total,
                refused_total=places.refused_total,
            )
