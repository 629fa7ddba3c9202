"""The page of a link that is over offers another one where there is one to be had, and only there (http/portal/pages.py).

Source: spec.md X8; docs/portal.md.
"""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from comptoir.actors.invitation.messages import LinkOver
from comptoir.actors.onboarding.texts import reminder_mail
from comptoir.engine.settings import Settings
from comptoir.http.operation import Call
from comptoir.http.portal import entering, pages
from comptoir.http.portal.words import WORDS
from comptoir.http.rules import EdgeRules

TOKEN = "t" * 43


@pytest.mark.parametrize("most", [0, 1])
async def test_without_other_links_there_is_no_button(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X8: `onboarding.portal_links_max` = 0 sends none, and the page of a used link promises none."""

    async def over(*_given: object) -> LinkOver:
        return LinkOver()

    def form(*_given: object) -> dict[str, str]:
        return {"token": TOKEN}

    monkeypatch.setattr(pages, "own_form", form)
    monkeypatch.setattr(entering, "use_link", over)
    settings = Settings()
    chosen = replace(settings.onboarding, portal_links_max=most)
    rules = EdgeRules.of(replace(settings, onboarding=chosen))
    port = cast("Any", SimpleNamespace(identity=object(), rules=rules))
    call = Call("t", {"onboardingId": "ONB-2026-00001"}, {}, "", b"")
    answer = await pages.link_used(port, call)
    assert answer.status == 410
    assert (b"/portal/ONB-2026-00001/link" in answer.body) == bool(most)


def test_nothing_promises_another_link() -> None:
    """X8, S7: whether there is one depends on how many went out, and on the release that the link is of: its page says it."""
    for language, promise in (("fr", "vous en propose"), ("en", "offers you")):
        _, text = reminder_mail(cast("Any", language), ("IDENTITY",), 0)
        assert promise not in text
        assert promise not in WORDS[cast("Any", language)].used_up
