-- Who writes, what every actor knows, what still has to happen, what may happen only once.
-- Times in message and once are business time in ms since 1970: only the daemon reads them, and an
-- integer needs no conversion on the hottest statements. Everything else holds timestamptz.
-- Source: design.md 2, 3, 7.

create table comptoir.writer (
    lane         smallint    primary key,
    epoch        bigint      not null check (epoch between 0 and 8388607), -- 23 bits of a message id
    batch        bigint      not null check (batch >= 0),
    event_number bigint      not null check (event_number >= 0),
    raised_at    timestamptz not null default now()
) with (fillfactor = 10); -- one row, updated by every batch: leave room to do it in place
comment on table comptoir.writer is 'One writer: a batch advances batch from n-1 under its own epoch';
insert into comptoir.writer (lane, epoch, batch, event_number) values (0, 0, 0, 0);

create table comptoir.actor (
    kind       text collate "C" not null,
    key        text collate "C" not null,
    version    bigint      not null check (version > 0),
    schema     integer     not null,
    state      bytea       not null, -- sealed
    updated_at timestamptz not null,
    primary key (kind, key)
) with (fillfactor = 70);
alter table comptoir.actor alter column state set storage external; -- sealed bytes never compress

create table comptoir.message (
    id          bigint primary key, -- epoch << 40 | counter: the order of ids is the order of commits
    kind        text collate "C" not null,
    key         text collate "C" not null,
    sender_kind text collate "C" not null,
    sender_key  text collate "C" not null,
    payload     bytea  not null, -- sealed
    class       text   not null check (class in ('message', 'timer', 'parked', 'dead')),
    due_at      bigint, -- null: never by itself (parked, dead)
    created_at  bigint not null,
    name        text collate "C",
    attempts    jsonb, -- null: none
    queue       text collate "C",
    code        text,
    detail      text,
    died_at     bigint,
    constraint message_due check (due_at is not null or class in ('parked', 'dead')),
    constraint message_dead check ((class = 'dead') = (queue is not null and died_at is not null)),
    constraint message_dead_unnamed check (class <> 'dead' or name is null)
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
alter table comptoir.message alter column payload set storage external;
comment on table comptoir.message is 'Everything that still has to happen, and what could not';
create unique index message_name on comptoir.message (kind, key, name) where name is not null;
create index message_ready on comptoir.message (kind, key, id) where class = 'message';
create index message_waiting on comptoir.message (kind, key, due_at)
    where class in ('timer', 'parked');
create index message_timer on comptoir.message (due_at, id) where class in ('timer', 'parked');
create index message_dead_letter on comptoir.message (queue, id) where class = 'dead';

create table comptoir.once (
    digest     bytea  primary key check (octet_length(digest) = 16), -- HMAC of scope and key
    scope      text   not null,
    answer     bytea  not null, -- sealed; empty: the first one was answered nothing
    expires_at bigint not null
);
alter table comptoir.once alter column answer set storage external;
create index once_expiry on comptoir.once (expires_at);

create table comptoir.document (
    collection text collate "C" not null,
    key        text collate "C" not null,
    owner      text collate "C" not null,
    body       jsonb       not null check (jsonb_typeof(body) = 'object'),
    updated_at timestamptz not null,
    primary key (collection, key)
) with (fillfactor = 80);
create index document_owner on comptoir.document (collection, owner, key);

create table comptoir.setting (
    name  text collate "C" primary key,
    value text not null
);
comment on table comptoir.setting is 'What outlives a restart and is no configuration: the clock';
