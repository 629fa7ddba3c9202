"""What people are told, in French and in English: one table, and how its rows are read.

Rules:
- a title and a text are seen on a locked screen: no name, no account, no partner, no amount of money, nothing
  that signs anybody in;
- numbers are written and plurals chosen as the language has them (CLDR: French counts nought as one thing);
- what may go by text message fits one: 160 characters of GSM 03.38, for which French goes without cedillas and circumflexes.

A field is `{points}`, or `{points|word|words}` for the word that goes with the number.

Source: spec.md S44, S52; Unicode CLDR 46, plural rules of fr and en; 3GPP TS 23.038, 6.2.1.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from comptoir.actors.gateways.messages import SendPush
from comptoir.actors.notification.messages import Category, Channel, Language

__all__ = [
    "DEFAULT_CHANNELS",
    "DEVICE_ADDED",
    "DIGEST",
    "TEMPLATES",
    "Template",
    "code_text",
    "is_urgent",
    "worded",
]

MINUTE_MS: Final = 60_000
DIGEST: Final = "digest"
"""Of several notices that have waited; its `points` are how many."""
DEVICE_ADDED: Final = "device_added"


class Wording(NamedTuple):
    """A notice in one language."""

    title: str
    text: str


class Template(NamedTuple):
    """A notice."""

    category: Category
    fr: Wording
    en: Wording


def _of(category: Category, fr: tuple[str, str], en: tuple[str, str]) -> Template:
    return Template(category, Wording(*fr), Wording(*en))


TEMPLATES: Final[Mapping[str, Template]] = MappingProxyType(
    {
        "points_credited": _of(
            "points",
            ("Cashback", "{points} {points|point crédité|points crédités}."),
            ("Cashback", "{points} {points|point|points} earned."),
        ),
        "points_expiring": _of(
            "points",
            (
                "Vos points",
                "{points} {points|point expire|points expirent} dans {days} {days|jour|jours}.",
            ),
            ("Your points", "{points} {points|point expires|points expire} in {days} {days|day|days}."),
        ),
        "tier_reached": _of(
            "points",
            ("Nouveau palier", "Vous avez atteint un nouveau palier. Merci de votre fidélité !"),
            ("New level", "You have reached a new level. Thank you for staying with us!"),
        ),
        "withdrawal_completed": _of(
            "withdrawals",
            ("Retrait", "{points} {points|point a été viré|points ont été virés}."),
            ("Withdrawal", "{points} {points|point was|points were} paid out."),
        ),
        "withdrawal_failed": _of(
            "withdrawals",
            ("Retrait", "Le virement a échoué : vos points sont de nouveau disponibles."),
            ("Withdrawal", "The transfer failed: your points are available again."),
        ),
        "withdrawal_returned": _of(
            "withdrawals",
            ("Retrait", "Le virement nous est revenu : vos points sont de nouveau disponibles."),
            ("Withdrawal", "The transfer came back: your points are available again."),
        ),
        "withdrawal_held": _of(
            "withdrawals",
            ("Retrait", "Nous vérifions votre virement, et vous tenons au courant."),
            ("Withdrawal", "We are checking your transfer, and will tell you."),
        ),
        "withdrawal_overdue": _of(
            "withdrawals",
            ("Retrait", "Votre virement prend plus de temps que prévu. Nous le suivons."),
            ("Withdrawal", "Your transfer takes longer than it should. We are following it up."),
        ),
        "consent_ending": _of(
            "connections",
            ("Votre banque", "Reconnectez-la d'ici {days} {days|jour|jours}."),
            ("Your bank", "Reconnect it within {days} {days|day|days}."),
        ),
        "consent_ended": _of(
            "connections",
            ("Votre banque", "La connexion a pris fin. Reconnectez votre banque."),
            ("Your bank", "The connection has ended. Reconnect your bank."),
        ),
        "connection_failed": _of(
            "connections",
            ("Votre banque", "Votre banque ne nous répond plus. Reconnectez-la."),
            ("Your bank", "Your bank does not answer us any more. Reconnect it."),
        ),
        DEVICE_ADDED: _of(
            "security",
            (
                "Nouvel appareil",
                "Un nouvel appareil affiche vos notifications. Ce n'est pas vous ? Retirez-le dans l'application.",
            ),
            (
                "New device",
                "A new device receives your notifications. Not you? Remove it in the app.",
            ),
        ),
        DIGEST: _of(
            "points",
            ("Pendant votre pause", "{points} {points|nouvelle|nouvelles} vous {points|attend|attendent}."),
            ("While it was quiet", "{points} {points|message is|messages are} waiting for you."),
        ),
    }
)  # fmt: skip
"""By the names that whoever has something to tell knows."""

DEFAULT_CHANNELS: Final[Mapping[Category, tuple[Channel, ...]]] = MappingProxyType(
    {
        "points": ("push",),
        "withdrawals": ("push", "mail"),
        "connections": ("push", "mail"),
        "security": ("push", "mail", "sms"),
    }
)
"""Of whoever has chosen nothing: a mail for each purchase would be the last that they read."""

_FIELD: Final = re.compile(r"\{(points|days)(?:\|([^|{}]*)\|([^|{}]*))?\}")
_GROUPS: Final[Mapping[Language, str]] = MappingProxyType({"fr": "\u202f", "en": ","})
"""Between thousands."""
_CODES: Final[Mapping[Language, Wording]] = MappingProxyType(
    {
        "fr": Wording(
            "Votre code", "{code} : votre code de confirmation, valable {minutes} min. Ne le donnez à personne."
        ),
        "en": Wording(
            "Your code", "{code}: your code to confirm this address, good for {minutes} min. Give it to nobody."
        ),
    }
)  # fmt: skip


def is_urgent(template: str) -> bool:
    """Whether quiet hours do not hold it, and text messages are worth their price."""
    return TEMPLATES[template].category == "security"


def worded(notice: SendPush, language: Language) -> Wording:
    """Title and text of a notice."""
    row = TEMPLATES[notice.template]
    wording = row.fr if language == "fr" else row.en
    numbers = {"points": notice.points, "days": notice.days}

    def written(field: "re.Match[str]") -> str:
        number, one, more = numbers[field[1]], field[2], field[3]
        if one is None:
            return f"{number:,}".replace(",", _GROUPS[language])
        return one if number == 1 or (number == 0 and language == "fr") else more

    return Wording(wording.title, _FIELD.sub(written, wording.text))


def code_text(code: str, life_ms: int, language: Language) -> Wording:
    """Subject and text of what carries a code. None is in the subject: telephones show those while they are
    locked.
    """
    wording = _CODES[language]
    text = wording.text.format(code=code, minutes=life_ms // MINUTE_MS)
    return Wording(wording.title, text)
