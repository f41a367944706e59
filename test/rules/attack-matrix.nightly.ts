/** R-02 in full: those whom the guard refuses, too, try every cell. The test of the same name keeps it short for them. */
import { afterAll, expect, it } from 'vitest'
import { testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'
import { FIELD_SETTINGS, makeField } from './matrix/field.ts'
import { owedControls, runMatrix } from './matrix/run.ts'

const MATRIX_TIMEOUT_MS = 900_000

const db = await testDatabase()
afterAll(() => db.drop())
const field = await makeField(db, await testApi(db, { settings: FIELD_SETTINGS }))

it(
  'has no unexpected cell',
  async () => {
    const { cells, unexpected, controls } = await runMatrix(field)
    console.log(`full matrix: ${cells} cells, ${unexpected.length} unexpected, ${controls.size} controls`)
    expect(unexpected).toEqual([])
    const owed = owedControls(field.world.identities, field.surfaces.views)
    expect(owed.filter((control) => !controls.has(control))).toEqual([])
  },
  MATRIX_TIMEOUT_MS,
)
