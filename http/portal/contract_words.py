"""What the page of a contract says, in French and English.

Source: spec.md S2, S6, S28; WCAG 2.2 (3.1.5: short sentences); 15 U.S.C. 7001(c).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from comptoir.http.page import Language

__all__ = ["OF_CONTRACT"]

OF_CONTRACT: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType({
    "fr": MappingProxyType({
        "title": "Votre contrat", "lead": "Lisez le contrat avant de le signer. Vous pouvez l'imprimer et le conserver.",
        "read": "Lire le contrat (PDF)", "signed": "Le contrat est signé.", "keep": "Conserver le contrat signé (PDF)",
        "over": "Ce contrat ne peut plus être signé. Adressez-vous à votre conseiller.",
        "elsewhere": "Ce contrat se signe par le message qui vous a été envoyé.",
        "there": "Ce contrat se lit et se signe chez notre prestataire de signature. Vous reviendrez ici ensuite.",
        "on": "Lire et signer le contrat", "going": "Vous allez chez notre prestataire de signature.",
        "returned": "Merci. Nous attendons le mot de notre prestataire de signature.", "look": "Voir où en est le contrat",
        "away": "La signature n'est pas possible en ce moment. Réessayez dans quelques minutes.",
        "SIGNATURE_NOT_READY": "Le contrat se prépare. Revenez dans un instant.",
        "SIGNATURE_ELSEWHERE": "Ce contrat se signe par le message qui vous a été envoyé.",
        "preparing": "Le contrat se prépare. Revenez dans un instant.",
        "want": "J'ai lu le contrat : recevoir mon code", "sent": "Un code à six chiffres vous a été envoyé.",
        "code": "Code à six chiffres", "sign": "Signer le contrat", "decline_title": "Ne pas signer",
        "reason": "Pourquoi (facultatif)", "decline": "Refuser le contrat", "declined": "Vous avez refusé ce contrat.",
        "used_up": "Il n'est plus envoyé de code. Le dernier reste valable quelques minutes.",
        "wrong": "Ce code n'a pas été accepté. Essais restants : {left}.",
        "SIGNATURE_OVER": "Le délai de signature est passé.", "SIGNATURE_UNREAD": "Ouvrez d'abord le contrat.",
        "SIGNATURE_STALE": "Le contrat a changé : relisez-le.", "CONSENT_MISSING": "Acceptez chaque texte pour signer.",
        "SIGNATURE_CODE_NEEDED": "Un nouveau code est nécessaire.", "NOT_FOUND": "Ce contrat n'est plus là.",
    }),
    "en": MappingProxyType({
        "title": "Your contract", "lead": "Read the contract before you sign it. You can print and keep it.",
        "read": "Read the contract (PDF)", "signed": "The contract is signed.", "keep": "Keep the signed contract (PDF)",
        "over": "This contract cannot be signed any more. Ask your advisor.",
        "elsewhere": "This contract is signed by the message that was sent to you.",
        "there": "This contract is read and signed with our signature provider. You will come back here.",
        "on": "Read and sign the contract", "going": "You are going on to our signature provider.",
        "returned": "Thank you. We are waiting for word from our signature provider.", "look": "See how the contract stands",
        "away": "It cannot be signed just now. Try again in a few minutes.",
        "SIGNATURE_NOT_READY": "The contract is being prepared. Come back in a moment.",
        "SIGNATURE_ELSEWHERE": "This contract is signed by the message that was sent to you.",
        "preparing": "The contract is being prepared. Come back in a moment.",
        "want": "I have read the contract: send me my code", "sent": "A code of six digits was sent to you.",
        "code": "Code of six digits", "sign": "Sign the contract", "decline_title": "Not to sign",
        "reason": "Why (you need not say)", "decline": "Decline the contract", "declined": "You have declined this contract.",
        "used_up": "No more codes are sent. The last one stays good for some minutes.",
        "wrong": "This code was not accepted. Tries left: {left}.",
        "SIGNATURE_OVER": "The time to sign it has passed.", "SIGNATURE_UNREAD": "Open the contract first.",
        "SIGNATURE_STALE": "The contract has changed: read it again.", "CONSENT_MISSING": "Agree to every text to sign.",
        "SIGNATURE_CODE_NEEDED": "Another code is needed.", "NOT_FOUND": "This contract is not there any more.",
    }),
})  # fmt: skip
