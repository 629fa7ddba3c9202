"""The words of a name or a label, as a matcher sees them.

Rule: written from the contract alone, as a second opinion to the daemon's own: case, accents and
punctuation do not count; the prefixes of acquirers and wallets are not part of a name.

Source: interface.md 4; issue 2, deliver 4 (the list of prefixes).
"""

import re
import unicodedata

# The first words of what banks, wallets and acquirers put before a name.
PREFIX_WORDS = frozenset({
    "ACHAT", "ALMA", "ANNULATION", "APPLE", "AVOIR", "CARD", "CARTE", "CB", "CREDIT", "FACTURE",
    "GARMIN", "GOOGLE", "GPAY", "HIPAY", "IZETTLE", "KLARNA", "LYF", "MYPOS", "PAIEMENT", "PAY",
    "PAYLIB", "PAYPAL", "REMBOURSEMENT", "SAMSUNG", "SQ", "STRIPE", "SUM", "SUMUP", "VIVA", "WWW",
    "ZETTLE", "ZTL",
})  # fmt: skip
_BANK = re.compile(r"^(?:PAIEMENT )?CB(?: [0-9]{4}\b)?(?![A-Z0-9]) ?")
_ACQUIRER = re.compile(r"^(?:SUMUP|SQ|ZTL|PAYPAL) ?\*|^APPLE PAY ?: ?")
_WORD = re.compile(r"[A-Z0-9]+")
_LIGATURES = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss"})


def fold(text: str) -> str:
    """Upper case without accents; ligatures as their letters."""
    if text.isascii():
        return text.upper()
    decomposed = unicodedata.normalize("NFKD", text.translate(_LIGATURES))
    return "".join(char for char in decomposed if not unicodedata.combining(char)).upper()


def words_of(text: str) -> tuple[str, ...]:
    """The words of a name, in upper case letters and digits."""
    return tuple(_WORD.findall(fold(text)))


def joined_words_of(name: str) -> tuple[str, ...]:
    """The words where an apostrophe is nothing, as some statements print it (LATELIER)."""
    return words_of(re.sub(r"(?<=\w)['\u2019](?=\w)", "", name))


def readings_of_label(label: str) -> tuple[tuple[str, ...], ...]:
    """The words of a card-statement label: whole, without the bank's prefix, without both."""
    whole = " ".join(fold(label).split())
    named = _BANK.sub("", whole)
    bare = _ACQUIRER.sub("", named)
    return tuple(tuple(_WORD.findall(text)) for text in (whole, named, bare))
