"""Records in a file: one after the other, behind descriptor words, or a line each.

Rules:
- F: the bytes divide into records without a rest; V: a record descriptor word (length with its own four bytes, then
  two zeros) stands before each; VB: such records in blocks, each behind a block descriptor word;
- D: lines end with LF, or CR and LF; a line that ends early had blanks, as LINE SEQUENTIAL takes them away;
- a refusal names the record, and nothing of the others is lost to it: reading is one after the other.
Source: IBM DFSMS Using Data Sets, "Variable-length record formats"; GnuCOBOL Programmer's Guide, "LINE SEQUENTIAL".
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from comptoir.actors.gateways.copybook.codec import Codec, Values
from comptoir.actors.gateways.copybook.refusals import RecordRefused

__all__ = ["raw_records", "read_records", "write_record", "write_records"]

WORD_BYTES: Final = 4
RECORD_MOST: Final = 32_760
"""Of a record with its word, as data sets have them."""
BLOCK_BYTES: Final = 27_998
"""Half a track of a 3390, the usual block."""
CHUNK_BYTES: Final = 1 << 20


def read_records(codec: Codec, data: bytes) -> Iterator[Values]:
    """The values of every record, one after the other.

    Raises:
        RecordRefused: while iterating, at the record that is none; it says which (`record`).
    """
    check_format(codec)
    number = 0
    try:
        for values in _read(codec, data):
            yield values
            number += 1
    except RecordRefused as refused:
        refused.record = number
        raise


def raw_records(codec: Codec, data: bytes) -> Iterator[bytes]:
    """The bytes of every record, read or not: what a rest is too short for belongs to the record before it.

    Raises:
        RecordRefused: while iterating, at a descriptor word that cannot be.
    """
    form = codec.options.record_format
    if form == "D":
        yield from (line.removesuffix(b"\r") for line in data.removesuffix(b"\n").split(b"\n"))
    elif form != "F":
        for block in _blocks(data) if form == "VB" else [data]:
            yield from _described(block, "record")
    elif codec.least == codec.most:
        count = max(len(data) // max(codec.most, 1), 1)
        for at in range(count):
            end = (at + 1) * codec.most if at + 1 < count else len(data)
            yield data[at * codec.most : end]
    else:
        yield from _raw_variable(codec, data)


def _raw_variable(codec: Codec, data: bytes) -> Iterator[bytes]:
    text, at = codec.page.text(data), 0
    while at < len(data):
        try:
            _, end = codec.decode_at(data, text, at)
        except RecordRefused:
            end = len(data)
        yield data[at:end]
        at = end


def _all_framed(codec: Codec, records: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """Each with what frames it by itself; what is refused says which one it is."""
    number = 0
    try:
        for values in records:
            yield _framed(codec, values)
            number += 1
    except RecordRefused as refused:
        refused.record = number
        raise


def write_records(codec: Codec, records: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """The bytes of every record with what frames it; of VB, the bytes of every block.

    Raises:
        RecordRefused: while iterating, at the values that make none; it says which (`record`).
    """
    check_format(codec)
    framed = _all_framed(codec, records)
    if codec.options.record_format != "VB":
        yield from framed
        return
    block: list[bytes] = []
    size = 0
    for one in framed:
        if size + len(one) + WORD_BYTES > BLOCK_BYTES and block:
            yield _block(block)
            block, size = [], 0
        block.append(one)
        size += len(one)
    if block:
        yield _block(block)


def write_record(codec: Codec, values: Mapping[str, Any]) -> bytes:
    """The bytes of one record with what frames it.

    Raises:
        RecordRefused: the values make none.
    """
    check_format(codec)
    framed = _framed(codec, values)
    return _block([framed]) if codec.options.record_format == "VB" else framed


def check_format(codec: Codec) -> None:
    """See that the copybook can be in such a file.

    Raises:
        RecordRefused: OPTION_INVALID.
    """
    form = codec.options.record_format
    if form in ("V", "VB") and codec.most + WORD_BYTES > RECORD_MOST:
        raise RecordRefused("OPTION_INVALID", f"a record of {form} has up to {RECORD_MOST} bytes")
    if form == "F" and not codec.least:
        raise RecordRefused("OPTION_INVALID", "records of no bytes cannot be told apart")
    if form != "D":
        return
    if codec.page.is_ebcdic:
        raise RecordRefused(
            "OPTION_INVALID", "D is of lines: its code page is ascii or another such"
        )
    if any(item.usage != "DISPLAY" and not item.is_group for item in codec.record.items):
        raise RecordRefused(
            "OPTION_INVALID", "D is of lines: binary and packed fields cannot be in one"
        )


def _read(codec: Codec, data: bytes) -> Iterator[Values]:
    form = codec.options.record_format
    if form == "F":
        yield from _read_fixed(codec, data)
    elif form == "D":
        yield from _read_lines(codec, data)
    else:
        for block in _blocks(data) if form == "VB" else [data]:
            yield from map(codec.decode, _described(block, "record"))


def _read_fixed(codec: Codec, data: bytes) -> Iterator[Values]:
    if codec.least == codec.most and len(data) % codec.most:
        detail = f"{len(data)} bytes do not divide into records of {codec.most}"
        raise RecordRefused("RECORD_LENGTH_WRONG", detail)
    start = 0
    while start < len(data):
        chunk = data[start : start + max(CHUNK_BYTES, codec.most)]
        is_last = start + len(chunk) == len(data)
        text, at = codec.page.text(chunk), 0
        while at < len(chunk) and (is_last or len(chunk) - at >= codec.most):
            values, at = codec.decode_at(chunk, text, at)
            yield values
        start += at


def _read_lines(codec: Codec, data: bytes) -> Iterator[Values]:
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    blank = bytes((codec.page.blank,))
    for line in lines:
        bare = line.removesuffix(b"\r")
        if len(bare) > codec.most:
            detail = f"a line of {len(bare)}, where {codec.most} are the most"
            raise RecordRefused("RECORD_LENGTH_WRONG", detail)
        values, end = codec.decode_at(
            padded := bare.ljust(codec.most, blank), codec.page.text(padded), 0
        )
        if bare[end:].strip(blank):
            raise RecordRefused(
                "RECORD_LENGTH_WRONG", f"a line of {len(bare)}, where {end} are wanted"
            )
        yield values


def _blocks(data: bytes) -> Iterator[bytes]:
    return _described(data, "block")


def _described(data: bytes, what: str) -> Iterator[bytes]:
    """What stands behind each descriptor word."""
    at = 0
    while at < len(data):
        word = data[at : at + WORD_BYTES]
        length = int.from_bytes(word[:2], "big")
        if (
            len(word) < WORD_BYTES
            or word[2:] != b"\0\0"
            or not WORD_BYTES <= length <= len(data) - at
        ):
            detail = f"a {what} descriptor word of {word.hex()} before {len(data) - at} bytes"
            raise RecordRefused("RDW_INVALID", detail, offset=at)
        yield data[at + WORD_BYTES : at + length]
        at += length


def _framed(codec: Codec, values: Mapping[str, Any]) -> bytes:
    data = codec.encode(values)
    form = codec.options.record_format
    if form == "F":
        return data
    if form == "D":
        if b"\n" in data or b"\r" in data:
            raise RecordRefused("CHARACTER_UNMAPPED", "a line break cannot be in a line")
        return data + b"\n"
    return (len(data) + WORD_BYTES).to_bytes(2, "big") + b"\0\0" + data


def _block(parts: list[bytes]) -> bytes:
    data = b"".join(parts)
    return (len(data) + WORD_BYTES).to_bytes(2, "big") + b"\0\0" + data
