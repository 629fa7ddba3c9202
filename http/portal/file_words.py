"""What the page of a client's file says, in French and English: documents, fields, and what is to be done.

The rule: short sentences, and every field of a profile by a name that a person knows; texts are plain, to be escaped.
Source: spec.md S1, S2, S19; WCAG 2.2 (3.1.5); docs/onboarding.md.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from comptoir.http.page import Language

__all__ = ["DOCUMENTS", "FIELDS", "OF_FILE", "ROLES", "field_name"]

DOCUMENTS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType({
    "IDENTITY": ("Pièce d'identité", "Identity document"),
    "PROOF_OF_RESIDENCE": ("Justificatif de domicile", "Proof of residence"),
    "TAX_DECLARATION": ("Avis d'imposition", "Tax declaration"),
    "ARTICLES": ("Statuts", "Articles"),
    "REGISTER_EXTRACT": ("Extrait du registre", "Extract of the register"),
    "BENEFICIAL_OWNERS": ("Liste des bénéficiaires effectifs", "List of beneficial owners"),
    "TRUST_DEED": ("Acte du trust", "Trust deed"),
    "CONTRACT": ("Contrat", "Contract"),
})  # fmt: skip
ROLES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType({
    "beneficial_owner": ("un bénéficiaire effectif", "a beneficial owner"),
    "representative": ("un représentant", "a representative"),
    "settlor": ("un constituant", "a settlor"),
    "trustee": ("un trustee", "a trustee"),
})  # fmt: skip
FIELDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType({
    "address/street": ("Rue et numéro", "Street and number"),
    "address/city": ("Ville", "City"),
    "address/postalCode": ("Code postal", "Postal code"),
    "address/province": ("Province ou État", "Province or state"),
    "address/country": ("Pays", "Country"),
    "nationality": ("Nationalité", "Nationality"),
    "taxResidences": ("Pays d'imposition", "Countries in which taxes are paid"),
    "nationalId": ("Numéro national d'identité", "National id"),
    "nationalId/type": ("Type du numéro national d'identité", "Type of the national id"),
    "nationalId/country": ("Pays du numéro national d'identité", "Country of the national id"),
    "nationalId/number": ("Numéro national d'identité", "National id"),
    "occupation/status": ("Situation professionnelle", "Occupation"),
    "wealth/sourceOfFunds": ("Origine des fonds", "Source of funds"),
    "entity/name": ("Nom de l'entité", "Name of the entity"),
    "entity/country": ("Pays de l'entité", "Country of the entity"),
    "firstName": ("Prénom", "First name"),
    "lastName": ("Nom", "Last name"),
    "dateOfBirth": ("Date de naissance", "Date of birth"),
    "residenceCountry": ("Pays de résidence", "Country of residence"),
    "role": ("Rôle", "Role"),
    "control": ("Nature du contrôle", "Kind of control"),
    "sharePercent": ("Part en %", "Share in %"),
})  # fmt: skip
OF_FILE: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType({
    "fr": MappingProxyType({
        "title": "Votre dossier",
        "lead": "Voici ce qui manque encore. Rien d'autre ne vous est demandé.",
        "documents": "Documents à envoyer",
        "again": "À renvoyer :",
        "file": "Fichier PDF ou JPEG",
        "send": "Envoyer",
        "sending": "Envoi en cours, puis examen : cela peut prendre une minute. Gardez cette page ouverte.",
        "sent": "Envoyé.",
        "anew": "Recharger la page quand vous aurez fini",
        "failed": "L'envoi n'a pas abouti. Vérifiez le fichier et réessayez.",
        "no_script": "L'envoi depuis cette page demande JavaScript, que ce navigateur n'exécute pas.",
        "looking": "Documents en cours d'examen",
        "there": "Documents reçus",
        "fields": "Informations à compléter",
        "fields_text": "À compléter dans votre application, ou avec votre conseiller :",
        "save": "Enregistrer",
        "how_country": "Code du pays en deux lettres, comme FR.",
        "how_province": "Deux ou trois lettres, comme QC.",
        "how_code": "Lettres, chiffres, espaces, points, tirets ou barres : 32 signes au plus.",
        "how_number": "Tel qu'il vous a été donné, tous ses chiffres.",
        "how_text": "Sans signe de contrôle, et {most} signes au plus.",
        "how_choice": "Choisissez dans la liste.",
        "unfit": "Plus court, ou sans signe particulier : notre registre ne peut l'avoir ainsi.",
        "wrong_field": "À vérifier : {field}.",
        "not_saved": "Cela n'a pas été enregistré. Réessayez, ou adressez-vous à votre conseiller.",
        "until": "Votre dossier reste ouvert jusqu'au {until}.",
        "nothing": "Il ne manque rien à votre dossier. Nous vous écrivons dès qu'il avance.",
        "examined": "Rien à envoyer pour le moment : ce que vous avez envoyé est en cours d'examen.",
        "contract": "Votre contrat vous attend",
        "declined": "Vous avez refusé le contrat. Adressez-vous à votre conseiller pour en avoir un autre.",
        "expired": "Le contrat n'a pas été signé à temps. Adressez-vous à votre conseiller pour en avoir un autre.",
        "no_contract": "Le contrat ne peut pas être signé pour le moment. Adressez-vous à votre conseiller.",
        "late": "Le temps prévu pour ce dossier est écoulé. Votre conseiller peut le reprendre avec vous.",
        "unsigned": "Le contrat n'a pas été signé à temps. Votre conseiller peut reprendre ce dossier avec vous.",
        "closed": "Ce dossier est clos. Pour toute question, adressez-vous à votre conseiller.",
        "nobody": "Vous n'êtes pas connecté à ce dossier",
        "nobody_text": "Votre session s'est fermée, ou ce dossier n'est pas le vôtre. Rouvrez le dernier lien que vous "
        "avez reçu, ou adressez-vous à votre conseiller.",
    }),
    "en": MappingProxyType({
        "title": "Your file",
        "lead": "This is what is still missing. Nothing else is asked of you.",
        "documents": "Documents to send",
        "again": "To be sent again:",
        "file": "PDF or JPEG file",
        "send": "Send",
        "sending": "It is being sent, and then looked at: that may take a minute. Keep this page open.",
        "sent": "Sent.",
        "anew": "Reload the page when you have finished",
        "failed": "It was not sent. Check the file and try again.",
        "no_script": "To send from this page takes JavaScript, which this browser does not run.",
        "looking": "Documents being looked at",
        "there": "Documents received",
        "fields": "Information to complete",
        "fields_text": "To be completed in your app, or with your advisor:",
        "save": "Save",
        "how_country": "Code of the country in two letters, such as FR.",
        "how_province": "Two or three letters, such as QC.",
        "how_code": "Letters, digits, blanks, dots, dashes or slashes: 32 characters at most.",
        "how_number": "As it was given to you, with all its digits.",
        "how_text": "No control characters, and {most} characters at most.",
        "how_choice": "Choose from the list.",
        "unfit": "Shorter, or without special characters: our records cannot have it so.",
        "wrong_field": "Please check: {field}.",
        "not_saved": "It was not saved. Try again, or ask your advisor.",
        "until": "Your file stays open until {until}.",
        "nothing": "Nothing is missing. We write to you as soon as your file goes on.",
        "examined": "Nothing to send for now: what you have sent is being looked at.",
        "contract": "Your contract is waiting for you",
        "declined": "You have declined the contract. Ask your advisor for another one.",
        "expired": "The contract was not signed in time. Ask your advisor for another one.",
        "no_contract": "The contract cannot be signed for now. Ask your advisor.",
        "late": "The time of this file is over. Your advisor can have it go on with you.",
        "unsigned": "The contract was not signed in time. Your advisor can have this file go on with you.",
        "closed": "This file is closed. If you have a question, ask your advisor.",
        "nobody": "You are not in this file",
        "nobody_text": "Your session has closed, or this file is not yours. Open the last link that you were sent, or ask "
        "your advisor.",
    }),
})  # fmt: skip


def field_name(path: str, language: Language) -> str:
    """What a person calls a field that is lacking; one that has no name here as the API has it."""
    column = 0 if language == "fr" else 1
    if path in FIELDS:
        return FIELDS[path][column]
    head, _, rest = path.partition("/")
    if head.startswith("parties:"):
        role = head.removeprefix("parties:")
        return ROLES[role][column] if role in ROLES else role
    if head == "taxNumbers":
        return ("Numéro fiscal", "Tax number")[column] + (f", {rest}" if rest else "")
    party, _, field = rest.partition("/")
    if head == "parties" and field in FIELDS:
        return f"{FIELDS[field][column]} ({party})"
    return path
