"""S58 with Plaid: of the balances and the rest that it sends in every object, nothing is kept."""

from structlog.testing import capture_logs

from comptoir.actors.connection.messages import ConnectionReported, Revoke
from comptoir.actors.gateways.bank_plaid import PlaidBank
from comptoir.actors.gateways.plaid_api import PlaidApi
from tests.actors.forbidden import story
from tests.actors.gateways.plaid import TERMS, Plaid, bought, page, refusal, session


def _party() -> Plaid:
    """Plaid, which talks too much: a purchase, somebody else's, and the booked twin of the first."""
    plaid = Plaid()
    plaid.pages = lambda cursor: (
        200, page([bought("t1"), bought("x", name="NOBODY", original_description=None)])
        if not cursor else page([bought("b1", 120.0, pending_transaction_id="t1")], removed=["t1"]),
    )  # fmt: skip
    return plaid


async def test_nothing_forbidden_is_kept() -> None:
    """S57 to S59: linked, read, lapsed, renewed and revoked; nothing of it is in a row, an event or a log."""
    plaid = _party()
    with capture_logs() as logs:
        async with plaid.client() as client:
            api = PlaidApi(client, ("us", "s"))
            adapter = PlaidBank(api, TERMS, lambda field, value: f"{field}|{value}")
            async with story("plaid", adapter, "item_1") as told:
                await told.link()
                await told.tell(ConnectionReported("plaid", "updates", "r1"))
                assert "access-1" in told.kept(), "a token, which lies in a state alone, is found"
                plaid.answers["/transactions/sync"] = refusal("ITEM_ERROR", "ITEM_LOGIN_REQUIRED")
                await told.tell(ConnectionReported("plaid", "updates", "r2"))
                del plaid.answers["/transactions/sync"]
                await told.begin_renewal()
                plaid.sessions = [session(finished_at="2026-11-21T10:01:00Z")]
                await told.end_renewal()
                told.kept()
                await told.tell(Revoke())
                told.kept()
                kinds = await told.kinds()
    assert "canary" not in repr(logs)
    assert "access-1" not in repr(logs)
    assert kinds.count("ConsentExtended") == 2
    assert kinds.count("PurchaseRestated") >= 1
    assert kinds[-1] == "AccessEnded"
