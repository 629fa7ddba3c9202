"""`comptoir check KIND`: JSON lines in, one answer line for each, in order, flushed.

Rule: malformed input is an answer, never an error; the functions that answer are the daemon's own.
Memory is bounded by one line. Source: check-command contract.
"""

import os
import stat
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import orjson

from comptoir.engine.cli.errors import CommandError, nearest
from comptoir.engine.cli.kinds import CHECK_KINDS

__all__ = ["LINE_BYTES_MAX", "run_check"]

Check = Callable[[object], dict[str, Any]]
Advance = Callable[[int], None]

LINE_BYTES_MAX = 64 * 1024 * 1024
"""One input line: a document of 48 MB as base64, or 100,000 partners."""
SKIP_BYTES = 1024 * 1024
LINES_PER_TICK = 50


def run_check(kind: str, source: BinaryIO, sink: BinaryIO, lists: tuple[Path, ...] = ()) -> None:
    """Answer every line of `source` on `sink`.

    `lists` are watch lists or their indices, which `screen` searches.

    Raises:
        CommandError: no such kind, or a list that cannot be read.
    """
    with _check(kind, lists) as check, _progress(source) as advance:
        for line in _lines(source):
            sink.write(
                _answer(check, line, _exactly if kind == "copybook-encode" else orjson.loads)
            )
            sink.flush()
            advance(len(line) if line is not None else LINE_BYTES_MAX)


@contextmanager
def _check(kind: str, lists: tuple[Path, ...]) -> Generator[Check]:
    """The function of a kind; `screen` has its lists open meanwhile."""
    if kind != "screen":
        yield _function(kind)
        return
    from comptoir.actors.check_names import screen_with
    from comptoir.engine.cli.listing import match_from, open_lists

    with open_lists(lists) as opened:
        yield screen_with(opened, cache(match_from))


def _function(kind: str) -> Check:
    if kind not in CHECK_KINDS:
        near = nearest(kind, CHECK_KINDS)
        remedy = f"did you mean {near}?" if near else f"there are {', '.join(CHECK_KINDS)}"
        raise CommandError("USAGE", f"no such kind to check: {kind!r}", remedy)
    if kind == "webhook":
        from comptoir.http.check_webhook import check

        return check
    if kind in ("jwt", "jwk"):
        from comptoir.http.identity import checks as of_tokens

        return of_tokens.CHECKS[kind]
    if kind == "aead-open":
        from comptoir.storage.check_aead import check as check_aead

        return check_aead
    if kind == "name-match":
        from comptoir.actors.check_names import check_name_match
        from comptoir.engine.cli.listing import match_from

        return partial(check_name_match, match_from=match_from())
    if kind.startswith("copybook-"):
        from comptoir.actors.check_copybooks import CHECKS as OF_COPYBOOKS

        return OF_COPYBOOKS[kind]
    if kind in ("document", "ocr"):
        from comptoir.actors.check_documents import CHECKS as OF_DOCUMENTS

        return OF_DOCUMENTS[kind]
    from comptoir.actors.checks import CHECKS

    return CHECKS[kind]


def _lines(source: BinaryIO) -> Iterator[bytes | None]:
    """Every line; None for one that is too long to be read."""
    while line := source.readline(LINE_BYTES_MAX + 1):
        if len(line) <= LINE_BYTES_MAX or line.endswith(b"\n"):
            yield line
            continue
        while (rest := source.readline(SKIP_BYTES)) and not rest.endswith(b"\n"):
            pass
        yield None


_EXACTLY = msgspec.json.Decoder(float_hook=Decimal)


def _exactly(line: bytes) -> object:
    """A line whose numbers become what their digits say: a record's amount is never a float."""
    try:
        return _EXACTLY.decode(line)
    except (RecursionError, ArithmeticError) as error:
        raise msgspec.DecodeError(str(error)) from None


def _answer(check: Check, line: bytes | None, loads: Callable[[bytes], object]) -> bytes:
    """One answer, with its line break."""
    if line is None:
        return _malformed(f"the line is over {LINE_BYTES_MAX} bytes")
    try:
        given = loads(line)
    except (orjson.JSONDecodeError, msgspec.DecodeError) as error:
        return _malformed(f"not JSON: {error}")
    # msgspec and not orjson: a sum of points may be wider than 64 bits.
    return msgspec.json.encode(check(given)) + b"\n"


def _malformed(detail: str) -> bytes:
    error = {"code": "CHECK_INPUT_INVALID", "detail": detail}
    return msgspec.json.encode({"ok": False, "error": error}) + b"\n"


@contextmanager
def _progress(source: BinaryIO) -> Generator[Advance]:
    """A bar on standard error where that is a terminal and the input is not."""
    if not sys.stderr.isatty() or source.isatty():
        yield lambda _size: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    size = _size(source)
    columns = (TextColumn("check"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("check", total=size)
        waiting = lines = 0

        def advance(count: int) -> None:
            nonlocal waiting, lines
            waiting, lines = waiting + count, lines + 1
            if lines % LINES_PER_TICK == 0:
                bar.advance(task, waiting)
                waiting = 0

        yield advance
        bar.advance(task, waiting)


def _size(source: BinaryIO) -> int | None:
    """Bytes of a regular file; None for a pipe."""
    try:
        status = os.fstat(source.fileno())
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
