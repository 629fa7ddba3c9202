"""Addresses of Canada, by Canada Post's AddressComplete.

Rules:
- `Find` with what is declared, in the language of the province; what it finds is a list of lines, or of buildings that are
  looked into by `LastId`, `FINDS_MAX` times at most. The line that is most like what is declared is had in full by `Retrieve`, which
  Canada Post counts and charges: one for each question;
- both are asked by POST of a form, so that neither the key nor an address stands in an address;
- an error is a table with the one row `Error`, `Description`, `Cause`, `Resolution`, under status 200. From 1001 on they are about
  the question; below, about us (the key, the credit, the address that we come from).

Source: canadapost-postescanada.ca/ac/support/api/addresscomplete-interactive-find (v2.10) and
.../addresscomplete-interactive-retrieve (v2.11): parameters, response fields, response errors, general errors; the form
by POST and `Items` around both as cds-snc/platform-forms-client and bcgov/namex send and read them; spec.md S21.
"""

from collections.abc import Iterable
from typing import Annotated, Final, TypeVar

import httpx
import msgspec
from msgspec import Meta

from comptoir.actors.gateways.kyc_asking import Asker, printable
from comptoir.actors.gateways.likeness import likeness
from comptoir.actors.kyc.messages import PostalAddress
from comptoir.engine.gateway_spec import CallFault

__all__ = ["CanadaPost"]

FIND: Final = "/AddressComplete/Interactive/Find/v2.10/json3.ws"
RETRIEVE: Final = "/AddressComplete/Interactive/Retrieve/v2.11/json3.ws"
FINDS_MAX: Final = 3
SUGGESTIONS_MAX: Final = 7
LINES_MAX: Final = 20
TERM_CHARACTERS_MAX: Final = 200
ABOUT_THE_QUESTION: Final = 1_001
PART_CHARACTERS_MAX: Final = 200
FRENCH: Final = "QC"
_Text = Annotated[str, Meta(max_length=500)]


class _Row(msgspec.Struct, frozen=True, rename="pascal"):
    """What both tables may be instead."""

    error: str | int | None = None


class _Line(_Row, frozen=True, rename="pascal"):
    """A row of Find."""

    id: _Text = ""
    text: _Text = ""
    """`2701 Riverside Dr`."""
    description: _Text = ""
    """`Ottawa, ON, K1A 0B1`, or `Ottawa, ON - 12 Addresses`."""
    next: _Text = ""
    """`Retrieve`, or `Find` for what has others in it."""


class _Full(_Row, frozen=True, rename="pascal"):
    """A row of Retrieve: one for each language."""

    line1: _Text = ""
    city: _Text = ""
    province_code: _Text = ""
    postal_code: _Text = ""


R = TypeVar("R", bound=_Row)


class _Lines(msgspec.Struct, frozen=True, rename="pascal"):
    items: Annotated[tuple[_Line, ...], Meta(max_length=LINES_MAX)]


class _Fulls(msgspec.Struct, frozen=True, rename="pascal"):
    items: Annotated[tuple[_Full, ...], Meta(max_length=20)]


_LINES: Final = msgspec.json.Decoder(_Lines)
_FULLS: Final = msgspec.json.Decoder(_Fulls)


class CanadaPost:
    """The service, as it is asked."""

    def __init__(self, client: httpx.AsyncClient, key: str) -> None:
        """Speak to it.

        Args:
            client: whose base URL ends before `/AddressComplete`.
            key: of the installation.
        """
        self._asker, self._key = Asker("ADDRESSES", client), key

    def __repr__(self) -> str:
        return "<CanadaPost>"

    async def known(self, wanted: PostalAddress) -> Iterable[PostalAddress]:
        """The one that is most like what is declared, in each language that it has.

        Raises:
            CallFault: no answer was had.
        """
        line = await self._line(wanted)
        if line is None:
            return ()
        found = await self._asker.ask(
            "POST", RETRIEVE, _FULLS, data={"Key": self._key, "Id": line.id}
        )
        return [_address(one) for one in self._held(found.items)]

    async def _line(self, wanted: PostalAddress) -> _Line | None:
        term = printable(f"{wanted.street} {wanted.city} {wanted.postal_code}", TERM_CHARACTERS_MAX)
        form = {
            "Key": self._key,
            "SearchTerm": term,
            "Country": "CAN",
            "LanguagePreference": "fr" if wanted.province.upper() == FRENCH else "en",
            "MaxSuggestions": str(SUGGESTIONS_MAX),
        }
        for _ in range(FINDS_MAX):
            found = await self._asker.ask("POST", FIND, _LINES, data=form)
            lines = self._held(found.items)
            if not lines:
                return None
            best = max(lines[:SUGGESTIONS_MAX], key=lambda line: _alike(wanted, line))
            if best.next != "Find":
                return best
            form["LastId"] = best.id
        return None

    def _held(self, items: tuple[R, ...]) -> tuple[R, ...]:
        """The rows, if they are no error."""
        error = items[0].error if items else None
        if error is None or error == "":
            return items
        try:
            number = int(error)
        except ValueError:
            raise self._asker.invalid() from None
        if number >= ABOUT_THE_QUESTION:
            raise self._asker.refused()
        raise CallFault("ADDRESSES_CREDENTIALS_REFUSED", retryable=True)


def _alike(wanted: PostalAddress, line: _Line) -> int:
    """How like a line is, as far as it shows."""
    place = line.description.split(",")
    shown = PostalAddress(line.text, place[2] if len(place) > 2 else "", place[0])  # noqa: PLR2004
    return likeness(wanted, shown).of_100


def _address(found: _Full) -> PostalAddress:
    most = PART_CHARACTERS_MAX
    return PostalAddress(
        street=printable(found.line1, most),
        postal_code=printable(found.postal_code, most),
        city=printable(found.city, most),
        province=printable(found.province_code, most),
        country="CA",
    )
