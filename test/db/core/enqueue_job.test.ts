/** core.enqueue_job: jobs in the caller's transaction, and no way from a captured worker to the owner's rights. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
})
afterAll(() => db.drop())

test('adds the job with the transaction, and takes it back with it', async () => {
  const client = await db.owner.connect()
  try {
    await client.query('begin')
    await client.query(`select core.enqueue_job('x/y', '{"id": 1}', 'once')`)
    await client.query('rollback')
    await client.query(`select core.enqueue_job('x/y', '{"id": 2}', 'once')`)
    await client.query(`select core.enqueue_job('x/y', '{"id": 3}', 'once')`)
    const { rows } = await client.query(
      `select payload from graphile_worker._private_jobs where key = 'once'`,
    )
    expect(rows).toEqual([{ payload: { id: 3 } }])
  } finally {
    client.release()
  }
})

test('runs what a captured worker planted on its tables with the rights of the worker', async () => {
  const worker = db.as('howdah_worker')
  await worker.query(`
    create table graphile_worker.loot (said text);
    create function graphile_worker.plant() returns trigger language plpgsql as $$
    begin
      insert into graphile_worker.loot values (current_user);
      return new;
    end $$;
    create trigger plant after insert on graphile_worker._private_jobs
      for each row execute function graphile_worker.plant()`)
  await db.owner.query(`select core.enqueue_job('x/y')`)
  expect((await worker.query('select said from graphile_worker.loot')).rows).toEqual([
    { said: 'howdah_worker' },
  ])
})

test.each(['howdah_anon', 'howdah_user', 'howdah_admin', 'howdah_worker'] as const)(
  'is closed to %s',
  async (role) => {
    await expect(db.as(role).query(`select core.enqueue_job('x/y')`)).rejects.toMatchObject({ code: '42501' })
  },
)
