"""What a person is told who states a purchase of which nothing is kept, and what they can do.

Rule: one row for each reason, in French and in English, whoever their provider is.
Source: spec.md X23, S66; docs/matching.md.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from comptoir.actors.claim.messages import Reason

__all__ = ["REASONS", "Told"]


class Told(NamedTuple):
    """What to do, in both languages."""

    fr: str
    en: str


REASONS: Final[Mapping[Reason, Told]] = MappingProxyType({
    Reason.SEARCHING: Told(
        "Nous recherchons cet achat auprès de la banque : revenir plus tard",
        "We are looking for this purchase at the bank: come back later",
    ),
    Reason.NOT_AT_BANK: Told(
        "La banque n'a pas d'achat comptabilisé de ce montant, autour de ce jour et sous ce libellé : vérifier le"
        " relevé, et redemander une fois l'achat comptabilisé",
        "The bank has no booked purchase of this amount, about this day and with this label: check the statement, and"
        " ask again once it is booked",
    ),
    Reason.BEFORE_LINK: Told(
        "Aucune : l'achat est antérieur à l'accès donné à la banque",
        "None: the purchase is from before the access to the bank was given",
    ),
    Reason.CONSENT_LAPSED: Told(
        "Renouveler l'accès à la banque, puis redemander",
        "Renew the access to the bank, then ask again",
    ),
    Reason.CONSENT_REVOKED: Told(
        "Relier à nouveau la carte : l'accès à la banque a été retiré",
        "Link the card again: the access to the bank was withdrawn",
    ),
    Reason.NO_ACCESS: Told(
        "Relier la carte à la banque, puis redemander", "Link the card at the bank, then ask again"
    ),
    Reason.OTHER_CURRENCY: Told(
        "Aucune : seuls les achats dans la devise du programme rapportent des points",
        "None: only purchases in the programme's currency earn points",
    ),
    Reason.ASKED_TOO_OFTEN: Told(
        "Redemander demain : trop d'achats de cette carte ont été recherchés",
        "Ask again tomorrow: too many purchases of this card were looked for",
    ),
    Reason.PROVIDER_REFUSED: Told(
        "Contacter le support : la banque a refusé la recherche",
        "Contact support: the bank has refused to look",
    ),
    Reason.PROVIDER_SILENT: Told(
        "Redemander : la banque n'a pas répondu", "Ask again: the bank has not answered"
    ),
})  # fmt: skip
