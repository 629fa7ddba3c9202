"""The machine readable zone of a page, read over and over in other views until two readings agree.

Rules:
- the zone is cut out where the page's lines look like one, laid level by those lines' own base, and read in the letters
  that it may have, at several heights of its letters, with and without its grain: what one view gets wrong
  (an I doubled, a Q taken for a 0) another one gets right;
- a reading counts where every digit of it holds. The first that two views give alike is taken, names and all;
  one that a single view gives only where four digits or more hold in it, for three are met by chance too often
  among so many readings;
- where no view read the whole, its lines are taken from several, and count if exactly one zone comes of it.

Source: ICAO Doc 9303 part 3, 4; spec.md S19; docs/documents.md.
"""

import math
import re
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from itertools import product
from typing import Final

import msgspec
from PIL import Image, ImageFilter, ImageOps

from comptoir.actors.inspection.mrz import Zone, ZoneUnreadable, repair_zone
from comptoir.actors.inspection.printed import printed_words

__all__ = ["ZONE_ALPHABET", "PageLine", "read_zone_of", "zone_lines"]

ZONE_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<"
WIDTHS: Final = {44: 2, 36: 2, 30: 3}
"""Width of a zone's lines -> how many there are."""
WIDTH_SLACK: Final = 6
"""So many signs may OCR have lost or doubled in a run of fillers."""
FILLERS_MIN: Final = 3
"""A line with fewer is no line of a zone: the shortest field of any format ends with more, or its neighbour does."""
HEIGHTS: Final = (28, 36, 48, 24, 32, 42)
"""Pixels of a line, in the order in which they are tried: found on layouts 1 and 3 (docs/documents.md)."""
SLANT_DEGREES_MIN: Final = 0.1
"""Less slant is not worth what turning blurs."""
ALIKE_MAX: Final = 12
"""Lines of a page that may be a zone's, the lowest ones: two documents have six, and a page full of them is none."""
VOTES: Final = 2
LONE_DIGITS_MIN: Final = 4
"""Digits of a zone that is taken from one view: a chance of one in ten thousand, or less."""
READINGS_MAX: Final = 4
"""Of one line, when lines of several views are put together: the most frequent ones."""
FAR: Final = date(2050, 1, 1)
"""For whether digits hold, a day far ahead is as good as today."""

Lines = tuple[str, ...]
Said = tuple[str | None, ...]


class PageLine(msgspec.Struct, frozen=True):
    """A line of a page."""

    box: tuple[int, int, int, int]
    """Left, top, right, bottom."""
    text: str
    slant: float
    """Degrees that its base goes down by, from left to right."""


def read_zone_of(
    page: Image.Image,
    lines: Sequence[PageLine],
    recognise: Callable[[Image.Image], str],
    is_late: Callable[[], bool] = lambda: False,
) -> Lines:
    """The lines of a page's zone as they were read; empty where no line looks like one.

    Args:
        page: upright.
        lines: that were found on it.
        recognise: the text of a picture, in the zone's letters.
        is_late: whether no other view is to be begun.
    """
    alike = [line for line in lines if _looks_like_zone(line.text)][-ALIKE_MAX:]
    if not alike:
        return ()
    printed = printed_words("\n".join(line.text for line in lines))
    votes: Counter[Said] = Counter()
    lone: Lines = ()
    texts: list[str] = []
    for view in _views(page, alike):
        if texts and is_late():
            break
        texts.append(recognise(view))
        found = zone_lines(texts[-1])
        zone = _held(found, printed)
        if zone is None:
            continue
        votes[_said(zone)] += 1
        if votes[_said(zone)] == VOTES:
            return found
        if len(zone.checks) >= LONE_DIGITS_MIN:
            lone = lone or found
    near: list[Lines] = [found for text in texts if (found := zone_lines(text))]
    return lone or _put_together(texts) or (near[0] if near else ())


def _views(page: Image.Image, lines: Sequence[PageLine]) -> Iterator[Image.Image]:
    """The zone, level, at each height, and without its grain."""
    slant = statistics.median(line.slant for line in lines)
    rise = abs(math.tan(math.radians(slant)))
    tall = max(x.box[3] - x.box[1] - rise * (x.box[2] - x.box[0]) for x in lines)
    height = max(8, round(tall))
    # Room for two lines above and below: one of them may have looked like something else.
    cut = page.crop((
        max(0, min(x.box[0] for x in lines) - height),
        max(0, min(x.box[1] for x in lines) - 2 * height),
        max(x.box[2] for x in lines) + height,
        max(x.box[3] for x in lines) + 2 * height,
    ))  # fmt: skip
    level = ImageOps.autocontrast(cut)
    if abs(slant) > SLANT_DEGREES_MIN:
        level = level.rotate(
            slant, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC
        )  # fmt: skip
    for wanted in HEIGHTS:
        size = (round(level.width * wanted / height), round(level.height * wanted / height))
        view = level.resize(size, Image.Resampling.LANCZOS)
        yield view.filter(ImageFilter.MedianFilter(3))
        yield view


def _looks_like_zone(text: str) -> bool:
    """Whether a line of the page may be one of a zone: long, without small words, with fillers or what OCR makes of them."""
    signs = "".join(text.split())
    fillers = len(re.findall(r"[<\u00ab\u2039]", signs))
    run = re.search(r"[<\u00ab\u2039cCeE(]{5,}", signs) is not None
    return len(signs) >= min(WIDTHS) - WIDTH_SLACK and (fillers >= FILLERS_MIN or run)


def _said(zone: Zone) -> Said:
    """All that a zone says, to be compared."""
    return (
        zone.format, zone.document_code, zone.issuer, zone.surname, zone.given_names,
        zone.document_number, zone.nationality, zone.birth_date, zone.sex, zone.expiry_date,
        zone.optional, zone.issue_month,
    )  # fmt: skip


def _held(lines: Lines, printed: frozenset[str] = frozenset()) -> Zone | None:
    """The zone of these lines if every digit holds, repaired or not."""
    try:
        zone = repair_zone(list(lines), FAR, printed)
    except ZoneUnreadable:
        return None
    return zone if zone.holds else None


def zone_lines(text: str) -> Lines:
    """The lines of a zone among what was read, put to their width: those that hold, else those that come nearest to
    the width of a format; empty where there are none.
    """
    found = [(_held(fitted) is None, off, fitted) for off, fitted in _windows(text) if all(fitted)]
    return min(found, default=(True, 0, ()))[2]


def _windows(text: str) -> Iterator[tuple[int, Lines]]:
    """As many neighbouring lines as a format has, put to its width, and by how much they were off it; a line that
    cannot be is empty.
    """
    lines = ["".join(line.split()) for line in text.splitlines()]
    lines = [line for line in lines if len(line) >= min(WIDTHS) - WIDTH_SLACK]
    for width, count in WIDTHS.items():
        for at in range(len(lines) - count + 1):
            taken = lines[at : at + count]
            off = sum(abs(len(line) - width) for line in taken)
            yield off, tuple(_fitted(line, width) for line in taken)


def _put_together(texts: Iterable[str]) -> Lines:
    """The one zone that holds of lines that several views have read; empty where there is none, or more than one."""
    windows = [window for text in texts for _, window in _windows(text)]
    readings: dict[tuple[int, int], Counter[str]] = {}
    for at, line in ((at, line) for window in windows for at, line in enumerate(window) if line):
        readings.setdefault((len(line), at), Counter())[line] += 1
    held: dict[Said, Lines] = {}
    for width, count in WIDTHS.items():
        choices = [
            [
                line
                for line, _ in readings.get((width, at), Counter[str]()).most_common(READINGS_MAX)
            ]
            for at in range(count)
        ]
        for lines in product(*choices):
            zone = _held(lines)
            if zone is not None and len(zone.checks) >= LONE_DIGITS_MIN:
                held.setdefault(_said(zone), lines)
    return held.popitem()[1] if len(held) == 1 else ()


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
