"""Pictures: decoded within bounds, turned as their camera says, and what they tell besides.

The rule: its size is judged before a pixel is decoded; what cannot be decoded whole is not whole. Metadata is never
kept: it is told that it was there, and whether it names a place or a program that edits.
Source: spec.md S19; EXIF 2.32; docs/documents.md.
"""

import io
from typing import Final

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

__all__ = ["PIXELS_MAX", "fingerprint", "open_picture"]

PIXELS_MAX: Final = 60_000_000
"""A page of A4 at 600 dots per inch has 35 million."""
SIDE_MIN: Final = 200
"""Nothing can be read of less."""
_EDITORS: Final = ("photoshop", "gimp", "affinity", "pixelmator", "paint.net", "canva", "snapseed")

Picture = Image.Image


def open_picture(data: bytes) -> tuple[Picture | None, list[str]]:
    """A picture in grey, upright by its own word, and what is to be said of it.

    Args:
        data: of a JPEG or PNG.
    """
    Image.MAX_IMAGE_PIXELS = None  # judged here, by name
    try:
        picture = Image.open(io.BytesIO(data), formats=("JPEG", "PNG"))
        width, height = picture.size
        if width * height > PIXELS_MAX:
            return None, ["IMAGE_TOO_LARGE"]
        flags = _told(picture)
        if min(width, height) < SIDE_MIN:
            flags.append("IMAGE_TOO_SMALL")
        picture.load()
        return ImageOps.exif_transpose(picture).convert("L"), flags
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError):
        # Pillow's decoders raise each of these for what they cannot read (SyntaxError of PNG's chunks).
        return None, ["DAMAGED"]


def _told(picture: Picture) -> list[str]:
    exif = picture.getexif()
    if not exif:
        return []
    flags = ["IMAGE_METADATA"]
    if exif.get_ifd(ExifTags.IFD.GPSInfo):
        flags.append("IMAGE_PLACE")
    software = str(exif.get(ExifTags.Base.Software, "")).lower()
    if any(editor in software for editor in _EDITORS):
        flags.append("IMAGE_EDITED")
    return flags


def fingerprint(picture: Picture) -> str:
    """How it looks, in 64 bits: whether each of 8 by 8 places is brighter than its right neighbour (a dHash).

    Copies that were scaled or compressed anew differ in a few bits, other pictures in about half. A page that is
    all of one shade has none.
    """
    small = picture.convert("L").resize((9, 8), Image.Resampling.BOX)
    pixels = small.tobytes()
    if max(pixels) - min(pixels) < 4:  # noqa: PLR2004 - shades that only noise tells apart
        return ""
    bits = 0
    for row in range(8):
        for column in range(8):
            at = row * 9 + column
            bits = bits << 1 | (pixels[at] > pixels[at + 1])
    return f"{bits:016x}"
