"""A connection's bytes cut into requests: no socket, no clock, nothing but bytes in and requests out.

The rule: two parsers must agree on where a request ends, or it is refused. The cutting is ours: the
header up to its empty line, then as many bytes as the length says, or chunk by chunk. Each piece is
given to llhttp, strict in everything, which must see the end of the header and of the request exactly
there. So whoever wants to hide a second request in a first one must deceive both in the same way.
What llhttp takes and h11 does not (other protocols and versions, blank lines before a request, other
codings before `chunked`, a Host missing or given twice) is refused here, too.

Nothing behind the request in hand is looked at until the caller asks for the next one; after a
refusal nothing is.
Source: RFC 9110 (5, 7.2, 10.1.1), RFC 9112 (2 to 7, 9.3, 11.2); docs/ingest.md has the differences.
"""

import re
from typing import Final, NamedTuple
from urllib.parse import unquote

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

__all__ = ["HEADER_BYTES_MAX", "Framing", "Malformed", "Request"]

HEADER_BYTES_MAX: Final = 16 * 1024
"""Request line and header fields; 431 beyond it."""
CHUNK_LINE_BYTES_MAX: Final = 256
"""A size, and extensions that nobody sends."""
CHUNK_EXTRAS_BYTES_MAX: Final = 4 * 1024
"""Extensions and trailer of one request."""
CHUNKS_SMALL_MAX: Final = 64
CHUNK_BYTES_MEAN_MIN: Final = 32
"""More than 64 chunks are taken if they hold so much on average: each costs some microseconds, and a
read full of chunks of one byte would hold the loop for milliseconds."""


class Malformed(Exception):
    """The bytes are refused, and so is whatever follows them: the code of the answer."""

    def __init__(self, code: str = "REQUEST_MALFORMED") -> None:
        """Keep the code; nothing of the bytes."""
        super().__init__(code)
        self.code = code


class Request(NamedTuple):
    """One request, its framing undone."""

    method: str
    path: str
    """Percent-decoded, without the query."""
    headers: list[tuple[bytes, bytes]]
    """In order, repeats kept; names in lower case, values without blanks around them."""
    body: bytes
    """Empty when `too_large`."""
    keeps: bool
    """Whether the connection outlives the answer."""
    is_old: bool
    """HTTP/1.0."""
    too_large: bool = False
    """The body, declared or counted, is over the limit; the rest of it was not read."""


_LINE = re.compile(rb"([A-Z][A-Z-]*) ((?:/|\*|https?://)[!-~]*) HTTP/1\.([01])\r\n").match
_OTHER_VERSION = re.compile(rb"[!-~]+ [!-~]+ HTTP/(?!1\.[01]\r)[0-9](?:\.[0-9])?\r\n").match
_UNFIT = re.compile(rb"(?:\A|[^\r])\n|\r[^\n]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]").search
"""What no header holds: a line feed alone, a carriage return alone, another control character."""
_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*").fullmatch
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})(;[\t -~\x80-\xff]*)?").fullmatch
_BUSY = frozenset({b"host", b"content-length", b"transfer-encoding", b"expect", b"upgrade"})
_BLANKS = b" \t"


class _Line(NamedTuple):
    """A request line, read."""

    method: str
    path: str
    is_old: bool


_USUAL = b"POST /webhooks/banking HTTP/1.1\r\n"
_USUAL_LINE = _Line("POST", "/webhooks/banking", is_old=False)

_HEAD, _LENGTH, _CHUNK_SIZE, _CHUNK_DATA, _TRAILER = range(5)


class Framing:
    """The requests of one connection, one after another."""

    __slots__ = (
        "_buffer", "_chunks", "_ended", "_extras", "_fault", "_headers", "_keeps", "_left", "_length",
        "_limit", "_line", "_parser", "_parts", "_seen", "_size", "_stage", "_told", "expects", "host",
    )  # fmt: skip

    def __init__(self, body_bytes_max: int) -> None:
        """Take bodies of this size at most."""
        self._limit = body_bytes_max
        self._buffer = b""
        self._parser = HttpRequestParser(self)
        self._fault: str | None = None
        self._line = _USUAL_LINE
        self._keeps = False
        self._extras = 0
        self._chunks = 0
        self._told: bytes | None = None
        self._forget()

    def __repr__(self) -> str:
        """Show where it is."""
        return f"Framing(stage {self._stage}, {len(self._buffer)} bytes unread)"

    def _forget(self) -> None:
        """Be ready for another request."""
        self._stage = _HEAD
        self._seen = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._parts: list[bytes] = []
        self._ended = False
        self._length: bytes | None = None
        self._left = 0
        self._size = 0
        self.host: bytes | None = None
        self.expects = False
        """The sender waits for 100 before it sends the body (RFC 9110 10.1.1)."""

    @property
    def is_idle(self) -> bool:
        """No byte of a next request is here."""
        return self._stage == _HEAD and not self._buffer

    @property
    def in_body(self) -> bool:
        """A header is complete, its body not."""
        return self._stage != _HEAD

    @property
    def body_bytes(self) -> int:
        """What is held of the body."""
        return self._size

    def close(self) -> None:
        """Let go of llhttp, which holds on to us: else both would wait for the garbage collector."""
        del self._parser

    def feed(self, data: bytes) -> None:
        """Take what was read."""
        self._buffer = self._buffer + data if self._buffer else data

    def next(self) -> Request | None:
        """The next request; None if more must be read for it.

        Raises:
            Malformed: nothing more of this connection may be believed.
        """
        if self._stage == _HEAD and not self._read_head():
            return None
        if self._size > self._limit:
            return self._request(too_large=True)
        if self._stage == _LENGTH and self._left and self._buffer:
            self._read_length()
        while self._stage > _LENGTH:
            if not self._read_chunks():
                if self._size > self._limit:
                    return self._request(too_large=True)
                return None
        if self._ended is (self._left > 0):
            raise Malformed  # llhttp sees another end of it than we do
        if self._left:
            return None
        return self._request(too_large=False)

    # What llhttp calls.

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field, of the header or of the trailer."""
        if self._stage != _HEAD:
            return  # a trailer's: it may be dropped (RFC 9110 6.5.1), and is
        name = name.lower()
        value = value.rstrip(_BLANKS)
        self._headers.append((name, value))
        if name in _BUSY:
            self._note(name, value)

    def on_body(self, part: bytes) -> None:
        """Some of the body."""
        self._parts.append(part)

    def on_message_complete(self) -> None:
        """The end, as llhttp sees it."""
        if self._ended:
            self._fault = "REQUEST_MALFORMED"
        self._ended = True
        self._keeps = self._parser.should_keep_alive()  # which llhttp forgets after this

    def _note(self, name: bytes, value: bytes) -> None:
        """Keep what the framing depends on; whatever is given twice is malformed."""
        if name == b"host":
            if self.host is not None or _HOST(value) is None:
                self._fault = "REQUEST_MALFORMED"
            self.host = value
        elif name == b"content-length":
            self._length = value  # llhttp refuses a second one, and all but digits
        elif name == b"transfer-encoding":
            if self._told is not None or value.lower() != b"chunked":
                self._fault = "REQUEST_MALFORMED"
            self._told = value
        elif name == b"upgrade":
            self._fault = "REQUEST_MALFORMED"
        elif self.expects or value.lower() != b"100-continue":
            self._fault = self._fault or "EXPECTATION_FAILED"
        else:
            self.expects = True

    # The pieces.

    def _judge(self, piece: bytes) -> None:
        """Have llhttp read a piece of the request."""
        try:
            self._parser.feed_data(piece)
        except (HttpParserError, HttpParserUpgrade) as error:
            raise Malformed from error
        if self._fault is not None:
            raise Malformed(self._fault)

    def _read_head(self) -> bool:
        """Cut the header off; False if it is not complete."""
        buffer = self._buffer
        end = buffer.find(b"\r\n\r\n", self._seen)
        if end < 0:
            if len(buffer) > HEADER_BYTES_MAX:
                raise Malformed("HEADERS_TOO_LARGE")
            if _UNFIT(buffer, max(0, self._seen - 1)):
                raise Malformed  # or it would be waited for
            self._seen = max(0, len(buffer) - 3)
            return False
        end += 4
        if end > HEADER_BYTES_MAX:
            raise Malformed("HEADERS_TOO_LARGE")
        line = self._line = _USUAL_LINE if buffer.startswith(_USUAL) else _line(buffer)
        self._judge(buffer[:end])
        self._buffer = buffer[end:]
        if line.is_old:
            self.expects = False  # RFC 9110 10.1.1: of HTTP/1.0 it is ignored
        elif self.host is None:
            raise Malformed
        if self._told is not None:
            if line.is_old or self._length is not None:
                raise Malformed  # RFC 9112 6.1: the framing of such a message is faulty
            self._told = None
            self._extras = self._chunks = 0
            self._stage = _CHUNK_SIZE
        elif self._length is not None:
            self._left = self._size = int(self._length)
            if self._size <= self._limit:
                self._size = 0
            self._stage = _LENGTH
        else:
            self._stage = _LENGTH
        return True

    def _read_length(self) -> None:
        """Take what there is of a body of known length."""
        left, buffer = self._left, self._buffer
        if len(buffer) <= left:
            part, self._buffer = buffer, b""
        else:
            part, self._buffer = buffer[:left], buffer[left:]
        self._left = left - len(part)
        self._size += len(part)
        self._judge(part)

    def _read_chunks(self) -> bool:
        """Take the next piece of a body in chunks; False if it is not there, or one too many."""
        if self._stage == _CHUNK_DATA:
            part = self._buffer[: self._left]
            if part:
                self._buffer = self._buffer[self._left :]
                self._left -= len(part)
                self._judge(part)
            if self._left:
                return False
            self._stage = _CHUNK_SIZE
        end = self._buffer.find(b"\r\n")
        if end < 0 or end > CHUNK_LINE_BYTES_MAX:
            if len(self._buffer) > CHUNK_LINE_BYTES_MAX or b"\n" in self._buffer:
                raise Malformed
            return False
        line = self._buffer[:end]
        if self._stage == _TRAILER:
            self._extra(end)
            if not line:
                self._stage = _LENGTH  # with nothing left of it
        else:
            size = self._chunk(line)
            if self._size > self._limit:
                return False
            if size:
                self._left = size + 2
                self._stage = _CHUNK_DATA
            else:
                self._stage = _TRAILER
        self._judge(self._buffer[: end + 2])
        self._buffer = self._buffer[end + 2 :]
        return True

    def _chunk(self, line: bytes) -> int:
        """Read a chunk's size; count it, and what stands behind it."""
        form = _CHUNK(line)
        if form is None:
            raise Malformed
        self._extra(len(form[2] or b""))
        size = int(form[1], 16)
        self._size += size
        self._chunks += 1
        if (
            self._chunks > CHUNKS_SMALL_MAX
            and self._size < self._chunks * CHUNK_BYTES_MEAN_MIN
            and size
        ):
            raise Malformed
        return size

    def _extra(self, size: int) -> None:
        self._extras += size
        if self._extras > CHUNK_EXTRAS_BYTES_MAX:
            raise Malformed

    def _request(self, *, too_large: bool) -> Request:
        """Put the request together, and be ready for another."""
        method, path, is_old = self._line
        parts = self._parts
        request = Request(
            method,
            path,
            self._headers,
            b"" if too_large else parts[0] if len(parts) == 1 else b"".join(parts),
            not too_large and self._keeps,
            is_old,
            too_large,
        )
        self._forget()
        return request


def _line(head: bytes) -> _Line:
    """Read a request line; the path as hypercorn's edge gives it.

    Raises:
        Malformed: it is none, or one of a version that we do not speak.
    """
    line = _LINE(head)
    if line is None:
        raise Malformed("VERSION_UNSUPPORTED" if _OTHER_VERSION(head) else "REQUEST_MALFORMED")
    method, target, minor = line.groups()
    path = unquote(target.partition(b"?")[0].decode("ascii"))
    return _Line(method.decode("ascii"), path, minor == b"0")
