-- One call of commit_batch is one batch: group commit in one round trip and one transaction.
-- The arrays of a part have one length; an empty part is skipped. The batch was folded before: no two
-- rows of a part have the same key, since PostgreSQL applies one of two updates of a row in one
-- statement and silently loses the other. Every fence is loud: a missed one would change no row and
-- say nothing. Source: design.md 7.
--
-- SQLSTATEs of our own: CT001 superseded, CT002 a once key was taken before, CT003 a consumed message
-- is gone, CT004 an actor is at another version, CT005 a transfer names a lot its owner does not have.

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
    p_lane smallint, p_epoch bigint, p_batch bigint, p_event_number bigint,
    once_digest bytea[], once_scope text[], once_answer bytea[], once_expires bigint[],
    once_now bigint,
    actor_kind text[], actor_key text[], actor_expected bigint[], actor_version bigint[],
    actor_schema integer[], actor_state bytea[], actor_at bigint[],
    consumed bigint[],
    name_kind text[], name_key text[], name_name text[],
    release_kind text[], release_key text[], release_at bigint[],
    message_id bigint[], message_kind text[], message_key text[], message_sender_kind text[],
    message_sender_key text[], message_payload bytea[], message_class text[], message_due bigint[],
    message_created bigint[], message_name text[], message_attempts text[],
    dead_id bigint[], dead_kind text[], dead_key text[], dead_sender_kind text[],
    dead_sender_key text[], dead_payload bytea[], dead_created bigint[], dead_attempts text[],
    dead_queue text[], dead_code text[], dead_detail text[], dead_at bigint[],
    lot_id text[], lot_owner text[], lot_source text[], lot_tag text[], lot_points bigint[],
    lot_basis bigint[], lot_rate integer[], lot_multiplier integer[], lot_earned bigint[],
    lot_expires bigint[],
    transfer_id bigint[], transfer_set bigint[], transfer_at bigint[], transfer_owner text[],
    transfer_kind text[], transfer_debit text[], transfer_credit text[], transfer_points bigint[],
    transfer_lot text[], transfer_transaction text[], transfer_withdrawal text[],
    transfer_available bigint[], transfer_pending bigint[], transfer_blocked bigint[],
    transfer_shortfall bigint[],
    document_collection text[], document_key text[], document_owner text[], document_body text[],
    document_at bigint[],
    event_number bigint[], event_at bigint[], event_kind text[], event_key text[],
    event_type text[], event_payload bytea[]
) returns void
language plpgsql as $$
#variable_conflict use_column
declare
    epoch0 constant timestamptz := timestamptz 'epoch';
    ms     constant interval    := interval '1 ms';
    done   bigint;
    more   bigint;
begin
    perform comptoir.advance_writer(p_lane, p_epoch, p_batch, p_event_number);

    if cardinality(once_digest) > 0 then
        -- an expired key that the purge has not reached yet may be taken again
        insert into comptoir.once as o (digest, scope, answer, expires_at)
        select u.digest, u.scope, u.answer, u.expires
        from unnest(once_digest, once_scope, once_answer, once_expires)
             as u(digest, scope, answer, expires)
        on conflict (digest) do update
        set scope = excluded.scope, answer = excluded.answer, expires_at = excluded.expires_at
        where o.expires_at <= once_now;
        get diagnostics done = row_count;
        if done <> cardinality(once_digest) then
            raise exception using errcode = 'CT002', message = 'a once key was taken before';
        end if;
    end if;

    if cardinality(actor_kind) > 0 then
        update comptoir.actor a
        set version = u.version, schema = u.schema, state = u.state,
            updated_at = epoch0 + u.at * ms
        from unnest(actor_kind, actor_key, actor_expected, actor_version, actor_schema,
                    actor_state, actor_at)
             as u(kind, key, expected, version, schema, state, at)
        where a.kind = u.kind and a.key = u.key and a.version = u.expected;
        get diagnostics done = row_count;
        if done <> cardinality(actor_kind) then
            insert into comptoir.actor (kind, key, version, schema, state, updated_at)
            select u.kind, u.key, u.version, u.schema, u.state, epoch0 + u.at * ms
            from unnest(actor_kind, actor_key, actor_expected, actor_version, actor_schema,
                        actor_state, actor_at)
                 as u(kind, key, expected, version, schema, state, at)
            where u.expected = 0
            on conflict (kind, key) do nothing;
            get diagnostics more = row_count;
            if done + more <> cardinality(actor_kind) then
                raise exception using errcode = 'CT004', message = 'an actor is at another version';
            end if;
        end if;
    end if;

    if cardinality(consumed) > 0 then
        delete from comptoir.message m using unnest(consumed) as u(id)
        where m.id = u.id and m.class <> 'dead';
        get diagnostics done = row_count;
        if done <> cardinality(consumed) then
            raise exception using errcode = 'CT003', message = 'a consumed message is gone';
        end if;
    end if;

    if cardinality(name_kind) > 0 then
        delete from comptoir.message m
        using unnest(name_kind, name_key, name_name) as u(kind, key, name)
        where m.kind = u.kind and m.key = u.key and m.name = u.name and m.name is not null;
    end if;

    if cardinality(release_kind) > 0 then
        update comptoir.message m set class = 'message', due_at = u.at
        from unnest(release_kind, release_key, release_at) as u(kind, key, at)
        where m.kind = u.kind and m.key = u.key and m.class = 'parked';
    end if;

    if cardinality(message_id) > 0 then
        insert into comptoir.message (id, kind, key, sender_kind, sender_key, payload, class,
                                      due_at, created_at, name, attempts)
        select u.id, u.kind, u.key, u.sender_kind, u.sender_key, u.payload, u.class,
               u.due, u.created, u.name, u.attempts::jsonb
        from unnest(message_id, message_kind, message_key, message_sender_kind,
                    message_sender_key, message_payload, message_class, message_due,
                    message_created, message_name, message_attempts)
             as u(id, kind, key, sender_kind, sender_key, payload, class, due, created, name,
                  attempts);
    end if;

    if cardinality(dead_id) > 0 then
        insert into comptoir.message (id, kind, key, sender_kind, sender_key, payload, class,
                                      created_at, attempts, queue, code, detail, died_at)
        select u.id, u.kind, u.key, u.sender_kind, u.sender_key, u.payload, 'dead',
               u.created, u.attempts::jsonb, u.queue, u.code, u.detail, u.at
        from unnest(dead_id, dead_kind, dead_key, dead_sender_kind, dead_sender_key,
                    dead_payload, dead_created, dead_attempts, dead_queue, dead_code, dead_detail,
                    dead_at)
             as u(id, kind, key, sender_kind, sender_key, payload, created, attempts, queue,
                  code, detail, at);
    end if;

    if cardinality(lot_id) > 0 then
        insert into comptoir.lot (id, owner, source, tag, points, basis_cents, rate_bp,
                                  multiplier_bp, earned_at, expires_at)
        select u.id, u.owner, u.source, u.tag, u.points, u.basis, u.rate, u.multiplier,
               epoch0 + u.earned * ms, epoch0 + u.expires * ms
        from unnest(lot_id, lot_owner, lot_source, lot_tag, lot_points, lot_basis, lot_rate,
                    lot_multiplier, lot_earned, lot_expires)
             as u(id, owner, source, tag, points, basis, rate, multiplier, earned, expires);
    end if;

    if cardinality(transfer_id) > 0 then
        insert into comptoir.transfer (entry_id, set_id, at, owner, kind, debit, credit, points,
                                       lot_id, transaction_id, withdrawal_id, after_available,
                                       after_pending, after_blocked, after_shortfall)
        select u.id, u.set_id, epoch0 + u.at * ms, u.owner, u.kind, u.debit, u.credit, u.points,
               u.lot, u.transaction, u.withdrawal, u.available, u.pending, u.blocked, u.shortfall
        from unnest(transfer_id, transfer_set, transfer_at, transfer_owner, transfer_kind,
                    transfer_debit, transfer_credit, transfer_points, transfer_lot,
                    transfer_transaction, transfer_withdrawal, transfer_available,
                    transfer_pending, transfer_blocked, transfer_shortfall)
             as u(id, set_id, at, owner, kind, debit, credit, points, lot, transaction,
                  withdrawal, available, pending, blocked, shortfall);
    end if;

    if cardinality(document_collection) > 0 then
        insert into comptoir.document as d (collection, key, owner, body, updated_at)
        select u.collection, u.key, u.owner, u.body::jsonb, epoch0 + u.at * ms
        from unnest(document_collection, document_key, document_owner, document_body,
                    document_at) as u(collection, key, owner, body, at)
        on conflict (collection, key) do update
        set body = d.body || excluded.body, updated_at = excluded.updated_at,
            owner = case when excluded.owner = '' then d.owner else excluded.owner end;
    end if;

    if cardinality(event_number) > 0 then
        insert into comptoir.event (number, at, kind, key, type, payload)
        select u.number, epoch0 + u.at * ms, u.kind, u.key, u.type, u.payload
        from unnest(event_number, event_at, event_kind, event_key, event_type, event_payload)
             as u(number, at, kind, key, type, payload);
    end if;
end $$;

-- Dead letters become due messages again, under new ids and the writer's fence.
create function comptoir.replay_dead(
    p_lane smallint, p_epoch bigint, p_batch bigint, p_event_number bigint,
    old_id bigint[], new_id bigint[], new_payload bytea[], new_attempts text[], p_now bigint
) returns void
language plpgsql as $$
declare
    done bigint;
begin
    perform comptoir.advance_writer(p_lane, p_epoch, p_batch, p_event_number);
    update comptoir.message m
    set id = u.fresh, payload = u.payload, attempts = u.attempts::jsonb, class = 'message',
        due_at = p_now, queue = null, code = null, detail = null, died_at = null
    from unnest(old_id, new_id, new_payload, new_attempts) as u(id, fresh, payload, attempts)
    where m.id = u.id and m.class = 'dead';
    get diagnostics done = row_count;
    if done <> cardinality(old_id) then
        raise exception using errcode = 'CT003', message = 'a dead letter is gone';
    end if;
end $$;
