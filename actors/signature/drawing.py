"""Draws a contract as a tagged PDF; a program of its own, which the daemon starts for each (studio.py).

The rules: what is drawn is a `Sheet`, and its texts are strings to the typesetter, never its markup; the same sheet gives the
same bytes; the file has its title, its language, its structure and its fonts in it, so that it can be read aloud, and
an empty field where it is signed. The program has no network, and no more memory and time than it needs.
Source: ISO 14289-1 (PDF/UA-1); ISO 32000-1, 12.7.4.5 (signature fields), 14.8 (tagged PDF); spec.md S6, S28; docs/adr/0052.
"""

# What these libraries hold has no types of its own.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import io
import sys
from typing import Any, Final

import msgspec

from comptoir.actors.inspection.confinement import bound, follow_reader, leave_network, lose_reader
from comptoir.actors.signature.sheet import FIELD, Drawn, Sheet

__all__ = ["draw", "main"]

MEMORY_BYTES_MAX: Final = 2 << 30
CPU_SECONDS_MAX: Final = 30
FIELD_WIDTH, FIELD_HEIGHT = 240.0, 72.0
"""Points; the same as in the program below."""
_PROGRAM: Final = b"""
#let sheet = json(bytes(sys.inputs.sheet))
#set document(title: sheet.title, author: sheet.house)
#set text(lang: sheet.language, size: 10.5pt, font: "Libertinus Serif")
#set par(justify: false, leading: 0.7em, spacing: 1em)
#set page(
  paper: "a4",
  margin: (x: 2.5cm, y: 2.5cm),
  footer: context align(center, text(size: 8.5pt,
    sheet.number + " - " + counter(page).display() + " / " + str(counter(page).final().first()))),
)
#show heading: set block(above: 1.6em, below: 0.8em)
#title(sheet.title)
#for part in sheet.parts {
  heading(level: 1, part.heading)
  for text in part.text { par(text) }
}
#block(breakable: false, above: 2em)[
  #par(sheet.signature)
  #context [#metadata(here().position()) <place>]
  #box(width: 240pt, height: 72pt, stroke: 0.5pt)[]
  #par(sheet.signer)
]
"""


def draw(sheet: Sheet) -> Drawn:
    """The file."""
    import typst  # by the program that draws, not by the daemon

    inputs = {"sheet": msgspec.json.encode(sheet).decode()}
    pdf = typst.compile(
        _PROGRAM, format="pdf", sys_inputs=inputs, ignore_system_fonts=True, pdf_standards=["ua-1"],
        timestamp=sheet.at // 1000,
    )  # fmt: skip
    assert isinstance(pdf, bytes)
    told = typst.query(_PROGRAM, "<place>", field="value", one=True, sys_inputs=inputs)
    return _with_field(pdf, msgspec.json.decode(told), sheet)


def _with_field(pdf: bytes, place: Any, sheet: Sheet) -> Drawn:
    """The file with an empty field for the signature in its place, which is part of its structure as the rest is."""
    import pikepdf
    from pikepdf import Array, Dictionary, Name, String

    with pikepdf.open(io.BytesIO(pdf)) as file:
        page = file.pages[place["page"] - 1]
        left, top = _points(place["x"]), float(page.mediabox[3]) - _points(place["y"])
        box = Array([left, top - FIELD_HEIGHT, left + FIELD_WIDTH, top])
        tree = file.Root.StructTreeRoot
        number = int(tree.get("/ParentTreeNextKey", 0))
        field = file.make_indirect(Dictionary(
            Type=Name.Annot, Subtype=Name.Widget, FT=Name.Sig, T=String(FIELD), Rect=box, F=132,
            P=page.obj, TU=String(f"{sheet.signature} {sheet.signer}"), StructParent=number,
        ))  # fmt: skip
        document = _document_of(tree)
        form = file.make_indirect(Dictionary(
            Type=Name.StructElem, S=Name.Form, P=document, Pg=page.obj,
            Alt=String(f"{sheet.signature} {sheet.signer}"),
            K=Dictionary(Type=Name.OBJR, Obj=field, Pg=page.obj),
        ))  # fmt: skip
        document.K = Array([*_children(document), form])
        _add_parent(tree, number, form)
        page.obj.Annots = Array([*(page.obj.get("/Annots") or []), field])
        page.obj.Tabs = Name.S
        file.Root.AcroForm = file.make_indirect(Dictionary(Fields=Array([field])))
        out = io.BytesIO()
        file.save(out, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.disable)
        return Drawn(out.getvalue(), len(file.pages))


def _points(length: str) -> float:
    """A length as the typesetter tells it: `70.87pt`."""
    return float(length.removesuffix("pt"))


def _document_of(tree: Any) -> Any:
    """The element that all others are in."""
    from pikepdf import Array

    top = tree.K
    return top[0] if isinstance(top, Array) else top


def _children(element: Any) -> list[Any]:
    from pikepdf import Array

    inside = element.get("/K")
    if inside is None:
        return []
    return list(inside) if isinstance(inside, Array) else [inside]


def _add_parent(tree: Any, number: int, form: Any) -> None:
    """By its number the field finds its element (ISO 32000-1, 14.7.4.4); a tree of numbers is in order."""
    from pikepdf import NumberTree

    NumberTree(tree.ParentTree)[number] = form
    tree.ParentTreeNextKey = number + 1


def main() -> None:
    """Read a sheet, write what was drawn: the program. It knows no secret."""
    bound(MEMORY_BYTES_MAX, CPU_SECONDS_MAX)
    follow_reader()
    leave_network()
    sheet = msgspec.json.decode(sys.stdin.buffer.read(), type=Sheet)
    drawn = msgspec.msgpack.encode(draw(sheet))
    lose_reader()
    sys.stdout.buffer.write(drawn)


if __name__ == "__main__":
    main()
