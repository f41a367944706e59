/** Every foreign key that carries a tenant, without the tenant: then a row could point into somebody else's house. */
import { OUR_TABLE } from '../catalog/ours.ts'
import type { Queryable } from '../catalog/rule.ts'
import type { Mutant } from './mutant.ts'

const COMPOSITE = `
  select n.nspname || '.' || c.relname as table, quote_ident(f.conname) as name, f.confrelid::regclass::text as target,
    (select array_agg(quote_ident(a.attname) order by k.place) from unnest(f.conkey) with ordinality k (num, place)
      join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.num) as columns,
    (select array_agg(quote_ident(a.attname) order by k.place) from unnest(f.confkey) with ordinality k (num, place)
      join pg_attribute a on a.attrelid = f.confrelid and a.attnum = k.num) as targets
  from pg_constraint f join pg_class c on c.oid = f.conrelid join pg_namespace n on n.oid = c.relnamespace
  where f.contype = 'f' and f.conparentid = 0 and cardinality(f.conkey) > 1 and ${OUR_TABLE}`

type Composite = { table: string; name: string; target: string; columns: string[]; targets: string[] }

/** One for each composite key: its last column on its own, which a unique index made for the purpose allows. */
export async function keyMutants(db: Queryable): Promise<Mutant[]> {
  const { rows } = await db.query<Composite>(COMPOSITE)
  return rows.map(({ table, name, target, columns, targets }) => ({
    kind: 'key without its tenant',
    what: `${table} ${name}: ${columns.at(-1)} only`,
    sql: `alter table ${table} drop constraint ${name};
      create table core.planted_keys as select distinct ${targets.at(-1)} from ${target};
      alter table core.planted_keys add primary key (${targets.at(-1)});
      alter table ${table} add foreign key (${columns.at(-1)}) references core.planted_keys (${targets.at(-1)})`,
    objects: [table],
  }))
}
