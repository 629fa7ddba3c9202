"""A card is linked by who was at the bank, and by nobody who sent them there (OWASP ASVS 10.1.2).

Rule: daemon and sandbox are processes of their own, and the browser is a third party.
Source: docs/linking.md; spec.md S48, S57; RFC 9700 section 4.7.
"""

from collections.abc import Callable

import pytest

from comptoir.engine.testing import Answered, Process
from comptoir.http.contract_testing import free_port
from tests.contract.banking import APP, Person, query_of, visit

Start = Callable[..., Process]
FAILED = (400, "BANK_CARD_LINKING_FAILED")


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Start, comptoir_sandbox_shared: Start) -> Process:
    """One that holds people to it."""
    return comptoir_daemon_shared(
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_HTTP__RATE_LIMITS="off",
        COMPTOIR_HTTP__PORT=str(free_port()),
        COMPTOIR_PROVIDERS__SEED__BASE_URL=comptoir_sandbox_shared().url,
        COMPTOIR_CONNECTIONS__REDIRECT_URIS=f'["{APP}"]',
        COMPTOIR_CONNECTIONS__RETURN_SECRET="true",
    )


def _code(answer: Answered) -> tuple[int, str]:
    return answer.status, answer.json()["code"]


def test_who_was_at_the_bank_completes(daemon: Process) -> None:
    """ASVS 10.1.2: somebody begins, and sends another to the bank in their place: with all that they know of
    the session they get nothing, and with what the other's browser was given it is the other's no more than
    before. By the secret of the way back it is completed, once and for who began it.
    """
    mallory, anne = Person.new(daemon), Person.new(daemon)
    session = mallory.start().json()
    led = visit(session["authUrl"] + "?card=4243").headers["location"]
    state = query_of(led)["state"]
    back = visit(led)  # Anne's browser
    assert back.status == 303
    given = query_of(back.headers["location"])
    assert given.keys() == {"sessionId", "returnSecret"}
    name = session["sessionId"]
    for tried in (
        {}, {"returnSecret": "x" * 43}, {"state": state}, {"state": state, "code": "guessed"},
        {"connectionId": "cn-guessed"},
    ):  # fmt: skip
        assert _code(mallory.complete(name, **tried)) == FAILED, tried
    assert mallory.ask("GET", "/api/v1/connections").json()["items"] == []
    stranger = anne.complete(name, returnSecret=given["returnSecret"])
    assert _code(stranger) == (404, "NOT_FOUND"), "it is not hers, and her app says so"
    done = mallory.complete(name, returnSecret=given["returnSecret"])
    assert done.status == 201, "what was in the browser is what counts"


def test_by_an_sdk_it_is_the_code(daemon: Process) -> None:
    """S48: an SDK that came back without a browser of ours has the provider's code; `state` alone, which who began
    knows, completes nothing and uses nothing up.
    """
    person = Person.new(daemon)
    session = person.start().json()
    sent_back = visit(session["authUrl"] + "?card=9191")
    brought = query_of(sent_back.headers["location"])
    name = session["sessionId"]
    assert _code(person.complete(name, state=brought["state"])) == FAILED
    done = person.complete(name, "k1", state=brought["state"], code=brought["code"])
    assert done.status == 201, done
    again = person.complete(name, "k1", state=brought["state"], code=brought["code"])
    assert (again.status, again.body) == (201, done.body)
