"""The commands: help, usage errors, statuses. Source: interface.md 2; issue "the engine"."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from comptoir.actors.check_copybooks import CHECKS as COPYBOOK_CHECKS
from comptoir.actors.check_documents import CHECKS as DOCUMENT_CHECKS
from comptoir.actors.checks import CHECKS
from comptoir.engine import boot
from comptoir.engine.cli import drawing
from comptoir.engine.cli.errors import CommandError
from comptoir.engine.cli.kinds import CHECK_KINDS, MACHINES, ROLES, complete
from comptoir.http.identity.checks import CHECKS as TOKEN_CHECKS
from comptoir.http.principal import Role

COMMANDS = [
    ("serve",), ("demo",), ("machines",), ("config",), ("migrate",), ("check",), ("token",), ("version",),
    ("import", "partners"), ("import", "connections"),
    ("dlq", "list"), ("dlq", "queues"), ("dlq", "show"), ("dlq", "replay"), ("dlq", "discard"),
    ("dlq", "disposition"), ("dlq", "reports"), ("parking",), ("payouts", "list"), ("payouts", "show"), ("payouts", "download"),
    ("payouts", "report"), ("match", "score"), ("match", "backtest"), ("match", "cases"),
    ("copybook", "show"), ("copybook", "diff"),
    ("db", "start"), ("db", "stop"), ("db", "status"), ("db", "url"),
]  # fmt: skip
USAGE = [
    (("serv",), "did you mean 'serve'?"),
    (("serve", "--confg", "x"), "did you mean --config?"),
    (("check",), "see comptoir check --help"),
    (("check", "lable"), "did you mean label?"),
    (
        ("check", "zzzzzz"),
        "there are aead-open, copybook-decode, copybook-encode, copybook-layout, document, iban, jwk, jwt, label, mrz, name-match, ocr, points, screen, webhook",
    ),
    (("machines", "walet"), "did you mean wallet?"),
    (("machines", "--format", "svg"), "see comptoir machines --help"),
    (("import", "partner", "x.csv"), "did you mean 'partners'?"),
    (("demo", "--count", "many"), "see comptoir demo --help"),
    (("demo", "--count", "0"), "see comptoir demo --help"),
    (("dlq", "replai"), "did you mean 'replay'?"),
    (("dlq", "list", "--older-than", "soon"), "give one such as 90s, 15m, 2h or 7d"),
    (("dlq", "replay"), "give LETTER_ID or --queue"),
    (("dlq", "replay", "dl_1", "--queue", "hold"), "give one of them"),
    (("dlq", "discard", "dl_1"), "see comptoir dlq discard --help"),
    (("version", "extra"), "see comptoir version --help"),
]


@pytest.mark.parametrize("word", ["version", "--version"])
def test_version(run: Any, word: str) -> None:
    """`comptoir version` prints the version of the package, and nothing else (interface.md 2)."""
    assert run(word).out == version("comptoir") + "\n"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_shows_an_example(run: Any, command: tuple[str, ...]) -> None:
    """Every command has help with an example that begins with the command itself."""
    shown = run(*command, "--help")
    assert shown.status == 0
    example = " ".join(shown.out.partition("Example:")[2].split())
    assert f"comptoir {' '.join(command)}" in example


@pytest.mark.parametrize("group", [(), ("import",), ("db",), ("dlq",), ("match",)])
def test_a_group_alone_shows_its_help(run: Any, group: tuple[str, ...]) -> None:
    """Whoever gives no command sees which there are."""
    shown = run(*group)
    assert (shown.status, shown.err) == (0, "")
    assert "Commands" in shown.out


@pytest.mark.parametrize(("arguments", "remedy"), USAGE)
def test_usage_error_is_one_line_with_a_remedy(
    run: Any, arguments: tuple[str, ...], remedy: str
) -> None:
    """A usage error ends with 2 and one line `comptoir: USAGE: text: remedy` (interface.md 2)."""
    shown = run(*arguments)
    assert (shown.status, shown.out) == (2, "")
    assert len(shown.err.splitlines()) == 1
    assert shown.err.startswith("comptoir: USAGE: ")
    assert shown.err.endswith(f": {remedy}\n")


def test_names_for_completion_are_those_that_exist() -> None:
    """What a shell offers is what the commands take, no more and no less."""
    assert sorted(MACHINES) == sorted(boot.machines())
    assert sorted(CHECK_KINDS) == sorted(
        [
            *CHECKS,
            *COPYBOOK_CHECKS,
            *DOCUMENT_CHECKS,
            *TOKEN_CHECKS,
            "aead-open",
            "name-match",
            "screen",
            "webhook",
        ]
    )
    assert sorted(ROLES) == sorted(Role)
    assert complete(MACHINES)("w") == ["wallet", "watch_list", "withdrawal"]


def test_completion_script_is_printed(run: Any) -> None:
    """Shell completion can be installed (issue: one well-kept library, shell completion)."""
    # By the variable, because the option asks which shell our parent is, and CI may have none.
    shown = run(_COMPTOIR_COMPLETE="source_bash")
    assert shown.status == 0
    assert "_COMPTOIR_COMPLETE" in shown.out


def test_config_shows_values_with_sources_and_no_secret(run: Any, tmp_path: Path) -> None:
    """`comptoir config` prints what is in force and from where; secrets are masked."""
    (tmp_path / "config.toml").write_text("[points]\nvalue_cents = 2\n")
    secret = "5ba2-not-to-be-seen-by-anybody"
    shown = run(
        "config", "--format", "json",
        COMPTOIR_HTTP__PORT="0", COMPTOIR_WEBHOOKS__SEED__SECRETS=json.dumps([secret]),
    )  # fmt: skip
    tree = json.loads(shown.out)
    assert tree["points"]["value_cents"] == {"value": 2, "source": "file"}
    assert tree["http"]["port"] == {"value": 0, "source": "environment COMPTOIR_HTTP__PORT"}
    assert secret not in shown.out
    assert "points.value_cents = 2  # file\n" in run("config").out


def test_wrong_settings_end_any_command_with_every_problem(run: Any) -> None:
    """A wrong setting ends with 2 and one line for each problem (interface.md 2 and 3)."""
    for command in (("config",), ("serve",), ("demo", "--exit")):
        shown = run(*command, COMPTOIR_HTTP__PRT="1", COMPTOIR_POINTS__MINIMUM="few")
        assert (shown.status, shown.out) == (2, ""), command
        codes = [line.split(": ")[1] for line in shown.err.splitlines()]
        assert sorted(codes) == ["CONFIG_ENV_UNKNOWN", "CONFIG_VALUE_TYPE"], command
        assert "COMPTOIR_HTTP__PORT" in shown.err


def test_machines_are_drawn(run: Any) -> None:
    """`comptoir machines` prints the tables that are executed."""
    wallet = boot.machines()["wallet"]
    assert run("machines", "wallet").out == wallet.mermaid()
    assert drawing.draw("wallet", "table") == wallet.table()
    every = drawing.draw(None, "mermaid")
    assert all(machine.mermaid() in every for machine in boot.machines().values())


def test_pages_of_machines_are_written(tmp_path: Path) -> None:
    """`--write DIR` writes a page for each machine; a folder that cannot be is refused by name."""
    written = drawing.write_pages(tmp_path / "pages")
    assert [path.name for path in written] == [f"{name}.md" for name in sorted(boot.machines())]
    for path in written:
        machine = boot.machines()[path.stem]
        text = path.read_text()
        assert machine.mermaid() in text
        assert machine.table() in text
        assert all(f"`{message.__name__}`: " in text for message in machine.messages)
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match="cannot be written"):
        drawing.write_pages(tmp_path / "file" / "below")
