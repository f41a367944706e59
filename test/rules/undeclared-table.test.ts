/** A table that somebody just adds, the way tables are added elsewhere, turns three laws red before anybody reads it. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { applyOpenMigration } from '../../stack/provision/open-migration.ts'
import { testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'
import { scratchProject } from '../stack/scratch-project.ts'
import { ALL_RULES } from './catalog/all-rules.ts'
import { rolledBack } from './catalog/rolled-back.ts'
import { FIELD_SETTINGS, makeField } from './matrix/field.ts'
import { runMatrix } from './matrix/run.ts'

/** Correct SQL, and nothing of what Howdah asks for. */
const MIGRATION = `
create table if not exists core.planted_diaries (
  id uuid primary key default core.new_id(),
  user_id uuid not null references core.users (id) on delete cascade,
  entry text not null
);
create or replace view api.planted_diaries as select id, user_id, entry from core.planted_diaries;
grant select, insert, update, delete on core.planted_diaries, api.planted_diaries to howdah_user;
`

const db = await testDatabase()
const project = scratchProject()
beforeAll(async () => {
  project.write('current.sql', MIGRATION)
  expect(await applyOpenMigration(project.dir, db.url('howdah_migrations'))).toBe(true)
})
afterAll(() => {
  project.remove()
  return db.drop()
})

it('row-level security and privacy: the laws over the catalog name it', async () => {
  const red = new Set<string>()
  for (const rule of ALL_RULES) {
    const { findings } = await rolledBack(db, (client) => rule.check(client))
    if (findings.some((finding) => finding.includes('planted_diaries'))) red.add(rule.name)
  }
  console.log(`an undeclared table is named by ${red.size} laws: ${[...red].join(', ')}`)
  expect([...red]).toEqual(
    expect.arrayContaining(['R-01 rls', 'gdpr columns', '0010 security_invoker', 'T-01 audited or excepted']),
  )
})

it('the attack matrix reads and changes what is others’', async () => {
  const field = await makeField(db, await testApi(db, { settings: FIELD_SETTINGS }))
  const views = field.surfaces.views.filter(({ name }) => name === 'planted_diaries')
  expect(views.length).toBe(1)
  const { unexpected } = await runMatrix(field, { views, tables: ['core.planted_diaries'] })
  expect(unexpected.length).toBeGreaterThan(10)
  expect(unexpected.every((cell) => cell.includes('planted_diaries'))).toBe(true)
})
