/** Law "fresh": what is printed from the database is what it would be printed as now. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { errorsPage } from '../../docs/generator/errors-page.ts'
import { freshSchema } from '../../stack/db/schema.ts'
import { PROJECT_DIR } from '../../stack/project-dir.ts'
import { testDatabase } from '../setup/database.ts'

const db = await testDatabase()
afterAll(() => db.drop())

/** What is printed, by path; `remedy` prints it anew. */
const PRINTED: { path: string; remedy: string; print: () => Promise<string> }[] = [
  {
    path: 'migrations/schema.sql',
    remedy: 'npm run db:schema',
    print: () => freshSchema(db.target, PROJECT_DIR),
  },
  { path: 'docs/errors.md', remedy: 'npm run docs:generate', print: () => errorsPage(db.owner) },
]

function committed(path: string): string {
  const absolute = join(PROJECT_DIR, path)
  return existsSync(absolute) ? readFileSync(absolute, 'utf8') : ''
}

describe('what is printed from the database', () => {
  it.each(PRINTED)('$path is fresh', async ({ path, remedy, print }) => {
    const printed = await print()
    expect(printed.length).toBeGreaterThan(500)
    expect(committed(path), `${path} is stale; run ${remedy}`).toBe(printed)
  })

  it('changes when its source does', async () => {
    const before = await errorsPage(db.owner)
    await db.owner.query(`create or replace function core.error_codes() returns table (code text, key text)
      language sql immutable begin atomic select 'X', 'seed_key'; end`)
    expect(await errorsPage(db.owner)).not.toBe(before)
  })
})
