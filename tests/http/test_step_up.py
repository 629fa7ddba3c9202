"""How somebody must have signed in: the gate does what docs/authorization.md says, for every operation.

Rule: expectations come from the page, which is written by hand, and never from the rows.
Source: docs/authorization.md; RFC 9470; OWASP ASVS 5, 6.3.3, 6.8.4, 10.3.4; spec.md S34, E14.
"""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.engine.settings import Settings
from comptoir.http.gate import Gate
from comptoir.http.identity.authenticator import wall_seconds
from comptoir.http.openapi import problems_of
from comptoir.http.operation import Assurance, Door, Reach
from comptoir.http.operations import BY_ID, OPERATIONS
from comptoir.http.policy import lacks
from comptoir.http.principal import Principal, Role
from comptoir.http.rules import EdgeRules, StepUpRules
from comptoir.http.testing import FakeAuthenticator
from tests.http.access import CALLERS, SELF, asked, expected, now, outcome

ROOT = Path(__file__).resolve().parents[2]
EXPECTED = expected(ROOT)
ACR = Settings().auth.mfa_acr
TOKEN = [one for one in OPERATIONS if one.door is Door.TOKEN]
LEVELS = ("recently", "two factors", "two factors, recently")
AGED = (LEVELS[0], LEVELS[2])
CLIENTS = ("CLIENT", LEVELS[1])
"""What a client does with what is theirs takes any sign-in, also where staff may do it, too."""
RULES = StepUpRules(ACR, 300)
NOW = 1_764_000_000
CHALLENGE = 'Bearer realm="comptoir", error="insufficient_user_authentication"'


def levels() -> dict[str, str]:
    """The table of the page: operation -> how somebody must have signed in."""
    text = (ROOT / "docs" / "authorization.md").read_text(encoding="utf-8")
    section = text.partition("## How somebody signed in")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (recently|two factors[a-z, ]*) \| (.+) \|$", section, re.MULTILINE)
    assert tuple(level for level, _ in rows) == LEVELS
    return {name: level for level, names in rows for name in names.split(", ")}


WANTED = levels()


@pytest.fixture
def gate() -> Gate:
    """A gate that believes what it is told, without limits."""
    return Gate(EdgeRules.of(Settings()), FakeAuthenticator(), None)


def test_the_page_names_operations_that_are_there() -> None:
    """S34: what it names takes a token, and nothing that staff changes is missing there."""
    assert set(WANTED) <= {one.id for one in TOKEN}
    for one in TOKEN:
        changes = {
            name for name in CALLERS
            if name not in ("nobody", "CLIENT", "service")
            and any(200 <= status < 300 for status in EXPECTED[one.id][name].values())
        }  # fmt: skip
        assert (one.id in WANTED) == (bool(changes) and one.method != "GET"), one.id


@pytest.mark.parametrize("name", [role.value for role in Role])
def test_who_may_has_to_have_signed_in_well_enough(gate: Gate, name: str) -> None:
    """RFC 9470, OWASP ASVS 7.5.2: one factor, or two long ago, are enough exactly where the page says so; who may
    not do it at all hears that first, and of no sign-in.
    """
    for operation in TOKEN:
        level = WANTED.get(operation.id, "")
        best = outcome(gate, operation, f"Bearer {name}.{SELF}", SELF)
        single = outcome(gate, operation, f"Bearer {name}+otp.{SELF}", SELF)
        old = outcome(gate, operation, f"Bearer {name}+old.{SELF}", SELF)
        if best != "yes":
            assert {single, old} == {best}, operation.id
            assert best in ("403 FORBIDDEN", "404 NOT_FOUND"), operation.id
            continue
        two = "two" in level and (name, level) != CLIENTS
        assert single == ("401 STEP_UP_REQUIRED" if two else "yes"), operation.id
        assert old == ("401 STEP_UP_REQUIRED" if level in AGED else "yes"), operation.id


def test_the_challenge_says_what_is_wanted(gate: Gate) -> None:
    """RFC 9470 section 3: the class where two factors are wanted, the age where it has to be recent, nothing
    else.
    """
    for operation, role in ((one, role) for one in TOKEN for role in one.grants):
        caller = f"Bearer {role.value}+otp+old.{SELF}"
        refusal = now(gate.admit(asked(operation, caller))).refusal
        level = WANTED.get(operation.id, "")
        if not level or (role.value, level) == CLIENTS:
            assert refusal is None, operation.id
            continue
        assert refusal is not None, operation.id
        wanted = f', acr_values="{ACR}"' if "two" in level else ""
        wanted += ', max_age="300"' if level in AGED else ""
        challenges = [value for key, value in refusal.headers if key == b"www-authenticate"]
        assert challenges == [f"{CHALLENGE}{wanted}".encode()], operation.id


def test_the_description_says_it() -> None:
    """S34: `STEP_UP_REQUIRED` is described where it can be heard, and nowhere else."""
    described = {one.id for one in TOKEN if "STEP_UP_REQUIRED" in problems_of(one)}
    assert described == set(WANTED)


@given(
    age=st.integers(-1000, 10_000),
    methods=st.frozensets(st.sampled_from(["otp", "mfa", "hwk", "pwd", "MFA"])),
    context=st.sampled_from(["", ACR, "urn:other", ACR.upper()]),
)
def test_what_a_token_says_is_what_counts(age: int, methods: frozenset[str], context: str) -> None:
    """OWASP ASVS 6.8.4: `mfa` to the letter or the configured class; never longer ago than is configured,
    and no further ahead of us than clocks may be.
    """
    who = Principal("a", "i", frozenset({Role.ADMIN}), methods=methods, context=context)
    who = replace(who, signed_in_at=NOW - age)
    two = "mfa" in methods or context == ACR
    assert lacks(BY_ID["reject"], who, RULES, NOW) is not two
    assert lacks(BY_ID["approve"], who, RULES, NOW) is not (two and -60 <= age <= 300)
    assert lacks(BY_ID["endSession"], who, RULES, NOW) is not (-60 <= age <= 300)
    assert not lacks(BY_ID["getApproval"], who, RULES, NOW)


def test_what_is_not_said_was_not_so() -> None:
    """OWASP ASVS 6.8.4: a token of a provider that says nothing of the sign-in is one factor, long ago."""
    silent = Principal("a", "https://provider.example", frozenset({Role.ADMIN}))
    assert lacks(BY_ID["reject"], silent, RULES, wall_seconds())
    told = replace(silent, methods=frozenset({"mfa"}))
    assert not lacks(BY_ID["reject"], told, RULES, wall_seconds())
    assert lacks(BY_ID["approve"], told, RULES, wall_seconds()), "without auth_time"


def test_who_is_a_client_and_staff_signs_in_as_staff() -> None:
    """S34: what staff changes wants two factors of whoever has a role of staff for it, also with their own object."""
    both = Principal("a", "i", frozenset({Role.CLIENT, Role.CONSEILLER}))
    assert lacks(BY_ID["changeProfile"], both, RULES, NOW)
    assert not lacks(
        BY_ID["changeProfile"], replace(both, roles=frozenset({Role.CLIENT})), RULES, NOW
    )
    admin = replace(both, roles=frozenset({Role.CLIENT, Role.ADMIN}))
    assert not lacks(BY_ID["changeProfile"], admin, RULES, NOW), "an ADMIN has no right there"


def test_a_service_does_not_sign_in() -> None:
    """X7: what a row grants to its scope it may; a person gains nothing by having a scope as well."""
    row = replace(BY_ID["approve"], scopes={"batch:run": Reach.ANY})
    scopes = frozenset({"batch:run"})
    assert not lacks(row, Principal("cl_1", "i", scopes=scopes), RULES, NOW)
    assert lacks(row, Principal("a", "i", frozenset({Role.ADMIN}), scopes), RULES, NOW)


def test_a_person_without_a_role_still_signs_in() -> None:
    """RFC 9068 section 2.2.1: a token that tells of a sign-in is a person's, whatever roles its issuer knows; an `acr`
    alone is put into a service's tokens, too.
    """
    row = replace(BY_ID["approve"], scopes={"batch:run": Reach.ANY})
    service = Principal("a", "i", scopes=frozenset({"batch:run"}), context="1")
    assert not lacks(row, service, RULES, NOW)
    single = replace(service, methods=frozenset({"otp"}), signed_in_at=NOW)
    assert lacks(row, single, RULES, NOW)
    assert lacks(row, replace(service, signed_in_at=NOW - 10_000), RULES, NOW)
    assert not lacks(row, replace(single, methods=frozenset({"mfa"})), RULES, NOW)


@pytest.mark.parametrize("name", sorted(WANTED))
def test_a_row_without_it_cannot_be(name: str) -> None:
    """S34: whoever adds an operation by which staff changes something has to say how they signed in."""
    with pytest.raises(AssertionError, match="how staff signed in"):
        replace(BY_ID[name], assurance=Assurance.ANY)
