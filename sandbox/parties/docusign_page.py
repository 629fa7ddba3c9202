"""The page on which a person signs, or declines: nothing happens until a button of theirs is pressed.

Source: interface.md 10; DocuSign's OpenAPI document, EnvelopeViews: createRecipient (`event` in the return address).
"""

from html import escape
from urllib.parse import urlencode

from comptoir.sandbox.parties.docusign_envelopes import Envelope
from comptoir.sandbox.wire.server import Reply

_HTML = "text/html; charset=utf-8"


def sign(envelope: Envelope) -> Reply:
    """The contract's title, and two buttons."""
    title, name = escape(envelope.given.email_subject), escape(envelope.signer.name)
    page = f"""<!doctype html><html lang="fr"><meta charset="utf-8"><title>{title}</title>
<h1>{title}</h1><p>{name}, voulez-vous signer ce document ?</p>
<form method="post"><label>Motif du refus <input name="reason"></label>
<button name="outcome" value="sign">Je signe</button>
<button name="outcome" value="decline">Je refuse</button></form></html>"""
    return Reply(200, page.encode(), content_type=_HTML)


def done(back: str, event: str) -> Reply:
    """It is over: back to whoever has embedded it, or a word of thanks."""
    if back:
        joined = f"{back}{'&' if '?' in back else '?'}{urlencode({'event': event})}"
        return Reply(303, headers=(("Location", joined),))
    page = '<!doctype html><html lang="fr"><meta charset="utf-8"><title>Merci</title><p>Merci.</p></html>'
    return Reply(200, page.encode(), content_type=_HTML)


def gone() -> Reply:
    """There is nothing to sign here."""
    page = '<!doctype html><html lang="fr"><meta charset="utf-8"><title>Fini</title><p>Ce lien a expiré.</p></html>'
    return Reply(410, page.encode(), content_type=_HTML)
