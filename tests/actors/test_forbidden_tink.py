"""S58 with Tink: of the balances and the rest that it sends in every object, nothing is kept, and no token."""

from functools import partial
from typing import Any

import httpx
from structlog.testing import capture_logs

from comptoir.actors.connection.messages import ConnectionReported, Revoke, Sync
from comptoir.actors.gateways.bank_tink import TinkBank
from comptoir.actors.gateways.tink_api import TinkApi
from tests.actors.forbidden import story
from tests.actors.gateways.tink import TERMS, Tink, blind, bought, consent, page, worth


def _consents(tink: Tink, _request: httpx.Request) -> tuple[int, Any]:
    return 200, {"providerConsents": tink.consents}


def _party() -> Tink:
    """Tink, which talks too much: a purchase, somebody else's."""
    tink = Tink()
    nobody = {"display": "NOBODY", "original": "NOBODY"}
    tink.consents = [consent(sessionExpiryDate=None)]
    tink.answers["GET /api/v1/provider-consents"] = partial(_consents, tink)
    tink.pages = lambda _url: page(bought("t-1"), bought("t-2", descriptions=nobody))
    return tink


async def test_nothing_forbidden_is_kept() -> None:
    """S57 to S59: linked, read, lapsed, renewed and revoked; nothing of it is in a row, an event or a log."""
    tink = _party()
    with capture_logs() as logs:
        async with tink.client() as client:
            adapter = TinkBank(TinkApi(client, ("us", "tink-secret")), TERMS, blind)
            async with story("tink", adapter, "tink user|ls_1") as told:
                await told.link()
                assert "cr-1" in told.kept(), (
                    "the credentials' id, which lies in a state alone, is found"
                )
                tink.pages = lambda _url: page(bought("t-1", worth("-12000")))
                await told.tell(ConnectionReported("tink", "updates", "r1"))
                error = {"displayMessage": "canary-message", "type": "USER_LOGIN_ERROR"}
                tink.consents = [
                    consent(status="SESSION_EXPIRED", detailedError=error, sessionExpiryDate=None)
                ]
                await told.tell(Sync())
                await told.begin_renewal()
                tink.consents = [consent(sessionExpiryDate=None)]
                await told.end_renewal()
                kept = told.kept()
                assert "token-of" not in kept, "a token of a user, or of ours"
                assert "NOBODY" not in kept, "what no partner has sold"
                await told.tell(Revoke())
                told.kept()
                kinds = await told.kinds()
    assert "canary" not in repr(logs)
    assert not any(word in repr(logs) for word in ("token-of", "code-of", "tink-secret"))
    assert kinds.count("ConsentExtended") == 2
    assert kinds.count("PurchaseRestated") >= 1
    assert kinds.count("ConditionChanged") >= 1
    assert kinds[-1] == "AccessEnded"
