"""What stands on pages: OCR by Tesseract, upright, and the machine readable zone by a second, narrower look.

The rule: a page is turned before it is read, by whole quarters, as Tesseract's orientation model says where it is
sure; the languages are those whose data was installed (English always, French where `make setup` could fetch it),
and the report names them. The zone is read on its own, in the letters that it may have, and its lines are put
to the width of their format only where nothing but fillers is lost or added.
Source: spec.md S19; docs/documents.md; Tesseract 5; ICAO Doc 9303 part 3, 4.
"""

import math
import re
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec
import tesserocr as untyped  # type: ignore[import-untyped]  # half of its stubs: `tesserocr` below
from PIL import Image, ImageChops, ImageFilter, ImageOps, ImageStat

from comptoir.actors.inspection.mrz import ZoneUnreadable, repair_zone
from comptoir.actors.inspection.report import Report

__all__ = ["LANGUAGES", "Reader", "data_folder", "zone_lines"]

tesserocr: Any = untyped
LANGUAGES: Final = ("eng", "fra")
ORIENTATION_CONFIDENCE_MIN: Final = 2.0
"""Below, Tesseract guesses, and a page stays as it came."""
QUARTERS: Final = (0, 180, 90, 270)
SURE_MIN: Final = 0.7
"""Of a page that lies as it should, printed and in a language of ours, Tesseract is surer."""
SLANT_DEGREES_MAX: Final = 1.0
GRAIN_SHADES_MAX: Final = 4.0
"""By how much a pixel differs from its neighbours' median, on the whole page; print alone makes one or two."""
LINE_SIGNS_MIN: Final = 5
"""Of a line whose box tells how it lies."""
ZONE_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<"
WIDTHS: Final = {44: 2, 36: 2, 30: 3}
"""Width of a zone's lines -> how many there are."""
WIDTH_SLACK: Final = 6
"""So many signs may OCR have lost or doubled in a run of fillers."""
FILLERS_MIN: Final = 3
"""A line with fewer is no line of a zone: the shortest field of any format ends with more, or its neighbour does."""
SIDE_PIXELS_MIN: Final = 1500
"""Smaller pictures are enlarged: Tesseract wants letters of some 20 pixels or more."""


def data_folder() -> Path:
    """Where the language data is: `share/tessdata` of this environment."""
    return Path(sys.prefix) / "share" / "tessdata"


class Reader:
    """Tesseract with its languages, loaded."""

    def __init__(self) -> None:
        folder = data_folder()
        there = [name for name in LANGUAGES if (folder / f"{name}.traineddata").is_file()]
        self._languages = "+".join(there)
        path = f"{folder}/"
        self._pages = tesserocr.PyTessBaseAPI(path, self._languages, tesserocr.PSM.AUTO)
        self._turns = tesserocr.PyTessBaseAPI(path, "osd", tesserocr.PSM.OSD_ONLY)
        self._zones = tesserocr.PyTessBaseAPI(path, "eng", tesserocr.PSM.SINGLE_BLOCK)
        self._zones.SetVariable("tessedit_char_whitelist", ZONE_ALPHABET)
        for name in ("load_system_dawg", "load_freq_dawg"):
            self._zones.SetVariable(name, "0")

    def read(self, pages: Iterator[Image.Image], report: Report) -> Report:
        """The report with what stands on them."""
        texts: list[str] = []
        weights, total = 0, 0.0
        zone: tuple[str, ...] = ()
        for page in pages:
            upright, text, confidence = self._upright(_smoothed(_enlarged(page)))
            texts.append(text)
            size = len(text.split())
            weights, total = weights + size, total + size * confidence
            zone = zone or self._zone(upright)
        return msgspec.structs.replace(
            report,
            text="\n\f".join(texts).strip(),
            confidence=round(total / weights, 3) if weights else 0.0,
            zone=zone,
            languages=self._languages,
        )

    def _upright(self, page: Image.Image) -> tuple[Image.Image, str, float]:
        """The page as it is to be read, what stands on it, and how sure that is; it is the page that was read last.

        What the orientation model says comes first; where it cannot be read well so (it is easily misled by a card with
        few words and many fillers), the other quarters are tried, and the best one is kept.
        """
        best, text, confidence = (-1.0, 0), "", 0.0
        for turn in dict.fromkeys((self._guess(page), *QUARTERS)):
            text, confidence = self._recognise(_turned(page, turn))
            if self._is_lying():  # Tesseract reads columns that lie on their side: the page does
                continue
            best = max(best, (confidence, turn))
            if confidence >= SURE_MIN:
                break
        else:
            text, confidence = self._recognise(_turned(page, best[1]))
        upright = _turned(page, best[1])
        slant = self._slant()
        if abs(slant) > SLANT_DEGREES_MAX:
            upright = upright.rotate(slant, expand=True, fillcolor=255)
            text, confidence = self._recognise(upright)
        return upright, text, confidence

    def _slant(self) -> float:
        """By how many degrees the lines that were read last would have to be turned, counter-clockwise."""
        lines = self._pages.GetIterator()
        return 0.0 if lines is None else math.degrees(lines.Orientation()[3])

    def _is_lying(self) -> bool:
        """Whether most of the lines that were read last go from top to bottom."""
        lying = [
            box[3] - box[1] > box[2] - box[0]
            for box, text in self._lines()
            if len(text) > LINE_SIGNS_MIN
        ]
        return sum(lying) * 2 > len(lying)

    def _recognise(self, page: Image.Image) -> tuple[str, float]:
        self._pages.SetImage(page)
        text: str = self._pages.GetUTF8Text().strip()
        return text, self._pages.MeanTextConf() / 100 if text else 0.0

    def _guess(self, page: Image.Image) -> int:
        """By how many degrees Tesseract would turn it."""
        self._turns.SetImage(page)
        found: dict[str, Any] | None = self._turns.DetectOrientationScript()
        if found is None or found["orient_conf"] < ORIENTATION_CONFIDENCE_MIN:
            return 0
        return int(found["orient_deg"])

    def _zone(self, page: Image.Image) -> tuple[str, ...]:
        """Lines of a zone, where the lines of the page hold some that look like it."""
        boxes = [box for box, text in self._lines() if _looks_like_zone(text)]
        if not boxes:
            return ()
        left, top, right, bottom = (
            min(x[0] for x in boxes), min(x[1] for x in boxes),
            max(x[2] for x in boxes), max(x[3] for x in boxes),
        )  # fmt: skip
        line = max(box[3] - box[1] for box in boxes)
        # Room for two lines above and below: one of them may have looked like something else.
        cut = page.crop(
            (max(0, left - line), max(0, top - 2 * line), right + line, bottom + 2 * line)
        )
        plain = ImageOps.autocontrast(cut)
        found: tuple[str, ...] = ()
        for view in (
            plain,
            plain.filter(ImageFilter.MedianFilter(3)),
            plain.filter(ImageFilter.MedianFilter(5)),
        ):
            self._zones.SetImage(view)
            read = zone_lines(self._zones.GetUTF8Text())
            if read and zone_holds(read):
                return read
            found = found or read
        return found

    def _lines(self) -> Iterator[tuple[tuple[int, int, int, int], str]]:
        """Each line of the page that was read last: where it is, and what it says."""
        level = tesserocr.RIL.TEXTLINE
        for line in tesserocr.iterate_level(self._pages.GetIterator(), level):
            box = line.BoundingBox(level)
            if box is not None:
                yield box, line.GetUTF8Text(level)


def _turned(page: Image.Image, degrees: int) -> Image.Image:
    return page.rotate(degrees, expand=True) if degrees else page


def _enlarged(page: Image.Image) -> Image.Image:
    side = max(page.size)
    if side >= SIDE_PIXELS_MIN:
        return page
    scale = SIDE_PIXELS_MIN / side
    size = (round(page.width * scale), round(page.height * scale))
    return page.resize(size, Image.Resampling.LANCZOS)


def _smoothed(page: Image.Image) -> Image.Image:
    """Without its grain, where it has much of it."""
    smooth = page.filter(ImageFilter.MedianFilter(3))
    grain = ImageStat.Stat(ImageChops.difference(page, smooth)).mean[0]
    return smooth if grain > GRAIN_SHADES_MAX else page


def _looks_like_zone(text: str) -> bool:
    """Whether a line of the page may be one of a zone: long, without small words, with fillers or what OCR makes of them."""
    signs = "".join(text.split())
    fillers = len(re.findall(r"[<\u00ab\u2039]", signs))
    run = re.search(r"[<\u00ab\u2039cCeE(]{5,}", signs) is not None
    return len(signs) >= min(WIDTHS) - WIDTH_SLACK and (fillers >= FILLERS_MIN or run)


def zone_holds(lines: tuple[str, ...]) -> bool:
    """Whether every digit of a zone does, repaired or not; a day far ahead is as good as today for that."""
    try:
        return repair_zone(list(lines), date(2050, 1, 1)).holds
    except ZoneUnreadable:
        return False


def zone_lines(text: str) -> tuple[str, ...]:
    """The lines of a zone among what was read, put to their width: those that hold, else those that come nearest to
    the width of a format; empty where there are none.
    """
    lines = ["".join(line.split()) for line in text.splitlines()]
    lines = [line for line in lines if len(line) >= min(WIDTHS) - WIDTH_SLACK]
    found: list[tuple[bool, int, tuple[str, ...]]] = []
    for width, count in WIDTHS.items():
        for at in range(len(lines) - count + 1):
            taken = lines[at : at + count]
            fitted = tuple(_fitted(line, width) for line in taken)
            if all(fitted):
                off = sum(abs(len(line) - width) for line in taken)
                found.append((not zone_holds(fitted), off, fitted))
    return min(found, default=(True, 0, ()))[2]


def _fitted(line: str, width: int) -> str:
    """The line with as many signs as its format has; empty where more than fillers would have to change.

    What follows three fillers in a line of names is filler too (no name has two blanks): OCR takes one for a K or
    an S now and then.
    """
    if line[:1].isalpha() and not any(sign.isdigit() for sign in line[5:]):
        head, _, tail = line.partition("<<<")
        if tail or line.endswith("<<<"):
            return head.ljust(width, "<")[:width] if len(head) <= width else ""
    if len(line) == width:
        return line
    if abs(len(line) - width) > WIDTH_SLACK:
        return ""
    run = max(re.findall(r"<+", line), key=len, default="")
    wanted = len(run) + width - len(line)
    if len(run) < FILLERS_MIN or wanted < 1:
        return ""
    return line.replace(run, "<" * wanted, 1)
