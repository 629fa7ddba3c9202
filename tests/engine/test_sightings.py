"""What an inspected document comes to when it was seen elsewhere: by its bytes, its number, its look.

Source: spec.md S19, X13, X15; docs/documents.md.
"""

from collections.abc import Iterable

import pytest

from comptoir.actors.inspection.judging import Declared, Findings
from comptoir.actors.inspection.report import Report
from comptoir.actors.sighting.kind import sighting_spec
from comptoir.actors.sighting.machine import MACHINE
from comptoir.actors.sighting.messages import KIND, LOOKS, ForgetSighting, Seen
from comptoir.engine.boot.sightings import Sightings, Twins
from comptoir.engine.decision import Decision
from comptoir.engine.machine import Context
from comptoir.engine.spec import Bounds
from comptoir.engine.values import Address, Message, Reply, State
from tests.actors.sighted import LOOK

PASSPORT = {"documentNumber": "L898902C3", "issuer": "UTO"}


class Register:
    """The sightings, decided by their machine, in memory."""

    def __init__(self) -> None:
        self.states: dict[str, State] = {}
        self.sightings = Sightings(lambda field, value: f"<{field} {value}>", self.ask)

    async def ask(self, address: Address, message: Message) -> Reply | None:
        """Decide."""
        assert address.kind == KIND
        newborn = sighting_spec(Bounds()).newborn
        state = self.states.get(address.key, newborn)
        decision = MACHINE.decide(state, message, Context(address, 0, 1))  # type: ignore[arg-type]  # its own
        assert isinstance(decision, Decision)
        self.states[address.key] = decision.state
        return decision.reply

    async def sees(
        self, file: int, doc_type: str, sha256: str, flags: Iterable[str] = (), **told: str
    ) -> Twins:
        """A document of a file, inspected."""
        look = told.pop("look", "")
        declared = Declared(told.pop("first", f"Marie {file}"), "Tremblay", "1980-05-15")
        report = Report("application/pdf", 1, sha256, (), look)
        found = Findings(tuple(flags), told)
        return await self.sightings.look_up(
            Seen(f"ONB-{file}", f"doc_{file}", doc_type), declared, report, found
        )


async def test_an_identity_document_in_two_files_is_found_by_its_bytes_or_its_number() -> None:
    """S19, issue 8: photographed anew it has other bytes and the same number; either tells."""
    register = Register()
    assert (await register.sees(1, "IDENTITY", "aa", **PASSPORT)).flags == ()
    anew = await register.sees(2, "IDENTITY", "bb", **PASSPORT)
    assert (anew.flags, anew.files) == (("DUPLICATE_IDENTITY",), ("ONB-1",))
    same = await register.sees(3, "CONTRACT", "aa")
    assert same.flags == ("DUPLICATE_IDENTITY",), "as whatever it is sent"
    other = await register.sees(4, "IDENTITY", "cc", **{**PASSPORT, "issuer": "FRA"})
    assert other == Twins((), ("<document:bytes cc>", "<document:identity FRA:L898902C3>"))


async def test_who_applies_twice_has_one_passport() -> None:
    """S19: it is told, and makes nobody wait; accents, hyphens and order are no other person."""
    register = Register()
    await register.sees(1, "IDENTITY", "aa", first="Marie-Hélène", **PASSPORT)
    again = await register.sees(2, "IDENTITY", "bb", first="HELENE marie", **PASSPORT)
    assert (again.flags, again.files) == (("DUPLICATE_DOCUMENT",), ("ONB-1",))
    other = await register.sees(3, "IDENTITY", "cc", first="Mario", **PASSPORT)
    assert other.flags == ("DUPLICATE_IDENTITY",)


async def test_a_family_may_share_a_proof_of_residence() -> None:
    """Issue 8: the same bill in two files is told, and makes nobody wait."""
    register = Register()
    await register.sees(1, "PROOF_OF_RESIDENCE", "aa")
    assert (await register.sees(1, "PROOF_OF_RESIDENCE", "aa")).flags == (), "within one file"
    shared = await register.sees(2, "PROOF_OF_RESIDENCE", "aa")
    assert (shared.flags, shared.files) == (("DUPLICATE_DOCUMENT",), ("ONB-1",))


BILL = {"address": "12 rue des Lilas, 75011 Paris", "issueDate": "2026-11-15", "look": LOOK}


async def test_what_says_and_looks_like_a_document_of_another_file_is_told() -> None:
    """S19, issue 8: scanned anew, and be it with another holder's name, a bill is known by address, day and look; on the same
    form with another day it is another bill, and the same address on another form is a neighbour's.
    """
    register = Register()
    near = f"{int(LOOK, 16) ^ 0b1011:0{len(LOOK)}x}"
    far = f"{int(LOOK, 16) ^ (1 << 60) - 1:0{len(LOOK)}x}"
    first = await register.sees(1, "PROOF_OF_RESIDENCE", "aa", **BILL)
    assert (first.flags, len(first.marks)) == ((), 2)
    again = await register.sees(2, "PROOF_OF_RESIDENCE", "bb", **{**BILL, "look": near})
    assert (again.flags, again.files) == (("LOOKS_ALIKE",), ("ONB-1",))
    same = await register.sees(3, "PROOF_OF_RESIDENCE", "aa", **BILL)
    assert same.flags == ("DUPLICATE_DOCUMENT", "LOOKS_ALIKE"), (
        "the first by its bytes, the second by its look"
    )
    for other in ({"issueDate": "2026-10-15"}, {"look": far}, {"address": ""}):
        assert (await register.sees(4, "PROOF_OF_RESIDENCE", "cc", **{**BILL, **other})).flags == ()
    notice = {"taxNumber": "1234567890123", "taxYear": "2025", "look": LOOK}
    await register.sees(5, "TAX_DECLARATION", "dd", **notice)
    assert (await register.sees(6, "TAX_DECLARATION", "ee", **notice)).files == ("ONB-5",)


async def test_what_looks_like_a_refused_document_is_told() -> None:
    """S19: it comes again in other bytes, in another file."""
    register = Register()
    refused = await register.sees(1, "IDENTITY", "aa", ("PDF_JAVASCRIPT",), look=LOOK)
    assert refused == Twins((), (LOOKS,))
    again = await register.sees(2, "IDENTITY", "bb", look=LOOK)
    assert (again.flags, again.files) == (("LOOKS_REFUSED",), ("ONB-1",))
    assert (await register.sees(3, "IDENTITY", "cc", ("POLYGLOT",))) == Twins()


async def test_what_is_to_be_sent_again_is_seen_nowhere() -> None:
    """X13: what the file does not keep is not noted."""
    register = Register()
    assert await register.sees(1, "IDENTITY", "aa", ("DAMAGED",), look=LOOK) == Twins()
    assert register.states == {}


async def test_what_a_file_forgets_is_not_found_any_more() -> None:
    """X13: each mark that was given forgets, and then nothing of the file is left."""
    register = Register()
    marks = (await register.sees(1, "IDENTITY", "aa", **PASSPORT)).marks
    marks += (await register.sees(1, "IDENTITY", "dd", ("POLYGLOT",), look=LOOK)).marks
    marks += (await register.sees(1, "PROOF_OF_RESIDENCE", "ee", **BILL)).marks
    for mark in marks:
        await register.ask(Address(KIND, mark), ForgetSighting("ONB-1", "doc_1"))
    assert "ONB-1" not in str(register.states)
    assert (await register.sees(2, "IDENTITY", "aa", look=LOOK, **PASSPORT)).flags == ()


@pytest.mark.parametrize("key", ["<document:bytes aa>"])
async def test_a_digest_alone_finds_nothing(key: str) -> None:
    """X15: an address is made of a keyed index of the digest, not of the digest."""
    register = Register()
    await register.sees(1, "CONTRACT", "aa")
    assert list(register.states) == [key]
