/**
 * R-07 in short: holes in what the API shows, through the real PostgREST. Each policy's conditions and each view's
 * security_invoker are taken away in turn, and the matrix has to notice: some here; `npm run test:mutation` takes all of
 * them away, and everything else.
 */
import { afterAll, expect, it } from 'vitest'
import { testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'
import { FIELD_SETTINGS, makeField } from './matrix/field.ts'
import { alarms, noticedByHttp } from './mutation/alarms.ts'
import { allMutants } from './mutation/all-mutants.ts'
import { SECOND_LINE } from './mutation/second-line.ts'

const MUTANTS_TIMEOUT_MS = 600_000
const KINDS = ['using (true)', 'with check (true)', 'view as its owner']
/** Each of them takes a second: here some, at night all. */
const EACH = 3
/** Policies for people and tools that log in; no request becomes one of them. */
const OF_READERS = / select_(analytics|readonly): /

const db = await testDatabase()
afterAll(() => db.drop())
const api = await testApi(db, { settings: FIELD_SETTINGS })
const field = await makeField(db, api)
const attackers = field.world.identities.filter(({ name }) => ['user A', 'admin'].includes(name))

it(
  'every hole is noticed',
  async () => {
    const mutants = (await allMutants(db.superuser))
      .filter(
        ({ kind, objects, what }) =>
          KINDS.includes(kind) && objects.some((name) => name.startsWith('api.')) && !OF_READERS.test(what),
      )
      .filter((_, index) => index % EACH === 0)
    const survivors: string[] = []
    for (const mutant of mutants) {
      if (!(await noticedByHttp(field, mutant, attackers))) survivors.push(mutant.what)
    }
    console.log(`mutants: ${mutants.length} holes, ${mutants.length - survivors.length} noticed`)
    expect(mutants.length).toBeGreaterThan(15)
    const tried = new Set(mutants.map(({ what }) => what))
    expect(survivors.sort()).toEqual(
      Object.keys(SECOND_LINE)
        .filter((what) => tried.has(what))
        .sort(),
    )
    expect(await alarms(field, [...new Set(mutants.flatMap(({ objects }) => objects))], attackers)).toEqual(
      [],
    )
  },
  MUTANTS_TIMEOUT_MS,
)
