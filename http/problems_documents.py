"""What an upload, a document and its file may be told: rows of the table of problems (problems.py has the rule).

Source: spec.md S12, S14, S19; docs/uploads.md.
"""

from collections.abc import Mapping
from typing import Final

from comptoir.http.problem_rows import LATER_EN, LATER_FR, Problem

__all__ = ["OF_DOCUMENTS"]

OF_DOCUMENTS: Final[Mapping[str, Problem]] = {
    "UPLOAD_SIGNATURE_INVALID": Problem(
        401, "Address not signed by us", "The address is not one that was given out here, or was changed.",
        "Demander une nouvelle adresse d'envoi", "Ask for a new upload address",
    ),
    "UPLOAD_EXPIRED": Problem(
        410, "Address over", "The time of this upload address is over.",
        "Demander une nouvelle adresse d'envoi", "Ask for a new upload address",
    ),
    "UPLOAD_USED": Problem(
        409, "Address used", "Something was uploaded to this address before; it is kept as it is.",
        "Demander une nouvelle adresse d'envoi", "Ask for a new upload address",
    ),
    "UPLOAD_TYPE_MISMATCH": Problem(
        415, "Another type", "The Content-Type is not the one for which the address was given.",
        "Envoyer le format annoncé", "Send the type that was announced",
    ),
    "UPLOAD_TOO_LONG": Problem(
        413, "Longer than announced", "More bytes than those for which the address was given.",
        "Envoyer exactement le fichier annoncé", "Send exactly the file that was announced",
    ),
    "UPLOAD_TOO_SHORT": Problem(
        422, "Shorter than announced", "Fewer bytes than those for which the address was given.",
        "Envoyer exactement le fichier annoncé", "Send exactly the file that was announced",
    ),
    "UPLOAD_DIGEST_MISMATCH": Problem(
        422, "Other bytes than announced", "The SHA-256 is not the one for which the address was given.",
        "Envoyer exactement le fichier annoncé", "Send exactly the file that was announced",
    ),
    "UPLOAD_NO_ROOM": Problem(
        503, "No room", "There is no room for this document now; nothing of it was kept.",
        LATER_FR, LATER_EN, True, 60,
    ),
    "OBJECTS_UNAVAILABLE": Problem(
        503, "Store of documents unavailable", "The store of documents does not answer; nothing was changed.",
        LATER_FR, LATER_EN, True, 5,
    ),
    "SCREENING_UNAVAILABLE": Problem(
        503, "Screening unavailable", "The watch lists are not all there yet, or are not answered for; nobody is cleared.",
        LATER_FR, LATER_EN, True, 10,
    ),
    "UPLOAD_MISSING": Problem(
        409, "Nothing uploaded", "Nothing has arrived at the upload address yet.",
        "Envoyer le document, puis confirmer", "Upload the document, then complete it",
    ),
    "UPLOAD_OTHER": Problem(
        409, "Something else uploaded", "What was uploaded is not what was announced; it was deleted.",
        "Renvoyer le document", "Send the document again",
    ),
    "DOCUMENT_FORMAT_REFUSED": Problem(
        409, "Format not taken", "Documents of this media type are not taken here.",
        "Convertir le document en PDF", "Convert the document to PDF",
    ),
    "DOCUMENT_TOO_LARGE": Problem(
        413, "Document too large", "The document is larger than is taken here.",
        "Réduire la taille du document", "Make the document smaller",
    ),
    "DOCUMENTS_TOO_MANY": Problem(
        409, "Too many documents", "The file has as many documents as it may have.",
        "Contacter votre conseiller", "Contact your advisor",
    ),
    "DOCUMENTS_CLOSED": Problem(
        409, "Documents closed", "The client is being assessed, or was, by the documents that were there.",
        "Contacter votre conseiller", "Contact your advisor",
    ),
    "ONBOARDING_OVER": Problem(
        409, "File over", "The time for the documents of this file is over.",
        "Demander un nouveau dossier à votre conseiller", "Ask your advisor for a new file",
    ),
}  # fmt: skip
