"""What the mainframe wants of a profile (actors/onboarding/account_fields.py), held against the record that it becomes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.gateways.account_record import request_of
from comptoir.actors.gateways.copybook import RecordRefused
from comptoir.actors.onboarding.account_fields import account_of, unfit
from comptoir.actors.onboarding.messages import Value
from tests.actors.onward import PROFILE

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


@given(PROFILES)
def test_what_fits_becomes_a_record(changes: dict[str, str | None]) -> None:
    """S30, X11, X12: whatever is not said to be unfit makes 165 bytes, so that nothing is refused after it was signed."""
    known: dict[str, Value] = {**PROFILE, **changes}
    stands = {path: value for path, value in known.items() if value is not None}
    lacks = unfit(stands)
    profile = account_of(stands)
    if not lacks:
        assert len(request_of("ONB-2027-00001", profile, "cp500").data) == 165
    if "nationalId/number" in lacks:
        with pytest.raises(RecordRefused):
            request_of("ONB-2027-00001", profile, "cp500")


def test_a_company_has_its_own_name() -> None:
    """S1, S29: in the field of the last name; who signs for it is not the holder."""
    profile = account_of({**PROFILE, "entity/name": "Lilas SAS"})
    assert (profile.first_name, profile.last_name) == ("", "Lilas SAS")
    assert unfit({**PROFILE, "entity/name": "Lilas SAS", "firstName": ""}) == ()
