/** Rules about tables: row level security, keys, foreign keys, indexes, triggers. */
import { OUR_TABLE, WEB_ROLES } from './ours.ts'
import { sqlRule } from './rule.ts'

const FROM_TABLES = `from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${OUR_TABLE}`
const NAME = `n.nspname || '.' || c.relname`
const FROM_FOREIGN_KEYS = `from pg_constraint f join pg_class c on c.oid = f.conrelid
  join pg_namespace n on n.oid = c.relnamespace where f.contype = 'f' and f.conparentid = 0 and ${OUR_TABLE}`

export const rlsEnabled = sqlRule({
  name: 'R-01 rls',
  says: 'table, partitioned parents and leaves too, has row level security enabled',
  query: `select ${NAME} as object, case when not c.relrowsecurity
      then 'row level security is off; enable it in the policies.sql of its module' end as problem
    ${FROM_TABLES}`,
  defects: {
    'a plain table in api': 'create table api.seed (id int primary key)',
    'a plain table in a module': 'create table core.seed (id int primary key)',
    'a partitioned parent': 'create table core.seed (id int primary key) partition by range (id)',
    'a leaf of a protected parent': `create table core.seed (id int primary key) partition by range (id);
      alter table core.seed enable row level security;
      create table core.seed_1 partition of core.seed for values from (1) to (2)`,
    'a table whose security was switched off': 'alter table core.users disable row level security',
    'a table in a schema nobody knew': 'create schema seed create table seed (id int primary key)',
  },
})

export const noTablesInApi = sqlRule({
  name: 'api holds no state',
  says: 'relation in api is a view',
  query: `select ${NAME} as object, case when c.relkind <> 'v' then format('relkind %s; api holds views and functions only', c.relkind) end as problem
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'api' and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')`,
  defects: {
    'a table with row level security':
      'create table api.seed (id int primary key); alter table api.seed enable row level security',
    'a materialized view': 'create materialized view api.seed as select 1 as id',
    'a sequence': 'create sequence api.seed',
  },
})

export const primaryKey = sqlRule({
  name: '0004 primary key',
  says: 'table has a primary key',
  query: `select ${NAME} as object, case when not exists (
      select from pg_constraint k where k.conrelid = c.oid and k.contype = 'p') then 'has no primary key' end as problem
    ${FROM_TABLES}`,
  defects: { 'a table without': 'create table core.seed (id int)' },
})

export const foreignKeyIndex = sqlRule({
  name: '0001 foreign key index',
  says: 'foreign key has an index that leads with its columns',
  query: `select ${NAME} || ' ' || f.conname as object, case when not exists (
      select from pg_index i where i.indrelid = f.conrelid and i.indpred is null and i.indisvalid
        and (i.indkey::int2[])[0:cardinality(f.conkey) - 1] @> f.conkey
        and f.conkey @> (i.indkey::int2[])[0:cardinality(f.conkey) - 1]
      ) then 'no index leads with its columns; erasing the row it points at reads the whole table' end as problem
    ${FROM_FOREIGN_KEYS}`,
  defects: {
    'no index': 'alter table core.sessions add column seed uuid references core.users (id) on delete cascade',
    'a partial index': `alter table core.sessions add column seed uuid references core.users (id) on delete cascade;
      create index on core.sessions (seed) where revoked_at is null`,
    'an index that leads with something else': `alter table core.sessions add column seed uuid references core.users (id) on delete cascade;
      create index on core.sessions (created_at, seed)`,
  },
})

export const foreignKeyOnDelete = sqlRule({
  name: 'on delete',
  says: 'foreign key says what happens on delete',
  query: `select ${NAME} || ' ' || f.conname as object,
      case when f.confdeltype = 'a' then 'says nothing; write on delete cascade, set null or restrict' end as problem
    ${FROM_FOREIGN_KEYS}`,
  defects: { nothing: 'alter table core.sessions add column seed uuid references core.users (id)' },
})

/** Foreign keys do not ask row level security, so the key itself has to say whose row it may point at. */
export const foreignKeyTenant = sqlRule({
  name: 'R-09 composite foreign keys',
  says: 'foreign key between two tables of one owner or tenant carries the owner or tenant',
  query: `select ${NAME} || ' ' || f.conname as object, (
      select format('both tables have %s, and the key does not carry it: it could point at another''s row', mine.attname)
      from pg_attribute mine join pg_attribute theirs on theirs.attname = mine.attname
      where mine.attrelid = f.conrelid and theirs.attrelid = f.confrelid
        and mine.attname in ('user_id', 'organization_id', 'workspace_id')
        and not exists (select from generate_subscripts(f.conkey, 1) i
          where f.conkey[i] = mine.attnum and f.confkey[i] = theirs.attnum) limit 1) as problem
    ${FROM_FOREIGN_KEYS}`,
  defects: {
    'a key to the bare id': `create table core.seed (id uuid primary key, user_id uuid,
      session_id uuid references core.sessions (id) on delete cascade)`,
    'a key to the bare id of a team': `create table core.seed (id uuid primary key, organization_id uuid,
      team_id uuid references core.teams (id) on delete cascade)`,
    'a key with the tenant in the wrong place': `create table core.seed (id uuid primary key, organization_id uuid,
      team_id uuid, foreign key (team_id, organization_id) references core.teams (organization_id, id) on delete cascade)`,
    'a key with another workspace than the row’s own': `create table core.seed (id uuid primary key, workspace_id uuid,
      home_id uuid, user_id uuid,
      foreign key (home_id, user_id) references core.workspace_members (workspace_id, user_id) on delete cascade)`,
  },
})

export const duplicateIndex = sqlRule({
  name: '0009 duplicate index',
  says: 'index is the only one of its kind',
  query: `select i.indexrelid::regclass::text as object, (
      select 'does the same as ' || o.indexrelid::regclass from pg_index o
      where o.indrelid = i.indrelid and o.indexrelid < i.indexrelid and o.indkey = i.indkey and o.indclass = i.indclass
        and o.indoption = i.indoption and o.indisunique = i.indisunique
        and coalesce(pg_get_expr(o.indpred, o.indrelid), '') = coalesce(pg_get_expr(i.indpred, i.indrelid), '')
        and coalesce(pg_get_expr(o.indexprs, o.indrelid), '') = coalesce(pg_get_expr(i.indexprs, i.indrelid), '')
      limit 1) as problem
    from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
    where ${OUR_TABLE}`,
  defects: { 'the same twice': 'create index on core.sessions (user_id, created_at desc)' },
})

export const touchesUpdatedAt = sqlRule({
  name: 'updated_at',
  says: 'table with updated_at keeps it true by a trigger',
  query: `select ${NAME} as object, case when not exists (
      select from pg_trigger t where t.tgrelid = c.oid and t.tgenabled <> 'D' and t.tgtype & 2 = 2 and t.tgtype & 16 = 16
        and t.tgfoid = 'core.tg__touch_updated_at()'::regprocedure
      ) then 'no trigger calls core.tg__touch_updated_at() before update' end as problem
    ${FROM_TABLES} and not c.relispartition
      and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'updated_at' and not a.attisdropped)`,
  defects: {
    'no trigger': 'create table core.seed (id int primary key, updated_at timestamptz)',
    'a disabled trigger': 'alter table core.users disable trigger _100_touch_updated_at',
  },
})

export const refusesFilterless = sqlRule({
  name: 'R-25 writes without a filter',
  says: 'table that the API may update or delete refuses writes without a filter',
  // Only through a view does PostgREST get there. 16 and 8 are the bits of update and delete in pg_trigger.tgtype;
  // 1 marks a trigger for each row.
  query: `select format('%s.%s %s', n.nspname, c.relname, verb) as object, case when exists (
        select from unnest(${WEB_ROLES}) role, pg_rewrite w
        join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
        where d.refobjid = c.oid and (has_table_privilege(role, w.ev_class, verb)
          or verb = 'update' and has_any_column_privilege(role, w.ev_class, 'update')))
      and not exists (
        select from pg_trigger t where t.tgrelid = c.oid and t.tgenabled <> 'D' and t.tgtype & 1 = 0
          and t.tgtype & bit <> 0 and t.tgfoid = 'core.tg__refuse_filterless_write()'::regprocedure)
      then 'no statement trigger calls core.tg__refuse_filterless_write()' end as problem
    from pg_class c join pg_namespace n on n.oid = c.relnamespace, (values ('update', 16), ('delete', 8)) verbs (verb, bit)
    where ${OUR_TABLE} and not c.relispartition`,
  defects: {
    'an update grant': `create table core.seed (id int primary key, note text);
      create view api.seed with (security_invoker = true) as select id, note from core.seed;
      grant update (note) on api.seed to howdah_user`,
    'a delete grant': `create view api.seed with (security_invoker = true) as select id from core.settings, core.users;
      grant delete on api.seed to howdah_admin`,
  },
})

export const boundedText = sqlRule({
  name: 'bounded text',
  says: 'text the API may write has a limit',
  query: `select ${NAME} || '.' || a.attname as object, case when exists (
        select from unnest(${WEB_ROLES}) role
        where has_column_privilege(role, c.oid, a.attnum, 'insert') or has_column_privilege(role, c.oid, a.attnum, 'update'))
      and not exists (
        select from pg_constraint k where k.conrelid = c.oid and a.attnum = any (k.conkey) and (k.contype = 'f'
          or k.contype = 'c' and pg_get_constraintdef(k.oid)
            ~ '(char_length|octet_length|pg_column_size|cardinality|= ANY|matches_json_schema|\\.is_[a-z_]+)\\y'))
      then 'the API may write it and no CHECK limits its length' end as problem
    from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
    where ${OUR_TABLE} and not c.relispartition and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
      and a.atttypid in ('text'::regtype, 'varchar'::regtype, 'jsonb'::regtype, 'json'::regtype, 'text[]'::regtype, 'bytea'::regtype)`,
  defects: {
    'text without a check':
      'create table core.seed (id int primary key, note text); grant insert (note) on core.seed to howdah_user',
    'text with a check of something else': `create table core.seed (id int primary key, note text check (note <> ''));
      grant update (note) on core.seed to howdah_user`,
  },
})

const HOUSE = 'the house writes it: operators, jobs, counts'
const PROVIDER = 'only events that the billing provider has signed write it'

/** Whoever may write a key that everybody shares learns from a refusal what others have. */
export const sharedKeys = sqlRule({
  name: 'R-10 shared keys',
  says: 'unique key holds a random id, a person or a tenant, so that a refusal tells nobody about others',
  query: `select i.indexrelid::regclass::text as object, case when not exists (
      select from pg_attribute a where a.attrelid = c.oid and a.attnum = any (i.indkey)
        and a.atttypid in ('uuid'::regtype, 'bytea'::regtype)) then 'is one key for everybody' end as problem
    from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
    where i.indisunique and ${OUR_TABLE} and not c.relispartition`,
  exceptions: {
    'core.users_email_key_key':
      'sign_up answers the same either way where a mail decides; change_email always',
    'core.organizations_slug_key': 'a name in addresses, which everybody can see anyway',
    'core.organization_domains_domain_idx': 'only who has proven the domain by DNS meets it',
    'briefing.content_sources_canonical_url_key': 'sources are for everybody, and added by operators',
    'briefing.topics_pkey': 'topics are for everybody',
    'core.analytics_event_schemas_pkey': HOUSE,
    'ops.metric_samples_pkey': HOUSE,
    'ops.long_queries_pkey': HOUSE,
    'ops.materialized_views_pkey': HOUSE,
    'core.analytics_deltas_pkey': HOUSE,
    'core.analytics_hourly_pkey': HOUSE,
    'core.analytics_daily_pkey': HOUSE,
    'core.audit_log_pkey': HOUSE,
    'core.audit_seals_pkey': HOUSE,
    'core.audited_tables_pkey': HOUSE,
    'core.settings_pkey': HOUSE,
    'private.secrets_pkey': HOUSE,
    'gdpr.column_policies_pkey': HOUSE,
    'gdpr.processing_activities_pkey': HOUSE,
    'gdpr.processing_record_versions_pkey': HOUSE,
    'gdpr.retention_policies_pkey': HOUSE,
    'gdpr.view_columns_pkey': HOUSE,
    'gdpr.consent_purposes_pkey': HOUSE,
    'gdpr.erasure_obstacles_pkey': HOUSE,
    'gdpr.anonymous_sources_pkey': HOUSE,
    'gdpr.anonymous_counts_pkey': HOUSE,
    'gdpr.recipients_pkey': HOUSE,
    'ops.partitioned_tables_pkey': HOUSE,
    'ops.backups_pkey': HOUSE,
    'core.plans_pkey': HOUSE,
    'core.plans_key_audience_key': HOUSE,
    'core.plan_prices_pkey': HOUSE,
    'core.subscriptions_provider_provider_subscription_id_key': PROVIDER,
    'core.billing_customers_pkey': PROVIDER,
    'core.billing_events_pkey': PROVIDER,
    'core.notification_kinds_pkey': HOUSE,
    'private.common_passwords_pkey': HOUSE,
    'core.identity_issuers_pkey': HOUSE,
    'core.identity_keys_pkey': HOUSE,
    'core.identities_issuer_subject_key': 'only who holds a signed token of that subject meets it',
    'ops.metrics_pkey': HOUSE,
    'ops.alerts_metric_labels_idx': HOUSE,
    'ops.scheduled_tasks_pkey': HOUSE,
    'ops.task_runs_pkey': HOUSE,
    'ops.disk_usage_pkey': HOUSE,
  },
  defects: {
    'a name that is taken for all': `create table core.seed (id uuid primary key, organization_id uuid, name text unique)`,
  },
})

/** All of them. */
export const tableRules = [
  rlsEnabled,
  noTablesInApi,
  primaryKey,
  foreignKeyIndex,
  foreignKeyOnDelete,
  foreignKeyTenant,
  sharedKeys,
  duplicateIndex,
  touchesUpdatedAt,
  refusesFilterless,
  boundedText,
]
