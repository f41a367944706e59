/** The rules over the live catalog hold, and each of them turns red when its defect is planted. */
import { afterAll, describe, expect, it } from 'vitest'
import { testDatabase } from '../setup/database.ts'
import { ALL_RULES } from './catalog/all-rules.ts'
import { rolledBack } from './catalog/rolled-back.ts'

const db = await testDatabase()
afterAll(() => db.drop())

const looked = new Map<string, number>()
afterAll(() => {
  const lines = [...looked].map(([name, count]) => `  ${String(count).padStart(5)}  ${name}`)
  console.log(`looked at:\n${lines.join('\n')}`)
})

describe.each(ALL_RULES)('$name: every $says', (rule) => {
  it('holds', async () => {
    const verdict = await rolledBack(db, (client) => rule.check(client))
    looked.set(rule.name, verdict.looked.length)
    expect(verdict.looked.length, 'a rule that looks at nothing proves nothing').toBeGreaterThan(0)
    expect(verdict.findings).toEqual([])
  })

  it.each(Object.entries(rule.defects))('finds %s', async (_what, sql) => {
    const findings = await rolledBack(db, async (client) => {
      const { findings: before } = await rule.check(client)
      await client.query('rollback; begin')
      await client.query(sql)
      const { findings: after } = await rule.check(client)
      return after.filter((finding) => !before.includes(finding))
    })
    expect(findings.length).toBeGreaterThan(0)
  })
})

it('every rule has a defect', () => {
  expect(ALL_RULES.length).toBeGreaterThan(20)
  expect(
    ALL_RULES.filter(({ defects }) => Object.keys(defects).length === 0).map(({ name }) => name),
  ).toEqual([])
})

describe('R-06: nobody adds an object unseen', () => {
  const UNSEEN = {
    'a table in api': 'create table api.seed (id int primary key)',
    'a table without row level security': 'create table core.seed (id int primary key)',
    'a function without grants or revokes': 'create function api.seed() returns int language sql return 1',
    'a column nobody declared': 'alter table core.users add column seed text',
  }
  it.each(Object.entries(UNSEEN))('%s turns a law red', async (_what, sql) => {
    const red: string[] = []
    for (const rule of ALL_RULES) {
      await rolledBack(db, async (client) => {
        await client.query(sql)
        const { findings } = await rule.check(client)
        if (findings.some((finding) => finding.includes('seed'))) red.push(rule.name)
      })
    }
    expect(red.length).toBeGreaterThan(0)
  })
})

it('R-03: partitions made later are closed too', async () => {
  const rules = ALL_RULES.filter(({ name }) => /^R-0[13] /.test(name))
  expect(rules.length).toBe(2)
  await rolledBack(db, async (client) => {
    const { rows } = await client.query('select ops.create_monthly_partitions(null, 12) as made')
    expect(rows[0].made).toBeGreaterThanOrEqual(3)
    for (const rule of rules) expect((await rule.check(client)).findings).toEqual([])
  })
})
