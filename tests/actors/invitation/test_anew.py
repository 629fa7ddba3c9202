"""A client who is in shows anew who they are: another code, another session (S34; OWASP ASVS 6.6.3, 7.5.2)."""

import msgspec

from comptoir.actors.browser_session.messages import EndSession
from comptoir.actors.gateways.messages import SendSms
from comptoir.actors.invitation.messages import (
    CodeAccepted,
    CodeSent,
    CodeWrong,
    EnterCode,
    LinkOver,
    RenewCode,
)
from comptoir.engine.decision import Outgoing
from comptoir.engine.values import Address
from tests.actors.invitation.test_machine import STRANGER, digest, ended, enter, renew, waiting


def test_whoever_is_in_shows_anew_who_they_are() -> None:
    """OWASP ASVS 7.5.2, S34: a code to the same telephone, typed in the browser that is in, is a new sign-in: another
    session, and the one before has ended. Nobody without that browser, or after it was ended, gets one.
    """
    one = waiting()
    one.ask(enter())
    one.now += 3_600_000
    inside = RenewCode("new-session", digest("again"), "000007", alive=True)
    for wrong in (renew(), renew(cookie=STRANGER), msgspec.structs.replace(inside, alive=False)):
        assert one.ask(wrong) == LinkOver()
        assert one.sent() == []
    assert one.ask(EnterCode("new-session", "", "x", 0, alive=True)) == CodeWrong(4), (
        "none was sent"
    )
    assert isinstance(one.ask(inside), CodeSent)
    (sms,) = one.sent()
    assert isinstance(sms, SendSms)
    assert (sms.to, "000007" in sms.text) == ("+33612345678", True)
    typed = EnterCode("new-session", digest("again"), "newer", one.now // 1000, alive=True)
    assert one.ask(msgspec.structs.replace(typed, alive=False)) == LinkOver()
    assert isinstance(one.ask(typed), CodeAccepted)
    opened, over, _timer = one.last.messages
    assert opened.target == Address("browser_session", "newer")
    assert over == Outgoing(Address("browser_session", "new-session"), EndSession("signed_in_anew"))
    assert one.ask(inside) == LinkOver(), "that browser's session is another now"


def test_who_guesses_in_a_browser_that_is_in_loses_it() -> None:
    """ASVS 6.6.3: tries are few there too, and with the last one the session has ended."""
    one = waiting()
    one.ask(enter())
    one.ask(RenewCode("new-session", digest("again"), "000007", alive=True))
    guess = EnterCode("new-session", digest("wrong"), "x", 0, alive=True)
    assert [one.ask(guess) for _ in range(5)] == [*map(CodeWrong, (4, 3, 2, 1)), LinkOver()]
    over = Outgoing(Address("browser_session", "new-session"), EndSession("signed_in_anew"))
    assert one.last.messages == (over,)
    assert one.state == ended(missed=5)
