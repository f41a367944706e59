/** foreign keys do not ask row level security, so each that carries the tenant is led into another's house. */
import { escapeIdentifier, escapeLiteral } from 'pg'
import type { Queryable } from '../catalog/rule.ts'
import type { Identity } from './identities.ts'
import type { SqlCell } from './sql-cell.ts'
import { tablesOf } from './tables.ts'

const KEYS = `
  select f.conrelid::regclass::text as table, f.conname as name, f.confrelid::regclass::text as target,
    (select array_agg(a.attname::text order by k.place) from unnest(f.conkey) with ordinality k (num, place)
      join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.num) as columns,
    (select array_agg(a.attname::text order by k.place) from unnest(f.confkey) with ordinality k (num, place)
      join pg_attribute a on a.attrelid = f.confrelid and a.attnum = k.num) as targets
  from pg_constraint f
  where f.contype = 'f' and f.conparentid = 0 and cardinality(f.conkey) = 2
    and exists (select from pg_attribute a where a.attrelid = f.conrelid and a.attnum = any (f.conkey) and a.attname = 'organization_id')
  order by 1, 2`

type Key = { table: string; name: string; target: string; columns: string[]; targets: string[] }

const organizationOf = (userId: string | undefined) =>
  `(select id from core.organizations where created_by = ${escapeLiteral(userId ?? '')})`

/** A row of the attacker's organization, pointed at one of the victim's, by somebody whom no policy stops. */
export async function keySqlCells(db: Queryable, identity: Identity, victim: Identity): Promise<SqlCell[]> {
  const { rows } = await db.query<Key>(KEYS)
  const tables = new Map((await tablesOf(db)).map((table) => [table.name, table]))
  const [mine, theirs] = [organizationOf(identity.userId), organizationOf(victim.userId)]
  return rows.map(({ table, name, target, columns, targets }) => {
    const place = columns.indexOf('organization_id')
    const column = escapeIdentifier(columns[1 - place] ?? '')
    const [tenant, key] = [targets[place], targets[1 - place]].map((one) => escapeIdentifier(one ?? ''))
    const owner = tables.get(table)?.owner
    const own = owner ? `and t.${owner} = ${escapeLiteral(identity.userId ?? '')}` : ''
    return {
      identity,
      object: table,
      verb: `point ${name} into another organization`,
      sql: `update ${table} set ${column} = (select p.${key} from ${target} p where p.${tenant} = ${theirs}
          and p.${key} not in (select q.${key} from ${target} q where q.${tenant} = ${mine}) limit 1)
        where ctid = (select t.ctid from ${table} t where t.organization_id = ${mine} ${own} limit 1)`,
      right: 'broken key' as const,
      isOwner: true,
    }
  })
}
