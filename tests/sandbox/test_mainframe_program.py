"""What the COBOL programs of the sandbox say is, to the byte, what its offsets in Python say: two readers of one copybook."""

import os
import shutil

import pytest

from comptoir.actors.gateways.profile_change import read_change
from comptoir.sandbox.parties.mainframe_orders import Change, Refusal, order_of, record_of
from comptoir.sandbox.parties.mainframe_program import CobolProgram, compiled
from comptoir.sandbox.parties.mainframe_records import Wrong

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


@pytest.mark.parametrize("said", SAID)
async def test_cobol_writes_what_the_copybook_says(
    program: CobolProgram, said: Refusal | Change
) -> None:
    """S31, S33, X10: refusals, the mainframe's own trouble and changes are written by COPY of the daemon's own copybooks."""
    record = await program.say(said)
    assert record == record_of(said)
    if isinstance(said, Change):
        assert read_change(record, "cp500").client_id == said.client_id


async def test_what_no_table_has_is_not_said(program: CobolProgram) -> None:
    """A character without a place in the code page is an abend, and no other character."""
    said = Refusal("ONB-2026-00001", "08", "№ 7")
    with pytest.raises(Wrong):
        order_of(said)
    with pytest.raises(Wrong):
        await program.say(Refusal("ONB-2026-00001", "08", "A\x07B"))
