"""Watch lists read: actors/screening/entries.py, reading.py, ofac.py, un.py."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from comptoir.actors.screening.entries import Entry, ListInvalid, version_of
from comptoir.actors.screening.reading import (
    SIMPLE_HEADER,
    apply_delta,
    list_files,
    read_ftm,
    read_list,
    read_partner_csv,
    read_simple_csv,
)
from comptoir.actors.screening.un import read_un

HEADER = ",".join(f'"{name}"' for name in SIMPLE_HEADER)
ROW = (
    '"NK-1","Person","Ivan Sorokin","Иван Сорокин;""Sorokin; Vanya""","1961-02-03;1961","ru;suhh","","","US SDN","","","SDN"'
    ',"made up","2025-01-01","2025-01-01","2025-01-01"'
)


def simple(*rows: str) -> bytes:
    """A file in OpenSanctions' simplest form."""
    return "\n".join([HEADER, *rows, ""]).encode()


def test_open_sanctions_csv() -> None:
    """S21: names, aliases parted by an inner row, dates and countries; former states are no evidence."""
    (entry,) = read_simple_csv(simple(ROW))
    assert entry == Entry(
        "NK-1", "Person", ("Ivan Sorokin", "Иван Сорокин", "Sorokin; Vanya"), ("1961", "1961-02-03"), ("ru",),
        None, ("sanction",),
    )  # fmt: skip


def ftm(identity: str, name: str, schema: str = "Person", **more: list[str]) -> dict[str, object]:
    """An entity of FollowTheMoney."""
    return {"id": identity, "schema": schema, "properties": {"name": [name], **more}}


def lines(*values: object) -> list[bytes]:
    """JSON lines."""
    return [json.dumps(value).encode() + b"\n" for value in values]


def test_follow_the_money() -> None:
    """S21: a PEP is a topic; an address names nobody."""
    found = list(
        read_ftm(
            lines(
                ftm("a", "Ivan Sorokin", topics=["role.pep"], gender=["male"], nationality=["ru"], alias=["Vanya"]),
                {"id": "b", "schema": "Address", "properties": {"full": ["Somewhere"]}},
            )
        )
    )  # fmt: skip
    assert found == [
        Entry("a", "Person", ("Ivan Sorokin", "Vanya"), (), ("ru",), "male", ("role.pep",))
    ]


def test_deltas_lead_to_the_next_version() -> None:
    """E4: a delta applied is the list as it would be downloaded; one of another version changes nothing."""
    known = {one.id: one for one in read_ftm(lines(ftm("a", "A One"), ftm("b", "B Two")))}
    delta = lines(
        {"op": "DEL", "entity": {"id": "a", "schema": "Person"}},
        {"op": "MOD", "entity": ftm("b", "B Three")},
        {"op": "ADD", "entity": ftm("c", "C Four")},
        {"op": "ADD", "entity": ftm("x", "Some Street", "Address")},
    )
    assert apply_delta(known, delta) == 3
    whole = list(read_ftm(lines(ftm("c", "C Four"), ftm("b", "B Three"))))
    assert version_of(one.digest for one in known.values()) == version_of(one.digest for one in whole)  # fmt: skip
    before = dict(known)
    for wrong in (
        {"op": "ADD", "entity": ftm("c", "C Four")},
        {"op": "MOD", "entity": ftm("z", "Z")},
        {"op": "DEL", "entity": {"id": "z", "schema": "Person"}},
        {"op": "PUT", "entity": ftm("z", "Z")},
        {"op": "ADD", "entity": {"id": "z"}},
    ):
        with pytest.raises(ListInvalid, match="line 2: "):
            apply_delta(known, lines({"op": "ADD", "entity": ftm("y", "Y")}, wrong))
        assert known == before


def ofac(folder: Path, **files: str) -> Path:
    """A folder of OFAC's files, whose null is `-0-`."""
    empty = ",-0- " * 7
    sdn = f'101,"SOROKIN, Ivan","individual","SDNT"{empty},"DOB 03 Feb 1961; alt. DOB 1962; nationality Russia; Gender Male; a.k.a. \'VANYA\'."\n'
    sdn += f'102,"NOVATERRA",-0- ,"X"{empty},-0- \n'
    (folder / "sdn.csv").write_bytes((sdn + "\x1a").encode())
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def test_ofac(tmp_path: Path) -> None:
    """S21: four files are one list: aliases, addresses and long remarks come to their entries."""
    folder = ofac(
        tmp_path,
        alt='102,1,"aka","NOVA TERRA LTD",-0- \n900,2,"aka","ORPHAN NAME",-0- \n',
        add='102,1,"Street 1","Tehran","Iran",-0- \n',
        sdn_comments="101,\"; a.k.a. 'IVAN THE BAKER'.\"\n",
    )
    expected = [
        Entry("ofac-101", "Person", ("SOROKIN, Ivan", "VANYA", "IVAN THE BAKER"), ("1961-02-03", "1962"), ("ru",), "male", ("sanction",)),
        Entry("ofac-102", "Organization", ("NOVATERRA", "NOVA TERRA LTD"), (), ("ir",), None, ("sanction",)),
        Entry("ofac-900", "LegalEntity", ("ORPHAN NAME",), topics=("sanction",)),
    ]  # fmt: skip
    assert list(read_list(folder)) == expected
    assert list(read_list(folder / "sdn.csv")) == list(read_list(folder / "alt.csv")) == expected
    assert [one.name for one in list_files(folder / "sdn.csv")] == ["add.csv", "alt.csv", "sdn.csv", "sdn_comments.csv"]  # fmt: skip
    for path in [*folder.iterdir()]:
        path.rename(folder / path.name.upper())
    assert list(read_list(folder)) == expected
    (folder / "alt.csv").touch()
    with pytest.raises(ListInvalid, match=r"alt\.csv is there twice"):
        list(read_list(folder))


UN = """<?xml version="1.0" encoding="UTF-8"?>
<CONSOLIDATED_LIST dateGenerated="2026-01-01"><INDIVIDUALS><INDIVIDUAL><DATAID>7</DATAID>
<FIRST_NAME>IVAN</FIRST_NAME><SECOND_NAME>SOROKIN</SECOND_NAME><NATIONALITY><VALUE>Russian Federation</VALUE></NATIONALITY>
<INDIVIDUAL_ALIAS><QUALITY>Good</QUALITY><ALIAS_NAME>Vanya</ALIAS_NAME></INDIVIDUAL_ALIAS><GENDER>Male</GENDER>
<INDIVIDUAL_DATE_OF_BIRTH><TYPE_OF_DATE>EXACT</TYPE_OF_DATE><DATE>1961-02-03</DATE></INDIVIDUAL_DATE_OF_BIRTH>
</INDIVIDUAL></INDIVIDUALS><ENTITIES><ENTITY><DATAID>8</DATAID><FIRST_NAME>NOVATERRA</FIRST_NAME>
<ENTITY_ALIAS><ALIAS_NAME>Nova Terra</ALIAS_NAME></ENTITY_ALIAS></ENTITY></ENTITIES></CONSOLIDATED_LIST>"""


def test_the_united_nations(tmp_path: Path) -> None:
    """S21: individuals and entities, with the parts of a name put together."""
    path = tmp_path / "un.xml"
    path.write_text(UN, encoding="utf-8")
    assert list(read_list(path)) == [
        Entry("un-7", "Person", ("IVAN SOROKIN", "Vanya"), ("1961-02-03",), ("ru",), "male", ("sanction",)),
        Entry("un-8", "Organization", ("NOVATERRA", "Nova Terra"), topics=("sanction",)),
    ]  # fmt: skip


UN_WHOLE = """<?xml version="1.0" encoding="utf-8"?>
<CONSOLIDATED_LIST xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="https://www.un.org/sc/resources/sc-sanctions.xsd" dateGenerated="2026-01-01T00:00:00.000Z">
<INDIVIDUALS><INDIVIDUAL>
<DATAID>6900001</DATAID><VERSIONNUM>1</VERSIONNUM>
<FIRST_NAME>SAMIR</FIRST_NAME><SECOND_NAME>YUSUF</SECOND_NAME><THIRD_NAME>AL-HADDAD</THIRD_NAME><FOURTH_NAME/>
<UN_LIST_TYPE>Specimen</UN_LIST_TYPE><REFERENCE_NUMBER>XXi.001</REFERENCE_NUMBER><LISTED_ON>2020-01-01</LISTED_ON>
<NAME_ORIGINAL_SCRIPT>سمير يوسف الحداد</NAME_ORIGINAL_SCRIPT><COMMENTS1>Made up. Born in 1999, says nobody.</COMMENTS1>
<TITLE><VALUE>Doctor</VALUE></TITLE><DESIGNATION><VALUE>Treasurer</VALUE></DESIGNATION>
<NATIONALITY><VALUE>Syrian Arab Republic</VALUE><VALUE>Jordan</VALUE></NATIONALITY><LIST_TYPE><VALUE>UN List</VALUE></LIST_TYPE>
<LAST_DAY_UPDATED><VALUE>2021-02-03</VALUE><VALUE>2022-03-04</VALUE></LAST_DAY_UPDATED>
<INDIVIDUAL_ALIAS><QUALITY>Good</QUALITY><ALIAS_NAME>Samir Haddad</ALIAS_NAME><DATE_OF_BIRTH>1971</DATE_OF_BIRTH></INDIVIDUAL_ALIAS>
<INDIVIDUAL_ALIAS><QUALITY>Low</QUALITY><ALIAS_NAME>Abu Yusuf</ALIAS_NAME></INDIVIDUAL_ALIAS>
<INDIVIDUAL_ALIAS><QUALITY/><ALIAS_NAME/></INDIVIDUAL_ALIAS>
<INDIVIDUAL_ADDRESS><STREET>Street 1</STREET><CITY>Beirut</CITY><COUNTRY>Lebanon</COUNTRY><NOTE>in 2019</NOTE></INDIVIDUAL_ADDRESS>
<INDIVIDUAL_ADDRESS><COUNTRY>Iraq</COUNTRY></INDIVIDUAL_ADDRESS>
<INDIVIDUAL_DATE_OF_BIRTH><TYPE_OF_DATE>APPROXIMATELY</TYPE_OF_DATE><YEAR>1960</YEAR></INDIVIDUAL_DATE_OF_BIRTH>
<INDIVIDUAL_DATE_OF_BIRTH><TYPE_OF_DATE>BETWEEN</TYPE_OF_DATE><FROM_YEAR>1963</FROM_YEAR><TO_YEAR>1965</TO_YEAR></INDIVIDUAL_DATE_OF_BIRTH>
<INDIVIDUAL_DATE_OF_BIRTH><TYPE_OF_DATE>EXACT</TYPE_OF_DATE><NOTE>by a passport</NOTE><DATE>1968-09-10</DATE></INDIVIDUAL_DATE_OF_BIRTH>
<INDIVIDUAL_PLACE_OF_BIRTH><CITY>Homs</CITY><COUNTRY>Syrian Arab Republic</COUNTRY></INDIVIDUAL_PLACE_OF_BIRTH>
<INDIVIDUAL_DOCUMENT><TYPE_OF_DOCUMENT>Passport</TYPE_OF_DOCUMENT><NUMBER>S-000</NUMBER><ISSUING_COUNTRY>Spain</ISSUING_COUNTRY></INDIVIDUAL_DOCUMENT>
<SORT_KEY/><SORT_KEY_LAST_MOD/></INDIVIDUAL></INDIVIDUALS>
<ENTITIES><ENTITY>
<DATAID>6900002</DATAID><VERSIONNUM>1</VERSIONNUM><FIRST_NAME>NOVATERRA CHARITABLE FOUNDATION</FIRST_NAME>
<UN_LIST_TYPE>Specimen</UN_LIST_TYPE><REFERENCE_NUMBER>XXe.002</REFERENCE_NUMBER><LISTED_ON>2020-01-01</LISTED_ON>
<NAME_ORIGINAL_SCRIPT>مؤسسة نوفاتيرا الخيرية</NAME_ORIGINAL_SCRIPT><COMMENTS1/><LIST_TYPE><VALUE>UN List</VALUE></LIST_TYPE>
<ENTITY_ALIAS><QUALITY>a.k.a.</QUALITY><ALIAS_NAME>NCF</ALIAS_NAME></ENTITY_ALIAS>
<ENTITY_ALIAS><QUALITY>f.k.a.</QUALITY><ALIAS_NAME>Novaterra Relief</ALIAS_NAME></ENTITY_ALIAS>
<ENTITY_ADDRESS><STREET>Street 2</STREET><CITY>Peshawar</CITY><STATE_PROVINCE>X</STATE_PROVINCE><ZIP_CODE>0</ZIP_CODE><COUNTRY>Pakistan</COUNTRY></ENTITY_ADDRESS>
<ENTITY_ADDRESS><COUNTRY>Sudan</COUNTRY></ENTITY_ADDRESS><SORT_KEY/><SORT_KEY_LAST_MOD/></ENTITY></ENTITIES></CONSOLIDATED_LIST>"""


def test_all_that_the_united_nations_say(tmp_path: Path) -> None:
    """S21: entries with every element of the published schema: names in their own script, dates of each type, and addresses."""
    path = tmp_path / "un.xml"
    path.write_text(UN_WHOLE, encoding="utf-8")
    born = ("1960", "1963", "1964", "1965", "1968-09-10", "1971")
    assert list(read_list(path)) == [
        Entry(
            "un-6900001", "Person",
            ("SAMIR YUSUF AL-HADDAD", "Samir Haddad", "Abu Yusuf", "سمير يوسف الحداد"),
            born, ("iq", "jo", "lb", "sy"), None, ("sanction",),
        ),
        Entry(
            "un-6900002", "Organization",
            ("NOVATERRA CHARITABLE FOUNDATION", "NCF", "Novaterra Relief", "مؤسسة نوفاتيرا الخيرية"),
            (), ("pk", "sd"), None, ("sanction",),
        ),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "born"),
    [
        ("<FROM_YEAR>1965</FROM_YEAR><TO_YEAR>1964</TO_YEAR>", ("1964", "1965", "1970")),
        ("<FROM_YEAR>1960</FROM_YEAR>", ()),
        ("<TO_YEAR>1960</TO_YEAR>", ()),
        ("<FROM_YEAR>1900</FROM_YEAR><TO_YEAR>1990</TO_YEAR>", ()),
        ("<FROM_YEAR>circa</FROM_YEAR><TO_YEAR>1960</TO_YEAR>", ()),
        ("<YEAR>unknown</YEAR>", ()),
        ("<DATE>circa 1965</DATE>", ()),
        ("<DATE>1965-07-28T00:00:00</DATE>", ("1965-07-28", "1970")),
    ],
)
def test_a_range_of_years(said: str, born: tuple[str, ...]) -> None:
    """S21: a range is each of its years; of one without an end, or in words, any date may be the right one, so none speaks for anybody."""
    block = "<INDIVIDUAL_DATE_OF_BIRTH>{}</INDIVIDUAL_DATE_OF_BIRTH>"
    dates = block.format(said) + block.format("<YEAR>1970</YEAR>")
    text = f"<CONSOLIDATED_LIST><INDIVIDUAL><DATAID>1</DATAID><FIRST_NAME>A</FIRST_NAME>{dates}</INDIVIDUAL></CONSOLIDATED_LIST>"
    (entry,) = read_un(io.BytesIO(text.encode()))
    assert entry.birth_dates == born


BOMB = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><CONSOLIDATED_LIST>&b;</CONSOLIDATED_LIST>'
DEEP = (
    b"<CONSOLIDATED_LIST><INDIVIDUALS><INDIVIDUAL>"
    + b"<A>" * 20
    + b"</A>" * 20
    + b"</INDIVIDUAL></INDIVIDUALS></CONSOLIDATED_LIST>"
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (BOMB, "document type"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><CONSOLIDATED_LIST/>', "document type"),
        (DEEP, "too deeply"),
        (b"<CONSOLIDATED_LIST><A>", "no element found"),
        (b"<OTHER/>", "the root"),
        (b"<CONSOLIDATED_LIST><ENTITY><DATAID>1</DATAID></ENTITY></CONSOLIDATED_LIST>", "no name"),
        (
            b"<CONSOLIDATED_LIST><ENTITY><A>"
            + b"x" * 100_001
            + b"</A></ENTITY></CONSOLIDATED_LIST>",
            "too long",
        ),
    ],
)
def test_hostile_xml(text: bytes, told: str) -> None:
    """S21: no document type, no entity, no file of ours, bounded depth and text; each refused by its line."""
    with pytest.raises(ListInvalid, match=rf"line 1: .*{told}"):
        list(read_un(io.BytesIO(text)))


def of_lines(text: bytes) -> Iterator[Entry]:
    """Read a text as FollowTheMoney."""
    return read_ftm(text.splitlines())


@pytest.mark.parametrize(
    ("read", "text", "line"),
    [
        (read_simple_csv, simple(ROW, ROW.replace('"ru;suhh",', "")), 3),
        (read_simple_csv, simple(ROW, ROW.replace("Ivan Sorokin", "").replace("Иван Сорокин;", "").replace('""Sorokin; Vanya""', "")), 3),
        (read_simple_csv, simple(ROW.replace("1961-02-03", "3 Feb 1961")), 2),
        (read_simple_csv, simple(ROW).replace(b'"id","schema"', b'"schema","id"'), 1),
        (read_simple_csv, simple(ROW) + b'"open', 3),
        (read_simple_csv, simple(ROW) + b"\xff", 3),
        (read_partner_csv, b"id,schema,name,aliases,birth_date,countries,gender,topics\np,,,,,,,\n", 2),
        (of_lines, b'{"id": "a"}\n', 1),
    ],
)  # fmt: skip
def test_a_line_that_is_wrong(
    read: Callable[[bytes], Iterator[Entry]], text: bytes, line: int
) -> None:
    """S21: a list is read whole or not at all, and the line is named."""
    with pytest.raises(ListInvalid) as raised:
        list(read(text))
    assert raised.value.line == line


@pytest.mark.parametrize(
    "text", ["101,x\n", '101,"A, B","robot",' + ",".join(["-0- "] * 9) + "\n", 'x,"A"' + ",-0- " * 10 + "\n", '"open']
)  # fmt: skip
def test_a_file_of_ofac_that_is_wrong(tmp_path: Path, text: str) -> None:
    """S21: columns, numbers, types and quotes are held to, and the file is named."""
    (tmp_path / "sdn.csv").write_text(text)
    with pytest.raises(ListInvalid, match=r"line 1: sdn\.csv"):
        list(read_list(tmp_path))


def test_a_partners_own_list() -> None:
    """S21: the columns of a partner's CSV."""
    text = b"id,schema,name,aliases,birth_date,countries,gender,topics\np1,,Ivan Sorokin,Vanya;Vanja,1961,ru,Male,role.pep\n"
    assert list(read_partner_csv(text)) == [
        Entry("p1", "Person", ("Ivan Sorokin", "Vanya", "Vanja"), ("1961",), ("ru",), "male", ("role.pep",))
    ]  # fmt: skip
