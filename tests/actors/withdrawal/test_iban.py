"""IBANs: actors/withdrawal/iban.py, beside python-stdnum, which has its own copy of the registry."""

import random
import warnings

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException
from stdnum import iban as stdnum_iban
from stdnum.exceptions import InvalidComponent, ValidationError

from comptoir.actors.withdrawal.iban import REGISTERED, SEPA, Iban, IbanInvalid, read_iban

PUBLISHED = (
    "AD1200012030200359100100", "AL47212110090000000235698741", "AT611904300234573201",
    "BE68539007547034", "CH9300762011623852957", "CY17002001280000001200527600",
    "CZ6508000000192000145399", "DE89370400440532013000", "DK5000400440116243",
    "EE382200221020145685", "ES9121000418450200051332", "FI2112345600000785",
    "FR1420041010050500013M02606", "GB29NWBK60161331926819", "GI75NWBK000000007099453",
    "GR1601101250000000012300695", "HR1210010051863000160", "HU42117730161111101800000000",
    "IE29AIBK93115212345678", "IS140159260076545510730339", "IT60X0542811101000000123456",
    "LI21088100002324013AA", "LT121000011101001000", "LU280019400644750000",
    "LV80BANK0000435195001", "MC5811222000010123456789030", "ME25505000012345678951",
    "MK07250120000058984", "MT84MALT011000012345MTLCAST001S", "NL91ABNA0417164300",
    "NO9386011117947", "PL61109010140000071219812874", "PT50000201231234567890154",
    "RO49AAAA1B31007593840000", "RS35260005601001611379", "SE4550000000058398257466",
    "SI56191000000123438", "SK3112000000198742637541", "SM86U0322509800000000270100",
    "VA59001123000012345678",
)  # fmt: skip
"""The examples of the registry (ISO 13616), of SEPA countries."""
ELSEWHERE = (
    "XK051212012345678906", "MU17BOMM0101101030300200000MUR", "EG380019000500000000263180002",
    "TN5910006035183598478831", "BR1800360305000010009795493C1", "SA0380000000608010167519",
)  # fmt: skip
BROKEN = {
    "": "up to 30",
    "FR": "up to 30",
    "FR14-2004-1010-0505-0001-3M02-606": "up to 30",
    "FR1420041010050500013M02606\n": "up to 30",
    "FR14\uff120041010050500013M02606": "up to 30",
    "ﬀ1420041010050500013M02606": "up to 30",
    "ß1420041010050500013M02606": "up to 30",
    "FR14200410100505\u00000013M02606": "up to 30",
    "F" * 65: "34 characters",
    "FR1420041010050500013M0260": "another length",
    "FR1420041010050500013M026066": "another length",
    "FR1520041010050500013M02606": "check digits do not hold",
    "RF1420041010050500013M02606": "begins with RF",
    "GF1420041010050500013M02606": "begins with GF",
    "MA64011519000001205000534921": "begins with MA",
    "GB00NWBK60161331926819": "check digits do not hold",
    "GB99NWBK60161331926819": "check digits do not hold",
    "GB29NWBKA0161331926819": "not built as",
}


@pytest.mark.parametrize("number", [*PUBLISHED, *ELSEWHERE])
def test_examples_of_the_registry_hold(number: str) -> None:
    """S46: the examples that the registry publishes are accounts, and SEPA where SEPA reaches."""
    found = read_iban(number)
    assert (found.number, found.country) == (number, number[:2])
    assert found.sepa is (number in PUBLISHED)


@pytest.mark.parametrize("text", BROKEN)
def test_what_does_not_hold_is_refused_with_its_reason(text: str) -> None:
    """S46, S66: the reason helps who typed it, and repeats nothing that was typed but the country."""
    with pytest.raises(IbanInvalid, match=BROKEN[text]) as caught:
        read_iban(text)
    told = str(caught.value)
    assert not any(text[at : at + 6] in told for at in range(max(0, len(text) - 5)) if text[at:])


def test_written_as_people_write_it() -> None:
    """S46: blanks of print and of pages, and small letters, mean the same account."""
    for text in (
        "FR14 2004 1010 0505 0001 3M02 606",
        " fr1420041010050500013m02606 ",
        "FR14\u00a02004\u202f1010050500013M02606",
    ):
        assert read_iban(text).number == "FR1420041010050500013M02606"


def test_shown_masked() -> None:
    """S56: four characters on either side, in texts of ours and in any log."""
    found = read_iban("FR14 2004 1010 0505 0001 3M02 606")
    assert found.masked == "FR14****2606"
    assert "2004" not in repr(found)


def test_national_check_digits_count() -> None:
    """S46: an account whose own check digits are wrong is refused though the IBAN's were made for it."""
    for wrong in ("FR", "BE", "ES", "IT", "PT", "MC", "NO", "SI", "FI"):
        bban = next(x for x in PUBLISHED if x.startswith(wrong))[4:]
        digit = str((int(bban[-1]) + 1) % 10)
        number = str(IBAN.from_bban(wrong, bban[:-1] + digit, allow_invalid=True))
        with pytest.raises(IbanInvalid, match="account within"):
            read_iban(number)


def _second_opinion(number: str) -> bool:
    try:
        stdnum_iban.validate(number)
    except InvalidComponent:
        return True  # a bank that its list does not have, as random ones are
    except ValidationError:
        # Norway: of an account whose number begins with 00 behind its bank, the digit is of the account alone, which
        # python-stdnum does not know (European Committee for Banking Standards, TR201).
        return number.startswith("NO") and number[8:10] == "00"
    return True


def _random_iban(seed: int, country: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return str(IBAN.random(country, random=random.Random(seed), use_registry=False))


@example(15, "NO")
@given(st.integers(0, 2**32), st.sampled_from(sorted(SEPA)))
def test_what_we_take_another_library_takes(seed: int, country: str) -> None:
    """S46: no account that python-stdnum refuses is paid to, in any SEPA country."""
    try:
        number = _random_iban(seed, country)
    except SchwiftyException:
        return
    try:
        found = read_iban(number)
    except IbanInvalid:
        return  # check digits of the country's own, which a random account seldom has
    assert _second_opinion(found.number), number


@given(st.sampled_from(PUBLISHED), st.integers(0, 33), st.sampled_from("0123456789ABCDEFGHJKMPXYZ"))
def test_one_wrong_character_is_always_found(number: str, at: int, other: str) -> None:
    """S46: ISO 7064 finds every single substitution of a digit by a digit; whatever else we take, others take."""
    at %= len(number)
    wrong = number[:at] + other + number[at + 1 :]
    if wrong == number:
        return
    try:
        read_iban(wrong)
    except IbanInvalid:
        return
    assert not (number[at].isdigit() and other.isdigit()), wrong
    assert _second_opinion(wrong), wrong


@given(st.text(max_size=70))
def test_any_text_has_an_answer(text: str) -> None:
    """S46: what people paste is an account or has a reason, and nothing else is raised."""
    try:
        found = read_iban(text)
    except IbanInvalid:
        return
    assert isinstance(found, Iban)


def test_countries() -> None:
    """S46: 89 codes are registered, of which 42 are SEPA: 41 countries, and Gibraltar's own code."""
    assert len(REGISTERED) == 89
    assert len(SEPA) == 42
    assert SEPA <= REGISTERED
    assert {x[:2] for x in PUBLISHED} | {"BG", "MD"} == SEPA
