"""Whoever is one of two people is a person: a command that signs its own token is none of them (E14).

Rule: asked over a socket, with right requests, so that what is answered tells of the caller alone.
Source: docs/authorization.md; docs/adr/0028-four-eyes-are-an-actor.md; spec.md E14, S60.
"""

from collections.abc import AsyncIterator

import httpx
import pytest

from comptoir.actors.approval.messages import Approve, Propose, Reject
from comptoir.actors.onboarding.onward_messages import ApproveFile
from comptoir.actors.payout_batch.messages import ApproveBatch, CloseBatch, RejectBatch
from comptoir.actors.review.messages import DecideReview
from comptoir.actors.wallet.messages import ProposeAdjustment
from comptoir.engine import Message
from comptoir.http.identity.issuing import BY_HAND
from comptoir.http.identity.opening import Identity
from comptoir.http.letters_testing import a_letter
from comptoir.http.operations import BY_ID
from comptoir.http.principal import Role
from comptoir.http.testing import FakeDaemon
from tests.http.asking import LETTER, ask, give_to
from tests.http.policed import policed

OF_TWO = (
    "inviteStaff", "erasePerson", "rotateKey", "approve", "reject", "replayDeadLetters", "adjustPoints",
    "approveAdjustment", "closeBatch", "approveBatch", "rejectBatch", "settleAccount", "settleWithdrawal",
    "decideReview", "approveOnboarding",
)  # fmt: skip
WORDS: tuple[type[Message], ...] = (
    Propose, Approve, Reject, ProposeAdjustment, CloseBatch, ApproveBatch, RejectBatch, DecideReview, ApproveFile,
)  # fmt: skip
"""By which somebody is one of two."""
DECIDERS = (Role.OPERATIONS, Role.ADMIN, Role.COMPLIANCE, Role.CONSEILLER)


@pytest.fixture
def daemon(identity: Identity) -> FakeDaemon:
    """It has something of everything."""
    made = FakeDaemon(loopback_only=False)
    made.identity = identity
    made.wallets["u1"] = {"userId": "u1", "balance": {"available": 950}}
    give_to(made, "u1")
    made.letters.rows = [a_letter(LETTER, queue="dlq:points")]
    return made


@pytest.fixture
async def client(daemon: FakeDaemon) -> AsyncIterator[httpx.AsyncClient]:
    """Of its edge."""
    async with policed(daemon) as opened:
        yield opened


@pytest.mark.parametrize("name", OF_TWO)
async def test_a_command_is_none_of_two(
    daemon: FakeDaemon, client: httpx.AsyncClient, name: str
) -> None:
    """E14: everybody who reads the data folder has the command's name; with it nothing is asked for or decided, and a person
    of the same role says it.
    """
    operation = BY_ID[name]
    role = next(one for one in DECIDERS if one in operation.grants)
    nobody = await ask(client, operation, "u1", _bearer(role, BY_HAND))
    assert (nobody.status_code, nobody.json().get("code")) == (403, "FORBIDDEN")
    assert not [x for _, x in daemon.asks if isinstance(x, WORDS)]
    named = "u1" if role is Role.CONSEILLER else "eva"  # whose file it is
    person = await ask(client, operation, "u1", _bearer(role, named))
    assert person.status_code in (200, 202), person.text


def _bearer(role: Role, sub: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {role.value}.{sub}"}
