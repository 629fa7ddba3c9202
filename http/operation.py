"""What one operation of the API is: a row, from which its route, its description and its policy come.

The rule: whatever is true of an operation stands in its row (`comptoir.http.operations`) and nowhere
else. A handler is given a `Call`, asks the port once or twice, and returns an answer; nothing here
knows the framework.
Source: interface.md 1 and 9; spec.md S34, X7; OpenAPI 3.1 (the words of a description).
"""

import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from hashlib import blake2b
from typing import Any, Final

from comptoir.http.answers import Response
from comptoir.http.limits import Limits
from comptoir.http.port import Port
from comptoir.http.principal import Principal, Role

__all__ = [
    "EVERYBODY",
    "OWNER",
    "SEED_BYTES",
    "Access",
    "Assurance",
    "Body",
    "Call",
    "Door",
    "Handler",
    "Link",
    "Operation",
    "Owner",
    "Parameter",
    "Proof",
    "Reach",
]

OWNER: Final = "userId"
"""How a path and an answer name the person to whom an object belongs."""
SEED_BYTES: Final = 32
"""Of the chance that one request has: what is drawn from it is as hard to guess."""
_VARIABLE = re.compile(r"\{([A-Za-z]+)\}")


class Door(Enum):
    """Who may come to an operation at all."""

    OPEN = "anybody"
    """No token is taken, and one that is there is not looked at."""
    LOCAL = "this machine"
    """Loopback peers without a token; for everybody else it does not exist (404)."""
    SIGNED = "signed"
    """No token: the signature over the body (interface.md 6), or of the address, decides."""
    TOKEN = "token"  # noqa: S105 (a word, not one)
    """A bearer, as `grants` and `scopes` say."""


class Proof(Enum):
    """By what else than a token somebody is known, where the door is OPEN or SIGNED."""

    CLIENT = "client"
    """A client's id and secret, in the header or in the form (RFC 6749, 2.3.1); public ones have none."""
    SESSION = "session"
    """The cookie of the browser in which a person has signed in."""
    SEED = "seed"
    """The seed scheme's signature (interface.md 6)."""
    POWENS = "powens"
    """Powens's signature."""
    PLAID = "plaid"
    """A token over the body, signed by a key that Plaid publishes."""
    TINK = "tink"
    """Tink's signature."""
    DOCUSIGN = "docusign"
    """Signatures of DocuSign Connect, one for each of its keys."""
    UPLOAD = "upload"
    """Our own, in the address (docs/uploads.md)."""


_SIGNATURES: Final = (
    Proof.SEED, Proof.POWENS, Proof.PLAID, Proof.TINK, Proof.DOCUSIGN, Proof.UPLOAD,
)  # fmt: skip


class Reach(Enum):
    """Whose objects a role or a scope gets to with an operation."""

    OWN = "own"
    """Those that belong to the caller: `sub` is their `userId`."""
    ANY = "any"


class Owner(Enum):
    """Where it stands to whom the object of an operation belongs."""

    NOBODY = "nobody"
    """The operation has no person's object."""
    PATH = "path"
    """In the path, as `{userId}`: held before the handler is called."""
    ANSWER = "answer"
    """Known only when it was found: the handler asks `Access.covers`."""


class Assurance(Enum):
    """How a person must have signed in before an operation is done for them (RFC 9470)."""

    ANY = "any"
    FRESH = "recently"
    """By one factor at least: what people change of their own access (OWASP ASVS 5, 7.5.2)."""
    TWO_FACTORS = "two factors"
    """Whatever staff changes; a client who may do it, too, with what is theirs, needs no more than any sign-in."""
    RECENT = "two factors, recently"
    """What hurts most: giving rights, approving, erasing, replacing keys."""


@dataclass(frozen=True, slots=True)
class Access:
    """Whose objects one call may see."""

    user_id: str | None
    """None: anybody's."""

    def covers(self, owner: str) -> bool:
        """Say whether an object of this user may be seen."""
        return self.user_id is None or self.user_id == owner


EVERYBODY: Final = Access(None)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, admitted."""

    ticket: str
    """The request id."""
    path: Mapping[str, str]
    """The variables of the path, decoded."""
    query: Mapping[str, Sequence[str]]
    """Every value, by name, in order."""
    media_type: str
    """Of the body, without parameters, in lower case; empty without one."""
    body: bytes
    access: Access = EVERYBODY
    principal: Principal | None = None
    """Who calls; None where no token is taken, and where there are no accounts."""
    headers: Sequence[tuple[bytes, bytes]] = ()
    """As received, names in lower case."""
    source: str = ""
    """Where it comes from, as one caller (`peers.name_of`); only where no token is taken."""
    limits: Limits | None = None
    """For whom a handler identifies by itself (S62); None: none."""
    seed: bytes = field(default_factory=lambda: secrets.token_bytes(SEED_BYTES), repr=False)
    """Its chance: a new one, or under an Idempotency-Key that of the first time (idempotency.py)."""

    def draw(self, purpose: str) -> bytes:
        """32 bytes for one purpose: nobody can guess them, and a request that is run again has the same."""
        return blake2b(purpose.encode(), key=self.seed, digest_size=32).digest()

    def draw_secret(self, purpose: str) -> str:
        """The same as 43 characters of base64url (RFC 4648 section 5)."""
        return urlsafe_b64encode(self.draw(purpose)).rstrip(b"=").decode("ascii")

    def seeded(self, seed: bytes) -> "Call":
        """The same request with this chance."""
        return replace(self, seed=seed)

    def values(self, name: bytes) -> list[str]:
        """Every value of a header, in order."""
        return [value.decode("latin-1") for given, value in self.headers if given == name]


Handler = Callable[[Port, Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value in the path or in the query; those of the path are required."""

    name: str
    place: str
    """`path` or `query`."""
    text: str
    schema: Mapping[str, object]
    """JSON Schema 2020-12."""


@dataclass(frozen=True, slots=True)
class Body:
    """What a body is, of a request or of an answer."""

    text: str
    shape: Any = None
    """A type of `comptoir.http.shapes`, from which the schema is made; None = any text."""
    media_type: str = "application/json"
    """Empty: an answer without content."""
    required: bool = True
    """Of a request: whether it must be there."""
    headers: tuple[str, ...] = ()
    """Of an answer: those of its own, by their names in openapi.py."""
    also: tuple[str, ...] = ()
    """Further media types: of an answer in which it can be had, of a request in which the same may be sent."""


@dataclass(frozen=True, slots=True)
class Link:
    """What may be asked next with what this answer says."""

    operation: str
    """Its id."""
    text: str
    parameters: Mapping[str, str]
    """By name: a runtime expression of OpenAPI, such as `$response.body#/userId`."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One row."""

    id: str
    """`operationId`: camelCase, for ever the same."""
    method: str
    path: str
    """As OpenAPI writes it: `/api/v1/wallets/{userId}`."""
    summary: str
    tag: str
    door: Door
    answers: Mapping[int, Body]
    """Every status that is no problem."""
    handle: Handler | None
    """None: answered in front of the framework (comptoir.http.webhooks)."""
    problems: tuple[str, ...] = ()
    """Codes of `comptoir.http.problems` beyond those that every operation has (openapi.py)."""
    grants: Mapping[Role, Reach] = field(default_factory=dict[Role, Reach])
    """What each role may, where the door is TOKEN; a role that is missing may nothing (403)."""
    scopes: Mapping[str, Reach] = field(default_factory=dict[str, Reach])
    """Likewise for the scopes of service clients (X7)."""
    assurance: Assurance = Assurance.ANY
    """How a person must have signed in for it; a service to which `scopes` grant it never signs in."""
    owner: Owner = Owner.NOBODY
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    links: tuple[Link, ...] = ()
    """Of its 200."""
    kept: bool = True
    """Whether its answer is kept under an Idempotency-Key; False: it changes nothing, is a secret, and is made anew."""
    counted: bool = True
    """Whether the limits of S62 hold. They never do for LOCAL and SIGNED."""
    proof: Proof | None = None
    """What may be shown where no token is taken, or must be where the door is SIGNED; None: nothing is."""

    def __post_init__(self) -> None:
        """Refuse a row that contradicts itself."""
        named = [one.name for one in self.parameters if one.place == "path"]
        assert _VARIABLE.findall(self.path) == named, f"{self.id}: variables of the path"
        granted = bool(self.grants) or bool(self.scopes)
        assert granted == (self.door is Door.TOKEN), f"{self.id}: grants where a token is taken"
        staff = self.method != "GET" and any(role is not Role.CLIENT for role in self.grants)
        assert staff == (self.assurance is not Assurance.ANY), f"{self.id}: how staff signed in"
        assert (OWNER in named) == (self.owner is Owner.PATH), f"{self.id}: whose object"
        reaches = {*self.grants.values(), *self.scopes.values()}
        owned = self.owner is not Owner.NOBODY
        assert owned or Reach.OWN not in reaches, f"{self.id}: nobody's own"
        signed = self.proof in _SIGNATURES
        assert signed == (self.door is Door.SIGNED), f"{self.id}: whose signature"
        shown = signed or self.proof is None or self.door is Door.OPEN
        assert shown, f"{self.id}: two ways in"
        assert (self.handle is None) == (self.door is Door.SIGNED), f"{self.id}: a handler"

    @property
    def limited(self) -> bool:
        """Whether a call of it is counted against the caller's minute."""
        return self.counted and self.door in (Door.OPEN, Door.TOKEN)

    @property
    def probed(self) -> bool:
        """Whether probes ask it, which are outside the caller's minute and have a bound of their own."""
        return not self.counted and self.door is Door.OPEN

    @property
    def rule(self) -> str:
        """The path as the framework's router writes it. An id is told by its length, or its least, from a word
        that is a path of its own, whose methods are then its own, too.
        """
        schemas = {one.name: one.schema for one in self.parameters}

        def written(found: "re.Match[str]") -> str:
            schema = schemas[found[1]]
            least, most = schema.get("minLength", 1), schema.get("maxLength")
            if least == most:
                return f"<string(length={least}):{found[1]}>"
            return f"<{found[1]}>" if least == 1 else f"<string(minlength={least}):{found[1]}>"

        return _VARIABLE.sub(written, self.path)
