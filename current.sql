--!include primitives.sql

-- core: tokens with which a monitoring tool scrapes
create table if not exists core.scrape_tokens (
  id uuid primary key default core.new_id(),
  name text not null,
  created_at timestamptz not null default core.now(),
  expires_at timestamptz not null,
  revoked_at timestamptz,
  constraint name_is_valid check (char_length(name) between 1 and 80),
  constraint expires_at_is_after_created_at check (expires_at > created_at)
);

-- core: a function that answers with this writes its own Content-Type (PostgREST's handler of any media type)
do $$
begin
  if to_regtype('core."*/*"') is null then
    create domain core."*/*" as text;
    comment on domain core."*/*" is 'Text that is answered as it is, whatever media type was asked for.';
  end if;
end
$$;

-- core: mails to operators
alter table core.mails add column if not exists content jsonb;
alter table core.mails drop constraint if exists kind_is_valid;
alter table core.mails add constraint kind_is_valid check (kind in (
  'sign_up', 'account_exists', 'verify_email', 'reset_password', 'password_changed', 'change_email',
  'email_change_requested', 'email_changed', 'new_device', 'invitation', 'totp_enabled', 'totp_disabled',
  'recovery_code_used', 'recovery_codes_regenerated', 'identity_linked', 'identity_unlinked', 'alert'
));
alter table core.mails drop constraint if exists content_comes_with_alert;
alter table core.mails add constraint content_comes_with_alert check ((content is not null) = (kind = 'alert'));

-- ops: samples of metrics
create table if not exists ops.metric_samples (metric text not null references ops.metrics (name) on delete cascade, labels jsonb not null default '{}', value numeric not null, sampled_at timestamptz not null default core.now(), primary key (metric, labels, sampled_at));

-- ops: what alerts were told to whom
create table if not exists ops.alert_deliveries (
  id uuid primary key default core.new_id(),
  alert_id uuid not null references ops.alerts (id) on delete cascade,
  channel text not null,
  event text not null,
  severity text not null,
  content jsonb not null,
  state text not null default 'waiting',
  attempt_count integer not null default 0,
  next_attempt_at timestamptz not null default core.now(),
  last_error text,
  mail_id uuid,
  created_at timestamptz not null default core.now(),
  finished_at timestamptz,
  constraint channel_is_valid check (channel in ('webhook', 'mail')),
  constraint event_is_valid check (event in ('opened', 'changed', 'resolved')),
  constraint severity_is_valid check (severity in ('warn', 'critical')),
  constraint state_is_valid check (state in ('waiting', 'sending', 'sent', 'queued', 'failed', 'skipped')),
  constraint last_error_is_valid check (char_length(last_error) <= 100),
  constraint finished_at_comes_with_final_state check (
    (finished_at is not null) = (state in ('sent', 'queued', 'failed', 'skipped'))
  )
);
create index if not exists alert_deliveries_alert_id_idx on ops.alert_deliveries (alert_id);
create index if not exists alert_deliveries_created_at_idx on ops.alert_deliveries (created_at);

-- ops: how full the disks are that a worker can see
create table if not exists ops.disk_usage (
  place text primary key,
  total_bytes numeric not null,
  free_bytes numeric not null,
  sampled_at timestamptz not null default core.now(),
  constraint place_is_valid check (place ~ '^[a-z][a-z0-9_]{0,39}$'),
  constraint free_bytes_is_valid check (free_bytes between 0 and total_bytes and total_bytes > 0)
);

--!include index.sql

-- ops: a threshold that this metric did not have; one that an operator set stays
update ops.metrics set warn_at = 1, critical_at = 10 where name = 'slow_queries' and warn_at is null and critical_at is null;
