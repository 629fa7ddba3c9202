"""Accounts on the mainframe at the edge: what is listed, and what two people may settle (http/accounts.py).

Source: spec.md E11, E14; docs/core-banking.md.
"""

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from comptoir.actors.account.messages import LookForAccount, Seen, SettleAccount
from comptoir.actors.approval.messages import Action, DescribeApproval, Propose
from comptoir.engine import Address, Message, Refused
from comptoir.http import accounts
from comptoir.http.accounts_testing import HELD
from comptoir.http.operation import Access, Call
from comptoir.http.principal import Principal, Role
from comptoir.http.shapes_accounts import AccountPage
from comptoir.http.testing import FakeAnswer, FakeDaemon

OPS = Principal("ops-1", "https://id.example", frozenset({Role.OPERATIONS}))
FILE = "ONB-2026-00001"
BODY = {"outcome": "created", "reason": "asked the desk"}


def call(body: object = None, file: str = FILE, **query: str) -> Call:
    """A request of somebody of operations."""
    raw = b"" if body is None else json.dumps(body).encode()
    asked = {name: [value] for name, value in query.items()}
    path = {"onboardingId": file}
    return Call("abcdefgh", path, asked, "application/json", raw, Access(None), principal=OPS)


@pytest.fixture
def daemon() -> FakeDaemon:
    """Three accounts that are held, and one that has its end; nothing is asked for yet."""
    made = FakeDaemon()
    for number in (1, 2, 3):
        made.accounts[f"ONB-2026-0000{number}"] = msgspec.structs.replace(
            HELD, asked_at=HELD.asked_at - number
        )
    made.accounts["ONB-2026-00009"] = msgspec.structs.replace(HELD, status="created")

    async def asked(address: Address, message: Message) -> FakeAnswer:
        if isinstance(message, DescribeApproval):
            raise Refused("NOT_FOUND", "nothing of this id is asked for")
        return made.quiet_answer(address, message)

    made.asked = asked
    return made


def body_of(answer: Any) -> dict[str, Any]:
    """The body of an answer."""
    found: dict[str, Any] = json.loads(answer.body)
    return found


async def test_what_has_no_end_is_walked_from_the_oldest(daemon: FakeDaemon) -> None:
    """E11: page after page, each once, and no number whole."""
    first = body_of(await accounts.listed(daemon, call(limit="2")))
    second = body_of(await accounts.listed(daemon, call(limit="2", cursor=first["nextCursor"])))
    items = [*first["items"], *second["items"]]
    assert [one["onboardingId"][-1] for one in items] == ["3", "2", "1"]
    assert second["nextCursor"] is None
    assert "WM0000000001" not in json.dumps(items)
    msgspec.convert(first, AccountPage)


async def test_a_look_is_one_persons(daemon: FakeDaemon) -> None:
    """E11: it is asked for at once, and what is known is answered."""
    answer = await accounts.look(daemon, call())
    assert answer.status == 202
    assert (Address("account", FILE), LookForAccount()) in daemon.asks
    assert body_of(answer)["seen"]["accountNumber"] == "********0001"


async def test_what_is_settled_is_what_was_seen_and_another_person_approves(
    daemon: FakeDaemon,
) -> None:
    """E14: the order names the number of the last look; whoever checks it sees outcome, why it is held, and the reason."""
    answer = await accounts.settle(daemon, call(BODY))
    assert answer.status == 202
    (asked,) = [one for _, one in daemon.asks if isinstance(one, Propose)]
    assert (asked.action, asked.maker) == (Action.ACCOUNT, "ops-1")
    assert asked.order == SettleAccount("created", "WM0000000001", "ops-1", "asked the desk")
    assert asked.checkers == ("OPERATIONS", "ADMIN")
    assert "WM0000000001" not in repr(asked.details)


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"seen": None}, "created"),
        ({"seen": None}, "refused"),
        ({}, "refused"),
        ({"seen": Seen("absent", "", 1)}, "created"),
        ({"status": "late"}, "created"),
        ({"status": "created"}, "created"),
    ],
)
async def test_what_was_not_seen_is_not_settled(
    daemon: FakeDaemon, change: dict[str, Any], outcome: str
) -> None:
    """E11: no number that the mainframe has not told, and no end where something is there."""
    daemon.accounts[FILE] = msgspec.structs.replace(HELD, **change)
    answer = await accounts.settle(daemon, call({**BODY, "outcome": outcome}))
    assert (answer.status, body_of(answer)["code"]) == (409, "ACCOUNT_NOT_SEEN")
    assert not [one for _, one in daemon.asks if isinstance(one, Propose)]


async def test_a_look_that_is_not_begun_is_not_said_to_be(daemon: FakeDaemon) -> None:
    """E11: 202 only where the mainframe is asked, or the account has its end."""
    daemon.looks_spent = True
    answer = await accounts.look(daemon, call())
    assert (answer.status, body_of(answer)["code"]) == (409, "ACCOUNT_LOOKS_SPENT")
    assert (await accounts.look(daemon, call(file="ONB-2026-00009"))).status == 202


async def test_a_command_without_a_person_settles_nothing(daemon: FakeDaemon) -> None:
    """E14: everybody who reads the data folder has the name of the command, so it is nobody's word."""
    nobody = Principal("comptoir-cli", "https://id.example", frozenset({Role.OPERATIONS}))
    answer = await accounts.settle(daemon, replace(call(BODY), principal=nobody))
    assert (answer.status, body_of(answer)["code"]) == (403, "FORBIDDEN")
    assert not [one for _, one in daemon.asks if isinstance(one, Propose)]


async def test_the_mainframes_words_are_shown_to_nobody(daemon: FakeDaemon) -> None:
    """S30, X10: its REASON may name the client; why it was refused is a code of ours, and why it is held stays so."""
    words = {"status": "refused", "code": "MARIE TREMBLAY 046454286"}
    daemon.accounts[FILE] = msgspec.structs.replace(HELD, **words)
    assert body_of(await accounts.shown(daemon, call()))["code"] == "STATUS_08"
    daemon.accounts[FILE] = msgspec.structs.replace(HELD, status="refused", code="SETTLED_ABSENT")
    assert body_of(await accounts.shown(daemon, call()))["code"] == "SETTLED_ABSENT"
    daemon.accounts[FILE] = HELD
    assert body_of(await accounts.shown(daemon, call()))["code"] == "CREATED_YET_REFUSED"


@pytest.mark.parametrize("file", ["ONB-2026-77777", "x", "../ONB-2026-00001"])
async def test_what_was_never_asked_for_is_not_there(daemon: FakeDaemon, file: str) -> None:
    """404, whatever is asked of it."""
    for answer in (
        await accounts.shown(daemon, call(file=file)),
        await accounts.look(daemon, call(file=file)),
        await accounts.settle(daemon, call(BODY, file=file)),
    ):
        assert answer.status == 404


@pytest.mark.parametrize("reason", ["", "  ", "two\nlines"])
async def test_a_finding_has_its_reason(daemon: FakeDaemon, reason: str) -> None:
    """On one line."""
    assert (await accounts.settle(daemon, call({**BODY, "reason": reason}))).status == 422
