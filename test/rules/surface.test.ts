/** Law "surface" and: what each role reaches is exactly what somebody reviewed. */
import { afterAll, describe, expect, it } from 'vitest'
import { testDatabase } from '../setup/database.ts'
import { rolledBack } from './catalog/rolled-back.ts'
import type { Queryable } from './catalog/rule.ts'
import { definerInventory, surface } from './catalog/surface.ts'
import { expectReviewed } from './reviewed.ts'

const db = await testDatabase()
afterAll(() => db.drop())

const SNAPSHOTS: [name: string, look: (client: Queryable) => Promise<string>][] = [
  ['surface-of-api.txt', (client) => surface(client, true)],
  ['reach-beyond-api.txt', (client) => surface(client, false)],
  ['definer-functions.txt', definerInventory],
]

describe('what each role reaches', () => {
  it.each(SNAPSHOTS)('is what %s says', async (name, look) => {
    const text = await rolledBack(db, look)
    console.log(`${name}: ${text.trimEnd().split('\n').length} lines compared`)
    expectReviewed(name, text)
  })

  const GROWN: [what: string, name: string, sql: string][] = [
    [
      'a new view for anon',
      'surface-of-api.txt',
      'create view api.seed as select 1 as id; grant select on api.seed to howdah_anon',
    ],
    [
      'a new column of a view',
      'surface-of-api.txt',
      'create or replace view api.topics as select t.*, 1 as seed from api.topics t',
    ],
    ['a verb more', 'surface-of-api.txt', 'grant delete on api.users to howdah_user'],
    ['one column to write', 'surface-of-api.txt', 'grant update (role) on api.users to howdah_user'],
    ['a function for anon', 'surface-of-api.txt', 'grant execute on function api.me() to howdah_anon'],
    [
      'a function without grants',
      'surface-of-api.txt',
      'create function api.seed() returns int language sql return 1',
    ],
    [
      'a changed argument',
      'surface-of-api.txt',
      'drop function api.me(); create function api.me(seed int) returns int language sql return 1',
    ],
    ['a table outside api', 'reach-beyond-api.txt', 'grant select on private.passwords to howdah_admin'],
    ['a schema', 'reach-beyond-api.txt', 'grant usage on schema graphile_worker to howdah_user'],
    [
      'an inner function',
      'reach-beyond-api.txt',
      'grant execute on function private.secret(text) to howdah_user',
    ],
    [
      'a definer function',
      'definer-functions.txt',
      'create function core.seed() returns int language sql security definer return 1',
    ],
    ['a function that became definer', 'definer-functions.txt', 'alter function api.me() security definer'],
    [
      'a caller more',
      'definer-functions.txt',
      'grant execute on function core.enqueue_job(text, jsonb, text, timestamptz) to howdah_user',
    ],
  ]
  it.each(GROWN)('finds %s', async (_what, name, sql) => {
    const look = SNAPSHOTS.find(([snapshot]) => snapshot === name)?.[1]
    if (!look) throw new Error(`no snapshot ${name}`)
    await rolledBack(db, async (client) => {
      const before = await look(client)
      await client.query(sql)
      expect(await look(client)).not.toBe(before)
    })
  })
})
