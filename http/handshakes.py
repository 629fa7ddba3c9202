"""TLS handshakes of both listeners, bounded in time and in number.

The rule: a caller costs no TLS before its first byte, and so long in its handshake as an honest one
takes. Of too many at once the longest-waiting leaves, as everywhere (places.py). What goes wrong in
one is counted and not logged: anybody could fill the log with it.
Source: design.md 5; spec.md S35, S62; RFC 8446.
"""

import ssl
from contextlib import suppress
from typing import Final

import trio

from comptoir.http.certificates import Certificates
from comptoir.http.places import Place, Places
from comptoir.http.wires import GONE

__all__ = ["HANDSHAKE_SECONDS_MAX", "Handshakes"]

HANDSHAKE_SECONDS_MAX: Final = 5.0
"""From the first byte to the end: two round trips, and about a millisecond of ours."""


class Handshakes:
    """Those of one listener."""

    def __init__(self, places: Places, certificates: Certificates) -> None:
        """Begin TLS with whoever has one of these places."""
        self._places = places
        self._certificates = certificates

    def __repr__(self) -> str:
        """Show whose they are."""
        return f"Handshakes({self._certificates!r})"

    async def shake(self, place: Place) -> "trio.SSLStream[trio.SocketStream] | None":
        """Speak TLS with one; None if that came to nothing, and then its socket is to be closed."""
        stream = None
        if self._places.begin_handshake(place):
            with trio.move_on_after(HANDSHAKE_SECONDS_MAX):
                stream = await self._shaken(place)
        self._certificates.count_handshake(done=stream is not None)
        return stream

    async def _shaken(self, place: Place) -> "trio.SSLStream[trio.SocketStream] | None":
        """The handshake itself."""
        plain = trio.SocketStream(trio.socket.from_stdlib_socket(place.socket))
        context = self._certificates.context
        stream = trio.SSLStream(plain, context, server_side=True, https_compatible=True)
        try:
            await stream.do_handshake()
        except GONE:
            await _say_why(stream)
            return None
        place.waits_for_request(first=True)
        return stream


async def _say_why(stream: "trio.SSLStream[trio.SocketStream]") -> None:
    """Send the alert that OpenSSL has made of a failure, and trio keeps to itself.

    Without it a partner whose certificate is missing or has expired would see a closed connection.
    """
    outgoing: ssl.MemoryBIO = stream._outgoing  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - there is no other way to it; a test would miss the alert
    with suppress(*GONE):
        await stream.transport_stream.send_all(outgoing.read())
