-- ops: monitoring
create table if not exists ops.metrics (
  name text primary key,
  area text not null,
  unit text not null,
  source_schema name not null,
  source_function name not null,
  summary text not null,
  warn_at numeric,
  critical_at numeric,
  is_low_bad boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint name_is_valid check (name ~ '^[a-z][a-z0-9_]{2,62}$'),
  constraint area_is_valid check (area in ('database', 'performance', 'product')),
  constraint unit_is_valid check (unit in ('ratio', 'seconds', 'days', 'milliseconds', 'bytes', 'count')),
  constraint summary_is_valid check (char_length(summary) between 1 and 200)
);

create table if not exists ops.alerts (
  id uuid primary key default core.new_id(),
  metric text not null references ops.metrics (name) on delete cascade,
  labels jsonb not null default '{}',
  severity text not null,
  value numeric not null,
  opened_at timestamptz not null default core.now(),
  evaluated_at timestamptz not null default core.now(),
  resolved_at timestamptz,
  constraint severity_is_valid check (severity in ('warn', 'critical'))
);
-- Open once: a second one for the same thing would tell nothing new.
create unique index if not exists alerts_metric_labels_idx on ops.alerts (metric, labels) where resolved_at is null;
create index if not exists alerts_metric_idx on ops.alerts (metric);

create table if not exists ops.scheduled_tasks (
  task text primary key,
  period_seconds integer not null,
  declared_at timestamptz not null default core.now(),
  constraint task_is_valid check (char_length(task) between 1 and 100),
  constraint period_seconds_is_valid check (period_seconds > 0)
);

create table if not exists ops.task_runs (
  id bigint primary key generated always as identity,
  task text not null,
  job_id bigint not null,
  started_at timestamptz not null default core.now(),
  finished_at timestamptz,
  error text,
  constraint task_is_valid check (char_length(task) between 1 and 100),
  constraint error_is_valid check (char_length(error) <= 200)
);
create index if not exists task_runs_task_started_at_idx on ops.task_runs (task, started_at);
create index if not exists task_runs_started_at_idx on ops.task_runs (started_at);

-- gdpr: what a column becomes when its person is erased
alter table gdpr.column_policies add column if not exists erased_with text;

--!include index.sql
