"""Why a connection cannot be read now, and what its person must do: in words of ours, whoever its provider is.

Rule: one row for each condition; a provider's own words end in its adapter. What a person is told to do is
told in French and in English, beside the code of S66 that a request would meet.

Source: spec.md S51, S66, X20; protocols.md 5.1.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from comptoir.actors.connection.messages import Condition

__all__ = ["CONDITIONS", "CONSENT_ENDED", "NONE", "PERSON", "TIME", "Meaning", "condition_of"]

PERSON: Final = "person"
"""Its person ends it, by a renewal (POST .../renew) or at their bank."""
TIME: Final = "time"
"""It ends by itself: the provider tries again."""
NONE: Final = "none"
"""Nobody on this side can end it."""
CONSENT_ENDED: Final = "consent_ended"
UNKNOWN: Final = "unknown"
_EXPIRED: Final = "BANK_CONNECTION_EXPIRED"
_UNAVAILABLE: Final = "BANK_PROVIDER_UNAVAILABLE"


class Meaning(NamedTuple):
    """One row."""

    remedy: str
    code: str
    """Of S66."""
    fr: str
    en: str


_WAIT_FR, _WAIT_EN = "Aucune : nous réessayons automatiquement", "None: we try again by ourselves"
CONDITIONS: Final[Mapping[str, Meaning]] = MappingProxyType({
    CONSENT_ENDED: Meaning(
        PERSON, _EXPIRED, "Renouveler l'accès à la banque", "Renew the access to the bank"
    ),
    "authentication_required": Meaning(
        PERSON, _EXPIRED, "S'authentifier à nouveau auprès de la banque", "Sign in at the bank again"
    ),
    "information_required": Meaning(
        PERSON, _EXPIRED, "Donner le code ou l'information que la banque demande",
        "Give the code or the information that the bank asks for",
    ),
    "confirmation_required": Meaning(
        PERSON, _EXPIRED, "Valider l'accès dans l'application de la banque",
        "Confirm the access in the bank's app",
    ),
    "action_at_bank_required": Meaning(
        PERSON, _EXPIRED, "Se connecter au site de la banque et suivre ses indications, puis renouveler l'accès",
        "Sign in at the bank's site and do what it asks for, then renew the access",
    ),
    "password_expired": Meaning(
        PERSON, _EXPIRED, "Changer le mot de passe sur le site de la banque, puis renouveler l'accès",
        "Change the password at the bank's site, then renew the access",
    ),
    "credentials_wrong": Meaning(
        PERSON, _EXPIRED, "Renouveler l'accès avec les identifiants à jour",
        "Renew the access with the right credentials",
    ),
    "inactive": Meaning(
        PERSON, _EXPIRED, "Réactiver la connexion en renouvelant l'accès",
        "Make the connection active again by renewing the access",
    ),
    "validating": Meaning(TIME, _UNAVAILABLE, _WAIT_FR, _WAIT_EN),
    "rate_limited": Meaning(TIME, _UNAVAILABLE, _WAIT_FR, _WAIT_EN),
    "bank_unavailable": Meaning(TIME, _UNAVAILABLE, _WAIT_FR, _WAIT_EN),
    "provider_fault": Meaning(
        NONE, _UNAVAILABLE, "Aucune : le prestataire est en train de corriger l'erreur",
        "None: the provider is repairing it",
    ),
    "not_supported": Meaning(
        NONE, _UNAVAILABLE, "Relier une autre carte : cette banque n'est plus prise en charge",
        "Link another card: this bank is not supported any more",
    ),
    UNKNOWN: Meaning(
        NONE, _UNAVAILABLE, "Contacter le support", "Contact support"
    ),
})  # fmt: skip


def condition_of(name: str, next_try: int = 0) -> Condition:
    """A condition by its name; one that no row names cannot be ended by anybody here."""
    known = name if name in CONDITIONS else UNKNOWN
    return Condition(known, CONDITIONS[known].remedy, next_try)
