"""The file of a batch: by the published schema, by its sums, and byte for byte.

Source: ISO 20022 pain.001.001.09 (the schema is sepaxml's copy, libxml2 judges); EPC132-08; spec.md S56, X27.
"""

import re
from importlib import import_module
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comptoir.actors.sepa.latin import latin
from comptoir.actors.sepa.pain001 import Debtor, FileOrder, Transfer, digest_of, written

etree: Any = import_module("lxml.etree")  # neither it nor sepaxml has types
XSD = files("sepaxml") / "schemas" / "pain.001.001.09.xsd"
SCHEMA: Any = etree.XMLSchema(etree.fromstring(XSD.read_bytes()))
NS = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"}
IBAN = "FR1420041010050500013M02606"
DEBTOR = Debtor("REWAPP SAS", IBAN, "PSSTFRPPXXX")
BASIC = re.compile(r"[A-Za-z0-9/?:().,'+ -]*")


def transfer(number: int, cents: int = 950, name: str = "Ada Lovelace") -> Transfer:
    """A row."""
    return Transfer(
        f"{number:020x}", f"REWAPP-WD-2025-11-24-{number:03d}", cents, "EUR", name, IBAN
    )


def file_of(*transfers: Transfer, debtor: Debtor = DEBTOR) -> bytes:
    """What is written for them."""
    order = FileOrder("PB-202511241300-001", 1_763_994_600_000, "2025-11-24", debtor, transfers)
    return b"".join(written(order))


def read(document: bytes) -> Any:
    """As the schema has it; fails where it has not."""
    root = etree.fromstring(document)
    SCHEMA.assertValid(root)
    return root


def told(root: Any, path: str) -> list[str]:
    """The texts of a path."""
    steps = "/".join(f"p:{name}" for name in path.split("/"))
    return [one.text for one in root.findall(f".//{steps}", NS)]


@given(
    st.lists(
        st.tuples(st.integers(1, 99_999_999_999), st.text(min_size=1, max_size=70)), min_size=1, max_size=8
    ),
    st.sampled_from([DEBTOR, Debtor("Société Œuvre & Fils", IBAN)]),
)  # fmt: skip
@settings(deadline=None)
def test_every_file_is_valid_and_adds_up(rows: list[tuple[int, str]], debtor: Debtor) -> None:
    """X27: whatever people are called and are paid: schema, numbers and sums at both levels."""
    root = read(file_of(*(transfer(n, *row) for n, row in enumerate(rows)), debtor=debtor))
    total = sum(cents for cents, _ in rows)
    for level in ("GrpHdr", "PmtInf"):
        assert told(root, f"{level}/NbOfTxs") == [str(len(rows))]
        assert told(root, f"{level}/CtrlSum") == [f"{total // 100}.{total % 100:02d}"]
    assert len(told(root, "CdtTrfTxInf/PmtId/EndToEndId")) == len(rows)
    for name in (*told(root, "Cdtr/Nm"), *told(root, "Dbtr/Nm")):
        assert BASIC.fullmatch(name)
        assert 0 < len(name) <= 70


def test_what_a_bank_needs_is_said() -> None:
    """X27, S56: SCT, shared charges, one booking, our reference, the account that pays."""
    root = read(file_of(transfer(1), transfer(2, 1205)))
    expected = {
        "GrpHdr/MsgId": ["PB-202511241300-001"], "PmtInf/PmtInfId": ["PB-202511241300-001"],
        "GrpHdr/CreDtTm": ["2025-11-24T14:30:00Z"], "PmtInf/PmtMtd": ["TRF"],
        "PmtInf/BtchBookg": ["true"], "SvcLvl/Cd": ["SEPA"], "PmtInf/ChrgBr": ["SLEV"],
        "ReqdExctnDt/Dt": ["2025-11-24"], "DbtrAcct/Id/IBAN": [IBAN],
        "DbtrAgt/FinInstnId/BICFI": ["PSSTFRPPXXX"], "CdtrAcct/Id/IBAN": [IBAN, IBAN],
        "PmtId/EndToEndId": ["REWAPP-WD-2025-11-24-001", "REWAPP-WD-2025-11-24-002"],
        "Amt/InstdAmt": ["9.50", "12.05"], "UltmtDbtr": [],
    }  # fmt: skip
    assert {path: told(root, path) for path in expected} == expected
    assert len(set(told(root, "PmtId/InstrId"))) == 2
    without = read(file_of(transfer(1), debtor=Debtor("REWAPP SAS", IBAN)))
    assert told(without, "DbtrAgt/FinInstnId/Othr/Id") == ["NOTPROVIDED"]


def test_the_bytes_stay_as_they_are() -> None:
    """X27: the same batch has the same file for ever: whoever changes a byte raises FORMAT, and says so."""
    document = file_of(transfer(1, 950, "Zoë Müller-Œuvré"), transfer(2, 1))
    assert document == file_of(transfer(1, 950, "Zoë Müller-Œuvré"), transfer(2, 1))
    assert digest_of(document) == GOLDEN


GOLDEN = "0ac208bf6625977128f6acbcd71cd9054f81c6674a9c3a34123f6fc9f17107c3"


def test_ten_thousand_transfers() -> None:
    """Issue 7, "must show": one file, valid, with its sums, in a moment."""
    rows = [transfer(number, 950 + number) for number in range(10_000)]
    document = file_of(*rows)
    root = read(document)
    total = sum(one.amount_cents for one in rows)
    assert told(root, "GrpHdr/CtrlSum") == [f"{total // 100}.{total % 100:02d}"]
    assert len(document) < 8 * 1024 * 1024


@pytest.mark.parametrize(
    ("given_name", "written_name"),
    [
        ("Zoë Müller", "Zoe Muller"),
        ("Œuvré & Fils", "OEuvre + Fils"),
        ("Øystein Bjørn Þór Straße", "Oystein Bjorn THor Strasse"),
        ("Łukasz Żółć", "Lukasz Zolc"),
        ("Ελένη Ψάλτη", "Eleni PSalti"),
        ("Юлия Щербакова", "YUliya SHTerbakova"),
        ("O\u2019Neil \u201cBob\u201d \u2013 Smith", "O'Neil 'Bob' - Smith"),
        ("a//b/", "a/b"),
        ("王小明", "NOTPROVIDED"),
        ("  two\u00a0 blanks ", "two blanks"),
        ("<script>", ".script."),
        ("x" * 80, "x" * 70),
    ],
)
def test_names_are_written_in_the_basic_set(given_name: str, written_name: str) -> None:
    """X27: by the table of EPC217-08, as docs/payouts.md shows it."""
    assert latin(given_name, 70) == written_name


@given(st.text(max_size=200))
def test_any_text_is_written_in_the_basic_set(text: str) -> None:
    """Invariant 5: nothing that somebody is called makes a file that a bank refuses."""
    found = latin(text, 70)
    assert BASIC.fullmatch(found)
    assert 0 < len(found) <= 70
    assert "//" not in found
    assert found == found.strip(" /")
    assert latin(found, 70) == found
