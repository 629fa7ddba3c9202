-- The journal of events: dense numbers given by the writer, payloads sealed, one partition for each
-- month of business time. The default partition takes what no month was made for (and the daemon
-- raises an alert) rather than refusing it. Source: design.md 7.

create table comptoir.event (
    number  bigint      not null check (number > 0),
    at      timestamptz not null,
    kind    text collate "C" not null,
    key     text collate "C" not null,
    type    text        not null,
    payload bytea       not null, -- sealed
    primary key (number, at)
) partition by range (at);
alter table comptoir.event alter column payload set storage external;
create table comptoir.event_default partition of comptoir.event default;

-- Makes the partitions of the month of `moment` and of the two after it; answers the first ms of
-- each that exists now. A month whose rows already are in the default partition cannot be made.
create function comptoir.ensure_event_partitions(moment bigint) returns bigint[]
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    made  bigint[] := '{}';
    month timestamp := date_trunc('month',
        (timestamptz 'epoch' + moment * interval '1 ms') at time zone 'UTC');
    part  text;
begin
    for ahead in 0 .. 2 loop
        part := 'event_' || to_char(month, 'YYYYMM');
        begin
            if to_regclass('comptoir.' || quote_ident(part)) is null then
                execute format(
                    'create table comptoir.%I partition of comptoir.event '
                    'for values from (%L) to (%L)', part,
                    month at time zone 'UTC', (month + interval '1 month') at time zone 'UTC');
            end if;
            made := made || (extract(epoch from month) * 1000)::bigint;
        exception when check_violation then
            null; -- the caller sees that this month is not among those made, and raises the alert
        end;
        month := month + interval '1 month';
    end loop;
    return made;
end $$;
