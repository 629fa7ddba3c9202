"""The gateways over watch lists: who searches them, who reads them, and who knows which cases there are.

Rules:
- a list that is not there yet, or a child that does not answer, is a party that is away: at the first sign of it what
  is asked waits, parked, and is answered when it is back. It clears nobody (S27);
- what can never be answered is said to be so, and by which code;
- a list is read in a child, one at a time; cases are read a page at a time, and none while many searches wait.
Source: spec.md S21, S27, E4, E5; design.md 6; docs/screening.md.
"""

import re
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Final

import msgspec
import trio

from comptoir.actors.gateways.kyc_messages import (
    SCREENING,
    CheckImpossible,
    ListedHit,
    PartyScreened,
    ScreenParty,
)
from comptoir.actors.gateways.list_messages import (
    CASES,
    LISTS,
    CasesRead,
    CasesUnread,
    ListLoaded,
    ListUnchanged,
    ListWrong,
    LoadList,
    ReadCases,
)
from comptoir.actors.kyc.messages import KIND as CASE
from comptoir.actors.kyc.messages import Party
from comptoir.actors.screening.desk import ListDesk, ListRefused, Loaded
from comptoir.actors.screening.evidence import Subject
from comptoir.actors.screening.process import ListHit, ScreeningUnavailable
from comptoir.actors.watch_list.messages import COLLECTION
from comptoir.engine.errors import Unavailable
from comptoir.engine.gateway_spec import (
    CallContext,
    CallFault,
    GatewayBounds,
    GatewaySpec,
    Operation,
)
from comptoir.engine.journal import Journal
from comptoir.engine.patience import read_patiently
from comptoir.engine.settings import Settings
from comptoir.engine.spec import BreakerBounds
from comptoir.engine.values import Message

__all__ = ["Screens", "open_lists", "screening_gateways", "subject_of"]

FOLDER: Final = "lists"
AWAY: Final = BreakerBounds(errors=1, window_ms=10_000, recovery_ms=5_000)
"""Each failure is already that of two children, or of a list that takes minutes."""
SEARCHES: Final = GatewayBounds(deadline_s=180.0, calls_max=2, breaker=AWAY)
"""One is searched for while the next is made ready. A search that must start its child twice takes two minutes."""
READINGS: Final = GatewayBounds(
    deadline_s=3_600.0, calls_max=1, retry_delays_ms=(1_000, 10_000, 60_000, 600_000)
)
"""A million names take minutes."""
PAGES: Final = GatewayBounds(
    deadline_s=60.0, calls_max=2, retry_delays_ms=(1_000, 10_000, 60_000, 600_000, 3_600_000)
)
"""Tries reach over an hour of a database that is away."""
WAITING_MAX: Final = 500
"""Searches, from which on no further cases are told: a new client's is among them."""
COUNTED_AT_ONCE: Final = 1_000
BY_HAND_S: Final = 15.0
"""Somebody waits for it."""
_DATE: Final = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?").fullmatch
_COUNTRY: Final = re.compile(r"[A-Za-z]{2}").fullmatch


class Screens:
    """That part of a daemon which searches lists for whoever asks by hand."""

    lists: ListDesk | None = None

    async def screen(self, party: Party) -> PartyScreened | CheckImpossible | None:
        """Whom the lists may mean by a party; None: nobody knows now."""
        if self.lists is None:
            return None
        with trio.move_on_after(BY_HAND_S):
            try:
                return await _screen(self.lists, ScreenParty("", party))
            except ScreeningUnavailable:
                return None
        return None


async def open_lists(settings: Settings, journal: Journal, stack: AsyncExitStack) -> ListDesk:
    """The lists of these settings, as they were committed; what searches them ends with the stack."""
    lists = {one.name: one.path for one in settings.screening.lists}
    folder = settings.storage.data_dir / FOLDER
    desk = ListDesk(lists, folder, settings.screening.match_from)
    stack.push_async_callback(desk.aclose)
    read = partial(journal.documents, COLLECTION, tuple(lists))
    found = await read_patiently(read, settings.storage.start_timeout_s)
    await desk.open({name: str(one["version"]) for name, one in found.items()})
    return desk


def screening_gateways(desk: ListDesk, journal: Journal) -> tuple[GatewaySpec, ...]:
    """Those who search lists, read lists, and read cases."""
    return (_searching(desk), _reading(desk), _listing(journal))


def _searching(desk: ListDesk) -> GatewaySpec:
    async def search(message: ScreenParty, _context: CallContext) -> Message:
        try:
            return await _screen(desk, message)
        except ScreeningUnavailable as error:
            raise CallFault("SCREENING_UNAVAILABLE", retryable=True) from error

    operation = Operation(search, lambda message: message.reference, failed=_impossible)
    return GatewaySpec(
        SCREENING.kind, {ScreenParty: operation}, SEARCHES, dead_queue="dlq:onboarding"
    )


async def _screen(desk: ListDesk, message: ScreenParty) -> PartyScreened | CheckImpossible:
    """Search the lists for a party.

    Raises:
        ScreeningUnavailable: nobody knows now.
    """
    if not desk.names:
        return _impossible(message, "NOT_CONFIGURED")
    party, hits, versions = message.party, list[ListHit](), None
    for name in (party.name, *party.former):
        with suppress(
            ValueError
        ):  # one of these names has no word; who bears no other one is told so
            subject = msgspec.structs.replace(subject_of(party), names=(name,))
            found = await desk.search(party.schema, subject)
            hits, versions = hits + list(found.hits), found.versions
    if versions is None:
        return _impossible(message, "NAME_UNUSABLE")
    # An entry is a hit under each name that it was found by: what a person has said is said of a name.
    ranked = sorted(
        {(x.list, x.id, x.fingerprint): x for x in hits}.values(), key=lambda x: -x.score
    )
    return PartyScreened(message.reference, tuple(map(_listed, ranked)), versions)


def _impossible(message: ScreenParty, code: str) -> CheckImpossible:
    return CheckImpossible(message.reference, "screening", code)


def subject_of(party: Party) -> Subject:
    """A party as the matcher takes it; what is no date and no country is no evidence."""
    countries = (party.nationality, party.residence_country, party.tax_residence)
    return Subject(
        (party.name,),
        (party.date_of_birth,) if _DATE(party.date_of_birth) else (),
        frozenset(one.lower() for one in countries if _COUNTRY(one)),
    )


def _listed(hit: ListHit) -> ListedHit:
    return ListedHit(
        hit.list, hit.id, hit.name, round(hit.score * 1000), hit.topics, hit.features,
        hit.fingerprint, hit.aliases, hit.birth_dates, hit.countries, hit.said,
    )  # fmt: skip


def _reading(desk: ListDesk) -> GatewaySpec:
    async def load(message: LoadList, _context: CallContext) -> Message | None:
        if message.list not in desk.names:
            return ListWrong("LIST_UNKNOWN", "")
        try:
            loaded = await desk.load(message)
        except ListRefused as error:
            return ListWrong(error.code, error.detail)
        except ScreeningUnavailable as error:
            raise CallFault("LIST_READER_LOST", retryable=True) from error
        return _told(loaded)

    operation = Operation(
        load,
        lambda message: f"{message.list}:{message.version}",
        failed=lambda _message, code: ListWrong(code, ""),
    )
    return GatewaySpec(LISTS.kind, {LoadList: operation}, READINGS, dead_queue="dlq:onboarding")


def _told(loaded: Loaded | None) -> Message:
    if loaded is None:
        return ListUnchanged()
    return ListLoaded(loaded.version, loaded.entries, loaded.names, loaded.look)


def _listing(journal: Journal) -> GatewaySpec:
    async def read(message: ReadCases, context: CallContext) -> Message | None:
        try:
            total = await _count(journal) if message.count else None
            if _waiting(await journal.count_pending(context.now)) > WAITING_MAX:
                return CasesRead(message.walk, message.after, (), total, crowded=True)
            keys = await _cases(journal, message.after, message.limit)
        except Unavailable as error:
            raise CallFault(error.code, retryable=True) from error
        return CasesRead(message.walk, message.after, keys, total, crowded=False)

    operation = Operation(
        read,
        lambda message: f"{message.walk}:{message.after}",
        failed=lambda message, _code: CasesUnread(message.walk, message.after),
    )
    return GatewaySpec(CASES.kind, {ReadCases: operation}, PAGES, dead_queue="dlq:onboarding")


def _waiting(pending: Mapping[tuple[str, str], int]) -> int:
    """Searches that are not answered yet, and cases that have not been told."""
    kinds = ((SCREENING.kind, "message"), (SCREENING.kind, "parked"), (CASE, "message"))
    return sum(pending.get(kind, 0) for kind in kinds)


async def _cases(journal: Journal, after: str, limit: int) -> tuple[str, ...]:
    """The next so many that are not over; fewer: there are no more."""
    found: list[str] = []
    while len(found) < limit and (page := await journal.scan(CASE, after, limit)):
        found += (key for key, one in page if not one.get("over"))
        after = page[-1][0]
    return tuple(found[:limit])


async def _count(journal: Journal) -> int:
    total, after = 0, ""
    while page := await journal.scan(CASE, after, COUNTED_AT_ONCE):
        total, after = total + sum(not one.get("over") for _, one in page), page[-1][0]
    return total
