/** Rules about the roles that people and tools read with: what they see follows from what the columns hold. */
import { OUR_TABLE } from './ours.ts'
import { sqlRule } from './rule.ts'

const SEEN = `has_column_privilege(r.role, c.oid, a.attnum, 'select')`

export const readersSeeClasses = sqlRule({
  name: 'C9 reading roles',
  says: 'column is read by the roles that its declared class is for, and by no other',
  // Said a second time here, on purpose: a slip in gdpr.reader_rules() must not be its own judge.
  query: `select format('%s.%s.%s %s', n.nspname, c.relname, a.attname, r.role) as object, case
      when ${SEEN} and not may_see then format('%s reads a column of class %s', r.role, coalesce(p.class, 'undeclared'))
      when may_see and not ${SEEN} then format('%s cannot read it; gdpr.declare_readers() was not called', r.role) end as problem
    from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
    left join gdpr.column_policies p on (p.schema_name, p.table_name, p.column_name) = (n.nspname, c.relname, a.attname),
    unnest(array['howdah_analytics', 'howdah_readonly', 'howdah_monitoring']) r (role),
    lateral (select not c.relispartition and n.nspname <> 'private' and coalesce(case r.role
      when 'howdah_analytics' then p.class = 'none' and n.nspname not in ('gdpr', 'ops')
      when 'howdah_readonly' then p.class in ('none', 'personal')
      else false end, false) as may_see) rule
    where ${OUR_TABLE} and a.attnum > 0 and not a.attisdropped`,
  defects: {
    'a secret for readers': 'grant select (password_hash) on private.passwords to howdah_readonly',
    'a person for analysts': 'grant select (email) on core.users to howdah_analytics',
    'a whole table': 'grant select on core.audit_log to howdah_readonly',
    'a table for monitoring': 'grant select on core.analytics_daily to howdah_monitoring',
    'a column that became secret': `update gdpr.column_policies set class = 'secret' where table_name = 'users' and column_name = 'full_name'`,
    'a new module nobody was shown': `create table core.seed (id int primary key);
      select gdpr.declare_columns('core.seed', null, '{"class": "none", "on_export": "exclude", "on_erase": "keep"}', '{"id": {}}')`,
    'a leaf': `do $$ begin execute format('grant select (name) on %s to howdah_readonly',
      (select i.inhrelid::regclass from pg_inherits i where i.inhparent = 'core.analytics_events'::regclass limit 1)); end $$`,
  },
})

export const readersHavePolicies = sqlRule({
  name: 'C9 policies of reading roles',
  says: 'table shows its rows to the reading roles that may read a column, for reading only',
  query: `select format('%s.%s %s', n.nspname, c.relname, r.role) as object, case
      when has_table_privilege(r.role, c.oid, 'insert, update, delete, truncate')
        or has_any_column_privilege(r.role, c.oid, 'insert, update') then 'may be written'
      when has_any_column_privilege(r.role, c.oid, 'select') <> (policies.found = array['r true'])
        then 'grant and policy do not belong together: ' || coalesce(policies.found::text, 'no policy') end as problem
    from pg_class c join pg_namespace n on n.oid = c.relnamespace,
    unnest(array['howdah_analytics', 'howdah_readonly']) r (role),
    lateral (select coalesce(array_agg(concat_ws(' ', p.polcmd, pg_get_expr(p.polqual, p.polrelid))), '{}') as found from pg_policy p
      where p.polrelid = c.oid and r.role::regrole = any (p.polroles)) policies
    where ${OUR_TABLE} and not c.relispartition`,
  defects: {
    'a write': 'grant update (display_name) on core.users to howdah_readonly',
    'a lost policy': 'drop policy select_readonly on core.users',
    'a policy too many':
      'create policy delete_readonly on core.users for delete to howdah_readonly using (true)',
  },
})

/** All of them. */
export const readerRules = [readersSeeClasses, readersHavePolicies]
