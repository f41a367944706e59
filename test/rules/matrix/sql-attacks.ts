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
  updatable: z.string().nullable(),
  mayDelete: z.boolean(),
})
type Grants = z.infer<typeof grants>

const GRANTS = `
  select n.nspname || '.' || c.relname as name, c.relispartition as "isLeaf",
    (array_agg(a.attname order by a.attnum))[1] as "anyColumn",
    (array_agg(a.attname) filter (where has_column_privilege($1, c.oid, a.attnum, 'select')))[1] as readable,
    coalesce(array_agg(a.attname::text) filter (where has_column_privilege($1, c.oid, a.attnum, 'insert')), '{}') as insertable,
    (array_agg(a.attname) filter (where has_column_privilege($1, c.oid, a.attnum, 'update')))[1] as updatable,
    has_table_privilege($1, c.oid, 'delete') as "mayDelete"
  from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
  where ${OUR_TABLE} and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
  group by c.oid, n.nspname order by 1`

/** Attacks every table and partition with every verb, each in a transaction of its own that is rolled back. */
export async function attackTables(db: TestDatabase, identity: Identity, victim: Identity) {
  const owners = new Map((await tablesOf(db.superuser)).map(({ name, owner }) => [name, owner]))
  const { rows } = await db.superuser.query(GRANTS, [identity.role])
  const report = { cells: 0, unexpected: [] as string[] }
  for (const table of z.array(grants).parse(rows)) {
    const owner = owners.get(table.name) ?? null
    const seesAll = await hasAdminPolicy(db, table, identity)
    for (const [verb, sql, right] of attacksOn(table, owner, identity, victim)) {
      report.cells++
      const seen = await touched(db, identity, table, owner, sql)
      const problem =
        right === 'refused' ? seen !== 'refused' : seen === 'refused' || (owner && !seesAll && seen > 0)
      if (problem)
        report.unexpected.push(
          `table ${table.name}, ${verb} by SQL: ${right}, but ${seen === 'refused' ? seen : `${seen} foreign rows`}`,
        )
    }
  }
  return report
}

type Attack = [verb: string, sql: string, right: 'refused' | 'only own rows']

function attacksOn(table: Grants, owner: string | null, identity: Identity, victim: Identity): Attack[] {
  const { name, anyColumn, readable, updatable, mayDelete, insertable } = table
  const right = (isGranted: boolean) => (isGranted ? 'only own rows' : 'refused')
  const attacks: Attack[] = [
    ['select', `select ${readable ?? 'count(*)'} from ${name}`, right(readable !== null)],
    [
      'update',
      updatable ? `update ${name} set ${updatable} = default` : `update ${name} set ${anyColumn} = default`,
      right(updatable !== null),
    ],
    ['delete', `delete from ${name}`, right(mayDelete)],
  ]
  if (owner && insertable.includes(owner)) {
    attacks.push([
      'insert for the victim',
      `insert into ${name} (${owner}) values ('${victim.userId}')`,
      'refused',
    ])
  }
  if (owner && identity.userId && updatable) {
    attacks.push(['give to the victim', `update ${name} set ${owner} = '${victim.userId}'`, 'refused'])
  }
  return attacks
}

/** How many rows of others a statement reaches: rows it changed, or saw, beyond the attacker's own. */
async function touched(
  db: TestDatabase,
  identity: Identity,
  table: Grants,
  owner: string | null,
  sql: string,
): Promise<number | 'refused'> {
  const own = owner
    ? await db.superuser.query(`select count(*)::int as count from ${table.name} where ${owner} = $1`, [
        identity.userId ?? null,
      ])
    : undefined
  const actor = { role: identity.role ?? 'howdah_anon', claims: { sub: identity.userId } } as const
  try {
    const result = await db.session(actor, async (client) => {
      return client.query(sql)
    })
    return Math.max(0, (result.rowCount ?? 0) - (own?.rows[0].count ?? 0))
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === '42501') return 'refused'
    // A constraint was asked, so the policies had let the row through.
    if (code?.startsWith('23')) return 1
    throw new Error(`${sql} as ${identity.name}: ${(error as Error).message}`, { cause: error })
  }
}

async function hasAdminPolicy(db: TestDatabase, { name }: Grants, { role }: Identity): Promise<boolean> {
  const { rowCount } = await db.superuser.query(
    `select from pg_policy where polrelid = $1::regclass and polname ~ '_admin$' and $2::regrole = any (polroles)`,
    [name, role],
  )
  return (rowCount ?? 0) > 0
}
