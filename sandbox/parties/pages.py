"""The pages on which a person links a card at a party: nothing happens until a button of theirs is pressed.

Source: interface.md 10; docs.powens.com/api-reference/overview/webview; docs.tink.com/resources/tink-link-web.
"""

from html import escape
from urllib.parse import parse_qsl

from comptoir.sandbox.wire.server import Reply

TITLES = {
    "connect": "Relier un compte",
    "connect-accounts": "Relier un compte",
    "reconnect": "Renouveler l'accès",
    "update-consent": "Renouveler l'accès",
}


def pressed(body: bytes) -> dict[str, str]:
    """What a person chose on the page."""
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def consent_page(flow: str, query: dict[str, str], refusal: str) -> Reply:
    """The page of a flow.

    Args:
        flow: the last part of its path, to which the form is sent.
        query: what it was opened with, which goes along.
        refusal: the party's word for a person who says no.
    """
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in query.items()
    )
    title = TITLES.get(flow, "Gérer les accès")
    page = f"""<!doctype html><html lang="fr"><meta charset="utf-8"><title>{escape(title)}</title>
<h1>{escape(title)}</h1><p>Banque du Bac à Sable</p>
<form method="post" action="{flow}">{fields}
<label>Carte <input name="card" pattern="[0-9]{{4}}" placeholder="4242"></label>
<button name="outcome" value="granted">J'accepte</button>
<button name="outcome" value="{escape(refusal)}">Je refuse</button></form></html>"""
    return Reply(200, page.encode(), content_type="text/html; charset=utf-8")
