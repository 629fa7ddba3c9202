"""A browser without scripts, of tests: pages, forms and cookies; and people who come by a link.

Source: WHATWG HTML (forms), as far as our pages use it.
"""

import base64
from html.parser import HTMLParser
from urllib.parse import urlencode

import httpx

from comptoir.actors.person.messages import InvitePerson
from comptoir.actors.person.totp import STEP_SECONDS, password_at
from comptoir.engine.values import Address
from comptoir.http.oauth.requests import FORM
from comptoir.http.oauth.signin import draw_link, link_digest
from tests.http.asking import any_call
from tests.http.oauth.conftest import Server

WHO = Address("person", "blind:person:m.durand")
DAY_MS = 86_400_000


class Page(HTMLParser):
    """What a browser makes of a page: one form, its fields, links, and what is said aloud."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        self.status = answer.status_code
        self.headers = answer.headers
        self.text = answer.text
        self.action = ""
        self.fields: dict[str, str] = {}
        self.labelled: set[str] = set()
        self.shown: list[str] = []
        self.onward = ""
        self.tags: list[str] = []
        self.feed(answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take in one element."""
        given = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        if tag == "form":
            self.action = given["action"]
        elif tag == "input":
            self.fields[given["name"]] = given.get("value", "")
            self.shown += [given["id"]] if given.get("type") != "hidden" else []
        elif tag == "label":
            self.labelled.add(given["for"])
        elif tag == "meta" and given.get("http-equiv") == "refresh":
            self.onward = given["content"].partition("url=")[2]


class Browser:
    """A browser with cookies, which sends the origin of the page that it shows."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.page: Page | None = None

    async def go(self, path: str) -> Page:
        """Open a path, by a link."""
        self.page = Page(await self.server.client.get(path))
        return self.page

    async def send(self, origin: str | None = None, **fields: str) -> Page:
        """Fill in the form of the page, and send it."""
        assert self.page is not None
        headers = {
            "origin": origin if origin is not None else str(self.server.identity.issuer),
            "content-type": FORM,
        }
        body = urlencode({**self.page.fields, **fields})
        answer = await self.server.client.post(self.page.action, content=body, headers=headers)
        self.page = Page(answer)
        return self.page


async def invited(server: Server) -> str:
    """Invite somebody; the path of their link."""
    link = draw_link(any_call())
    roles = ("COMPLIANCE",)
    await server.engine.ask(WHO, InvitePerson("m.durand", roles, link_digest(link), DAY_MS))
    return f"/signin/enrol?who={WHO.key}&link={link}"


def seed_of(page: Page) -> bytes:
    """What a person enters in their authenticator."""
    return base64.b32decode(page.text.partition("<code>")[2].partition("</code>")[0])


def typed(server: Server, seed: bytes, steps: int = 0) -> str:
    """What the authenticator shows now, or so many steps away."""
    return password_at(seed, server.engine.now() // 1000 // STEP_SECONDS + steps)


async def enrolled(server: Server, browser: Browser) -> bytes:
    """Enrol by a new link, and leave nobody signed in; the seed."""
    await browser.go(await invited(server))
    seed = seed_of(await browser.send())
    done = await browser.send(password=typed(server, seed))
    assert done.status == 200
    assert "You are signed in" in done.text
    out = await browser.send()
    assert "signed out" in out.text
    server.client.cookies.clear()
    await server.engine.advance_clock(2 * STEP_SECONDS)
    return seed
