"""IBANs: what may be paid to, and how one is shown.

The rule: an account number that does not hold (country, length, structure, ISO 7064 check digits, and
the check digits of the country itself where it has some) is refused before points are touched; one that
holds and is no SEPA account is told apart, since only its country is wrong.

Source: ISO 13616-1 and its registry of 89 country codes; spec.md S46, S56, S66; protocols.md 5.6. The
structures and the countries' own check digits are schwifty's, which knows more codes than the registry:
those of countries that never registered, and of territories whose accounts begin with FR or GB.
"""

import re
import warnings
from typing import Final

import msgspec
from schwifty import IBAN
from schwifty.exceptions import (
    InvalidBBANChecksum,
    InvalidChecksumDigits,
    InvalidLength,
    SchwiftyException,
)

__all__ = ["Iban", "IbanInvalid", "read_iban"]

INPUT_CHARACTERS_MAX: Final = 64
"""34 and the blanks that people write between them."""
_BLANKS: Final = re.compile("[ \u00a0\u202f]")
"""As in print, and as copied from a page or a PDF."""
_FORM: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{1,30}", re.ASCII)


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


REGISTERED: Final = _codes(
    "AD AE AL AT AZ BA BE BG BH BI BR BY CH CR CY CZ DE DJ DK DO EE EG ES FI FK FO FR GB GE GI GL GR GT"
    " HN HR HU IE IL IQ IS IT JO KW KZ LB LC LI LT LU LV LY MC MD ME MK MN MR MT MU NI NL NO OM PK PL PS"
    " PT QA RO RS RU SA SC SD SE SI SK SM SO ST SV TL TN TR UA VA VG XK YE"
)
"""Country codes that an IBAN may begin with (ISO 13616 registry)."""
SEPA: Final = _codes(
    "AD AL AT BE BG CH CY CZ DE DK EE ES FI FR GB GI GR HR HU IE IS IT LI LT LU LV MC MD ME MK MT NL NO"
    " PL PT RO RS SE SI SK SM VA"
)
"""Of these, the codes of accounts that SEPA credit transfers reach: the 41 countries of the European
Payments Council's list (EPC409-09, with the five that joined in 2024 and 2025), and Gibraltar's own code."""


class IbanInvalid(Exception):
    """No account has this number; its text says what does not hold, and repeats nothing of it."""


class Iban(msgspec.Struct, frozen=True):
    """An account number that holds."""

    number: str
    """Electronic format: no blanks, capitals."""

    @property
    def country(self) -> str:
        """ISO 3166-1 alpha-2, or XK."""
        return self.number[:2]

    @property
    def sepa(self) -> bool:
        """Whether a SEPA credit transfer reaches it."""
        return self.country in SEPA

    @property
    def masked(self) -> str:
        """As people are shown it (S56): `FR76****1234`."""
        return f"{self.number[:4]}****{self.number[-4:]}"

    def __repr__(self) -> str:
        """Show no more than people are shown."""
        return f"Iban({self.masked})"


def read_iban(text: str) -> Iban:
    """Read an account number as people write it: in either case, with blanks or without.

    Raises:
        IbanInvalid: it is no IBAN; the text tells which rule does not hold.
    """
    if len(text) > INPUT_CHARACTERS_MAX:
        raise IbanInvalid(f"an IBAN has 34 characters at most, blanks aside; here are {len(text)}")
    bare = _BLANKS.sub("", text)
    number = bare.upper() if bare.isascii() else bare
    if not _FORM.fullmatch(number):
        raise IbanInvalid(
            "an IBAN is two letters, two digits, then up to 30 letters and digits, with blanks at most"
        )
    if number[:2] not in REGISTERED:
        raise IbanInvalid(f"no IBAN begins with {number[:2]}")
    try:
        with warnings.catch_warnings():
            # A country without check digits of its own, or a bank whose method is not known, is told so.
            warnings.simplefilter("ignore")
            IBAN(number, validate_bban=True)
    except InvalidLength:
        raise IbanInvalid(f"an IBAN of {number[:2]} has another length") from None
    except InvalidChecksumDigits:
        raise IbanInvalid("its check digits do not hold: a character is wrong or missing") from None
    except InvalidBBANChecksum:
        raise IbanInvalid(
            f"the check digits of the account within it do not hold ({number[:2]})"
        ) from None
    except SchwiftyException:
        raise IbanInvalid(f"it is not built as an IBAN of {number[:2]} is") from None
    return Iban(number)
