"""What a file is, and what it holds besides: found in each, and in what is well nothing.

Source: spec.md S19; check-command contract, kind `document`; docs/documents.md.
"""

import io
from collections.abc import Callable, Mapping

import pikepdf
import pytest
from PIL import Image, ImageFilter

from comptoir.actors.inspection.flags import FLAGS, Weight, is_accepted
from comptoir.actors.inspection.looking import look
from comptoir.actors.inspection.report import Report, Task
from comptoir.actors.sighting.machine import LOOK_BITS_MAX, bits_apart
from tests.actors.inspection.hostile import jpeg, page, pdf_with, png, zipped

Change = Callable[[pikepdf.Pdf], None]


def looked(data: bytes, **task: str) -> Report:
    """What is found in a file, in this process."""
    return look(data, Task(**task), None)  # type: ignore[arg-type]  # texts alone


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (pdf_with(), "application/pdf"),
        (jpeg(), "image/jpeg"),
        (jpeg(progressive=True), "image/jpeg"),
        (png(), "image/png"),
        (b"\n" + pdf_with(), "application/pdf"),
        (pdf_with() + b"\r\n \n", "application/pdf"),
        (pdf_with(linearize=True), "application/pdf"),
    ],
)
def test_what_is_well_has_no_flag(data: bytes, media_type: str) -> None:
    """S19: its type is told by its content, its pages are counted, and it is taken."""
    report = looked(data)
    assert (report.media_type, report.pages, report.flags) == (media_type, 1, ())
    assert is_accepted(report.flags)
    assert len(report.look) == 128


@pytest.mark.parametrize(
    ("declared", "suffix", "flags"),
    [
        ("application/pdf", ".pdf", ("TYPE_MISMATCH", "EXTENSION_MISMATCH")),
        ("image/jpeg", ".jpg", ()),
        ("image/jpeg; q=1", "", ()),
        ("image/png", ".jpeg", ("TYPE_MISMATCH",)),
        ("", ".exe", ("EXTENSION_MISMATCH",)),
    ],
)
def test_content_is_held_against_name_and_word(
    declared: str, suffix: str, flags: tuple[str, ...]
) -> None:
    """S19: a JPEG that is sent or named as something else is to be sent again as what it is."""
    assert looked(jpeg(), declared_type=declared, suffix=suffix).flags == flags


@pytest.mark.parametrize("data", [b"", b"MZ\x90\x00", b"<html>", b"\xff\xd8", b"%PD", zipped(b"")])
def test_what_is_nothing_of_ours_is_unknown(data: bytes) -> None:
    """S19: neither PDF nor JPEG nor PNG."""
    report = looked(data)
    assert (report.media_type, report.flags) == (None, ("TYPE_UNKNOWN",))


@pytest.mark.parametrize(
    ("data", "flag"),
    [
        (zipped(jpeg()), "POLYGLOT"),
        (zipped(pdf_with()), "POLYGLOT"),
        (png() + pdf_with(), "POLYGLOT"),
        (b"GIF89a" + pdf_with(), "POLYGLOT"),
        (jpeg(comment=b"<script>alert(1)</script>"), "POLYGLOT"),
        (jpeg(comment=b"%PDF-1.4 1 0 obj"), "POLYGLOT"),
        (png() + b"<?php system($_GET['c']);", "POLYGLOT"),
        (jpeg() + b"maker's note", "TRAILING_DATA"),
        (pdf_with() + b"x" * 2000, "TRAILING_DATA"),
        (jpeg()[:-200], "TRUNCATED"),
        (png()[:-40], "TRUNCATED"),
        (pdf_with()[:-300], "TRUNCATED"),
        (png()[:60] + b"\xff" * 40 + png()[100:], "DAMAGED"),
        (jpeg(page(150, 150)), "IMAGE_TOO_SMALL"),
    ],
)
def test_two_things_at_once_and_half_a_thing(data: bytes, flag: str) -> None:
    """S19: polyglots, what is cut off, what does not decode."""
    assert flag in looked(data).flags


def _named(pdf: pikepdf.Pdf) -> None:
    pdf.attachments["a.exe"] = b"MZ"


def _opens(action: Mapping[str, object]) -> Change:
    def change(pdf: pikepdf.Pdf) -> None:
        pdf.Root.OpenAction = pikepdf.Dictionary({f"/{key}": x for key, x in action.items()})

    return change


def _hidden(pdf: pikepdf.Pdf) -> None:
    """A script in the annotation of a page, and a step of another action."""
    inner = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
    outer = pikepdf.Dictionary(S=pikepdf.Name.GoTo, D="x", Next=pikepdf.Array([inner]))
    link = pikepdf.Dictionary(
        Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9], A=outer
    )
    pdf.pages[0].Annots = pikepdf.Array([link])


def _blank(pdf: pikepdf.Pdf) -> None:
    del pdf.pages[0]


def _many(pdf: pikepdf.Pdf) -> None:
    for _ in range(100):
        pdf.pages.append(pdf.pages[0])


def _when_closed(pdf: pikepdf.Pdf) -> None:
    pdf.Root.AA = pikepdf.Dictionary()


def _sends(pdf: pikepdf.Pdf) -> None:
    action = pikepdf.Dictionary(S=pikepdf.Name.SubmitForm, F="http://x")
    pdf.pages[0].Annots = pikepdf.Array([pikepdf.Dictionary(A=action)])


NOTHING: set[str] = set()
SCRIPT = {"S": pikepdf.Name.JavaScript, "JS": "app.alert(1)"}


@pytest.mark.parametrize(
    ("change", "flags"),
    [
        (_opens(SCRIPT), {"PDF_JAVASCRIPT", "PDF_AUTOMATIC_ACTION"}),
        (_opens({"S": pikepdf.Name.Launch, "F": "calc.exe"}), {"PDF_LAUNCH", "PDF_AUTOMATIC_ACTION"}),
        (_opens({"S": pikepdf.Name.GoTo, "D": "x"}), NOTHING),
        (_hidden, {"PDF_JAVASCRIPT"}),
        (_named, {"PDF_EMBEDDED_FILE"}),
        (_blank, {"PDF_NO_PAGES"}),
        (_many, {"PDF_PAGES_TOO_MANY"}),
        (_when_closed, {"PDF_AUTOMATIC_ACTION"}),
        (_sends, {"PDF_EXTERNAL_REFERENCE"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("packed", [False, True])
def test_what_does_something_is_found_wherever_it_stands(
    change: Change, flags: set[str], packed: bool
) -> None:
    """S19: scripts, programs, files, actions, in objects of their own and in packed ones."""
    mode = pikepdf.ObjectStreamMode.generate if packed else pikepdf.ObjectStreamMode.disable
    report = looked(pdf_with(change, object_stream_mode=mode))
    assert set(report.flags) == flags


def test_an_encrypted_pdf_is_asked_for_again() -> None:
    """S19: nobody can read it; nor where only its changing is barred."""
    for password in ("", "secret"):
        locked = pdf_with(encryption=pikepdf.Encryption(owner="owner", user=password))
        assert looked(locked).flags == ("PDF_ENCRYPTED",)


def test_a_later_change_of_a_pdf_is_told() -> None:
    """S19: what was added after it was made is no crime (a signature is), but it is told."""
    first = pdf_with()
    at = first.rfind(b"startxref")
    table = first[at:].split()[1]
    later = b"1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
    size = len(first)
    appended = (
        first + later + b"xref\n1 1\n%010d 00000 n \ntrailer\n<</Size 9/Root 1 0 R/Prev %b>>\n"
        b"startxref\n%d\n%%%%EOF\n" % (size, table, size + len(later))
    )  # fmt: skip
    report = looked(appended)
    assert "PDF_INCREMENTAL" in report.flags
    assert "PDF_INCREMENTAL" not in looked(first).flags


@pytest.mark.parametrize("at", range(300, 900, 100))
def test_damage_never_passes_unseen_as_something_else(at: int) -> None:
    """S19: a PDF with a hole is damaged, or is still a PDF; looking ends in a report."""
    whole = pdf_with()
    holed = whole[:at] + b"\0" * 60 + whole[at + 60 :]
    report = looked(holed)
    assert report.media_type == "application/pdf"
    assert set(report.flags) <= FLAGS.keys()


def test_a_camera_tells_more_than_a_picture() -> None:
    """S19, S35: that there are metadata, a place and a program that edits is told; what they say is not."""
    exif = Image.Exif()
    exif[0x0131] = "Adobe Photoshop 26.1"
    exif.get_ifd(0x8825)[1] = "N"
    report = looked(jpeg(exif=exif.tobytes()))
    assert report.flags == ("IMAGE_METADATA", "IMAGE_PLACE", "IMAGE_EDITED")
    assert is_accepted(report.flags)


def test_a_copy_looks_alike_and_another_page_does_not() -> None:
    """S19: scaled, compressed anew, blurred, or put in a PDF, a page is known by its look."""
    original = looked(png()).look
    copies = (
        jpeg(quality=30),
        jpeg(page().resize((450, 600))),
        jpeg(page().filter(ImageFilter.GaussianBlur(3))),
        pdf_with(),
    )
    for copy in copies:
        assert bits_apart(looked(copy).look, original) <= LOOK_BITS_MAX
    other = Image.linear_gradient("L").resize((600, 800)).rotate(40)
    assert bits_apart(looked(jpeg(other)).look, original) > 4 * LOOK_BITS_MAX
    assert looked(jpeg(Image.new("L", (600, 800), 255))).look == "", "nothing to see has no look"


def test_a_picture_is_turned_as_its_camera_says() -> None:
    """S19: a photograph that was taken on its side has the look of one that was not."""
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = io.BytesIO()
    page().rotate(90, expand=True).save(turned, "JPEG", exif=exif.tobytes())
    assert bits_apart(looked(turned.getvalue()).look, looked(jpeg()).look) <= 6


def test_every_flag_has_a_weight_and_a_code_of_capitals() -> None:
    """interface.md 1: codes are stable; what refuses is more than a note."""
    assert all(code.replace("_", "").isupper() for code in FLAGS)
    assert FLAGS["PDF_JAVASCRIPT"] is Weight.REFUSE
    assert not is_accepted(("IMAGE_METADATA", "PDF_LAUNCH"))
