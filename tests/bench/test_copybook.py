"""The bench of records: its file is read back in parts of any size, and one that was changed is no measure.

Source: bench/copybook.py; issue "Client onboarding, second half" (a file of a million records decoded: records/s).
"""

from io import BytesIO
from pathlib import Path
from random import Random

import pytest

from bench.copybook import SIDES, Side, measured, parts
from comptoir.actors.gateways.copybook import RecordRefused, read_records, write_records

COUNT = 300
every_side = pytest.mark.parametrize("side", SIDES.values(), ids=["fixed", "descriptor-words"])


def _file(side: Side) -> tuple[list[dict[str, object]], bytes]:
    chance = Random(7)
    rows = [side.made(chance, number) for number in range(COUNT)]
    return rows, b"".join(write_records(side.codec, rows))


@every_side
def test_what_was_written_is_counted_and_summed(side: Side, tmp_path: Path) -> None:
    """A run: every record is read back, out of the file."""
    path = tmp_path / "records"
    figures = measured(side, path, COUNT)
    assert figures["records"] == COUNT
    assert figures["bytes"] == round(path.stat().st_size / COUNT)


@every_side
@pytest.mark.parametrize("most", [1, 5, 164, 1000, 1 << 20])
def test_parts_of_any_size_are_whole_records(side: Side, most: int) -> None:
    """However the file is cut, the records are the same, of varied values and lengths, in their order."""
    rows, data = _file(side)
    found = list[object]()
    for part in parts(BytesIO(data), side.codec, most):
        found += [
            {name: values[name] for name in rows[0]} for values in read_records(side.codec, part)
        ]
    assert found == rows
    assert len({str(one) for one in rows}) == COUNT


@every_side
def test_half_a_record_is_refused(side: Side) -> None:
    """Nothing at the end of a file is passed over."""
    _, data = _file(side)
    cut = list(parts(BytesIO(data[:-1]), side.codec, 4096))
    with pytest.raises(RecordRefused):
        list(read_records(side.codec, cut[-1]))
