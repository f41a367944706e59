/**
 * The policies and grants on their own, without PostgREST before them: statements without a filter on every table,
 * partition and view, as the role and with the claims of the attacker. What one line of defence hides from the API,
 * another must not depend on.
 */
import { escapeLiteral } from 'pg'
import { z } from 'zod'
import { OUR_SCHEMA } from '../catalog/ours.ts'
import type { Queryable } from '../catalog/rule.ts'
import type { Identity } from './identities.ts'
import type { SqlCell } from './sql-cell.ts'
import type { View } from './surfaces.ts'
import { type Table, tablesOf } from './tables.ts'
import { rowsFor, seesAll } from './whose.ts'

const relation = z.object({
  name: z.string(),
  isView: z.boolean(),
  anyColumn: z.string(),
  readable: z.array(z.string()),
  insertable: z.array(z.string()),
  updatable: z.array(z.string()),
  mayDelete: z.boolean(),
})
type Relation = z.infer<typeof relation>

/** In a closed schema a grant serves the view that shows the table, and nobody who names the table itself. */
const MAY_ENTER = `has_schema_privilege($1, n.oid, 'usage')`

const allowed = (verb: string) =>
  `coalesce(array_agg(a.attname::text order by a.attnum) filter (
    where ${MAY_ENTER} and has_column_privilege($1, c.oid, a.attnum, '${verb}')), '{}')`

const RELATIONS = `
  select n.nspname || '.' || c.relname as name, c.relkind in ('v', 'm') as "isView",
    (array_agg(a.attname order by a.attnum))[1] as "anyColumn", ${allowed('select')} as readable,
    ${allowed('insert')} as insertable, ${allowed('update')} as updatable,
    ${MAY_ENTER} and has_table_privilege($1, c.oid, 'delete') as "mayDelete"
  from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
  where ${OUR_SCHEMA} and c.relkind in ('r', 'p', 'v', 'm') and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    and ($2::text[] is null or n.nspname || '.' || c.relname = any ($2))
  group by c.oid, n.oid, n.nspname order by 1`

/** Every verb on every relation, or on those named. */
export async function relationSqlCells(
  db: Queryable,
  identity: Identity,
  victim: Identity,
  views: View[],
  only?: string[],
): Promise<SqlCell[]> {
  const tables = new Map((await tablesOf(db)).map((table) => [table.name, table]))
  const { rows } = await db.query(RELATIONS, [identity.role, only])
  const cells: SqlCell[] = []
  for (const found of z.array(relation).parse(rows)) {
    const table = tables.get(found.name)
    const value = table ? await sampleValue(db, found, table) : undefined
    const own = table ? await rowsFor(db, table, identity) : undefined
    const view = views.find(({ name }) => found.name === `api.${name}`)
    const isClean = !view?.seesAll.includes(identity.role ?? '') && !(await seesAll(db, found.name, identity))
    const right = { rows: own, isClean }
    for (const [verb, sql, answer] of attacksOn(found, { table, identity, victim, value, right })) {
      cells.push({ identity, object: found.name, verb, sql, right: answer })
    }
  }
  return cells
}

type Attack = [verb: string, sql: string, right: SqlCell['right']]

type Sides = {
  table: Table | undefined
  identity: Identity
  victim: Identity
  value: unknown
  right: SqlCell['right']
}

function attacksOn(found: Relation, { table, identity, victim, value, right }: Sides): Attack[] {
  const { name, anyColumn, readable, updatable, mayDelete, insertable } = found
  const owner = table?.owner
  const attacks: Attack[] = [
    readable.length > 0
      ? ['select', `select ${readable.join(', ')} from ${name}`, right]
      : ['select', `select count(*) from ${name}`, 'no privilege'],
  ]
  if (!mayDelete) attacks.push(['delete', `delete from ${name}`, 'no privilege'])
  else if (table) attacks.push(['delete', `delete from ${name}`, right])
  const column = changeable(found, table)
  // Without reading a column, so that only the policy for updates decides.
  if (column && table) {
    attacks.push(['update', `update ${name} set ${column} = ${escapeLiteral(String(value))}`, right])
  }
  if (updatable.length === 0) {
    attacks.push(['update', `update ${name} set ${anyColumn} = default`, 'no privilege'])
  }
  if (owner && identity.userId && insertable.includes(owner)) {
    const insert = (id: string | undefined) => `insert into ${name} (${owner}) values ('${id}')`
    attacks.push(['insert for the victim', insert(victim.userId), 'refused'])
    attacks.push(['insert for oneself', insert(identity.userId), 'let through'])
  }
  if (owner && updatable.length > 0) {
    attacks.push(['give to the victim', `update ${name} set ${owner} = '${victim.userId}'`, 'refused'])
  }
  return attacks
}

/** A column the role may change and that does not say whose the row is. */
function changeable({ updatable }: Relation, table: Table | undefined): string | undefined {
  return updatable.find((column) => column !== table?.owner && column !== 'organization_id')
}

/** A value that some row has, so that no rule of the column refuses it. */
async function sampleValue(db: Queryable, found: Relation, table: Table): Promise<unknown> {
  const column = changeable(found, table)
  if (!column) return undefined
  const { rows } = await db.query(`select ${column}::text as value from ${found.name} limit 1`)
  return rows[0]?.value
}
