"""The page of a client's file: a sentence for each way in which a file stands, and a form that loses nothing (http/portal).

Source: spec.md S2, S14, X3; WCAG 2.2 (3.3.1, 3.3.3, 3.3.7); WAI-ARIA 1.2; docs/portal.md; docs/kyc.md.
"""

import json
import re
from html import escape
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.onboarding.messages import Document, DocumentStatus, FileDescribed, Opened
from comptoir.actors.onboarding.onward_messages import Onward, SigningKept
from comptoir.http import profiles
from comptoir.http.answers import Response
from comptoir.http.bodies import read_body
from comptoir.http.operation import Call
from comptoir.http.page import Language
from comptoir.http.portal import fields, file
from comptoir.http.portal.fields import Typed
from comptoir.http.portal.file_words import OF_FILE
from comptoir.http.problems import problem
from comptoir.http.profile_leaves import nested
from comptoir.http.shapes_profile import ProfilePatch

LANGUAGES: tuple[Language, ...] = ("fr", "en")
ASKED = (*fields.TEXTS, *fields.COUNTRIES, *fields.CHOICES, *fields.NATIONAL_ID[1:], "taxNumbers/FR", "taxNumbers/CA")  # fmt: skip
REFUSED_ONES = ("KYC_REJECTED", "approval_refused", "account_refused")
DOCUMENT = Document("doc_1", "IDENTITY", "a.pdf", "application/pdf", 9, "", 0, DocumentStatus.VERIFYING)  # fmt: skip


def told(status: str, cause: str = "", signing: str = "none", **more: Any) -> str:
    """What the page says of such a file, in French."""
    opened = Opened("INDIVIDUAL", "CONSEILLER", "a", "", "u", "", "")
    kept = Onward(SigningKept(cast("Any", signing)))
    given: dict[str, Any] = {"documents": (), "missing": (), "history": (), **more}
    found = FileDescribed(status, opened, created_at=0, expires_at=0, updated_at=0, cause=cause, onward=kept, **given)  # fmt: skip
    return file.standing(found, "ONB-2026-00001", "fr", Typed())


def test_whatever_somebody_has_refused_is_told_in_one_sentence() -> None:
    """X3, docs/kyc.md: a client whose assessment ended badly reads what one reads whom an advisor or the mainframe refused, and
    one that is held what one reads who is being assessed.
    """
    rejected, approval, account = (
        told(one if one == "KYC_REJECTED" else "INCOMPLETE", "" if one == "KYC_REJECTED" else one)
        for one in REFUSED_ONES
    )
    assert rejected == approval == account
    assert "reprendre" not in rejected
    assert told("COMPLIANCE_HOLD") == told("KYC_PENDING")


@pytest.mark.parametrize("cause", ["client_never_came", "documents_missing", "contract_not_signed"])
def test_a_file_that_may_be_resumed_says_so(cause: str) -> None:
    """S14, S16: its advisor can have it go on."""
    assert "Votre conseiller peut" in told("INCOMPLETE", cause)


@pytest.mark.parametrize("signing", ["declined", "expired", "failed", "voided"])
def test_a_contract_that_is_over_does_not_wait(signing: str) -> None:
    """S28: only one that may be signed is waiting; of the others it is said what became of them, and of each its own."""
    assert "/contract" in told("SIGNATURE_PENDING", signing="sent")
    over = told("SIGNATURE_PENDING", signing=signing)
    assert ("/contract" in over, "conseiller" in over) == (False, True)


def test_what_is_being_looked_at_is_not_asked_for() -> None:
    """S2: while the only document that is missing is looked at, the page says that there is nothing to send."""
    shown = told("DOCUMENTS_PENDING", missing=("IDENTITY",), documents=(DOCUMENT,))
    assert OF_FILE["fr"]["examined"] in shown
    assert OF_FILE["fr"]["lead"] not in shown
    again = msgspec.structs.replace(DOCUMENT, status=DocumentStatus.REDO)
    asks = told("DOCUMENTS_PENDING", missing=("IDENTITY",), documents=(again,))
    assert OF_FILE["fr"]["lead"] in asks


class Controls(HTMLParser):
    """The controls of a form, with what is chosen or typed in each, and the texts that have an id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, dict[str, str | None]] = {}
        self.values: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        self._select = self._note = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        had = dict(attrs)
        self._note = had.get("id") or "" if tag == "p" else ""
        if tag in ("input", "select"):
            name = had["name"] or ""
            self.found[name], self.values[name] = had, had.get("value") or ""
            self._select = name
        if tag == "option" and "selected" in had:
            self.values[self._select] = had["value"] or ""

    def handle_endtag(self, tag: str) -> None:
        """Of a note."""
        self._note = ""

    def handle_data(self, data: str) -> None:
        """Of a note."""
        if self._note:
            self.texts[self._note] = self.texts.get(self._note, "") + data


TEXT = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=40)


@given(st.dictionaries(st.sampled_from(fields.TEXTS), TEXT), st.sampled_from(LANGUAGES))
def test_what_was_typed_comes_back_as_it_was(values: dict[str, str], language: Language) -> None:
    """WCAG 2.2, 3.3.7: whatever was typed, markup too, is what the form has anew; what was not typed is empty."""
    form = fields.form_of(ASKED, "ONB-2026-00001", language, Typed(values, "nationality"))
    assert Controls(form).values == {path: values.get(path, "") for path in ASKED}


def test_a_choice_comes_back() -> None:
    """WCAG 2.2, 3.3.7."""
    form = fields.form_of(ASKED, "N", "fr", Typed({"occupation/status": "RETIRED"}))
    assert Controls(form).values["occupation/status"] == "RETIRED"


def refusal(values: dict[str, str]) -> Response:
    """What the API says of a profile with these values."""
    body = json.dumps(nested(values)).encode()
    call = cast("Call", SimpleNamespace(body=body, media_type="application/json", ticket="t"))
    answer = read_body(call, msgspec.json.Decoder(ProfilePatch))
    assert isinstance(answer, Response)
    return answer


WRONG = {
    "address/country": "F", "address/province": "Qu", "address/postalCode": "é", "address/city": "x" * 101,
    "address/street": "x" * 201, "nationality": "1", "occupation/status": "NO", "taxNumbers/FR": "é",
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", WRONG)
def test_a_wrong_field_says_how_it_is_right(path: str, language: Language) -> None:
    """WCAG 2.2, 3.3.1 and 3.3.3: by the API's own answer: the field is marked, and described by its name and by what it is to be."""
    typed = fields.typed_of(refusal({path: WRONG[path]}), {path: WRONG[path]}, ASKED)
    shown = Controls(fields.form_of(ASKED, "N", language, typed))
    marked = {name for name, had in shown.found.items() if had.get("aria-invalid") == "true"}
    assert path in marked
    assert all(one.partition("/")[0] == path.partition("/")[0] for one in marked)
    notes = (shown.found[path]["aria-describedby"] or "").split()
    assert notes
    assert all(shown.texts[one] for one in notes)
    alert = fields.wrong_of(typed, ASKED, language)
    assert escape(shown.texts[notes[-1]]) in alert
    assert re.search(r"[ ,]\.|None|\{", alert) is None
    valid = {name for name in shown.found if name not in marked}
    assert all("aria-invalid" not in shown.found[name] for name in valid)


def test_of_tax_numbers_each_that_is_asked_for_is_named() -> None:
    """S2: the API does not say which of them it is."""
    typed = fields.typed_of(refusal({"taxNumbers/FR": "é"}), {}, ASKED)
    alert = fields.wrong_of(typed, ASKED, "fr")
    assert ("Numéro fiscal, FR" in alert, "Numéro fiscal, CA" in alert) == (True, True)
    assert "Numéro fiscal." in fields.wrong_of(typed, (), "fr")


def test_what_no_field_is_to_blame_for_is_said() -> None:
    """S2: of a file whose profile is closed no field is marked."""
    typed = fields.typed_of(problem("PROFILE_CLOSED", "t"), {}, ASKED)
    assert typed.place == ""
    assert "aria-invalid" not in fields.form_of(ASKED, "N", "fr", typed)
    assert fields.wrong_of(typed, ASKED, "fr") == escape(OF_FILE["fr"]["not_saved"])


@pytest.mark.parametrize("path", ["address/country", "address/province", "nationality"])
async def test_small_letters_are_taken(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """S2: codes are said in capitals, however they were typed; the length of their input is theirs."""
    said: list[bytes] = []

    async def change(_port: object, call: Call) -> Response:
        said.append(call.body)
        return problem("NOT_FOUND", "t")

    monkeypatch.setattr(profiles, "change", change)
    call = Call("t", {}, {}, "", b"")
    await fields.say(cast("Any", None), call, cast("Any", SimpleNamespace(subject="u")), {path: " qc "}, [path])  # fmt: skip
    assert json.loads(said[0]) == nested({path: "QC"})
    had = Controls(fields.form_of([path], "N", "fr", Typed())).found[path]
    assert had["maxlength"] == ("3" if path == "address/province" else "2")
    assert had["aria-describedby"] == f"field-{path.replace('/', '-')}-hint"
