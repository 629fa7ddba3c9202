"""What stands on pages: OCR by Tesseract, upright, and the machine readable zone by a second, narrower look.

The rule: a page is turned before it is read, by whole quarters, as Tesseract's orientation model says where it is
sure; the languages are those whose data was installed (English always, French where `make setup` could fetch it),
and the report names them. The zone is read on its own, in the letters that it may have, and its lines are put
to the width of their format only where nothing but fillers is lost or added.
Source: spec.md S19; docs/documents.md; Tesseract 5; ICAO Doc 9303 part 3, 4.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import tesserocr as untyped  # type: ignore[import-untyped]  # half of its stubs: `tesserocr` below
from PIL import Image, ImageOps

from comptoir.actors.inspection.report import Report

__all__ = ["LANGUAGES", "Reader", "data_folder", "zone_lines"]

tesserocr: Any = untyped
LANGUAGES: Final = ("eng", "fra")
ORIENTATION_CONFIDENCE_MIN: Final = 2.0
"""Below, Tesseract guesses, and a page stays as it came."""
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
            upright = self._turned(_enlarged(page))
            self._pages.SetImage(upright)
            text = self._pages.GetUTF8Text()
            texts.append(text.strip())
            size = len(text.split())
            weights, total = weights + size, total + size * self._pages.MeanTextConf() / 100
            zone = zone or self._zone(upright)
        confidence = total / weights if weights else 0.0
        return msgspec.structs.replace(
            report, text="\n\f".join(texts).strip(), confidence=round(confidence, 3), zone=zone,
            languages=self._languages,
        )  # fmt: skip

    def _turned(self, page: Image.Image) -> Image.Image:
        """The page as it is to be read."""
        self._turns.SetImage(page)
        found = self._turns.DetectOrientationScript()
        if found is None or found["orient_conf"] < ORIENTATION_CONFIDENCE_MIN:
            return page
        return page.rotate(found["orient_deg"], expand=True, fillcolor=255)

    def _zone(self, page: Image.Image) -> tuple[str, ...]:
        """Lines of a zone, where the lines of the page hold some that look like it."""
        boxes = [box for box, text in self._lines() if _looks_like_zone(text)]
        if not boxes:
            return ()
        left, top, right, bottom = (
            min(x[0] for x in boxes), min(x[1] for x in boxes),
            max(x[2] for x in boxes), max(x[3] for x in boxes),
        )  # fmt: skip
        line = (bottom - top) // len(boxes)
        # One line more above and below: one of them may have looked like something else.
        cut = page.crop(
            (max(0, left - line), max(0, top - 2 * line), right + line, bottom + 2 * line)
        )
        self._zones.SetImage(ImageOps.autocontrast(cut))
        return zone_lines(self._zones.GetUTF8Text())

    def _lines(self) -> Iterator[tuple[tuple[int, int, int, int], str]]:
        """Each line of the page that was read last: where it is, and what it says."""
        level = tesserocr.RIL.TEXTLINE
        for line in tesserocr.iterate_level(self._pages.GetIterator(), level):
            box = line.BoundingBox(level)
            if box is not None:
                yield box, line.GetUTF8Text(level)


def _enlarged(page: Image.Image) -> Image.Image:
    side = max(page.size)
    if side >= SIDE_PIXELS_MIN:
        return page
    scale = SIDE_PIXELS_MIN / side
    size = (round(page.width * scale), round(page.height * scale))
    return page.resize(size, Image.Resampling.LANCZOS)


def _looks_like_zone(text: str) -> bool:
    signs = "".join(text.split())
    fillers = len(re.findall(r"[<\u00ab\u2039]", signs))
    return len(signs) >= min(WIDTHS) - WIDTH_SLACK and fillers >= FILLERS_MIN


def zone_lines(text: str) -> tuple[str, ...]:
    """The lines of a zone among what was read, put to their width; empty where there is none."""
    lines = ["".join(line.split()) for line in text.splitlines()]
    lines = [line for line in lines if len(line) >= min(WIDTHS) - WIDTH_SLACK]
    for width, count in WIDTHS.items():
        for at in range(len(lines) - count, -1, -1):
            fitted = [_fitted(line, width) for line in lines[at : at + count]]
            if all(fitted) and sum(line.count("<") for line in fitted) >= FILLERS_MIN:
                return tuple(fitted)
    return ()


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
