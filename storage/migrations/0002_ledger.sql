-- The points ledger: double entry, one row per transfer, zero by construction.
-- A lot is inserted with remaining = 0 and nobody may write that column: only the trigger on
-- transfer changes lots and balances, by deltas, never by a sum over all lots. So a credit costs the
-- same whether a wallet has ten lots or ten thousand, and no lot moves without a transfer.
-- Source: design.md 7; spec.md S47, E7.

create table comptoir.lot (
    id            text collate "C" primary key,
    owner         text collate "C" not null,
    source        text collate "C" not null,
    tag           text collate "C" not null,
    points        bigint      not null check (points > 0),
    remaining     bigint      not null default 0,
    basis_cents   bigint      not null check (basis_cents >= 0),
    rate_bp       integer     not null check (rate_bp >= 0),
    multiplier_bp integer     not null check (multiplier_bp >= 0),
    earned_at     timestamptz not null,
    expires_at    timestamptz,
    constraint lot_remaining check (remaining between 0 and points)
) with (fillfactor = 45); -- each row is written twice at once: in place, since remaining is in no index
create index lot_fifo on comptoir.lot (owner, earned_at, id);
create index lot_source on comptoir.lot (owner, source);
create index lot_tag on comptoir.lot (owner, tag);

create table comptoir.transfer (
    entry_id        bigint      primary key,
    set_id          bigint      not null, -- the first entry of the same decision
    at              timestamptz not null,
    owner           text collate "C" not null,
    kind            text collate "C" not null,
    debit           text collate "C" not null,
    credit          text collate "C" not null,
    points          bigint      not null,
    lot_id          text collate "C",
    transaction_id  text,
    withdrawal_id   text,
    after_available bigint      not null check (after_available >= 0),
    after_pending   bigint      not null check (after_pending >= 0),
    after_blocked   bigint      not null check (after_blocked >= 0),
    after_shortfall bigint      not null check (after_shortfall >= 0),
    constraint transfer_points check (points > 0),
    constraint transfer_two_accounts check (debit <> credit),
    constraint transfer_kind check (kind in ('credit', 'release', 'clawback', 'expiry', 'hold',
        'hold_released', 'payout', 'adjustment')),
    constraint transfer_owner_takes_part check (
        substr(debit, strpos(debit, ':') + 1) = owner
        or substr(credit, strpos(credit, ':') + 1) = owner)
);
create index transfer_owner on comptoir.transfer (owner, entry_id);

create table comptoir.balance (
    account text collate "C" primary key,
    points  bigint not null,
    book    text   not null generated always as (split_part(account, ':', 1)) stored,
    owner   text collate "C" not null generated always as (substr(account, strpos(account, ':') + 1)) stored,
    constraint balance_book check (book in ('available', 'pending', 'blocked', 'shortfall',
        'issued', 'paid', 'expired')),
    constraint balance_not_negative check (
        book not in ('available', 'pending', 'blocked') or points >= 0),
    constraint balance_shortfall_not_positive check (book <> 'shortfall' or points <= 0)
) with (fillfactor = 50);
create index balance_owner on comptoir.balance (owner, book);

-- Replays the transfers of one statement set by set (a set is one decision) against what was before.
create function comptoir.check_each_set(posted comptoir.transfer[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    dips text;
begin
    select book from (
        select split_part(account, ':', 1) as book,
               coalesce((select b.points from comptoir.balance b where b.account = change.account), 0)
               + sum(points) over (partition by account order by set_id) as points
        from (select set_id, account, sum(points) as points
              from (select set_id, credit as account, points from unnest(posted)
                    union all
                    select set_id, debit, -points from unnest(posted)) side
              group by set_id, account) change) running
    where (book in ('available', 'pending', 'blocked') and points < 0)
       or (book = 'shortfall' and points > 0)
    limit 1 into dips;
    if found then
        raise exception using errcode = 'check_violation',
            constraint = case dips when 'shortfall' then 'balance_shortfall_not_positive'
                                   else 'balance_not_negative' end,
            message = 'a balance crosses zero';
    end if;
    perform from (
        select l.points as whole,
               l.remaining + sum(change.points) over (partition by l.id order by set_id) as remaining
        from (select set_id, lot_id,
                     sum(case when credit in ('available:' || owner, 'pending:' || owner)
                              then points else 0 end
                       - case when debit in ('available:' || owner, 'pending:' || owner)
                              then points else 0 end) as points
              from unnest(posted) where lot_id is not null group by set_id, lot_id) change
        join comptoir.lot l on l.id = change.lot_id) running
    where remaining not between 0 and whole;
    if found then
        raise exception using errcode = 'check_violation', constraint = 'lot_remaining',
            message = 'a lot dips below zero or rises above its points';
    end if;
end $$;

create function comptoir.post_transfers() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    lots_named bigint;
    lots_moved bigint;
begin
    -- Constraints see the end of a batch; a decision in the middle of it may not dip below zero
    -- either. Only where something is taken away can a dip be hidden by a later gain.
    if exists (select from posted
               where starts_with(debit, 'available:') or starts_with(debit, 'pending:')
                  or starts_with(debit, 'blocked:') or starts_with(credit, 'shortfall:')) then
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
    ), moved as (
        update comptoir.lot l
        set remaining = l.remaining + case when l.owner = c.owner then c.points else 0 end
        -- by id alone: with the owner in the condition a plan may walk all lots of the owner
        from change c where l.id = c.lot_id
        returning l.owner = c.owner as own
    )
    select (select count(*) from change), (select count(*) from moved where own)
      into lots_named, lots_moved;
    if lots_named <> lots_moved then
        raise exception using errcode = 'CT005', constraint = 'transfer_lot_of_owner',
            message = 'a transfer names a lot that its owner does not have';
    end if;

    with change as (
        select account, sum(points)::bigint as points
        from (select credit as account, points from posted
              union all
              select debit, -points from posted) side
        group by account
    ), moved as (
        update comptoir.balance b set points = b.points + c.points
        from change c where b.account = c.account
        returning b.account
    )
    insert into comptoir.balance (account, points)
    select account, points from change
    where account not in (select account from moved)
    order by account;
    return null;
end $$;

create trigger transfer_posts after insert on comptoir.transfer
    referencing new table as posted
    for each statement execute function comptoir.post_transfers();
