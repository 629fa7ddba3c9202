"""Files that nobody who means well would send: bombs, two things at once, scripts, damage; and two that are well.

Rule: made anew by each test, from what the formats' own writers give and bytes put in by hand; no file of anybody.
"""

import io
import random
import zlib
from collections.abc import Callable

import pikepdf
from PIL import Image, ImageDraw, ImageFont

__all__ = ["BOMBS", "OCR_BOMBS", "SNEAKS", "jpeg", "page", "pdf_with", "png", "raw_pdf", "zipped"]


def page(width: int = 600, height: int = 800) -> Image.Image:
    """Something to see."""
    made = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(made)
    draw.text((40, 60), "SPECIMEN", fill="black", font_size=60)
    draw.rectangle((60, 300, width // 2, 500), fill="gray")
    return made


def jpeg(picture: Image.Image | None = None, **options: object) -> bytes:
    """As a JPEG."""
    sink = io.BytesIO()
    (picture or page()).save(sink, "JPEG", **options)
    return sink.getvalue()


def png(picture: Image.Image | None = None) -> bytes:
    """As a PNG."""
    sink = io.BytesIO()
    (picture or page()).save(sink, "PNG")
    return sink.getvalue()


def pdf_with(change: Callable[[pikepdf.Pdf], None] | None = None, **options: object) -> bytes:
    """A PDF of one page, and what was done to it."""
    sink, done = io.BytesIO(), io.BytesIO()
    page().save(sink, "PDF")
    with pikepdf.open(sink) as pdf:
        if change is not None:
            change(pdf)
        pdf.save(done, **options)  # type: ignore[arg-type]  # whatever the case wants
    return done.getvalue()


def raw_pdf(*objects: bytes) -> bytes:
    """A PDF of these objects, numbered from 1, the first being its root; well made but for what stands in them."""
    body, places = b"%PDF-1.7\n", [b"0000000000 65535 f \n"]
    for number, one in enumerate(objects, 1):
        places.append(b"%010d 00000 n \n" % len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, one)
    table = b"xref\n0 %d\n%b" % (len(places), b"".join(places))
    end = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(places), len(body))
    return body + table + end


def zipped(data: bytes) -> bytes:
    """With an archive behind it that ends where it ends."""
    entry = b"PK\x03\x04" + bytes(26)
    return data + entry + b"PK\x05\x06" + bytes(8) + len(entry).to_bytes(4, "little") + bytes(6)


def _chunk(name: bytes, data: bytes) -> bytes:
    checked = zlib.crc32(name + data).to_bytes(4, "big")
    return len(data).to_bytes(4, "big") + name + data + checked


def _wide_png(side: int) -> bytes:
    """A PNG of so many pixels a side, of a bit each, all black: some hundred KiB at most."""
    head = side.to_bytes(4, "big") * 2 + b"\x01\0\0\0\0"
    packed = zlib.compress(bytes((side // 8 + 1) * min(side, 2000)), 9)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", head)
        + _chunk(b"IDAT", packed)
        + _chunk(b"IEND", b"")
    )


def _wide_jpeg() -> bytes:
    """A JPEG that says that it has 65,500 pixels a side."""
    data = bytearray(jpeg())
    at = data.find(b"\xff\xc0")
    data[at + 5 : at + 9] = (65_500).to_bytes(2, "big") * 2
    return bytes(data)


def _stream(head: bytes, data: bytes) -> bytes:
    return b"<<%b/Length %d>>\nstream\n%b\nendstream" % (head, len(data), data)


def _paged(contents: bytes, resources: bytes = b"<<>>", box: bytes = b"0 0 600 800") -> list[bytes]:
    """The objects of a page, whose contents are the fourth."""
    sheet = b"<</Type/Page/Parent 2 0 R/MediaBox[%b]/Contents 4 0 R/Resources %b>>" % (
        box,
        resources,
    )
    return [
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>", sheet, contents,
    ]  # fmt: skip


def _packed(block: bytes, times: int) -> bytes:
    """A block so many times over, packed in no time: after a full flush every block is packed alike."""
    packer = zlib.compressobj(9)
    first, other = (packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + other * (times - 1) + packer.flush()


def _flate_bomb() -> bytes:
    """Contents of 2 GiB of blanks, packed twice."""
    twice = zlib.compress(_packed(b" " * (1 << 22), 512), 9)
    return raw_pdf(*_paged(_stream(b"/Filter[/FlateDecode/FlateDecode]", twice)))


def _wide_picture() -> bytes:
    """A page that shows a picture of 30,000 pixels a side."""
    data = _packed(bytes(30_000 * 100), 300)
    head = (
        b"/Type/XObject/Subtype/Image/Width 30000/Height 30000/ColorSpace/DeviceGray"
        b"/BitsPerComponent 8/Filter/FlateDecode"
    )
    drawn = _stream(b"", b"600 0 0 800 0 0 cm /P Do")
    return raw_pdf(*_paged(drawn, b"<</XObject<</P 5 0 R>>>>"), _stream(head, data))


def _laughs() -> bytes:
    """Forms that show the next one ten times each, nine deep: a thousand million rectangles."""
    depth = 9
    forms = [
        _stream(
            b"/Type/XObject/Subtype/Form/BBox[0 0 600 800]/Resources<</XObject<</F %d 0 R>>>>"
            % (6 + n),
            b"/F Do " * 10,
        )
        for n in range(depth)
    ]
    last = _stream(b"/Type/XObject/Subtype/Form/BBox[0 0 600 800]", b"0 0 600 800 re f " * 100)
    return raw_pdf(*_paged(_stream(b"", b"/F Do"), b"<</XObject<</F 5 0 R>>>>"), *forms, last)


def _deep() -> bytes:
    """Arrays in arrays, a hundred thousand deep."""
    return raw_pdf(b"<</Type/Catalog/Pages 2 0 R/X " + b"[" * 100_000 + b"]" * 100_000 + b">>")


def _round() -> bytes:
    """A tree of pages that is its own branch, and a million million pages by its own word."""
    return raw_pdf(
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 1000000000000>>"
    )


def _huge_page() -> bytes:
    """A page of a thousand kilometres."""
    return raw_pdf(*_paged(_stream(b"", b"0 0 1 1 re f"), box=b"0 0 3000000000 3000000000"))


BOMBS: dict[str, Callable[[], bytes]] = {
    "wide png": lambda: _wide_png(60_000),
    "wide jpeg": _wide_jpeg,
    "flate": _flate_bomb,
    "wide picture": _wide_picture,
    "laughs": _laughs,
    "deep": _deep,
    "round": _round,
    "huge page": _huge_page,
}


def _noise(width: int, height: int, seed: int) -> Image.Image:
    """Grain of black and white, of which OCR makes letters everywhere."""
    return Image.frombytes(
        "1", (width, height), random.Random(seed).randbytes((width + 7) // 8 * height)
    )


def _noisy() -> bytes:
    """A photograph of noise, just under the bound of pixels."""
    return jpeg(_noise(7600, 7800, 1).convert("L"), quality=30)


def _noisy_pages() -> bytes:
    """Three pages of it, as a scanner has them."""
    sink = io.BytesIO()
    first, *rest = (_noise(1656, 2340, seed).convert("L") for seed in (2, 3, 4))
    first.save(sink, "PDF", save_all=True, append_images=rest, resolution=200)
    return sink.getvalue()


def _zones() -> bytes:
    """A page full of lines that look like those of a zone, and hold nowhere."""
    made = Image.new("L", (3200, 4400), 255)
    draw, chance = ImageDraw.Draw(made), random.Random(5)
    face = ImageFont.load_default(24)
    for top in range(20, 4380, 30):
        signs = "".join(chance.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<<<<<<<<<<<<", k=44))
        for left in (20, 1100, 2180):
            draw.text((left, top), f"P<UTO{signs[:39]}", fill=0, font=face)
    return jpeg(made)


def _words() -> bytes:
    """Three pages of small print, from edge to edge."""
    chance, pages = random.Random(6), list[Image.Image]()
    face = ImageFont.load_default(18)
    for _ in range(3):
        made = Image.new("L", (1654, 2339), 255)
        draw = ImageDraw.Draw(made)
        for top in range(10, 2320, 20):
            words = ("".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=7)) for _ in range(26))
            draw.text((10, top), " ".join(words), fill=0, font=face)
        pages.append(made)
    sink = io.BytesIO()
    pages[0].save(sink, "PDF", save_all=True, append_images=pages[1:], resolution=200)
    return sink.getvalue()


OCR_BOMBS: dict[str, Callable[[], bytes]] = {
    "noise": _noisy, "noisy pages": _noisy_pages, "zones": _zones, "small print": _words,
}  # fmt: skip
"""What is harmless until somebody reads it."""


def _scripted() -> bytes:
    """A PDF that runs a script when it is opened."""
    script = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
    return pdf_with(lambda pdf: setattr(pdf.Root, "OpenAction", script))


SNEAKS: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "truncated pdf": (lambda: pdf_with()[:-900], "a.pdf", "TRUNCATED"),
    "truncated jpeg": (lambda: jpeg()[: len(jpeg()) // 2], "a.jpg", "TRUNCATED"),
    "picture and archive": (lambda: zipped(jpeg()), "a.jpg", "POLYGLOT"),
    "pdf and archive": (lambda: zipped(pdf_with()), "a.pdf", "POLYGLOT"),
    "picture and page": (lambda: jpeg() + b"<script>alert(1)</script>", "a.jpg", "POLYGLOT"),
    "script": (_scripted, "a.pdf", "PDF_JAVASCRIPT"),
    "program": (lambda: b"MZ\x90\x00" + bytes(4000), "a.pdf", "TYPE_UNKNOWN"),
    "wrong extension": (jpeg, "a.pdf", "EXTENSION_MISMATCH"),
}
"""What is bad without being large: the bytes, its name, and the flag that tells of it."""
