/**
 * every line of defence in the catalog is taken away, one at a time, and something has to notice: a cell of the
 * matrix by SQL, a law, or a cell through PostgREST, asked in this order. What nothing notices is a survivor.
 */
import { afterAll, expect, it } from 'vitest'
import { testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'
import { FIELD_SETTINGS, makeField } from './matrix/field.ts'
import { allMutants } from './mutation/all-mutants.ts'
import type { Mutant } from './mutation/mutant.ts'
import { SECOND_LINE } from './mutation/second-line.ts'
import { judged, makeTribunal, type Tribunal } from './mutation/tribunal.ts'
import { report, type Verdict } from './mutation/verdict.ts'

const MUTATION_TIMEOUT_MS = 900_000
/** Of all mutants only those whose sentence it matches, for instance `HOWDAH_MUTANTS='core.teams'`. (Default: all) */
const CHOSEN = process.env['HOWDAH_MUTANTS']
/** A database and a PostgREST each, so that holes never meet. */
const TRIBUNALS = 2

const fields = await Promise.all(
  Array.from({ length: TRIBUNALS }, async () => {
    const db = await testDatabase()
    return makeField(db, await testApi(db, { settings: FIELD_SETTINGS }))
  }),
)
const tribunals: Tribunal[] = []
afterAll(async () => {
  for (const { client } of tribunals) client.release(true)
  await Promise.all(fields.map(({ db }) => db.drop()))
})

it(
  'nothing survives',
  async () => {
    const started = performance.now()
    const first = fields[0]
    if (!first) throw new Error('there is no tribunal')
    const all = await allMutants(first.db.superuser)
    const mutants = all.filter(({ what }) => new RegExp(CHOSEN ?? '').test(what))
    const verdicts = new Map<Mutant, Verdict>()
    const queue = mutants.values()
    await Promise.all(
      fields.map(async (field) => {
        const tribunal = await makeTribunal(field)
        tribunals.push(tribunal)
        for (const mutant of queue) verdicts.set(mutant, await judged(tribunal, mutant))
      }),
    )
    const inOrder = mutants.flatMap((mutant) => verdicts.get(mutant) ?? [])
    console.log(report(inOrder, (performance.now() - started) / 1000))
    expect(inOrder.length).toBe(mutants.length)
    expect(mutants.length).toBeGreaterThan(CHOSEN ? 0 : 1000)
    expect(inOrder.filter(({ by }) => by === 'nothing').map(({ mutant }) => mutant.what)).toEqual([])
    const needless = inOrder.filter(({ by, mutant }) => by === 'cell' && mutant.what in SECOND_LINE)
    expect(
      needless.map(({ mutant }) => mutant.what),
      'in second-line.ts, but noticed',
    ).toEqual([])
  },
  MUTATION_TIMEOUT_MS,
)
