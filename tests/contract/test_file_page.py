"""A client comes back to a file: by another link that it asks for itself, and to a page that says what is still missing.

Rule: daemon and sandbox are processes of their own, and the page is looked at by a real browser; what the client reads is in
the sandbox's inbox.
Source: interface.md 8; spec.md S3, S4, S12, S19, X8; docs/portal.md.
"""

import json
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from comptoir.engine.asking_testing import ANSWER_SECONDS_MAX
from comptoir.engine.testing import Process
from comptoir.engine.trust import trust_of
from comptoir.http.contract_testing import Customer, eventually
from tests.actors.inspection.specimens import Bill, as_pdf, identity, residence
from tests.actors.inspection.zones import Bearer
from tests.contract.documents import INITIATION, Applicant, to_people

Start = Callable[..., Process]
WAIT_MS = 15_000
LOOK_MS = 90_000
"""A document is read in two seconds by a processor of its own, and tests have none."""
WANTS = {
    "documents": ["IDENTITY", "PROOF_OF_RESIDENCE"],
    "needs": ["address", "national_id", "occupation"], "entity": False, "parties": [],
    "contract": "management-individual",
}  # fmt: skip
TYPED = {
    "address-street": "1 rue des Lilas",
    "address-city": "Lyon",
    "nationalId-number": "046 454 286",
}
NOT_TAKEN = "Failed to load resource: the server responded with a status of 400 ()"
"""What a browser says of a form that was not taken."""
FRENCH = {"Accept-Language": "fr"}


@pytest.fixture(scope="module")
def bank(comptoir_daemon_shared: Start, carrier: Process) -> Process:
    """A daemon with accounts."""
    return comptoir_daemon_shared(
        **to_people(carrier),
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_HTTP__RATE_LIMITS="off",
        COMPTOIR_ONBOARDING__TYPES=json.dumps({"INDIVIDUAL": WANTS}),
    )


class Client:
    """Somebody with a file, a mail box and a telephone."""

    def __init__(self, bank: Process, carrier: Process) -> None:
        self.bank, self.carrier = bank, carrier
        self.phone = f"+3361{secrets.randbelow(10**7):07d}"
        self.mail = f"{secrets.token_hex(6)}@example.org"
        bank.bearer = bank.token("c.martin", "CONSEILLER")
        info = {**INITIATION["clientInfo"], "phone": self.phone, "email": self.mail}
        self.file = Applicant(bank, clientInfo=info)
        self.number = str(self.file.begun["onboardingId"])
        self.http = httpx.Client(
            base_url=bank.url, headers={"Origin": bank.url, **FRENCH}, trust_env=False,
            verify=trust_of(bank.url), timeout=ANSWER_SECONDS_MAX,
        )  # fmt: skip

    def got(self, channel: str) -> list[str]:
        """All that came, the oldest first."""
        to = self.mail if channel == "mail" else self.phone.replace("+", "%2B")
        items = self.carrier.get(f"/control/inbox?channel={channel}&to={to}").json()["items"]
        return [str(one["body"]) for one in items]

    def tokens(self, count: int) -> list[str]:
        """Of so many links."""
        eventually(lambda: len(self.got("mail")) >= count)
        return [re.findall(r"token=([\w-]{43})", body)[0] for body in self.got("mail")]

    def code(self, count: int = 1) -> str:
        """The newest of so many."""
        eventually(lambda: len(self.got("sms")) >= count)
        return str(re.findall(r"\b\d{6}\b", self.got("sms")[-1])[0])

    def asks(self, token: str, number: str = "") -> httpx.Response:
        """For another link, by the button of the page."""
        return self.http.post(f"/portal/{number or self.number}/link", data={"token": token})


@pytest.fixture
def client(bank: Process, carrier: Process) -> Any:
    """One with a file of their own."""
    made = Client(bank, carrier)
    yield made
    made.http.close()


def _spent(client: Client, token: str) -> None:
    """Go on by a link, and try codes until it is dead."""
    path = f"/portal/{client.number}"
    assert client.http.post(path, data={"token": token}).status_code == 200
    wrong = {"code": "no code"}
    tried = [client.http.post(f"{path}/code", data=wrong).status_code for _ in range(5)]
    assert tried == [403, 403, 403, 403, 410]


def test_a_link_that_is_over_has_another_sent(client: Client) -> None:
    """X8: the page of a link that is over has a button; another link goes to the address of the file and
    lets its client in; the answer is the same, to the byte, for a link that was right, for one that never was, and for a file
    that there is not. Nothing is sent while the client waits for a code, has a link that is good, or is in; when it has signed
    out, another one is.
    """
    (first,) = client.tokens(1)
    path = f"/portal/{client.number}"
    _spent(client, first)
    over = client.http.post(path, data={"token": first})
    assert over.status_code == 410
    assert f'action="{path}/link"' in over.text
    asked = client.asks(first)
    assert (asked.status_code, "Consultez votre messagerie" in asked.text) == (200, True)
    second = client.tokens(2)[1]
    assert second != first
    for token, number in ((secrets.token_urlsafe(32), ""), (first, "ONB-1999-99999"), ("x", "")):
        nothing = client.asks(token, number)
        assert (nothing.status_code, nothing.text) == (200, asked.text)
    assert client.asks(first).text == asked.text, "the second is good"
    assert client.http.post(path, data={"token": second}).status_code == 200
    assert client.asks(first).text == asked.text, "its code may be typed"
    typed = client.http.post(f"{path}/code", data={"code": client.code(2)})
    assert (typed.status_code, f"{path}/file" in typed.text) == (200, True)
    link = {"onboardingId": client.number, "token": first}
    assert client.http.post("/portal/session/link", json=link).status_code == 204
    assert client.http.get(f"{path}/file").status_code == 200
    Customer(client.bank).quiet()
    assert len(client.got("mail")) == 2, "none while they are in"
    assert client.http.delete("/portal/session").status_code == 204
    assert client.http.post("/portal/session/link", json=link).status_code == 204
    third = client.tokens(3)[2]
    said = client.bank.log.read_text()
    assert not [one for one in (first, second, third) if one in said]


def _passport(folder: Path) -> Path:
    place = (
        folder / "Capture\u202fd'écran du passeport\u200e.pdf"
    )  # as macOS and messengers name files
    marie = Bearer("TREMBLAY", "MARIE ANNE", birth="800515", nationality="CAN", issuer="CAN")
    place.write_bytes(as_pdf(identity(marie, "TD3")))
    return place


def _cut(paper: Path) -> Path:
    """What is left of it when it did not arrive whole."""
    place = paper.with_stem(f"{paper.stem} coupé")
    place.write_bytes(paper.read_bytes()[:5_000])
    return place


def _bill(folder: Path) -> Path:
    place = folder / "facture.pdf"
    said = Bill(address=("1 rue des Lilas", "69001 Lyon"), date=f"{datetime.now(UTC):%d/%m/%Y}")
    place.write_bytes(as_pdf(residence(said)))
    return place


def _sends(page: Page, **papers: Path) -> None:
    """Choose a file for each document, and press the buttons of their forms one after the other: the page is asked for anew
    when the last of them has been looked at.
    """
    forms = [page.locator(f"[data-missing={doc_type}]") for doc_type in papers]
    for form, paper in zip(forms, papers.values(), strict=True):
        form.get_by_label("Fichier PDF ou JPEG").set_input_files(paper)
    with page.expect_navigation(timeout=LOOK_MS):
        for form in forms:
            form.get_by_role("button", name="Envoyer").click()


def _completes(page: Page) -> None:
    """The fields that are lacking: one that is wrong is named with how it is right, and what was typed beside it stays; that
    one put right, none is left, and the page is one that may be loaded again.
    """
    for name, value in TYPED.items():
        page.locator(f"#field-{name}").fill(value)
    page.locator("#field-nationalId-type").select_option("SIN")
    page.locator("#field-nationalId-country").fill("ca")
    page.locator("#field-occupation-status").select_option(label="Salarié")
    country = page.get_by_label("Pays", exact=True)
    country.fill("1")
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_role("alert").filter(has_text="À vérifier : Pays. Code du pays en deux lettres")).to_have_count(1)  # fmt: skip
    expect(country).to_have_attribute("aria-invalid", "true")
    expect(country).to_have_accessible_description(re.compile("À vérifier : Pays"))
    for name, value in TYPED.items():
        expect(page.locator(f"#field-{name}")).to_have_value(value)
    expect(page.locator("#field-occupation-status")).to_have_value("EMPLOYED")
    country.fill("fr")
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_role("heading", name="Informations à compléter")).to_have_count(0)


def test_a_person_sees_what_is_missing_sends_it_and_sees_it_gone(
    client: Client, chromium: Browser, tmp_path: Path
) -> None:
    """S3, S4, S12, S19: in French, with a browser: documents and fields that are missing; of two that are sent at once
    the one that is cut off is asked for again with the reason, and nothing else; sent anew, it is gone from there and stands among what was received; what
    the profile lacks is typed there, before: with the last document the file goes on, and the page tells of no failure. Nobody
    else sees it, and is told how to get in.
    """
    context = chromium.new_context(locale="fr-FR")
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda told: faults.append(told.text) if told.type == "error" else None)
    page.goto(f"{client.bank.url}/portal/{client.number}?token={client.tokens(1)[0]}")
    page.get_by_role("button", name="Recevoir mon code").click()
    page.get_by_label("Code à six chiffres").fill(client.code())
    page.get_by_role("button", name="Entrer").click()
    page.get_by_role("link", name="Ce qui manque à votre dossier").click()
    for name in ("Pièce d'identité", "Justificatif de domicile"):
        expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.get_by_text("À renvoyer")).to_have_count(0)
    _completes(page)

    passport = _passport(tmp_path)
    _sends(page, IDENTITY=_cut(passport), PROOF_OF_RESIDENCE=_bill(tmp_path))
    again = page.locator("[data-missing=IDENTITY]")
    expect(again.get_by_text("À renvoyer")).to_be_visible()
    expect(again.get_by_text("endommagé ou incomplet")).to_be_visible()
    expect(page.locator("h2:has-text('Documents reçus') + ul")).to_have_text("Justificatif de domicile")  # fmt: skip
    expect(page.locator("[data-missing]")).to_have_count(1)
    _sends(page, IDENTITY=passport)
    expect(page.locator("[data-missing]")).to_have_count(0)
    expect(page.get_by_text("Il ne manque rien à votre dossier")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    refused = [one for one in faults if one != NOT_TAKEN]
    assert (refused, len(faults)) == ([], 1), "the one form that was wrong, and nothing else"
    stranger = httpx.get(
        f"{client.bank.url}/portal/{client.number}/file",
        headers=FRENCH,
        trust_env=False,
        timeout=ANSWER_SECONDS_MAX,
    )
    nobody = httpx.get(
        f"{client.bank.url}/portal/ONB-1999-99999/file",
        headers=FRENCH,
        trust_env=False,
        timeout=ANSWER_SECONDS_MAX,
    )
    assert (stranger.status_code, nobody.status_code) == (404, 404)
    assert stranger.text == nobody.text
    assert "Rouvrez le dernier lien" in stranger.text
    context.close()
