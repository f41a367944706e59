-- gdpr: holds
create table if not exists gdpr.legal_holds (
  id uuid primary key default core.new_id(),
  user_id uuid not null references core.users (id) on delete cascade,
  reason text not null,
  placed_at timestamptz not null default core.now(),
  released_at timestamptz,
  updated_at timestamptz not null default now(),
  constraint reason_is_valid check (char_length(reason) between 1 and 500)
);
create index if not exists legal_holds_user_id_idx on gdpr.legal_holds (user_id);
create unique index if not exists legal_holds_open_idx on gdpr.legal_holds (user_id) where released_at is null;

-- gdpr: requests
create table if not exists gdpr.subject_requests (
  id uuid primary key default core.new_id(),
  user_id uuid not null references core.users (id) on delete cascade,
  kind text not null,
  received_at timestamptz not null default core.now(),
  due_at timestamptz not null,
  closed_at timestamptz,
  outcome text,
  updated_at timestamptz not null default now(),
  constraint kind_is_valid
    check (kind in ('access', 'portability', 'erasure', 'rectification', 'restriction', 'objection')),
  constraint outcome_is_valid check (outcome in ('fulfilled', 'withdrawn', 'refused')),
  constraint closed_has_outcome check ((closed_at is null) = (outcome is null))
);
create index if not exists subject_requests_user_id_idx on gdpr.subject_requests (user_id);
create index if not exists subject_requests_due_at_idx on gdpr.subject_requests (due_at) where closed_at is null;
create unique index if not exists subject_requests_open_idx on gdpr.subject_requests (user_id, kind) where closed_at is null;

-- ops: partitions
-- Views and functions that the new columns and signatures replace.
drop function if exists ops.declare_partitioned_table(text, text, integer, integer);
alter table ops.partitioned_tables add column if not exists is_dropped_by_clock boolean not null default true;

-- ops: upkeep
drop function if exists ops.finish_task_run(bigint, text);
alter table ops.task_runs
  add column if not exists row_count bigint constraint row_count_is_valid check (row_count >= 0),
  add column if not exists took_seconds numeric
    generated always as (round(extract(epoch from finished_at - started_at), 3)) stored;

-- What was measured every five minutes, for looking back; older values are thinned.
create table if not exists ops.metric_samples (
  metric text not null,
  labels jsonb not null default '{}',
  value numeric not null,
  sampled_at timestamptz not null default core.now(),
  primary key (metric, labels, sampled_at),
  constraint metric_is_valid check (char_length(metric) between 1 and 100)
);
create index if not exists metric_samples_sampled_at_idx on ops.metric_samples (sampled_at);

-- Transactions that were seen running for long. Which statement it was is a number: its text may be about people.
create table if not exists ops.long_queries (
  pid integer not null,
  started_at timestamptz not null,
  query_id bigint,
  role name,
  application text not null,
  state text not null,
  waits_for text,
  blocked_by integer[] not null default '{}',
  seen_at timestamptz not null,
  running_seconds numeric not null,
  primary key (pid, started_at),
  constraint running_seconds_is_valid check (running_seconds >= 0)
);
create index if not exists long_queries_seen_at_idx on ops.long_queries (seen_at);

-- ops: materialized views
create table if not exists ops.materialized_views (
  schema_name name not null,
  view_name name not null,
  period_seconds integer not null,
  declared_at timestamptz not null default core.now(),
  refreshed_at timestamptz,
  took_seconds numeric,
  row_count bigint,
  failed_at timestamptz,
  error_code text,
  primary key (schema_name, view_name),
  constraint period_seconds_is_valid check (period_seconds between 60 and 31536000)
);

--!include ops/materialized_views/user_activity.sql
create materialized view if not exists ops.user_statistics as
  select a.day, a.sign_up_count, a.sign_in_count, a.active_user_count from ops.user_activity(30) as a;
create unique index if not exists user_statistics_day_idx on ops.user_statistics (day);

--!include index.sql

-- Default partitions, and months for what lies in them.
select ops.create_monthly_partitions();
