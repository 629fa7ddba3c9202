"""One document looked at, whatever it is: its kind, its structure, its fingerprints; and read, where that is wanted.

The rule: nobody reads what is not taken; of what is refused it is kept how it looks, so that it is known when it
comes again in other bytes (actors/sighting/). Runs in the child (child.py); nothing
here knows of the daemon. Source: spec.md S19; docs/documents.md.
"""

import hashlib
from collections.abc import Iterator
from typing import Protocol

import msgspec
from PIL import Image

from comptoir.actors.inspection.flags import Weight, outcome_of
from comptoir.actors.inspection.kinds import PDF, find_kind, mismatches
from comptoir.actors.inspection.pdfs import PageDamaged, draw_pages, look_at_pdf
from comptoir.actors.inspection.pictures import fingerprint, open_picture
from comptoir.actors.inspection.report import Report, Task

__all__ = ["Reads", "look"]


class Reads(Protocol):
    """Who reads pages (reading.py)."""

    def read(self, pages: Iterator[Image.Image], report: Report) -> Report:
        """The report with what stands on them."""
        ...


def look(data: bytes, task: Task, reader: Reads | None) -> Report:
    """Look at a document, and read it if there is a reader and nothing refuses it."""
    digest = hashlib.sha256(data).hexdigest()
    kind = find_kind(data)
    flags = [*kind.flags, *mismatches(kind, task.declared_type, task.suffix)]
    report = Report(kind.media_type, None, digest, tuple(flags))
    if kind.media_type is None:
        return report
    if kind.media_type == PDF:
        facts = look_at_pdf(data, task.pages_max)
        report = _with(report, facts.flags, facts.pages)
        pages = draw_pages(data, task.pages_read_max)
    else:
        picture, told = open_picture(data)
        report = _with(report, told, 1)
        pages = iter(() if picture is None else (picture,))
    weight = outcome_of(report.flags)
    if weight is Weight.REDO:
        return report
    try:
        return _seen(pages, report, reader if weight is Weight.NOTE else None)
    except PageDamaged:
        return _with(report, ["DAMAGED"], report.pages)


def _seen(pages: Iterator[Image.Image], report: Report, reader: Reads | None) -> Report:
    first = next(pages, None)
    if first is None:
        return report
    report = msgspec.structs.replace(report, look=fingerprint(first))
    return report if reader is None else reader.read(_all(first, pages), report)


def _all(first: Image.Image, rest: Iterator[Image.Image]) -> Iterator[Image.Image]:
    yield first
    yield from rest


def _with(report: Report, flags: list[str], pages: int | None) -> Report:
    """With these flags too, each once."""
    both = tuple(dict.fromkeys((*report.flags, *flags)))
    return msgspec.structs.replace(report, flags=both, pages=pages)
