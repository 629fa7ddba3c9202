"""The page of a client's file has a word for all that it may have to name, in both languages.

Source: spec.md S1, S2, S19; docs/portal.md.
"""

from dataclasses import replace
from typing import Literal, get_args, get_origin

import msgspec
import pytest

from comptoir.actors.inspection.flags import FLAGS, INTERNAL
from comptoir.actors.onboarding.account_fields import unfit
from comptoir.actors.onboarding.completing import PARTS
from comptoir.engine.settings import Settings
from comptoir.engine.settings.client_types import CLIENT_TYPES
from comptoir.engine.settings.documents import DocumentsS3
from comptoir.http.document_reasons import REASONS
from comptoir.http.page import Language, Script, scripted_page
from comptoir.http.portal.fields import CHOICES, COUNTRIES, NATIONAL_ID, TEXTS, askable
from comptoir.http.portal.file_words import DOCUMENTS, OF_FILE, ROLES, field_name
from comptoir.http.portal.reason_words import FRENCH, told_of
from comptoir.http.rules import EdgeRules
from comptoir.http.shapes_onboarding import DocType
from comptoir.http.shapes_profile import NationalId, OccupationPatch, WealthPatch

LANGUAGES: tuple[Language, ...] = ("fr", "en")


def test_every_reason_that_a_client_may_hear_has_a_sentence() -> None:
    """S19: what speaks of other clients has none here."""
    assert FRENCH.keys() == FLAGS.keys() - INTERNAL
    for code in FRENCH:
        assert told_of(code, "en") == REASONS[code]
        assert told_of(code, "fr") != told_of(code, "en")
    for code in ("UPLOAD_MISSING", "UPLOAD_OTHER"):
        assert told_of(code, "fr") != told_of(code, "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_field_that_may_be_lacking_has_a_name(language: Language) -> None:
    """S1: of every type that is built in, and what the mainframe wants: no path of ours is shown to anybody."""
    paths = {path for part in PARTS.values() for path in part} | set(unfit({}, "cp500"))
    paths |= {
        "taxNumbers/FR",
        *(f"parties/owner-1/{x}" for x in ("role", "control", "sharePercent")),
    }
    paths |= {f"parties:{one.role}" for kind in CLIENT_TYPES.values() for one in kind.parties}
    assert {path for path in paths if field_name(path, language) == path} == set()
    assert field_name("something/new", language) == "something/new"


def test_every_document_and_role_has_a_name() -> None:
    """S1, S19: of every type of document that a file may want."""
    assert DOCUMENTS.keys() == set(get_args(DocType))
    assert {one.role for kind in CLIENT_TYPES.values() for one in kind.parties} <= ROLES.keys()


def test_both_languages_say_the_same_things() -> None:
    """S2: no text is there in one language alone."""
    assert OF_FILE["fr"].keys() == OF_FILE["en"].keys()


def test_the_page_reaches_the_store_of_documents_and_nobody_else() -> None:
    """S12: documents go to S3 from the browser, and its policy names that origin; those of the folder come to ourselves."""
    assert EdgeRules.of(Settings()).objects_origin == ""
    for s3, origin in (
        (DocumentsS3(region="eu-west-3"), "https://s3.eu-west-3.amazonaws.com"),
        (DocumentsS3(region="x", endpoint_url="http://127.0.0.1:8333/"), "http://127.0.0.1:8333"),
    ):
        settings = replace(Settings(), documents=replace(Settings().documents, store="s3", s3=s3))
        assert EdgeRules.of(settings).objects_origin == origin
        answer = scripted_page(
            "t", "<h1>t</h1>", "r", Script("/portal/scripts/file.js", origin), "fr"
        )
        policy = dict(answer.headers)[b"content-security-policy"].decode()
        assert policy.endswith(f"; connect-src 'self' {origin}")
        assert b'lang="fr"' in answer.body


def test_the_form_offers_what_the_profile_takes() -> None:
    """S5, S16: the choices are those of the API's own types, and every input has a name in both languages."""
    taken: dict[str, type[msgspec.Struct]] = {
        "occupation/status": OccupationPatch, "wealth/sourceOfFunds": WealthPatch, "nationalId/type": NationalId,
    }  # fmt: skip
    for path, shape in taken.items():
        (field,) = [x for x in msgspec.structs.fields(shape) if x.encode_name == path.split("/")[1]]
        named = [x for x in (field.type, *get_args(field.type)) if get_origin(x) is Literal]
        assert set(get_args(named[0])) == CHOICES[path].keys()
    assert CHOICES.keys() == taken.keys()
    for path in (*TEXTS, *COUNTRIES, *NATIONAL_ID, *CHOICES):
        assert field_name(path, "fr") != path
        assert field_name(path, "en") != path


def test_a_number_that_a_state_gave_is_asked_for_whole() -> None:
    """docs/onboarding.md: type, country and number, once, whichever of them is lacking; people are not asked for here."""
    lacking = (
        "nationalId/number",
        "parties/owner-1/role",
        "parties:settlor",
        "address/city",
        "nationalId",
    )
    assert askable(lacking) == [*NATIONAL_ID, "address/city"]
