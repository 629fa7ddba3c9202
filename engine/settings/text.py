"""Settings as text: config.toml, docs/configuration.md, `comptoir config`, an environment.

Rule: each of these is made from the rows of the settings, and a test holds the committed files
equal to what is made here; run `python -m comptoir.engine.settings` in the project's folder
to write them anew.
Source: issue "the engine" (every value with its unit and spec line); interface.md 3.
"""

import inspect
import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import TypedDict, cast

import orjson

from comptoir.engine.settings.fields import Key, Section, keys, options, sections
from comptoir.engine.settings.kinds import Plain
from comptoir.engine.settings.kinds_made import BlocksKind
from comptoir.engine.settings.root import Settings

__all__ = ["Effective", "as_environment", "as_toml", "describe", "effective", "effective_text"]

WIDTH = 96
"""Columns of a comment in config.toml."""

HEAD = """\
Settings of comptoir. Every value here is the built-in default: what you leave out stays as it is.
A variable COMPTOIR_SECTION__KEY (upper case, two underscores between levels) overrides a key;
lists and tables are JSON there; COMPTOIR_SECTION__KEY_FILE names a file that holds the value.
In brackets after each comment: unit, what is allowed; the line of the specification (S, X, E), or
"ours" for a choice of this project. "Used by X": read once feature X is there.
"""


class Effective(TypedDict):
    """One value as `comptoir config` shows it."""

    value: Plain
    """Masked where it is secret."""
    source: str
    """`default`, `file`, `environment NAME`, `secret file NAME`, or `code` for an embedder's."""


EffectiveTree = dict[str, "Effective | EffectiveTree"]


def effective(settings: Settings) -> EffectiveTree:
    """Return every value in force with its source, nested as in the file, secrets masked."""
    defaults = {key.path: key.value for key in keys(Settings())}
    tree: EffectiveTree = {}
    for key in keys(settings):
        unchanged = "default" if key.value == defaults[key.path] else "code"
        entry = Effective(
            value=key.option.kind.show(key.value),
            source=settings.origins.get(key.dotted, unchanged),
        )
        _put(tree, key.path, entry)
    return tree


def _put(tree: EffectiveTree, path: tuple[str, ...], entry: Effective) -> None:
    """Put an entry at its path."""
    for name in path[:-1]:
        tree = tree.setdefault(name, {})  # type: ignore[assignment]  # only leaves are Effective
    tree[path[-1]] = entry


def effective_text(settings: Settings) -> str:
    """Return `effective` as lines `section.key = value  # source`."""
    defaults = {key.path: key.value for key in keys(Settings())}
    lines: list[str] = []
    for key in keys(settings):
        unchanged = "default" if key.value == defaults[key.path] else "code"
        source = settings.origins.get(key.dotted, unchanged)
        lines.append(f"{key.dotted} = {_toml(key.option.kind.show(key.value))}  # {source}\n")
    return "".join(lines)


def as_environment(settings: Settings) -> dict[str, str]:
    """Return the variables that make these settings from the defaults, secrets included.

    For a child process (tests, the demo); the caller keeps the result to itself.
    """
    defaults = {key.path: key.value for key in keys(Settings())}
    return {
        key.variable: _variable(key.option.kind.dump(key.value))
        for key in keys(settings)
        if key.value != defaults[key.path]
    }


def _variable(value: Plain) -> str:
    """Write a value as a variable's text."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.9f}"
    return orjson.dumps(value).decode()


def as_toml(settings: Settings) -> str:
    """Return settings as a commented TOML file, secrets included (the defaults have none)."""
    lines = [f"# {line}\n" for line in HEAD.splitlines()]
    for path, table in _tables(settings):
        lines.append(f"\n{_comment(_doc(table))}[{'.'.join(path)}]\n")
        for name, row in options(type(table)).items():
            key = Key((*path, name), row, getattr(table, name))
            if isinstance(row.kind, BlocksKind):
                continue
            lines.append(_comment(f"{row.text} [{_facts(key)}; {row.source}]"))
            lines.append(f"{name} = {_toml_wide(row.kind.dump(key.value))}\n")
        lines.extend(_blocks(path, table))
    return "".join(lines)


def _blocks(path: tuple[str, ...], table: Section) -> Iterator[str]:
    """Yield the tables that a table has by name, each as a table of its own, so that one more can stand beside
    them; they come last, since what follows one belongs to it.
    """
    for name, row in options(type(table)).items():
        if not isinstance(row.kind, BlocksKind):
            continue
        yield "\n" + _comment(f"{row.text} [{row.kind.brief}; {row.source}]")
        blocks = cast("Mapping[str, Section]", getattr(table, name))
        for block, inner in blocks.items():
            yield f"\n[{'.'.join((*path, name, block))}]\n"
            for key, its in options(type(inner)).items():
                value = its.kind.dump(getattr(inner, key))
                facts = _facts(Key((key,), its, value))
                yield _comment(f"{its.text} [{facts}; {its.source}]")
                yield f"{key} = {_toml_wide(value)}\n"


def _tables(of: Section, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Section]]:
    """Yield every table at any depth with its path, in file order; the root is none."""
    if path:
        yield path, of
    for name, inner in sections(of):
        yield from _tables(inner, (*path, name))


def _doc(table: Section) -> str:
    """Return what a table is for."""
    return " ".join((inspect.getdoc(type(table)) or "").split())


def _facts(key: Key) -> str:
    """Say unit and allowed values in one phrase: `ms, 1..86400000`."""
    allowed = key.option.kind.brief
    return f"{key.option.unit}, {allowed}" if key.option.unit else allowed


def _comment(text: str) -> str:
    """Break a comment over lines."""
    return "".join(f"# {line}\n" for line in textwrap.wrap(text, WIDTH))


def _toml(value: Plain) -> str:
    """Write a value as TOML, on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON's escapes are TOML's, but for DEL, which only TOML wants escaped
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return "[" + ", ".join(_toml(entry) for entry in value) + "]"
    if isinstance(value, dict):
        inside = ", ".join(f"{name} = {_toml(entry)}" for name, entry in value.items())
        return "{" + (f" {inside} " if inside else "") + "}"
    return repr(value)


def _toml_wide(value: Plain) -> str:
    """Write a value as TOML, a list of tables with one of them on each line."""
    if isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
        return "[\n" + "".join(f"    {_toml(entry)},\n" for entry in value) + "]"
    return _toml(value)


def describe() -> str:
    """Return docs/configuration.md: every setting with variable, default, range, meaning, line."""
    parts = [DOCUMENT_HEAD]
    for path, table in _tables(Settings()):
        rows = options(type(table))
        parts.append(f"\n## [{'.'.join(path)}]\n\n{_cell(_doc(table))}\n")
        if not rows:
            continue
        parts.append("\n| key, variable | default | allowed | meaning | source |\n")
        parts.append("| --- | --- | --- | --- | --- |\n")
        for name, row in rows.items():
            key = Key((*path, name), row, getattr(table, name))
            shown = _toml(row.kind.show(key.value))
            parts.append(
                f"| `{name}`<br>`{key.variable}` | `{_cell(shown)}` | {_cell(_facts(key))} "
                f"| {_cell(row.text)} | {_cell(row.source)} |\n"
            )
    return "".join(parts)


def _cell(text: str) -> str:
    """Escape what would end a cell."""
    return text.replace("|", "\\|")


DOCUMENT_HEAD = """\
# Configuration

This page is made from the settings themselves (`python -m comptoir.engine.settings`); a test
holds it, and `config.toml`, equal to them.

The daemon reads `--config FILE`, else `$COMPTOIR_CONFIG`, else `./config.toml`, else the built-in
defaults, which are those of the shipped `config.toml`. Each key is overridden by a variable: upper
case, two underscores between levels, lists and tables as JSON, `true` or `false` for a switch. The
variable with `_FILE` after its name reads the value from a file, which is the way for secrets.

Nothing is coerced and nothing is skipped. An unknown key, an unknown `COMPTOIR_` variable, a value
of another type or out of range stops the start with exit status 2 and one line for each problem,
`comptoir: CODE: text: remedy`, which names the place and the nearest right name. Secrets are never
shown. `comptoir config` prints the values in force, each with its source.

| code | meaning | exit |
| --- | --- | --- |
| CONFIG_FILE_MISSING, CONFIG_FILE_UNREADABLE | the named file is not there, or cannot be read | 2 |
| CONFIG_FILE_MALFORMED | the file is not TOML in UTF-8, with the line | 2 |
| CONFIG_KEY_UNKNOWN, CONFIG_ENV_UNKNOWN | no such key or variable, with the nearest name | 2 |
| CONFIG_ENV_TWICE | a variable and its `_FILE` form are both set | 2 |
| CONFIG_SECRET_FILE | the file that a `_FILE` variable names cannot be read | 2 |
| CONFIG_VALUE_TYPE, CONFIG_VALUE_RANGE | another type, or not allowed, with what is allowed | 2 |
| CONFIG_RULE_BROKEN | two settings that may not stand together | 2 |
| CONFIG_PROBLEMS_MORE | more than 100 problems; the rest is left out | 2 |
| WEBHOOK_SECRET_MISSING, WEBHOOK_SECRET_WEAK, WEBHOOK_SECRET_SHARED, VAULT_KEY_WEAK, VAULT_TOKEN_WEAK, DATABASE_PASSWORD_WEAK | refused outside the demo | 5 |

The source column names the line of the specification (S, X, E); `ours` marks a choice of this
project. "Used by X" marks a value that is read once feature X is there.
"""
