"""What people are told: every notice in both languages, short enough, right in number, and saying no secret."""

import re
from typing import get_args

import pytest

from comptoir.actors.gateways.messages import SendPush
from comptoir.actors.notification.messages import CATEGORIES, CHANNELS, Language
from comptoir.actors.notification.texts import (
    DEFAULT_CHANNELS,
    TEMPLATES,
    code_text,
    is_urgent,
    worded,
)

LANGUAGES: tuple[Language, ...] = get_args(Language)
EVERY = sorted(TEMPLATES)
PUSH_BYTES_MAX = 4096
GSM = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""3GPP TS 23.038, 6.2.1: the default alphabet, without its extension."""
GSM_MAX, UCS_MAX = 160, 70


def notice(template: str, points: int = 0, days: int = 0) -> SendPush:
    """A notice of a template."""
    return SendPush("r", "u1", template, points, days)


def fits_one_message(text: str) -> bool:
    """Whether a text goes out as one text message."""
    return len(text) <= (GSM_MAX if set(text) <= set(GSM) else UCS_MAX)


def test_every_event_has_its_notice() -> None:
    """S44, S52: points, consents and every end of a withdrawal, in four categories with ways to each."""
    assert {
        "points_credited", "points_expiring", "tier_reached", "consent_ending", "consent_ended",
        "connection_failed", "withdrawal_completed", "withdrawal_failed", "withdrawal_returned",
        "withdrawal_held", "withdrawal_overdue",
    } <= set(EVERY)  # fmt: skip
    assert {row.category for row in TEMPLATES.values()} == set(CATEGORIES) == set(DEFAULT_CHANNELS)
    assert all(ways and set(ways) <= set(CHANNELS) for ways in DEFAULT_CHANNELS.values())
    urgent = {name for name in EVERY if is_urgent(name)}
    assert urgent == {name for name in EVERY if TEMPLATES[name].category == "security"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", EVERY)
def test_a_notice_in_a_language(template: str, language: Language) -> None:
    """S44: every field is filled, with any number, and the whole fits a push; what is urgent a text message."""
    row = TEMPLATES[template]
    assert row.fr != row.en
    for points in (0, 1, 2, 1_234_567, 10**12):
        title, text = worded(notice(template, points, 14), language)
        assert title
        assert text
        assert not re.search(r"[{}|]", title + text)
        assert len((title + text).encode()) < PUSH_BYTES_MAX // 4, "data and names go along"
        if is_urgent(template):
            assert fits_one_message(text), text


def test_both_languages_say_the_same_numbers() -> None:
    """S44: a field that one language has, the other has too."""
    fields = re.compile(r"\{(points|days)\}").findall
    for row in TEMPLATES.values():
        assert sorted(fields(row.fr.text)) == sorted(fields(row.en.text))
        assert "{" not in row.fr.title + row.en.title


@pytest.mark.parametrize(
    ("language", "points", "text"),
    [
        ("fr", 0, "0 point crédité."),
        ("fr", 1, "1 point crédité."),
        ("fr", 2, "2 points crédités."),
        ("fr", 1234567, "1\u202f234\u202f567 points crédités."),
        ("en", 0, "0 points earned."),
        ("en", 1, "1 point earned."),
        ("en", 1234, "1,234 points earned."),
    ],
)
def test_numbers_and_plurals(language: Language, points: int, text: str) -> None:
    """S44: as CLDR has them for the language."""
    assert worded(notice("points_credited", points), language).text == text


def test_two_numbers_in_one_text() -> None:
    """S44: each has the word that goes with it."""
    one = worded(notice("points_expiring", 1, 14), "fr").text
    assert one == "1 point expire dans 14 jours."
    assert worded(notice("points_expiring", 30, 1), "en").text == "30 points expire in 1 day."


def test_nothing_secret_on_a_locked_screen() -> None:
    """S44, S60: no name, account, partner, address or amount of money; of a code, nothing in the title."""
    for template in EVERY:
        for language in LANGUAGES:
            shown = " ".join(worded(notice(template, 950, 7), language))
            assert "u1" not in shown
            assert not re.search(r"€|EUR|IBAN|https?:|@", shown)
    for language in LANGUAGES:
        title, text = code_text("123456", 600_000, language)
        assert "123456" not in title
        assert "123456" in text
        assert "10 min" in text
        assert fits_one_message(text)
