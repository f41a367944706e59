/**
 * the matrix bites. Each policy, each table's row level security and each view's security_invoker is taken away in turn, and the
 * matrix has to notice. Running the fixtures again repairs the hole (law "no-op" says that they do).
 */
import { afterAll, expect, it } from 'vitest'
import { testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'
import { fixturesText } from './catalog/fixtures-text.ts'
import { FIELD_SETTINGS, makeField } from './matrix/field.ts'
import { type Mutant, mutantsOf } from './matrix/mutants.ts'
import { owedControls, runMatrix } from './matrix/run.ts'

const MUTANTS_TIMEOUT_MS = 300_000

/** Counts about nobody: every row is for admins, and no other role may select at all. */
const ADMINS_ONLY = 'only howdah_admin has the privilege, and it may see every row'

/** Holes behind which a second line of defence stands; each with what that is. */
const SECOND_LINE: Record<string, string> = {
  'api.analytics_daily as its owner': ADMINS_ONLY,
  'core.analytics_daily select_admin using (true)': ADMINS_ONLY,
  'core.analytics_daily without row level security': ADMINS_ONLY,
  'api.analytics_hourly as its owner': ADMINS_ONLY,
  'core.analytics_hourly select_admin using (true)': ADMINS_ONLY,
  'core.analytics_hourly without row level security': ADMINS_ONLY,
  'briefing.saved_cards update_own with check (true)': 'user_id may not be updated',
  'briefing.user_preferences update_own with check (true)': 'user_id may not be updated',
  'core.users select_admin using (true)':
    'whoever has the role is an admin; the request guard compares role and account',
}

const db = await testDatabase()
afterAll(() => db.drop())
const api = await testApi(db, { settings: FIELD_SETTINGS })
const field = await makeField(db, api)
const attackers = field.world.identities.filter(({ name }) => ['user A', 'admin'].includes(name))

/** What the part of the matrix around a hole says. */
async function alarms({ views: names, tables }: Pick<Mutant, 'views' | 'tables'>): Promise<string[]> {
  const views = field.surfaces.views.filter(({ name }) => names.includes(name))
  const { unexpected, controls } = await runMatrix(field, { views, identities: attackers, tables })
  const missing = owedControls(attackers, views).filter((control) => !controls.has(control))
  return [...unexpected, ...missing.map((control) => `${control} does not work`)]
}

async function repair(): Promise<void> {
  const client = await db.owner.connect()
  try {
    await client.query('set search_path = pg_catalog')
    await client.query(fixturesText())
  } finally {
    client.release(true)
  }
}

it(
  'every hole is noticed',
  async () => {
    const mutants = await mutantsOf(db.superuser)
    const survivors: string[] = []
    for (const mutant of mutants) {
      await db.superuser.query(mutant.sql)
      if ((await alarms(mutant)).length === 0) survivors.push(mutant.what)
      await repair()
    }
    console.log(`mutants: ${mutants.length} holes, ${mutants.length - survivors.length} noticed`)
    expect(mutants.length).toBeGreaterThan(20)
    expect(survivors.sort()).toEqual(Object.keys(SECOND_LINE).sort())
    const views = field.surfaces.views.map(({ name }) => name)
    const tables = mutants.flatMap((mutant) => mutant.tables)
    expect(await alarms({ views, tables })).toEqual([])
  },
  MUTANTS_TIMEOUT_MS,
)
