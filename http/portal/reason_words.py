"""What a client is told of a document that is to be sent again, in French and English.

The rule: the same as in English (document_reasons.py), no more and no less; of what became of an upload the words of its
problem say what to do. A test holds the table to the codes that a client may hear.
Source: interface.md 8 (rows c1); spec.md S2, S19; docs/documents.md.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from comptoir.http.document_reasons import REASONS
from comptoir.http.page import Language
from comptoir.http.problems import row_of

__all__ = ["FRENCH", "told_of"]

_AGAIN: Final = (
    "Le fichier est endommagé ou incomplet : enregistrez-le ou photographiez-le à nouveau."
)
_PLAIN: Final = "Le fichier fait des choses dont un document n'a pas besoin : imprimez-le en PDF, et envoyez ce PDF."
_LARGE: Final = "Le fichier dépasse ce qui peut être examiné : envoyez moins de pages, ou des images plus petites."

FRENCH: Final[Mapping[str, str]] = MappingProxyType({
    "TYPE_UNKNOWN": "Le fichier n'est ni un PDF ni un JPEG.",
    "TYPE_MISMATCH": "Le fichier est d'un autre type que celui annoncé.",
    "EXTENSION_MISMATCH": "Le fichier est d'un autre type que son nom ne le dit.",
    "POLYGLOT": "Le fichier est de deux sortes à la fois.",
    "TRAILING_DATA": "Le fichier continue après sa fin.",
    "DAMAGED": _AGAIN,
    "TRUNCATED": _AGAIN,
    "PDF_ENCRYPTED": "Le PDF est protégé : envoyez-le sans mot de passe et sans restrictions.",
    "PDF_JAVASCRIPT": _PLAIN,
    "PDF_LAUNCH": _PLAIN,
    "PDF_AUTOMATIC_ACTION": _PLAIN,
    "PDF_EMBEDDED_FILE": _PLAIN,
    "PDF_EXTERNAL_REFERENCE": _PLAIN,
    "PDF_FORM": "Le PDF contient un formulaire.",
    "PDF_INCREMENTAL": "Le PDF a été modifié après sa création.",
    "PDF_NO_PAGES": "Le PDF n'a pas de page.",
    "PDF_PAGES_TOO_MANY": _LARGE,
    "PDF_TOO_COMPLEX": _LARGE,
    "IMAGE_TOO_LARGE": _LARGE,
    "IMAGE_TOO_SMALL": "L'image est trop petite pour être lue.",
    "IMAGE_METADATA": "L'image en dit plus qu'elle ne montre : quand et comment elle a été prise.",
    "IMAGE_PLACE": "L'image dit où elle a été prise.",
    "IMAGE_EDITED": "L'image a été retouchée.",
    "ZONE_UNREADABLE": "Les lignes de lettres et de < au bord du document ne se lisent pas : photographiez-le en entier, à plat et net.",
    "TEXT_UNREADABLE": "Le document ne se lit pas : envoyez-le plus net, ou le PDF que l'on vous a remis.",
    "DATE_NOT_FOUND": "Aucune date n'a été trouvée sur le document.",
    "PROOF_TOO_OLD": "Le document a plus de trois mois.",
    "DOCUMENT_EXPIRED": "Le document a expiré.",
    "DATA_INCONSISTENT": "Le document dit autre chose que ce qui a été déclaré.",
    "ADDRESS_DIFFERS": "Le document dit une autre adresse que celle déclarée.",
    "NATIONALITY_DIFFERS": "Le document dit une autre nationalité que celle déclarée.",
    "TAX_RESIDENCE_DIFFERS": "L'avis est d'un autre pays que ceux où les impôts sont déclarés.",
    "TAX_NUMBER_DIFFERS": "L'avis porte un autre numéro fiscal que celui déclaré.",
    "TAX_YEAR_DIFFERS": "L'avis est d'une autre année que celle déclarée.",
    "TAX_INCOME_DIFFERS": "L'avis dit un autre revenu que celui déclaré.",
    "KNOWN_REFUSED": "Ce même fichier a déjà été refusé.",
    "INSPECTION_TOO_LONG": _LARGE,
    "INSPECTION_TOO_LARGE": _LARGE,
    "INSPECTION_FAILED": _AGAIN,
})  # fmt: skip


def told_of(code: str, language: Language) -> str:
    """A sentence for a code; plain, to be escaped."""
    if code in FRENCH:
        return FRENCH[code] if language == "fr" else REASONS[code]
    row = row_of(code)
    return f"{row.fr}." if language == "fr" else f"{row.en}."
