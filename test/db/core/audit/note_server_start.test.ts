/** core.note_server_start: the log says when its server is not what it was (T-12). */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
})
afterAll(() => db.drop())

const note = async () =>
  (await db.as('howdah_worker').query('select core.note_server_start() as what')).rows[0].what

/** The last note is made to say something else, as if this server were another. */
async function noted(values: Record<string, unknown>): Promise<void> {
  const client = await db.superuser.connect()
  try {
    await client.query('begin; set local session_replication_role = replica')
    await client.query(
      `update core.audit_log set new_values = new_values || $1
       where id = (select max(id) from core.audit_landmarks('server'))`,
      [JSON.stringify(values)],
    )
    await client.query('commit')
  } finally {
    client.release()
  }
}

test('once at first, and then only what has changed', async () => {
  expect(await note()).toBe('server_started')
  expect(await note()).toBeNull()
  for (const [values, what] of [
    [{ started_at: '2026-01-01T00:00:00+00:00' }, 'server_restarted'],
    [{ timeline: 4711 }, 'server_recovered'],
    [{ system: '4711' }, 'server_replaced'],
  ] as const) {
    await noted(values)
    expect(await note()).toBe(what)
    expect(await note()).toBeNull()
    const { rows } = await db.owner.query(
      `select kind, subject_id, new_values -> 'before' as before, new_values - 'before' as now
       from core.audit_log where operation = $1`,
      [what],
    )
    expect(rows).toEqual([
      {
        kind: 'security',
        subject_id: null,
        before: expect.objectContaining(values),
        now: {
          system: expect.stringMatching(/^\d+$/),
          timeline: 1,
          started_at: expect.stringContaining('+00:00'),
        },
      },
    ])
  }
})

test('several workers at once note one change once', async () => {
  await noted({ timeline: 4711 })
  const told = await Promise.all(Array.from({ length: 5 }, note))
  expect(told.filter((what) => what !== null)).toEqual(['server_recovered'])
})
