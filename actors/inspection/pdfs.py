"""PDF: what is in it beside pages, and how its pages look.

The rule: every object is looked at, by two libraries that know nothing of each other: qpdf (pikepdf) for what may
do something, pdfium for what is seen. Repairs that they make by themselves count as damage. No page is drawn
larger than OCR needs, whatever size it claims.
Source: ISO 32000-1 7.5.6 (incremental updates), 7.6 (encryption), 12.6 (actions), 7.11 (files), 12.7 (forms).
"""

import io
import re
from collections.abc import Iterator
from typing import Any, Final

import pikepdf
import pypdfium2  # type: ignore[import-untyped]  # ships no types: `pdfium` below
from PIL import Image

from comptoir.actors.inspection.pictures import PIXELS_MAX

__all__ = ["PageDamaged", "PdfFacts", "draw_pages", "look_at_pdf"]

pdfium: Any = pypdfium2
OBJECTS_MAX: Final = 200_000
"""Of one file; a page of text has some ten."""
SIDE_PIXELS_MAX: Final = 2600
"""Of a drawn page: A4 at 220 dots per inch."""
SCALE_MAX: Final = 300 / 72
"""300 dots per inch: a card is a small page."""
_ENDS: Final = re.compile(rb"startxref\s+[0-9]+\s+%%EOF")
_SCRIPTED: Final = ("/JS", "/JavaScript")
_LAUNCHED: Final = ("/Launch", "/Rendition", "/Movie", "/RichMediaExecute")
_OUTSIDE: Final = ("/GoToR", "/GoToE", "/SubmitForm", "/ImportData")


class PdfFacts:
    """What was found in one."""

    def __init__(self) -> None:
        self.pages: int | None = None
        self.flags: list[str] = []

    def flag(self, code: str) -> None:
        """Note it once."""
        if code not in self.flags:
            self.flags.append(code)


def look_at_pdf(data: bytes, pages_max: int) -> PdfFacts:
    """Look at everything in it but its pages' pictures."""
    facts = PdfFacts()
    try:
        with pikepdf.open(io.BytesIO(data), suppress_warnings=True) as pdf:
            _look(pdf, facts, pages_max)
            if pdf.get_warnings():
                facts.flag("DAMAGED")
    except pikepdf.PasswordError:
        facts.flag("PDF_ENCRYPTED")
    except (
        pikepdf.PdfError,
        pikepdf.DataDecodingError,
        ValueError,
        KeyError,
        TypeError,
        RuntimeError,
    ):
        # What an object has in place of what it should is told by qpdf in any of these.
        facts.flag("DAMAGED")
    updates = len(_ENDS.findall(data)) - (b"/Linearized" in data[:2048])
    if updates > 1:
        facts.flag("PDF_INCREMENTAL")
    return facts


def _look(pdf: pikepdf.Pdf, facts: PdfFacts, pages_max: int) -> None:
    if pdf.is_encrypted:
        facts.flag("PDF_ENCRYPTED")
    if len(pdf.objects) > OBJECTS_MAX:
        facts.flag("PDF_TOO_COMPLEX")
        return
    for thing in pdf.objects:
        for one in _dictionaries(thing):
            _judge(one, facts)
    root = pdf.Root
    if "/OpenAction" in root and not _is_harmless(root["/OpenAction"]):
        facts.flag("PDF_AUTOMATIC_ACTION")
    if "/AcroForm" in root:
        facts.flag("PDF_FORM")
    facts.pages = len(pdf.pages)
    if facts.pages == 0:
        facts.flag("PDF_NO_PAGES")
    if facts.pages > pages_max:
        facts.flag("PDF_PAGES_TOO_MANY")


def _dictionaries(thing: pikepdf.Object, depth: int = 0) -> Iterator[pikepdf.Object]:
    """A dictionary and those that stand in it; what is only referred to is an object of its own."""
    if isinstance(thing, pikepdf.Array):
        inner = list(thing.as_list())
    elif isinstance(thing, pikepdf.Dictionary | pikepdf.Stream):
        yield thing
        inner = [thing[key] for key in thing.keys()]  # noqa: SIM118 - a stream is no mapping
    else:
        return
    if depth == DEPTH_MAX:
        return
    for value in inner:
        if not getattr(value, "is_indirect", True):  # numbers and truths come as Python's own
            yield from _dictionaries(value, depth + 1)


DEPTH_MAX: Final = 20
"""Of dictionaries in one another without a name; qpdf itself refuses what is nested by the hundreds."""


def _judge(one: pikepdf.Object, facts: PdfFacts) -> None:
    keys = set(one.keys())
    does = str(one.get("/S", ""))
    if keys.intersection(_SCRIPTED) or does == "/JavaScript" or "/XFA" in keys:
        facts.flag("PDF_JAVASCRIPT")
    if does in _LAUNCHED:
        facts.flag("PDF_LAUNCH")
    if "/AA" in keys:
        facts.flag("PDF_AUTOMATIC_ACTION")
    if "/EF" in keys or "/EmbeddedFiles" in keys or str(one.get("/Type", "")) == "/EmbeddedFile":
        facts.flag("PDF_EMBEDDED_FILE")
    if str(one.get("/Subtype", "")) == "/Image" and _pixels(one) > PIXELS_MAX:
        facts.flag("IMAGE_TOO_LARGE")
    if does in _OUTSIDE:
        facts.flag("PDF_EXTERNAL_REFERENCE")


def _pixels(picture: pikepdf.Object) -> int:
    """Of a picture, by its own word: by this it will be decoded."""
    sides = (picture.get("/Width", 0), picture.get("/Height", 0))
    width, height = (int(side) if isinstance(side, int) else 0 for side in sides)
    return width * height


def _is_harmless(action: pikepdf.Object) -> bool:
    """Whether what is done at opening is to show a place of this same file."""
    if isinstance(action, pikepdf.Dictionary):
        return str(action.get("/S", "")) == "/GoTo" and "/Next" not in action
    return isinstance(action, pikepdf.Array | pikepdf.String | pikepdf.Name)


class PageDamaged(Exception):
    """A page cannot be drawn."""


def draw_pages(data: bytes, pages_max: int) -> Iterator[Image.Image]:
    """The first pages, in grey.

    Raises:
        PageDamaged: one of them cannot be drawn.
    """
    try:
        document = pdfium.PdfDocument(data)
        for number in range(min(len(document), pages_max)):
            page = document[number]
            side = max(page.get_size())
            scale = min(SIDE_PIXELS_MAX / side, SCALE_MAX) if side > 0 else 1.0
            drawn: Image.Image = page.render(scale=scale, grayscale=True).to_pil()
            yield drawn.convert("L")
            page.close()
        document.close()
    except pdfium.PdfiumError as error:
        raise PageDamaged from error
