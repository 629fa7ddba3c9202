"""A person with a browser at the provider of these tests: its own pages, their forms, and a code for tokens.

Rule: nothing of the provider is known but what its pages and answers say.
Source: RFC 6749 section 4.1; RFC 7636; RFC 8707; the pages of oidc-provider (`devInteractions`).
"""

import base64
import hashlib
import secrets
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

from comptoir.engine.trust import trust_of

__all__ = ["BACK", "renewed", "signed_in"]

BACK = "http://127.0.0.1/back"
STEPS_MAX = 12
CLIENT = {"client_id": "app", "resource": "urn:comptoir"}


class _Form(HTMLParser):
    """The form of a page, as it is filled in already."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take in one element."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and not self.action:
            self.action = given["action"]
        elif tag == "input" and "name" in given:
            self.fields.setdefault(given["name"], given.get("value", ""))


def signed_in(issuer: str, login: str) -> dict[str, Any]:
    """What a person who signs in and consents gets: `access_token`, `id_token`, `refresh_token`."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    wish = {
        **CLIENT, "redirect_uri": BACK, "response_type": "code", "prompt": "consent",
        "scope": "openid offline_access wallet:read", "state": "a-state", "nonce": "a-nonce",
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }  # fmt: skip
    with httpx.Client(verify=trust_of(issuer), trust_env=False, timeout=20) as browser:
        answer = browser.get(f"{issuer}/auth", params=wish)
        for _ in range(STEPS_MAX):
            if answer.is_redirect:
                place = urljoin(str(answer.url), answer.headers["location"])
                if place.startswith(BACK):
                    heard = parse_qs(urlsplit(place).query)
                    assert (heard["state"], heard["iss"]) == (["a-state"], [issuer])
                    return _tokens(browser, issuer, heard["code"][0], verifier)
                answer = browser.get(place)
                continue
            assert answer.status_code == httpx.codes.OK, answer.text
            form = _Form(answer.text)
            form.fields |= {"login": login, "password": "any"} if "login" in form.fields else {}
            answer = browser.post(urljoin(str(answer.url), form.action), data=form.fields)
    raise AssertionError("the provider's pages lead nowhere")


def renewed(issuer: str, refresh_token: str) -> dict[str, Any]:
    """The next tokens for this one."""
    form = {**CLIENT, "grant_type": "refresh_token", "refresh_token": refresh_token}
    return _posted(
        httpx.post(f"{issuer}/token", data=form, verify=trust_of(issuer), trust_env=False)
    )


def _tokens(browser: httpx.Client, issuer: str, code: str, verifier: str) -> dict[str, Any]:
    form = {
        **CLIENT, "grant_type": "authorization_code", "code": code, "redirect_uri": BACK,
        "code_verifier": verifier,
    }  # fmt: skip
    return _posted(browser.post(f"{issuer}/token", data=form))


def _posted(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == httpx.codes.OK, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens
