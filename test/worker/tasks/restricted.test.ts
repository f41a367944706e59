/**
 * A real worker over everybody: nothing is made of the data of who had them restricted (G-15), and nothing of what
 * somebody no longer agrees to is sent (G-20). Beside each stands somebody whose turn it is just the same.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { event } from '../../db/core/analytics/events.ts'
import { agreeTo } from '../../setup/agree.ts'
import { type Person, signUp } from '../../setup/story.ts'
import { accept } from '../support/push-service.ts'
import { openPushedWorld, type PushedWorld } from '../support/pushed-people.ts'

let world: PushedWorld
let dataDir: string
beforeAll(async () => {
  world = await openPushedWorld()
  dataDir = await mkdtemp(join(tmpdir(), 'howdah-restricted-'))
  // The first worker makes the keys that pushes are signed with; nothing goes out before.
  await using worker = await world.worker()
  await worker.line((line) => line['task'] === 'core/make_web_push_keys')
  await world.db.owner.query(
    `insert into core.plans (key, name, audience, limits, features, trial_days, is_public)
     values ('pro', 'Pro', 'user', '{}', '{}', 14, true)`,
  )
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await rm(dataDir, { recursive: true })
})

/** Everything the worker could do about somebody, waiting to be done. */
async function everythingDue(): Promise<{ person: Person; browser: { received: unknown[] } }> {
  const { person, browsers } = await world.person(accept)
  await agreeTo(world.api, 'product_news', person)
  await agreeTo(world.api, 'analytics', person)
  for (const kind of ['announcement', 'product_news']) {
    await world.db.owner.query('select ops.notify($1, $2, $3)', [person.email, kind, 'Hello'])
  }
  const inviter = await signUp(world.api)
  const made = await world.api.rpc(
    'create_organization',
    { name: 'Acme', slug: `acme-${inviter.id.slice(-12)}` },
    inviter.token,
  )
  await world.api.rpc(
    'invite_member',
    { organization_id: made.body[0].id, email: person.email },
    inviter.token,
  )
  await world.db.owner.query(
    `insert into core.subscriptions (user_id, plan, state, trial_ends_at) values ($1, 'pro', 'trialing', now())`,
    [person.id],
  )
  await world.db.owner.query(
    `update briefing.schedules set next_due_at = now() - interval '1 minute' where user_id = $1`,
    [person.id],
  )
  const [browser] = browsers
  if (!browser) throw new Error('No browser was subscribed.')
  return { person, browser }
}

/** What was done about somebody. */
async function done({ id, email }: Person): Promise<Record<string, number>> {
  const { rows } = await world.db.owner.query(
    `select
       (select count(*) from briefing.briefings b where b.user_id = $1)::int as briefings,
       (select count(*) from core.notification_deliveries d where d.user_id = $1 and d.state = 'sent')::int as pushes,
       (select count(*) from core.mails m where m.kind = 'invitation' and m.state = 'sent' and m.user_id = $1)::int as invitations,
       (select count(*) from core.subscriptions s where s.user_id = $1 and s.state = 'canceled')::int as trials,
       (select count(*) from core.analytics_events e where e.user_id = $1)::int as events`,
    [id],
  )
  expect(email).toContain('@')
  return rows[0]
}

/** Until nothing is left to run and somebody has what they should have: a push that failed is tried again by itself. */
async function runEverything(someone: Person, expected: Record<string, number>): Promise<void> {
  // Before the worker starts: it would take the jobs out of its hands, and what was being sent became unknown.
  await world.hurry()
  await using _worker = await world.worker({ HOWDAH_DATA_DIR: dataDir })
  for (const task of [
    'briefing/generate_due_briefings',
    'core/expire_trials',
    'core/roll_up_events',
    'core/clean_up_notifications',
  ]) {
    await world.db.superuser.query('select graphile_worker.add_job($1)', [task])
  }
  await expect
    .poll(
      async () =>
        (
          await world.db.superuser.query(
            'select count(*)::int as waiting from graphile_worker._private_jobs where run_at <= now() and attempts < max_attempts',
          )
        ).rows[0].waiting,
      { timeout: 30_000 },
    )
    .toBe(0)
  await expect.poll(() => done(someone), { timeout: 60_000 }).toMatchObject(expected)
}

const ALL = { briefings: 1, pushes: 3, invitations: 1, trials: 1, events: 1 }

test('0 rows of a restricted person are processed, 0 messages go out after a withdrawal', async () => {
  const restricted = await everythingDue()
  const withdrawn = await everythingDue()
  const free = await everythingDue()
  // All of it was agreed to and waits; now the two say stop.
  expect(await world.api.rpc('request_restriction', {}, restricted.person.token)).toMatchObject({
    status: 200,
  })
  await world.api.rpc('withdraw_consent', { purpose: 'product_news' }, withdrawn.person.token)
  await world.api.rpc('withdraw_consent', { purpose: 'analytics' }, withdrawn.person.token)
  for (const { person } of [restricted, withdrawn, free]) {
    await world.api.rpc('track_events', { events: [event()] }, person.token)
    await world.db.owner.query(`select ops.notify($1, 'product_news', 'More')`, [person.email])
  }
  await runEverything(free.person, ALL)

  expect(await done(restricted.person)).toEqual({
    briefings: 0,
    pushes: 0,
    invitations: 0,
    trials: 0,
    events: 0,
  })
  expect(restricted.browser.received).toHaveLength(0)
  // Only the announcement: nobody needs a consent for it.
  expect(await done(withdrawn.person)).toEqual({
    briefings: 1,
    pushes: 1,
    invitations: 1,
    trials: 1,
    events: 0,
  })
  expect(await done(free.person)).toEqual(ALL)

  // What they do themselves, and what happens to their account, goes on.
  const { token, email, password } = restricted.person
  expect((await world.api.rpc('sign_in', { email, password })).status).toBe(200)
  expect((await world.api.rpc('today_briefing', {}, token)).status).toBe(200)
  await world.db.owner.query(`select ops.notify($1, 'security', 'Was that you?')`, [email])
  await runEverything(restricted.person, { pushes: 1 })
  expect(restricted.browser.received).toHaveLength(1)
  expect((await world.db.owner.query('select export_user_data($1)', [email])).rowCount).toBe(1)

  await world.api.rpc('withdraw_restriction', {}, token)
  await world.db.owner.query(`update briefing.schedules set next_due_at = now() where user_id = $1`, [
    restricted.person.id,
  ])
  await world.db.owner.query('delete from briefing.briefings where user_id = $1', [restricted.person.id])
  await runEverything(restricted.person, { briefings: 1, trials: 1 })
  expect(await done(restricted.person)).toMatchObject({ briefings: 1, trials: 1 })
  await world.db.owner.query('select erase_user($1)', [email])
}, 240_000)
