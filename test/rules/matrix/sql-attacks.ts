/**
 * The policies on their own, without views and PostgREST before them: statements without a filter, as the role and with
 * the claims of the attacker. What one line of defence hides from the API, another must not depend on.
 */
import { z } from 'zod'
import type { TestDatabase } from '../../setup/database.ts'
import { OUR_TABLE } from '../catalog/ours.ts'
import type { Identity } from './identities.ts'
import { tablesOf } from './tables.ts'

const grants = z.object({
  name: z.string(),
  isLeaf: z.boolean(),
  anyColumn: z.string(),
  readable: z.string().nullable(),
  insertable: z.array(z.string()),
  updatable: z.array(z.string()),
  mayDelete: z.boolean(),
})
type Grants = z.infer<typeof grants>

const GRANTS = `
  select n.nspname || '.' || c.relname as name, c.relispartition as "isLeaf",
    (array_agg(a.attname order by a.attnum))[1] as "anyColumn",
    (array_agg(a.attname) filter (where has_column_privilege($1, c.oid, a.attnum, 'select')))[1] as readable,
    coalesce(array_agg(a.attname::text) filter (where has_column_privilege($1, c.oid, a.attnum, 'insert')), '{}') as insertable,
    coalesce(array_agg(a.attname::text) filter (where has_column_privilege($1, c.oid, a.attnum, 'update')), '{}') as updatable,
    has_table_privilege($1, c.oid, 'delete') as "mayDelete"
  from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
  where ${OUR_TABLE} and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
  group by c.oid, n.nspname order by 1`

/** Attacks tables and partitions (default: all) with every verb, each in a transaction that is rolled back. */
export async function attackTables(db: TestDatabase, identity: Identity, victim: Identity, only?: string[]) {
  const owners = new Map((await tablesOf(db.superuser)).map(({ name, owner }) => [name, owner]))
  const { rows } = await db.superuser.query(GRANTS, [identity.role])
  const report = { cells: 0, unexpected: [] as string[] }
  for (const table of z
    .array(grants)
    .parse(rows)
    .filter(({ name }) => only?.includes(name) ?? true)) {
    const owner = owners.get(table.name) ?? null
    const own = owner ? await ownCount(db, table, owner, identity) : undefined
    const seesAll = await hasAdminPolicy(db, table, identity)
    const value = await sampleValue(db, table, owner)
    for (const [verb, sql, right, values] of attacksOn(table, { owner, identity, victim, value })) {
      report.cells++
      const seen = await reached(db, identity, sql, values)
      const isRight =
        right === 'let through'
          ? seen !== 'refused'
          : right === 'refused'
            ? seen === 'refused'
            : seen !== 'refused' && (own === undefined || seesAll || seen === own)
      const said = seen === 'refused' ? seen : `${seen} rows, of which ${own ?? 'any'} are theirs`
      if (!isRight)
        report.unexpected.push(`table ${table.name}, ${verb} by SQL: should be ${right}, was ${said}`)
    }
  }
  return report
}

type Attack = [
  verb: string,
  sql: string,
  right: 'refused' | 'let through' | 'own rows only',
  values?: unknown[],
]

type Sides = { owner: string | null; identity: Identity; victim: Identity; value: unknown }

function attacksOn(table: Grants, { owner, identity, victim, value }: Sides): Attack[] {
  const { name, anyColumn, readable, updatable, mayDelete, insertable } = table
  const right = (isGranted: boolean) => (isGranted ? 'own rows only' : 'refused')
  const attacks: Attack[] = [
    ['select', `select ${readable ?? 'count(*)'} from ${name}`, right(readable !== null)],
    ['delete', `delete from ${name}`, right(mayDelete)],
  ]
  const column = changeable(table, owner)
  // Without reading a column, so that only the policy for updates decides.
  if (column) attacks.push(['update', `update ${name} set ${column} = $1`, 'own rows only', [value]])
  if (updatable.length === 0) attacks.push(['update', `update ${name} set ${anyColumn} = default`, 'refused'])
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
function changeable({ updatable }: Grants, owner: string | null): string | undefined {
  return updatable.find((column) => column !== owner)
}

/** A value that some row has, so that no rule of the column refuses it. */
async function sampleValue(db: TestDatabase, table: Grants, owner: string | null): Promise<unknown> {
  const column = changeable(table, owner)
  if (!column) return undefined
  const { rows } = await db.superuser.query(`select ${column}::text as value from ${table.name} limit 1`)
  return rows[0]?.value
}

async function ownCount(
  db: TestDatabase,
  { name }: Grants,
  owner: string,
  { userId }: Identity,
): Promise<number> {
  const { rows } = await db.superuser.query(
    `select count(*)::int as count from ${name} where ${owner} = $1`,
    [userId ?? null],
  )
  return rows[0].count
}

/** How many rows a statement sees or changes. */
async function reached(
  db: TestDatabase,
  identity: Identity,
  sql: string,
  values: unknown[] = [],
): Promise<number | 'refused'> {
  const actor = { role: identity.role ?? 'howdah_anon', claims: { sub: identity.userId } } as const
  try {
    return await db.session(actor, async (client) => (await client.query(sql, values)).rowCount ?? 0)
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    if (code === '42501') return 'refused'
    // A constraint was asked, so the policies had let the row through.
    if (code?.startsWith('23')) return 1
    throw new Error(`${sql} as ${identity.name}: ${message}`, { cause: error })
  }
}

async function hasAdminPolicy(db: TestDatabase, { name }: Grants, { role }: Identity): Promise<boolean> {
  const { rowCount } = await db.superuser.query(
    `select from pg_policy where polrelid = $1::regclass and polname ~ '_admin$' and $2::regrole = any (polroles)`,
    [name, role],
  )
  return (rowCount ?? 0) > 0
}
