-- Analytics events: the log, the schemas registered for it, and its roll-ups.

-- The id is made by the client and carries its instant (UUIDv7). filed_at is that instant and nothing else, so a
-- repeat meets the row of the first try in the same partition whenever it comes, and can never count twice.
create table if not exists core.analytics_events (
  visitor_id uuid not null,
  id uuid not null
    constraint id_is_time_ordered check (substr(id::text, 15, 1) = '7'),
  filed_at timestamptz not null,
  user_id uuid references core.users (id) on delete cascade,
  session_id uuid,
  name text not null
    constraint name_is_valid check (core.is_event_name(name)),
  occurred_at timestamptz not null,
  received_at timestamptz not null default core.now(),
  properties jsonb not null default '{}'
    constraint properties_is_valid check (jsonb_typeof(properties) = 'object' and octet_length(properties::text) <= 8192),
  primary key (visitor_id, id, filed_at),
  constraint filed_at_is_instant_of_id check (filed_at = core.id_instant(id))
) partition by range (filed_at);
create index if not exists analytics_events_user_id_idx on core.analytics_events (user_id, filed_at);

create table if not exists core.analytics_event_schemas (
  event_name text primary key
    constraint event_name_is_valid check (core.is_event_name(event_name)),
  json_schema jsonb not null
    constraint json_schema_is_valid check (jsonb_typeof(json_schema) = 'object' and octet_length(json_schema::text) <= 65536),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- What an insert added, committed together with it; the roll-up takes rows out of here and nowhere else.
create table if not exists core.analytics_deltas (
  id bigint generated always as identity primary key,
  event_name text not null,
  hour timestamptz not null,
  event_count integer not null,
  signed_in_count integer not null
);

create table if not exists core.analytics_hourly (
  event_name text not null,
  hour timestamptz not null,
  event_count bigint not null,
  signed_in_count bigint not null,
  primary key (event_name, hour)
);
create index if not exists analytics_hourly_hour_idx on core.analytics_hourly (hour);

create table if not exists core.analytics_daily (
  event_name text not null,
  day date not null,
  event_count bigint not null,
  signed_in_count bigint not null,
  primary key (event_name, day)
);
create index if not exists analytics_daily_day_idx on core.analytics_daily (day);

--!include index.sql

select ops.create_monthly_partitions('core.analytics_events');
