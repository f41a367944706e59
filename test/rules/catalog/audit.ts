/** Rules about the audit log: every table is audited or says why not, and what is audited is audited right. */
import { OUR_TABLE } from './ours.ts'
import { sqlRule } from './rule.ts'

const TABLES = `pg_class c join pg_namespace n on n.oid = c.relnamespace
  left join core.audited_tables a on a.schema_name = n.nspname and a.table_name = c.relname
  where ${OUR_TABLE} and not c.relispartition`

export const auditDeclared = sqlRule({
  name: 'T-01 audited or excepted',
  says: 'table is audited, or core.audited_tables says why not',
  query: `select format('%s.%s', coalesce(r.nspname, a.schema_name), coalesce(r.relname, a.table_name)) as object, case
      when a.table_name is null then 'is neither audited nor excepted; call core.audit_table() or core.declare_unaudited_table() in the registry.sql of its module'
      when r.relname is null then 'is declared, but there is no such table'
      when not a.is_audited and char_length(a.reason) < 10 then 'is excepted without a reason worth the name' end as problem
    from (select n.nspname, c.relname from ${TABLES}) r
    full join core.audited_tables a on a.schema_name = r.nspname and a.table_name = r.relname`,
  defects: {
    'a new table': 'create table core.seed (id int primary key)',
    'a partitioned table': 'create table core.seed (id int primary key) partition by range (id)',
    'a declaration of nothing': `insert into core.audited_tables values ('core', 'seed', true, null)`,
    'an empty reason': `update core.audited_tables set reason = '' where not is_audited`,
  },
})

export const auditAttached = sqlRule({
  name: 'T-01 audit triggers',
  says: 'audited table and each of its partitions has both audit triggers, told the truth about key, secrets and person; others have none',
  // Key, secrets and person are worked out when the trigger is attached; the registries may have moved on.
  query: `select leaf.oid::regclass::text as object, case
      when a.is_audited and not exists (
        select from pg_trigger t where t.tgrelid = leaf.oid and t.tgfoid = 'core.tg__audit_row()'::regprocedure and t.tgtype = 29 and t.tgenabled in ('O', 'A')
          and (string_to_array(encode(t.tgargs, 'escape'), '\\000'))[1:4] = core.audit_arguments(c.oid))
        then 'has no row trigger, or one that is told the wrong key, secrets or person; call core.audit_table() after gdpr.declare_columns()'
      when a.is_audited and not exists (
        select from pg_trigger t where t.tgrelid = leaf.oid and t.tgfoid = 'core.tg__audit_truncate()'::regprocedure and t.tgtype = 34 and t.tgenabled in ('O', 'A'))
        then 'does not say when it is truncated'
      when not coalesce(a.is_audited, false) and exists (
        select from pg_trigger t where t.tgrelid = leaf.oid and t.tgfoid in ('core.tg__audit_row()'::regprocedure, 'core.tg__audit_truncate()'::regprocedure))
        then 'is excepted, and has an audit trigger' end as problem
    from (select c.oid, a.is_audited from ${TABLES}) a join pg_class c on c.oid = a.oid,
      lateral (select c.oid union all select i.inhrelid from pg_inherits i where i.inhparent = c.oid) leaf`,
  defects: {
    'a dropped trigger': 'drop trigger _900_audit_row on core.users',
    'a disabled trigger': 'alter table core.sessions disable trigger _900_audit_truncate',
    'a column that became secret': `update gdpr.column_policies set class = 'secret' where table_name = 'users' and column_name = 'full_name'`,
    'an excepted table with a trigger': `update core.audited_tables set is_audited = false, reason = 'because of that' where table_name = 'users'`,
    'a partition made by hand': `create table core.seed (id int primary key) partition by range (id); select core.audit_table('core.seed');
      create table core.seed_1 partition of core.seed for values from (1) to (2)`,
  },
})

export const auditGuarded = sqlRule({
  name: 'T-03 append-only',
  says: 'partition of the audit log, the log and its seals refuse update, delete and truncate',
  query: `select c.oid::regclass::text as object, case when 2 <> (
        select count(*) from pg_trigger t where t.tgrelid = c.oid and t.tgenabled in ('O', 'A') and t.tgtype in (27, 34)
          and t.tgfoid = 'core.tg__refuse_audit_change()'::regprocedure)
      then 'lacks a trigger that calls core.tg__refuse_audit_change()' end as problem
    from pg_class c where c.oid in ('core.audit_log'::regclass, 'core.audit_seals'::regclass)
      or c.oid in (select inhrelid from pg_inherits where inhparent = 'core.audit_log'::regclass)`,
  defects: {
    'the log': 'drop trigger _000_refuse_change on core.audit_log',
    'the seals': 'alter table core.audit_seals disable trigger _000_refuse_truncate',
    'a month made by hand': `create table core.audit_log_seed partition of core.audit_log for values from ('2100-01-01') to ('2100-02-01')`,
  },
})

/** All of them. */
export const auditRules = [auditDeclared, auditAttached, auditGuarded]
