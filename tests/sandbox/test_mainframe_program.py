"""What the COBOL programs of the sandbox say is, to the byte, what its offsets in Python say: two readers of one copybook."""

import os
import re
import shutil

import pytest

from comptoir.actors.account.messages import AccountProfile
from comptoir.actors.gateways.account_record import address_inquiry_of, read_reply, request_of
from comptoir.actors.gateways.profile_change import read_change
from comptoir.sandbox.parties.mainframe_orders import Change, Refusal, order_of, record_of
from comptoir.sandbox.parties.mainframe_program import (
    SOURCES,
    CobolProgram,
    PythonProgram,
    compiled,
)
from comptoir.sandbox.parties.mainframe_records import Wrong, address_record

AT = 1_796_000_000_000
SAID: tuple[Refusal | Change, ...] = (
    Refusal("ONB-2026-00001", "08", "UNSUCCESSFUL"),
    Refusal("ONB-2026-00001", "16", "success: (abend) 4/7 & no more, l'été"),
    Change("ONB-2026-00001", "CH00000001", 1, AT, "CITY", "MONTRÉAL"),
    Change(
        "ONB-2026-123456",
        "CH99999999",
        999_999_999,
        AT,
        "ADDRESS-LINE-1",
        "ÀÂÇÈÉÊËÎÏÔÙÛÜ àâçèéêëîïôùûüÿ",
    ),
)


@pytest.fixture(scope="module")
def program() -> CobolProgram:
    """Compiled; under TESTS_REQUIRE_COBC it has to be."""
    if shutil.which("cobc") is None and not os.environ.get("TESTS_REQUIRE_COBC"):
        pytest.skip("no cobc (apt-get install gnucobol3)")
    made = compiled()
    assert isinstance(made, CobolProgram), "TESTS_REQUIRE_COBC: it could not be compiled"
    return made


def test_one_table_of_letters_which_is_the_code_pages() -> None:
    """S30: both programs convert by one copybook; its sides are, letter by letter, Latin-1 and code page 500 as Python has them."""
    for source in SOURCES.values():
        assert 'COPY "PAGE500.cpy".' in source.read_text()
        assert "01  EBCDIC-SIDE" not in source.read_text()
    text = SOURCES["says"].with_name("PAGE500.cpy").read_text()
    sides = [_bytes(side) for side in re.split(r"01 +[A-Z]+-SIDE\.", text)[1:]]
    ascii_side, ebcdic_side = sides
    assert len(set(ascii_side)) == len(ascii_side) > 100
    assert ascii_side.decode("latin-1").encode("cp500") == ebcdic_side


def _bytes(side: str) -> bytes:
    """The values of one side, as the compiler has them."""
    parts = re.findall(r'PIC X\(([0-9]+)\) VALUE\s+(X?)"([^"]+)"', side)
    values = [bytes.fromhex(text) if hexed else text.encode("ascii") for _, hexed, text in parts]
    assert [len(one) for one in values] == [int(size) for size, _, _ in parts]
    return b"".join(values)


@pytest.mark.parametrize("said", SAID)
async def test_cobol_writes_what_the_copybook_says(
    program: CobolProgram, said: Refusal | Change
) -> None:
    """S31, S33, X10: refusals, the mainframe's own trouble and changes are written by COPY of the daemon's own copybooks."""
    record = await program.say(said)
    assert record == record_of(said)
    if isinstance(said, Change):
        assert read_change(record, "cp500").client_id == said.client_id


HOME = {
    "ADDRESS-LINE-1": "9 RUE PEEL",
    "CITY": "MONTRÉAL",
    "PROVINCE": "QC",
    "POSTAL-CODE": "H3A1B1",
}


@pytest.mark.parametrize(
    ("client", "held", "status"),
    [
        ("ONB-2026-00001", HOME, "04"), ("ONB-2026-00001", {**HOME, "CITY": "LAVAL"}, "12"),
        ("ONB-2026-00001", {**HOME, "POSTAL-CODE": "H3A1B2"}, "12"), ("ONB-2026-00001", {}, "12"), ("ONB-2026-00002", HOME, "12"),
    ],
)  # fmt: skip
async def test_whether_a_client_lives_there_is_answered_alike(
    program: CobolProgram, client: str, held: dict[str, str], status: str
) -> None:
    """S33: by either program, from what stands of the client now; it reads our record by our copybook, and changes nothing."""
    profile = AccountProfile(
        "Marie", "Tremblay", "SIN", "046 454 286", "9 rue Peel", "Montréal", "QC", "H3A 1B1"
    )
    asks = address_inquiry_of(client, profile, "cp500").data
    program.reset()
    answers: list[bytes] = []
    for one in (program, PythonProgram()):
        await one.answer(request_of("ONB-2026-00001", profile, "cp500").data)
        answers.append(await one.answer(asks, address_record(held)))
        assert set(one.accounts()) == {"ONB-2026-00001"}
    assert answers[0] == answers[1]
    reply = read_reply(answers[0], "cp500")
    assert (reply.client_id, reply.outcome) == (client, "created" if status == "04" else "absent")


async def test_what_no_table_has_is_not_said(program: CobolProgram) -> None:
    """A character without a place in the code page is an abend, and no other character."""
    said = Refusal("ONB-2026-00001", "08", "№ 7")
    with pytest.raises(Wrong):
        order_of(said)
    with pytest.raises(Wrong):
        await program.say(Refusal("ONB-2026-00001", "08", "A\x07B"))
