/**
 * everybody tries everything, generated from the catalog, through the real PostgREST with real tokens. A new
 * table, view or function is attacked without a line added here; only a table whose rows cannot be made up asks for one.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'
import { OUR_FUNCTION } from './catalog/ours.ts'
import { makeWorld } from './matrix/identities.ts'
import { type Field, owedControls, runMatrix } from './matrix/run.ts'
import { surfacesOf } from './matrix/surfaces.ts'
import { tablesOf } from './matrix/tables.ts'

/** Postgres' own that would help an attacker most. */
const DANGEROUS = [
  'set_config',
  'pg_sleep',
  'query',
  'pg_read_file',
  'pg_terminate_backend',
  'dblink',
  'lo_import',
  'current_setting',
]
const MATRIX_TIMEOUT_MS = 120_000

const db = await testDatabase()
// Controls change one's own rows and ask PostgREST to undo it; attacks are meant to stay.
const api = await testApi(db, { settings: { PGRST_DB_TX_END: 'commit-allow-override' } })
afterAll(() => db.drop())

let field: Field
beforeAll(async () => {
  const world = await makeWorld(db, api)
  const surfaces = await surfacesOf(db.superuser)
  const inApi = new Set(surfaces.functions.map(({ name }) => name))
  const { rows } = await db.superuser.query<{ name: string }>(
    `select distinct p.proname as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${OUR_FUNCTION}`,
  )
  const hiddenFunctions = [...rows.map(({ name }) => name), ...DANGEROUS]
    .filter((name) => !inApi.has(name))
    .sort()
  field = { db, api, world, surfaces, hiddenFunctions }
}, MATRIX_TIMEOUT_MS)

it('every table of people, and every table the API reads, has rows of two people', async () => {
  const tables = (await tablesOf(db.superuser)).filter(({ owner, isReadable }) => owner || isReadable)
  expect(tables.length).toBeGreaterThan(5)
  const a = field.world.identities.find(({ name }) => name === 'user A')?.userId
  for (const { name, owner } of tables) {
    const { rows } = await db.superuser.query(
      owner
        ? `select count(distinct ${owner})::int as count from ${name} where ${owner} in ($1, $2)`
        : `select count(*)::int as count from ${name} where $1 <> $2`,
      [a, field.world.victim.id],
    )
    expect(rows[0].count, name).toBeGreaterThanOrEqual(2)
  }
})

describe('the attack matrix', () => {
  it(
    'has no unexpected cell, and a control for every view and verb',
    async () => {
      const { cells, unexpected, controls } = await runMatrix(field)
      console.log(`attack matrix: ${cells} cells, ${unexpected.length} unexpected, ${controls.size} controls`)
      expect(cells).toBeGreaterThan(1000)
      expect(unexpected).toEqual([])
      expect([...controls].sort()).toEqual(owedControls(field.world.identities, field.surfaces.views).sort())
    },
    MATRIX_TIMEOUT_MS,
  )
})
