"""The daemon's gateways to those who know about people, as a start wires them, over the sandbox (S21, S24, E15)."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
import trio

from comptoir.actors.gateways.kyc_messages import (
    AddressChecked,
    CheckAddress,
    CheckCredit,
    CheckImpossible,
    CreditChecked,
    MediaSearched,
    ReadVerification,
    SearchMedia,
    VerificationStarted,
)
from comptoir.actors.kyc.messages import BureauReported, Party, PostalAddress
from comptoir.engine.boot.people import people_gateways
from comptoir.engine.engine import Engine
from comptoir.engine.settings import Settings
from comptoir.storage.testing import MemoryTables
from tests.actors.gateways.people import CLIENT, FILE, HOME, IN_CANADA, START, Ask, asking, heard

R = START.reference
PARTIES = {
    "kyc": "/kyc", "addresses_ban": "/ban", "addresses_canada_post": "", "credit": "/credit", "adverse_media": "/media",
}  # fmt: skip


@asynccontextmanager
async def _wired(tables: MemoryTables, base: str | None) -> AsyncGenerator[Engine, None]:
    values: dict[tuple[str, ...], Any] = {("retry", "delays_s"): (0.05, 0.1, 0.2)}
    if base is not None:
        values |= {("providers", name, "base_url"): base + path for name, path in PARTIES.items()}
    async with AsyncExitStack() as stack:
        gateways = await people_gateways(Settings().having(values), stack)
        async with asking(tables, *gateways) as engine:
            yield engine


async def _heard(engine: Engine, tables: MemoryTables, count: int) -> list[Any]:
    with trio.fail_after(20):
        while len(heard(tables)) < count:
            await engine.quiesce(0.05)
            await trio.sleep(0.01)
    return heard(tables)


@pytest.fixture
def base(driver: Any) -> str:
    """Where the sandbox is."""
    return f"http://127.0.0.1:{driver.port}"


async def test_every_party_answers(driver: Any, base: str) -> None:
    """S21: each by its own address, and in its own words."""
    tables = MemoryTables()
    await driver.client.post(
        "/control/media", json={"name": "Ada Lovelace", "items": [{"title": "A"}]}
    )
    questions = (
        ("bureau", START),
        ("addresses", CheckAddress("fr", HOME)),
        ("addresses", CheckAddress("ca", IN_CANADA)),
        ("addresses", CheckAddress("us", PostalAddress("1 Main St", "10001", "New York", "NY", "US"))),
        ("credit", CheckCredit("credit", CLIENT, HOME)),
        ("media", SearchMedia("media", CLIENT)),
        ("media", SearchMedia("nobody", Party("owner-1", "beneficial_owner", "Person", "Zoé", "Iks"))),
    )  # fmt: skip
    async with _wired(tables, base) as engine:
        for kind, what in questions:
            await engine.ask(FILE, Ask(kind, what))
        found = {one.reference: one for one in await _heard(engine, tables, len(questions))}
        begun = found[R]
        assert isinstance(begun, VerificationStarted)
        await driver.client.post(f"/control/kyc/{START.onboarding_id}", json={"score": 85})
        read = ReadVerification(R, START.onboarding_id, begun.verification_id)
        await engine.ask(FILE, Ask("bureau", read))
        report = (await _heard(engine, tables, len(questions) + 1))[-1]
    assert isinstance(report, BureauReported)
    assert (report.score, report.recommendation, report.healed) == (85, "AUTO_APPROVE", True)
    for reference in ("fr", "ca"):
        answer = found[reference]
        assert isinstance(answer, AddressChecked)
        assert (answer.verified, answer.likeness) == (True, 100)
    assert found["us"] == CheckImpossible("us", "address", "COUNTRY_NOT_COVERED")
    assert found["credit"] == CreditChecked("credit", high=False, band="GOOD")
    assert isinstance(found["media"], MediaSearched)
    assert [one.title for one in found["media"].headlines] == ["A"]
    assert found["nobody"] == MediaSearched("nobody", ())


@pytest.mark.parametrize("fault", ["drop_after_effect", "status"])
async def test_never_two_verifications(driver: Any, base: str, fault: str) -> None:
    """S21, S63: an answer that was lost after the bureau had taken it begins no second one."""
    tables = MemoryTables()
    await driver.put_faults(
        {"party": "kyc", "operation": "verifications.create", "fault": fault, "count": 2}
    )
    async with _wired(tables, base) as engine:
        await engine.ask(FILE, Ask("bureau", START))
        (begun,) = await _heard(engine, tables, 1)
    assert isinstance(begun, VerificationStarted)
    listed = (await driver.client.get("/control/kyc")).json()["items"]
    assert [one["id"] for one in listed] == [begun.verification_id]
    calls = (await driver.client.get("/control/calls?party=kyc")).json()["items"]
    assert [one["effect"] for one in calls].count(True) == 1
    assert {one["idempotencyKey"] for one in calls} == {R}
    assert len(calls) == 3


async def test_without_addresses_every_question_is_answered() -> None:
    """S21: a start without any of them says so to whoever asks."""
    tables = MemoryTables()
    async with _wired(tables, None) as engine:
        await engine.ask(FILE, Ask("bureau", START))
        await engine.ask(FILE, Ask("addresses", CheckAddress(R, HOME)))
        await engine.ask(FILE, Ask("addresses", CheckAddress(R, IN_CANADA)))
        await engine.ask(FILE, Ask("credit", CheckCredit(R, CLIENT, HOME)))
        await engine.ask(FILE, Ask("media", SearchMedia(R, CLIENT)))
        found = await _heard(engine, tables, 5)
    assert {(one.code) for one in found} == {"NOT_CONFIGURED"}
    assert sorted(one.check for one in found) == [
        "address",
        "address",
        "credit",
        "identity",
        "media",
    ]
