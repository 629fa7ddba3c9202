"""DocuSign: envelopes sent, read, voided, and fetched when they are signed; a page on which a person signs; Connect.

Rules:
- whoever calls shows a token that the account server gave (docusign_oauth.py); an account that is not ours is not there;
- what DocuSign would not take is refused in its words; an envelope is told again under its reference, for seven days by
  `transactionId` and for ever by its custom field, and a second one is made for whoever asks for it: nothing here is
  idempotent, so that a caller who relies on it is found out;
- a person signs where the mail's link leads, or at the address of an embedded view, which is good once and for five minutes;
- `POST /control/signatures/{id}` is that person for tests, by envelope or by file: said before there is an envelope, it
  is done when there is one;
- events go to the account's configuration, or to the address that the envelope was created with, and come again until
  they are taken.

Source: DocuSign's OpenAPI document esignature.rest.swagger-v2.1.json; protocols.md 5.3; interface.md 10; spec.md S28, E15.
"""

import secrets
from base64 import b64decode
from collections import OrderedDict
from types import MappingProxyType
from typing import Final

import orjson
import trio

from comptoir.sandbox.errors import Refused, decode
from comptoir.sandbox.faults import Direction, Operation
from comptoir.sandbox.parties import docusign_page
from comptoir.sandbox.parties.docusign_envelopes import DAY_MS, OPEN, Envelope, wire_time
from comptoir.sandbox.parties.docusign_oauth import OURS, DocusignOAuth
from comptoir.sandbox.parties.docusign_shapes import (
    EnvelopeDefinition,
    Hook,
    Json,
    RecipientView,
    Voiding,
)
from comptoir.sandbox.parties.docusign_shapes import Outcome as Ending
from comptoir.sandbox.parties.hooks import BEYOND_OK, OK, WEBHOOK
from comptoir.sandbox.parties.memory import keep
from comptoir.sandbox.parties.pages import pressed
from comptoir.sandbox.parties.party import Act, Effect, Inbound, Party, Stage
from comptoir.sandbox.schemes import DOCUSIGN, SCHEMES
from comptoir.sandbox.webhooks import post
from comptoir.sandbox.wire.client import Target
from comptoir.sandbox.wire.router import Call, Route
from comptoir.sandbox.wire.server import Outcome, Reply, json_reply

NAME: Final = "docusign"
API: Final = f"/docusign/restapi/v2.1/accounts/{OURS}/envelopes"
SWEEP_S: Final = 0.25
"""So often what ran out is looked for, and what nobody took is sent again."""
AGAIN_S: Final = 2.0
VIEW_MS: Final = 300_000
"""Five minutes, as DocuSign documents it."""
FOUND_DAYS: Final = 7
"""For so long an envelope is found by its `transactionId`, likewise."""
TOKEN = Operation("oauth.token", Direction.INBOUND)
USER = Operation("oauth.userinfo", Direction.INBOUND)
CREATE = Operation("envelopes.create", Direction.INBOUND)
LIST = Operation("envelopes.list", Direction.INBOUND)
GET = Operation("envelopes.get", Direction.INBOUND)
VOID = Operation("envelopes.update", Direction.INBOUND)
DOCUMENT = Operation("documents.get", Direction.INBOUND)
VIEW = Operation("views.create", Direction.INBOUND)


class _No(Exception):
    """A refusal in DocuSign's words."""

    def __init__(self, code: str, text: str, status: int = 400) -> None:
        super().__init__(code)
        self.reply = json_reply(status, {"errorCode": code, "message": text})


class Docusign:
    """One account at DocuSign."""

    def __init__(self, stage: Stage, hosts: frozenset[str]) -> None:
        self._stage = stage
        self._hosts = hosts
        self.oauth = DocusignOAuth()
        self._hook = Hook()
        self._envelopes: OrderedDict[str, Envelope] = OrderedDict()
        self._kept: OrderedDict[str, Ending] = OrderedDict()
        """Said before there was an envelope, by the number of the file."""
        self._again: dict[str, float] = {}
        """When what nobody took is sent again, by envelope: trio's clock."""
        self._sending = trio.Lock()

    def party(self) -> Party:
        """What the daemon asks, and what it is told."""
        one = f"{API}/{{id}}"
        return Party(
            NAME,
            inbound=(
                Inbound(TOKEN, "POST", "/docusign/oauth/token", self.oauth.token),
                Inbound(USER, "GET", "/docusign/oauth/userinfo", self.oauth.user),
                Inbound(CREATE, "POST", API, self._guarded(self._create)),
                Inbound(
                    LIST, "GET", API, self._guarded(self._list),
                    ("transaction_ids", "envelope_ids", "from_date", "from_to_status", "custom_field"),
                ),
                Inbound(GET, "GET", one, self._guarded(self._get), ("include",)),
                Inbound(VOID, "PUT", one, self._guarded(self._void)),
                Inbound(
                    DOCUMENT, "GET", f"{one}/documents/combined", self._guarded(self._document),
                    ("certificate",),
                ),
                Inbound(VIEW, "POST", f"{one}/views/recipient", self._guarded(self._view)),
            ),
            outbound=(WEBHOOK,),
        )  # fmt: skip

    def routes(self) -> list[Route]:
        """What tests and people ask."""
        return [
            Route("GET", "/control/docusign/account", self.oauth.account),
            Route("POST", "/control/docusign/consent", self.oauth.consent),
            Route("DELETE", "/control/docusign/tokens", self.oauth.end_tokens),
            Route("POST", "/control/docusign/webhooks", self._set_hook),
            Route("GET", "/control/signatures", self._shown),
            Route("POST", "/control/signatures/{id}", self._end),
            Route("GET", "/docusign/sign/{id}", self._page, ("token",)),
            Route("POST", "/docusign/sign/{id}", self._press, ("token",)),
        ]

    def reset(self) -> None:
        """Forgets everything."""
        self._envelopes.clear()
        self._kept.clear()
        self._again.clear()
        self._hook = Hook()
        self.oauth.reset()

    async def deliver(self) -> None:
        """Void what ran out, and send what nobody took, until cancelled."""
        while True:
            await trio.sleep(SWEEP_S)
            for envelope in [*self._envelopes.values()]:
                envelope.expire(self._now())
                if envelope.untold and self._again.get(envelope.id, 0.0) <= trio.current_time():
                    await self._tell(envelope)

    def _guarded(self, act: Act) -> Act:
        """Behind a token; and what is refused in DocuSign's words."""

        def guarded(call: Call) -> Effect:
            refusal = self.oauth.refusal(call)
            if refusal is not None:
                return Effect(refusal, happened=False)
            try:
                return act(call)
            except _No as no:
                return Effect(no.reply, happened=False)
            except Refused as refused:
                word = "INVALID_REQUEST_BODY"
                text = f"The request body is missing or improperly formatted. {refused.detail}"
                return Effect(json_reply(400, {"errorCode": word, "message": text}), happened=False)

        return guarded

    def _create(self, call: Call) -> Effect:
        given = decode(call.request.body, EnvelopeDefinition)
        try:
            document = b64decode(given.documents[0].document_base64, validate=True)
        except ValueError:
            document = b""
        if not document.startswith(b"%PDF-"):
            raise _No("UNABLE_TO_CONVERT_DOCUMENT", "System was unable to convert this document.")
        now = self._now()
        made = Envelope.of(given, document, now)
        made.untold.append(made.event(now))
        keep(self._envelopes, made.id, made)
        if given.recipients.signers[0].client_user_id is None or self._mails_embedded(given):
            self._mail(made, call)
        for name in [one for one in self._kept if made.is_of(one)]:
            ending = self._kept.pop(name)
            self._apply(made, ending)
            if not ending.webhook:
                made.untold.clear()
        answer = {
            "envelopeId": made.id, "uri": f"/envelopes/{made.id}",
            "statusDateTime": wire_time(now), "status": "sent",
        }  # fmt: skip
        return Effect(json_reply(201, answer), happened=True)

    @staticmethod
    def _mails_embedded(given: EnvelopeDefinition) -> bool:
        return given.recipients.signers[0].embedded_recipient_start_url == "SIGN_AT_DOCUSIGN"

    def _mail(self, envelope: Envelope, call: Call) -> None:
        host = call.request.headers.get("host", "127.0.0.1")
        link = f"http://{host}/docusign/sign/{envelope.id}"
        facts = {
            "channel": "mail", "to": envelope.signer.email, "title": envelope.given.email_subject,
            "body": f"DocuSign (bac à sable)\n\n{link}\n",
            "data": {"from": "dse@sandbox.example", "envelopeId": envelope.id}, "messageId": envelope.id,
            "idempotencyKey": None,
        }  # fmt: skip
        self._stage.inbox.add(self._now(), MappingProxyType(facts), 1024)

    def _list(self, call: Call) -> Effect:
        if not call.query.keys() & {"transaction_ids", "envelope_ids", "from_date"}:
            text = "The request contained at least one invalid parameter. from_date is required."
            raise _No("INVALID_REQUEST_PARAMETER", text)
        found = [one for one in self._envelopes.values() if self._is_meant(one, call.query)]
        size = str(len(found))
        answer: Json = {
            "resultSetSize": size, "startPosition": "0", "endPosition": str(max(0, len(found) - 1)),
            "totalSetSize": size, "nextUri": "", "previousUri": "",
        }  # fmt: skip
        if found:  # as DocuSign: no list at all where there is none
            answer["envelopes"] = [one.shown() for one in found]
        return Effect(json_reply(200, answer), happened=False)

    def _is_meant(self, envelope: Envelope, query: dict[str, str]) -> bool:
        since = self._now() - FOUND_DAYS * DAY_MS
        if "transaction_ids" in query:
            wanted = query["transaction_ids"].split(",")
            return envelope.given.transaction_id in wanted and envelope.created_ms >= since
        if "envelope_ids" in query:
            return envelope.id in query["envelope_ids"].split(",")
        name, _, value = query.get("custom_field", "").partition("=")
        return (
            wire_time(envelope.changed_ms) >= query["from_date"]
            and (not name or envelope.has_field(name, value))
        )  # fmt: skip

    def _found(self, call: Call) -> Envelope:
        found = self._envelopes.get(call.argument)
        if found is None:
            raise _No("ENVELOPE_DOES_NOT_EXIST", "The envelope specified does not exist.", 404)
        found.expire(self._now())
        return found

    def _get(self, call: Call) -> Effect:
        envelope = self._found(call)
        shown = envelope.shown()
        wanted = call.query.get("include", "").split(",")
        if "recipients" in wanted:
            shown["recipients"] = envelope.recipients()
        if "custom_fields" in wanted:
            shown["customFields"] = envelope.custom_fields()
        return Effect(json_reply(200, shown), happened=False)

    def _void(self, call: Call) -> Effect:
        reason = decode(call.request.body, Voiding).voided_reason
        envelope = self._found(call)
        if not envelope.void(reason, self._now()):
            text = "Only envelopes in the 'Sent' or 'Delivered' states may be voided."
            raise _No("ENVELOPE_CANNOT_VOID_INVALID_STATE", text)
        return Effect(json_reply(200, {"envelopeId": envelope.id}), happened=True)

    def _document(self, call: Call) -> Effect:
        envelope = self._found(call)
        document = envelope.signed or envelope.document
        return Effect(Reply(200, document, content_type="application/pdf"), happened=False)

    def _view(self, call: Call) -> Effect:
        wanted = decode(call.request.body, RecipientView)
        envelope = self._found(call)
        signer = envelope.signer
        known = (signer.client_user_id, signer.email, signer.name)
        if known != (wanted.client_user_id, wanted.email, wanted.user_name):
            text = "The recipient you have identified is not a valid recipient of the specified envelope."
            raise _No("UNKNOWN_ENVELOPE_RECIPIENT", text)
        if envelope.status not in OPEN:
            raise _No("INVALID_ENVELOPE_STATUS", "The envelope status is not sent.")
        token = secrets.token_urlsafe(24)
        envelope.views[token] = (self._now() + VIEW_MS, wanted.return_url)
        host = call.request.headers.get("host", "127.0.0.1")
        url = f"http://{host}/docusign/sign/{envelope.id}?token={token}"
        return Effect(json_reply(201, {"url": url}), happened=True)

    async def _page(self, call: Call) -> Outcome:
        """A person opens the page."""
        envelope = self._envelopes.get(call.argument)
        if envelope is None or not self._may_sign(envelope, call.query.get("token")):
            return docusign_page.gone()
        envelope.view(self._now())
        return docusign_page.sign(envelope)

    async def _press(self, call: Call) -> Outcome:
        """A person presses a button of it."""
        envelope, token = self._envelopes.get(call.argument), call.query.get("token")
        if envelope is None or not self._may_sign(envelope, token):
            return docusign_page.gone()
        said = pressed(call.request.body)
        signs = said.get("outcome") == "sign"
        if signs:
            envelope.sign(self._now())
        else:
            envelope.decline(said.get("reason", "")[:500], self._now())
        back = envelope.views.pop(token, (0, ""))[1] if token else ""
        return docusign_page.done(back, "signing_complete" if signs else "decline")

    def _may_sign(self, envelope: Envelope, token: str | None) -> bool:
        envelope.expire(self._now())
        if envelope.status not in OPEN:
            return False
        if token is None:
            return envelope.signer.client_user_id is None or self._mails_embedded(envelope.given)
        return envelope.views.get(token, (0, ""))[0] > self._now()

    async def _shown(self, _call: Call) -> Outcome:
        """`GET /control/signatures`: all envelopes, as the account's owner sees them."""
        items = [
            {
                "envelopeId": one.id, "status": one.status, "reason": one.reason,
                "reference": one.given.transaction_id, "to": one.signer.email, "untold": len(one.untold),
            }
            for one in self._envelopes.values()
        ]  # fmt: skip
        return json_reply(200, {"items": items})

    async def _set_hook(self, call: Call) -> Outcome:
        hook = decode(call.request.body, Hook)
        if hook.url:
            Target.parse(hook.url, self._hosts)
        self._hook = hook
        return json_reply(200, {"url": hook.url, "keys": len(hook.keys.split(b"\n"))})

    async def _end(self, call: Call) -> Outcome:
        """The last envelope of this name ends so, now or when there is one; ended again, it is told again."""
        ending = decode(call.request.body, Ending)
        found = [one for one in self._envelopes.values() if one.is_of(call.argument)]
        if not found:
            keep(self._kept, call.argument, ending)
            return json_reply(202, {"status": "KEPT", "answers": []})
        envelope = found[-1]
        before = len(envelope.untold)
        self._apply(envelope, ending)
        if not ending.webhook:
            del envelope.untold[before:]
            return json_reply(
                200, {"status": envelope.status, "envelopeId": envelope.id, "answers": []}
            )
        if len(envelope.untold) == before:
            envelope.untold.append(envelope.event(self._now()))
        envelope.untold.extend([envelope.untold[-1]] * (ending.times - 1))
        answers = await self._tell(envelope)
        return json_reply(
            200, {"status": envelope.status, "envelopeId": envelope.id, "answers": answers}
        )

    def _apply(self, envelope: Envelope, ending: Ending) -> None:
        now = self._now()
        if ending.outcome == "viewed":
            envelope.view(now)
        elif ending.outcome == "signed":
            envelope.sign(now)
        elif ending.outcome == "declined":
            envelope.decline(ending.reason, now)
        else:
            envelope.expire(max(now, envelope.ends_ms))

    async def _tell(self, envelope: Envelope) -> list[Json]:
        """Send what nobody has taken yet, in its order, until somebody does not; each answer."""
        answers: list[Json] = []
        async with self._sending:
            url, keys = self._whither(envelope)
            while url and envelope.untold:
                body = orjson.dumps(envelope.untold[0])
                signs = (Target.parse(url, self._hosts), SCHEMES[DOCUSIGN], keys)
                given = await post(body, signs, self._stage, (NAME, WEBHOOK))
                answers += given
                if not any(OK <= (one["status"] or 0) < BEYOND_OK for one in given):
                    envelope.untold[0]["retryCount"] += 1
                    self._again[envelope.id] = trio.current_time() + AGAIN_S
                    break
                del envelope.untold[0]
                self._again.pop(envelope.id, None)
        return answers

    def _whither(self, envelope: Envelope) -> tuple[str, bytes]:
        """Where it is told, and by which keys: the account's, or the envelope's own."""
        if self._hook.url:
            return self._hook.url, self._hook.keys
        own = envelope.given.event_notification
        return (own.url, self._hook.keys) if own is not None else ("", b"")

    def _now(self) -> int:
        return self._stage.clock.now_ms()
