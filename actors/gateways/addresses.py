"""The gateways of addresses: whose country it is decides who is asked (S21, S24).

Rules:
- `addresses` asks nobody: it hands a question on to the party that knows that country, which has a gateway, and so a breaker
  and a bulkhead, of its own. While the French base is away, questions about Canada are answered (S18);
- an address is verified if one that is known is as like it as the setting says (likeness.py), whatever the party's own
  score of it is: what is alike to us can be explained;
- of a country that nobody covers there is no answer, and so of an address without a street or a place.

Source: spec.md S18, S21, S24, S65; docs/providers.md.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from comptoir.actors.gateways.kyc_asking import (
    DEAD_QUEUE,
    impossible,
    operation,
    unconfigured,
)
from comptoir.actors.gateways.kyc_messages import ADDRESSES, AddressChecked, CheckAddress
from comptoir.actors.gateways.likeness import likeness
from comptoir.actors.kyc.messages import PostalAddress
from comptoir.engine.gateway_spec import (
    CallContext,
    Forwarded,
    GatewayBounds,
    GatewaySpec,
    Operation,
)
from comptoir.engine.values import Address, Message

__all__ = ["BAN", "CANADA_POST", "INCOMPLETE", "NOT_COVERED", "Known", "address_gateway", "addresses_gateway"]  # fmt: skip

BAN: Final = Address("addresses_ban", "")
CANADA_POST: Final = Address("addresses_canada_post", "")
NOT_COVERED: Final = "COUNTRY_NOT_COVERED"
INCOMPLETE: Final = "ADDRESS_INCOMPLETE"
_OF_FRANCE: Final = ("FR", "BL", "GF", "GP", "MF", "MQ", "PM", "RE", "YT")
"""Where the Base Adresse Nationale has addresses: by ISO 3166, the departments overseas have codes of their own."""
COUNTRIES: Final[Mapping[str, Address]] = MappingProxyType(
    {**dict.fromkeys(_OF_FRANCE, BAN), "CA": CANADA_POST}
)

Known = Callable[[PostalAddress], Awaitable[Iterable[PostalAddress]]]
"""Asks a party for those that it knows and that may be meant. Raises CallFault."""


async def _hand_on(asked: CheckAddress, _context: CallContext) -> Message | None:
    """To whoever knows that country."""
    target = COUNTRIES.get(asked.address.country.upper())
    if target is None:
        return impossible("address")(asked, NOT_COVERED)
    return Forwarded(target, asked)


def addresses_gateway(bounds: GatewayBounds) -> GatewaySpec:
    """Whom everybody asks."""
    operations: dict[type[Message], Operation] = {
        CheckAddress: operation("address", _hand_on, "route")
    }
    return GatewaySpec(ADDRESSES.kind, operations, bounds, dead_queue=DEAD_QUEUE)


def address_gateway(
    address: Address, known: Known | None, likeness_min: int, bounds: GatewayBounds
) -> GatewaySpec:
    """The gateway of one party.

    Args:
        address: BAN or CANADA_POST.
        known: asks the party; None: there is none.
        likeness_min: of 100, from which an address is verified.
        bounds: deadlines, calls at once, breaker.
    """
    call = unconfigured("address") if known is None else _checked(known, likeness_min)
    operations: dict[type[Message], Operation] = {CheckAddress: operation("address", call)}
    return GatewaySpec(address.kind, operations, bounds, dead_queue=DEAD_QUEUE)


def _checked(
    known: Known, likeness_min: int
) -> Callable[[Any, CallContext], Awaitable[Message | None]]:
    """The call of a party that is there."""

    async def call(asked: CheckAddress, _context: CallContext) -> Message | None:
        if not asked.address.street.strip() or not asked.address.city.strip():
            return impossible("address")(asked, INCOMPLETE)
        return _judged(asked, await known(asked.address), likeness_min)

    return call


def _judged(
    asked: CheckAddress, found: Iterable[PostalAddress], likeness_min: int
) -> AddressChecked:
    """The one that is most like it."""
    judged = [(likeness(asked.address, one), one) for one in found]
    if not judged:
        return AddressChecked(asked.reference, verified=False, likeness=0, found=None)
    best, address = max(judged, key=lambda one: one[0].of_100)
    return AddressChecked(
        asked.reference,
        verified=best.of_100 >= likeness_min,
        likeness=best.of_100,
        found=address,
    )
