"""Addresses of France, by the geocoding service of the Base Adresse Nationale.

Rules: one `GET {base}/search` with `q` (the street and the city), `postcode`, `limit` and `autocomplete=0`; where nothing is
there under that postal code, the same once more without it, so that a wrong one is seen as one. The answer is GeoJSON; of each
feature the named properties are read. `q` has 3 to 200 characters and begins with a letter or a digit.

The service takes a question in the address alone, so what is declared stands in it: over TLS, to the one service of
the State that publishes these very data, and in no log of ours.
Source: geoservices.ign.fr/documentation/services/services-geoplateforme/geocodage (search; 50 requests a second);
adresse.data.gouv.fr/api-doc/adresse (parameters, properties, 429 with retry-after; api-adresse.data.gouv.fr has the same
form, and was moved there); IGNF/geocodage lib/params (bounds of q and limit); spec.md S21.
"""

import re
from collections.abc import Iterable
from typing import Annotated, Final, Literal

import httpx
import msgspec
from msgspec import Meta

from comptoir.actors.gateways.kyc_asking import Asker, printable
from comptoir.actors.kyc.messages import PostalAddress

__all__ = ["Ban"]

Q_CHARACTERS_MAX: Final = 200
Q_CHARACTERS_MIN: Final = 3
LIMIT: Final = 5
PART_CHARACTERS_MAX: Final = 200
_POSTCODE: Final = re.compile(r"[0-9]{5}").fullmatch
_Text = Annotated[str, Meta(max_length=PART_CHARACTERS_MAX)]


class _Properties(msgspec.Struct, frozen=True):
    """What is read of an address."""

    type: _Text = ""
    """`housenumber`, `street`, `locality` or `municipality`."""
    housenumber: _Text = ""
    street: _Text = ""
    name: _Text = ""
    """Number and street, or the name of a place."""
    postcode: _Text = ""
    city: _Text = ""


class _Feature(msgspec.Struct, frozen=True):
    properties: _Properties


class _Found(msgspec.Struct, frozen=True):
    """A FeatureCollection."""

    type: Literal["FeatureCollection"]
    features: Annotated[tuple[_Feature, ...], Meta(max_length=20)]


_FOUND: Final = msgspec.json.Decoder(_Found)


class Ban:
    """The service, as it is asked."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        """Speak to it.

        Args:
            client: whose base URL ends before `/search`.
        """
        self._asker = Asker("ADDRESSES", client)

    async def known(self, wanted: PostalAddress) -> Iterable[PostalAddress]:
        """Those that it knows and that may be meant.

        Raises:
            CallFault: no answer was had.
        """
        q = re.sub(r"^[\W_]+", "", printable(f"{wanted.street} {wanted.city}", 1_000))
        if len(q) < Q_CHARACTERS_MIN:
            return ()
        params = {"q": q[:Q_CHARACTERS_MAX], "limit": str(LIMIT), "autocomplete": "0"}
        code = wanted.postal_code.strip()
        narrow = {**params, "postcode": code} if _POSTCODE(code) else params
        features = await self._search(narrow)
        if not features and narrow is not params:
            features = await self._search(params)
        return [_address(one.properties, wanted.country) for one in features[:LIMIT]]

    async def _search(self, params: dict[str, str]) -> tuple[_Feature, ...]:
        return (await self._asker.ask("GET", "/search", _FOUND, params=params)).features


def _address(found: _Properties, country: str) -> PostalAddress:
    """In our words; a municipality has no street."""
    street = found.street or ("" if found.type == "municipality" else found.name)
    if found.housenumber:
        street = f"{found.housenumber} {street}"
    most = PART_CHARACTERS_MAX
    return PostalAddress(
        street=printable(street, most),
        postal_code=printable(found.postcode, most),
        city=printable(found.city, most),
        country=country.upper(),
    )
