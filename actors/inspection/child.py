"""The program that opens one document: anew for each, confined before it looks, and ended with its answer.

The rule: a task and then a document come in on standard input, one report goes out on standard output, and nothing
else passes either way. All that the libraries load later on (decoders, fonts, languages) is loaded before, by
looking at a page of our own: afterwards there is no file to be had. Whatever goes wrong here ends this program and
is a flag of the report that the daemon makes of it (inspector.py).
A daemon has it forked by a program that has loaded them (forking.py); `comptoir check` starts it by exec.
Source: docs/adr/0045-a-document-is-opened-in-a-cell.md; docs/adr/0064-children-are-forked-from-one-that-is-warm.md; spec.md S19.
"""

import hashlib
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import msgspec

from comptoir.actors.inspection.confinement import bound, follow_reader, lock, lose_reader
from comptoir.actors.inspection.report import READ, Report, Task

if TYPE_CHECKING:
    from comptoir.actors.inspection.reading import Reader

__all__ = ["answer", "main", "warm"]

TASK_BYTES_MAX: Final = 4096
_PAGE: Final = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R"
    b"/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj\n"
    b"4 0 obj<</Length 31>>stream\nBT /F 24 Tf 20 90 Td (A1) Tj ET\nendstream endobj\n"
    b"trailer<</Root 1 0 R/Size 5>>\nstartxref\n0\n%%EOF\n"
)
"""A page with one word: its table is missing, so that repairing is loaded as well."""


def main() -> None:
    """Answer one task, with all that it wants still to be loaded."""
    answer(None, None)


def answer(reader: "Reader | None", parent: int | None) -> None:
    """Answer one task, within its bounds.

    Args:
        reader: that is loaded already.
        parent: a program that has loaded the rest as well (forking.py), and with which this one ends; None: nothing is loaded.
    """
    source = open(0, "rb", closefd=False)  # noqa: SIM115  # stays as it is
    task = msgspec.json.decode(source.readline(TASK_BYTES_MAX), type=Task)
    bound(task.memory_bytes_max, task.cpu_seconds_max)
    if parent is None:
        follow_reader()
    from comptoir.actors.inspection.looking import look  # loads the libraries, within the bounds

    if parent is None:
        reader = _reader() if task.work == READ else None
        warm(reader)
    held = lock(parent)
    data = source.read()
    try:
        report = look(data, task, reader if task.work == READ else None)
    except MemoryError:
        report = Report(None, None, hashlib.sha256(data).hexdigest(), ("INSPECTION_TOO_LARGE",))
    lose_reader()
    with open(1, "wb", closefd=False) as sink:
        sink.write(msgspec.json.encode(msgspec.structs.replace(report, held=held)))


def warm(reader: "Reader | None") -> None:
    """Look at pages of our own, so that all is loaded."""
    from comptoir.actors.inspection.looking import look

    look(_PAGE, Task(), reader)
    for picture in _pictures():
        look(picture, Task(), None)


def _reader() -> "Reader":
    from comptoir.actors.inspection.reading import Reader

    return Reader()


def _pictures() -> Iterator[bytes]:
    """Pictures of our own, whole and broken."""
    from PIL import Image

    for form in ("JPEG", "PNG"):
        sample = io.BytesIO()
        Image.radial_gradient("L").save(sample, form)
        yield sample.getvalue()
        yield sample.getvalue()[:-400]


if __name__ == "__main__":
    main()
