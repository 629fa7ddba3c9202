"""Who may do what: the one decision about access, made from a row and a principal.

The rule: what is not granted is refused. The roles and scopes of a caller add up; none takes away.
A caller to whom an operation is not granted hears FORBIDDEN; one to whom it is granted for its own
objects only gets an `Access` that covers no other's, and another's is then NOT_FOUND, so that nobody
learns who else exists. docs/authorization.md says in prose, and by expectations that a test reads,
what the rows of `comptoir.http.operations` must come to.

To whom an operation is granted may still have to sign in better, or anew, before it is done (`lacks`).
What a token does not say was not so: without `amr` and `acr` it was one factor, without `auth_time` long ago.
Source: spec.md S34, S60 (least privilege), X7; interface.md 1 and 9; RFC 9470; RFC 9068; RFC 8176 (`mfa`); OWASP
ASVS 5, 6.3.3, 6.8.4 and 10.3.4.
"""

from typing import Final

from comptoir.http.operation import EVERYBODY, Access, Assurance, Operation, Reach
from comptoir.http.principal import Principal, Role
from comptoir.http.rules import StepUpRules

__all__ = ["AGED", "decide", "lacks"]

TWO_FACTORS: Final = "mfa"
"""RFC 8176."""
AGED: Final = (Assurance.FRESH, Assurance.RECENT)
"""What an old sign-in is not enough for."""
SKEW_S: Final = 60
"""How far the issuer's clock may be ahead of ours."""


def decide(operation: Operation, principal: Principal) -> Access | None:
    """Judge one call of an operation that takes a token; None: it is not for this caller."""
    reaches = {operation.grants.get(role) for role in principal.roles}
    reaches |= {operation.scopes.get(scope) for scope in principal.scopes}
    if Reach.ANY in reaches:
        return EVERYBODY
    if Reach.OWN in reaches:
        return Access(principal.subject)
    return None


def lacks(operation: Operation, principal: Principal, rules: StepUpRules, now: int) -> bool:
    """Say whether somebody to whom an operation is granted has to sign in (better, or anew) before it.

    Args:
        operation: granted to them.
        principal: who asks. A service does not sign in: its scope is its right.
        rules: what two factors and recent are.
        now: seconds since 1970.
    """
    if operation.assurance is Assurance.ANY or _is_service(principal):
        return False
    if operation.assurance is Assurance.TWO_FACTORS and _is_client(operation, principal):
        return False
    two = TWO_FACTORS in principal.methods or principal.context == rules.mfa_acr
    if operation.assurance is not Assurance.FRESH and not two:
        return True
    age_s = now - principal.signed_in_at
    return operation.assurance in AGED and not -SKEW_S <= age_s <= rules.recent_s


def _is_service(principal: Principal) -> bool:
    """Whether nobody has signed in for it: it has no role, and its token tells of no sign-in (RFC 9068 section 2.2.1
    has `auth_time` and `amr` of tokens of people alone; some issuers put an `acr` into all). A person whose issuer
    gives them a scope and no role of ours is still a person.
    """
    return not (principal.roles or principal.methods or principal.signed_in_at)


def _is_client(operation: Operation, principal: Principal) -> bool:
    """Whether somebody does it as a client and as nobody else: two factors are wanted of staff, and what is a
    client's own takes any sign-in.
    """
    return {role for role in principal.roles if role in operation.grants} == {Role.CLIENT}
