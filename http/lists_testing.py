"""Watch lists for tests of the edge: one list that is there, and what it answers.

The rule: nothing is searched; who is asked for is on it. Source: comptoir.http.port.
"""

from comptoir.actors.gateways.kyc_messages import CheckImpossible, ListedHit, PartyScreened
from comptoir.actors.kyc.messages import Party
from comptoir.actors.watch_list.messages import (
    KIND,
    ListDescribed,
    NoteSearch,
    Rescreening,
    SearchNoted,
)
from comptoir.engine import Address, Message, Reply
from comptoir.http.signing_testing import FakeSigning

__all__ = ["LIST", "FakeLists", "of_lists"]

LIST = "sanctions"
_VERSION = "5" * 64
_AT = 1_763_994_600_000


def of_lists(address: Address, message: Message) -> Reply | None:
    """What a list that is ready says, of which half of the cases were told."""
    if address.kind != KIND:
        return None
    if isinstance(message, NoteSearch):
        return SearchNoted()
    walk = Rescreening(_VERSION, 5, 10, _AT)
    return ListDescribed("ready", _VERSION, 2, 3, _AT, _AT, rescreening=walk)


class FakeLists(FakeSigning):
    """Whoever is searched for is found."""

    screening: bool = True
    """Whether there is an answer."""

    async def screen(self, party: Party) -> PartyScreened | CheckImpossible | None:
        """The one hit; a name of blanks cannot be searched for."""
        if not self.screening:
            return None
        if not party.last_name.strip():
            return CheckImpossible("", "screening", "NAME_UNUSABLE")
        hit = ListedHit(
            LIST, "e-1", party.last_name, 1000, ("sanction",), {"birth date agrees": 1.45}, "0" * 64,
            (party.last_name,), ("1961-02-03",), ("ru",),
        )  # fmt: skip
        return PartyScreened("", (hit,), {LIST: _VERSION})
