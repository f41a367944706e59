/** O-11: nobody works, waits or idles longer than their role says; six probes at once, each ended within 10 percent. */
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../setup/api.ts'
import { testDatabase } from '../../setup/database.ts'
import { type Person, signUp } from '../../setup/story.ts'

const TOLERANCE = 0.1
/** A machine that tests many things at once answers late; what is late is asked again, alone. */
const TRIES = 4

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

type Ended = { ms: number; code: string | undefined }
type Probe = { what: string; limitMs: number; code: string; run(): Promise<Ended> }

/** How long the request took, and what ended it. */
async function request(through: TestApi, name: string, token: string | undefined, args = {}): Promise<Ended> {
  const from = performance.now()
  const { body } = await through.rpc(name, args, token)
  return { ms: performance.now() - from, code: body?.code }
}

/** Begins a transaction and does nothing. */
async function idle(): Promise<Ended> {
  const client = new pg.Client({ connectionString: db.url('howdah_authenticator') })
  let code: string | undefined
  client.on('error', (error) => {
    code ??= (error as pg.DatabaseError).code
  })
  const ended = new Promise<void>((resolve) => client.on('end', () => resolve()))
  await client.connect()
  await client.query('begin')
  const from = performance.now()
  await ended
  return { ms: performance.now() - from, code }
}

const isInTime = ({ limitMs }: Probe, { ms }: Ended) => ms >= limitMs - 20 && ms <= limitMs * (1 + TOLERANCE)

test('each probe is ended in time', { timeout: 120_000 }, async () => {
  const { rows } = await db.superuser.query(
    `select current_setting('server_version_num')::int / 10000 as major`,
  )
  const sleeping = (token?: string) => () => request(api, 'probe_sleep', token, { seconds: 20 })
  const probes: Probe[] = [
    { what: 'anon, a statement', limitMs: 1_000, code: '57014', run: sleeping() },
    { what: 'user, a statement', limitMs: 5_000, code: '57014', run: sleeping(user.token) },
    { what: 'admin, a statement', limitMs: 10_000, code: '57014', run: sleeping(admin.token) },
    {
      what: 'user, waiting for a lock',
      limitMs: 2_000,
      code: '55P03',
      run: () => request(api, 'probe_lock', user.token),
    },
    { what: 'authenticator, idle in a transaction', limitMs: 10_000, code: '25P03', run: idle },
  ]
  // The connection ends with it, which PostgREST says in words of its own.
  if (rows[0].major >= 17)
    probes.push({
      what: 'user, a transaction of short statements',
      limitMs: 8_000,
      code: 'PGRST001',
      run: () => request(slowApi, 'probe_sleep', user.token, { seconds: 4.5 }),
    })

  const holder = await db.superuser.connect()
  await holder.query('begin; select pg_advisory_xact_lock(4711)')
  const first = await Promise.all(probes.map((probe) => probe.run()))
  for (const [n, probe] of probes.entries()) {
    let ended = first[n] as Ended
    for (let tries = 1; tries < TRIES && !isInTime(probe, ended); tries++) ended = await probe.run()
    console.log(
      `timeouts: ${probe.what}: ${probe.limitMs} ms, ended after ${Math.round(ended.ms)} ms (${ended.code})`,
    )
    expect([probe.what, ended.code, isInTime(probe, ended)]).toEqual([probe.what, probe.code, true])
  }
  await holder.query('rollback')
  holder.release()
  expect(probes.length).toBe(rows[0].major >= 17 ? 6 : 5)
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
    'howdah_metrics',
    'howdah_monitoring',
    'howdah_readonly',
    'howdah_user',
    'howdah_worker',
  ])
})
