"""Requests of every form, right ones and odd ones, and any number of them from a seed.

- `FORMS`: one request for each way of being odd, each with its section of the standard;
- `drawn`: right ones, odd ones, and ones with random damage.

Rule: nothing here is the lane's own; a signature is made from the specification (S54).
Source: RFC 9110, RFC 9112; the issue's differential test.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from comptoir.http.testing import NOW_MS
from comptoir.http.testing_wire import BODY, signing

__all__ = ["FORMS", "Form", "Parts", "chunked", "drawn", "having", "in_chunks", "right"]


@dataclass(frozen=True)
class Parts:
    """A request in its pieces, for forms to change."""

    line: bytes = b"POST /webhooks/banking HTTP/1.1"
    fields: tuple[bytes, ...] = ()
    body: bytes = BODY
    wire: bytes | None = None
    """The body as it goes over the wire, where that is not the body itself."""
    end: bytes = b"\r\n"

    def sent(self) -> bytes:
        """As bytes."""
        lines = (self.line, *self.fields, b"", b"")
        return self.end.join(lines) + (self.body if self.wire is None else self.wire)


def right(body: bytes = BODY) -> Parts:
    """A right one: signed, its length given."""
    fields = [b"Host: 127.0.0.1", b"Content-Type: application/json"]
    fields += [line.encode() for line in signing(body)]
    return Parts(fields=(*fields, b"Content-Length: %d" % len(body)), body=body)


def having(parts: Parts, *more: bytes, without: bytes = b"-", **changes: object) -> Parts:
    """With other fields, and without one."""
    kept = tuple(field for field in parts.fields if not field.startswith(without))
    values = {"line": parts.line, "body": parts.body, "wire": parts.wire, "end": parts.end}
    values.update(changes)  # type: ignore[arg-type]
    return Parts(fields=(*kept, *more), **values)  # type: ignore[arg-type]


def in_chunks(body: bytes, size: int, extension: bytes = b"", trailer: bytes = b"") -> bytes:
    """A body in chunks."""
    cut = (body[at : at + size] for at in range(0, len(body), size))
    chunks = (b"%x%b\r\n%b\r\n" % (len(chunk), extension, chunk) for chunk in cut)
    return b"".join(chunks) + b"0" + extension + b"\r\n" + trailer + b"\r\n"


def chunked(size: int = 40, extension: bytes = b"", trailer: bytes = b"") -> Parts:
    """A right one in chunks."""
    parts = right()
    wire = in_chunks(parts.body, size, extension, trailer)
    return having(parts, b"Transfer-Encoding: chunked", without=b"Content-Length", wire=wire)


LENGTH = b"Content-Length: %d" % len(BODY)
CODING = b"Transfer-Encoding: chunked"


@dataclass(frozen=True)
class Form:
    """One way of being odd."""

    name: str
    source: str
    make: Callable[[], bytes]


def _form(name: str, source: str, make: Callable[[], Parts]) -> Form:
    return Form(name, source, lambda: make().sent())


FORMS = (
    _form("a length", "RFC 9112 6.2", right),
    _form("chunks", "RFC 9112 7.1", chunked),
    _form("chunks with extensions", "RFC 9112 7.1.1", lambda: chunked(extension=b";a=b")),
    _form("chunks with a trailer", "RFC 9112 7.1.2", lambda: chunked(trailer=b"X-Late: 1\r\n")),
    _form(
        "a signature in the trailer", "RFC 9110 6.5.1",
        lambda: chunked(trailer=signing(BODY)[1].encode() + b"\r\n"),
    ),
    _form("HTTP/1.0, no Host", "RFC 9112 3.2", lambda: having(
        right(), without=b"Host", line=b"POST /webhooks/banking HTTP/1.0")),
    _form("`Expect: 100-continue`", "RFC 9110 10.1.1", lambda: having(right(), b"Expect: 100-continue")),
    _form("a target in absolute form", "RFC 9112 3.2.2", lambda: having(
        right(), line=b"POST http://127.0.0.1/webhooks/banking HTTP/1.1")),
    _form("both Content-Length and Transfer-Encoding", "RFC 9112 6.1", lambda: having(
        chunked(), LENGTH)),
    _form("Transfer-Encoding, then Content-Length", "RFC 9112 6.1", lambda: having(
        having(chunked(), b"Content-Length: 5"), without=b"-")),
    _form("Content-Length twice, the same", "RFC 9110 8.6", lambda: having(right(), LENGTH)),
    _form("Content-Length twice, another", "RFC 9110 8.6", lambda: having(
        right(), b"Content-Length: 5")),
    _form("a list of lengths", "RFC 9110 8.6", lambda: having(
        right(), b"Content-Length: %d, %d" % (len(BODY), len(BODY)), without=b"Content-Length")),
    _form("a length with a sign", "RFC 9110 8.6", lambda: having(
        right(), b"Content-Length: +%d" % len(BODY), without=b"Content-Length")),
    _form("a negative length", "RFC 9110 8.6", lambda: having(
        right(), b"Content-Length: -1", without=b"Content-Length")),
    _form("a length in hexadecimal", "RFC 9110 8.6", lambda: having(
        right(), b"Content-Length: 0x%x" % len(BODY), without=b"Content-Length")),
    _form("an empty length", "RFC 9110 8.6", lambda: having(
        right(), b"Content-Length:", without=b"Content-Length")),
    _form("a length of thirty digits", "RFC 9110 8.6", lambda: having(
        right(), b"Content-Length: " + b"9" * 30, without=b"Content-Length")),
    _form("another coding before chunked", "RFC 9112 6.1", lambda: having(
        chunked(), b"Transfer-Encoding: gzip, chunked", without=b"Transfer-Encoding")),
    _form("Transfer-Encoding twice", "RFC 9112 6.1", lambda: having(chunked(), CODING)),
    _form("a coding that is not chunked", "RFC 9112 6.1", lambda: having(
        chunked(), b"Transfer-Encoding: identity", without=b"Transfer-Encoding")),
    _form("chunked, misspelt", "RFC 9112 6.1", lambda: having(
        chunked(), b"Transfer-Encoding: xchunked", without=b"Transfer-Encoding")),
    _form("chunked in capitals", "RFC 9112 6.1", lambda: having(
        chunked(), b"transfer-encoding: CHUNKED", without=b"Transfer-Encoding")),
    _form("Transfer-Encoding in HTTP/1.0", "RFC 9112 6.1", lambda: having(
        chunked(), line=b"POST /webhooks/banking HTTP/1.0")),
    _form("a folded field", "RFC 9112 5.2", lambda: having(right(), b"X-Folded: a\r\n b")),
    _form("a folded signature", "RFC 9112 5.2", lambda: having(
        right(), signing(BODY)[1].replace(": ", ":\r\n ").encode(), without=b"X-Webhook-S")),
    _form("a first field that begins with a blank", "RFC 9112 2.2", lambda: having(
        right(), line=b"POST /webhooks/banking HTTP/1.1\r\n X: y")),
    _form("a blank before the colon", "RFC 9112 5.1", lambda: having(right(), b"X-Odd : a")),
    _form("a field without a colon", "RFC 9112 5", lambda: having(right(), b"X-Odd")),
    _form("a field without a name", "RFC 9112 5", lambda: having(right(), b": a")),
    _form("a name that is no token", "RFC 9110 5.1", lambda: having(right(), b"X(Odd): a")),
    _form("U+0000 in a value", "RFC 9110 5.5", lambda: having(right(), b"X-Odd: a\0b")),
    _form("a control character in a value", "RFC 9110 5.5", lambda: having(right(), b"X-Odd: a\x01b")),
    _form("DEL in a value", "RFC 9110 5.5", lambda: having(right(), b"X-Odd: a\x7fb")),
    _form("bytes over 127 in a value", "RFC 9110 5.5", lambda: having(right(), b"X-Odd: a\xe9b")),
    _form("a carriage return alone", "RFC 9112 2.2", lambda: having(right(), b"X-Odd: a\rb")),
    _form("line feeds alone", "RFC 9112 2.2", lambda: having(right(), end=b"\n")),
    _form("one line feed alone", "RFC 9112 2.2", lambda: having(right(), b"X-Odd: a\nX-More: b")),
    _form("line feeds alone between chunks", "RFC 9112 7.1", lambda: having(
        chunked(), wire=in_chunks(BODY, 40).replace(b"\r\n", b"\n"))),
    _form("a chunk size with a sign", "RFC 9112 7.1", lambda: having(
        chunked(), wire=b"+" + in_chunks(BODY, 40))),
    _form("a chunk size with a blank", "RFC 9112 7.1", lambda: having(
        chunked(), wire=b" " + in_chunks(BODY, 40))),
    _form("a chunk size of seventeen digits", "RFC 9112 7.1", lambda: having(
        chunked(), wire=b"0" * 17 + in_chunks(BODY, 40))),
    _form("a chunk longer than its size", "RFC 9112 7.1", lambda: having(
        chunked(), wire=b"5\r\nabcdef\r\n0\r\n\r\n")),
    _form("no Host", "RFC 9112 3.2", lambda: having(right(), without=b"Host")),
    _form("Host twice", "RFC 9112 3.2", lambda: having(right(), b"Host: 127.0.0.1")),
    _form("a Host that is none", "RFC 9112 3.2", lambda: having(
        right(), b"Host: a b", without=b"Host")),
    _form("blank lines before the request", "RFC 9112 2.2", lambda: having(
        right(), line=b"\r\nPOST /webhooks/banking HTTP/1.1")),
    _form("two blanks in the request line", "RFC 9112 3", lambda: having(
        right(), line=b"POST  /webhooks/banking HTTP/1.1")),
    _form("a tab in the request line", "RFC 9112 3", lambda: having(
        right(), line=b"POST\t/webhooks/banking HTTP/1.1")),
    _form("a blank in the target", "RFC 9112 3.2", lambda: having(
        right(), line=b"POST /webhooks /banking HTTP/1.1")),
    _form("bytes over 127 in the target", "RFC 9112 3.2", lambda: having(
        right(), line=b"POST /webhooks/b\xe9nking HTTP/1.1")),
    _form("a method in small letters", "RFC 9110 9.1", lambda: having(
        right(), line=b"post /webhooks/banking HTTP/1.1")),
    _form("a method that nobody knows", "RFC 9110 9.1", lambda: having(
        right(), line=b"BREW /webhooks/banking HTTP/1.1")),
    _form("CONNECT", "RFC 9110 9.3.6", lambda: having(right(), line=b"CONNECT a:1 HTTP/1.1")),
    _form("HTTP/0.9", "RFC 9112 2.3", lambda: having(right(), line=b"POST /webhooks/banking")),
    _form("HTTP/1.2", "RFC 9110 2.5", lambda: having(
        right(), line=b"POST /webhooks/banking HTTP/1.2")),
    _form("HTTP/2.0", "RFC 9110 2.5", lambda: having(
        right(), line=b"POST /webhooks/banking HTTP/2.0")),
    _form("HTTP/2's preface", "RFC 9113 3.4", lambda: Parts(
        line=b"PRI * HTTP/2.0", body=b"SM\r\n\r\n")),
    _form("another protocol", "RFC 9112 2.3", lambda: having(
        right(), line=b"POST /webhooks/banking RTSP/1.1")),
    _form("Upgrade", "RFC 9110 7.8", lambda: having(
        right(), b"Connection: upgrade", b"Upgrade: websocket")),
    _form("another expectation", "RFC 9110 10.1.1", lambda: having(right(), b"Expect: a-miracle")),
    _form("a header of 17 KiB", "RFC 9110 5.4", lambda: having(right(), b"X-Odd: " + b"x" * 17_000)),
    _form("a chunk extension of 300 bytes", "RFC 9112 7.1.1", lambda: chunked(
        extension=b";" + b"x" * 300)),
    _form("a hundred chunks of one byte", "RFC 9112 7.1", lambda: chunked(size=1)),
    _form("a TLS greeting", "RFC 8446 4.1.2", lambda: Parts(
        line=b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", body=b"")),
)  # fmt: skip


_BODIES = (
    BODY, BODY, BODY, BODY.replace(b"1.00", b"2.50"), BODY.replace(b"EUR", b"XXZ"), b"{", b"[]",
    BODY.replace(b"1.00", b"-1"), b"", BODY.replace(b"DEBIT", b"CREDIT"),
)  # fmt: skip
_LINES = (
    *([b"POST /webhooks/banking HTTP/1.1"] * 12), b"POST /webhooks/banking HTTP/1.0",
    b"POST /webhooks/%62anking?x=1 HTTP/1.1", b"POST /webhooks/other HTTP/1.1",
    b"GET /webhooks/banking HTTP/1.1", b"DELETE /webhooks/banking HTTP/1.1",
    b"PUT /webhooks/ HTTP/1.1", b"OPTIONS /webhooks/banking HTTP/1.1",
)  # fmt: skip
_EXTRAS = (
    b"Accept: */*", b"User-Agent: x", b"X-Request-Id: abcdefgh", b"X-Request-Id: no", b"Cookie: a=b",
    b"X-Forwarded-For: 10.0.0.1", b"Content-Encoding: gzip", b"Content-Encoding: identity",
    b"Content-Type: text/plain", b"Connection: close", b"Connection: keep-alive", b"Via: 1.1 x",
    b"X-Webhook-Timestamp: %d" % NOW_MS, b"X-Padded:  \t a \t ", b"X-Empty:", b"TE: trailers",
    b"Accept: \xe9", b"X-Webhook-Signature: sha256=" + b"0" * 64,
)  # fmt: skip


def drawn(seed: int, count: int) -> Iterator[bytes]:
    """So many requests from a seed: a third right, a third of an odd form, a third damaged."""
    rng = random.Random(seed)
    for _ in range(count):
        parts = _drawn_parts(rng)
        kind = rng.randrange(3)
        if kind == 0:
            yield parts.sent()
        elif kind == 1:
            yield rng.choice(FORMS).make()
        else:
            yield _damaged(rng, parts.sent())


def _drawn_parts(rng: random.Random) -> Parts:
    """A request that is right but for what it says."""
    parts = right(rng.choice(_BODIES))
    if rng.random() < 0.3:
        extension = rng.choice((b"", b"", b";a", b';a="b"'))
        trailer = rng.choice((b"", b"", b"X-Late: 1\r\n"))
        wire = in_chunks(parts.body, rng.choice((7, 40, 200)), extension, trailer)
        parts = having(parts, CODING, without=b"Content-Length", wire=wire)
    more = rng.sample(_EXTRAS, rng.randrange(4))
    fields = [*parts.fields, *more]
    if rng.random() < 0.3:
        rng.shuffle(fields)
    if rng.random() < 0.1:
        fields = [field.lower() if rng.random() < 0.5 else field for field in fields]
    if rng.random() < 0.05:
        del fields[rng.randrange(len(fields))]
    return Parts(line=rng.choice(_LINES), fields=tuple(fields), body=parts.body, wire=parts.wire)


_BYTES = (b"\r", b"\n", b"\r\n", b" ", b"\t", b":", b";", b",", b"\0", b"\x7f", b"\xff", b"0", b"A")


def _damaged(rng: random.Random, data: bytes) -> bytes:
    """With one to three pieces changed, put in, taken away or doubled; mostly in the header."""
    for _ in range(rng.randint(1, 3)):
        most = data.find(b"\r\n\r\n") + 4 if rng.random() < 0.8 else len(data)
        at = rng.randrange(max(1, most))
        size = rng.choice((1, 1, 1, 2, 5, 20))
        match rng.randrange(5):
            case 0:
                data = data[:at] + rng.choice(_BYTES) + data[at + 1 :]
            case 1:
                data = data[:at] + rng.choice(_BYTES) + data[at:]
            case 2:
                data = data[:at] + data[at + size :]
            case 3:
                data = data[: at + size] + data[at:]
            case _:
                data = data[:at] + bytes((rng.randrange(256),)) + data[at + 1 :]
    return data
