"""The sandbox put together: parties, control API, server.

Rule: the only module that knows every party; a later party is one more line in `_parties`.

Source: interface.md 10; design.md 1.
"""

import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version

import structlog
import trio

from comptoir.sandbox.clock import Clock
from comptoir.sandbox.control import Control
from comptoir.sandbox.faults import Catalogue, Faults, parse_script
from comptoir.sandbox.parties import addresses
from comptoir.sandbox.parties.bank import Bank
from comptoir.sandbox.parties.docusign import Docusign
from comptoir.sandbox.parties.filebank import FileBank
from comptoir.sandbox.parties.hooks import Hooks
from comptoir.sandbox.parties.inquiries import Credit, Press
from comptoir.sandbox.parties.kyc import Bureau
from comptoir.sandbox.parties.mainframe import Mainframe
from comptoir.sandbox.parties.mainframe_bridge import Bridge
from comptoir.sandbox.parties.mainframe_broker import listen
from comptoir.sandbox.parties.notices import Brevo, Mail, Sms
from comptoir.sandbox.parties.party import Party, Stage, catalogue
from comptoir.sandbox.parties.payments import Payments
from comptoir.sandbox.parties.plaid import Plaid
from comptoir.sandbox.parties.powens import Powens
from comptoir.sandbox.parties.push import Push
from comptoir.sandbox.parties.reading import Reading
from comptoir.sandbox.parties.seed import NAME as SEED
from comptoir.sandbox.parties.subscriber import Subscriber
from comptoir.sandbox.parties.tink import Tink
from comptoir.sandbox.parties.trust import Trust
from comptoir.sandbox.parties.vop import Vop
from comptoir.sandbox.records import Record
from comptoir.sandbox.schemes import SEED_V1
from comptoir.sandbox.wire.router import LOOPBACK_HOSTS, Call, Route, Router
from comptoir.sandbox.wire.server import Outcome, Server, json_reply

HOST = "127.0.0.1"
PORT = 8090

_log = structlog.get_logger("comptoir.sandbox")


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """How to serve."""

    port: int = PORT
    """0 = any free one."""
    script: str | None = None
    """The text of a fault script."""
    allowed_targets: frozenset[str] = frozenset()
    """Hosts beside this machine that webhooks may be sent to."""


class PortTaken(Exception):
    """The port cannot be listened on."""


async def open_listeners(port: int) -> list[trio.SocketListener]:
    """Loopback listeners; raises `PortTaken`."""
    try:
        return await trio.open_tcp_listeners(port, host=HOST)
    except OSError as error:
        raise PortTaken(error.strerror or "cannot listen") from None


class Sandbox:
    """All parties and the control API over them, before any socket is open."""

    def __init__(self, settings: SandboxSettings) -> None:
        self._settings = settings
        self.stage = Stage(Clock(), Faults(), Record(), Record())
        self._push = Push(self.stage)
        self._bank = Bank(self.stage)
        self._hosts = LOOPBACK_HOSTS | settings.allowed_targets
        hooks = Hooks(self.stage, self._hosts, SEED, SEED_V1)
        self._payments = Payments(self.stage, hooks)
        self._filebank = FileBank(self.stage)
        self._powens = Powens(self.stage, self._hosts)
        self._plaid = Plaid(self.stage, self._hosts)
        self._tink = Tink(self.stage, self._hosts)
        self._vop = Vop()
        self._trust = Trust(self.stage)
        self._bureau = Bureau(self.stage, self._hosts)
        self._credit, self._press = Credit(), Press()
        self._mainframe = Mainframe(self.stage)
        self._bridge = Bridge(self._mainframe)
        self._docusign = Docusign(self.stage, self._hosts)
        self._subscriber = Subscriber(self.stage)
        self._mail, self._brevo, self._sms = Mail(self.stage), Brevo(self.stage), Sms(self.stage)
        self._parties: tuple[Party, ...] = (
            self._bank.party(self._payments.inbound()), self._powens.party(), self._plaid.party(), self._tink.party(),
            self._push.party(), self._mail.party(), self._brevo.party(), self._sms.party(), self._vop.party(),
            self._bureau.party(), addresses.party(), self._credit.party(), self._press.party(),
            self._bridge.party(),
            self._docusign.party(),
            self._subscriber.party(),
            self._trust.party(),
        )  # fmt: skip
        if settings.script is not None:
            # Checked before anything listens; set again at the start, because `at` counts from it.
            self._script = parse_script(settings.script, self.catalogue())
        else:
            self._script = (0, ())

    def catalogue(self) -> Catalogue:
        """The operations that faults may name."""
        return catalogue(self._parties)

    async def serve(self, listeners: list[trio.SocketListener]) -> None:
        """Answers until cancelled; runs end with it."""
        async with trio.open_nursery() as nursery:
            control = Control(
                stage=self.stage,
                faults_catalogue=self.catalogue(),
                nursery=nursery,
                hosts=self._hosts,
                forget=(
                    self._push.reset,
                    self._bank.reset,
                    self._payments.reset,
                    self._filebank.reset,
                    self._powens.reset,
                    self._plaid.reset,
                    self._tink.reset,
                    self._mail.reset,
                    self._brevo.reset,
                    self._sms.reset,
                    self._vop.reset,
                    self._bureau.reset,
                    self._credit.reset,
                    self._press.reset,
                    self._mainframe.reset,
                    self._docusign.reset,
                    self._subscriber.reset,
                    self._trust.reset,
                ),
            )
            routes = [
                Route("GET", "/health", self._health),
                *control.routes(),
                *self._bank.routes(),
                *self._payments.routes(),
                *self._filebank.routes(),
                *self._powens.routes(),
                *self._plaid.routes(),
                *self._tink.routes(),
                *self._vop.routes(),
                *self._bureau.routes(),
                *self._credit.routes(),
                *self._press.routes(),
                *self._mainframe.routes(),
                *self._bridge.routes(),
                *self._docusign.routes(),
                *self._subscriber.routes(),
                *self._trust.routes(),
                *self._push.routes(),
                *Reading(self.stage.inbox).routes(),
            ]
            for party in self._parties:
                routes += party.routes(self.stage)
            nursery.start_soon(self._bureau.deliver)
            nursery.start_soon(self._mainframe.work)
            nursery.start_soon(self._bridge.run)
            nursery.start_soon(self._docusign.deliver)
            nursery.start_soon(listen, self._mainframe)
            seed_of_script, faults = self._script
            self.stage.faults.set(faults, seed_of_script)
            await Server(Router(routes).respond).serve(listeners)

    async def _health(self, _call: Call) -> Outcome:
        parties = [party.name for party in self._parties]
        return json_reply(200, {"status": "ready", "parties": parties})


async def run(settings: SandboxSettings, started: float) -> None:
    """The whole program: listen, say so, serve until SIGTERM or SIGINT. Raises `PortTaken`."""
    sandbox = Sandbox(settings)
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        listeners = await open_listeners(settings.port)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sandbox.serve, listeners)
            _say_ready(listeners, started)
            async for number in signals:
                _log.info("sandbox.stopping", signal=signal.Signals(number).name)
                nursery.cancel_scope.cancel()
                break


def _say_ready(listeners: list[trio.SocketListener], started: float) -> None:
    """The one line on standard output (interface.md 2 and 10)."""
    port = listeners[0].socket.getsockname()[1]
    line = {
        "event": "ready",
        "pid": os.getpid(),
        "version": version("comptoir"),
        "http": f"http://{HOST}:{port}",
        "bootMs": round((time.monotonic() - started) * 1000),
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
