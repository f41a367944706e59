/** O-11: nobody works, waits or idles longer than their role says; six probes at once, each ended within 10 percent. */
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../setup/api.ts'
import { testDatabase } from '../../setup/database.ts'
import { type Person, signUp } from '../../setup/story.ts'

/** Half a second more for a machine that tests many things at once; shorter limits would drown in it. */
const TOLERANCE = 0.1
const MACHINE_MS = 250

const db = await testDatabase()
let api: TestApi
let slowApi: TestApi
let user: Person
let admin: Person

beforeAll(async () => {
  api = await testApi(db)
  user = await signUp(api)
  admin = await signUp(api)
  await db.owner.query(`update core.users set role = 'admin' where id = $1`, [admin.id])
  const signedIn = await api.rpc('sign_in', { email: admin.email, password: admin.password })
  admin.token = signedIn.body.access_token
  await db.owner.query(`
    create function api.probe_sleep(seconds double precision) returns text language sql volatile
      begin atomic; select pg_sleep(seconds)::text; end;
    create function api.probe_lock() returns text language sql volatile
      begin atomic; select pg_advisory_xact_lock(4711)::text; end;
    -- Before each request, so that a transaction is longer than any of its statements.
    create function core.probe_slow_request() returns void language sql volatile
      begin atomic; select pg_sleep(case when current_user = 'howdah_anon' then 0 else 4.5 end); end;
    grant execute on function api.probe_sleep(double precision), api.probe_lock(), core.probe_slow_request()
      to howdah_anon, howdah_user, howdah_admin;
    notify pgrst, 'reload schema'`)
  slowApi = await testApi(db, { settings: { PGRST_DB_PRE_REQUEST: 'core.probe_slow_request' } })
  await api.restart()
})
afterAll(() => db.drop())

/** How long the request took, and what ended it. */
async function probe(through: TestApi, name: string, token: string | undefined, args = {}) {
  const from = performance.now()
  const { body, status } = await through.rpc(name, args, token)
  return { ms: performance.now() - from, status, code: body?.code }
}

test('each probe is ended in time', async () => {
  const { rows } = await db.superuser.query('select current_setting($1)::int / 10000 as major', [
    'server_version_num',
  ])
  const hasTransactionTimeout = rows[0].major >= 17
  const holder = await db.superuser.connect()
  await holder.query('begin; select pg_advisory_xact_lock(4711)')

  const idle = new pg.Client({ connectionString: db.url('howdah_authenticator') })
  const idleEnded = new Promise<{ ms: number; code: string | undefined }>((resolve) => {
    let from = 0
    let code: string | undefined
    idle.on('error', (error) => {
      code ??= (error as pg.DatabaseError).code
    })
    idle.on('end', () => resolve({ ms: performance.now() - from, code }))
    void idle
      .connect()
      .then(() => idle.query('begin'))
      .then(() => {
        from = performance.now()
      })
  })

  const [anon, signedIn, chief, lock, transaction, idled] = await Promise.all([
    probe(api, 'probe_sleep', undefined, { seconds: 20 }),
    probe(api, 'probe_sleep', user.token, { seconds: 20 }),
    probe(api, 'probe_sleep', admin.token, { seconds: 20 }),
    probe(api, 'probe_lock', user.token),
    probe(slowApi, 'probe_sleep', user.token, { seconds: 4.5 }),
    idleEnded,
  ])
  await holder.query('rollback')
  holder.release()

  const found: [string, number, { ms: number; code?: string | undefined }, string][] = [
    ['anon, a statement', 1_000, anon, '57014'],
    ['user, a statement', 5_000, signedIn, '57014'],
    ['admin, a statement', 10_000, chief, '57014'],
    ['user, waiting for a lock', 2_000, lock, '55P03'],
    ['authenticator, idle in a transaction', 10_000, idled, '25P03'],
  ]
  // A transaction's limit ends the session, and PostgREST says so in words of its own.
  if (hasTransactionTimeout)
    found.push(['user, a transaction of short statements', 8_000, transaction, transaction.code])
  for (const [what, limitMs, { ms, code }, right] of found) {
    console.log(`timeouts: ${what}: ${limitMs} ms, ended after ${Math.round(ms)} ms (${code})`)
    expect(code, what).toBe(right)
    expect(ms, what).toBeGreaterThanOrEqual(limitMs - 20)
    expect(ms, what).toBeLessThanOrEqual(limitMs * (1 + TOLERANCE) + MACHINE_MS)
  }
  if (hasTransactionTimeout) expect(transaction.status).toBeGreaterThanOrEqual(500)
  expect(found.length).toBe(hasTransactionTimeout ? 6 : 5)
})

test('what hashes passwords has five seconds, also for those who are not signed in', async () => {
  const { rows } = await db.superuser.query<{ name: string }>(
    `select p.proname as name from pg_proc p where 'statement_timeout=5s' = any (p.proconfig) order by 1`,
  )
  expect(rows.map(({ name }) => name)).toEqual(['reset_password', 'sign_in', 'sign_up'])
})

test('every role but the owner states its limits', async () => {
  const { rows } = await db.superuser.query<{ role: string; limits: string }>(`
    select r.rolname as role, string_agg(s, ', ' order by s) as limits from pg_roles r, unnest(r.rolconfig) s
    where r.rolname ~ '^howdah_' and s ~ '_timeout=' group by 1 order by 1`)
  console.log(rows.map(({ role, limits }) => `  ${role}: ${limits}`).join('\n'))
  expect(rows.map(({ role }) => role)).toEqual([
    'howdah_admin',
    'howdah_analytics',
    'howdah_anon',
    'howdah_authenticator',
    'howdah_backup',
    'howdah_monitoring',
    'howdah_readonly',
    'howdah_user',
    'howdah_worker',
  ])
})
