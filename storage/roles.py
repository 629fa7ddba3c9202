"""The two roles of a database: who reads reports, and as whom the daemon works.

The rule: `comptoir_daemon` owns nothing, reads the journal and the ledger, and writes them by `commit_batch`
alone (docs/adr/0041). Its own working state (actors, messages, keys, documents) it may change as it likes.
Roles belong to the whole cluster: several databases make them at once, so every step is tolerant of
having been done by another, and a login that may not create roles goes on without (and says so).
Source: design.md 7; interface.md 5.
"""

# ruff: noqa: S608  # statements are put together from constants of this module only

from typing import Final
from urllib.parse import urlsplit

from comptoir.storage.bridge import Connection

__all__ = ["ROLE_DAEMON", "ROLE_READER", "come_in_as", "prepare_roles"]

ROLE_DAEMON: Final = "comptoir_daemon"
ROLE_READER: Final = "comptoir_reader"

MAY_SET: Final = """
    case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end"""
"""The privilege that `set role` asks for: from PostgreSQL 16 on, whoever makes a role is a member of
it that may grant it, and yet may not take it on."""

CREATE_ROLES: Final = f"""
do $$
declare
    wanted text;
begin
    foreach wanted in array array['{ROLE_DAEMON}', '{ROLE_READER}'] loop
        if not exists (select from pg_catalog.pg_roles where rolname = wanted) then
            begin
                execute format('create role %I nologin', wanted);
            exception
                when duplicate_object or unique_violation then null; -- another database was faster
                when insufficient_privilege then null; -- reported by the caller
            end;
        end if;
    end loop;
    if exists (select from pg_catalog.pg_roles where rolname = '{ROLE_DAEMON}')
       and not pg_catalog.pg_has_role(session_user, '{ROLE_DAEMON}', {MAY_SET}) then
        begin
            execute format('grant {ROLE_DAEMON} to %I', session_user);
        exception
            when insufficient_privilege then null;
            when unique_violation or internal_error then null; -- another database was faster
        end;
    end if;
end $$;
"""

GRANT_DAEMON: Final = f"""
revoke all on all functions in schema comptoir from public;
grant usage on schema comptoir to {ROLE_DAEMON};
revoke insert, update on comptoir.writer, comptoir.event, comptoir.transfer, comptoir.leaf, comptoir.lot
    from {ROLE_DAEMON};
grant select, update (raised_at) on comptoir.writer to {ROLE_DAEMON}; -- what `for update` asks for
grant select, insert, update, delete
    on comptoir.actor, comptoir.message, comptoir.once, comptoir.document, comptoir.setting
    to {ROLE_DAEMON};
grant select on comptoir.event, comptoir.event_default, comptoir.leaf, comptoir.transfer, comptoir.lot,
    comptoir.balance, comptoir.schema_migration to {ROLE_DAEMON};
grant execute on all functions in schema comptoir to {ROLE_DAEMON};
revoke execute on function comptoir.post_transfers(), comptoir.check_each_set(comptoir.transfer[]),
    comptoir.refuse(text, text), comptoir.fault_of_balance(text, bigint) from {ROLE_DAEMON};
"""

GRANT_READER: Final = f"""
grant usage on schema report to {ROLE_READER};
grant select on all tables in schema report to {ROLE_READER};
"""

# Of the newest rights: a start that died between the migration and the grants is caught up with.
# By oid, not by name: a login without rights on a schema may not even name what is in it.
READ_ROLES: Final = f"""
with relation as (
    select c.oid, c.relowner, n.nspname || '.' || c.relname as name
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where (n.nspname, c.relname) in (('comptoir', 'leaf'), ('report', 'posting'))
)
select r.rolname, has_table_privilege(r.oid, relation.oid, 'select')
           and not has_table_privilege(r.oid, relation.oid, 'insert'),
       pg_has_role(session_user, r.oid, 'member'),
       pg_has_role(current_user, relation.relowner, 'usage')
from pg_catalog.pg_roles r
join relation on relation.name =
     case r.rolname when '{ROLE_DAEMON}' then 'comptoir.leaf' else 'report.posting' end
where r.rolname in ('{ROLE_DAEMON}', '{ROLE_READER}')
"""


async def prepare_roles(connection: Connection, *, changed: bool) -> str | None:
    """Make the roles and grant them their rights, where they are missing.

    Args:
        connection: a session of the owner, or of a member of the daemon's role.
        changed: the schema was just migrated: what is new in it is granted as well.

    Returns: the role that the daemon's sessions take on; None if the login may not.
    """
    await connection.run_script(CREATE_ROLES)
    usable = None
    for role, granted, member, owner in await connection.fetch(READ_ROLES):
        is_daemon = role == ROLE_DAEMON
        if owner and (changed or not granted):
            await connection.run_script(GRANT_DAEMON if is_daemon else GRANT_READER)
        if is_daemon and member and (granted or owner):
            usable = ROLE_DAEMON
    return usable


def come_in_as(url: str, role: str) -> str:
    """The same place for another login, which needs no password there."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{role}@{parts.netloc.rpartition('@')[2]}").geturl()
