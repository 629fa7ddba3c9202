"""What a command of the machine gives and takes of the people of the house, and what only they do themselves (http/staff.py).

Rule: who reads the data folder founds a house of two ADMINs, and decides nothing where there are two.
Source: docs/authorization.md; docs/operations.md; spec.md E14, S60.
"""

import json

import pytest

from comptoir.actors.approval.messages import Propose
from comptoir.actors.person.messages import (
    DescribePerson,
    InvitePerson,
    PersonDescribed,
    RemovePerson,
)
from comptoir.engine import Address, Message
from comptoir.engine.settings import Settings
from comptoir.http import approvals, staff
from comptoir.http.answers import Response
from comptoir.http.identity.issuing import BY_HAND, BY_HAND_METHODS
from comptoir.http.identity.opening import Identity
from comptoir.http.operation import Call
from comptoir.http.principal import Principal, Role
from comptoir.http.testing import NOW_MS, FakeAnswer, FakeDaemon


class House(FakeDaemon):
    """People of these states; all but one who is none are ADMINs."""

    def __init__(self, identity: Identity, **people: str) -> None:
        super().__init__()
        self.identity = identity
        self.asked = self._told
        self.who = {f"blind:person:{sub}": PersonDescribed(sub, ("ADMIN",), status, NOW_MS) for sub, status in people.items()}  # fmt: skip
        self.people = list(self.who)

    async def _told(self, address: Address, message: Message) -> FakeAnswer:
        if isinstance(message, DescribePerson):
            return FakeAnswer(self.who[address.key])
        return self.quiet_answer(address, message)

    def call(self, body: object, principal: Principal | None = None) -> Call:
        """What the command sends, or who is said."""
        assert self.identity is not None
        command = Principal(
            BY_HAND, str(self.identity.issuer), frozenset({Role.ADMIN}), methods=frozenset(BY_HAND_METHODS),
            client_id=BY_HAND,
        )  # fmt: skip
        text = json.dumps(body).encode()
        return Call("abcdefgh", {}, {}, "application/json", text, principal=principal or command)

    async def add(self, sub: str, *roles: str, by: Principal | None = None) -> Response:
        """Invite somebody."""
        return await staff.invite(self, self.call({"sub": sub, "roles": roles}, by))

    async def remove(self, sub: str, by: Principal | None = None) -> Response:
        """Dismiss somebody."""
        return await staff.remove(self, self.call({"sub": sub}, by))

    def done(self) -> list[type[Message]]:
        """What was said beside questions."""
        return [
            type(x) for _, x in self.asks if isinstance(x, InvitePerson | RemovePerson | Propose)
        ]


EVA = Principal("eva", "https://id.example", frozenset({Role.ADMIN}))


@pytest.mark.parametrize("roles", [("ADMIN",), ("CONSEILLER",), ("COMPLIANCE", "ADMIN")])
async def test_two_who_have_enrolled_are_no_commands(
    identity: Identity, roles: tuple[str, ...]
) -> None:
    """E14: whoever reads the folder neither demotes, nor invites anew, nor dismisses one of two, so as to found the house again;
    nor asks for a third. The people do it.
    """
    house = House(identity, eva="enrolled", max="enrolled", ida="invited")
    refused = [await house.add("max", *roles), await house.remove("max"), await house.add("tom", "ADMIN")]  # fmt: skip
    assert [x.status for x in refused] == [403] * 3
    assert house.done() == []
    assert (await house.remove("max", by=EVA)).status == 200
    assert (await house.add("max", *roles, by=EVA)).status in (201, 202)
    assert (await house.remove("ida")).status == 200, "who has not enrolled decides nothing"


async def test_one_who_has_lost_all_is_invited_again(identity: Identity) -> None:
    """X8, S34: where there is one ADMIN alone, the folder is the way back in; a second is asked for, and that one approves."""
    house = House(identity, eva="enrolled", max="removed")
    assert (await house.add("eva", "ADMIN")).status == 201
    assert (await house.add("max", "ADMIN")).status == 202
    assert house.done() == [InvitePerson, Propose]
    assert (await house.add("tom", "COMPLIANCE")).status == 403
    assert (await house.remove("eva")).status == 200


@pytest.mark.parametrize(
    ("invited", "sub", "status"),
    [((), "eva", 201), (("eva",), "max", 201), (("eva", "max"), "tom", 403), (("eva", "max"), "max", 201)],
)  # fmt: skip
async def test_a_house_is_founded_by_two(
    identity: Identity, invited: tuple[str, ...], sub: str, status: int
) -> None:
    """E14: two links of ADMINs at most are given out before one has enrolled; a link that was lost is given anew."""
    house = House(identity, **dict.fromkeys(invited, "invited"))
    assert (await house.add(sub, "ADMIN")).status == status
    assert (await house.add("ida", "COMPLIANCE")).status == 201


async def test_a_token_by_hand_is_nobody_where_none_is_made(identity: Identity) -> None:
    """E14: one that was printed while auth.dev_tokens was on names a person as long as it is, and then nobody."""
    by_hand = Principal("a", "i", frozenset({Role.ADMIN}), client_id=BY_HAND)
    assert not approvals.is_nobody(House(identity), House(identity).call({}, by_hand))
    off = Settings().having({("auth", "dev_tokens"): False})
    strict = Identity(off, identity.keys, None, identity.receipts)
    house = House(strict)
    assert approvals.is_nobody(house, house.call({}, by_hand))
    assert not approvals.is_nobody(house, house.call({}, EVA))
