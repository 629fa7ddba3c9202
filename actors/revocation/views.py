"""The list of ended access as every request reads it: in memory, without a query.

The rule: what is asked here is answered by what is durable, and by nothing else; no clock is compared
where a generation can be, since two clocks of one machine differ as soon as one is read later.
Source: spec.md S34, S62; RFC 7009 section 2.1; RFC 8725 section 3.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from comptoir.actors.revocation.messages import Ground

__all__ = ["Given", "Over", "Revocations"]

_NONE: "Mapping[str, Over]" = {}


class Over(msgspec.Struct, frozen=True):
    """What is over, until when it has to be remembered."""

    generation: int
    """Of a person: the first one that is good."""
    at: int
    """When it ended; business time, ms since 1970."""
    until: int
    """When no token can be left of it; likewise."""


class Given(NamedTuple):
    """What a token says of how it came to be; whatever it does not say is empty."""

    issued_at_ms: int
    token_id: str = ""
    client_id: str = ""
    family: str = ""
    person: str = ""
    """Key of the actor of its subject."""
    generation: int | None = None
    """None: it came of no sign-in, such as one made by hand; then its time decides."""


class Revocations(msgspec.Struct, frozen=True):
    """A snapshot."""

    version: int = 0
    floor: int = 0
    """Whatever was issued until then is refused: there was more to end than can be remembered."""
    over: Mapping[str, Over] = _NONE
    """By `name_of`."""

    @staticmethod
    def name_of(ground: Ground, key: str) -> str:
        """The name of an entry."""
        return f"{ground.value}:{key}"

    def refuse(self, given: Given) -> bool:
        """Say whether what was given like this is over."""
        if self.floor and given.issued_at_ms <= self.floor:
            return True
        if not self.over:
            return False
        plain = (
            (Ground.TOKEN, given.token_id),
            (Ground.CLIENT, given.client_id),
            (Ground.FAMILY, given.family),
        )
        if any(self.name_of(ground, key) in self.over for ground, key in plain if key):
            return True
        return bool(given.person) and self._person_over(given)

    def _person_over(self, given: Given) -> bool:
        found = self.over.get(self.name_of(Ground.PERSON, given.person))
        if found is None:
            return False
        if given.generation is None:
            return given.issued_at_ms <= found.at
        return given.generation < found.generation
