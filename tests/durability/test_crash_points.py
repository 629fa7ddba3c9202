"""Every commit site, killed, cut off, cancelled and robbed of its backend, one at a time.

Rules:
- the sites are found in the code (sites.py) and compared with what daemons send: no list is kept by
  hand, and a site without a case fails the build;
- a daemon is a process of its own over a PostgreSQL with fsync on (its files lie in memory: processes
  die here, no machine does), behind a proxy that holds the one statement (proxy.py); nothing is left
  to the chance of timing;
- after each cell the daemon, or the next one, comes to rest and is audited.
docs/crash-points.md shows the table. Source: issue 3, deliver 2; design.md 7, 9 (invariants 1 to 4).
"""

import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest
import trio

from comptoir.storage.copied_testing import take_copy
from comptoir.storage.embedded import EmbeddedPostgres
from comptoir.storage.embedded_testing import MEMORY, open_folder
from tests.durability import crash_cases, sites
from tests.durability.act import Act, refund_of
from tests.durability.acts import act_of
from tests.durability.acts_starts import Begin
from tests.durability.crash_cases import SCENES, Case, Scene
from tests.durability.proxy import Proxy, Trap
from tests.durability.stage import BLOCKED_SQL, PARTNERS, Stage, Zygote, wait_for

ROOT = Path(__file__).resolve().parents[2]
KILLS = (Case.BEFORE, Case.SENT, Case.ANSWERED)


class Theatre:
    """One PostgreSQL, one proxy, and the stages that are played on."""

    def __init__(self, folder: Path) -> None:
        self.server = EmbeddedPostgres(folder / "postgres")
        trio.run(take_copy, self.server)
        url = trio.run(self.server.start).url
        self.folder = folder / "run"
        self.folder.mkdir()
        behind = Path(parse_qs(urlparse(url).query)["host"][0])
        self.proxy = Proxy(self.folder, behind)
        self.zygote = Zygote()
        self.hits: set[tuple[str, Case]] = set()
        self._shared: Stage | None = None
        self._count = 0

    def open_stage(self) -> Stage:
        """A new database; no daemon has seen it."""
        self._count += 1
        name = f"stage_{self._count}"
        trio.run(self.server.create_database, name)
        return Stage(self.server, self.proxy, self.zygote, self.folder, name)

    def shared(self) -> Stage:
        """The database that cells share, with a partner and a connection."""
        if self._shared is None:
            self._shared = self.open_stage()
            self._shared.furnish()
        return self._shared

    def close_stage(self, stage: Stage) -> None:
        """End its daemons, and forget it: after a failure nothing in it is certain."""
        self.proxy.cut_all()
        stage.end()
        trio.run(self.server.drop_database, stage.database)
        if stage is self._shared:
            self._shared = None

    def close(self) -> None:
        """End everything."""
        if self._shared is not None:
            self.close_stage(self._shared)
        self.zygote.end()
        self.proxy.__exit__(None, None, None)
        trio.run(self.server.destroy)


@pytest.fixture(scope="module")
def theatre() -> Iterator[Theatre]:
    """Give the theatre of this module."""
    with open_folder(MEMORY) as folder:
        made = Theatre(folder)
        try:
            yield made
        finally:
            made.close()


def probed(stage: Stage, scene: Scene) -> str:
    """What the database says to the probe; nothing where there is none, or no table for it yet."""
    if not scene.probe:
        return ""
    if "schema_migration" in scene.probe:
        known = stage.sql.run("select to_regclass('comptoir.schema_migration') is not null")
        if known == "f":
            return "0"
    return stage.sql.run(scene.probe)


def kill_backend(stage: Stage, act: Act, trap: Trap) -> None:
    """Have the statement wait inside the database, end its backend, and let it not go on."""
    sql = stage.sql
    act.block()
    trap.forward()
    pid = wait_for(lambda: int(sql.run(BLOCKED_SQL).strip()), "the statement waits for the lock")
    sql.run(f"select pg_terminate_backend({pid})")
    there = f"select pg_stat_clear_snapshot(), count(*) from pg_stat_get_activity({pid})"
    wait_for(lambda: sql.run(there).strip("|") == "0", "the backend ends")
    act.free()


def play(stage: Stage, act: Act, scene: Scene, case: Case) -> None:
    """Play one cell up to its crash; what the database holds then is as the table says."""
    act.prepare()
    trap = stage.proxy.set_trap(act.wanted)
    act.trigger()
    trap.wait_caught(lambda: "\n".join(life.said()[-3000:] for life in stage.lives[-2:]))
    before = probed(stage, scene)
    life = act.victim
    if case is Case.BACKEND:
        kill_backend(stage, act, trap)
        return
    if case is Case.CANCELLED:
        life.run("cancel", what=act.order if scene.cancels == "caller" else 0)
        trap.forward()
        if scene.cancels == "daemon":
            life.wait_end()
            assert "Traceback" not in life.said(), life.said()[-4000:]
        return
    told = len(life.notes)
    if case is not Case.BEFORE:
        trap.forward(withholding=case is not Case.ANSWERED)
        act.unblock()
        if case is Case.ANSWERED:
            life.wait_note(act.is_answer, told)
        else:
            trap.wait_answered()
    if case in KILLS:
        life.kill()
    trap.cut()
    # Once it has the answer, it goes on: what commits later may have been committed.
    certain = case is not Case.ANSWERED or scene.commits
    if case in KILLS and scene.probe and certain:
        durable = case is not Case.BEFORE and scene.commits
        assert (probed(stage, scene) != before) is durable


def play_cell(theatre: Theatre, site: str, case: Case) -> None:
    """Play one cell to its end, on a stage that is thrown away if it fails."""
    fresh = issubclass(act_of(site), Begin)
    stage = theatre.open_stage() if fresh else theatre.shared()
    done = False
    try:
        act = act_of(site)(stage, site)
        play(stage, act, SCENES[site], case)
        stage.wait_available()
        act.verify(case)
        stage.check()
        done = True
    finally:
        if fresh or not done:
            theatre.close_stage(stage)
    theatre.hits.add((site, case))


@pytest.mark.parametrize(
    ("site", "case"),
    crash_cases.cells(),
    ids=[crash_cases.cell_name(site, case) for site, case in crash_cases.cells()],
)
def test_nothing_is_lost_at(theatre: Theatre, site: str, case: Case) -> None:
    """S43, X16, X19: whatever dies at this statement, what was acknowledged is there once, what was
    not is there at most once, and exactly once when it is asked again; nothing is left over.
    """
    play_cell(theatre, site, case)


def test_every_commit_site_has_its_cases() -> None:
    """Issue 3, deliver 2: what the code commits and what is played here are the same sites."""
    assert crash_cases.unplayed(ROOT) == []


@pytest.mark.parametrize(
    ("file", "text", "name"),
    [
        ("storage/lease.py", 'BEAT_SQL = "update comptoir.writer set raised_at = now()"', "BEAT_SQL"),
        ("storage/reads.py", 'async def peek(c): await c.fetch(f"select comptoir.x({1}) for share")',
         "peek: select comptoir.x"),
        ("engine/housekeeping.py", "async def chore(engine): await engine.commit(1)", "chore"),
        ("actors/wallet/reading.py", "def leak(journal): journal.submit(None)", "leak"),
    ],
)  # fmt: skip
def test_a_new_commit_site_is_found(tmp_path: Path, file: str, text: str, name: str) -> None:
    """Issue 3, deliver 2: a statement or a submission that is added somewhere has no case yet."""
    for room in sites.ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / file).open("a", encoding="utf-8") as module:
        module.write(f"\n\n{text}\n")
    assert crash_cases.unplayed(tmp_path) == [f"{name}: a commit site without a scene"]


def test_what_daemons_send_is_what_was_found(theatre: Theatre) -> None:
    """Issue 3, deliver 2: every statement on the wire that writes is a known site, and every known
    site was on the wire; what this run has not sent yet is played first.
    """
    found = sites.find_statements(ROOT)
    for site, statement in found.items():
        if not any(_is_sent(statement, *key) for key in theatre.proxy.seen):
            play_cell(theatre, site, Case.CUT)
    stage = theatre.shared()
    life, now = stage.serving(), stage.now_ms()
    assert life.http.webhook(refund_of("nobody"), at_ms=now).status == 202  # what no act does
    assert life.http.load("partners", PARTNERS.replace("1000", "900")).status == 200
    life.kill(signal.SIGTERM)
    functions = sites.schema_functions(ROOT)
    loud = [key for key in theatre.proxy.seen if sites.writes(key[0], functions)]
    strangers = [
        sql for sql, name in loud if not any(_is_sent(x, sql, name) for x in found.values())
    ]
    assert not strangers, "sent by a daemon, and not found in the code"
    unsent = [site for site, x in found.items() if not any(_is_sent(x, *key) for key in loud)]
    assert not unsent, "found in the code, and never sent"


def _is_sent(statement: sites.Statement, sql: str, application: str) -> bool:
    """Whether this is the statement; two of the same text are told apart by their session."""
    session = crash_cases.SESSIONS.get(statement.name, application)
    return session == application and statement.matches(sql)


def test_the_table_is_played(
    theatre: Theatre, request: pytest.FixtureRequest, tell: Callable[[str], None]
) -> None:
    """Issue 3, "Must show": the list of crash points with how each was hit; nothing is left out."""
    tell("crash points hit in this run, by site: " + ", ".join(case.value for case in Case))
    for site, scene in SCENES.items():
        marks = ["-" if x in scene.without else ".X"[(site, x) in theatre.hits] for x in Case]
        tell(f"  {' '.join(marks)}  {site}")
    tell(f"  {len(theatre.hits)} cells; X hit, - cannot happen, . not in this run")
    asked = {item.name for item in request.session.items}
    wanted = {
        (site, case)
        for site, case in crash_cases.cells()
        if f"test_nothing_is_lost_at[{crash_cases.cell_name(site, case)}]" in asked
    }
    assert wanted <= theatre.hits
