"""What h11, llhttp and the lane make of a request: an oracle of three.

- `h11_reads`, `llhttp_reads`, `lane_reads`: the first request in some bytes, or why there is none;
- `reason`: what the lane refuses although both parsers take it, written down a second time, from the
  parsed request alone;
- `page`: docs/ingest.md, made from the above (`make docs`).

Rule: the two parsers are used as they come, and share no line with the lane.
Source: RFC 9110, RFC 9112; the issue's differential test.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import h11
import httptools

from comptoir.http.framing import HEADER_BYTES_MAX, Framing, Malformed
from comptoir.http.problems import PROBLEMS
from tests.http.forms import FORMS

LIMIT = 65_536


class Read(NamedTuple):
    """A request as a parser read it."""

    method: bytes
    target: bytes
    version: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    """Names in lower case, values without blanks around them."""
    body: bytes
    rest: bytes = b""
    """What stands behind it, where the parser tells."""


REFUSES, WAITS = "refuses", "waits for more"


def h11_reads(data: bytes) -> Read | str:
    """What h11, and so hypercorn's edge, reads first."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=HEADER_BYTES_MAX)
    connection.receive_data(data)
    request: h11.Request | None = None
    body = b""
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                assert request is not None
                headers = tuple((bytes(name), bytes(value)) for name, value in request.headers)
                line = (request.method, request.target, request.http_version)
                return Read(*line, headers, body, connection.trailing_data[0])
            else:
                return WAITS
    except h11.RemoteProtocolError:
        return REFUSES


def _same(fields: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
    """Fields as h11 gives them: it writes the coding in small letters."""
    return tuple(
        (name, value.lower() if name == b"transfer-encoding" else value) for name, value in fields
    )


class _Heard:
    """What llhttp tells."""

    def __init__(self) -> None:
        self.target = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.read: Read | None = None
        self.parser = httptools.HttpRequestParser(self)
        self.complete = False
        self.in_header = True

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.in_header:
            self.headers.append((name.lower(), value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        self.in_header = False

    def on_body(self, part: bytes) -> None:
        self.body += part

    def on_message_complete(self) -> None:
        if self.read is None:
            version = self.parser.get_http_version().encode()
            headers = _same(self.headers)
            method = self.parser.get_method()
            self.read = Read(method, self.target, version, headers, self.body)


def llhttp_reads(data: bytes) -> Read | str:
    """What llhttp alone reads first."""
    heard = _Heard()
    try:
        heard.parser.feed_data(data)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return heard.read or REFUSES
    return heard.read or WAITS


def lane_reads(data: bytes) -> Read | str:
    """What the lane reads first; a refusal as status and code."""
    framing = Framing(LIMIT)
    framing.feed(data)
    try:
        request = framing.next()
    except Malformed as bad:
        return f"{PROBLEMS[bad.code].status} {bad.code}"
    if request is None:
        return WAITS
    if request.too_large:
        return "413 PAYLOAD_TOO_LARGE"
    version = b"1.0" if request.is_old else b"1.1"
    method, target = request.method.encode(), request.path.encode()
    return Read(method, target, version, _same(request.headers), request.body)


HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*")
CHUNK_EXTRAS = 4096


def reason(read: Read, data: bytes) -> str:
    """Why the lane refuses a request that both parsers take; empty where it takes it, too."""
    named: dict[bytes, list[bytes]] = {}
    for name, value in read.headers:
        named.setdefault(name, []).append(value)
    if read.version not in (b"1.0", b"1.1"):
        return "its version is another"
    if b"upgrade" in named or read.method == b"CONNECT":
        return "it leaves HTTP/1"
    if not read.target.startswith((b"/", b"*", b"http://", b"https://")):
        return "its target is no path"
    if HOST.fullmatch(named.get(b"host", [b""])[0]) is None:
        return "its Host is no host"
    expectations = [value.lower() for value in named.get(b"expect", [])]
    if expectations not in ([], [b"100-continue"]):
        return "it expects what nobody knows"
    if b"transfer-encoding" in named and read.version == b"1.0":
        return "HTTP/1.0 has no chunks"
    head = data.find(b"\r\n\r\n") + 4
    if head > HEADER_BYTES_MAX:
        return "its header is too large"
    if b"transfer-encoding" in named:
        return _of_chunks(data[head:])
    return ""


def _of_chunks(data: bytes) -> str:
    """The bounds of chunks: a line, extensions and trailer together, many small ones."""
    extras = count = size = 0
    while True:
        line, _, data = data.partition(b"\r\n")
        digits, _, extension = line.partition(b";")
        extras += len(line) - len(digits)
        if len(line) > 256 or len(digits) > 8 or extras > CHUNK_EXTRAS:
            return "its chunks are mostly no data"
        chunk = int(digits, 16)
        if re.fullmatch(rb"[\t -~\x80-\xff]*", extension) is None:
            return "its chunks are mostly no data"
        if chunk == 0:
            break
        count, size = count + 1, size + chunk
        if count > 64 and size < count * 32:
            return "its chunks are mostly no data"
        data = data[chunk + 2 :]
    while True:
        line, _, data = data.partition(b"\r\n")
        extras += len(line)
        if len(line) > 256 or extras > CHUNK_EXTRAS:
            return "its chunks are mostly no data"
        if not line:
            return ""


def table() -> list[tuple[str, str, str, str, str]]:
    """Of each form: name, source, and what the three say."""
    rows: list[tuple[str, str, str, str, str]] = []
    for form in FORMS:
        data = form.make()
        said = (_word(reads(data)) for reads in (h11_reads, llhttp_reads, lane_reads))
        rows.append((form.name, form.source, *said))  # type: ignore[arg-type]
    return rows


def _word(read: Read | str) -> str:
    return "takes" if isinstance(read, Read) else read


# The page.

_HEAD = """# What the lane refuses

Made by `make docs` from tests/http/differences.py; do not edit it. Each form below was given to h11
(which hypercorn's edge reads with), to llhttp alone (which the lane judges with), and to the lane
itself (`http/framing.py`). tests/http/test_differential.py holds that ten thousand drawn requests
that both parsers take, and nothing here forbids, are answered by both edges alike; that whatever one
of the two refuses is refused by the lane; and that nothing refused is ever credited.

The lane refuses more than either parser where a request leaves HTTP/1 (Upgrade, CONNECT), expects
what is not known, names a host that is none, or spends its bytes on chunk sizes, extensions and
trailers. A refusal closes the connection, and nothing behind it is read as a request. Trailers are
dropped unread: a signature counts in the header only.

| form | source | h11 (port 8080) | llhttp alone | the lane (port 8081) |
| --- | --- | --- | --- | --- |
"""


def page(root: Path) -> str:
    """docs/ingest.md."""
    del root
    rows = (" | ".join(("", *row, "")).strip() for row in table())
    return _HEAD + "\n".join(rows) + "\n"
