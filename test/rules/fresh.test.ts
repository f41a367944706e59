/** Law "fresh": what is printed from the database is what it would be printed as now. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { errorsPage } from '../../docs/generator/errors-page.ts'
import { prometheusRules } from '../../docs/generator/prometheus-rules.ts'
import { settingsPage } from '../../docs/generator/settings-page.ts'
import { generateSdk } from '../../sdk/generator/generate-sdk.ts'
import { catalogTables } from '../../stack/db/catalog-tables.ts'
import { freshSchema } from '../../stack/db/schema.ts'
import { schemaText } from '../../stack/db/schema-text.ts'
import { PROJECT_DIR } from '../../stack/project-dir.ts'
import { testDatabase } from '../setup/database.ts'

const db = await testDatabase()
afterAll(() => db.drop())

/** What the database prints, by path. */
async function printSdk(): Promise<Map<string, string>> {
  const client = await db.owner.connect()
  try {
    return new Map((await generateSdk(client)).map(({ path, text }) => [path, text]))
  } finally {
    client.release()
  }
}

function committed(path: string): string {
  const absolute = join(PROJECT_DIR, path)
  return existsSync(absolute) ? readFileSync(absolute, 'utf8') : ''
}

describe('what is printed from the database', () => {
  it('migrations/schema.sql is fresh', async () => {
    const printed = await freshSchema(db.target, PROJECT_DIR)
    expect(printed.length).toBeGreaterThan(500)
    expect(committed('migrations/schema.sql'), 'stale; run npm run db:schema').toBe(printed)
  })

  it('docs/errors.md is fresh', async () => {
    const printed = await errorsPage(db.owner)
    expect(printed.length).toBeGreaterThan(500)
    expect(committed('docs/errors.md'), 'stale; run npm run docs:generate').toBe(printed)
  })

  it('docs/settings.md is fresh', async () => {
    const printed = await settingsPage(db.owner)
    expect(printed.length).toBeGreaterThan(500)
    expect(committed('docs/settings.md'), 'stale; run npm run docs:generate').toBe(printed)
  })

  it('the alert rules for Prometheus are fresh', async () => {
    const path = 'deploy/prometheus/howdah.rules.yml'
    expect(committed(path), 'stale; run npm run docs:generate').toBe(await prometheusRules(db.owner))
  })

  it('sdk/src/generated is fresh, and holds nothing else', async () => {
    const printed = await printSdk()
    const folder = 'sdk/src/generated'
    const there = readdirSync(join(PROJECT_DIR, folder)).map((name) => `${folder}/${name}`)
    expect(there.sort()).toEqual([...printed.keys()].sort())
    for (const [path, text] of printed)
      expect(committed(path), `${path} is stale; run npm run sdk:generate`).toBe(text)
  })

  it('changes when its source does', async () => {
    const [page, sdk, schema] = [await errorsPage(db.owner), await printSdk(), await tables()]
    const settings = await settingsPage(db.owner)
    const rules = await prometheusRules(db.owner)
    await db.owner.query(`
      create or replace function core.setting_catalogue()
        returns table (name text, default_value jsonb, json_schema jsonb, description text) language sql immutable
        begin atomic select 'seed', 'true'::jsonb, '{"type": "boolean"}'::jsonb, 'A seed.'; end;
      create or replace function core.error_codes() returns table (code text, key text)
        language sql immutable begin atomic select 'X', 'email_taken'; end;
      update ops.metrics set warn_at = warn_at * 2 where name = 'jobs_failed';
      comment on view api.topics is 'Something else.';
      alter table core.users add column seed text`)
    expect(await errorsPage(db.owner)).not.toBe(page)
    expect(await settingsPage(db.owner)).not.toBe(settings)
    expect(await prometheusRules(db.owner)).not.toBe(rules)
    expect(await printSdk()).not.toEqual(sdk)
    expect(await tables()).not.toBe(schema)
  })
})

/** schema.sql's text for this database as it is, not for a fresh one. */
async function tables(): Promise<string> {
  const client = await db.superuser.connect()
  try {
    return schemaText(await catalogTables(client))
  } finally {
    client.release()
  }
}
