/** Where a recipient is told may hold a key: neither the log nor readers get it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
})
afterAll(() => db.drop())

test('the address and its secret stay out of the audit log and out of readers reach', async () => {
  await db.owner.query(`select gdpr.declare_recipient('crm', 'A CRM', 'core.organizations_in_need(uuid)')`)
  const { rows } = await db.owner.query(
    `select gdpr.set_recipient_webhook('crm', 'https://hooks.example/verysecretkey') as secret`,
  )
  const log = await db.superuser.query(
    `select e::text like '%verysecretkey%' or e::text like '%' || $1 || '%' as tells from core.audit_log as e
     where e.relation = 'gdpr.recipients'`,
    [rows[0].secret.slice(6)],
  )
  expect(log.rows).toContainEqual({ tells: false })
  expect(log.rows).not.toContainEqual({ tells: true })
  await expect(
    db.as('howdah_readonly').query('select webhook_url from gdpr.recipients'),
  ).rejects.toMatchObject({ code: '42501' })
})
