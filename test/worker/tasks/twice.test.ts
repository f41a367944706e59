/** Every task, run twice on purpose, leaves the same state (J-14): jobs come again after a crash. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Task, WorkerServices } from '../../../worker/define-task.ts'
import { createFeedReader } from '../../../worker/feeds/feed-reader.ts'
import type { DeliverMail } from '../../../worker/mails/mail-delivery.ts'
import { parseFetchAllow } from '../../../worker/outgoing/fetch-allow.ts'
import type { SendPush } from '../../../worker/push/push-sender.ts'
import { loadTasks } from '../../../worker/running/load-tasks.ts'
import { addSource } from '../../../worker/sources/store.ts'
import { sealAll } from '../../setup/audit.ts'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { rssDocument, rssItem } from '../support/feed-documents.ts'
import { taskContext } from '../support/task-context.ts'
import { startWebServer, type WebServer } from '../support/web-server.ts'

let db: TestDatabase
let server: WebServer
let services: WorkerServices
let tasks: Map<string, Task>
let sourceId: string
let mailId: string
let deliveryId: string
let domainId: string
let exportId: string
let alertDeliveryId: string
let erasureId: string
const sentMails: string[] = []
const deliver: DeliverMail = async ({ recipient }) => {
  sentMails.push(recipient)
  return { state: 'sent' }
}
const pushed: string[] = []
const push: SendPush = async ({ token }) => {
  pushed.push(token)
  return { outcome: 'sent' }
}
let dataDir: string
let erased: { requestId: string; noticeId: string }

beforeAll(async () => {
  db = await testDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'howdah-twice-'))
  server = await startWebServer((_, response) => response.end(rssDocument(rssItem(1) + rssItem(2))))
  const allow = parseFetchAllow(`127.0.0.1:${server.port}`)
  services = { pool: db.as('howdah_worker'), reader: createFeedReader(), allow, dataDir }
  tasks = await loadTasks(fileURLToPath(new URL('../../../worker/tasks', import.meta.url)))
  const url = `${server.url}/feed.xml`
  sourceId = await addSource(services.pool, { url, canonicalUrl: url, kind: 'feed' })
  const { rows } = await db.owner.query(
    `with reader as (insert into core.users (email) values ('reader@example.com') returning id)
     insert into core.mails (kind, user_id) select 'verify_email', id from reader returning id`,
  )
  mailId = rows[0].id
  const { rows: made } = await db.owner.query(
    `with phone as (
       insert into core.notification_tokens (user_id, platform, token)
       select id, 'ios', repeat('ab', 32) from core.users where email = 'reader@example.com' returning user_id
     ) select user_id as id from phone`,
  )
  await db.owner.query(`select core.notify($1, 'security', 'Hello')`, [made[0].id])
  deliveryId = (await db.owner.query('select id from core.notification_deliveries')).rows[0].id
  const claimed = await db.owner.query(
    `with made as (insert into core.organizations (name, slug) values ('Acme', 'acme') returning id)
     insert into core.organization_domains (organization_id, domain, token, expires_at, next_check_at)
     select id, 'acme.example', repeat('a', 43), now() + interval '1 day', now() from made returning id`,
  )
  domainId = claimed.rows[0].id
  erased = await leaver()
  const asked = await db.owner.query(
    `insert into gdpr.data_exports (user_id, request_id, kind)
     select id, gdpr.open_subject_request(id, 'access'), 'access' from core.users where email = 'reader@example.com'
     returning id`,
  )
  exportId = asked.rows[0].id
  await db.owner.query('select ops.set_alert_webhook($1)', [`${server.url}/alerts`])
  const alerted = await db.owner.query(
    `with alert as (
       insert into ops.alerts (metric, severity, value, resolved_at) values ('jobs_failed', 'warn', 1, now()) returning id
     )
     insert into ops.alert_deliveries (alert_id, channel, event, severity, content)
     select id, 'webhook', 'opened', 'warn', '{}' from alert returning id`,
  )
  alertDeliveryId = alerted.rows[0].id
  const gone = await db.owner.query(`insert into core.users (email) values ('gone@example.com') returning id`)
  await db.owner.query('select gdpr.erase_account($1)', [gone.rows[0].id])
  erasureId = (await db.owner.query('select id from gdpr.erasure_ledger')).rows[0].id
})
afterAll(async () => {
  await services.reader[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
  await db.drop()
  await rm(dataDir, { recursive: true })
})

test('all of them', async () => {
  const payloads: Record<string, object> = {
    'briefing/fetch_source': { source_id: sourceId },
    'core/check_domain': { domain_id: domainId },
    'core/send_mail': { mail_id: mailId },
    'core/send_notification': { delivery_id: deliveryId },
    'gdpr/erase_account': { request_id: erased.requestId },
    'gdpr/tell_recipient': { notice_id: erased.noticeId },
    'gdpr/export_data': { export_id: exportId },
    'ops/deliver_alert': { delivery_id: alertDeliveryId },
    'gdpr/prove_erasure': { erasure_id: erasureId },
  }
  // Other databases of the server may still be writing, which holds the seal back.
  await sealAll(db)
  let run = 0
  for (const [identifier, task] of tasks) {
    const payload = payloads[identifier] ?? {}
    const context = { ...taskContext(services, deliver, push), lookUpTxt: async () => [] }
    await task(payload, context)
    const once = await rowCounts()
    await task(payload, context)
    expect([identifier, await rowCounts()]).toEqual([identifier, once])
    run++
  }
  expect(run).toBe(tasks.size)
  expect(sentMails).toEqual(['reader@example.com'])
  expect(pushed).toEqual(['ab'.repeat(32)])
  expect(server.requests.filter(({ url }) => url === '/alerts')).toHaveLength(1)
  expect((await rowCounts())['briefing.content_items']).toBe(2)
})

/** Somebody whose deletion is due, and a notice to whom it is told. */
async function leaver() {
  await db.owner.query(`select gdpr.set_recipient_webhook('billing', $1)`, [`${server.url}/erased`])
  const { rows } = await db.owner.query(
    `with one as (insert into core.users (email) values ('leaving@example.com') returning id),
       two as (insert into core.users (email) values ('gone@example.com') returning id),
       customer as (insert into core.billing_customers (provider, provider_customer_id, user_id, linked_by)
         select 'stripe', 'cus_1', id, 'evt_1' from two)
     select one.id as one, two.id as two from one, two`,
  )
  await db.owner.query('select gdpr.open_deletion($1)', [rows[0].one])
  await db.owner.query('select erase_user($1)', ['gone@example.com'])
  const { rows: made } = await db.owner.query(
    `with due as (update gdpr.deletion_requests set erase_at = now() returning id)
     select due.id as "requestId", n.id as "noticeId" from due, gdpr.recipient_notices n`,
  )
  return made[0]
}

/** Rows of every table of ours, jobs included; new partitions count as tables. */
async function rowCounts(): Promise<Record<string, number>> {
  const { rows } = await db.superuser.query(`
    select format('%I.%I', n.nspname, c.relname) as name,
      (xpath('/row/count/text()', query_to_xml(format('select count(*) from %I.%I', n.nspname, c.relname), false, true, '')))
        [1]::text::int as rows
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname in ('core', 'private', 'briefing', 'gdpr', 'ops', 'graphile_worker')
    order by 1`)
  return Object.fromEntries(rows.map(({ name, rows: count }) => [name, count]))
}
