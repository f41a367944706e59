/** Rules about the privacy registry: every column is declared, and personal ones lead to a person. */
import { OUR_SCHEMA, OUR_TABLE } from './ours.ts'
import { sqlRule } from './rule.ts'

export const columnsDeclared = sqlRule({
  name: 'gdpr columns',
  says: 'column of every table and materialized view is declared in gdpr.column_policies, and nothing else is',
  query: `with real as (
      select n.nspname as schema_name, c.relname as table_name, a.attname as column_name
      from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
      where (${OUR_TABLE} or ${OUR_SCHEMA} and c.relkind = 'm') and not c.relispartition
        and a.attnum > 0 and not a.attisdropped)
    select format('%s.%s.%s', schema_name, table_name, column_name) as object, case
      when p.class is null then 'is not declared; name it in the registry.sql of its module'
      when r.is_real is null then 'is declared, but there is no such column' end as problem
    from (select *, true as is_real from real) r
    full join gdpr.column_policies p using (schema_name, table_name, column_name)`,
  defects: {
    'a new column': 'alter table core.users add column seed text',
    'a new materialized view': 'create materialized view core.seed as select id from core.users',
    'a new table': 'create table core.seed (id int primary key)',
    'a column that went': 'alter table core.sessions drop column device_name cascade',
    'a declaration of nothing': `insert into gdpr.column_policies values ('core', 'seed', 'id', 'none', null, 'exclude', 'keep', null)`,
  },
})

export const reachesPerson = sqlRule({
  name: 'gdpr subjects',
  says: 'table with personal columns names a column that leads to core.users',
  exceptions: {
    // The bucket is a keyed hash nobody can turn back into a person; rows are gone after a day.
    'private.attempts': 'nobody can say whose row it is',
    // Erasing by address finds it; rows nobody confirms are gone after two days.
    'private.sign_up_requests': 'its person has no account yet; the address is all there is',
    // As above: found by address, and gone a month after its last day.
    'core.invitations': 'its person may have no account yet; the address is all there is',
    // A random number of an account that is gone, which has to outlive it even in a restored database.
    'gdpr.erasure_ledger': 'it knows accounts that the database does not',
    // The log outlives accounts; core.audit_events_about() finds what is somebody's by subject and actor.
    'core.audit_log': 'an event stays when its person goes',
  },
  query: `with recursive steps as (
      select 'core.users'::regclass::oid as relid, a.attnum from pg_attribute a
      where a.attrelid = 'core.users'::regclass and a.attname = 'id'
      union
      select f.conrelid, f.conkey[1] from pg_constraint f join steps s on s.relid = f.confrelid
      where f.contype = 'f' and cardinality(f.conkey) = 1
    )
    select p.schema_name || '.' || p.table_name as object, case when bool_or(not exists (
        select from steps s join pg_attribute a on a.attrelid = s.relid and a.attnum = s.attnum
        where s.relid = to_regclass(format('%I.%I', p.schema_name, p.table_name)) and a.attname = p.subject)
        -- Or a place in a document: a path that ends in text, of a column that holds documents.
        and not exists (select from pg_attribute a where a.attrelid = to_regclass(format('%I.%I', p.schema_name, p.table_name))
          and a.atttypid = 'jsonb'::regtype and p.subject ~ ('^' || a.attname || '(->''[^'']+'')*->>''[^'']+''$')))
      then 'the declared subject leads to no person along foreign keys' end as problem
    from gdpr.column_policies p where p.class in ('personal', 'sensitive')
    group by p.schema_name, p.table_name`,
  defects: {
    'a subject that is no key': `update gdpr.column_policies set subject = 'device_name' where table_name = 'sessions'`,
    'a place in something that is no document': `update gdpr.column_policies set subject = 'device_name->>''user_id''' where table_name = 'sessions'`,
    'a key that went': 'alter table core.sessions drop constraint sessions_user_id_fkey',
  },
})

export const erasable = sqlRule({
  name: 'gdpr erasure',
  says: 'column that an erasure changes can be changed so, and a row that goes goes whole',
  query: `select format('%s.%s.%s', p.schema_name, p.table_name, p.column_name) as object, nullif(concat_ws('; ',
      case when p.on_erase = 'anonymize' and p.erased_with is null and a.attgenerated = ''
        then 'is anonymized, and erased_with does not say to what' end,
      -- A row of a materialized view goes when it is computed anew, and in no other way.
      case when c.relkind = 'm' and p.on_erase <> 'delete' then 'lies in a materialized view, whose rows nobody changes' end,
      case when c.relkind = 'm' and not exists (select from ops.materialized_views v where (v.schema_name, v.view_name) = (p.schema_name, p.table_name))
        then 'lies in a materialized view that nothing refreshes' end,
      case when p.on_erase = 'null' and a.attnotnull then 'is to become null and may not be' end,
      case when p.on_erase = 'delete' and exists (
        select from gdpr.column_policies o
        where (o.schema_name, o.table_name) = (p.schema_name, p.table_name) and o.class <> 'none' and o.on_erase <> 'delete'
      ) then 'goes with its row, of which other columns are to stay' end
    ), '') as problem
    from gdpr.column_policies p
    join pg_attribute a on a.attrelid = to_regclass(format('%I.%I', p.schema_name, p.table_name)) and a.attname = p.column_name
    join pg_class c on c.oid = a.attrelid
    where p.class <> 'none'`,
  defects: {
    'no word for what it becomes': `update gdpr.column_policies set erased_with = null where table_name = 'users' and column_name = 'email'`,
    'null where none may be': `update gdpr.column_policies set on_erase = 'null' where table_name = 'users' and column_name = 'timezone'`,
    'a kept person in a materialized view': `create materialized view core.seed as select id, email from core.users;
      select gdpr.declare_columns('core.seed', 'id', '{"class": "personal", "on_export": "exclude", "on_erase": "delete"}', '{"id": {}, "email": {}}')`,
    'half a row': `update gdpr.column_policies set on_erase = 'null' where table_name = 'sessions' and column_name = 'user_agent'`,
  },
})

export const fenced = sqlRule({
  name: 'G-08 fences',
  says: 'table whose rows go with their account refuses rows of one that is gone',
  query: `select p.schema_name || '.' || p.table_name as object, case when not exists (
      select from pg_trigger t where t.tgrelid = to_regclass(format('%I.%I', p.schema_name, p.table_name))
        and t.tgfoid = 'gdpr.tg__refuse_erased()'::regprocedure and t.tgtype = 4 and t.tgenabled in ('O', 'A'))
      then 'takes rows that come after the erasure; gdpr.declare_fences() at the end of index.sql guards it' end as problem
    from gdpr.column_policies p where p.subject = 'user_id' and p.on_erase = 'delete'
      and gdpr.subject_filter(p.schema_name, p.table_name) = 'user_id = $1'
    group by p.schema_name, p.table_name`,
  defects: {
    'no fence': 'drop trigger _800_refuse_erased on core.sessions',
    'a fence that is open': 'alter table core.notifications disable trigger _800_refuse_erased',
  },
})

/** All of them. */
export const privacyRules = [columnsDeclared, reachesPerson, erasable, fenced]
