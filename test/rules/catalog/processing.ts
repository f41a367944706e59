/** Rules about what personal data is held for and how long, what views show of it, and the record that says all that. */
import { OUR_SCHEMA } from './ours.ts'
import { sqlRule } from './rule.ts'

/** Columns about people: secrets too, where a row leads to somebody. */
const ABOUT_PEOPLE = `(p.class in ('personal', 'sensitive') or p.class = 'secret' and p.subject is not null)`

export const hasPurpose = sqlRule({
  name: 'gdpr purposes',
  says: 'column about people names an activity, and with it a legal basis',
  query: `select format('%s.%s.%s', p.schema_name, p.table_name, p.column_name) as object, case
      when p.purpose is null then 'has no purpose'
      when a.name is null then 'is held for an activity that nobody declared: ' || p.purpose
      when p.class = 'sensitive' and a.special_category_condition is null
        then 'is sensitive, and its activity names no condition of Article 9' end as problem
    from gdpr.column_policies p left join gdpr.processing_activities a on a.name = p.purpose
    where ${ABOUT_PEOPLE}`,
  defects: {
    'no purpose': `update gdpr.column_policies set purpose = null where table_name = 'sessions' and column_name = 'user_agent'`,
    'an activity that went': `delete from gdpr.processing_activities where name = 'mails'`,
    'a sensitive column without its condition': `update gdpr.column_policies set class = 'sensitive' where table_name = 'users' and column_name = 'full_name'`,
  },
})

export const hasRetention = sqlRule({
  name: 'gdpr retention',
  says: 'column about people names how long it is kept: a policy of its table, or of one it goes with',
  query: `with recursive goes_with as (
      select c.oid as relid, c.oid as top from pg_class c where c.relkind in ('r', 'p', 'm')
      union
      select g.relid, f.confrelid from goes_with g join pg_constraint f
        on f.conrelid = g.top and f.contype = 'f' and f.confdeltype = 'c')
    select format('%s.%s.%s', p.schema_name, p.table_name, p.column_name) as object, case
      when p.retention is null then 'has no time limit'
      when r.name is null then 'is kept by a policy that nobody declared: ' || p.retention
      when r.action <> 'erase_account' and not exists (select from goes_with g
        where g.relid = to_regclass(format('%I.%I', p.schema_name, p.table_name))
          and g.top = to_regclass(format('%I.%I', r.schema_name, r.table_name)))
        then 'does not go with the rows of its policy' end as problem
    from gdpr.column_policies p left join gdpr.retention_policies r on r.name = p.retention
    where ${ABOUT_PEOPLE}`,
  defects: {
    'no time limit': `update gdpr.column_policies set retention = null where table_name = 'sessions' and column_name = 'user_agent'`,
    'a policy that went': `delete from gdpr.retention_policies where name = 'mails'`,
    'the policy of another table': `update gdpr.column_policies set retention = 'mails' where table_name = 'saved_cards'`,
  },
})

export const policiesWork = sqlRule({
  name: 'gdpr policies',
  says: 'retention policy has a table, a time, and an index that finds what is due',
  query: `select r.name as object, case
      when r.action = 'erase_account' then null
      when to_regclass(format('%I.%I', r.schema_name, r.table_name)) is null then 'its table is not there'
      when gdpr.retention_keep(r.name) is null then 'nobody says how long'
      when r.action = 'call' and to_regproc(r.handler) is null then 'its function is not there'
      when r.action in ('delete', 'overwrite') and not exists (select from pg_index i
        where i.indrelid = to_regclass(format('%I.%I', r.schema_name, r.table_name)) and i.indisvalid
          and lower(pg_get_indexdef(i.indexrelid, 1, false)) = replace(r.aged_from, 'r.', ''))
        then 'no index begins with ' || r.aged_from end as problem
    from gdpr.retention_policies r
    union all
    select format('%s.%s', t.schema_name, t.table_name), case when not exists (select from gdpr.retention_policies r
      where r.action = 'drop_partitions' and (r.schema_name, r.table_name) = (t.schema_name, t.table_name))
      then 'has months, and no policy says that they go' end
    from ops.partitioned_tables t`,
  defects: {
    'a table that went': 'drop table ops.alerts cascade',
    'no index': 'drop index core.mails_created_at_idx',
    'a setting that went': `update gdpr.retention_policies set setting = 'seed' where name = 'notifications'`,
    'a function that is not there': `update gdpr.retention_policies set action = 'call', handler = 'core.seed' where name = 'mails'`,
    'months without a policy': `delete from gdpr.retention_policies where name = 'briefings'`,
  },
})

export const viewColumnsDeclared = sqlRule({
  name: 'gdpr view columns',
  says: 'column of every view shows a declared column, or is declared, and nothing else is',
  query: `select format('%s.%s.%s', n.nspname, c.relname, a.attname) as object, case
      when k.class is null then 'works out what it shows; say what it holds with gdpr.declare_view_columns()'
      when d.class is not null and k.comes_from <> d.reason then 'shows ' || k.comes_from || ', so its declaration says it twice' end as problem
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
    left join gdpr.view_column_classes() k on (k.schema_name, k.view_name, k.column_name) = (n.nspname, c.relname, a.attname)
    left join gdpr.view_columns d on (d.schema_name, d.view_name, d.column_name) = (n.nspname, c.relname, a.attname)
    where ${OUR_SCHEMA} and c.relkind = 'v'
    union all
    select format('%s.%s.%s', d.schema_name, d.view_name, d.column_name), 'is declared, but there is no such column'
    from gdpr.view_columns d where not exists (select from pg_attribute a
      where a.attrelid = to_regclass(format('%I.%I', d.schema_name, d.view_name)) and a.attname = d.column_name)`,
  defects: {
    'a view that works something out': `create view api.seed as select lower(email) as email from core.users`,
    'a view of an undeclared column':
      'alter table core.users add seed text; create view api.seed as select seed from core.users',
    'a view of the catalog': 'create view ops.seed as select query from pg_stat_activity',
    'a declaration of nothing': `insert into gdpr.view_columns values ('api', 'seed', 'id', 'none', 'nothing')`,
    'a declaration too many': `insert into gdpr.view_columns values ('api', 'sessions', 'device_name', 'none', 'somewhere')`,
    'a union of two': `create view api.seed as select id from core.users union all select id from core.sessions`,
  },
})

export const recordMatches = sqlRule({
  name: 'G-18 processing record',
  says: 'column about people stands once in the newest processing record, as it is declared, and nothing else does',
  query: `with newest as (select v.* from gdpr.processing_record_versions v order by v.number desc limit 1),
    recorded as (
      select activity ->> 'name' as purpose, activity ->> 'legal_basis' as legal_basis, data ->> 'relation' as relation,
        data ->> 'retention' as retention, column_name
      from newest, jsonb_array_elements(record -> 'activities') activity, jsonb_array_elements(activity -> 'data') data,
        jsonb_array_elements_text(data -> 'columns') column_name),
    real as (
      select p.purpose, b.legal_basis, n.nspname || '.' || c.relname as relation, p.retention, a.attname::text as column_name
      from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
      join gdpr.column_policies p on (p.schema_name, p.table_name, p.column_name) = (n.nspname, c.relname, a.attname)
      left join gdpr.processing_activities b on b.name = p.purpose
      where a.attnum > 0 and not a.attisdropped and ${ABOUT_PEOPLE})
    select relation || '.' || column_name as object, case
      when count(*) filter (where is_real) = 0 then 'stands in the record, and is not held so'
      when count(*) filter (where not is_real) = 0 then 'is not in the record as it is held'
      when count(*) <> 2 then 'stands in the record more than once' end as problem
    from (select *, true as is_real from real union all select *, false from recorded) sides
    group by relation, column_name, purpose, legal_basis, retention
    union all
    select 'version ' || number, case when hash is distinct from sha256(convert_to(gdpr.processing_record()::text, 'UTF8'))
      or record is distinct from gdpr.processing_record() then 'is not what the record says now' end
    from newest`,
  defects: {
    'another purpose': `update gdpr.column_policies set purpose = 'billing' where table_name = 'mails'`,
    'another basis': `update gdpr.processing_activities set legal_basis = 'vital_interests' where name = 'analytics'`,
    'a new column': `alter table core.users add seed text;
      insert into gdpr.column_policies (schema_name, table_name, column_name, class, subject, on_export, on_erase, purpose, retention)
      values ('core', 'users', 'seed', 'personal', 'id', 'include', 'null', 'accounts', 'account')`,
    'a column that went': 'alter table core.sessions drop column device_name cascade',
    'another time limit': `select gdpr.set_retention('mails', '7 days')`,
    'a recipient': `update gdpr.processing_activities set added_recipients = '{a print shop}' where name = 'mails'`,
  },
})

/** All of them. */
export const processingRules = [hasPurpose, hasRetention, policiesWork, viewColumnsDeclared, recordMatches]
