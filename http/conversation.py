"""One connection's side of HTTP: bytes in, requests begun, answers out; no socket and no waiting.

The rule: what is read is fed to it, and it goes on by itself until a request is under way, or more
must be read, or the connection is to end. A request's answer is told whenever it is there, by whoever
made it durable, and then waits until whoever drives the connection writes it. So one driver may serve
ten thousand connections without a task for each (`crowd.py`), another one connection under TLS
(`lane.py`), and there is one account of what HTTP is.

After a malformed request nothing of its connection is believed: it is answered, and closed.
Source: interface.md 1, 2, 6; RFC 9110 10.1.1; RFC 9112 9; docs/ingest.md.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final, Protocol

from comptoir.http.answers import Response
from comptoir.http.edge import BODY_BYTES_FREE
from comptoir.http.framing import Framing, Malformed, Request
from comptoir.http.places import Place

__all__ = ["Conversation", "Shop"]

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_LINES: Final = {
    status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode("ascii"))
    for status in HTTPStatus
}


class Shop(Protocol):
    """What all conversations share."""

    @property
    def date(self) -> bytes:
        """The Date header of now, as a line."""
        ...

    @property
    def stopping(self) -> bool:
        """Every answer is the last of its connection."""
        ...

    def new_framing(self) -> Framing:
        """Cuts one connection's bytes into requests."""
        ...

    def begin(self, request: Request, peer: str, tell: Callable[[Response], None]) -> None:
        """Take a whole request into the next `work`; its answer is told once, perhaps before this returns."""
        ...

    def work(self) -> None:
        """Work on what was begun: called by whoever drives a conversation, after its steps."""
        ...

    def take_bytes(self, more: int) -> bool:
        """Take so many of the bytes that all bodies may hold together, or give them back."""
        ...

    def refuse(self, code: str) -> Response:
        """The answer to bytes that are no request, counted."""
        ...


class Conversation:
    """One connection: where it is, and what is to be written next."""

    __slots__ = (
        "_answer",
        "_cost",
        "_framing",
        "_interim",
        "_say",
        "_shop",
        "closes",
        "place",
        "request",
    )

    def __init__(self, shop: Shop, place: Place, say: Callable[["Conversation"], None]) -> None:
        """Speak for a place.

        Args:
            shop: what all share.
            place: told what is waited for.
            say: called when something is there to be written; it returns at once.
        """
        self._shop = shop
        self._say = say
        self._framing: Framing | None = None
        """Made with the first bytes: whoever says nothing costs no parser."""
        self._cost = 0
        """What its body takes of the bytes that all may take together."""
        self._answer: Response | None = None
        self._interim = False
        """100 is to be said: the sender waits for it before it sends its body."""
        self.place = place
        self.request: Request | None = None
        """Under way, its answer not written yet."""
        self.closes = False
        """What is written next is the last."""

    def __repr__(self) -> str:
        """Show where it is; nothing of the caller."""
        return f"Conversation({self._framing!r}, {'busy' if self.is_busy else 'reading'})"

    @property
    def is_busy(self) -> bool:
        """An answer is being made, or something waits to be written: nothing is read meanwhile."""
        return self.request is not None or self._answer is not None or self._interim

    def feed(self, data: bytes) -> None:
        """Take what was read, and go on."""
        if self._framing is None:
            self._framing = self._shop.new_framing()
        self._framing.feed(data)
        self.go_on()

    def go_on(self) -> None:
        """Begin the next request, if the whole of it is here; else say what is waited for."""
        framing = self._framing
        if framing is None:
            return
        try:
            request = framing.next()
            if request is None:
                self._wait_for_more(framing)
                return
        except Malformed as bad:
            self._refuse(bad.code)
            return
        self.place.works()
        self.request = request
        self._shop.begin(request, self.place.peer, self.tell)

    def end(self) -> bool:
        """The other end says no more, or its time is over; whether an answer is due to it."""
        if self.place.late and not self.closes:
            self._refuse("REQUEST_TIMEOUT")
            return True
        return False

    def tell(self, answer: Response) -> None:
        """The answer of the request under way."""
        self._answer = answer
        self._say(self)

    def written(self) -> bytes:
        """What was said, as bytes, which are written now; then `go_on`."""
        if self._interim:
            self._interim = False
            return CONTINUE
        answer, request = self._answer, self.request
        assert answer is not None, "only what was told is written"
        self._answer = self.request = None
        if self._cost:
            self._take(0)
        if request is None or not request.keeps or self._shop.stopping:
            self.closes = True
        parts = [_LINES[answer.status], self._shop.date]
        for name, value in answer.headers:
            parts += (name, b": ", value, b"\r\n")
        if self.closes:
            parts.append(b"connection: close\r\n\r\n")
        elif request is not None and request.is_old:
            parts.append(b"connection: keep-alive\r\n\r\n")
        else:
            parts.append(b"\r\n")
        if request is None or request.method != "HEAD":
            parts.append(answer.body)
        return b"".join(parts)

    def close(self) -> None:
        """It is over: give back what it holds."""
        self.closes = True
        self._take(0)
        if self._framing is not None:
            self._framing.close()
            self._framing = None

    def _wait_for_more(self, framing: Framing) -> None:
        """Tell the place what is waited for.

        Raises:
            Malformed: there is no room for the rest of a body.
        """
        if framing.is_idle:
            self.place.waits_for_request()
            if self._shop.stopping:  # idle ones were closed when the stop began
                self.closes = True
                self.place.close()
        elif not framing.in_body:
            self.place.waits_for_header()
        else:
            self.place.waits_for_body()
            if not self._take(max(0, framing.body_bytes - BODY_BYTES_FREE)):
                raise Malformed("OVERLOADED")
            if framing.expects and not framing.body_bytes:
                framing.expects = False
                self._interim = True
                self._say(self)

    def _take(self, size: int) -> bool:
        """Hold so many bytes of all; False, and nothing changes, if they are not there."""
        if not self._shop.take_bytes(size - self._cost):
            return False
        self._cost = size
        return True

    def _refuse(self, code: str) -> None:
        """Say what is wrong with the bytes; it is the last that is said."""
        self.place.works()
        self.closes = True
        self.tell(self._shop.refuse(code))
