"""What stands on pages: OCR by Tesseract, upright, and the machine readable zone by narrower looks.

The rule: a page is turned before it is read, by whole quarters, as Tesseract's orientation model says where it is
sure; the languages are those whose data was installed (English always, French where `make setup` could fetch it),
and the report names them. The zone is read on its own (zone_reading.py). Reading stops where its time is spent: what was read
by then is what there is, and one page that takes longer than all of it ends the child (inspector.py).
Source: spec.md S19; docs/documents.md; Tesseract 5; ICAO Doc 9303 part 3, 4.
"""

import math
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import tesserocr as untyped  # type: ignore[import-untyped]  # half of its stubs: `tesserocr` below
from PIL import Image, ImageChops, ImageFilter, ImageStat

from comptoir.actors.inspection.report import Report
from comptoir.actors.inspection.zone_reading import ZONE_ALPHABET, PageLine, read_zone_of

__all__ = ["LANGUAGES", "Reader", "data_folder"]

tesserocr: Any = untyped
LANGUAGES: Final = ("fra", "eng")
"""The first one leads: with English first half of the accents of French names are lost, the other way round nothing is
(docs/documents.md)."""
ORIENTATION_CONFIDENCE_MIN: Final = 2.0
"""Below, Tesseract guesses, and a page stays as it came."""
HALF: Final = 180
QUARTERS: Final = (0, HALF, 90, 270)
SURE_MIN: Final = 0.7
"""Of a page that lies as it should, printed and in a language of ours, Tesseract is surer."""
SLANT_DEGREES_MAX: Final = 1.0
GRAIN_SHADES_MAX: Final = 4.0
"""By how much a pixel differs from its neighbours' median, on the whole page; print alone makes one or two."""
GRAIN_BAND: Final = 32
"""Pixels of the height of a band in which that is looked for."""
MEDIAN: Final = ImageFilter.MedianFilter(3)
LINE_SIGNS_MIN: Final = 5
"""Of a line whose box tells how it lies."""
SIDE_PIXELS_MIN: Final = 1500
"""Smaller pictures are enlarged: Tesseract wants letters of some 20 pixels or more."""
SIDE_PIXELS_MAX: Final = 4000
"""Larger ones are reduced: A4 at 300 dots per inch has 3,508, and time grows with what there is to see."""
READING_SECONDS: Final = 4.5
"""Of a processor, after which no other page, turn or view is begun: three full pages take as much, and a child that may
compute for eight seconds has the rest for the one that it has begun."""


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
        self._ends = math.inf
        self._zones = tesserocr.PyTessBaseAPI(path, "eng", tesserocr.PSM.SINGLE_BLOCK)
        self._zones.SetVariable("tessedit_char_whitelist", ZONE_ALPHABET)
        self._zones.SetVariable("tessedit_do_invert", "0")
        for name in ("load_system_dawg", "load_freq_dawg"):
            self._zones.SetVariable(name, "0")
        # Of all three: what it says goes to standard error, and not to a file that it opens when it first says
        # something: whoever may open none by then dies of it.
        self._turns.SetVariable("debug_file", "")

    def read(self, pages: Iterator[Image.Image], report: Report) -> Report:
        """The report with what stands on them."""
        texts: list[str] = []
        weights, total = 0, 0.0
        zone: tuple[str, ...] = ()
        self._ends = time.process_time() + READING_SECONDS
        for page in pages:
            upright, text, confidence = self._upright(_smoothed(_sized(page)))
            texts.append(text)
            size = len(text.split())
            weights, total = weights + size, total + size * confidence
            zone = zone or read_zone_of(
                upright, list(self._lines()), self._recognise_zone, self._is_late
            )
            if self._is_late():
                break
        return msgspec.structs.replace(
            report,
            text="\n\f".join(texts).strip(),
            confidence=round(total / weights, 3) if weights else 0.0,
            zone=zone,
            languages=self._languages,
        )

    def _upright(self, page: Image.Image) -> tuple[Image.Image, str, float]:
        """The page as it is to be read, what stands on it, and how sure that is; it is the page that was read last.

        As it came first, for most pages lie as they should, and the orientation model takes as long as reading does;
        then as that model says; where it cannot be read well so (it is easily misled by a card with few words and many
        fillers), the other quarters are tried, and the best one is kept.
        """
        best, text, confidence, last = (-1.0, 0), "", 0.0, 0
        for turn in self._turns_of(page):
            text, confidence = self._recognise(_turned(page, turn))
            last = turn
            if (
                not self._is_lying()
            ):  # Tesseract reads columns that lie on their side: the page does
                best = max(best, (confidence, turn))
            if best[0] >= SURE_MIN or self._is_late():
                break
        if last != best[1]:
            text, confidence = self._recognise(_turned(page, best[1]))
        upright = _turned(page, best[1])
        slant = self._slant()
        if abs(slant) > SLANT_DEGREES_MAX and not self._is_late():
            upright = upright.rotate(slant, expand=True, fillcolor=255)
            text, confidence = self._recognise(upright)
        return upright, text, confidence

    def _turns_of(self, page: Image.Image) -> Iterator[int]:
        """The quarters in the order in which they are tried, each once; the model is asked where the first one fails.

        A page whose lines go from top to bottom as it came would have them so on its head as well: that comes last.
        """
        yield 0
        lying = self._is_lying()
        order = dict.fromkeys((self._guess(page), *QUARTERS))
        yield from sorted((turn for turn in order if turn), key=lambda turn: lying and turn == HALF)

    def _is_late(self) -> bool:
        """Whether nothing more is to be begun."""
        return time.process_time() > self._ends

    def _slant(self) -> float:
        """By how many degrees the lines that were read last would have to be turned, counter-clockwise."""
        lines = self._pages.GetIterator()
        return 0.0 if lines is None else math.degrees(lines.Orientation()[3])

    def _is_lying(self) -> bool:
        """Whether most of the lines that were read last go from top to bottom."""
        lying = [
            line.box[3] - line.box[1] > line.box[2] - line.box[0]
            for line in self._lines()
            if len(line.text) > LINE_SIGNS_MIN
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

    def _recognise_zone(self, view: Image.Image) -> str:
        self._zones.SetImage(view)
        text: str = self._zones.GetUTF8Text()
        return text

    def _lines(self) -> Iterator[PageLine]:
        """Each line of the page that was read last."""
        level = tesserocr.RIL.TEXTLINE
        for line in tesserocr.iterate_level(self._pages.GetIterator(), level):
            box, base = line.BoundingBox(level), line.Baseline(level)
            if box is None:
                continue
            slant = 0.0
            if base is not None:
                (left, top), (right, bottom) = base
                slant = math.degrees(math.atan2(bottom - top, right - left))
            yield PageLine(box, line.GetUTF8Text(level), slant)


def _turned(page: Image.Image, degrees: int) -> Image.Image:
    return page.rotate(degrees, expand=True) if degrees else page


def _sized(page: Image.Image) -> Image.Image:
    """So that its longer side is within what can be read, and what need be."""
    side = max(page.size)
    wanted = min(max(side, SIDE_PIXELS_MIN), SIDE_PIXELS_MAX)
    if side == wanted:
        return page
    size = (max(1, round(page.width * wanted / side)), max(1, round(page.height * wanted / side)))
    return page.resize(size, Image.Resampling.LANCZOS)


def _smoothed(page: Image.Image) -> Image.Image:
    """Without its grain, where it has much of it: in every fourth of narrow bands, for all of a page takes long."""
    grains = [_grain(page.crop((0, top, page.width, min(top + GRAIN_BAND, page.height))))
              for top in range(0, page.height, 4 * GRAIN_BAND)]  # fmt: skip
    return page.filter(MEDIAN) if statistics.fmean(grains) > GRAIN_SHADES_MAX else page


def _grain(part: Image.Image) -> float:
    """By how many shades its pixels differ from their neighbours' median."""
    return float(ImageStat.Stat(ImageChops.difference(part, part.filter(MEDIAN))).mean[0])
