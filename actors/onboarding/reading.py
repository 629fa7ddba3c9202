"""What an accepted document says of its client's profile: a suggestion, behind whatever a person says. Pure.

The rule: only what was read as a whole is taken, and only into the field that it is; what cannot be told apart
stays on the document. Source: spec.md S5, S19, E16; docs/documents.md; docs/onboarding.md.
"""

import re
from collections.abc import Mapping
from typing import Final

from comptoir.actors.onboarding.countries import alpha2
from comptoir.actors.onboarding.messages import Document, Value

__all__ = ["suggested"]

TEXT_MAX: Final = 200
_FRENCH: Final = re.compile(
    r"(?P<street>.+), (?P<postalCode>[0-9]{5}) (?P<city>[^,0-9]+)"
).fullmatch
_CANADIAN: Final = re.compile(
    r"(?P<street>.+), (?P<city>[^,0-9]+),? (?P<province>[A-Z]{2}),? "
    r"(?P<postalCode>[ABCEGHJ-NPRSTVXY][0-9][A-Z] ?[0-9][A-Z][0-9])"
).fullmatch

_FIVE_DIGITS: Final = frozenset(("FR", "MC", "DE", "ES", "IT"))
"""Where postal codes are so, of those who write the city behind them: elsewhere the country is not told by it."""


def suggested(document: Document, residence: str) -> Mapping[str, Value]:
    """What it suggests, by path.

    Args:
        document: accepted.
        residence: the country in which the client says to live.
    """
    fields = document.fields
    if document.doc_type == "PROOF_OF_RESIDENCE":
        return _address(fields.get("address", ""), residence)
    if document.doc_type == "IDENTITY" and (country := alpha2(fields.get("nationality", ""))):
        return {"nationality": country}
    return {}


def _address(text: str, residence: str) -> Mapping[str, Value]:
    """Street, postal code and city, where it is written as in France or in Canada."""
    if len(text) > TEXT_MAX:
        return {}
    found, country = _CANADIAN(text), "CA"
    if found is None:
        found, country = _FRENCH(text), residence if residence in _FIVE_DIGITS else ""
    if found is None:
        return {}
    parts = {f"address/{name}": value.strip() for name, value in found.groupdict().items()}
    return {**parts, "address/country": country} if country else parts
