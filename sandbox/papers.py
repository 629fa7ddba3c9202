"""Papers of clients, who are nobody: drawn for whoever plays a client, and marked SPECIMEN on every page.

The rule: what stands on a paper is what was asked for, and so known; the zone of a passport has its check digits
by the rule of Doc 9303, counted here and not by what reads it. A PDF is drawn; a photograph is the same page, seen
by a lens and saved as JPEG.
Source: interface.md 10; spec.md S19; protocols.md 5.5 (ICAO Doc 9303 part 4).
"""

import io
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

import msgspec
import pypdfium2  # type: ignore[import-untyped]  # ships no types: `pdfium` below
from PIL import Image
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

__all__ = ["PaperRequest", "draw", "zone"]

pdfium: Any = pypdfium2
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
Letters = Annotated[str, msgspec.Meta(pattern="^[A-Z][A-Z ]{0,38}$")]
SixDigits = Annotated[str, msgspec.Meta(pattern="^[0-9]{6}$")]
Number = Annotated[str, msgspec.Meta(pattern="^[A-Z0-9]{1,9}$")]
Country = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]

DOTS_PER_INCH: Final = 200
POINTS_PER_INCH: Final = 72
PASSPORT: Final = (7.4 * POINTS_PER_INCH, 5.2 * POINTS_PER_INCH)
JPEG_QUALITY: Final = 90
ZONE_WIDTH: Final = 44
_WEIGHTS: Final = (7, 3, 1)
"""Doc 9303 part 3, 4.9."""
_VALUES: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_TITLES: Final = {
    "register": "EXTRAIT DU REGISTRE",
    "articles": "STATUTS",
    "owners": "BENEFICIAIRES EFFECTIFS",
    "deed": "ACTE DE FIDUCIE",
}


class PaperRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """The body of `POST /control/papers`; what a kind does not show is ignored."""

    kind: Literal["passport", "residence", "tax", "register", "articles", "owners", "deed"]
    format: Literal["pdf", "jpeg"] = "pdf"
    surname: Letters = "EXEMPLE"
    given_names: Letters = "CAMILLE"
    """As a passport's zone has them."""
    number: Number = "X00000000"
    issuer: Country = "UTO"
    birth: SixDigits = "800101"
    expiry: SixDigits = "350101"
    """YYMMDD."""
    holder: Line = "Camille Exemple"
    address: tuple[Line, ...] = ("12 rue de Rivoli", "75001 Paris")
    date: Line = "01/01/2026"
    """DD/MM/YYYY."""
    income: Line = "45 678"
    year: Line = "2025"
    lines: Annotated[tuple[Line, ...], msgspec.Meta(max_length=20)] = ()
    """Of an entity's paper."""


def draw(order: PaperRequest) -> tuple[bytes, str]:
    """A paper and its media type."""
    document = _pdf(order)
    if order.format == "pdf":
        return document, "application/pdf"
    return _photograph(document), "image/jpeg"


def _pdf(order: PaperRequest) -> bytes:
    sink = io.BytesIO()
    size = PASSPORT if order.kind == "passport" else A4
    canvas = Canvas(sink, pagesize=size, invariant=1)
    canvas.setTitle("SPECIMEN")
    _DRAWN.get(order.kind, _entity)(canvas, order)
    canvas.showPage()
    canvas.save()
    return sink.getvalue()


def _passport(canvas: Canvas, order: PaperRequest) -> None:
    _, height = PASSPORT
    canvas.setFont("Helvetica-Bold", 20)
    canvas.drawString(22, height - 32, "UTOPIA  SPECIMEN")
    canvas.setFillGray(0.7)
    canvas.rect(22, height - 215, 130, 165, stroke=0, fill=1)
    canvas.setFillGray(0)
    rows = (
        ("Surname / Nom", order.surname),
        ("Given names / Prenoms", order.given_names),
        ("No.", order.number),
    )
    for at, (label, value) in enumerate(rows):
        canvas.setFont("Helvetica", 9)
        canvas.drawString(175, height - 62 - at * 50, label)
        canvas.setFont("Helvetica", 16)
        canvas.drawString(175, height - 80 - at * 50, value)
    canvas.setFont("Courier-Bold", 18.5)
    for at, line in enumerate(zone(order)):
        canvas.drawString(20, 60 - at * 28, line)


def zone(order: PaperRequest) -> tuple[str, str]:
    """The two lines of a passport (TD3)."""
    names = f"{order.surname}<<{order.given_names}".replace(" ", "<")
    above = f"P<{order.issuer}{names}"[:ZONE_WIDTH].ljust(ZONE_WIDTH, "<")
    number = order.number.ljust(9, "<")
    number += _digit(number)
    birth, expiry = order.birth + _digit(order.birth), order.expiry + _digit(order.expiry)
    optional = "<" * 14 + "0"
    below = f"{number}{order.issuer}{birth}<{expiry}{optional}"
    return above, below + _digit(number + birth + expiry + optional)


def _digit(text: str) -> str:
    """The check digit of a field."""
    values = (0 if sign == "<" else _VALUES.index(sign) for sign in text)
    return str(sum(value * _WEIGHTS[at % 3] for at, value in enumerate(values)) % 10)


def _residence(canvas: Canvas, order: PaperRequest) -> None:
    _page(canvas, "ELECTRICITE SPECIMEN", (
        "", "", order.holder, *order.address, "", "", f"Date de facture : {order.date}", "",
        "Votre consommation de la periode", "Abonnement mensuel          12,40 EUR",
        "Consommation 214 kWh        48,15 EUR", "Total a payer               60,55 EUR",
    ))  # fmt: skip


def _tax(canvas: Canvas, order: PaperRequest) -> None:
    _page(canvas, "AVIS D'IMPOT SPECIMEN", (
        f"Impot sur les revenus de {order.year}", "Numero fiscal : 12 34 567 890 123", "",
        order.holder, *order.address, "", f"Revenu fiscal de reference : {order.income}",
        "Nombre de parts : 1",
    ))  # fmt: skip


def _entity(canvas: Canvas, order: PaperRequest) -> None:
    _page(canvas, f"{_TITLES[order.kind]} SPECIMEN", ("", order.holder, *order.lines, order.date))


def _page(canvas: Canvas, title: str, lines: tuple[str, ...]) -> None:
    _, height = A4
    canvas.setFont("Helvetica-Bold", 22)
    canvas.drawString(44, height - 60, title)
    canvas.setFont("Helvetica", 14)
    for at, line in enumerate((*lines, "", "Ce document est un specimen et ne prouve rien.")):
        canvas.drawString(44, height - 110 - at * 26, line)


def _photograph(document: bytes) -> bytes:
    """Its first page, as a lens sees it."""
    with pdfium.PdfDocument(document) as pages:
        seen: Image.Image = pages[0].render(scale=DOTS_PER_INCH / POINTS_PER_INCH).to_pil()
    sink = io.BytesIO()
    seen.convert("RGB").save(sink, "JPEG", quality=JPEG_QUALITY)
    return sink.getvalue()


_DRAWN: Final[dict[str, Callable[[Canvas, PaperRequest], None]]] = {
    "passport": _passport,
    "residence": _residence,
    "tax": _tax,
}
