-- The audit log: what was changed by whom, sealed in batches. docs/audit.md tells how it works.

create sequence if not exists core.audit_log_id_seq;

create table if not exists core.audit_log (
  id bigint not null default nextval('core.audit_log_id_seq'),
  occurred_at timestamptz not null,
  transaction_id xid8 not null,
  kind text not null,
  relation text,
  operation text not null,
  actor_user_id uuid,
  actor_session_id uuid,
  subject_id uuid,
  tenant_id uuid,
  database_role text not null,
  acting_role text not null,
  job_id bigint,
  request_id text not null,
  key jsonb,
  old_values jsonb,
  new_values jsonb,
  salt bytea,
  payload_hash bytea not null,
  row_hash bytea not null,
  blanked_by bigint,
  -- Leads with what seals and their verification read by; the partition key has to be part of it.
  constraint audit_log_pkey primary key (transaction_id, id, occurred_at),
  constraint kind_is_valid check (kind in ('data', 'security')),
  constraint data_has_relation check ((kind = 'data') = (relation is not null)),
  constraint operation_is_valid check (operation ~ '^[a-z][a-z_]{1,62}$'),
  constraint payload_hash_is_valid check (octet_length(payload_hash) = 32),
  constraint row_hash_is_valid check (octet_length(row_hash) = 32)
) partition by range (occurred_at);
-- The log only grows, so a few bytes a block find an event by its number.
create index if not exists audit_log_id_idx on core.audit_log using brin (id) with (pages_per_range = 16);
-- By a hash: a key may be longer than an entry of an index.
create index if not exists audit_log_relation_key_idx on core.audit_log (relation, hashtextextended(key::text, 0));
-- Many events are about no person and by no person.
create index if not exists audit_log_subject_id_idx on core.audit_log (subject_id) where subject_id is not null;
create index if not exists audit_log_actor_user_id_idx on core.audit_log (actor_user_id)
  where actor_user_id is not null and actor_user_id is distinct from subject_id;
alter table core.audit_log enable row level security;

create table if not exists core.audit_seals (
  number bigint not null,
  from_transaction xid8 not null,
  until_transaction xid8 not null,
  first_event bigint not null,
  event_count bigint not null,
  sealed_at timestamptz not null,
  previous_hash bytea not null,
  hash bytea not null,
  constraint audit_seals_pkey primary key (number),
  constraint number_is_valid check (number >= 1),
  constraint event_count_is_valid check (event_count >= 1),
  constraint until_transaction_is_after_from_transaction check (until_transaction > from_transaction),
  constraint previous_hash_is_valid check (octet_length(previous_hash) = 32),
  constraint hash_is_valid check (octet_length(hash) = 32)
);

create table if not exists core.audited_tables (
  schema_name name not null,
  table_name name not null,
  is_audited boolean not null,
  reason text,
  constraint audited_tables_pkey primary key (schema_name, table_name),
  constraint unaudited_table_has_reason check (is_audited = (reason is null))
);

-- The months exist before the first audited write, which comes with the declarations below.
insert into ops.partitioned_tables (schema_name, table_name, key_column, months_ahead, retention_months)
values ('core', 'audit_log', 'occurred_at', 12, 84)
on conflict on constraint partitioned_tables_pkey do nothing;
select ops.create_monthly_partitions('core.audit_log');

--!include index.sql

-- Again: now the log has its guards, and every month of it gets them.
select ops.create_monthly_partitions();
