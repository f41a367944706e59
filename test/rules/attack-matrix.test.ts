/**
 * everybody tries everything, generated from the catalog, through the real PostgREST with real tokens. A new
 * table, view or function is attacked without a line added here; only a table whose rows cannot be made up asks for one.
 */
import { afterAll, describe, expect, it } from 'vitest'
import { testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'
import { FIELD_SETTINGS, makeField } from './matrix/field.ts'
import { owedControls, runMatrix } from './matrix/run.ts'
import { tablesOf } from './matrix/tables.ts'

const MATRIX_TIMEOUT_MS = 300_000

const db = await testDatabase()
afterAll(() => db.drop())
const api = await testApi(db, { settings: FIELD_SETTINGS })
const field = await makeField(db, api)

describe('the attack matrix', () => {
  it('has rows of two people in every table of people, and in every table the API reads', async () => {
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

  it(
    'has no unexpected cell, and a control for everybody, every view and every verb',
    async () => {
      const { cells, unexpected, controls } = await runMatrix(field)
      console.log(`attack matrix: ${cells} cells, ${unexpected.length} unexpected, ${controls.size} controls`)
      expect(cells).toBeGreaterThan(1000)
      expect(unexpected).toEqual([])
      expect([...controls].sort()).toEqual(owedControls(field.world.identities, field.surfaces.views).sort())
    },
    MATRIX_TIMEOUT_MS,
  )

  it('R-20: the description at / names what the asker may use, and nothing else', async () => {
    const { views, functions } = field.surfaces
    for (const identity of field.world.identities.filter(({ role }) => role !== undefined)) {
      // Some functions of the matrix end every session of their caller.
      const { status, body } = await api.get('/', await field.world.freshToken(identity))
      expect(status).toBe(200)
      const mayUse = [
        ...views
          .filter(({ grants }) => Object.keys(grants[identity.role ?? ''] ?? {}).length > 0)
          .map(({ name }) => `/${name}`),
        ...functions
          .filter(({ roles }) => roles.includes(identity.role ?? ''))
          .map(({ name }) => `/rpc/${name}`),
      ]
      expect(mayUse.length).toBeGreaterThan(3)
      expect(Object.keys(body.paths).sort(), identity.name).toEqual([...new Set(['/', ...mayUse])].sort())
    }
  })
})
