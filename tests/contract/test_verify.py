"""A contract signed in a real browser, and its proof: sealed by the daemon, verified by anybody over HTTP, by Debian's pdfsig, by a form.

Rule: daemon and sandbox are processes of their own; the sandbox is the authority whose stamps and lists the seal needs. What needs a browser
is skipped where there is none (conftest.py).
Source: issue 9, "must show"; spec.md S6, S28, S34; interface.md 8; docs/signature.md.
"""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from comptoir.engine.testing import Process
from comptoir.engine.trust import trust_of
from comptoir.http.contract_testing import eventually
from tests.contract.opening import contract, signs
from tests.contract.signing_there import File, settings_of

Start = Callable[..., Process]
WAIT_MS = 20_000


@pytest.fixture(scope="module")
def file(
    comptoir_daemon_shared: Start,
    comptoir_sandbox_shared: Start,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[File]:
    """A file whose client signs in our portal, at its contract."""
    sandbox, folder = comptoir_sandbox_shared(), tmp_path_factory.mktemp("house")
    settings = settings_of(sandbox, folder, COMPTOIR_SIGNING__PROVIDER="embedded")
    one = File(comptoir_daemon_shared(**settings), sandbox, folder)
    yield one.begins()
    one.browser.close()


def _cookies(file: File) -> list[Any]:
    """The client's session, for another browser of theirs."""
    return [
        {"name": one.name, "value": one.value or "", "url": file.daemon.url}
        for one in file.browser.cookies.jar
    ]


def _in_browser(file: File, chromium: Browser) -> None:
    """The client opens the page, reads the PDF, asks for a code, agrees and signs; no script runs, and nothing goes wrong."""
    context = chromium.new_context(java_script_enabled=False, locale="fr-FR")
    context.add_cookies(_cookies(file))
    page: Page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    faults: list[str] = []
    page.on("console", lambda told: faults.append(told.text) if told.type == "error" else None)
    page.goto(f"{file.daemon.url}/portal/{file.number}/contract")
    link = page.get_by_role("link", name="Lire le contrat (PDF)").get_attribute("href")
    pdf = context.request.get(f"{file.daemon.url}{link}")
    assert (pdf.status, pdf.body()[:5]) == (200, b"%PDF-")
    had = len(_codes(file))
    page.get_by_role("button", name="J'ai lu le contrat : recevoir mon code").click()
    eventually(lambda: len(_codes(file)) > had)
    for box in page.get_by_role("checkbox").all():
        assert not box.is_checked()
        box.check()
    page.get_by_label("Code à six chiffres").fill(_codes(file)[-1])
    page.get_by_role("button", name="Signer le contrat").click()
    expect(page.get_by_text("Le contrat est signé.")).to_be_visible()
    eventually(lambda: bool(file.contract()["signedSha256"]), 60.0)
    page.goto(f"{file.daemon.url}/portal/{file.number}/contract")
    expect(page.get_by_role("link", name="Conserver le contrat signé (PDF)")).to_be_visible()
    assert faults == []
    context.close()


def _codes(file: File) -> list[str]:
    inbox = file.sandbox.get(f"/control/inbox?channel=sms&to={file.phone.replace('+', '%2B')}")
    bodies = (str(one["body"]) for one in inbox.json()["items"])
    return [hit[0] for body in bodies if (hit := re.search(r"\b\d{6}\b", body))]


@pytest.fixture(scope="module")
def sealed(file: File, request: pytest.FixtureRequest) -> bytes:
    """The signed contract, as its client keeps it; signed in a real browser, where there is one."""
    if shutil.which("chromium"):
        _in_browser(file, request.getfixturevalue("chromium"))
    else:
        signs(file)
        eventually(lambda: bool(contract(file)["signedSha256"]), 60.0)
    pdf = file.by("compliance", "GET", f"{file.path}/signature/contract")
    assert (pdf.status, pdf.headers["content-type"]) == (200, "application/pdf")
    return pdf.body


def _verified(file: File, pdf: bytes) -> dict[str, Any]:
    """What the daemon says of a PDF to anybody."""
    headers = {"Content-Type": "application/pdf"}
    trust = trust_of(file.daemon.url)
    said = httpx.post(
        f"{file.daemon.url}/verify", content=pdf, headers=headers, timeout=60.0, verify=trust
    )
    assert said.status_code == 200, said.text
    found: dict[str, Any] = said.json()
    return found


def test_it_is_verified_by_anybody(file: File, sealed: bytes) -> None:
    """S28, interface.md 8: valid for the long term, with who signed and what they agreed to."""
    said = _verified(file, sealed)
    assert (said["valid"], said["problems"]) == (True, [])
    (signer,) = said["signers"]
    assert (signer["level"], signer["intact"], signer["trusted"]) == ("B-LTA", True, True)
    assert "electronic-1" in signer["evidence"]


def test_a_changed_byte_is_found(file: File, sealed: bytes) -> None:
    """Issue 9: whichever part of what was signed it is in; and what was never signed is not."""
    places = [sealed.index(b"stream") + 40, *(len(sealed) * tenth // 10 for tenth in (3, 5, 7))]
    for place in places:
        changed = bytearray(sealed)
        changed[place] ^= 0x01
        said = _verified(file, bytes(changed))
        assert (said["valid"], bool(said["problems"])) == (False, True), place
    assert _verified(file, b"%PDF-1.7\n%%EOF\n")["valid"] is False


@pytest.mark.skipif(
    shutil.which("pdfsig") is None, reason="there is no pdfsig here (poppler-utils)"
)
def test_poppler_finds_it_valid(sealed: bytes, tmp_path: Path) -> None:
    """Issue 9: an outside oracle, over the file that the daemon gave out."""
    path = tmp_path / "contract.pdf"
    path.write_bytes(sealed)
    said = subprocess.run(
        ["pdfsig", "-nocert", str(path)], capture_output=True, text=True, check=False
    ).stdout
    assert "Signature is Valid" in said, said


def test_a_form_says_the_same(file: File, sealed: bytes) -> None:
    """interface.md 8: what a browser sends of GET /verify, with a page for an answer."""
    for pdf, told in ((sealed, "Ce document est valide"), (sealed[:-40], "")):
        files = {"file": ("contrat.pdf", pdf, "application/pdf")}
        page = httpx.post(
            f"{file.daemon.url}/verify",
            files=files,
            headers={"Accept-Language": "fr"},
            timeout=60.0,
            verify=trust_of(file.daemon.url),
        )
        assert (page.status_code, "Ce document est valide" in page.text) == (200, bool(told))


def test_a_person_has_it_verified(
    file: File, sealed: bytes, chromium: Browser, tmp_path: Path
) -> None:
    """S28: a real browser, without a script: a file is chosen, and what is to be said of it is a page."""
    changed = bytearray(sealed)
    changed[sealed.index(b"stream") + 40] ^= 0x01
    context = chromium.new_context(java_script_enabled=False, locale="fr-FR")
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    for name, pdf, valid in (("good.pdf", sealed, True), ("bad.pdf", bytes(changed), False)):
        path = tmp_path / name
        path.write_bytes(pdf)
        page.goto(f"{file.daemon.url}/verify")
        page.locator("input[type=file]").set_input_files(path)
        page.get_by_role("button", name="Vérifier").click()
        good = page.get_by_text("Ce document est valide")
        if valid:
            expect(good).to_be_visible()
        else:
            expect(page.locator("main")).not_to_contain_text("Ce document est valide")
            expect(page.locator("[role=status],[role=alert],h1").first).to_be_visible()
    context.close()
