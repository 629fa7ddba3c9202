"""Settings of how people are told: languages, devices, what waits, who carries mail first.

Source: spec.md S44, S52, S74.
"""

from dataclasses import dataclass

from comptoir.engine.settings.fields import Section, integer, option
from comptoir.engine.settings.kinds import ChoiceKind, TextKind
from comptoir.engine.settings.kinds_made import ListKind

__all__ = ["Notifications"]

CARRIERS = ChoiceKind(("sendgrid", "brevo"))


@dataclass(frozen=True, slots=True)
class Notifications(Section):
    """How people are told of points, withdrawals and connections."""

    language: str = option(
        "fr", ChoiceKind(("fr", "en")), "Of whoever has chosen none.", "S44", "ISO 639-1"
    )
    time_zone: str = option(
        "Europe/Paris",
        TextKind("a zone of the IANA data base, such as Europe/Paris", r"[A-Za-z0-9_+/-]{1,64}"),
        "Of the quiet hours of whoever has chosen none.", "ours",
    )  # fmt: skip
    devices_max: int = integer(
        10, "devices", (1, 100),
        "Of a person; one more takes the place of the one refreshed least lately.", "ours",
    )  # fmt: skip
    held_max: int = integer(
        32, "notices", (1, 1_000),
        "Notices of a person that wait for the end of quiet hours; of more, only the number is told.",
        "ours",
    )  # fmt: skip
    digest_from: int = integer(
        4, "notices", (2, 1_000), "So many that waited are told in one.", "ours"
    )
    code_minutes: int = integer(
        10, "minutes", (1, 10), "Life of the code that confirms a mail address or a number.", "S34"
    )
    code_tries_max: int = integer(
        5, "tries", (1, 10), "Wrong codes, then a new one is needed.", "S34"
    )
    codes_per_day_max: int = integer(
        5, "codes", (1, 100), "Codes sent for a person in a day, to whatever address.", "S62, ours"
    )
    mail_order: tuple[str, ...] = option(
        ("sendgrid", "brevo"), ListKind(CARRIERS, 1, 2),
        "Who carries mail, the first that can; only those with an address are asked.", "S44",
    )  # fmt: skip
