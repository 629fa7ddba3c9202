"""Ten clients of the demo, all at once: from an advisor's click to an account on the mainframe.

Rule: what becomes of each is foretold in the table below, by hand, and compared with what the file says over HTTP.
They have their papers from the sandbox, come in by the link and the code that they were sent, and send what is
asked for to the store; the bureau says of each what the table has.
Source: issue "client onboarding, first half"; spec.md S4, S5, S7, S11, S13, S23, X3, X5.
"""

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx
import trio

from comptoir.engine.cli.daemons import client_of
from comptoir.engine.cli.demo_accounts import Signer, open_late
from comptoir.engine.cli.demo_applicants import APPLICANTS, Applicant
from comptoir.engine.cli.demo_counted import Foretold, count
from comptoir.engine.cli.demo_month import align
from comptoir.engine.cli.demo_people import Asker, person, service
from comptoir.engine.cli.demo_place import ADVISOR, DemoPlace
from comptoir.engine.cli.demo_seen import asked_again, seen
from comptoir.engine.cli.demo_show import Screen
from comptoir.engine.cli.errors import EXIT_OTHER, CommandError

__all__ = ["Clients"]

REVIEWERS: Final = ("demo-compliance", "demo-compliance-2")
UPLOADS_MAX: Final = 4
"""At once: what the store takes from one address."""
POLL_SECONDS: Final = 0.5
DECISION_POLL_SECONDS: Final = 2.0
"""Of one advisor who asks for ten, and may ask 1,000 times a minute (S62)."""
PATIENCE_SECONDS: Final = 300.0
"""For one client; ten share two processors, each paper is read, each contract drawn and sealed."""
LATE_PATIENCE_SECONDS: Final = 30.0
LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
CODE: Final = re.compile(r"\b[0-9]{6}\b")
LINK: Final = re.compile(r"https?://\S+token=[\w-]+")
API: Final = "/api/v1/onboarding"
REVIEW: Final = "/api/v1/review"
LASTING: Final = ("SIGNATURE_PENDING", "KYC_REJECTED", "COMPLIANCE_HOLD")
ACCOUNT: Final = "COMPLETED"
"""The status of who has an account."""
UNDER_WAY: Final = ("awaiting_upload", "inspecting")


@dataclass(slots=True)
class Clients:
    """Ten files, told as they end."""

    place: DemoPlace
    screen: Screen
    daemon: httpx.AsyncClient
    sandbox: httpx.AsyncClient
    mark: str
    """In every mail address, so that each demo has clients of its own."""
    complaints: list[str] = field(default_factory=list[str])
    """Whatever was not as foretold."""
    rows: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    """Of the table: who, how far, and why."""
    words: str = ""
    """What has come of them all, as the mainframe counts."""
    now: datetime = LONG_AGO
    """Business time when they began."""
    uploads: trio.CapacityLimiter = field(default_factory=lambda: trio.CapacityLimiter(UPLOADS_MAX))

    async def perform(self) -> None:
        """All of them, and those who review two."""
        told: dict[str, tuple[str, str]] = {}
        self.now = await align(self.daemon, self.sandbox)
        url, secret = f"{self.place.daemon_url}/webhooks/kyc", self.place.bureau_secret
        await Asker(self.sandbox).post("/control/kyc/webhooks", {"url": url, "secret": secret})
        async with (
            person(self.place, ADVISOR, "CONSEILLER") as advisor,
            person(self.place, REVIEWERS[0], "COMPLIANCE") as first,
            person(self.place, REVIEWERS[1], "COMPLIANCE") as second,
            service(self.place, f"{self.mark}-partner", "partner:submit") as partner,
        ):
            files = [
                _File(self, applicant, f"{number:02d}", advisor, (first, second), partner)
                for number, applicant in enumerate(APPLICANTS)
            ]
            async with trio.open_nursery() as nursery:
                for file in files:
                    nursery.start_soon(self._follow, file, told)
            await open_late(self.daemon, self.sandbox)
            for file in files:
                if file.applicant.late:
                    await self._wait(file, told)
        for applicant in APPLICANTS:
            status, why = told[applicant.name]
            self.rows.append((f"{applicant.name}, {applicant.client_type}", status, why))
        await self._count(files)

    async def _count(self, files: "list[_File]") -> None:
        """The mainframe's own word on all of them."""
        foretold = [
            Foretold(file.applicant.name, file.name, file.applicant.ends == ACCOUNT)
            for file in files
        ]
        there = await Asker(self.sandbox).get("/control/mainframe")
        counted = count(foretold, there["accounts"], there["creations"])
        self.complaints.extend(counted.complaints)
        self.rows.append(counted.row)
        self.words = counted.words

    async def _follow(self, file: "_File", told: dict[str, tuple[str, str]]) -> None:
        applicant = file.applicant
        status = "not in time"
        with trio.move_on_after(PATIENCE_SECONDS):
            status = await file.live()
        wanted = "ACCOUNT_CREATION_PENDING" if applicant.late else applicant.ends
        await self._tell(file, told, status, wanted)

    async def _wait(self, file: "_File", told: dict[str, tuple[str, str]]) -> None:
        status = "not in time"
        with trio.move_on_after(LATE_PATIENCE_SECONDS):
            status = await file.completes()
        await self._tell(file, told, status, file.applicant.ends)

    async def _tell(
        self, file: "_File", told: dict[str, tuple[str, str]], status: str, wanted: str
    ) -> None:
        applicant = file.applicant
        found = "; ".join(await file.seen()) if file.name else "no file"
        told[applicant.name] = (status, found)
        if status != wanted:
            self.complaints.append(f"{applicant.name}: {status}, and not {wanted}: {found}")
        elif status == applicant.ends:
            lacking = [word for word in applicant.sees if word not in found]
            self.complaints.extend(f"{applicant.name}: no {word!r} in: {found}" for word in lacking)


@dataclass(slots=True)
class _File:
    """One client's way."""

    demo: Clients
    applicant: Applicant
    number: str
    advisor: Asker
    reviewers: tuple[Asker, Asker]
    partner: Asker
    path: str = ""
    name: str = ""
    """The file's number."""
    again: list[str] = field(default_factory=list[str])
    """Documents that were asked for again, as the client reads it."""

    async def live(self) -> str:
        """From the advisor's click to the decision; the status in the end."""
        link = await (self._submitted() if self.applicant.partner else self._begun())
        self.path = f"{API}/{self.name}"
        sandbox = Asker(self.demo.sandbox)
        await sandbox.post(f"/control/kyc/{self.name}", self.applicant.bureau())
        async with self._portal(link) as client:
            told = {**self.applicant.profile, **self.applicant.account()}
            await client.ask("PATCH", f"{self.path}/profile", told)
            for doc_type, papers in self.applicant.papers(self.demo.now).items():
                for paper in papers:
                    await self._send(client, doc_type, paper)
            status = await self._until_decided()
            if status == "COMPLIANCE_HOLD" and self.applicant.verdict:
                await self._reviewed()
                status = await self._until_decided(but="COMPLIANCE_HOLD")
            return await self._signed(client) if status == "SIGNATURE_PENDING" else status

    async def _reviewed(self) -> None:
        """By one person, or by two where the review wants that (E14)."""
        body = {"decision": self.applicant.verdict, "reason": self.applicant.reason}
        for reviewer in self.reviewers:
            await reviewer.post(f"{REVIEW}/{self.name}/claim")
            decided = await reviewer.post(f"{REVIEW}/{self.name}/decision", body)
            if decided["status"] != "open":
                return

    async def _signed(self, client: Asker) -> str:
        """The contract and the account; the status then."""
        signer = Signer(self.path, self._phone(), self.demo.sandbox)
        if self.applicant.declines:
            await signer.declines(client, self.advisor)
        await signer.signs(client)
        return await signer.is_approved(self.advisor, late=self.applicant.late)

    async def completes(self) -> str:
        """The status of one that was late, once the mainframe has answered."""
        while (status := (await self.advisor.get(self.path))["status"]) != ACCOUNT:  # noqa: ASYNC110  another process's
            await trio.sleep(POLL_SECONDS)
        return str(status)

    async def seen(self) -> list[str]:
        """What it went through, as the API has it."""
        return [*self.again, *await seen(self.advisor, self.reviewers[0], self.path)]

    async def _begun(self) -> str:
        """Scenario 1: an advisor begins; the client's link."""
        begun = await self.advisor.post(f"{API}/initiate", {
            "clientType": self.applicant.client_type, "initiatedBy": "CONSEILLER",
            "conseillerEmail": "conseil@example.org", "clientInfo": self._info(),
            "metadata": {"source": "demo", "campaignId": self.demo.mark},
        })  # fmt: skip
        self.name = begun["onboardingId"]
        return str(begun["clientPortalUrl"])

    async def _submitted(self) -> str:
        """Scenario 2: a partner submits; the client has their link by mail."""
        taxes = {"year": self.demo.now.year - 1, "country": "FR", "referenceIncomeCents": 45_678_00}
        taken = await self.partner.post("/api/v1/partner/submissions", {
            "reference": self.demo.mark, "clientType": self.applicant.client_type,
            "clientInfo": self._info(), "profile": {"tax": {**taxes, "currency": "EUR"}},
        })  # fmt: skip
        self.name = taken["onboardingId"]
        return await self._written("mail", self._mail(), LINK)

    def _info(self) -> dict[str, str]:
        who = self.applicant
        return {
            "firstName": who.first_name, "lastName": who.last_name, "email": self._mail(),
            "phone": self._phone(), "dateOfBirth": who.birth, "residenceCountry": who.country,
            "taxResidence": who.country,
        }  # fmt: skip

    def _mail(self) -> str:
        return f"{self.demo.mark}-{self.number}@example.org"

    def _phone(self) -> str:
        """Of the range that France keeps for fiction (ARCEP, decision 2022-1583: 06 39 98 ...)."""
        mark = sum(ord(sign) * 31**at for at, sign in enumerate(self.demo.mark)) % 100
        return f"+336399{8}{mark:02d}{self.number}"

    @asynccontextmanager
    async def _portal(self, link: str) -> AsyncGenerator[Asker]:
        """The client, who has come by the link and typed the code."""
        token = link.partition("token=")[2]
        async with client_of(self.demo.place.daemon_url) as browser:
            browser.headers["Origin"] = self.demo.place.daemon_url
            client = Asker(browser)
            file = {"onboardingId": self.name}
            await client.ask("POST", "/portal/session", {**file, "token": token})
            code = await self._written("sms", self._phone(), CODE)
            await client.ask("POST", "/portal/session/code", {**file, "code": code})
            yield client

    async def _written(self, channel: str, to: str, what: re.Pattern[str]) -> str:
        """What stands in a message that somebody has got."""
        while True:
            query = {"channel": channel, "to": to}
            answer = await self.demo.sandbox.get("/control/inbox", params=query)
            for item in answer.raise_for_status().json()["items"]:
                if found := what.search(item["body"]):
                    return found[0]
            await trio.sleep(POLL_SECONDS)

    async def _send(self, client: Asker, doc_type: str, paper: Mapping[str, Any]) -> None:
        """One document, from the sandbox's press to its outcome."""
        drawn = await self.demo.sandbox.post("/control/papers", json=dict(paper))
        drawn.raise_for_status()
        media_type = drawn.headers["content-type"]
        suffix = "pdf" if media_type == "application/pdf" else "jpg"
        address = await client.post(f"{self.path}/documents", {
            "docType": doc_type, "filename": f"{doc_type.lower()}.{suffix}",
            "contentType": media_type, "sizeBytes": len(drawn.content),
        })  # fmt: skip
        async with self.demo.uploads, client_of(address["uploadUrl"]) as store:
            put = await store.put(
                address["uploadUrl"], content=drawn.content, headers=address["headers"]
            )
        if not put.is_success:
            text = f"the store answered {put.status_code}"
            raise CommandError("DEMO_REFUSED", text, "see the daemon's log", exit_status=EXIT_OTHER)
        document = f"{self.path}/documents/{address['documentId']}"
        await client.post(f"{document}/complete", {})
        while (shown := await client.get(document))["status"] in UNDER_WAY:  # noqa: ASYNC110  another process's
            await trio.sleep(POLL_SECONDS)
        if shown["status"] != "accepted":
            self.again.append(await asked_again(client, self.path, shown))

    async def _until_decided(self, but: str = "") -> str:
        """The status once it is one that lasts."""
        while True:
            status = str((await self.advisor.get(self.path))["status"])
            if status in LASTING and status != but:
                return status
            await trio.sleep(DECISION_POLL_SECONDS)
