"""Where else an inspected document was seen: asked of the actors that know, between its inspection and its file.

Rule: a document that is taken is noted under the digest of its bytes, and an identity document under its issuer and
number too, both keyed, so that a copy of the database tells nobody whose document it is (X15); what the others
have becomes flags. Looks alone are compared with those of what was refused; of what was taken, a look counts beside what the
document says (address and day of a bill, number and year of a notice), because two people's bills of one company look alike
(docs/adr/0061-a-look-is-told-beside-what-it-says.md). Asked again for the same document, after a crash, the
answer is the same but for what came meanwhile.
Source: spec.md S19, X13, X15; docs/documents.md.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from typing import Final, Protocol

import msgspec
from anyascii import anyascii

from comptoir.actors.inspection.flags import Weight, outcome_of
from comptoir.actors.inspection.judging import Declared, Findings
from comptoir.actors.inspection.report import Report
from comptoir.actors.sighting.machine import is_near
from comptoir.actors.sighting.messages import (
    KIND,
    LOOKS,
    CompareLook,
    NoteRefusedLook,
    SeeDocument,
    Seen,
    SeenIn,
)
from comptoir.engine.values import Address, Message, Reply

__all__ = ["Sightings", "Twins"]

IDENTITY: Final = "IDENTITY"
SAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "PROOF_OF_RESIDENCE": ("address", "issueDate"), "TAX_DECLARATION": ("taxNumber", "taxYear"),
}  # fmt: skip
"""Without the name: whoever puts their own on somebody else's bill leaves the rest as it is."""
Ask = Callable[[Address, Message], Awaitable[Reply | None]]
"""Has an actor decide, and returns its reply once that is durable."""


class Index(Protocol):
    """Makes addresses of what is sealed."""

    def __call__(self, field: str, value: str) -> str:
        """The keyed digest of a value of a field, in hexadecimal."""
        ...


class Twins(msgspec.Struct, frozen=True):
    """What came of it."""

    flags: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    """Keys of the sightings in which it is noted now."""
    files: tuple[str, ...] = ()
    """Numbers of the other files."""


class Sightings:
    """Whoever knows where documents were seen."""

    def __init__(self, index: Index, ask: Ask) -> None:
        self._index = index
        self._ask = ask

    async def look_up(
        self, seen: Seen, declared: Declared, report: Report, found: Findings
    ) -> Twins:
        """Note a document that was inspected, and say where else it is.

        Somebody who applies twice shows one passport twice: that is told. That it is in a file of somebody else, by
        name or birth, is what nobody explains.

        Raises:
            EngineError: an actor could not be asked now.
        """
        weight = outcome_of(found.flags)
        if weight is Weight.REDO:
            return Twins()
        if weight is Weight.REFUSE:
            return await self._refused(seen, report.look)
        keys = tuple(
            self._index(f"document:{x}", y) for x, y in _traits(seen, report, found.fields)
        )
        mine = msgspec.structs.replace(seen, holder=_holder(declared))
        others: list[Seen] = []
        for key in keys:
            others += await self._seen(key, SeeDocument(mine))
        near, marks = await self._near(mine, report.look, found.fields)
        flags: list[str] = []
        strangers = [one for one in others if one.holder != mine.holder]
        if any(IDENTITY in (seen.doc_type, one.doc_type) for one in strangers):
            flags.append("DUPLICATE_IDENTITY")
        elif others:
            flags.append("DUPLICATE_DOCUMENT")
        if {one.file for one in near} - {one.file for one in others}:
            flags.append("LOOKS_ALIKE")
        others += near
        if report.look:
            alike = await self._seen(LOOKS, CompareLook(seen.file, report.look))
            flags += ["LOOKS_REFUSED"] if alike else []
            others += alike
        return Twins(tuple(flags), keys + marks, tuple(sorted({one.file for one in others})))

    async def _near(
        self, mine: Seen, look: str, fields: Mapping[str, str]
    ) -> tuple[list[Seen], tuple[str, ...]]:
        """Documents of other files that say the same and look like it, and the key under which it is noted."""
        said = _says(mine.doc_type, fields)
        if not said or not look:
            return [], ()
        key = self._index(f"document:{mine.doc_type}", said)
        there = await self._seen(key, SeeDocument(msgspec.structs.replace(mine, look=look)))
        return [one for one in there if is_near(one.look, look)], (key,)

    async def _refused(self, seen: Seen, look: str) -> Twins:
        if not look:
            return Twins()
        await self._seen(LOOKS, NoteRefusedLook(msgspec.structs.replace(seen, look=look)))
        return Twins(marks=(LOOKS,))

    async def _seen(self, key: str, message: Message) -> tuple[Seen, ...]:
        reply = await self._ask(Address(KIND, key), message)
        assert isinstance(reply, SeenIn), "what a sighting answers"
        return reply.others


def _holder(declared: Declared) -> str:
    """Whom a file is of: accents, capitals, hyphens and the order of names make nobody another one. It stands in a
    sealed state alone; a keyed digest would tell everybody from themselves once its key was replaced.
    """
    letters = anyascii(f"{declared.first_name} {declared.last_name}").casefold()
    words = "".join(sign if sign.isalnum() else " " for sign in letters).split()
    return sha256(" ".join((*sorted(words), declared.birth_date)).encode()).hexdigest()


def _says(doc_type: str, fields: Mapping[str, str]) -> str:
    """What tells one bill or one notice from the next on the same form; empty: it was not read."""
    wanted = SAYS.get(doc_type, ())
    parts = [re.sub(r"[^0-9a-z]", "", anyascii(fields.get(name, "")).lower()) for name in wanted]
    return ":".join(parts) if parts and all(parts) else ""


def _traits(seen: Seen, report: Report, fields: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """By what a document is known again."""
    traits = (("bytes", report.sha256),)
    if seen.doc_type == IDENTITY and fields.get("documentNumber"):
        return (*traits, ("identity", f"{fields.get('issuer', '')}:{fields['documentNumber']}"))
    return traits
