"""Specimens: pages of nobody, marked as such, in several layouts, and what a scanner or a telephone does to them.

Rule: made of Pillow's strokes and fonts that matplotlib brings; what stands on one is given, and so known. Layouts whose
number is odd are for tuning, even ones for figures that nobody tuned by. Source: issue 8, 2; spec.md S19.
"""

import importlib.util
import io
import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from tests.actors.inspection.zones import Bearer, write_zone

__all__ = [
    "PLAIN",
    "Bill",
    "Wear",
    "as_jpeg",
    "as_pdf",
    "identity",
    "residence",
    "tax_notice",
    "worn",
]

WIDTH, HEIGHT = 1654, 2339  # A4 at 200 dots per inch
FACES = {1: "DejaVuSans", 2: "DejaVuSerif", 3: "DejaVuSansMono", 4: "DejaVuSans"}


@dataclass(frozen=True)
class Bill:
    """What a proof of residence or a tax notice says."""

    holder: str = "Marie Tremblay"
    address: tuple[str, ...] = ("12 rue des Lilas", "75011 Paris")
    date: str = "15/11/2026"
    income: str = "45 678"
    year: str = "2025"
    number: str = "12 34 567 890 123"
    english: bool = False


@dataclass(frozen=True)
class Wear:
    """What became of a page on its way."""

    turn: float = 0.0
    blur: float = 0.0
    noise: int = 0
    quality: int = 90


PLAIN = Wear()


@cache
def font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """A face at a size in pixels."""
    spec = importlib.util.find_spec("matplotlib")
    assert spec is not None
    assert spec.origin is not None
    return ImageFont.truetype(
        Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / f"{name}.ttf", size
    )


def _sheet(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    made = Image.new("L", (width, height), 255)
    return made, ImageDraw.Draw(made)


def identity(
    bearer: Bearer, kind: str, layout: int = 1, names: tuple[str, str] = ("", "")
) -> Image.Image:
    """A passport, a card or a visa; names as they are printed, where the zone writes them in other letters."""
    wide = kind in ("TD3", "MRVA")
    made, draw = _sheet(1480, 1040 if wide else 960)
    if layout in (2, 4):
        shades = [200 + shade // 5 for shade in range(256)]
        made.paste(Image.linear_gradient("L").resize(made.size).point(shades))
    face = FACES[layout]
    draw.text((60, 30), "UTOPIA  SPECIMEN", font=font(face, 54), fill=40)
    draw.rectangle((60, 130, 430, 600), fill=170)
    rows = (
        (names[0] or bearer.surname, "Surname / Nom"),
        (names[1] or bearer.given, "Given names / Prénoms"),
        (bearer.number, "No."),
    )
    for at, (value, label) in enumerate(rows):
        draw.text((490, 140 + at * 140), label, font=font(face, 26), fill=90)
        draw.text((490, 175 + at * 140), value, font=font(face, 44), fill=20)
    lines = write_zone(kind, bearer)
    size = {30: 74, 36: 62, 44: 50}[len(lines[0])]
    top = made.height - 40 - len(lines) * (size + 24)
    for at, line in enumerate(lines):
        draw.text((50, top + at * (size + 24)), line, font=font("DejaVuSansMono", size), fill=15)
    return made


_BILL_HEADS = (
    ("ÉLECTRICITÉ SPECIMEN", "Date de facture : "), ("EAU SPECIMEN", "Émis le "),
    ("SPECIMEN TÉLÉCOM", "Facture du "), ("GAZ SPECIMEN", "Le "),
)  # fmt: skip
_BILL_HEADS_ENGLISH = (
    ("SPECIMEN HYDRO", "Invoice date: "), ("SPECIMEN WATER", "Issued on "),
    ("SPECIMEN TELECOM", "Dated "), ("SPECIMEN GAS", "Date: "),
)  # fmt: skip
_BILL_BODY = (
    "Votre consommation de la période", "Abonnement mensuel          12,40 EUR",
    "Consommation 214 kWh        48,15 EUR", "Total à payer               60,55 EUR",
    "Ce document est un specimen et ne prouve rien.",
)  # fmt: skip
_BILL_BODY_ENGLISH = (
    "Your usage of this period", "Monthly charge              12.40 CAD",
    "Usage 214 kWh               48.15 CAD", "Amount due                  60.55 CAD",
    "This document is a specimen and proves nothing.",
)  # fmt: skip


def residence(bill: Bill, layout: int = 1) -> Image.Image:
    """A bill of electricity, water or telephone."""
    made, draw = _sheet(WIDTH, HEIGHT)
    face = FACES[layout]
    heads = (_BILL_HEADS_ENGLISH if bill.english else _BILL_HEADS)[layout - 1]
    draw.text((120, 100), heads[0], font=font(face, 64), fill=0)
    left, top = ((900, 380), (160, 420), (900, 300), (800, 520))[layout - 1]
    for at, line in enumerate((bill.holder, *bill.address)):
        draw.text((left, top + at * 52), line, font=font(face, 38), fill=0)
    draw.text((120, 820), f"{heads[1]}{bill.date}", font=font(face, 36), fill=0)
    for at, line in enumerate(_BILL_BODY_ENGLISH if bill.english else _BILL_BODY):
        draw.text((120, 960 + at * 70), line, font=font(face, 34), fill=0)
    return made


def tax_notice(bill: Bill, layout: int = 1) -> Image.Image:
    """A notice of income tax."""
    made, draw = _sheet(WIDTH, HEIGHT)
    face = FACES[layout]
    draw.text((120, 100), "AVIS D'IMPÔT SPECIMEN", font=font(face, 58), fill=0)
    lines = (
        f"Impôt sur les revenus de {bill.year}", f"Numéro fiscal : {bill.number}", "",
        bill.holder, *bill.address, "",
        f"Revenu fiscal de référence : {bill.income}", "Nombre de parts : 1",
        "Ce document est un specimen et ne prouve rien.",
    )  # fmt: skip
    for at, line in enumerate(lines):
        draw.text((120 + 40 * (layout % 2), 260 + at * 70), line, font=font(face, 38), fill=0)
    return made


def worn(picture: Image.Image, wear: Wear, seed: int = 1) -> Image.Image:
    """A page after its way."""
    made = picture
    if wear.turn:
        made = made.rotate(wear.turn, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC)
    if wear.blur:
        made = made.filter(ImageFilter.GaussianBlur(wear.blur))
    if wear.noise:
        grain = Image.frombytes(
            "L", made.size, random.Random(seed).randbytes(made.width * made.height)
        )
        made = Image.blend(made, grain, wear.noise / 100)
    return made


def as_jpeg(picture: Image.Image, quality: int = 90) -> bytes:
    """As a camera sends it."""
    sink = io.BytesIO()
    picture.save(sink, "JPEG", quality=quality)
    return sink.getvalue()


def as_pdf(picture: Image.Image) -> bytes:
    """As a scanner does."""
    sink = io.BytesIO()
    picture.save(sink, "PDF", resolution=200)
    return sink.getvalue()
