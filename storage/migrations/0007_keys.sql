-- Keys change while the daemon works: rows are sealed anew, and `once` rows move to new digests, page
-- by page, each page as one batch under the writer's fence. Events are never sealed anew: their leaves
-- cover them as they are stored. Source: design.md 7; docs/keys.md.

-- A digest of a later generation is one byte longer: the generation, then the digest.
alter table comptoir.once drop constraint once_digest_check;
alter table comptoir.once add constraint once_digest_check
    check (octet_length(digest) in (16, 17)) not valid; -- those that are there have 16

create type comptoir.actor_seal as (kind text, key text, version bigint, state bytea);
create type comptoir.message_seal as (id bigint, payload bytea);
create type comptoir.once_seal as (digest bytea, answer bytea);
create type comptoir.once_move as (digest bytea, moved bytea, answer bytea);

create function comptoir.reseal(
    p_lane         smallint,
    p_epoch        bigint,
    p_batch        bigint,
    p_event_number bigint,
    p_actors       comptoir.actor_seal[],
    p_messages     comptoir.message_seal[],
    p_once         comptoir.once_seal[]
) returns void
language plpgsql as $$
declare
    done bigint;
begin
    perform comptoir.advance_writer(p_lane, p_epoch, p_batch, p_event_number);
    update comptoir.actor a set state = u.state from unnest(p_actors) as u
    where a.kind = u.kind and a.key = u.key and a.version = u.version;
    get diagnostics done = row_count;
    if done <> cardinality(p_actors) then
        raise exception using errcode = 'CT004', message = 'an actor is at another version';
    end if;
    update comptoir.message m set payload = u.payload from unnest(p_messages) as u
    where m.id = u.id;
    get diagnostics done = row_count;
    if done <> cardinality(p_messages) then
        raise exception using errcode = 'CT003', message = 'a message is gone';
    end if;
    update comptoir.once o set answer = u.answer from unnest(p_once) as u
    where o.digest = u.digest;
    get diagnostics done = row_count;
    if done <> cardinality(p_once) then
        raise exception using errcode = 'CT003', message = 'a once key is gone';
    end if;
end $$;

-- The rows and the note of how far they have moved are one transaction: no digest is ever looked for
-- where its row is not.
create function comptoir.move_once(
    p_lane         smallint,
    p_epoch        bigint,
    p_batch        bigint,
    p_event_number bigint,
    p_rows         comptoir.once_move[],
    p_setting      text,
    p_value        text
) returns void
language plpgsql as $$
declare
    done bigint;
begin
    perform comptoir.advance_writer(p_lane, p_epoch, p_batch, p_event_number);
    update comptoir.once o set digest = u.moved, answer = u.answer from unnest(p_rows) as u
    where o.digest = u.digest;
    get diagnostics done = row_count;
    if done <> cardinality(p_rows) then
        raise exception using errcode = 'CT003', message = 'a once key is gone';
    end if;
    insert into comptoir.setting (name, value) values (p_setting, p_value)
    on conflict (name) do update set value = excluded.value;
end $$;
