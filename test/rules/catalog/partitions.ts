/** Rules about partitions: what Postgres does not hand down from a table to its parts. */
import { OUR_TABLE } from './ours.ts'
import { sqlRule } from './rule.ts'

const FROM_LEAVES = `from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
  join pg_namespace n on n.oid = c.relnamespace where p.relkind = 'p' and ${OUR_TABLE}`
const SEED = `create table core.seed (id int primary key) partition by range (id);
  alter table core.seed enable row level security;
  create table core.seed_1 partition of core.seed for values from (1) to (2);
  alter table core.seed_1 enable row level security;`

export const leavesLikeParents = sqlRule({
  name: 'ask 28 partitions',
  says: 'partition has its parent’s owner, row level security, guards and keys, and is reached by nobody but through it',
  query: `select n.nspname || '.' || c.relname as object, nullif(concat_ws('; ',
      case when c.relowner <> p.relowner then 'belongs to ' || c.relowner::regrole end,
      case when not c.relrowsecurity then 'has no row level security' end,
      case when exists (select from aclexplode(c.relacl) g where g.grantee <> c.relowner)
        or exists (select from pg_attribute a, aclexplode(a.attacl) g where a.attrelid = c.oid and g.grantee <> c.relowner)
        then 'is granted to somebody by itself' end,
      case when exists (select from pg_policy y where y.polrelid = c.oid) then 'has a policy of its own' end,
      (select 'has no trigger ' || string_agg(t.tgname, ', ') from pg_trigger t
        where t.tgrelid = p.oid and not t.tgisinternal and t.tgtype & 32 = 32
          and not exists (select from pg_trigger o where o.tgrelid = c.oid and o.tgfoid = t.tgfoid and o.tgtype = t.tgtype)),
      (select 'has no index like ' || string_agg(x.indexrelid::regclass::text, ', ') from pg_index x
        where x.indrelid = p.oid and not exists (
          select from pg_inherits o join pg_index m on m.indexrelid = o.inhrelid
          where o.inhparent = x.indexrelid and m.indrelid = c.oid and m.indisvalid)),
      (select 'has no key like ' || string_agg(f.conname, ', ') from pg_constraint f
        where f.conrelid = p.oid and f.contype in ('f', 'c') and not exists (
          select from pg_constraint o where o.conrelid = c.oid and o.contype = f.contype
            and (o.conparentid = f.oid or o.conname = f.conname) and o.convalidated))
    ), '') as problem
    ${FROM_LEAVES}`,
  defects: {
    'another owner': `${SEED} alter table core.seed_1 owner to howdah_worker`,
    'no row level security': `${SEED} alter table core.seed_1 disable row level security`,
    'a grant': `${SEED} grant select on core.seed_1 to howdah_user`,
    'a grant on a column': `${SEED} grant select (id) on core.seed_1 to howdah_user`,
    'a policy': `${SEED} create policy seed on core.seed_1 for select to howdah_user using (true)`,
    'an unguarded leaf': `${SEED} create trigger seed before truncate on core.seed for each statement
      execute function core.tg__refuse_audit_change()`,
    'an index that is on the parent only': `${SEED} create index on only core.seed (id)`,
  },
})

export const defaultsAreMovable = sqlRule({
  name: 'O-16 default partitions',
  says: 'declared table has a default partition if and only if its rows may move, and it is empty',
  query: `select t.schema_name || '.' || t.table_name as object, nullif(concat_ws('; ',
      case when d.partition is null and ops.has_movable_rows(t.relation) then 'refuses what fits into no month; run ops.create_monthly_partitions()' end,
      case when d.partition is not null and not ops.has_movable_rows(t.relation)
        then 'has a default partition, out of which nothing can move unnoticed' end,
      case when d.partition is not null and (xpath('/row/n/text()', query_to_xml(
        'select count(*) as n from ' || d.partition, false, true, '')))[1]::text <> '0' then 'has rows that lie in no month' end
    ), '') as problem
    from (select *, format('%I.%I', schema_name, table_name)::regclass as relation from ops.partitioned_tables) t
    left join lateral (select x.partition from ops.partitions_of(t.relation) x where x.is_default) d on true`,
  defects: {
    'no default partition': 'drop table briefing.briefings_default',
    'rows that somebody watches': `create trigger seed before delete on briefing.briefings for each row
      execute function core.tg__refuse_audit_change()`,
    'a row in no month': `insert into core.users (email) values ('seed@example.com');
      insert into briefing.briefings (user_id, briefing_date, cards, timezone, generated_at)
      select id, '1999-01-01', '[]', 'UTC', now() from core.users where email = 'seed@example.com'`,
  },
})

/** All of them. */
export const partitionRules = [leavesLikeParents, defaultsAreMovable]
