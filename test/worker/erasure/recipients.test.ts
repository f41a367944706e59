/** G-16: whoever was given personal data is told of an erasure, once as they see it, or listed for a person to tell. */
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { signUp } from '../../setup/story.ts'
import { startWebServer, type WebServer } from '../support/web-server.ts'
import { startWorkerProcess } from '../support/worker-process.ts'

type Told = { id: string; body: { type: string; data: { references: string[]; erasure_id: string } } }

let db: TestDatabase
let api: TestApi
let server: WebServer
let secret: string
/** Everything that came and whose signature holds; `acted` is what a receiver does who looks at the id. */
const told: Told[] = []
const acted = new Map<string, Told>()
let behave: 'accept' | 'refuse' | 'accept and hang' = 'accept'
let hung = 0

beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  server = await startWebServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8')
      // Throws where the signature is not the one that their library computes.
      const body = new Webhook(secret).verify(text, request.headers as Record<string, string>) as Told['body']
      if (behave === 'refuse') return response.writeHead(503).end()
      const one = { id: String(request.headers['webhook-id']), body }
      told.push(one)
      acted.set(one.id, one)
      if (behave === 'accept and hang') hung++
      else response.writeHead(204).end()
    })
  })
  secret = await hook(`${server.url}/erased`)
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await db.drop()
})

const hook = async (url: string | null) =>
  (await db.owner.query(`select gdpr.set_recipient_webhook('billing', $1) as secret`, [url])).rows[0].secret
const start = () => startWorkerProcess(db.url('howdah_worker'), { HOWDAH_FETCH_ALLOW: '127.0.0.1' })

/** Somebody who is two customers of the payment provider. */
async function customer() {
  const person = await signUp(api)
  await db.owner.query(
    `insert into core.billing_customers (provider, provider_customer_id, user_id, linked_by)
     values ('stripe', 'cus_a' || $2, $1, 'evt_1'), ('stripe', 'cus_b' || $2, $1, 'evt_2')`,
    [person.id, person.id.slice(-8)],
  )
  return person
}
const erase = (email: string) => db.owner.query('select erase_user($1)', [email])
const reportOf = async (id: string) => {
  const { rows } = await db.owner.query('select gdpr.erasure_report($1) as report', [id])
  return Object.fromEntries(rows[0].report.recipients.map((one: { name: string }) => [one.name, one]))
}
const hurry = async () => {
  const { rows } = await db.superuser.query(
    'select array_agg(distinct locked_by) as ids from graphile_worker._private_jobs where locked_by is not null',
  )
  if (rows[0].ids) await db.superuser.query('select graphile_worker.force_unlock_workers($1)', [rows[0].ids])
  await db.superuser.query('update graphile_worker._private_jobs set run_at = now()')
}

test('by a signed webhook, once, with what they know the person by; then we forget it', async () => {
  const ada = await customer()
  const bob = await signUp(api)
  await erase(ada.email)
  await erase(bob.email)
  await using _worker = await start()
  await expect.poll(async () => (await reportOf(ada.id))['billing'].state, { timeout: 20_000 }).toBe('told')
  expect(told).toHaveLength(1)
  expect(told[0]?.body).toMatchObject({
    type: 'account.erased',
    data: { references: [`stripe:cus_a${ada.id.slice(-8)}`, `stripe:cus_b${ada.id.slice(-8)}`] },
  })
  const report = await reportOf(ada.id)
  expect(report['push_services']).toMatchObject({
    state: 'nothing_to_tell',
    reason: expect.stringContaining('device'),
  })
  expect((await reportOf(bob.id))['billing'].state).toBe('knew_nothing')
  const { rows } = await db.owner.query('select relation from gdpr.find_traces($1)', [
    [`cus_a${ada.id.slice(-8)}`],
  ])
  expect(rows).toEqual([])
})

test('a worker killed amid it tells again under the same id: acted upon once', async () => {
  told.length = 0
  acted.clear()
  behave = 'accept and hang'
  const ada = await customer()
  await erase(ada.email)
  {
    await using worker = await start()
    await expect.poll(() => hung, { timeout: 20_000 }).toBe(1)
    worker.kill('SIGKILL')
    await worker.exited
  }
  behave = 'accept'
  for (let turn = 0; turn < 2; turn++) {
    await hurry()
    await using _worker = await start()
    await expect.poll(async () => (await reportOf(ada.id))['billing'].state, { timeout: 20_000 }).toBe('told')
  }
  expect([told.length, acted.size]).toEqual([2, 1])
})

test('one who refuses is tried again, and after ten times listed for a person; who tells them forgets', async () => {
  behave = 'refuse'
  const ada = await customer()
  await erase(ada.email)
  // In the same sealed column whoever searches finds nothing meanwhile.
  const { rows } = await db.owner.query('select relation from gdpr.find_traces($1)', [
    [`cus_a${ada.id.slice(-8)}`],
  ])
  expect(rows).toEqual([])
  await using _worker = await start()
  await expect
    .poll(
      async () => {
        await db.superuser.query(
          'update graphile_worker._private_jobs set run_at = now() where run_at > now()',
        )
        return (await reportOf(ada.id))['billing'].state
      },
      { timeout: 60_000 },
    )
    .toBe('failed')
  expect((await reportOf(ada.id))['billing']).toMatchObject({ attempt_count: 10, last_error: 'HTTP 503' })
  const open = await db.owner.query('select * from gdpr.notices_by_hand()')
  expect(open.rows).toMatchObject([
    {
      recipient: 'billing',
      known_there_as: [`stripe:cus_a${ada.id.slice(-8)}`, `stripe:cus_b${ada.id.slice(-8)}`],
    },
  ])
  await db.owner.query('select gdpr.mark_recipient_told($1)', [open.rows[0].notice_id])
  expect((await db.owner.query('select * from gdpr.notices_by_hand()')).rows).toEqual([])
  await expect(
    db.owner.query('select gdpr.mark_recipient_told($1)', [open.rows[0].notice_id]),
  ).rejects.toMatchObject({ message: 'recipient_not_found' })
}, 90_000)

test('without a webhook: by hand from the beginning, and nothing goes out', async () => {
  behave = 'accept'
  told.length = 0
  expect(await hook(null)).toBeNull()
  const ada = await customer()
  await erase(ada.email)
  expect((await reportOf(ada.id))['billing'].state).toBe('by_hand')
  expect((await db.owner.query('select count(*)::int as n from gdpr.notices_by_hand()')).rows[0].n).toBe(1)
  expect(told).toEqual([])
  await expect(hook('ftp://example.com')).rejects.toMatchObject({ message: 'recipient_url_invalid' })
  await expect(
    db.owner.query(`select gdpr.set_recipient_webhook('push_services', 'https://example.com')`),
  ).rejects.toMatchObject({ message: 'recipient_not_found' })
})
