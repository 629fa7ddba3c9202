"""What a file says to its client by mail, in French and English. Pure functions, plain text.

The rule: no link, no name, no number of the file: whoever reads over a shoulder learns that there is one.
Source: spec.md S7, S14; docs/onboarding.md.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from comptoir.actors.invitation.messages import Language

__all__ = ["reminder_mail"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "IDENTITY": ("une pièce d'identité", "an identity document"),
    "PROOF_OF_RESIDENCE": ("un justificatif de domicile", "a proof of residence"),
    "TAX_DECLARATION": ("un avis d'imposition", "a tax declaration"),
    "ARTICLES": ("les statuts", "the articles"),
    "REGISTER_EXTRACT": ("un extrait du registre", "an extract of the register"),
    "BENEFICIAL_OWNERS": ("la liste des bénéficiaires effectifs", "the list of beneficial owners"),
    "TRUST_DEED": ("l'acte du trust", "the trust deed"),
    "CONTRACT": ("le contrat", "the contract"),
}


def reminder_mail(language: Language, missing: Sequence[str], expires_at: int) -> tuple[str, str]:
    """Subject and text of the mail that reminds of a file.

    Args:
        language: of the client.
        missing: types of documents that are still to be sent; none: its profile is not complete.
        expires_at: business time, ms since 1970.
    """
    until = (_EPOCH + timedelta(milliseconds=expires_at)).strftime("%Y-%m-%d %H:%M UTC")
    column = 0 if language == "fr" else 1
    wanted = "\n".join(f"- {_NAMES[x][column]}" for x in missing)
    if language == "fr":
        items = wanted or "- des informations de votre profil"
        return "Votre dossier vous attend", (
            f"Bonjour,\n\nil manque à votre dossier :\n\n{items}\n\nIl reste ouvert jusqu'au {until}. Pour y "
            "accéder, utilisez le dernier lien que vous avez reçu ; s'il n'est plus valable, sa page vous dit comment en "
            "avoir un autre.\n"
        )
    items = wanted or "- information of your profile"
    return "Your file is waiting for you", (
        f"Hello,\n\nyour file still needs:\n\n{items}\n\nIt stays open until {until}. To get to it, use the last "
        "link that you were sent; if it is over, its page tells you how to get another one.\n"
    )
