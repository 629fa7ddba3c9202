"""A contract is drawn, sealed for the long term, and proven years later from the file alone (S6, S28)."""

import io
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pikepdf
import pypdf
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from comptoir.actors.signature.drawing import draw
from comptoir.actors.signature.sealing import seal
from comptoir.actors.signature.sheet import FIELD, Part, Sheet
from comptoir.actors.signature.studio import Studio, StudioFailed
from comptoir.actors.signature.verifying import verify
from tests.actors.signature.authority import EVIDENCE, NOW_MS, SHEET, Serving, seal_of, serving

DAY_MS = 86_400_000
TEXT = st.text(st.sampled_from("aZé Łß#[]*_$@\\<>=/-`~'\"{}ω"), min_size=1, max_size=40).map(
    lambda x: f"x{x}x"
)


@pytest.fixture(scope="module")
def served() -> Iterator[Serving]:
    """One authority, whose keys are made once."""
    with serving() as one:
        yield one


@pytest.fixture(scope="module")
def contract() -> bytes:
    """A contract."""
    return draw(SHEET).pdf


@pytest.fixture(scope="module")
def sealed(served: Serving, contract: bytes) -> bytes:
    """It, sealed."""
    done = seal(seal_of(contract, served))
    assert done.code == ""
    return done.pdf


@pytest.fixture(scope="module")
def roots(served: Serving) -> tuple[bytes, ...]:
    """Whom we trust."""
    return (served.authority.root.public_bytes(Encoding.DER),)


@pytest.mark.parametrize("made", ["contract", "sealed"])
def test_a_contract_can_be_read_aloud(made: str, request: pytest.FixtureRequest) -> None:
    """S6: tagged, with title and language, every font in the file, and a field that belongs to the structure; sealed as well, where
    the field of the time stamp has nothing to see (ISO 14289-1, 7.18.1), and what is attached says what it is (7.11).
    """
    pdf: bytes = request.getfixturevalue(made)
    with pikepdf.open(io.BytesIO(pdf)) as file:
        assert file.Root.Lang == "fr"
        assert bool(file.Root.MarkInfo.Marked)
        assert bool(file.Root.ViewerPreferences.DisplayDocTitle)
        assert file.open_metadata()["dc:title"] == SHEET.title
        assert file.open_metadata()["pdfuaid:part"] == "1"
        fonts = [
            x
            for x in file.objects
            if isinstance(x, pikepdf.Dictionary) and x.get("/Type") == "/FontDescriptor"
        ]
        assert fonts
        assert all({"/FontFile", "/FontFile2", "/FontFile3"} & set(x.keys()) for x in fonts)
        field, *others = list(file.Root.AcroForm.Fields)
        assert len(others) == (made == "sealed")
        assert all([int(x) for x in other.Rect] == [0, 0, 0, 0] for other in others)
        assert all(page.obj.Tabs == "/S" for page in file.pages)
        attached = [*file.Root.get("/AF", [])]
        assert [(str(x.UF), bool(str(x.Desc)), str(x.AFRelationship)) for x in attached] == [
            ("evidence.json", True, "/Supplement")
        ] * (made == "sealed")
        parents = pikepdf.NumberTree(file.Root.StructTreeRoot.ParentTree)
        assert (str(field.T), str(field.FT)) == (FIELD, "/Sig")
        assert parents[int(field.StructParent)].S == "/Form"


def test_the_same_contract_is_the_same_file(contract: bytes) -> None:
    """S28: what is signed can be drawn again, byte by byte."""
    assert draw(SHEET).pdf == contract


@budget(max_examples=15, deadline=None)
@given(TEXT, TEXT)
def test_what_is_written_is_what_was_given(name: str, said: str) -> None:
    """S28: no name of a client is markup: its letters are on the page as they are."""
    sheet = Sheet("en", "Mandate", "Bank", "ONB-1", (Part("One", (said,)),), "Signed:", name, 0)
    text = pypdf.PdfReader(io.BytesIO(draw(sheet).pdf)).pages[0].extract_text()
    for wanted in (name, said):
        assert "".join(wanted.split()) in "".join(text.split())


def test_a_sealed_contract_is_good(sealed: bytes, roots: tuple[bytes, ...]) -> None:
    """S28: B-LTA, by the house, at a proven time, with the evidence that was sealed, and nothing beside it."""
    verdict = verify(sealed, roots, NOW_MS)
    assert (verdict.valid, verdict.problems) == (True, ())
    (signer,) = verdict.signers
    assert (signer.name, signer.issuer, signer.level) == (
        "Sandbox Private Bank",
        "Sandbox Root",
        "B-LTA",
    )
    assert signer.evidence == EVIDENCE.decode()
    assert signer.signed_at is not None
    assert abs(signer.signed_at - NOW_MS) < DAY_MS


@pytest.mark.parametrize("years", [1, 5, 9])
def test_it_is_good_years_after_its_certificate_expired(
    sealed: bytes, roots: tuple[bytes, ...], years: int
) -> None:
    """S28: the house's certificate was valid for a day; what proves it is in the file."""
    assert verify(sealed, roots, NOW_MS + years * 365 * DAY_MS).valid


def test_it_is_not_good_when_nothing_proves_it_any_more(
    sealed: bytes, roots: tuple[bytes, ...]
) -> None:
    """ETSI EN 319 102-1: once the last time stamp's certificate has expired, nothing is proven without another one."""
    assert not verify(sealed, roots, NOW_MS + 11 * 365 * DAY_MS).valid


def test_a_stranger_is_not_trusted(sealed: bytes) -> None:
    """S28: whoever seals by a root that we do not know is told as such; the bytes are whole all the same."""
    verdict = verify(sealed, (), NOW_MS)
    assert verdict.problems == ("SIGNER_NOT_TRUSTED",)
    assert verdict.signers[0].intact


@given(st.data())
def test_a_changed_byte_is_found_wherever_it_is(
    sealed: bytes, roots: tuple[bytes, ...], data: st.DataObject
) -> None:
    """S28: no byte of a sealed contract can be another."""
    place = data.draw(st.integers(0, len(sealed) - 1))
    bit = data.draw(st.integers(0, 7))
    changed = bytearray(sealed)
    changed[place] ^= 1 << bit
    assert not verify(bytes(changed), roots, NOW_MS).valid


def test_what_is_added_is_found(sealed: bytes, roots: tuple[bytes, ...]) -> None:
    """S28: bytes behind the end, and another page over the first by an update of its own."""
    assert "CONTENT_ADDED" in verify(sealed + b"\n% more\n", roots, NOW_MS).problems
    writer = pypdf.PdfWriter(io.BytesIO(sealed), incremental=True)
    writer.add_blank_page(100, 100)
    out = io.BytesIO()
    writer.write(out)
    assert not verify(out.getvalue(), roots, NOW_MS).valid


@pytest.mark.parametrize(
    ("pdf", "problem"), [(b"", "NOT_A_PDF"), (b"hello", "NOT_A_PDF"), (None, "NOT_SIGNED")]
)
def test_what_is_no_signed_pdf_is_told(contract: bytes, pdf: bytes | None, problem: str) -> None:
    """S28: stable codes, and never an error."""
    assert verify(contract if pdf is None else pdf, (), NOW_MS).problems == (problem,)


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9, 0.999])
def test_a_part_of_it_is_not_it(sealed: bytes, roots: tuple[bytes, ...], cut: float) -> None:
    """S28: a file that was cut short is not good."""
    assert not verify(sealed[: int(len(sealed) * cut)], roots, NOW_MS).valid


@pytest.mark.parametrize(
    ("away", "code"), [("tsa", "TSA_UNAVAILABLE"), ("crl", "SEAL_CHAIN_UNPROVEN")]
)
def test_without_its_authorities_nothing_is_sealed(
    served: Serving, contract: bytes, away: str, code: str
) -> None:
    """S63: an authority that is away is asked another time, and no seal is made without it."""
    served.away = away
    try:
        done = seal(seal_of(contract, served))
    finally:
        served.away = ""
    assert (done.pdf, done.code, done.retryable) == (b"", code, True)


def test_a_revoked_certificate_does_not_seal(contract: bytes) -> None:
    """RFC 5280: the house whose certificate is on the list seals nothing."""
    with serving() as served:
        served.authority.revoke(served.authority.house, served.authority.house.not_valid_before_utc + timedelta(hours=1))  # fmt: skip
        assert seal(seal_of(contract, served)).code == "SEAL_CHAIN_UNPROVEN"


def test_a_wrong_password_seals_nothing(served: Serving, contract: bytes) -> None:
    """S28: it is told, and is not tried again."""
    done = seal(msgspec.structs.replace(seal_of(contract, served), password="another"))
    assert (done.code, done.retryable) == ("SEAL_KEY_UNUSABLE", False)


async def test_each_is_done_by_a_program_of_its_own(
    served: Serving, roots: tuple[bytes, ...]
) -> None:
    """design.md 2: drawn, sealed and verified by children, the last one in its cell, to the same end."""
    studio = Studio(2, 2, 60.0)
    drawn = await studio.draw(SHEET)
    done = await studio.seal(seal_of(drawn.pdf, served))
    verdict = await studio.verify(done.pdf, roots, NOW_MS)
    assert (drawn.pages, verdict.valid, verdict.problems) == (1, True, ())


async def test_one_that_takes_too_long_is_ended() -> None:
    """design.md 2: its time over, the program is killed, and whoever asked hears of it."""
    with pytest.raises(StudioFailed, match="STUDIO_TOO_LONG"):
        await Studio(1, 1, 0.01).draw(SHEET)


def test_another_implementation_agrees(sealed: bytes, tmp_path: Path) -> None:
    """S28: poppler's pdfsig (NSS), an outside oracle, finds the signature whole."""
    if shutil.which("pdfsig") is None:
        assert os.environ.get("TESTS_REQUIRE_PDFSIG") != "1", "pdfsig of poppler-utils is required"
        pytest.skip("pdfsig of poppler-utils is not installed")
    path = tmp_path / "sealed.pdf"
    path.write_bytes(sealed)
    told = subprocess.run(
        ["pdfsig", "-nocert", str(path)], capture_output=True, text=True, check=False, timeout=60
    ).stdout
    assert "Signature is Valid" in told
    assert "ETSI.CAdES.detached" in told
