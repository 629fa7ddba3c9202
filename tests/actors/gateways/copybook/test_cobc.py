"""A COBOL compiler as the judge of our bytes: GnuCOBOL compiles the same copybooks, writes records and reads ours.

Rule: skipped where there is no `cobc`; under TESTS_REQUIRE_COBC=1, which .ci/run sets, that is a failure. Each program
is compiled once. One speaks ASCII, so that codec speaks it too; the other reads our EBCDIC by the sandbox's own table.
Source: issue "Client onboarding, second half" (a COBOL compiler, not we, reads our bytes); S30, E11.
"""

import os
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comptoir.actors.gateways import copybook as of_codec
from comptoir.actors.gateways.account_record import codec_of, copybook_source, request_of
from comptoir.actors.gateways.copybook import Codec, Options, read_copybook
from comptoir.sandbox import parties as of_sandbox
from tests.actors.gateways.test_account_record import FILE, MARIE, WRITTEN

HERE = Path(__file__).parent
OURS = Path(of_codec.__file__).parent
TABLE = Path(of_sandbox.__file__).parent
"""Where PAGE500.cpy lies."""
RECORD_BYTES = 120
"""Of the program's files: a record, and the blanks that pad it; no record ends with one."""

NUMBERS: dict[str, tuple[int, int, bool]] = {
    "ZONED-U": (4, 0, False), "ZONED-S": (4, 0, True), "ZONED-L": (3, 0, True), "ZONED-TS": (3, 0, True),
    "ZONED-LS": (5, 2, True), "SCALED": (5, -2, False), "SMALL": (5, 5, True), "PACKED-U": (4, 0, False),
    "PACKED-S": (7, 2, True), "PACKED-L": (18, 0, True), "BIN-2": (4, 0, True), "BIN-4": (9, 0, False),
    "BIN-8": (18, 2, True), "NATIVE-2": (4, 0, False), "NATIVE-8": (18, 0, True),
}  # fmt: skip
"""Digits of the program's plain form, decimals (below zero: of the zeros that P stands for), and whether it is signed."""


def _numbers(digits: int, scale: int, signed: bool) -> st.SearchStrategy[Any]:
    if scale < 0:
        return st.integers(0, 10 ** (digits + scale) - 1).map(lambda number: number * 10**-scale)
    most = 10**digits - 1 if scale != 5 else 999
    whole = st.integers(-most if signed else 0, most)
    return whole.map(lambda number: Decimal(f"{number}E-{scale}")) if scale else whole


_WORDS = st.text("ABCXYZ 019", min_size=1).map(str.rstrip)
_ROW = st.fixed_dictionaries({
    "TEXT-1": _WORDS.map(lambda text: text[:5].rstrip()),
    "LETTERS": st.text("ABC", max_size=3),
    "RIGHT-1": st.text("ABC01", min_size=1, max_size=4),
    **{name: _numbers(*shape) for name, shape in NUMBERS.items()},
    "ROW": st.lists(
        st.fixed_dictionaries({"ROW-N": st.integers(-999, 999), "ROW-X": st.text("AB", max_size=2)}),
        min_size=2, max_size=2,
    ),
    "BOTH": st.integers(0, 9999),
    "TABLE-1": st.lists(st.fixed_dictionaries({"CELL": st.integers(-99, 99)}), max_size=3),
    "LAST-1": st.text("AZ", max_size=2),
})  # fmt: skip


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the compiled program."""
    return _compiled("oracle", tmp_path_factory)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the program that reads requests."""
    return _compiled("request", tmp_path_factory)


def _compiled(name: str, factory: pytest.TempPathFactory) -> Path:
    if shutil.which("cobc") is None:
        if os.environ.get("TESTS_REQUIRE_COBC") == "1":
            pytest.fail("TESTS_REQUIRE_COBC=1, and there is no cobc (apt-get install gnucobol3)")
        pytest.skip("no cobc (apt-get install gnucobol3)")
    folder = factory.mktemp("cobol")
    includes = [word for place in (HERE, OURS, TABLE) for word in ("-I", place)]
    command = ["cobc", "-x", "-std=ibm", *includes, "-o", folder / name, HERE / f"{name}.cbl"]
    subprocess.run(command, check=True, timeout=120)
    return folder


def _run(folder: Path, how: str) -> str:
    ran = subprocess.run(
        [folder / "oracle", how], cwd=folder, check=True, timeout=60, capture_output=True, text=True
    )
    return ran.stdout


@pytest.fixture(scope="module")
def codec() -> Codec:
    """Ours, as the machine of the program has bytes."""
    source = (HERE / "ORACLE.cpy").read_text()
    return Codec(read_copybook(source), Options(code_page="ascii", byte_order=sys.byteorder))


def _plain(values: dict[str, Any]) -> str:
    """A record in the program's plain form: texts, and numbers as a sign and digits."""

    def number(value: Any, digits: int, scale: int) -> str:
        return f"{'-' if value < 0 else '+'}{abs(int(value * 10 ** max(scale, 0))):0{digits}d}"

    parts = [f"{values['TEXT-1']:5}", f"{values['LETTERS']:3}", f"{values['RIGHT-1']:>4}"]
    parts += [number(values[name], digits, scale) for name, (digits, scale, _) in NUMBERS.items()]
    parts += [number(row["ROW-N"], 3, 0) + f"{row['ROW-X']:2}" for row in values["ROW"]]
    parts += [number(values["BOTH"], 4, 0), number(len(values["TABLE-1"]), 1, 0)]
    cells = [cell["CELL"] for cell in values["TABLE-1"]]
    parts += [number(cell, 2, 0) for cell in [*cells, 0, 0, 0][:3]]
    return "".join([*parts, f"{values['LAST-1']:2}", "|"])


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(_ROW, min_size=1, max_size=40))
def test_a_compiler_writes_our_bytes_and_reads_them(
    oracle: Path, codec: Codec, rows: list[dict[str, Any]]
) -> None:
    """Its record of each row is ours byte for byte, is read to the same values, and it reads ours to what was meant."""
    plain = [_plain(row) for row in rows]
    (oracle / "values.txt").write_text("".join(f"{line}\n" for line in plain))
    _run(oracle, "WRITE")
    data = (oracle / "out.dat").read_bytes()
    theirs = [data[at : at + RECORD_BYTES].rstrip(b" ") for at in range(0, len(data), RECORD_BYTES)]
    ours = [codec.encode(row) for row in rows]
    assert theirs == ours
    read = [codec.decode(one) for one in theirs]
    for row, values in zip(rows, read, strict=True):
        assert values == {**row, "HOW-MANY": len(row["TABLE-1"]), "BOTH-X": f"{row['BOTH']:04d}"}
    (oracle / "in.dat").write_bytes(b"".join(one.ljust(RECORD_BYTES) for one in ours))
    _run(oracle, "READ")
    assert (oracle / "values.out").read_text().splitlines() == plain


def test_a_compiler_agrees_on_our_records(oracle: Path) -> None:
    """The copybooks of the adapter are COBOL's: 165, 24, 80 and 119 bytes, and the record that the program makes of the values of
    S30's example is the source's own, byte for byte (S30).
    """
    *lengths, example = _run(oracle, "SAY").splitlines()
    names = ("ACCOUNT-CREATE-REQUEST", "ACCOUNT-INQUIRY-REQUEST", "ACCOUNT-REPLY", "PROFILE-CHANGE")
    assert list(map(int, lengths)) == [read_copybook(copybook_source(name)).most for name in names]
    assert example == f"{WRITTEN}|"


LETTERS = (
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -abcdefghijklmnopqrstuvwxyz.,:/'()_&+*?="
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿ"
)
"""Of the sandbox's table."""
REQUEST = {
    "TRAN-CODE": 4, "CLIENT-ID": 20, "FIRST-NAME": 30, "LAST-NAME": 30, "SSN": 9, "ADDRESS-LINE-1": 40, "CITY": 20,
    "PROVINCE": 2, "POSTAL-CODE": 7, "ACCOUNT-TYPE": 3,
}  # fmt: skip
"""The fields of S30 and how many characters each has, in the source's order."""


def _values(name: str, length: int) -> st.SearchStrategy[Any]:
    if name == "SSN":
        return st.integers(0, 10**length - 1)
    return st.text(LETTERS, max_size=length).map(str.rstrip)


_REQUESTS = st.fixed_dictionaries({name: _values(name, length) for name, length in REQUEST.items()})


def _lines(values: dict[str, Any]) -> list[str]:
    """What the program has to say of the values of a record."""
    fields = {**values, "SSN": f"{values['SSN']:09d}"}
    told = [f"{fields[name]:{length}}|" for name, length in REQUEST.items()]
    return [*told, f"{2 * values['SSN']:010d}|"]


def _read(folder: Path, *records: bytes) -> list[str]:
    """What the program says of them."""
    (folder / "request.dat").write_bytes(b"".join(records))
    ran = subprocess.run(
        [folder / "request"], cwd=folder, check=True, timeout=60, capture_output=True
    )
    return ran.stdout.decode("latin-1").removesuffix("\n").split("\n")


def test_a_compiler_reads_every_field_of_the_record_of_the_source(reader: Path) -> None:
    """The 165 bytes that we send for the client of S30's example are, to a COBOL program that converts them by a table of its own,
    the ten values of the example (S30).
    """
    sent = request_of(FILE, MARIE, "cp500").data
    assert _read(reader, sent) == [
        "ACCT|",
        "ONB-2025-00123      |",
        "MARIE                         |",
        "TREMBLAY                      |",
        "123456789|",
        "123 RUE SHERBROOKE                      |",
        "MONTREAL            |",
        "QC|",
        "H3A1B1 |",
        "WM |",
        "0246913578|",
    ]


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(_REQUESTS, min_size=1, max_size=60))
def test_a_compiler_reads_in_our_ebcdic_what_was_written(
    reader: Path, rows: list[dict[str, Any]]
) -> None:
    """Whatever the values, each field of each record is to the program what we wrote, accents and leading zeros too (S30, X12)."""
    codec = codec_of("ACCOUNT-CREATE-REQUEST", "cp500")
    wanted = [line for values in rows for line in _lines(values)]
    assert _read(reader, *map(codec.encode, rows)) == wanted
