"""Pictures: decoded within bounds, turned as their camera says, and what they tell besides.

The rule: its size is judged before a pixel is decoded; what cannot be decoded whole is not whole. Metadata is never
kept: it is told that it was there, and whether it names a place or a program that edits.
Source: spec.md S19; EXIF 2.32; docs/documents.md.
"""

import io
from typing import Final

from PIL import ExifTags, Image, ImageFilter, ImageOps, ImageStat, UnidentifiedImageError

__all__ = ["PIXELS_MAX", "fingerprint", "open_picture"]

PIXELS_MAX: Final = 60_000_000
"""A page of A4 at 600 dots per inch has 35 million."""
SIDE_MIN: Final = 200
"""Nothing can be read of less."""
LOOK_SIDE: Final = 16
SHADES_MIN: Final = 4
"""A page with fewer is all of one shade: noise alone tells its places apart."""
SHADES_SLACK: Final = 3
"""By so many shades a place must be darker, or grain would decide where nothing is printed."""
CUT_SIDE: Final = 256
INK_SHADES_MIN: Final = 24
"""Paper has less, print more."""
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
    """How it looks, in 512 bits, as 128 hexadecimal digits; empty where there is nothing to see.

    What is printed is cut out of its margins and laid on a grid of 16 by 16; of each place it is told whether it is darker
    than its left neighbour, and than the one above. Copies that were scaled, blurred or compressed anew differ in a few
    bits, other forms in a hundred; two bills on the same form may be as near as copies are (docs/documents.md).
    """
    printed = _cut_out(picture.convert("L"))
    across = printed.resize((LOOK_SIDE + 1, LOOK_SIDE), Image.Resampling.BOX).tobytes()
    down = printed.resize((LOOK_SIDE, LOOK_SIDE + 1), Image.Resampling.BOX).tobytes()
    if max(across) - min(across) < SHADES_MIN:
        return ""
    bits = 0
    for row in range(LOOK_SIDE):
        for column in range(LOOK_SIDE):
            at = row * (LOOK_SIDE + 1) + column
            bits = bits << 1 | (across[at] > across[at + 1] + SHADES_SLACK)
    for at in range(LOOK_SIDE * LOOK_SIDE):
        bits = bits << 1 | (down[at] > down[at + LOOK_SIDE] + SHADES_SLACK)
    return f"{bits:0{LOOK_SIDE * LOOK_SIDE // 2}x}"


def _cut_out(picture: Picture) -> Picture:
    """Without the margins: from the first to the last place that differs from the ground."""
    small = picture.resize((CUT_SIDE, CUT_SIDE), Image.Resampling.BOX)
    ground = ImageStat.Stat(small).median[0]
    inked = small.point([255 * (abs(shade - ground) > INK_SHADES_MIN) for shade in range(256)])
    box = inked.filter(ImageFilter.MedianFilter(3)).getbbox()
    if box is None:
        return picture
    wide, high = picture.width / CUT_SIDE, picture.height / CUT_SIDE
    return picture.crop((
        int(box[0] * wide), int(box[1] * high), int(box[2] * wide), int(box[3] * high)
    ))  # fmt: skip
