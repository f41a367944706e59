/** What notices a hole: statements, laws, and requests through PostgREST. */
import type pg from 'pg'
import type { TestDatabase } from '../../setup/database.ts'
import { ALL_RULES } from '../catalog/all-rules.ts'
import { fixturesText } from '../catalog/fixtures-text.ts'
import { grantsMeetPolicies } from '../catalog/policies.ts'
import { dangerousGrants, leavesAreClosed } from '../catalog/privileges.ts'
import type { CatalogRule } from '../catalog/rule.ts'
import { surface } from '../catalog/surface.ts'
import type { Field } from '../matrix/field.ts'
import type { Identity } from '../matrix/identities.ts'
import { owedControls, runMatrix } from '../matrix/run.ts'
import { runSqlCells, type SqlCell } from '../matrix/sql-cell.ts'
import { reviewed } from '../reviewed.ts'
import type { Mutant } from './mutant.ts'

/** The reviewed lists of what each role reaches, as laws. */
const SURFACES: Pick<CatalogRule, 'name' | 'check'>[] = [
  ['surface-of-api.txt', true] as const,
  ['reach-beyond-api.txt', false] as const,
].map(([name, inApi]) => ({
  name,
  check: async (db) => {
    const isAgreed = (await surface(db, inApi)) === reviewed(name)
    return { looked: [name], findings: isAgreed ? [] : ['differs from what was reviewed'] }
  },
}))

type Law = Pick<CatalogRule, 'name' | 'check'>
const LAWS: readonly Law[] = [...ALL_RULES, ...SURFACES]
/** The same, the likely and cheap ones first. */
const LAWS_FOR_GRANTS: readonly Law[] = [
  dangerousGrants,
  leavesAreClosed,
  grantsMeetPolicies,
  ...SURFACES,
  ...ALL_RULES,
]

/** Cells by the object they are about. */
export type CellsByObject = ReadonlyMap<string, SqlCell[]>

/** Plants the hole in a transaction, tries the cells around it, and takes it back. */
export async function noticedBySql(
  client: pg.ClientBase,
  mutant: Mutant,
  cells: CellsByObject,
): Promise<string | undefined> {
  const near = mutant.objects
    .flatMap((object) => cells.get(object) ?? [])
    .filter(({ identity }) => mutant.role === undefined || identity.role === mutant.role)
    .filter(({ verb }) => mutant.verb === undefined || verb === mutant.verb)
  return planted(client, mutant, async () => (await runSqlCells(client, near))[0])
}

/** The law that notices first. Each is asked after a savepoint, for some try things out. */
export async function noticedByLaw(client: pg.ClientBase, mutant: Mutant): Promise<string | undefined> {
  return planted(client, mutant, async () => {
    for (const law of mutant.role === undefined ? LAWS : LAWS_FOR_GRANTS) {
      await client.query('savepoint law')
      const { findings } = await law.check(client)
      await client.query('rollback to law')
      if (findings.length > 0) return `${law.name}: ${findings[0]}`
    }
    return undefined
  })
}

/** Commits the hole, asks PostgREST, and repairs it by running the fixtures again (law "no-op" says that this does). */
export async function noticedByHttp(
  field: Field,
  mutant: Mutant,
  identities: Identity[],
): Promise<string | undefined> {
  await field.db.superuser.query(mutant.sql)
  try {
    return (await alarms(field, mutant.objects, identities))[0]
  } finally {
    await repair(field.db)
  }
}

/** What the part of the matrix around some objects says. */
export async function alarms(field: Field, objects: string[], identities: Identity[]): Promise<string[]> {
  const views = field.surfaces.views.filter(({ name }) => objects.includes(`api.${name}`))
  const { unexpected, controls } = await runMatrix(field, { views, identities, tables: objects })
  const missing = owedControls(identities, views).filter((control) => !controls.has(control))
  return [...unexpected, ...missing.map((control) => `${control} does not work`)]
}

async function repair(db: TestDatabase): Promise<void> {
  const client = await db.owner.connect()
  try {
    await client.query('set search_path = pg_catalog')
    await client.query(fixturesText())
  } finally {
    client.release(true)
  }
}

async function planted<T>(client: pg.ClientBase, mutant: Mutant, look: () => Promise<T>): Promise<T> {
  try {
    await client.query(`begin; ${mutant.sql}`)
    return await look()
  } finally {
    await client.query('rollback')
  }
}
