"""Names in the character set that every SEPA bank takes, by a table that is written down.

The rule: letters and digits of ASCII and `/ - ? : ( ) . , ' +` and the blank; what has an equivalent is written
by it, and everything else is a full stop. Neither `//` nor a slash at either end. A name of which no letter or
digit is left is NOTPROVIDED.
Source: EPC217-08, "SEPA Requirements for an Extended Character Set (UNICODE Subset) - Best Practices", 6.2 and
its conversion table; EPC115-06 (the basic set); protocols.md 5.6.
"""

# ruff: noqa: RUF001 - letters that look like others are what the table is made of

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["NOTPROVIDED", "latin"]

NOTPROVIDED: Final = "NOTPROVIDED"
"""ISO 20022's word for what is not known."""


def _pairs(text: str) -> Mapping[str, str]:
    return {name: value for name, _, value in (one.partition("=") for one in text.split())}


_SMALL: Final = _pairs(
    "ß=ss æ=ae œ=oe ø=o đ=d ð=d þ=th ħ=h ı=i ĳ=ij ĸ=k ł=l ŀ=l ŋ=n ŉ=n ŧ=t ſ=s ƒ=f"
    # Greek
    " α=a β=v γ=g δ=d ε=e ζ=z η=i θ=th ι=i κ=k λ=l μ=m ν=n ξ=x ο=o π=p ρ=r σ=s ς=s τ=t υ=y φ=f χ=ch"
    " ψ=ps ω=o"
    # Cyrillic, as Bulgarian is written
    " а=a б=b в=v г=g д=d е=e ж=zh з=z и=i й=y к=k л=l м=m н=n о=o п=p р=r с=s т=t у=u ф=f х=h ц=ts"
    " ч=ch ш=sh щ=sht ъ=a ь=y ю=yu я=ya ы=y э=e і=i ї=i є=e ґ=g ј=j љ=lj њ=nj ћ=c ђ=dj џ=dz ў=u"
)
_SIGNS: Final = _pairs(
    "&=+ @=(at) €=EUR _=- `=' ´=' ‘=' ’=' ʼ=' ‚=, “=' ”=' „=' «=' »=' \"=' –=- —=- ‐=- ‑=- −=- ;=, [=( ]=)"
    " {=( }=) \\=/ !=. #=. $=. %=. *=. ^=. |=/ ~=- ==. <=. >=."
)
_TABLE: Final = MappingProxyType(
    {**_SMALL, **{key.upper(): value.upper() for key, value in _SMALL.items() if len(key.upper()) == 1},
     **_SIGNS, "ẞ": "SS"}
)  # fmt: skip
_BASIC: Final = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-?:().,'+ "
)
_BLANKS: Final = re.compile(r"\s+")
_SLASHES: Final = re.compile("/{2,}")


def _letter(one: str) -> str:
    if one in _BASIC:
        return one
    if one in _TABLE:
        return _TABLE[one]
    if unicodedata.combining(one):
        return ""
    parts = unicodedata.normalize("NFKD", one)
    if parts != one:
        return "".join(map(_letter, parts))
    return " " if one.isspace() else "."


def latin(text: str, most: int) -> str:
    """A text in the basic set.

    Args:
        text: as it was given.
        most: characters that are kept of it.
    """
    composed = unicodedata.normalize("NFC", text)
    written = _BLANKS.sub(" ", "".join(map(_letter, composed)))
    kept = _SLASHES.sub("/", written)[:most].strip(" /")
    return kept if any(map(str.isalnum, kept)) else NOTPROVIDED
