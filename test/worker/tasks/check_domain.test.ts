/** From a claim to a proven domain with a real worker process and a real DNS server. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type TestApi, testApi } from '../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { signUp } from '../../setup/story.ts'
import { type DnsServer, startDnsServer } from '../support/dns-server.ts'
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.ts'

let db: TestDatabase
let api: TestApi
let dns: DnsServer
let worker: WorkerProcess
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  dns = await startDnsServer()
  worker = await startWorkerProcess(db.url('howdah_worker'), { HOWDAH_DNS_SERVERS: dns.address })
})
afterAll(async () => {
  await worker[Symbol.asyncDispose]()
  await dns[Symbol.asyncDispose]()
  await db.drop()
})

async function claim(slug: string, domain: string) {
  const owner = await signUp(api)
  const made = await api.rpc('create_organization', { name: 'Acme', slug }, owner.token)
  const { body } = await api.rpc('add_domain', { organization_id: made.body[0].id, domain }, owner.token)
  const row = async () => (await api.get(`/organization_domains?id=eq.${body[0].id}`, owner.token)).body[0]
  const check = () => api.rpc('check_domain', { domain_id: body[0].id }, owner.token)
  return { ...body[0], row, check } as {
    id: string
    record_name: string
    record_value: string
    row(): Promise<{ verified_at: string | null; last_problem: string | null }>
    check(): Promise<{ status: number }>
  }
}

test('the record is looked for, missed, set, found', async () => {
  const acme = await claim('acme', 'acme.example')
  expect((await acme.check()).status).toBe(204)
  await vi.waitFor(async () => expect((await acme.row()).last_problem).toBe('record_missing'), 5000)
  expect(dns.asked).toContain('_howdah-challenge.acme.example')
  // Other records of the name are in nobody's way, and a record may come in pieces.
  const half = acme.record_value.length / 2
  dns.records.set(acme.record_name, [
    'v=spf1 -all',
    [acme.record_value.slice(0, half), acme.record_value.slice(half)],
  ])
  await db.owner.query('update core.organization_domains set last_checked_at = null')
  await acme.check()
  await vi.waitFor(async () => expect((await acme.row()).verified_at).not.toBeNull(), 5000)
  expect(await acme.row()).toMatchObject({ last_problem: null })
})

test('a record that nearly fits proves nothing, and a DNS that fails takes nothing away', async () => {
  const near = await claim('near', 'near.example')
  dns.records.set(near.record_name, [
    near.record_value.toLowerCase(),
    ` ${near.record_value}`,
    `${near.record_value}x`,
    '\0',
  ])
  await near.check()
  await vi.waitFor(async () => expect((await near.row()).last_problem).toBe('record_missing'), 5000)
  dns.behave('fail')
  await db.owner.query(
    'update core.organization_domains set last_checked_at = null, verified_at = now() where id = $1',
    [near.id],
  )
  await near.check()
  await vi.waitFor(async () => expect((await near.row()).last_problem).toBe('dns_failed'), 5000)
  expect((await near.row()).verified_at).not.toBeNull()
  dns.behave('answer')
})

test('what is due is queued by the clock, once', async () => {
  const due = await claim('due', 'due.example')
  dns.records.set(due.record_name, [due.record_value])
  await db.owner.query('update core.organization_domains set next_check_at = now() where id = $1', [due.id])
  await db.owner.query(`select core.enqueue_job('core/enqueue_due_domains')`)
  await db.owner.query(`select core.enqueue_job('core/enqueue_due_domains')`)
  await vi.waitFor(async () => expect((await due.row()).verified_at).not.toBeNull(), 5000)
  await worker.line((line) => line.message === 'queued domain checks')
  expect(dns.asked.filter((name) => name === due.record_name)).toHaveLength(1)
})
