-- What auditors read (interface.md 5): stable views, readable by the role comptoir_reader.

create schema report;

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
select entry_id, owner as user_id, kind,
       case when split_part(credit, ':', 1) in ('available', 'pending') then points else -points end
           as points,
       lot_id, transaction_id, withdrawal_id, at
from comptoir.transfer;

create view report.lot as
select id as lot_id, owner as user_id, source as transaction_id, points, remaining, earned_at,
       expires_at
from comptoir.lot;

create view report.transaction as
select body ->> 'provider'                                                   as provider,
       coalesce(body ->> 'transaction_id', key)                              as transaction_id,
       coalesce(body ->> 'user_id', owner)                                   as user_id,
       body ->> 'partner_id'                                                 as partner_id,
       (body ->> 'amount_cents')::bigint                                     as amount_cents,
       body ->> 'currency'                                                   as currency,
       body ->> 'status'                                                     as status,
       (body ->> 'points')::bigint                                           as points,
       timestamptz 'epoch' + (body ->> 'received_at')::bigint * interval '1 ms' as received_at,
       timestamptz 'epoch' + (body ->> 'credited_at')::bigint * interval '1 ms' as credited_at
from comptoir.document
where collection = 'transaction';

create view report.posting as
select set_id, credit as account, points from comptoir.transfer
union all
select set_id, debit, -points from comptoir.transfer;
