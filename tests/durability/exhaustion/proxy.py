"""A way to PostgreSQL over TCP that can be closed: then connecting is refused, as by a dead machine.

A program of its own, so that it works while the test that drives it waits for an answer.

`proxy.py PORT SOCKET` listens on loopback and joins each caller to the unix socket. A line `refuse`
on standard input closes every connection and the listening socket; a line `accept` opens it again;
the end of the input ends it. After each line, and at the start, it prints one: what it does now.
"""

import selectors
import socket
import sys
from contextlib import suppress
from typing import Any

CHUNK_BYTES = 65_536


class Proxy:
    """One listening socket, and pairs of connections."""

    def __init__(self, port: int, target: str) -> None:
        self._port = port
        self._target = target
        self._selector = selectors.DefaultSelector()
        self._listener: socket.socket | None = None
        self._peers: dict[socket.socket, socket.socket] = {}

    def accept(self) -> None:
        """Listen."""
        self._listener = socket.create_server(("127.0.0.1", self._port), backlog=64)
        self._selector.register(self._listener, selectors.EVENT_READ)

    def refuse(self) -> None:
        """Close everything."""
        if self._listener is not None:
            self._selector.unregister(self._listener)
            self._listener.close()
            self._listener = None
        for one in list(self._peers):
            self._close(one)

    def run(self) -> None:
        """Serve until the input ends."""
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        self.accept()
        self._tell("accept")
        while all(self._serve(key.fileobj) for key, _ in self._selector.select()):
            continue

    def _serve(self, ready: Any) -> bool:
        """Do what one that is ready wants; False at the end of the input."""
        if ready is sys.stdin:
            line = sys.stdin.readline().strip()
            if not line:
                return False
            {"refuse": self.refuse, "accept": self.accept}[line]()
            self._tell(line)
        elif self._listener is not None and ready is self._listener:
            self._join(self._listener)
        else:
            self._pass_on(ready)
        return True

    def _join(self, listener: socket.socket) -> None:
        caller, _ = listener.accept()
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._target)
        for one, other in ((caller, server), (server, caller)):
            self._peers[one] = other
            self._selector.register(one, selectors.EVENT_READ)

    def _pass_on(self, one: socket.socket) -> None:
        if one not in self._peers:
            return  # closed with its other half a moment ago
        try:
            data = one.recv(CHUNK_BYTES)
            self._peers[one].sendall(data)
        except OSError:
            data = b""
        if not data:
            self._close(one)

    def _close(self, one: socket.socket) -> None:
        other = self._peers.get(one)
        for half in (one, other):
            if half is not None and self._peers.pop(half, None) is not None:
                self._selector.unregister(half)
                half.close()

    @staticmethod
    def _tell(what: str) -> None:
        with suppress(BrokenPipeError):
            sys.stdout.write(f"{what}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    Proxy(int(sys.argv[1]), sys.argv[2]).run()
