"""What a browser says of itself, as coarse as a person needs it to know their own: `Firefox, Linux`.

The rule: of `User-Agent` nothing is kept but a word of each of these lists, so that it tells nobody's browser
from another's (S60), and nothing that a caller wrote is shown to anybody.
Source: OWASP ASVS 5, 7.5.2; RFC 9110 section 10.1.5; spec.md S60.
"""

from typing import Final

from comptoir.http.operation import Call

__all__ = ["device_of"]

AGENT_CHARACTERS_MAX: Final = 512
"""Browsers send a quarter of it."""
_BROWSERS: Final = (
    ("FxiOS/", "Firefox"), ("Firefox/", "Firefox"), ("Edg", "Edge"), ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"), ("CriOS/", "Chrome"), ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)  # fmt: skip
"""The first that is found: most of them also say that they are the ones after them."""
_SYSTEMS: Final = (
    ("iPhone", "iOS"), ("iPad", "iPadOS"), ("Android", "Android"), ("Windows", "Windows"),
    ("Macintosh", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def device_of(call: Call) -> str:
    """Browser and system of a request; empty where neither is one that we know."""
    agent = " ".join(call.values(b"user-agent"))[:AGENT_CHARACTERS_MAX]
    words = (
        next((word for mark, word in known if mark in agent), "") for known in (_BROWSERS, _SYSTEMS)
    )
    return ", ".join(filter(None, words))
