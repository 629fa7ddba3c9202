"""Where the demo lives: its folder, its secret, its ports, its settings, its two programs.

Rule: a demo has a secret of its own, drawn at random once for each data folder and read from a file
of mode 0600, so that the daemon of the demo is held to the same rules as any other.
Source: issue "the engine" (deliver 7); interface.md 3.
"""

import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from comptoir.engine.cli.demo_children import Program
from comptoir.engine.cli.demo_data import connections_csv, partners_csv
from comptoir.engine.cli.demo_lists import LIST_NAME, watch_list_csv
from comptoir.engine.cli.errors import EXIT_OTHER, CommandError
from comptoir.engine.settings import Secret, Settings, as_environment
from comptoir.engine.settings.screening import WatchList
from comptoir.storage.embedded import EmbeddedPostgres

__all__ = ["ADVISOR", "DemoPlace", "Wanted", "prepare"]

HOST = "127.0.0.1"
SECRET_BYTES = 32
ADVISOR = "demo-advisor"
"""Whose files those of partners are."""
SETTLEMENT_DAYS = 5
"""Of a withdrawal; the month of the demo has room for three."""
LOT_DAYS = 30
"""Points end soon, so that the month sees a warning."""
WARNING_DAYS = 7
DEBTOR_IBAN = "FR7630006000011234567890189"
"""The usual example of a French account: nobody's."""
SECRETS_FILES = {
    "COMPTOIR_WEBHOOKS__SEED__SECRETS": "webhook-secrets.json",
    "COMPTOIR_WEBHOOKS__KYC__SECRETS": "kyc-webhook-secrets.json",
}
SANDBOX_READY_SECONDS = 30.0
BOOT_SECONDS_SPARE = 30.0
"""Beyond storage.start_timeout_s: the interpreter, the epoch, the partners."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line says of the place."""

    data_dir: Path | None
    config: Path | None
    port: int | None
    sandbox_port: int


@dataclass(frozen=True, slots=True)
class DemoPlace:
    """A folder that is ready, and all that is started from it."""

    settings: Settings
    folder: Path
    """`demo/` in the data folder: files, logs, the secret."""
    secret: str
    """Of the bank's webhooks."""
    bureau_secret: str
    daemon: Program
    by_files: Program
    """The same daemon, paying by files that a second person signs."""
    sandbox: Program
    sandbox_url: str

    @property
    def daemon_url(self) -> str:
        """Where the daemon answers."""
        return f"http://{HOST}:{self.settings.http.port}"

    @property
    def webhooks_url(self) -> str:
        """Where the bank sends its webhooks: to the lane, where there is one."""
        ingest = self.settings.ingest
        return f"http://{HOST}:{ingest.port}" if ingest.enabled else self.daemon_url

    @property
    def house(self) -> Path:
        """The key and certificate that contracts are sealed with, once the sandbox has made them."""
        return self.folder / "house.p12"

    @property
    def root(self) -> Path:
        """What they are trusted by."""
        return self.folder / "root.pem"

    @property
    def partners(self) -> Path:
        """The file of partners."""
        return self.folder / "partners.csv"

    @property
    def connections(self) -> Path:
        """The file of connections."""
        return self.folder / "connections.csv"

    def database(self) -> EmbeddedPostgres | None:
        """The embedded server; None where storage.url names another."""
        if self.settings.storage.url:
            return None
        return EmbeddedPostgres(self.settings.storage.data_dir)


def prepare(wanted: Wanted, environment: Mapping[str, str]) -> DemoPlace:
    """Make the folder, draw the secret, choose the ports, write the files.

    Raises:
        SettingsError: the settings beneath are wrong.
        CommandError: the folder cannot be written.
    """
    settings = Settings.load(wanted.config, environment)
    data_dir = wanted.data_dir or settings.storage.data_dir
    try:
        folder = _folder(data_dir)
        secret, bureau_secret = (_secret(folder / file) for file in SECRETS_FILES.values())
        (folder / "partners.csv").write_text(partners_csv(), encoding="utf-8")
        (folder / "connections.csv").write_text(connections_csv(), encoding="utf-8")
        (folder / "watch-list.csv").write_text(watch_list_csv(), encoding="utf-8")
        for name in ("daemon.log", "sandbox.log"):
            (folder / name).write_bytes(b"")
    except OSError as error:
        text = f"{data_dir} cannot be written ({error.strerror})"
        raise CommandError(
            "FOLDER_UNWRITABLE", text, "name another with --data-dir", exit_status=EXIT_OTHER
        ) from None
    port = _free_port(settings.http.port if wanted.port is None else wanted.port)
    sandbox_port = _free_port(wanted.sandbox_port)
    sandbox_url = f"http://{HOST}:{sandbox_port}"
    settings = settings.having({
        ("storage", "data_dir"): data_dir.resolve(),
        ("http", "host"): HOST,
        ("http", "port"): port,
        ("ingest", "host"): HOST,
        ("ingest", "port"): _free_port(settings.ingest.port),
        ("ingest", "tls_certificate"): "",
        ("ingest", "tls_key"): "",
        ("ingest", "tls_client_ca"): "",
        ("http", "tls_certificate"): "",
        ("http", "tls_key"): "",
        ("http", "tls_client_ca"): "",
        ("auth", "mode"): "on",
        ("auth", "dev_tokens"): True,
        ("clock", "mode"): "manual",  # a month is played in seconds
        ("onboarding", "partner_advisor"): ADVISOR,
        ("withdrawals", "settlement_days"): SETTLEMENT_DAYS,
        ("points", "lot_days"): LOT_DAYS,
        ("points", "expiry_warning_days"): (WARNING_DAYS,),
        ("payouts", "debtor_name"): "REWAPP SAS",
        ("payouts", "debtor_iban"): DEBTOR_IBAN,
        ("screening", "lists"): (WatchList(LIST_NAME, folder / "watch-list.csv"),),
        ("webhooks", "seed", "secrets"): (Secret(secret),),
        ("webhooks", "kyc", "secrets"): (Secret(bureau_secret),),
        **_of_accounts(folder, sandbox_url),
        ("providers", "fcm", "base_url"): sandbox_url,
        ("providers", "sendgrid", "base_url"): sandbox_url,
        ("providers", "twilio", "base_url"): sandbox_url,
        ("providers", "seed", "base_url"): sandbox_url,
        ("providers", "vop", "base_url"): f"{sandbox_url}/vop",
        ("providers", "vop", "agent_bic"): "PSSTFRPPXXX",
        ("providers", "kyc", "base_url"): f"{sandbox_url}/kyc",
        ("providers", "addresses_ban", "base_url"): f"{sandbox_url}/ban",
        ("providers", "addresses_canada_post", "base_url"): sandbox_url,
        ("providers", "credit", "base_url"): f"{sandbox_url}/credit",
        ("providers", "adverse_media", "base_url"): f"{sandbox_url}/media",
    })  # fmt: skip
    return DemoPlace(
        settings=settings,
        folder=folder,
        secret=secret,
        bureau_secret=bureau_secret,
        daemon=_daemon(settings, folder, environment),
        by_files=_daemon(
            settings.having({("withdrawals", "payout"): "pain001"}), folder, environment
        ),
        sandbox=_sandbox(sandbox_port, folder, environment),
        sandbox_url=sandbox_url,
    )


def _of_accounts(folder: Path, sandbox_url: str) -> dict[tuple[str, ...], object]:
    """Who has contracts signed and opens accounts."""
    return {
        ("signing", "provider"): "embedded",
        ("signing", "certificate"): str(folder / "house.p12"),
        ("signing", "password"): Secret("sandbox"),
        ("signing", "trust"): str(folder / "root.pem"),
        ("providers", "tsa", "base_url"): f"{sandbox_url}/trust/tsa",
        ("providers", "mainframe", "base_url"): sandbox_url,
    }


def _folder(data_dir: Path) -> Path:
    """The demo's own folder; the data folder gets the mode that the daemon would give it."""
    if not data_dir.is_dir():
        data_dir.mkdir(parents=True)
        data_dir.chmod(0o711 if os.geteuid() == 0 else 0o700)
    folder = data_dir.resolve() / "demo"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _secret(file: Path) -> str:
    """The webhook secret of this data folder, drawn when it is first wanted."""
    if not file.exists():
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(orjson.dumps([secrets.token_hex(SECRET_BYTES)]))
    try:
        (secret,) = orjson.loads(file.read_bytes())
    except ValueError:
        text = f"{file} is not a JSON list of one text"
        raise CommandError(
            "SECRET_FILE_BROKEN", text, "remove it and start again", exit_status=EXIT_OTHER
        ) from None
    return str(secret)


def _free_port(wanted: int) -> int:
    """The port if it is free, else any free one (which must stay the same after the kill)."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise CommandError(
        "PORT_IN_USE", "there is no free port", "end another program", exit_status=EXIT_OTHER
    )


def _daemon(settings: Settings, folder: Path, environment: Mapping[str, str]) -> Program:
    """`comptoir serve` with these settings and no others; the secret goes by its file."""
    ours = as_environment(settings)
    for variable, file in SECRETS_FILES.items():
        del ours[variable]
        ours[f"{variable}_FILE"] = str(folder / file)
    ours["COMPTOIR_CONFIG"] = os.devnull  # what the file says is in the variables already
    return Program(
        name="daemon",
        script="comptoir",
        arguments=("serve",),
        environment=_clean(environment) | ours,
        log=folder / "daemon.log",
        ready_seconds_max=settings.storage.start_timeout_s + BOOT_SECONDS_SPARE,
    )


def _sandbox(port: int, folder: Path, environment: Mapping[str, str]) -> Program:
    return Program(
        name="sandbox",
        script="comptoir-sandbox",
        arguments=("serve", "--port", str(port)),
        environment=_clean(environment),
        log=folder / "sandbox.log",
        ready_seconds_max=SANDBOX_READY_SECONDS,
    )


def _clean(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without settings."""
    return {name: text for name, text in environment.items() if not name.startswith("COMPTOIR_")}
