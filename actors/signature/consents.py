"""What whoever signs in the portal agrees to, word for word, by version.

The rule: a text that was shown to somebody is never changed: another text is another version, and what a contract was
signed under stays here. The digests of all of them are held by a test.
Source: Regulation (EU) 910/2014 (eIDAS), articles 3(11), 25, 26; 15 U.S.C. 7001(c) (ESIGN: consent of consumers to
electronic records); spec.md S6, S28.
"""

from collections.abc import Mapping
from typing import Final

__all__ = ["CONSENTS", "TEXTS"]

CONSENTS: Final = ("read-1", "electronic-1")
"""All of these are agreed to, or nothing is signed."""
TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "read-1": {
        "en": "I have read this contract and I agree to it.",
        "fr": "J'ai lu ce contrat et je l'accepte.",
    },
    "electronic-1": {
        "en": (
            "I agree to sign it electronically and to receive it and what belongs to it in electronic form. I can open, "
            "print and keep it as a PDF file. Until I sign I may refuse, without giving a reason, and ask for paper "
            "instead; what I have signed stays signed. My signature is an advanced electronic signature by a "
            "one-time code that was sent to me, sealed by the house with its evidence; it is no qualified signature."
        ),
        "fr": (
            "J'accepte de le signer par voie électronique et de le recevoir, avec ses pièces, sous forme électronique. Je "
            "peux l'ouvrir, l'imprimer et le conserver au format PDF. Tant que je n'ai pas signé, je peux refuser sans "
            "donner de raison et demander un exemplaire papier ; ce que j'ai signé reste signé. Ma signature est une "
            "signature électronique avancée par un code à usage unique qui m'a été envoyé, scellée par la maison avec "
            "ses preuves ; ce n'est pas une signature qualifiée."
        ),
    },
}
"""Version -> language -> text."""
