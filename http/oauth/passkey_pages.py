"""What pages say of passkeys: the forms that our script takes up, the list, and why one was refused.

The rule: a form for passkeys is hidden until the script, which is ours and a file of its own, finds that the
browser has them; so who has no script sees the authenticator's form alone, which needs none.
Source: W3C Web Authentication Level 3; WCAG 2.2 (3.3.1 errors, 3.3.2 labels); spec.md S34.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Final

from comptoir.actors.person.messages import PasskeyShown, PasskeysListed

__all__ = [
    "NAME_CHARACTERS_MAX",
    "PASSKEYS",
    "REASONS",
    "SCRIPT",
    "SCRIPT_TEXT",
    "alert",
    "enrol_form",
    "passkey_list",
    "sign_in_form",
]

PASSKEYS: Final = "/signin/passkeys"
"""The page of a person's own."""
SCRIPT: Final = "/signin/passkeys.js"
SCRIPT_TEXT: Final = Path(__file__).with_name("passkeys.js").read_bytes()
NAME_CHARACTERS_MAX: Final = 64
REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "SIGN_IN_REFUSED": "This was not accepted. After several failures nobody is asked for a while. "
        "Try again, or use your authenticator.",
        "PASSKEY_NOT_ACCEPTED": "The passkey was not accepted: it came too late, was made elsewhere, or the "
        "device did not ask who you are. Try again.",
        "PASSKEY_KNOWN": "This passkey is yours already.",
        "PASSKEY_UNKNOWN": "There is no such passkey any more.",
        "PASSKEY_NAME_INVALID": f"A name has 1 to {NAME_CHARACTERS_MAX} printable characters.",
        "PASSKEYS_TOO_MANY": "You have as many passkeys as one may have. Remove one first.",
        "PASSKEY_LAST": "This is the only way in that you have. Add another passkey first.",
        "SIGN_IN_STALE": "You signed in too long ago to change this. Sign in again.",
    }
)
"""By stable code, which the page carries beside the text (`data-code`)."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ANSWER: Final = (
    '<input type="hidden" name="credential">\n<p role="alert" hidden>It did not come to an end. Nothing was '
    "changed; try again.</p>\n"
)


def alert(code: str) -> str:
    """A paragraph that says why, and is read aloud."""
    return f'<p role="alert" data-code="{code}">{escape(REASONS[code])}</p>'


def _name_field(field: str) -> str:
    return (
        f'<label for="{field}">A name for it, such as the device\'s</label>\n'
        f'<input id="{field}" name="name" maxlength="{NAME_CHARACTERS_MAX}" required>\n'
    )


def sign_in_form(kept: str) -> str:
    """The form of a sign-in.

    Args:
        kept: hidden fields, as HTML.
    """
    return (
        '<form method="post" action="/signin/passkey" data-passkey="get" '
        f'data-options="/signin/passkey/options" hidden>\n{kept}{_ANSWER}'
        "<button>Sign in with a passkey</button>\n</form>\n"
    )


def enrol_form(link: str) -> str:
    """The form of an enrolment.

    Args:
        link: the hidden fields of the link, as HTML.
    """
    return (
        '<form method="post" action="/signin/enrol/passkey" data-passkey="create" '
        f'data-options="/signin/enrol/passkey/options" hidden>\n<h2>With a passkey</h2>\n{link}'
        f"{_name_field('passkey-name')}{_ANSWER}<button>Make a passkey</button>\n</form>\n"
    )


def passkey_list(listed: PasskeysListed, note: str, *, fresh: bool) -> str:
    """The main part of the page of a person's own.

    Args:
        listed: what they have.
        note: what is said first, as HTML.
        fresh: they signed in a short while ago, and may change it.
    """
    more = "yes" if listed.authenticator else "no"
    rows = "".join(_row(one, fresh) for one in listed.passkeys)
    table = (
        '<table>\n<tr><th scope="col">Name</th><th scope="col">Kept</th><th scope="col">Added</th>'
        f'<th scope="col">Last used</th><th scope="col">Change</th></tr>\n{rows}</table>'
    )
    content = (
        f"<h1>Your passkeys</h1>\n{note}\n{table if rows else '<p>You have none.</p>'}\n"
        f"<p>One-time passwords of an authenticator: {more}.</p>\n"
    )
    if not fresh:
        return f'{content}<p>To change something, <a href="/signin?next={PASSKEYS}">sign in again</a>.</p>'
    return (
        f'{content}<form method="post" action="{PASSKEYS}" data-passkey="create" '
        f'data-options="{PASSKEYS}/options" hidden>\n<h2>Another one</h2>\n{_name_field("name")}{_ANSWER}'
        "<button>Make a passkey</button>\n</form>"
    )


def _row(one: PasskeyShown, fresh: bool) -> str:
    used = _day(one.used_at) if one.used_at else "not yet"
    kept = "in your password manager" if one.synced else "in one device"
    remove = ""
    if fresh:
        remove = (
            f'<form method="post" action="{PASSKEYS}/remove"><input type="hidden" name="id" '
            f'value="{escape(one.credential_id)}"><button aria-label="Remove {escape(one.name)}">Remove'
            "</button></form>"
        )
    cells = (escape(one.name), kept, _day(one.registered_at), used, remove)
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>\n"


def _day(ms: int) -> str:
    return (_EPOCH + timedelta(milliseconds=ms)).strftime("%Y-%m-%d")
