"""What people were sent, to be read: by whom it was for, as JSON and as a page for a browser.

Rule: only what the inbox holds, in its order; everything is escaped, since whoever is tested has written it.

Source: issue 7 ("the sandbox receives them all, so a person can read what was sent"); interface.md 10.
"""

from collections.abc import Mapping
from html import escape
from typing import Any

from comptoir.sandbox.clock import rfc3339
from comptoir.sandbox.records import Entry, Record
from comptoir.sandbox.wire.router import Call, Route
from comptoir.sandbox.wire.server import Outcome, Reply, json_reply

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>What was sent</title>
<style>body{{font:16px/1.5 sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem}}
h2{{font-size:1rem;margin:2rem 0 .5rem;word-break:break-all}}
article{{border-left:3px solid #888;padding:.1rem .8rem;margin:.5rem 0;white-space:pre-wrap}}
small{{color:#555}}</style><h1>What was sent</h1>{people}</html>"""
_NOBODY = "<p>Nobody was sent anything.</p>"


class Reading:
    """The handlers over one inbox."""

    def __init__(self, inbox: Record) -> None:
        """Take the inbox that the parties fill."""
        self._inbox = inbox

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/control/notices", self.as_json, query=("to",)),
            Route("GET", "/inbox", self.as_page, query=("to",)),
        ]

    async def as_json(self, call: Call) -> Outcome:
        """`GET /control/notices`."""
        people = [
            {"to": to, "notices": [_told(one) for one in entries]}
            for to, entries in self._people(call.query.get("to")).items()
        ]
        return json_reply(200, {"people": people})

    async def as_page(self, call: Call) -> Outcome:
        """`GET /inbox`."""
        found = self._people(call.query.get("to"))
        people = "".join(_section(to, entries) for to, entries in found.items())
        page = _PAGE.format(people=people or _NOBODY)
        return Reply(200, page.encode(), content_type="text/html; charset=utf-8")

    def _people(self, to: str | None) -> Mapping[str, list[Entry]]:
        """By device, address or number, who was written to last first."""
        people: dict[str, list[Entry]] = {}
        for entry in reversed(self._inbox.select(lambda one: to in (None, one.facts["to"]))):
            people.setdefault(str(entry.facts["to"]), []).append(entry)
        return people


def _told(entry: Entry) -> dict[str, Any]:
    facts = entry.facts
    return {
        "channel": facts["channel"], "at": rfc3339(entry.at_ms), "title": facts["title"],
        "body": facts["body"],
    }  # fmt: skip


def _section(to: str, entries: list[Entry]) -> str:
    items = "".join(
        f"<article><small>{escape(one['channel'])}, {escape(one['at'])}</small>\n"
        f"<b>{escape(one['title'])}</b>\n{escape(one['body'])}</article>"
        for one in map(_told, entries)
    )
    return f"<section><h2>{escape(to)}</h2>{items}</section>"
