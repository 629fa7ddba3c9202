"""What the mainframe wants of a profile (actors/onboarding/account_fields.py), held against the record that it becomes."""

from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.gateways.account_record import request_of
from comptoir.actors.gateways.copybook import RecordRefused
from comptoir.actors.onboarding.account_fields import account_of, refusal_code, unfit
from comptoir.actors.onboarding.completing import lacking
from comptoir.actors.onboarding.messages import Said, Value
from comptoir.actors.onboarding.profile import with_said
from comptoir.actors.onboarding.terms import OnboardingTerms
from comptoir.engine.settings import Settings
from tests.actors.filed import BEGUN, NOW
from tests.actors.onward import OPEN_TERMS, PROFILE, WHOLE

replace = msgspec.structs.replace

_FIELDS = {
    "nationalId/number": ["046 454 286", "123-45-6789", "12345678", "2840599123456", "04645428A", None],
    "address/province": ["QC", "QUE", None], "address/country": ["CA", "FR", "US", None],
    "address/postalCode": ["H3A 1B1", "75001", "12345-6789", None], "address/street": ["1 rue X", None],
    "address/city": ["Montréal", "Łódź" * 20, None], "lastName": ["Tremblay", "Nguyễn" * 30, None],
    "entity/name": [None, "Lilas SAS"],
}  # fmt: skip
PROFILES = st.fixed_dictionaries(
    {name: st.sampled_from(values) for name, values in _FIELDS.items()}
)


_TEXTS: Final = (
    "firstName", "lastName", "entity/name", "nationalId/number", "address/street", "address/city", "address/province",
    "address/postalCode",
)  # fmt: skip
ANY = st.fixed_dictionaries({}, optional={name: st.text(max_size=50) for name in _TEXTS})
PAGES = st.sampled_from(["cp037", "cp500", "cp1140", "cp1025", "cp875", "cp1026"])


@given(PROFILES | ANY, PAGES)
def test_what_fits_becomes_a_record(changes: dict[str, str | None], page: str) -> None:
    """S30, X11, X12: whatever is not said to be unfit makes 165 bytes, so that nothing is refused after it was signed."""
    known: dict[str, Value] = {**PROFILE, **changes}
    stands = {path: value for path, value in known.items() if value is not None}
    lacks = unfit(stands, page)
    assert len(lacks) == len(set(lacks))
    profile = account_of(stands)
    if not lacks:
        assert len(request_of("ONB-2027-00001", profile, page).data) == 165


@pytest.mark.parametrize("number", ["12345678", "2840599123456", "04645428A", "0464\u200b54286"])
def test_a_number_that_is_said_to_be_unfit_is_refused(number: str) -> None:
    """S30, X11: the two agree; it is never cut, filled or altered."""
    known: dict[str, Value] = {**PROFILE, "nationalId/number": number}
    assert unfit(known, "cp500") == ("nationalId/number",)
    with pytest.raises(RecordRefused):
        request_of("ONB-2027-00001", account_of(known), "cp500")


@pytest.mark.parametrize(
    "path", ["firstName", "lastName", "address/street", "address/city", "address/province", "address/postalCode"]
)  # fmt: skip
@pytest.mark.parametrize("text", ["\u2116", "\u2122", "A\x00", "\U0001f600"])
def test_what_no_code_page_has_is_said_by_its_field(path: str, text: str) -> None:
    """S30, X12: before anybody signs, by the path of what has to be written otherwise, and by nothing else."""
    assert unfit({**PROFILE, path: text}, "cp500") == (path,)


@pytest.mark.parametrize(
    "text", ["1\u200brue Sherbrooke", "\u00ad1 rue Sher\u00adbrooke", "\ufeff1 rue"]
)
def test_what_nobody_sees_keeps_nobody_out(text: str) -> None:
    """S30, X12: it is taken away, in the record alone; a text of nothing else is missing."""
    assert unfit({**PROFILE, "address/street": text}, "cp500") == ()
    assert unfit({**PROFILE, "address/street": "\u200b\u00ad "}, "cp500") == ("address/street",)


def test_the_terms_have_the_page_of_the_mainframe() -> None:
    """S30, X12: the one that its records are written in; by it the file says what its profile lacks."""
    settings = Settings().having({("providers", "mainframe", "code_page"): "cp1025"})
    assert OnboardingTerms.of(settings).code_page == "cp1025"
    assert OnboardingTerms.of(Settings()).code_page == Settings().providers.mainframe.code_page
    said = with_said(WHOLE, {"address/province": "Q\u0152"}, Said(None, "client", "cli_1", NOW))
    file = replace(BEGUN, said=said)
    assert lacking(file, OPEN_TERMS) == ("address/province",)
    assert lacking(file, replace(OPEN_TERMS, code_page="iso8859-15")) == ()


@given(
    st.text(max_size=42)
    | st.sampled_from(["MARIE TREMBLAY", "NO SUCCESS", "REFUSED", "", "DUPLICATE 046454286"])
)
def test_a_reason_in_the_mainframes_words_is_no_code(reason: str) -> None:
    """S17, S30, X10: what is on record and in a mail says that it was refused, and nothing that somebody typed there."""
    assert refusal_code(reason) == "STATUS_08"


@given(ANY)
def test_why_no_record_was_made_stays_a_code(changes: dict[str, str]) -> None:
    """S18, S30: whatever our own side refuses is named as it is, with its field."""
    try:
        request_of("ONB-2027-00001", account_of({**PROFILE, **changes}), "cp500")
    except RecordRefused as refused:
        code = f"{refused.code}:{refused.field}"
        assert refusal_code(code) == code


@pytest.mark.parametrize(
    "code",
    ["NOT_CONFIGURED", "CODE_PAGE_UNKNOWN", "FIELD_TOO_LONG:CLIENT-ID", "STATUS_08", "CLIENT_ABSENT", "CORRECTION_ABSENT"],
)  # fmt: skip
def test_what_is_a_code_stays_one(code: str) -> None:
    """S18, S30: of the bus, of the record, of the reply."""
    assert refusal_code(code) == code


def test_a_company_has_its_own_name() -> None:
    """S1, S29: in the field of the last name; who signs for it is not the holder."""
    profile = account_of({**PROFILE, "entity/name": "Lilas SAS"})
    assert (profile.first_name, profile.last_name) == ("", "Lilas SAS")
    assert unfit({**PROFILE, "entity/name": "Lilas SAS", "firstName": ""}, "cp500") == ()
