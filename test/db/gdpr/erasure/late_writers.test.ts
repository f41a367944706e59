/** G-08: an erasure amid twenty who write as that person all the time leaves nothing of them, and no session. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seededCast } from '../../../rules/matrix/seeded-cast.ts'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'
import { askToLeave, rowsLeft } from '../../../worker/erasure/leaving.ts'

const WRITERS = 20
/** Three by npm run test:erasure. */
const ROUNDS = Number(process.env['HOWDAH_ERASURE_ROUNDS'] ?? 1)

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  await seededCast(db, api)
})
afterAll(() => db.drop())

/** Writes in every way there is until told to stop; says how often it got through. */
async function write(person: Person, number: number, isOver: () => boolean): Promise<number> {
  let done = 0
  let refreshToken = person.refreshToken
  for (let turn = 0; !isOver(); turn++) {
    const acts = [
      () => api.rpc('follow_topic', { topic: 'space' }, person.token),
      () => api.rpc('sign_in', { email: person.email, password: person.password }),
      () => api.rpc('refresh_session', { refresh_token: refreshToken }),
      () => api.rpc('update_profile', { display_name: `Writer ${number} ${turn}` }, person.token),
      () =>
        api.rpc(
          'register_notification_token',
          { platform: 'ios', token: `${turn % 10}${number % 10}`.repeat(32) },
          person.token,
        ),
      // What operators and the worker do for somebody knows no session.
      () => notify(person),
    ]
    const answer = await acts[(number + turn) % acts.length]?.()
    if (answer?.status === 200) done++
    if (answer?.body?.refresh_token && answer.body.user?.id === person.id)
      refreshToken = answer.body.refresh_token
  }
  return done
}
const notify = async ({ id }: Person) => {
  try {
    await db.owner.query(`select core.notify($1, 'announcement', 'Late')`, [id])
    return { status: 200, body: null }
  } catch {
    return { status: 500, body: null }
  }
}

const notified = async ({ id }: Person) =>
  (await db.owner.query('select from core.notifications where user_id = $1', [id])).rowCount

async function eraseAmidWriters(person: Person, erase: () => Promise<unknown>): Promise<number> {
  let isOver = false
  const writers = Array.from({ length: WRITERS }, (_, number) => write(person, number, () => isOver))
  try {
    await expect.poll(async () => notified(person), { timeout: 30_000 }).toBeGreaterThan(20)
    await erase()
    // They go on for a while, and find nobody.
    const until = Date.now() + 1500
    while (Date.now() < until) await db.owner.query('select pg_sleep(0.05)')
  } finally {
    isOver = true
    await Promise.allSettled(writers)
  }
  const counts = await Promise.all(writers)
  return counts.reduce((sum, count) => sum + count, 0)
}

/** Rows of any table whose parents are gone, by every foreign key there is. */
async function orphans(): Promise<number> {
  const { rows } = await db.superuser.query(`
    select coalesce(sum((xpath('/row/n/text()', query_to_xml(format(
      'select count(*) as n from %s c where (%s) is not null and not exists (select from %s p where %s)',
      f.conrelid::regclass,
      (select string_agg(format('c.%I', a.attname), ' || ''-'' || ') from pg_attribute a where a.attrelid = f.conrelid and a.attnum = any (f.conkey)),
      f.confrelid::regclass,
      (select string_agg(format('p.%I = c.%I', t.attname, o.attname), ' and ') from unnest(f.conkey, f.confkey) k (o, t)
        join pg_attribute o on o.attrelid = f.conrelid and o.attnum = k.o join pg_attribute t on t.attrelid = f.confrelid and t.attnum = k.t)
    ), false, true, '')))[1]::text::int), 0)::int as orphans
    from pg_constraint f where f.contype = 'f' and f.conparentid = 0
      and not exists (select from unnest(f.conkey) k join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k
        where a.atttypid not in ('uuid'::regtype, 'text'::regtype))
      and f.connamespace::regnamespace::text in ('core', 'briefing', 'gdpr', 'ops', 'private')`)
  return rows[0].orphans
}

const checked = async (person: Person) => {
  expect(await rowsLeft(db, person.id)).toEqual({})
  expect(await orphans()).toBe(0)
  const session = await api.rpc('me', {}, person.token)
  expect([session.status, session.body.message]).toEqual([401, 'session_ended'])
}

test(`the operator erases in one transaction, ${ROUNDS} time(s)`, async () => {
  let through = 0
  for (let round = 0; round < ROUNDS; round++) {
    const person = await signUp(api)
    through += await eraseAmidWriters(person, () => db.owner.query('select erase_user($1)', [person.email]))
    await checked(person)
  }
  console.log(`late writers: ${through} writes got through before, 0 rows left after`)
  expect(through).toBeGreaterThan(20 * ROUNDS)
}, 120_000)

test('the worker erases step by step', async () => {
  const person = await signUp(api)
  const requestId = await askToLeave(db, api, person)
  const worker = db.as('howdah_worker')
  await eraseAmidWriters(person, async () => {
    const { rows } = await worker.query('select gdpr.begin_deletion($1) as erasure', [requestId])
    for (let step = ''; step !== 'done'; ) {
      const next = await worker.query('select gdpr.continue_erasure($1) as step', [rows[0].erasure])
      step = next.rows[0].step
    }
  })
  await checked(person)
}, 120_000)

test('a row for somebody who is gone is refused, whoever writes it (account_erased)', async () => {
  const person = await signUp(api)
  await db.owner.query('select erase_user($1)', [person.email])
  await expect(
    db.owner.query(`select core.notify($1, 'announcement', 'Too late')`, [person.id]),
  ).rejects.toMatchObject({ message: 'account_erased', code: 'PT410' })
  // The row would stay as proof, so what stands in it must not come too late either.
  await expect(
    db.owner.query(`select gdpr.open_subject_request($1, 'rectification', details => 'I am called Ada.')`, [
      person.id,
    ]),
  ).rejects.toMatchObject({ message: 'account_erased', code: 'PT410' })
})
