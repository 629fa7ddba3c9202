"""A contract's client, by the program and in the portal, before a daemon that answers as it is told: for tests of the edge.

Source: spec.md S28, S34; docs/signature.md.
"""

import json
from typing import Any

import msgspec

from comptoir.actors.browser_session.messages import FindSession, Person, SessionFound
from comptoir.actors.invitation.messages import CodeAccepted, CodeSent, EnterCode, RenewCode
from comptoir.actors.onboarding.messages import KIND as ONBOARDING
from comptoir.actors.signature.messages import (
    EMBEDDED,
    AdmitSigner,
    DeclineContract,
    DescribeSigning,
    SignContract,
    SignerAdmitted,
    SigningDescribed,
    SigningUnread,
)
from comptoir.engine import Address, Message, Refused, Reply
from comptoir.http.answers import Response
from comptoir.http.identity.authenticator import wall_seconds
from comptoir.http.identity.opening import Identity
from comptoir.http.oauth.sessions import origin_of
from comptoir.http.operation import Access, Call
from comptoir.http.principal import Principal, Role
from comptoir.http.signing_testing import of_signing
from comptoir.http.testing import FakeAnswer, FakeDaemon

__all__ = ["ADDRESS", "DIGEST", "FILE", "FORM", "Portal", "body_of", "call", "client_at"]

FILE = "ONB-2025-00001"
DIGEST = "c" * 64
ADDRESS = "https://sign.example/env-1?token=secret"
"""Where the fake daemon's provider has contracts signed."""
FORM = "application/x-www-form-urlencoded"


def client_at(signed_in_at: int) -> Principal:
    """The client, who signed in then by a code."""
    methods = frozenset(("mca", "otp", "sms"))
    return Principal(
        "u1", "https://id.example", frozenset({Role.CLIENT}), methods=methods, signed_in_at=signed_in_at, session="s1"
    )  # fmt: skip


def call(body: object = None, who: Principal | None = None) -> Call:
    """A request of the client's program."""
    raw = b"" if body is None else json.dumps(body).encode()
    caller = who or client_at(wall_seconds())
    access = Access(caller.subject)
    return Call(
        "abcdefgh", {"onboardingId": FILE}, {}, "application/json", raw, access, principal=caller
    )


def body_of(answer: Response) -> dict[str, Any]:
    """The body of an answer."""
    found: dict[str, Any] = json.loads(answer.body)
    return found


class Portal:
    """A client who is in by the portal, and what the actors say to them."""

    def __init__(self, daemon: FakeDaemon, identity: Identity) -> None:
        self.daemon = daemon
        daemon.identity = self.identity = identity
        daemon.asked = self._answer
        self.said: list[Message] = []
        self.code: Reply = CodeAccepted(1000)
        self.refusal = ""
        self.opened = True
        self.reissued = False
        self.ended = ""
        """How it has ended by the time that it would be signed."""
        self.provider = EMBEDDED
        self.ago_s = 0
        """Since they have typed a code."""

    async def _answer(self, address: Address, message: Message) -> FakeAnswer:
        self.said.append(message)
        if isinstance(message, FindSession):
            person = Person(
                "u1", ("CLIENT",), ("mca", "otp", "sms"), wall_seconds() - self.ago_s, file=FILE
            )
            return FakeAnswer(SessionFound(person, 1))
        if isinstance(message, RenewCode):
            return FakeAnswer(CodeSent("sms", 1))
        if isinstance(message, EnterCode):
            self.ago_s = 0 if isinstance(self.code, CodeAccepted) else self.ago_s
            return FakeAnswer(self.code)
        if self.refusal and isinstance(message, SignContract | DeclineContract):
            raise Refused(self.refusal)
        if isinstance(message, AdmitSigner) and not message.recent:
            raise Refused("SIGNATURE_CODE_NEEDED")
        if address.kind == ONBOARDING:
            return FakeAnswer(self.daemon.of_matching(address, message))
        if isinstance(message, SignContract) and self.reissued:
            return FakeAnswer(SigningUnread())
        found = of_signing(address, message)
        if isinstance(found, SignerAdmitted) and self.provider != EMBEDDED:
            return FakeAnswer(found)
        found = (
            of_signing(address, DescribeSigning()) if isinstance(message, AdmitSigner) else found
        )
        assert isinstance(found, SigningDescribed), message
        if isinstance(message, SignContract) and self.ended:
            return FakeAnswer(msgspec.structs.replace(found, status=self.ended))
        viewed = found.status == "sent" and self.opened
        found = msgspec.structs.replace(found, status="viewed") if viewed else found
        return FakeAnswer(msgspec.structs.replace(found, user_id="u1", provider=self.provider))

    def call(self, form: str = "") -> Call:
        """What the browser sends."""
        headers = [
            (b"origin", origin_of(self.identity).encode()), (b"cookie", b"session=" + b"g" * 43),
            (b"accept-language", b"en"),
        ]  # fmt: skip
        return Call("abcdefgh", {"onboardingId": FILE}, {}, FORM, form.encode(), headers=headers)

    def told(self, kind: type[Message]) -> list[Message]:
        """What was said of this kind."""
        return [one for one in self.said if isinstance(one, kind)]
