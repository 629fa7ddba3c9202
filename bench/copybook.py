"""How many records of a mainframe are written to a file and read back from it in a second: a million of each of two copybooks.

The request of S30 (165 bytes, 10 fields of text and digits), one after the other, and one with packed, binary and zoned
numbers, an alternative and a table of varying length, behind descriptor words (RDW). Rule: the figures are CPU-seconds of
one thread, since the codec waits for nothing; no two records are alike; the file is on a disk and is read in parts, so that
its size costs no memory; every record that is read is counted, and a field of each is summed and compared with what was written.
Source: issue "Client onboarding, second half" (a file of a million records decoded: records/s); docs/copybook.md.

    BENCH_COUNT=100000 make bench ARGS=copybook
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, Final

from bench.results import write
from comptoir.actors.gateways.account_record import codec_of
from comptoir.actors.gateways.copybook import (
    Codec,
    Options,
    read_copybook,
    read_records,
    write_records,
)

__all__ = ["SIDES", "Side", "main", "measured", "parts"]

COUNT: Final = int(os.environ.get("BENCH_COUNT", "1000000"))
PAGE: Final = "cp1140"
PART_BYTES: Final = 1 << 20
"""That are in memory at once."""
BATCH: Final = 10_000
"""Records that are made up at once: that is not what is measured."""
WORD_BYTES: Final = 4
NUMBERS: Final = """
01  POSTING.
    05  ACCOUNT         PIC 9(10) COMP-3.
    05  AMOUNT          PIC S9(9)V99 COMP-3.
    05  BALANCE         PIC S9(11)V99.
    05  BRANCH          PIC S9(4) COMP.
    05  SEQUENCE-1      PIC 9(9) COMP.
    05  LABEL           PIC X(20).
    05  DAY-1           PIC 9(8).
    05  DAY-PARTS REDEFINES DAY-1.
        10  YEAR-1      PIC 9(4).
        10  MONTH-1     PIC 9(2).
        10  DAY-2       PIC 9(2).
    05  LEGS            PIC 9.
    05  LEG OCCURS 1 TO 5 TIMES DEPENDING ON LEGS.
        10  CODE-1      PIC X(2).
        10  SUM         PIC S9(5)V99 COMP-3.
"""
NAMES: Final = ("MARIE", "LOU", "JEAN-BAPTISTE", "ANNE-SOPHIE", "ÉLOÏSE", "O", "MAXIMILIEN CHARLES")
STREETS: Final = ("RUE SHERBROOKE", "AV. DU PARC", "BOULEVARD RENÉ-LÉVESQUE OUEST", "RUE PEEL")
CITIES: Final = ("MONTRÉAL", "LAVAL", "SAINT-JÉRÔME", "QUÉBEC", "GASPÉ")
LABELS: Final = ("VIREMENT", "CARTE", "PRÉLÈVEMENT MENSUEL", "")

Values = dict[str, Any]


def _request(chance: Random, number: int) -> Values:
    return {
        "CLIENT-ID": f"ONB-2025-{number:07d}", "FIRST-NAME": chance.choice(NAMES), "LAST-NAME": chance.choice(NAMES),
        "SSN": chance.randrange(10**9), "ADDRESS-LINE-1": f"{chance.randrange(1, 9999)} {chance.choice(STREETS)}",
        "CITY": chance.choice(CITIES), "PROVINCE": "QC", "POSTAL-CODE": f"H{number % 10}A{number % 7}B1",
    }  # fmt: skip


def _posting(chance: Random, number: int) -> Values:
    return {
        "ACCOUNT": chance.randrange(10**10), "AMOUNT": _cents(chance, 11), "BALANCE": _cents(chance, 13),
        "BRANCH": chance.randint(-9999, 9999), "SEQUENCE-1": number, "LABEL": chance.choice(LABELS),
        "DAY-1": 20_250_101 + number % 28,
        "LEG": [{"CODE-1": "AB", "SUM": _cents(chance, 7)} for _ in range(1 + number % 5)],
    }  # fmt: skip


def _cents(chance: Random, digits: int) -> Decimal:
    most = 10**digits - 1
    return Decimal(chance.randint(-most, most)).scaleb(-2)


@dataclass(frozen=True, slots=True)
class Side:
    """A copybook, and records of it."""

    codec: Codec
    made: Callable[[Random, int], Values]
    """The values of a record of that number."""
    summed: str
    """The field whose values are summed."""


SIDES: Final = {
    "ACCOUNT-CREATE-REQUEST, fixed": Side(codec_of("ACCOUNT-CREATE-REQUEST", PAGE), _request, "SSN"),
    "POSTING, behind RDW": Side(
        Codec(read_copybook(NUMBERS), Options(code_page=PAGE, record_format="V")), _posting, "AMOUNT"
    ),
}  # fmt: skip


def measured(side: Side, path: Path, count: int) -> dict[str, float]:
    """Records and megabytes a second, written to a file and read back from it.

    Raises:
        AssertionError: what was read is not what was written.
    """
    written, total = _written(side, path, count)
    length = path.stat().st_size
    began = time.process_time()
    found, summed = 0, Decimal()
    with path.open("rb") as file:
        for part in parts(file, side.codec, PART_BYTES):
            for values in read_records(side.codec, part):
                found += 1
                summed += values[side.summed]
    read = time.process_time() - began
    assert found == count
    assert summed == total
    fields = sum(not item.is_group for item in side.codec.record.items)
    return {
        "fields": fields, "bytes": round(length / count), "records": count,
        "read_per_s": count / read, "read_mb_per_s": length / read / 1e6,
        "written_per_s": count / written, "written_mb_per_s": length / written / 1e6,
    }  # fmt: skip


def _written(side: Side, path: Path, count: int) -> tuple[float, Decimal]:
    """Write the file; the CPU-seconds of that alone, and the sum of the field."""
    chance, spent, total = Random(1), 0.0, Decimal()
    with path.open("wb") as file:
        for first in range(0, count, BATCH):
            batch = [side.made(chance, n) for n in range(first, min(first + BATCH, count))]
            total += sum(values[side.summed] for values in batch)
            began = time.process_time()
            file.writelines(write_records(side.codec, batch))
            spent += time.process_time() - began
    return spent, total


def parts(file: BinaryIO, codec: Codec, most: int) -> Iterator[bytes]:
    """Whole records of a file, fixed or behind descriptor words, some `most` bytes of them at once."""
    rest = b""
    while part := file.read(most):
        rest += part
        end = _whole(rest, codec)
        yield rest[:end]
        rest = rest[end:]
    if rest:
        yield rest  # half a record, which whoever reads it refuses


def _whole(data: bytes, codec: Codec) -> int:
    """Where the last whole record ends."""
    if codec.options.record_format == "F":
        return len(data) - len(data) % codec.most
    at = end = 0
    while end <= len(data):
        at = end
        word = data[at : at + WORD_BYTES]
        end = at + max(int.from_bytes(word[:2], "big"), WORD_BYTES)
    return at


def main() -> None:
    """Measure both, and print them."""
    figures: dict[str, dict[str, float]] = {}
    with TemporaryDirectory(prefix="ctb-", dir="/var/tmp") as name:  # a disk, not memory
        for number, (what, side) in enumerate(SIDES.items()):
            figures[what] = measured(side, Path(name) / str(number), COUNT)
    for name, one in figures.items():
        print(
            f"{name}, {one['fields']} fields, {one['bytes']} bytes: read {one['read_per_s']:,.0f} /s "
            f"({one['read_mb_per_s']:.1f} MB/s), written {one['written_per_s']:,.0f} /s "
            f"({one['written_mb_per_s']:.1f} MB/s)"
        )
    write("copybook", figures)


if __name__ == "__main__":
    main()
