"""What a client is told of a document: a sentence for each code that may stand with it.

The rule: what is told of a document of one's own helps to send a better one, and no more: how a refusal was come by is
in docs/documents.md, not here. A test holds the table to the codes that there are.
Source: interface.md 8 (rows c1); docs/documents.md.
"""

from collections.abc import Mapping
from typing import Final

from comptoir.http.problem_rows import Problem
from comptoir.http.problems import row_of

__all__ = ["REASONS", "reason_of"]

_AGAIN: Final = (
    "The file is damaged or not complete: save or photograph it anew, and send it again."
)
_PLAIN: Final = (
    "The file does things that a document need not do: print it to a new PDF, and send that."
)
_LARGE: Final = "The file is more than can be looked at: send fewer pages, or smaller pictures."

REASONS: Final[Mapping[str, str]] = {
    "TYPE_UNKNOWN": "The file is neither a PDF nor a JPEG.",
    "TYPE_MISMATCH": "The file is of another type than was announced.",
    "EXTENSION_MISMATCH": "The file is of another type than its name says.",
    "POLYGLOT": "The file is two kinds of file at once.",
    "TRAILING_DATA": "The file goes on after its end.",
    "DAMAGED": _AGAIN,
    "TRUNCATED": _AGAIN,
    "PDF_ENCRYPTED": "The PDF is protected: send one without a password and without restrictions.",
    "PDF_JAVASCRIPT": _PLAIN,
    "PDF_LAUNCH": _PLAIN,
    "PDF_AUTOMATIC_ACTION": _PLAIN,
    "PDF_EMBEDDED_FILE": _PLAIN,
    "PDF_EXTERNAL_REFERENCE": _PLAIN,
    "PDF_FORM": "The PDF has a form.",
    "PDF_INCREMENTAL": "The PDF was changed after it was made.",
    "PDF_NO_PAGES": "The PDF has no pages.",
    "PDF_PAGES_TOO_MANY": _LARGE,
    "PDF_TOO_COMPLEX": _LARGE,
    "IMAGE_TOO_LARGE": _LARGE,
    "IMAGE_TOO_SMALL": "The picture is too small to be read.",
    "IMAGE_METADATA": "The picture says more than it shows: how and when it was taken.",
    "IMAGE_PLACE": "The picture says where it was taken.",
    "IMAGE_EDITED": "The picture was edited.",
    "ZONE_UNREADABLE": "The lines of letters and < at the edge of the document cannot be read: photograph it whole, flat and sharp.",
    "TEXT_UNREADABLE": "The document cannot be read: send it sharper, or as the PDF that you were given.",
    "DATE_NOT_FOUND": "No date was found on the document.",
    "PROOF_TOO_OLD": "The document is older than three months.",
    "DOCUMENT_EXPIRED": "The document has expired.",
    "DATA_INCONSISTENT": "The document says something else than was declared.",
    "ADDRESS_DIFFERS": "The document says another address than was declared.",
    "NATIONALITY_DIFFERS": "The document says another nationality than was declared.",
    "TAX_RESIDENCE_DIFFERS": "The notice is of another country than those in which taxes were declared to be paid.",
    "TAX_NUMBER_DIFFERS": "The notice has another tax number than was declared.",
    "TAX_YEAR_DIFFERS": "The notice is of another year than was declared.",
    "TAX_INCOME_DIFFERS": "The notice says another income than was declared.",
    "KNOWN_REFUSED": "This very file was refused before.",
    "DUPLICATE_IDENTITY": "The same identity document is in a file of somebody else.",
    "DUPLICATE_DOCUMENT": "The same document is in another file.",
    "LOOKS_ALIKE": "It says and looks like a document in another client's file, and is not the same file.",
    "LOOKS_REFUSED": "It looks like a document that was refused in another client's file.",
    "INSPECTION_TOO_LONG": _LARGE,
    "INSPECTION_TOO_LARGE": _LARGE,
    "INSPECTION_FAILED": _AGAIN,
}


def reason_of(code: str) -> dict[str, str]:
    """A code with its sentence; what is no finding is a problem of an upload."""
    if code in REASONS:
        return {"code": code, "text": REASONS[code]}
    row: Problem = row_of(code)
    return {"code": code, "text": row.detail}
