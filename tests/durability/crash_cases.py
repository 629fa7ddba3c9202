"""What is done at each commit site, and how it is known to have gone well: the table that is played.

tests/durability/test_crash_points.py plays every cell of it, and docs/generate.py writes it out as
docs/crash-points.md. The sites are found (sites.py), not listed: one without a scene fails the build,
and so does a scene without a site.
Source: issue 3, deliver 2; design.md 7, 9.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from tests.durability import sites

TEST = "tests/durability/test_crash_points.py::test_nothing_is_lost_at"


class Case(Enum):
    """What goes wrong, while a statement is under way."""

    BEFORE = "killed_before"
    SENT = "killed_after_sending"
    ANSWERED = "killed_after_the_answer"
    CUT = "answer_lost"
    CANCELLED = "cancelled"
    BACKEND = "backend_killed"


MEANING: Mapping[Case, str] = {
    Case.BEFORE: "the daemon gets SIGKILL when the statement has left it and is held before the"
    " database",
    Case.SENT: "SIGKILL when the database has answered and the answer is withheld",
    Case.ANSWERED: "SIGKILL when the daemon has the answer",
    Case.CUT: "the connection is cut with the answer in it; the daemon lives and finds out",
    Case.CANCELLED: "a trio cancellation while the statement is held; then the statement goes on",
    Case.BACKEND: "the backend waits inside the statement for a lock, and is ended by"
    " pg_terminate_backend",
}


@dataclass(frozen=True)
class Scene:
    """How a site is reached, and what must be true in the end."""

    act: str
    """The class (act.py, acts_*.py) that plays it."""
    truth: str
    probe: str = ""
    """SQL whose answer changes when the statement is durable; empty: it leaves nothing behind."""
    commits: bool = True
    """Whether the statement is durable by itself, and not only with a later COMMIT."""
    lock: str = ""
    """What another session does so that the statement waits inside the database; `{name}` is the
    cell's. Empty: it waits by itself. A row, not a table, where the statement names the table: parsed
    already, it holds a lock on it."""
    cancels: str = "daemon"
    """Whose scope is cancelled: the `caller`'s alone, or the whole daemon's, with all its tasks."""
    without: Mapping[Case, str] = field(default_factory=dict[Case, str])
    """Cases that cannot happen here, and why."""

    def cases(self) -> list[Case]:
        """Those that are played."""
        return [case for case in Case if case not in self.without]


WRITER = "select epoch, batch from comptoir.writer"
TABLES = "select count(*) from pg_class where relnamespace = to_regnamespace('comptoir')"
ROW = "select from comptoir.writer for update"
MIGRATED = "select count(*) from comptoir.schema_migration"
NO_WAIT = {Case.BACKEND: "it waits for nothing, so no backend can be found inside it"}


def _batch(act: str, truth: str, cancels: str = "daemon") -> Scene:
    """A scene whose statement is a batch of the writer."""
    return Scene(act, truth, WRITER, lock=ROW, cancels=cancels)


_EXACT = "its sum holds it once, in memory and in the database"
_SERVES = "the next daemon serves under a higher epoch"
_WHOLE = "every migration is applied once; the daemon serves"

STATEMENTS: Mapping[str, Scene] = {
    "COMMIT_SQL": _batch(
        "Credit", "an acknowledged purchase is credited once; sent again it is a duplicate"
    ),
    "READ_WRITER_SQL": Scene(
        "FindOut", f"the ask whose COMMIT was unknown: {_EXACT}", lock=ROW
    ),
    "REPLAY_SQL": _batch(
        "Replay", "the dead letter is neither lost nor doubled: one answer, no letter", "caller"
    ),
    "PURGE_SQL": Scene(
        "Purge", "expired keys are gone after the next purge, valid ones stay",
        "select count(*) from comptoir.once", lock=ROW, cancels="caller",
    ),
    "DISCARD_SQL": Scene(
        "Discard", "the letter is gone after it was asked for again, and nothing else is; no replay brings it back",
        "select count(*) from comptoir.message where class = 'dead'",
        lock=ROW, cancels="caller",
    ),
    "EXPIRE_SQL": Scene(
        "Expire", "letters past their time are gone after the next pass, and nothing else is",
        "select count(*) from comptoir.message where class = 'dead'",
        lock=ROW, cancels="caller",
    ),
    "EXPIRE_ACTORS_SQL": Scene(
        "Forget", "an actor past its time is gone after the next pass, and nothing else is; it begins anew",
        "select count(*) from comptoir.actor", lock=ROW, cancels="caller",
    ),
    "RESEAL_SQL": _batch(
        "Rotate", "the rotation goes on where it was; what was sealed opens, a key that was taken holds"
    ),
    "MOVE_ONCE_SQL": _batch(
        "Rotate", "the digests go on moving where they were; at no moment may a key be taken twice"
    ),
    "SETTING_SQL": Scene(
        "Keep", "the setting is the old or the new value, and the new one when it is put again",
        "select count(*) from comptoir.setting", lock="insert into comptoir.setting values ('{name}', 'theirs')", cancels="caller",
    ),
    "Writer._ensure_months: select comptoir.ensure_event_partitions": Scene(
        "Month", f"the month has its partition, no event is in the default one; {_EXACT}",
        TABLES, lock="lock table comptoir.event in exclusive mode",
    ),
    "RAISE_EPOCH_SQL": Scene(
        "Restart", "no epoch is used again; the daemon serves", WRITER, lock=ROW
    ),
    "TRY_SQL": Scene("Restart", _SERVES, without=NO_WAIT),
    "WAIT_SQL": Scene("StandBy", "the lock comes to the next in line, once its holder is gone"),
    "END_SQL": Scene(
        "TakeOver", "one of the two serves, and no other writes", without={Case.BACKEND: "it reads the list of sessions, and waits for no lock"}
    ),
    "migrate: select pg_advisory_lock": Scene(
        "Queue", _WHOLE, lock="select pg_advisory_xact_lock({migrations})"
    ),
    "migrate: select pg_advisory_unlock": Scene("Restart", _SERVES, without=NO_WAIT),
    "CREATE_ROLES": Scene("Restart", _SERVES, lock="lock table pg_catalog.pg_authid in access exclusive mode"),
    "FIRST_SQL": Scene("Begin", _WHOLE, TABLES, lock="lock table pg_catalog.pg_namespace in exclusive mode"),
    "FENCE_SQL": Scene(
        "Upgrade", _WHOLE,
        "select epoch from comptoir.writer", lock=ROW,
    ),
    "_apply: begin": Scene("Begin", _WHOLE, TABLES, commits=False, lock="lock table pg_catalog.pg_class in exclusive mode"),
    "RECORD_SQL": Scene(
        "Begin", _WHOLE, MIGRATED, commits=False, lock="insert into comptoir.schema_migration values (1, 'theirs', '')"
    ),
    "_apply: commit": Scene(
        "Begin", _WHOLE, MIGRATED,
        without={
            Case.BACKEND: "COMMIT waits for no lock; a backend killed before it is the case before,"
            " one killed after it the case answer_lost"
        },
    ),
    "GRANT_DAEMON": Scene(
        "Begin", f"{_WHOLE} under the role that owns nothing",
        "select has_table_privilege('comptoir_daemon', 'comptoir.writer', 'select')",
        lock="lock table pg_catalog.pg_proc in exclusive mode",
    ),
    "GRANT_READER": Scene(
        "Begin", f"{_WHOLE}; the reports can be read",
        "select has_table_privilege('comptoir_reader', 'report.posting', 'select')",
        lock="lock table pg_catalog.pg_namespace in exclusive mode",
    ),
}  # fmt: skip

SUBMITS: Mapping[str, Scene] = {
    "Actor._begin": _batch("Ask", f"asked again with its key: {_EXACT}", "caller"),
    "Actor._handle": _batch(
        "AskTwice",
        f"what its machine crashed over once, asked again with its key: {_EXACT}",
        "caller",
    ),
    "Actor._is_there": _batch(
        "AskAlong", "what went along, and was crashed over once, has its effect once"
    ),
    "Actor._resolve": _batch("Repeat", "a row that repeats a key is gone, and changed nothing"),
    "Actor._bury": _batch("Spoil", "what the database refuses is one dead letter"),
    "Engine.tell": _batch("Tell", f"told again with its key: {_EXACT}", "caller"),
    "Engine.advance_clock": _batch(
        "Clock", "business time in memory is what the database holds, and never goes back", "caller"
    ),
    "Outbox._keep": _batch(
        "Publish", "what was told is told at most once more, and what was not is told", "caller"
    ),
    "commit_record": _batch("Record", f"a record that comes again is known: {_EXACT}", "caller"),
    "Gateway._commit_started": _batch(
        "Start", "the payment left at most once: answered once, or held for a person"
    ),
    "Gateway._finish": _batch("Finish", "the payment left once and is answered once"),
    "Gateway._retry": _batch("Retry", "the call is tried again, and answered once"),
    "Gateway._park": _batch("Park", "the parked call is released, and answered once"),
    "Gateway._hold": _batch("Hold", "the unknown payment is held once, and never sent again"),
    "Gateway._bury": _batch("Fail", "the refused call is one dead letter, and told once"),
}

SESSIONS: Mapping[str, str] = {
    "WAIT_SQL": "comptoir lock",
    "migrate: select pg_advisory_lock": "comptoir migrate",
}
"""Statements of one text are told apart by the name of the session that sends them."""

SCENES: Mapping[str, Scene] = {**STATEMENTS, **SUBMITS}


def cells() -> list[tuple[str, Case]]:
    """Every site and case that is played."""
    return [(site, case) for site, scene in SCENES.items() for case in scene.cases()]


def cell_name(site: str, case: Case) -> str:
    """The id of a cell: `COMMIT_SQL-killed_before`."""
    return f"{site.replace(': ', '-').replace(' ', '-')}-{case.value}"


def unplayed(root: Path) -> list[str]:
    """Sites of the code without a scene, and scenes whose site is no more."""
    found = {*sites.find_statements(root), *sites.find_submits(root)}
    return [
        *(f"{site}: a commit site without a scene" for site in sorted(found - set(SCENES))),
        *(f"{site}: a scene without its site" for site in sorted(set(SCENES) - found)),
    ]


INTRODUCTION = """# Crash points

Made by `make docs` from the code and from the table that the test plays
(tests/durability/crash_cases.py); do not edit it.

A commit site is a statement of the journal that writes, locks or ends a session, or a function of the
engine that has a decision committed. They are found in the code, and every writing statement that a
daemon sends is compared with them on the wire. At each of the {sites} sites each case is played
against a daemon and a PostgreSQL (fsync on; processes die here, no machine does), through a proxy that
holds that one statement: {played} cells, and {impossible} that cannot happen.
"""
VERDICT = """After each cell the daemon, or the next one, comes to rest, and these hold: the auditor's
faults are zero (postings, lots, balances, dense event numbers, credits); no row is due, parked or
stranded; the epoch is the writer's and was not used before; and the last column. *durable*, *not
durable*: what the database held at the moment of the crash, as the cell verifies.

A cell's test is `{test}[site-case]`.
"""


def page(root: Path) -> str:
    """docs/crash-points.md.

    Raises:
        LookupError: a site has no scene.
    """
    if unplayed(root):
        raise LookupError("; ".join(unplayed(root)))
    statements, submits = sites.find_statements(root), sites.find_submits(root)
    played, impossible = len(cells()), sum(len(scene.without) for scene in SCENES.values())
    head = f"| site | where | {' | '.join(case.value.replace('_', ' ') for case in Case)} | in the end |"
    out = [
        INTRODUCTION.format(sites=len(SCENES), played=played, impossible=impossible, test=TEST),
        "| case | what happens |",
        "| --- | --- |",
        *(f"| `{case.value}` | {meaning} |" for case, meaning in MEANING.items()),
        "",
        VERDICT.format(test=TEST),
        head,
        f"| --- | --- | {' | '.join('---' for _ in Case)} | --- |",
    ]
    reasons: list[str] = []
    for site, scene in SCENES.items():
        file = statements[site].file if site in statements else submits[site]
        row = [_outcome(site, scene, case, reasons) for case in Case]
        out.append(f"| `{site}` | {file} | {' | '.join(row)} | {scene.truth} |")
    out += ["", "## What cannot happen", "", *(f"- {reason}" for reason in reasons), ""]
    return "\n".join(out)


def _outcome(site: str, scene: Scene, case: Case, reasons: list[str]) -> str:
    if case in scene.without:
        reasons.append(f"`{site}`, {case.value}: {scene.without[case]}.")
        return "cannot happen"
    if case is Case.CUT:
        return "found out"
    if case is Case.CANCELLED:
        return f"{scene.cancels} left"
    if case is Case.BACKEND:
        return "tried again"
    if not scene.probe:
        return "leaves nothing"
    if case is Case.ANSWERED and not scene.commits:
        return "either"
    return "durable" if case is not Case.BEFORE and scene.commits else "not durable"
