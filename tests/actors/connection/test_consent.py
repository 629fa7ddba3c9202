"""What becomes of a connection's consent: the old one until the new one, and an end that is true (S57, E10)."""

import msgspec
import pytest

from comptoir.actors.connection.messages import (
    ExtendConsent,
    RenewConsent,
    RetryRevocation,
    RevocationFailed,
    Revoke,
    TransactionReported,
)
from comptoir.actors.connection.state import ConsentExtended, Phase
from comptoir.actors.gateways.messages import RevokeAccess, Tokens, bank
from comptoir.actors.linking.messages import OpenLink
from comptoir.actors.programme import DAY_MS
from tests.actors.banking import CONSENT, OPEN_LINK
from tests.actors.connection.test_healing import LINKED, ME, NOW, PURCHASE, decide

NEW = Tokens("access-2", "", 0)


def test_the_old_consent_is_kept_until_the_new_one_is_there() -> None:
    """E10, X20: beginning a renewal changes nothing of the consent that is in force: state, timers and tokens stay,
    and what is bought meanwhile is matched; the new one takes its place in one decision.
    """
    asked = decide(LINKED, RenewConsent("ls_2", OPEN_LINK))
    assert asked.state is LINKED
    assert (asked.cancel, asked.events, asked.documents) == ((), (), ())
    (begun,) = asked.messages
    assert isinstance(begun.message, OpenLink)
    assert begun.message.renewal is not None
    meanwhile = decide(asked.state, PURCHASE)
    assert isinstance(PURCHASE, TransactionReported)
    assert [one.target.kind for one in meanwhile.messages] == ["wallet"]
    end = NOW + 90 * DAY_MS
    extended = decide(asked.state, ExtendConsent("ls_2", NEW, CONSENT, end))
    assert extended.state.phase is Phase.LINKED
    assert (extended.state.tokens, extended.state.consent_expires_at) == (NEW, end)
    assert [type(one) for one in extended.events] == [ConsentExtended]


@pytest.mark.parametrize("rounds", [1, 5])
def test_a_revocation_is_asked_for_until_it_is_true(rounds: int) -> None:
    """S57: however often the provider does not confirm, it is asked again within an hour, as the same revocation;
    until then the tokens are kept for that and nothing else.
    """
    decision = decide(LINKED, Revoke())
    asked = [one for one in decision.messages if isinstance(one.message, RevokeAccess)]
    assert [one.target for one in asked] == [bank("seed")]
    for _ in range(rounds):
        waiting = decide(decision.state, RevocationFailed())
        (timer,) = waiting.messages
        assert (timer.target, timer.message) == (ME, RetryRevocation())
        assert timer.due_at is not None
        assert NOW < timer.due_at <= NOW + 3_600_000
        decision = decide(waiting.state, RetryRevocation())
        assert [one.message for one in decision.messages] == [asked[0].message]
        assert decision.state.phase is Phase.REVOKING
        assert decision.state.tokens == LINKED.tokens
    assert msgspec.structs.replace(decision.state, phase=Phase.LINKED) == LINKED
