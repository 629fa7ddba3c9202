"""How many records of a mainframe are read and written in a second: a million of each of two copybooks.

The request of S30 (165 bytes, 10 fields of text and digits), and one with packed, binary and zoned numbers, a table and
an alternative. Rule: the figures are CPU-seconds of one thread, since the codec waits for nothing; every record that is
read is counted, and the last one is compared with what was written.
Source: issue "Client onboarding, second half" (a file of a million records decoded: records/s); docs/copybook.md.

    BENCH_COUNT=100000 make bench ARGS=copybook
"""

import os
import time
from collections.abc import Iterator
from decimal import Decimal
from itertools import repeat
from typing import Any, Final

from bench.results import write
from comptoir.actors.gateways.account_record import codec_of
from comptoir.actors.gateways.copybook import (
    Codec,
    Options,
    read_copybook,
    read_records,
    write_records,
)

__all__ = ["main"]

COUNT: Final = int(os.environ.get("BENCH_COUNT", "1000000"))
PAGE: Final = "cp1140"
NUMBERS: Final = """
01  POSTING.
    05  ACCOUNT         PIC 9(10) COMP-3.
    05  AMOUNT          PIC S9(9)V99 COMP-3.
    05  BALANCE         PIC S9(11)V99.
    05  BRANCH          PIC S9(4) COMP.
    05  SEQUENCE-1      PIC 9(9) COMP.
    05  LABEL           PIC X(20).
    05  LEG OCCURS 3 TIMES.
        10  CODE-1      PIC X(2).
        10  SUM         PIC S9(5)V99 COMP-3.
    05  DAY-1           PIC 9(8).
    05  DAY-PARTS REDEFINES DAY-1.
        10  YEAR-1      PIC 9(4).
        10  MONTH-1     PIC 9(2).
        10  DAY-2       PIC 9(2).
"""
REQUEST: Final = {
    "CLIENT-ID": "ONB-2025-00123", "FIRST-NAME": "MARIE", "LAST-NAME": "TREMBLAY", "SSN": 123456789,
    "ADDRESS-LINE-1": "123 RUE SHERBROOKE", "CITY": "MONTRÉAL", "PROVINCE": "QC", "POSTAL-CODE": "H3A1B1",
}  # fmt: skip
POSTING: Final = {
    "ACCOUNT": 1234567890, "AMOUNT": Decimal("-12345.67"), "BALANCE": Decimal("99.10"), "BRANCH": -12,
    "SEQUENCE-1": 77, "LABEL": "VIREMENT", "LEG": [{"CODE-1": "AB", "SUM": Decimal("1.50")}] * 3, "DAY-1": 20251124,
}  # fmt: skip


def _measured(codec: Codec, values: dict[str, Any]) -> dict[str, float]:
    """Records and megabytes a second, written and read."""
    record = codec.encode(values)
    began = time.process_time()
    length = sum(map(len, write_records(codec, repeat(values, COUNT))))
    written = time.process_time() - began
    assert length == COUNT * len(record)
    data = record * COUNT
    began = time.process_time()
    count, last = _counted(read_records(codec, data))
    read = time.process_time() - began
    assert count == COUNT
    assert codec.encode(last) == record
    fields = sum(not item.is_group for item in codec.record.items)
    return {
        "fields": fields, "bytes": len(record), "records": COUNT,
        "read_per_s": COUNT / read, "read_mb_per_s": length / read / 1e6,
        "written_per_s": COUNT / written, "written_mb_per_s": length / written / 1e6,
    }  # fmt: skip


def _counted(records: Iterator[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
    count, last = 0, dict[str, Any]()
    for last in records:  # noqa: B007 - the last one is what is wanted
        count += 1
    return count, last


def main() -> None:
    """Measure both, and print them."""
    sides = {
        "ACCOUNT-CREATE-REQUEST": (codec_of("ACCOUNT-CREATE-REQUEST", PAGE), REQUEST),
        "POSTING": (Codec(read_copybook(NUMBERS), Options(code_page=PAGE)), POSTING),
    }
    figures = {name: _measured(codec, values) for name, (codec, values) in sides.items()}
    for name, one in figures.items():
        print(
            f"{name}, {one['fields']} fields, {one['bytes']} bytes: read {one['read_per_s']:,.0f} /s "
            f"({one['read_mb_per_s']:.1f} MB/s), written {one['written_per_s']:,.0f} /s "
            f"({one['written_mb_per_s']:.1f} MB/s)"
        )
    write("copybook", figures)


if __name__ == "__main__":
    main()
