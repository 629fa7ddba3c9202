"""The bureau that verifies identities: takes a verification, keeps it pending, and tells of its end by a webhook (S10).

Rules:
- a verification is known by its `Idempotency-Key`: begun again under it, it is the first one, also after a restart, since its id
  is made of it; another body under it is refused;
- it stays pending until a test says how it ends (`POST /control/kyc/{onboardingId}`); what was said before it was begun is kept
  for it, and an automatic outcome is that of all for which nothing was said;
- the webhook is the source's KYC_COMPLETED. One that nobody took comes again after a while, and before the next.

Source: spec.md S10, S21 to S23, X2, E6, E15; interface.md 10; docs/providers.md.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, Final

import msgspec
import trio
from msgspec import Meta

from comptoir.sandbox.clock import rfc3339
from comptoir.sandbox.errors import Refused, decode
from comptoir.sandbox.faults import Direction, Operation
from comptoir.sandbox.parties.bank import KEPT_MAX
from comptoir.sandbox.parties.hooks import WEBHOOK, Hooks
from comptoir.sandbox.parties.memory import keep
from comptoir.sandbox.parties.party import Effect, Inbound, Party, Stage, require_bearer
from comptoir.sandbox.parties.people_shapes import Given, Verify
from comptoir.sandbox.schemes import SEED_V1
from comptoir.sandbox.wire.router import Call, Route
from comptoir.sandbox.wire.server import Outcome, json_reply

NAME: Final = "kyc"
CREATE = Operation("verifications.create", Direction.INBOUND)
GET = Operation("verifications.get", Direction.INBOUND)
CHECKS: Final = (
    "identityVerification", "addressVerification", "pepCheck", "sanctionsCheck", "adverseMedia",
)  # fmt: skip
STATUSES: Final[Mapping[str, str]] = MappingProxyType(
    {"AUTO_APPROVE": "APPROVED", "MANUAL_REVIEW": "MANUAL_REVIEW", "REJECT": "REJECTED"}
)
APPROVE_FROM, REVIEW_FROM = 80, 50
"""S23, X2."""
AGAIN_S: Final = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Pauses before an automatic webhook is sent, and sent again."""
DELIVERIES_AT_ONCE_MAX: Final = 16
Json = dict[str, Any]
_Word = Annotated[str, Meta(min_length=1, max_length=64)]


class Ending(Given, frozen=True):
    """How a verification ends; what is left out follows from the score (S23, X2)."""

    score: Annotated[int, Meta(ge=0, le=100)]
    checks: dict[_Word, _Word] = msgspec.field(default_factory=dict[str, str])
    """Those that did not simply pass."""
    recommendation: _Word | None = None
    status: _Word | None = None
    risk_level: _Word | None = None
    reviewed_by: _Word = "SYSTEM"
    completed_at: _Word | None = None
    times: Annotated[int, Meta(ge=1, le=10)] = 1
    """So often the webhook is sent."""
    webhook: bool = True
    """False: it is there to be read, and nobody is told."""

    def result(self, now: str) -> Json:
        """`kycResult` of S10."""
        bands = ("AUTO_APPROVE", "LOW"), ("MANUAL_REVIEW", "MEDIUM"), ("REJECT", "HIGH")
        place = (self.score < APPROVE_FROM) + (self.score < REVIEW_FROM)
        recommendation = self.recommendation or bands[place][0]
        return {
            "status": self.status or STATUSES.get(recommendation, "PENDING_REVIEW"),
            "score": self.score,
            "checks": {**dict.fromkeys(CHECKS, "PASSED"), **self.checks},
            "riskLevel": self.risk_level or bands[place][1],
            "recommendation": recommendation,
            "reviewedBy": self.reviewed_by,
            "completedAt": self.completed_at or now,
        }


class Automatic(Given, frozen=True):
    """`POST /control/kyc`: how all end for which nothing else was said; null: they stay pending."""

    automatic: Ending | None


@dataclass(slots=True, eq=False)
class Verification:
    """One that was begun."""

    id: str
    reference: str
    onboarding_id: str
    body: str
    """Digest of what began it."""
    result: Json | None = None
    untold: list[bytes] = field(default_factory=list[bytes])

    def shown(self) -> Json:
        """As the bureau answers it."""
        status = "PENDING" if self.result is None else "COMPLETED"
        return {
            "id": self.id, "onboardingId": self.onboarding_id, "reference": self.reference, "status": status,
            "kycResult": self.result,
        }  # fmt: skip


class Bureau:
    """All verifications that were begun."""

    def __init__(self, stage: Stage, hosts: frozenset[str]) -> None:
        self._stage = stage
        self._hooks = Hooks(stage, hosts, NAME, SEED_V1)
        self._by_id: OrderedDict[str, Verification] = OrderedDict()
        self._kept: OrderedDict[str, Ending] = OrderedDict()
        """Said before it was begun, by the number of the file."""
        self._automatic: Ending | None = None
        self._due, self._coming = trio.open_memory_channel[tuple[Verification, Ending]](KEPT_MAX)

    def party(self) -> Party:
        """What the daemon asks, and what it is told."""
        return Party(
            NAME,
            inbound=(
                Inbound(CREATE, "POST", "/kyc/verifications", self._create),
                Inbound(GET, "GET", "/kyc/verifications/{id}", self._get),
            ),
            outbound=(WEBHOOK,),
        )

    def routes(self) -> list[Route]:
        """What tests ask."""
        return [
            Route("GET", "/control/kyc", self._list),
            Route("POST", "/control/kyc", self._set_automatic),
            Route("POST", "/control/kyc/webhooks", self._hooks.set),
            Route("POST", "/control/kyc/{id}", self._end),
        ]

    def reset(self) -> None:
        """Forgets everything."""
        self._by_id.clear()
        self._kept.clear()
        self._automatic = None
        self._hooks.reset()

    async def deliver(self) -> None:
        """Send what ended by itself, until cancelled."""
        slots = trio.CapacityLimiter(DELIVERIES_AT_ONCE_MAX)
        async with trio.open_nursery() as nursery:
            async for verification, ending in self._coming:
                await slots.acquire_on_behalf_of(verification)
                nursery.start_soon(self._deliver, verification, ending, slots)

    async def _deliver(
        self, verification: Verification, ending: Ending, slots: trio.CapacityLimiter
    ) -> None:
        try:
            for pause in AGAIN_S:
                await trio.sleep(pause)
                if self._by_id.get(verification.id) is not verification:
                    return  # forgotten since
                if pause:
                    await self._hooks.tell(verification.untold)
                else:
                    await self._tell(verification, ending)
                if not verification.untold:
                    return
        finally:
            slots.release_on_behalf_of(verification)

    def _create(self, call: Call) -> Effect:
        try:
            require_bearer(call)
            key = call.request.headers.get("idempotency-key", "")
            wanted = decode(call.request.body, Verify)
            if key != wanted.reference:
                raise Refused(400, "IDEMPOTENCY_KEY_INVALID", "Idempotency-Key is the reference")
            found = self._found(wanted, hashlib.sha256(call.request.body).hexdigest())
        except Refused as refusal:
            return Effect(json_reply(refusal.status, refusal.document()), happened=False)
        if found is not None:
            return Effect(json_reply(202, {"id": found.id, "status": "PENDING"}), happened=False)
        return self._begin(wanted, hashlib.sha256(call.request.body).hexdigest())

    def _found(self, wanted: Verify, body: str) -> Verification | None:
        """The one that was begun under this key.

        Raises:
            Refused: with another body.
        """
        found = self._by_id.get(_id_of(wanted.reference))
        if found is not None and found.body != body:
            raise Refused(422, "IDEMPOTENCY_KEY_REUSED", "another body was sent under this key")
        return found

    def _begin(self, wanted: Verify, body: str) -> Effect:
        made = Verification(_id_of(wanted.reference), wanted.reference, wanted.onboarding_id, body)
        keep(self._by_id, made.id, made)
        ending = self._kept.pop(wanted.onboarding_id, None) or self._automatic
        if ending is not None:
            made.result = ending.result(self._now())
            if ending.webhook:
                self._due.send_nowait((made, ending))
        return Effect(json_reply(202, {"id": made.id, "status": "PENDING"}), happened=True)

    def _get(self, call: Call) -> Effect:
        try:
            require_bearer(call)
            found = self._by_id.get(call.argument)
            if found is None:
                raise Refused(404, "NOT_FOUND", "no such verification")
        except Refused as refusal:
            return Effect(json_reply(refusal.status, refusal.document()), happened=False)
        return Effect(json_reply(200, found.shown()), happened=False)

    async def _list(self, _call: Call) -> Outcome:
        return json_reply(200, {"items": [one.shown() for one in self._by_id.values()]})

    async def _set_automatic(self, call: Call) -> Outcome:
        self._automatic = decode(call.request.body, Automatic).automatic
        return json_reply(200, {"automatic": self._automatic is not None})

    async def _end(self, call: Call) -> Outcome:
        """The file's last verification ends so, now or when it is begun; ended again, it is told again."""
        ending = decode(call.request.body, Ending)
        begun = [one for one in self._by_id.values() if one.onboarding_id == call.argument]
        if not begun:
            keep(self._kept, call.argument, ending)
            return json_reply(202, {"status": "KEPT", "answers": []})
        last = begun[-1]
        last.result = ending.result(self._now())
        answers = await self._tell(last, ending) if ending.webhook else []
        return json_reply(
            200, {"status": "COMPLETED", "verificationId": last.id, "answers": answers}
        )

    async def _tell(self, verification: Verification, ending: Ending) -> list[Json]:
        document = {
            "eventType": "KYC_COMPLETED",
            "onboardingId": verification.onboarding_id,
            "kycResult": verification.result,
        }
        answers: list[Json] = []
        for _ in range(ending.times):
            answers += await self._hooks.tell(verification.untold, document)
        return answers

    def _now(self) -> str:
        return rfc3339(self._stage.clock.now_ms())


def _id_of(reference: str) -> str:
    return "ver_" + hashlib.sha256(reference.encode("utf-8", "surrogatepass")).hexdigest()[:24]
