"""S58 with Powens: of the balances and the rest that it sends in every object, nothing is kept."""

from structlog.testing import capture_logs

from comptoir.actors.connection.messages import Revoke, Sync
from comptoir.actors.gateways.bank_powens import PowensBank
from comptoir.actors.gateways.powens_api import PowensApi
from tests.actors.forbidden import story
from tests.actors.gateways.powens import TERMS, Powens, bought, connection, page


def _party() -> Powens:
    """Powens, which talks too much: a purchase, somebody else's, and one that is told twice."""
    powens = Powens()
    powens.connection = connection(expire=None)
    powens.connections = [powens.connection]
    powens.pages = lambda _url: page(
        bought(1), bought(2, original_wording="NOBODY"),
        bought(3, "-9.00"), bought(3, "-12.00", last_update="2026-11-23 10:00:00"),
    )  # fmt: skip
    return powens


async def test_nothing_forbidden_is_kept() -> None:
    """S57 to S59: linked, read, lapsed, renewed and revoked; nothing of it is in a row, an event or a log."""
    powens = _party()
    with capture_logs() as logs:
        async with powens.client() as client:
            api = PowensApi(client, ("us", "s"))
            adapter = PowensBank(api, TERMS, lambda field, value: f"{field}|{value}")
            async with story("powens", adapter, "7") as told:
                await told.link()
                assert "permanent-1" in told.kept(), (
                    "a token, which lies in a state alone, is found"
                )
                powens.connection = connection(
                    state="wrongpass", error_message="canary-message", expire=None
                )
                await told.tell(Sync())
                powens.connection = connection(expire=None)
                await told.begin_renewal()
                await told.end_renewal()
                told.kept()
                await told.tell(Revoke())
                told.kept()
                kinds = await told.kinds()
    assert "canary" not in repr(logs)
    assert "permanent-1" not in repr(logs)
    assert kinds.count("ConsentExtended") == 2
    assert kinds.count("PurchaseRestated") >= 1
    assert kinds.count("ConditionChanged") >= 1
    assert kinds.count("TokensRotated") >= 1
    assert kinds[-1] == "AccessEnded"
