"""An account of the release before: it is found, and nothing that was applied then is lost (docs/core-banking.md)."""

import msgspec
import pytest

from comptoir.actors.account.messages import CoreProfileChanged, ListAccount
from comptoir.actors.account.state import AccountState
from comptoir.engine import Message
from tests.actors.account.life import Life
from tests.actors.opened import CLIENT, answer, changed
from tests.actors.purchases import NOW

KEPT = """{"phase": "created", "account_number": "WM0000000001", "asked_at": 7, "answered_at": 9, "attempts": 1,
           "sequence": 2, "profile_said": {"address/city": "LYON"}}"""
"""As a release before has written it."""


def before(*messages: Message) -> Life:
    """Such an account, after it has heard these."""
    life = Life(answer("created"))
    life.state = msgspec.json.decode(KEPT, type=AccountState)
    life.sent, life.documents = [], []
    for message in messages:
        life.hear(message)
    return life


@pytest.mark.parametrize("heard", [(ListAccount(), changed(3)), (changed(3), ListAccount())])
def test_what_was_applied_before_is_told_once_and_first(heard: tuple[Message, ...]) -> None:
    """S33: what the mainframe had changed reaches the file, before what it changes now."""
    life = before(*heard, ListAccount())
    told = life.said(CoreProfileChanged)
    assert [x.sequence for x in told] == [2, 3]
    assert (told[0].fields, told[0].at) == ({"address/city": "LYON"}, 9)
    assert not life.state.profile_said


@pytest.mark.parametrize(
    ("phase", "waits"),
    [("asked", True), ("late", True), ("held", True), ("created", False), ("refused", False)],
)
def test_it_is_listed_by_how_far_it_is(phase: str, waits: bool) -> None:
    """E11: operations find those that have no end, and none that has; said again it is the same place."""
    life = before()
    kept = msgspec.to_builtins(life.state) | {"phase": phase}
    life.state = msgspec.convert(kept, AccountState)
    life.hear(ListAccount()).hear(ListAccount())
    places = {(one.key, one.fields["waits"]) for one in life.documents}
    assert places == {(f"{7:015d}:{CLIENT}", waits)}
    assert life.now == NOW
