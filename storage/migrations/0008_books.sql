-- The books can be read by months, withdrawals and lots; and the daemon's role writes them by one door only.
-- Source: engine/books.py; docs/adr/0041-the-books-have-one-door.md; ADR 0014.

-- 1. What leads from withdrawals and lots to their transfers. Partial, so that a credit (and the release that
-- ends its hold) has no entry in either: for it they cost the comparison that says so.

create index transfer_withdrawal on comptoir.transfer (withdrawal_id) where withdrawal_id is not null;
create index transfer_lot on comptoir.transfer (lot_id) where kind not in ('credit', 'release');

-- 2. The door. Functions that advance `writer` run as the owner, so that the daemon's role needs no right of its
-- own to insert into the books, nor to change who may write (storage/roles.py takes them away): whoever has
-- that role and forges an entry has to take the place of the next batch, which the daemon finds out.
-- Nothing more is executed for a batch than before: the fence has two conditions more, and two inserts count.

alter table comptoir.writer add column entry_id bigint not null default 0;
comment on column comptoir.writer.entry_id is 'The greatest id of an entry: the next is greater';
update comptoir.writer set entry_id = (select coalesce(max(entry_id), 0) from comptoir.transfer);

alter function comptoir.advance_writer(smallint, bigint, bigint, bigint)
    security definer set search_path = pg_catalog, pg_temp;

create function comptoir.raise_epoch(
    p_lane smallint, out epoch bigint, out batch bigint, out event_number bigint)
language sql security definer set search_path = pg_catalog, pg_temp as $$
    update comptoir.writer w set epoch = w.epoch + 1, raised_at = now() where w.lane = p_lane
    returning w.epoch, w.batch, w.event_number
$$;

create or replace function comptoir.commit_batch(
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
    p_events       comptoir.event_row[],
    p_leaves       bytea
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    epoch0 constant timestamptz := timestamptz 'epoch';
    ms     constant interval    := interval '1 ms';
    done   bigint;
    more   bigint;
begin
    -- As advance_writer, and in the same breath: entries and events come after all that there are.
    update comptoir.writer
    set batch = p_batch, event_number = p_event_number,
        entry_id = greatest(entry_id, (p_transfers[cardinality(p_transfers)]).entry_id)
    where lane = p_lane and epoch = p_epoch and batch = p_batch - 1
      and event_number = p_event_number - cardinality(p_events)
      and (cardinality(p_transfers) = 0 or entry_id < (p_transfers[1]).entry_id);
    if not found then
        if exists (select from comptoir.writer w
                   where w.lane = p_lane and (w.epoch, w.batch + 1) = (p_epoch, p_batch)) then
            perform comptoir.refuse('books_in_order', 'an entry or an event is not after the last one');
        end if;
        raise exception using errcode = 'CT001', message = 'this writer was superseded';
    end if;

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
        from unnest(p_transfers) as u
        where u.entry_id between (p_transfers[1]).entry_id
                             and (p_transfers[cardinality(p_transfers)]).entry_id;
        get diagnostics done = row_count;
        if done <> cardinality(p_transfers) then
            perform comptoir.refuse('books_in_order', 'entries of a batch are not in their order');
        end if;
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
        from unnest(p_events) with ordinality as u(number, at, kind, key, type, payload, place)
        where u.number = p_event_number - cardinality(p_events) + u.place;
        get diagnostics done = row_count;
        if done <> cardinality(p_events) or octet_length(p_leaves) <> 32 * cardinality(p_events) then
            perform comptoir.refuse('books_in_order', 'events of a batch, or their leaves, are not dense');
        end if;
        insert into comptoir.leaf (first, hashes)
        values (p_event_number - cardinality(p_events) + 1, p_leaves);
    end if;
end $$;
