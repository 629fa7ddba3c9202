-- What a credit costs in the database, without giving up what the database holds it to.
-- Measured on a loaded machine: an insert of one transfer cost 640 to 770 us, and 257 us without CHECKs and
-- generated columns. PostgreSQL reads their text anew for each statement; of a domain, and of a statement
-- in a function, it keeps what it has read. And an index costs about as much as the row it points to.
-- Source: design.md 7, 10; PostgreSQL 18 manual, 5.5 (constraints), 8.18 (domain types).

-- 1. Rules of one column are domains; rules of a row are in the trigger, which alone may write.

create domain comptoir.transfer_kind as text collate "C" constraint transfer_kind
    check (value in ('credit', 'release', 'clawback', 'expiry', 'hold', 'hold_released', 'payout',
                     'adjustment'));
create domain comptoir.points_moved as bigint constraint transfer_points check (value > 0);
create domain comptoir.points_after as bigint constraint transfer_after check (value >= 0);
create domain comptoir.lot_points as bigint constraint lot_points check (value > 0);
create domain comptoir.lot_cents as bigint constraint lot_basis_cents check (value >= 0);
create domain comptoir.lot_rate as integer constraint lot_rate_bp check (value >= 0);
create domain comptoir.lot_multiplier as integer constraint lot_multiplier_bp check (value >= 0);

drop view report.entry;
drop view report.posting;
drop view report.lot;
drop view report.wallet;

alter table comptoir.transfer
    drop constraint transfer_points,
    drop constraint transfer_two_accounts,
    drop constraint transfer_kind,
    drop constraint transfer_owner_takes_part,
    drop constraint transfer_after_available_check,
    drop constraint transfer_after_pending_check,
    drop constraint transfer_after_blocked_check,
    drop constraint transfer_after_shortfall_check,
    alter column kind type comptoir.transfer_kind,
    alter column points type comptoir.points_moved,
    alter column after_available type comptoir.points_after,
    alter column after_pending type comptoir.points_after,
    alter column after_blocked type comptoir.points_after,
    alter column after_shortfall type comptoir.points_after,
    -- One index instead of two: an entry is read as one of its owner's.
    drop constraint transfer_pkey,
    add primary key (owner, entry_id);
drop index comptoir.transfer_owner;

alter table comptoir.lot
    drop constraint lot_points_check,
    drop constraint lot_basis_cents_check,
    drop constraint lot_rate_bp_check,
    drop constraint lot_multiplier_bp_check,
    drop constraint lot_remaining,
    alter column points type comptoir.lot_points,
    alter column basis_cents type comptoir.lot_cents,
    alter column rate_bp type comptoir.lot_rate,
    alter column multiplier_bp type comptoir.lot_multiplier;
drop index comptoir.lot_source; -- a purchase's document names its lot

alter table comptoir.balance
    drop constraint balance_book,
    drop constraint balance_not_negative,
    drop constraint balance_shortfall_not_positive,
    alter column book drop expression,
    alter column owner drop expression;

drop index comptoir.document_owner; -- nothing looks documents up by their owner

-- 2. The same trigger: only it moves lots and balances, by deltas, whatever is inserted into transfer.

create function comptoir.refuse(p_constraint text, p_text text) returns void
language plpgsql as $$
begin
    raise exception using errcode = 'check_violation', constraint = p_constraint, message = p_text;
end $$;

create or replace function comptoir.post_transfers() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    fault    text;
    takes    boolean;
    accounts text[];
    changes  bigint[];
    named    bigint;
    moved    bigint;
begin
    select case when substr(debit, strpos(debit, ':') + 1) <> owner
                     and substr(credit, strpos(credit, ':') + 1) <> owner
                then 'transfer_owner_takes_part' else 'transfer_two_accounts' end
    from posted
    where debit = credit or (substr(debit, strpos(debit, ':') + 1) <> owner
                             and substr(credit, strpos(credit, ':') + 1) <> owner)
    limit 1 into fault;
    if fault is not null then
        perform comptoir.refuse(fault, 'a transfer is between two accounts, one of them its owner''s');
    end if;

    -- A decision in the middle of a batch may not dip below zero either. Only where something is
    -- taken away can a dip be hidden by a later gain.
    select bool_or(starts_with(debit, 'available:') or starts_with(debit, 'pending:')
                   or starts_with(debit, 'blocked:') or starts_with(credit, 'shortfall:'))
    from posted into takes;
    if takes then
        perform comptoir.check_each_set(array(select row(p.*)::comptoir.transfer from posted p));
    end if;

    with change as (
        select lot_id, owner,
               sum(case when credit in ('available:' || owner, 'pending:' || owner)
                        then points else 0 end
                 - case when debit in ('available:' || owner, 'pending:' || owner)
                        then points else 0 end)::bigint as points
        from posted where lot_id is not null
        group by lot_id, owner
    ), lots as (
        update comptoir.lot l
        set remaining = l.remaining + case when l.owner = c.owner then c.points else 0 end
        -- by id alone: with the owner in the condition a plan may walk all lots of the owner
        from change c where l.id = c.lot_id
        returning l.owner = c.owner as own, l.remaining between 0 and l.points as sound
    )
    select (select count(*) from change), count(*) filter (where own), min(
        case when not sound then 'lot_remaining' end) from lots
    into named, moved, fault;
    if fault is not null then
        perform comptoir.refuse(fault, 'a lot dips below zero or rises above its points');
    end if;
    if named <> moved then
        raise exception using errcode = 'CT005', constraint = 'transfer_lot_of_owner',
            message = 'a transfer names a lot that its owner does not have';
    end if;

    select array_agg(account order by account), array_agg(points order by account)
    from (select account, sum(points)::bigint as points
          from (select credit as account, points from posted
                union all
                select debit, -points from posted) side
          group by account) change
    into accounts, changes;
    with books as (
        update comptoir.balance b set points = b.points + c.points
        from unnest(accounts, changes) as c(account, points)
        where b.account = c.account collate "C"
        returning b.book, b.points
    )
    select count(*), min(comptoir.fault_of_balance(book, points)) from books into moved, fault;
    if fault is null and moved < cardinality(accounts) then
        with books as (
            insert into comptoir.balance (account, points, book, owner)
            select c.account, c.points, split_part(c.account, ':', 1),
                   substr(c.account, strpos(c.account, ':') + 1)
            from unnest(accounts, changes) as c(account, points)
            where not exists (
                select from comptoir.balance b where b.account = c.account collate "C")
            order by c.account collate "C"
            returning book, points
        )
        select min(comptoir.fault_of_balance(book, points)) from books into fault;
    end if;
    if fault is not null then
        perform comptoir.refuse(fault, 'a balance crosses zero, or its book is not one of ours');
    end if;
    return null;
end $$;

create function comptoir.fault_of_balance(p_book text, p_points bigint) returns text
language sql immutable parallel safe
return case
    when p_book not in ('available', 'pending', 'blocked', 'shortfall', 'issued', 'paid', 'expired')
        then 'balance_book'
    when p_book in ('available', 'pending', 'blocked') and p_points < 0 then 'balance_not_negative'
    when p_book = 'shortfall' and p_points > 0 then 'balance_shortfall_not_positive'
end;
revoke all on function comptoir.refuse(text, text), comptoir.fault_of_balance(text, bigint) from public;

-- 3. The leaves of the audit log: SHA-256 over each event (storage/leaves.py), kept for ever, whatever
-- becomes of the events' own partitions. One row for each batch, since the leaves of a batch are
-- dense; a row for each event would cost an index entry each.

create table comptoir.leaf (
    first  bigint primary key check (first > 0), -- number of the first event
    hashes bytea not null check (octet_length(hashes) > 0 and octet_length(hashes) % 32 = 0)
);
alter table comptoir.leaf alter column hashes set storage external; -- hashes never compress

drop function comptoir.commit_batch(smallint, bigint, bigint, bigint, comptoir.once_row[], bigint,
    comptoir.actor_row[], bigint[], comptoir.name_row[], comptoir.release_row[],
    comptoir.message_row[], comptoir.dead_row[], comptoir.lot_row[], comptoir.transfer_row[],
    comptoir.document_row[], comptoir.event_row[]);
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
    p_events       comptoir.event_row[],
    p_leaves       bytea
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
        insert into comptoir.leaf (first, hashes)
        values (p_event_number - cardinality(p_events) + 1, p_leaves);
    end if;
end $$;

-- 4. What auditors read, as before.

create view report.wallet as
select owner as user_id,
       coalesce(sum(points) filter (where book = 'available'), 0)::bigint as available,
       coalesce(sum(points) filter (where book = 'pending'), 0)::bigint   as pending,
       coalesce(sum(points) filter (where book = 'blocked'), 0)::bigint   as blocked,
       -coalesce(sum(points) filter (where book = 'shortfall'), 0)::bigint as shortfall
from comptoir.balance
where book in ('available', 'pending', 'blocked', 'shortfall')
group by owner;

create view report.entry as
select entry_id, owner as user_id, kind::text,
       case when split_part(credit, ':', 1) in ('available', 'pending') then points else -points end
           as points,
       lot_id, transaction_id, withdrawal_id, at
from comptoir.transfer;

create view report.lot as
select id as lot_id, owner as user_id, source as transaction_id, points::bigint, remaining, earned_at,
       expires_at
from comptoir.lot;

create view report.posting as
select set_id, credit as account, points::bigint from comptoir.transfer
union all
select set_id, debit, -points from comptoir.transfer;
