"""Endpoints of webhooks, and lists of files, with accounts on: partners' programs, people, a data hub, over sockets (S33, X7).

Rule: one daemon with accounts and manual time, one sandbox whose subscriber verifies with the official library: which
secret has signed a delivery says to whose endpoint it went. Each test has partners of its own.
Source: docs/authorization.md; docs/events.md; interface.md 8; spec.md S17, S33, S34, X7.
"""

import json
import secrets
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from comptoir.engine.asking_testing import ANSWER_SECONDS_MAX
from comptoir.engine.cli.tokens_testing import TokenOptions, make_token
from comptoir.engine.testing import Answered, Process
from comptoir.engine.trust import trust_of
from comptoir.http.contract_testing import eventually
from tests.contract.documents import INITIATION, to_people

Start = Callable[..., Process]
PATH = "/api/v1/webhook-endpoints"
HOUR_S = 3600
MANAGES = ("partner:submit", "webhooks:manage")


@dataclass
class World:
    """A daemon with accounts, and a subscriber."""

    daemon: Process
    sandbox: Process
    admin: str

    def asks(self, token: str, method: str, path: str, body: object = None) -> Answered:
        """A request with a token."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        content = json.dumps(body).encode() if body is not None else b""
        return self.daemon.request(method, path, content, headers)

    def service(self, *scopes: str) -> str:
        """A token of a new program, which an ADMIN has registered, for its secret (RFC 6749 section 4.4)."""
        name = f"program-{secrets.token_hex(4)}"
        made = self.asks(
            self.admin, "POST", "/api/v1/clients", {"name": name, "scopes": [*scopes]}
        ).json()
        form = {
            "grant_type": "client_credentials", "client_id": made["clientId"],
            "client_secret": made["clientSecret"],
        }  # fmt: skip
        url = f"{self.daemon.url}/oauth/token"
        given = httpx.post(
            url, data=form, trust_env=False, verify=trust_of(url), timeout=ANSWER_SECONDS_MAX
        ).json()
        return str(given["access_token"])

    def submits(self, token: str) -> str:
        """A partner's new file."""
        body: dict[str, object] = {
            "reference": secrets.token_hex(4), "clientType": "INDIVIDUAL", "clientInfo": INITIATION["clientInfo"],
        }  # fmt: skip
        answer = self.asks(token, "POST", "/api/v1/partner/submissions", body)
        assert answer.status == 201, answer
        return str(answer.json()["onboardingId"])

    def registers(self, token: str, url: str = "") -> dict[str, Any]:
        """An endpoint, at the subscriber where nothing else is said."""
        url = url or f"{self.sandbox.url}/subscriber/events"
        answer = self.asks(token, "POST", PATH, {"url": url})
        assert answer.status == 201, answer
        found: dict[str, Any] = answer.json()
        return found

    def knows(self, *given: str) -> None:
        """The subscriber verifies with these, and has heard nothing."""
        told = json.dumps({"items": given}).encode()
        kind = {"Content-Type": "application/json"}
        assert self.sandbox.request("PUT", "/control/subscriber/secrets", told, kind).status == 200
        self.sandbox.request("DELETE", "/control/subscriber/deliveries", b"", {})

    def told(self, place: int) -> list[dict[str, Any]]:
        """What came that was signed with the secret at this place, in its order."""
        items = self.sandbox.get("/control/subscriber/deliveries").json()["items"]
        return [one for one in items if place in one["secrets"]]

    def files(self, place: int) -> list[str]:
        """Of which files that was."""
        return [str(one["body"]["entity"]) for one in self.told(place)]

    def passes(self, seconds: int) -> None:
        """Business time goes on, here and there."""
        for process, path in ((self.sandbox, "/control/clock"), (self.daemon, "/dev/v1/clock")):
            assert process.post(path, {"advanceSeconds": seconds}).status == 200

    def settled(self, token: str, name: str) -> None:
        """An endpoint has heard of all that there is."""

        def is_through() -> bool:
            shown = self.asks(token, "GET", f"{PATH}/{name}").json()
            return bool(shown["cursor"] == shown["known"] == self.last())

        eventually(is_through)

    def last(self) -> int:
        """The greatest position that the feed has, as COMPLIANCE reads it."""
        reader = self.daemon.token("reader", "COMPLIANCE")
        items = self.asks(reader, "GET", "/api/v1/events?limit=500").json()["items"]
        return max((int(one["position"]) for one in items), default=0)


@pytest.fixture(scope="module")
def world(comptoir_daemon_shared: Start, comptoir_sandbox_shared: Start) -> World:
    """One of each, for all tests here."""
    sandbox = comptoir_sandbox_shared()
    daemon = comptoir_daemon_shared(
        **to_people(sandbox),
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_HTTP__RATE_LIMITS="off",
        COMPTOIR_OUTWARD__THIS_MACHINE="true",
        COMPTOIR_OUTWARD__POLL_MS="20",
        COMPTOIR_OUTWARD__TIMEOUT_S="60",
        COMPTOIR_OUTWARD__CALLS_IN_FLIGHT_MAX="8",
        COMPTOIR_ONBOARDING__PARTNER_ADVISOR="advisor",
    )
    return World(daemon, sandbox, daemon.token("ada", "ADMIN"))


def test_a_partner_hears_of_its_own_files_and_the_house_of_all(world: World) -> None:
    """S33, X7: two partners' programs and the house have an endpoint each; a file of either partner and one of an advisor
    are begun: each partner is told of its own alone, under its own secret, the house of all three, in the feed's order; a
    hub with `events:read` reads the same, and a partner may not.
    """
    cabinet, rival = world.service(*MANAGES), world.service(*MANAGES)
    hub, advisor = world.service("events:read"), world.daemon.token("advisor", "CONSEILLER")
    ends = [world.registers(one) for one in (cabinet, rival, world.admin)]
    assert [bool(one["partner"]) for one in ends] == [True, True, False]
    world.knows(*(one["secret"] for one in ends))
    begun = world.asks(advisor, "POST", "/api/v1/onboarding/initiate", INITIATION)
    files = [world.submits(cabinet), begun.json()["onboardingId"], world.submits(rival)]
    eventually(lambda: set(world.files(2)) == set(files))
    for token, one in ((cabinet, ends[0]), (rival, ends[1])):
        world.settled(token, one["id"])
    assert (world.files(0), world.files(1)) == ([files[0]], [files[2]])
    seen = world.asks(hub, "GET", "/api/v1/events?limit=500").json()["items"]
    ours = [one for one in seen if one["entity"] in files]
    assert [(one["id"], one["position"]) for one in ours] == [
        (one["id"], one["body"]["position"]) for one in world.told(2)
    ]
    by = {one["entity"]: one["data"]["initiatedBy"] for one in ours}
    assert [by[one] for one in files] == ["PARTNER", "CONSEILLER", "PARTNER"]
    assert world.asks(cabinet, "GET", "/api/v1/events").status == 403
    assert world.asks(hub, "GET", PATH).status == 403


def test_anothers_endpoint_is_not_there(world: World) -> None:
    """X7: whatever a program says of an endpoint of another one, or of the house: 404 as of one that never was, and
    nothing has changed; it lists its own. An ADMIN sees all.
    """
    cabinet, rival = world.service(*MANAGES), world.service(*MANAGES)
    mine, houses = world.registers(cabinet), world.registers(world.admin)
    world.knows(mine["secret"], houses["secret"])
    said: list[tuple[str, str, object]] = [
        ("GET", "", None), ("PATCH", "", {"enabled": False}), ("DELETE", "", None), ("POST", "/rotate", None),
        ("POST", "/replay", {"after": 0}), ("POST", "/ping", None), ("GET", "/attempts", None),
    ]  # fmt: skip
    before = world.asks(cabinet, "GET", f"{PATH}/{mine['id']}").json()
    for name in (mine["id"], houses["id"], f"we_{'0' * 20}"):
        for method, more, body in said:
            answer = world.asks(rival, method, f"{PATH}/{name}{more}", body)
            assert (answer.status, answer.json()["code"]) == (404, "NOT_FOUND"), (method, more)
    assert world.asks(cabinet, "GET", f"{PATH}/{mine['id']}").json() == before
    assert world.asks(rival, "GET", PATH).json()["items"] == []
    listed = world.asks(cabinet, "GET", PATH)
    assert [one["id"] for one in listed.json()["items"]] == [mine["id"]]
    everybodys = world.asks(world.admin, "GET", PATH).json()["items"]
    seen = {one["id"]: one["partner"] for one in everybodys}
    assert (seen[mine["id"]], seen[houses["id"]]) == (mine["partner"], None)
    assert mine["secret"] not in listed.body.decode() + world.daemon.said()
    assert world.told(0) == []


def test_a_partner_replays_and_rotates_what_is_its_own(world: World) -> None:
    """S33: from the first position on it is told once more of its own files under the same ids, and of nobody else's, also
    where it names another's position; while its secret is rotated both sign, and after a day the new one alone.
    """
    cabinet, rival = world.service(*MANAGES), world.service(*MANAGES)
    mine = world.registers(cabinet)
    path = f"{PATH}/{mine['id']}"
    rotated = world.asks(cabinet, "POST", f"{path}/rotate").json()
    world.knows(mine["secret"], rotated["secret"])
    other, own = world.submits(rival), world.submits(cabinet)
    eventually(lambda: world.files(0) == [own])
    assert world.told(0) == world.told(1)
    assert world.told(0)[0]["signatures"] == 2
    assert world.asks(cabinet, "POST", f"{path}/replay", {"after": 0}).status == 200
    eventually(lambda: world.files(0) == [own, own])
    assert len({one["id"] for one in world.told(0)}) == 1
    place = world.told(0)[0]["body"]["position"] - 1
    assert world.asks(cabinet, "POST", f"{path}/replay", {"position": place}).status == 200
    world.passes(25 * HOUR_S)
    later = world.submits(cabinet)
    eventually(lambda: world.files(1) == [own, own, later])
    assert world.files(0) == [own, own]
    assert other not in str(world.sandbox.get("/control/subscriber/deliveries").json())


def test_ten_slow_endpoints_of_one_partner_hold_up_nobody_else(world: World) -> None:
    """S18, S33: ten endpoints of one partner take calls and never answer; another partner's webhook comes while they are
    waited for (60 s), since no more than four of eight calls are to one partner's.
    """
    slow, quick = world.service(*MANAGES), world.service(*MANAGES)
    with socket.create_server(("127.0.0.1", 0), backlog=16) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        ends = [world.registers(slow, url)["id"] for _ in range(10)]
        world.knows(world.registers(quick)["secret"])
        world.submits(slow)
        with ExitStack() as held:
            for _ in range(4):
                held.enter_context(silent.accept()[0])
            file = world.submits(quick)
            eventually(lambda: world.files(0) == [file])
            silent.setblocking(False)
            with pytest.raises(BlockingIOError):
                silent.accept()
            for one in ends:
                assert world.asks(slow, "GET", f"{PATH}/{one}/attempts").json()["items"] == []
                assert world.asks(slow, "DELETE", f"{PATH}/{one}").status == 200


def test_people_sign_in_and_see_only_what_is_theirs(world: World) -> None:
    """S34, X7: an ADMIN needs two factors, just now; a person of another role whom somebody gave the scope has endpoints of
    their own, as a program has, never the house's, and signs in for them as any person does.
    """
    houses = world.registers(world.admin)
    body = {"url": f"{world.sandbox.url}/subscriber/events"}

    def token(*roles: str, scope: str = "", amr: str = "mfa", ago: int = 0) -> str:
        options = TokenOptions("somebody", roles, (scope,) if scope else (), None, (amr,), ago)
        return make_token(options, world.daemon.env, world.daemon.folder)

    for weak in (token("ADMIN", amr="otp"), token("ADMIN", ago=24 * HOUR_S)):
        refused = world.asks(weak, "POST", PATH, body)
        assert (refused.status, refused.json()["code"]) == (401, "STEP_UP_REQUIRED")
    assert world.asks(token("CONSEILLER"), "GET", PATH).status == 403
    scoped = token("CONSEILLER", scope="webhooks:manage")
    assert world.asks(scoped, "GET", PATH).json()["items"] == []
    assert world.asks(scoped, "GET", f"{PATH}/{houses['id']}").status == 404
    weak = token("CONSEILLER", scope="webhooks:manage", amr="otp")
    assert world.asks(weak, "POST", PATH, body).status == 401
    assert world.asks(scoped, "POST", PATH, body).json()["partner"] == "somebody"


def test_everybody_lists_the_files_that_are_theirs(world: World) -> None:
    """S18, S38, X7: an advisor their own files, a partner its own and no more than the coarse word, compliance all, an ADMIN
    and a CLIENT none; a file is in its lists when the answer that begins it is there.
    """
    cabinet, rival = world.service(*MANAGES), world.service(*MANAGES)
    name = f"advisor-{secrets.token_hex(4)}"
    advisor, other = world.daemon.token(name, "CONSEILLER"), world.daemon.token("o", "CONSEILLER")
    compliance = world.daemon.token("comp", "COMPLIANCE")

    def lists(token: str, path: str = "/api/v1/onboarding", query: str = "") -> list[Any]:
        answer = world.asks(token, "GET", f"{path}{query}")
        assert answer.status == 200, answer
        return [*answer.json()["items"]]

    begun = world.asks(advisor, "POST", "/api/v1/onboarding/initiate", INITIATION).json()
    (mine,) = lists(advisor)
    assert (mine["onboardingId"], mine["waitingFor"], mine["dueAt"]) == (
        begun["onboardingId"], "client", begun["expiresAt"],
    )  # fmt: skip
    # Its invitation may have gone out already.
    assert mine["status"] in ("INITIATED", "DOCUMENTS_PENDING")
    assert "tremblay" not in str(mine).lower()
    assert lists(other) == []
    submitted = world.submits(cabinet)
    theirs = lists(cabinet, "/api/v1/partner/submissions")
    assert [one["onboardingId"] for one in theirs] == [submitted]
    assert theirs[0]["summaryStatus"] in ("INITIATED", "DOCS_PENDING")
    assert lists(rival, "/api/v1/partner/submissions") == []
    newest = [one["onboardingId"] for one in lists(compliance, query="?limit=2")]
    assert newest == [submitted, begun["onboardingId"]]
    for token, path in (
        (cabinet, "/api/v1/onboarding"), (world.admin, "/api/v1/onboarding"),
        (world.daemon.token("c", "CLIENT"), "/api/v1/onboarding"), (compliance, "/api/v1/partner/submissions"),
    ):  # fmt: skip
        assert world.asks(token, "GET", path).status == 403
