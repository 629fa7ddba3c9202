"""Our script's part and a device's, of tests: what pages with passkeys send, and what they say.

Source: http/oauth/passkeys.js.
"""

import re
from typing import Any
from urllib.parse import urlencode

import httpx

from comptoir.http.oauth.requests import FORM
from tests.actors.person.authenticator import Authenticator
from tests.http.oauth.browser import invited
from tests.http.oauth.conftest import ISSUER, Server

SIGN_IN = "/signin/passkey"
ENROL = "/signin/enrol/passkey"


def device_of(number: int = 1, **how: Any) -> Authenticator:
    """A device before our own page."""
    return Authenticator(number, "localhost", ISSUER, **how)


async def post(server: Server, path: str, **form: str) -> httpx.Response:
    """As our own page does."""
    headers = {"origin": ISSUER, "content-type": FORM}
    return await server.client.post(path, content=urlencode(form), headers=headers)


async def options(server: Server, path: str, **form: str) -> dict[str, Any]:
    """What a browser is asked: a ceremony is begun."""
    answer = await post(server, f"{path}/options", **form)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def code_of(answer: httpx.Response) -> str:
    """Why, as the page carries it."""
    found = re.search(r'data-code="([A-Z_]+)"', answer.text)
    return found[1] if found else ""


async def link_of(server: Server) -> dict[str, str]:
    """A new link, as its form sends it."""
    query = (await invited(server)).partition("?")[2]
    return dict(httpx.QueryParams(query))


async def enrolled_by(server: Server, device: Authenticator) -> httpx.Response:
    """Enrol by a passkey; signed in afterwards."""
    link = await link_of(server)
    made = device.create(await options(server, ENROL, **link))
    return await post(server, ENROL, **link, name="key", credential=made)


async def sign_in_by(server: Server, device: Authenticator, **form: str) -> httpx.Response:
    """By a passkey."""
    shown = device.get(await options(server, SIGN_IN))
    return await post(server, SIGN_IN, credential=shown, **form)


def is_in(answer: httpx.Response) -> bool:
    """Whether a page says that somebody has signed in."""
    return answer.status_code == 200 and "You are signed in" in answer.text
