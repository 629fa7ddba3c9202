-- One call of commit_batch is one batch: group commit in one round trip and one transaction.
-- Each part is one array of rows; an empty part is skipped. The batch was folded before: no two rows
-- of a part have the same key, since PostgreSQL applies one of two updates of a row in one statement
-- and silently loses the other. Every fence is loud: a missed one would change no row and say
-- nothing. Arrays of rows, not one array for each column: measured, half the cost on both sides.
-- Source: design.md 7.
--
-- SQLSTATEs of our own: CT001 superseded, CT002 a once key was taken before, CT003 a consumed message
-- is gone, CT004 an actor is at another version, CT005 a transfer names a lot its owner does not have.

create type comptoir.once_row as (digest bytea, scope text, answer bytea, expires_at bigint);
create type comptoir.actor_row as (
    kind text, key text, expected bigint, version bigint, schema integer, state bytea, at bigint);
create type comptoir.name_row as (kind text, key text, name text);
create type comptoir.release_row as (kind text, key text, at bigint);
create type comptoir.message_row as (
    id bigint, kind text, key text, sender_kind text, sender_key text, payload bytea, class text,
    due_at bigint, created_at bigint, name text, attempts text);
create type comptoir.dead_row as (
    id bigint, kind text, key text, sender_kind text, sender_key text, payload bytea,
    created_at bigint, attempts text, queue text, code text, detail text, died_at bigint);
create type comptoir.lot_row as (
    id text, owner text, source text, tag text, points bigint, basis_cents bigint, rate_bp integer,
    multiplier_bp integer, earned_at bigint, expires_at bigint);
create type comptoir.transfer_row as (
    entry_id bigint, set_id bigint, at bigint, owner text, kind text, debit text, credit text,
    points bigint, lot_id text, transaction_id text, withdrawal_id text, after_available bigint,
    after_pending bigint, after_blocked bigint, after_shortfall bigint);
create type comptoir.document_row as (
    collection text, key text, owner text, body text, at bigint);
create type comptoir.event_row as (
    number bigint, at bigint, kind text, key text, type text, payload bytea);
create type comptoir.replay_row as (id bigint, fresh bigint, payload bytea, attempts text);

create function comptoir.advance_writer(
    p_lane smallint, p_epoch bigint, p_batch bigint, p_event_number bigint) returns void
language plpgsql as $$
begin
    update comptoir.writer set batch = p_batch, event_number = p_event_number
    where lane = p_lane and epoch = p_epoch and batch = p_batch - 1
      and event_number <= p_event_number;
    if not found then
        raise exception using errcode = 'CT001', message = 'this writer was superseded';
    end if;
end $$;

create function comptoir.commit_batch(
    p_lane         smallint,
    p_epoch        bigint,
    p_batch        bigint,
    p_event_number bigint,
    p_once         comptoir.once_row[],
    p_once_now     bigint,
    p_actors       comptoir.actor_row[],
    p_consumed     bigint[],
    p_names        comptoir.name_row[],
    p_releases     comptoir.release_row[],
    p_messages     comptoir.message_row[],
    p_dead         comptoir.dead_row[],
    p_lots         comptoir.lot_row[],
    p_transfers    comptoir.transfer_row[],
    p_documents    comptoir.document_row[],
    p_events       comptoir.event_row[]
) returns void
language plpgsql as $$
declare
    epoch0 constant timestamptz := timestamptz 'epoch';
    ms     constant interval    := interval '1 ms';
    done   bigint;
    more   bigint;
begin
    perform comptoir.advance_writer(p_lane, p_epoch, p_batch, p_event_number);

    if cardinality(p_once) > 0 then
        -- an expired key that the purge has not reached yet may be taken again
        insert into comptoir.once as o (digest, scope, answer, expires_at)
        select u.digest, u.scope, u.answer, u.expires_at from unnest(p_once) as u
        on conflict (digest) do update
        set scope = excluded.scope, answer = excluded.answer, expires_at = excluded.expires_at
        where o.expires_at <= p_once_now;
        get diagnostics done = row_count;
        if done <> cardinality(p_once) then
            raise exception using errcode = 'CT002', message = 'a once key was taken before';
        end if;
    end if;

    if cardinality(p_actors) > 0 then
        update comptoir.actor a
        set version = u.version, schema = u.schema, state = u.state,
            updated_at = epoch0 + u.at * ms
        from unnest(p_actors) as u
        where a.kind = u.kind and a.key = u.key and a.version = u.expected;
        get diagnostics done = row_count;
        if done <> cardinality(p_actors) then
            insert into comptoir.actor (kind, key, version, schema, state, updated_at)
            select u.kind, u.key, u.version, u.schema, u.state, epoch0 + u.at * ms
            from unnest(p_actors) as u where u.expected = 0
            on conflict (kind, key) do nothing;
            get diagnostics more = row_count;
            if done + more <> cardinality(p_actors) then
                raise exception using errcode = 'CT004', message = 'an actor is at another version';
            end if;
        end if;
    end if;

    if cardinality(p_consumed) > 0 then
        delete from comptoir.message m using unnest(p_consumed) as u(id)
        where m.id = u.id and m.class <> 'dead';
        get diagnostics done = row_count;
        if done <> cardinality(p_consumed) then
            raise exception using errcode = 'CT003', message = 'a consumed message is gone';
        end if;
    end if;

    if cardinality(p_names) > 0 then
        delete from comptoir.message m using unnest(p_names) as u
        where m.kind = u.kind and m.key = u.key and m.name = u.name and m.name is not null;
    end if;

    if cardinality(p_releases) > 0 then
        update comptoir.message m set class = 'message', due_at = u.at
        from unnest(p_releases) as u
        where m.kind = u.kind and m.key = u.key and m.class = 'parked';
    end if;

    if cardinality(p_messages) > 0 then
        insert into comptoir.message (id, kind, key, sender_kind, sender_key, payload, class,
                                      due_at, created_at, name, attempts)
        select u.id, u.kind, u.key, u.sender_kind, u.sender_key, u.payload, u.class, u.due_at,
               u.created_at, u.name, u.attempts::jsonb
        from unnest(p_messages) as u;
    end if;

    if cardinality(p_dead) > 0 then
        insert into comptoir.message (id, kind, key, sender_kind, sender_key, payload, class,
                                      created_at, attempts, queue, code, detail, died_at)
        select u.id, u.kind, u.key, u.sender_kind, u.sender_key, u.payload, 'dead', u.created_at,
               u.attempts::jsonb, u.queue, u.code, u.detail, u.died_at
        from unnest(p_dead) as u;
    end if;

    if cardinality(p_lots) > 0 then
        insert into comptoir.lot (id, owner, source, tag, points, basis_cents, rate_bp,
                                  multiplier_bp, earned_at, expires_at)
        select u.id, u.owner, u.source, u.tag, u.points, u.basis_cents, u.rate_bp,
               u.multiplier_bp, epoch0 + u.earned_at * ms, epoch0 + u.expires_at * ms
        from unnest(p_lots) as u;
    end if;

    if cardinality(p_transfers) > 0 then
        insert into comptoir.transfer (entry_id, set_id, at, owner, kind, debit, credit, points,
                                       lot_id, transaction_id, withdrawal_id, after_available,
                                       after_pending, after_blocked, after_shortfall)
        select u.entry_id, u.set_id, epoch0 + u.at * ms, u.owner, u.kind, u.debit, u.credit,
               u.points, u.lot_id, u.transaction_id, u.withdrawal_id, u.after_available,
               u.after_pending, u.after_blocked, u.after_shortfall
        from unnest(p_transfers) as u;
    end if;

    if cardinality(p_documents) > 0 then
        insert into comptoir.document as d (collection, key, owner, body, updated_at)
        select u.collection, u.key, u.owner, u.body::jsonb, epoch0 + u.at * ms
        from unnest(p_documents) as u
        on conflict (collection, key) do update
        set body = d.body || excluded.body, updated_at = excluded.updated_at,
            owner = case when excluded.owner = '' then d.owner else excluded.owner end;
    end if;

    if cardinality(p_events) > 0 then
        insert into comptoir.event (number, at, kind, key, type, payload)
        select u.number, epoch0 + u.at * ms, u.kind, u.key, u.type, u.payload
        from unnest(p_events) as u;
    end if;
end $$;

-- Dead letters become due messages again, under new ids and the writer's fence.
create function comptoir.replay_dead(
    p_lane         smallint,
    p_epoch        bigint,
    p_batch        bigint,
    p_event_number bigint,
    p_rows         comptoir.replay_row[],
    p_now          bigint
) returns void
language plpgsql as $$
declare
    done bigint;
begin
    perform comptoir.advance_writer(p_lane, p_epoch, p_batch, p_event_number);
    update comptoir.message m
    set id = u.fresh, payload = u.payload, attempts = u.attempts::jsonb, class = 'message',
        due_at = p_now, queue = null, code = null, detail = null, died_at = null
    from unnest(p_rows) as u
    where m.id = u.id and m.class = 'dead';
    get diagnostics done = row_count;
    if done <> cardinality(p_rows) then
        raise exception using errcode = 'CT003', message = 'a dead letter is gone';
    end if;
end $$;
