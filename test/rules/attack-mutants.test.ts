/**
 * R-07 in short: holes in what the API shows, through the real PostgREST. Each policy and each view's security_invoker is
 * taken away in turn, and the matrix has to notice. `npm run test:mutation` takes away everything else, too.
 */
import { afterAll, expect, it } from 'vitest'
import { testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'
import { FIELD_SETTINGS, makeField } from './matrix/field.ts'
import { alarms, noticedByHttp } from './mutation/alarms.ts'
import { allMutants } from './mutation/all-mutants.ts'
import { SECOND_LINE } from './mutation/second-line.ts'

const MUTANTS_TIMEOUT_MS = 600_000
const KINDS = ['drop', 'using (true)', 'with check (true)', 'without row level security', 'view as its owner']

const db = await testDatabase()
afterAll(() => db.drop())
const api = await testApi(db, { settings: FIELD_SETTINGS })
const field = await makeField(db, api)
const attackers = field.world.identities.filter(({ name }) => ['user A', 'admin'].includes(name))

it(
  'every hole is noticed',
  async () => {
    const mutants = (await allMutants(db.superuser)).filter(
      ({ kind, objects }) => KINDS.includes(kind) && objects.some((name) => name.startsWith('api.')),
    )
    const survivors: string[] = []
    for (const mutant of mutants) {
      if (!(await noticedByHttp(field, mutant, attackers))) survivors.push(mutant.what)
    }
    console.log(`mutants: ${mutants.length} holes, ${mutants.length - survivors.length} noticed`)
    expect(mutants.length).toBeGreaterThan(20)
    expect(survivors.sort()).toEqual(Object.keys(SECOND_LINE).sort())
    expect(await alarms(field, [...new Set(mutants.flatMap(({ objects }) => objects))], attackers)).toEqual(
      [],
    )
  },
  MUTANTS_TIMEOUT_MS,
)
