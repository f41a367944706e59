/** A whole life through the SDK: signed up, used, to be deleted, kept after all, to be deleted again, gone. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createClient, orThrow } from '../../sdk/src/index.ts'
import { type TestApi, testApi } from '../setup/api.ts'
import { setClock } from '../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../setup/database.ts'
import { type MailServer, startMailServer } from '../worker/support/mail-server.ts'
import { startWorkerProcess } from '../worker/support/worker-process.ts'
import { openNewsroom } from './news.ts'

let db: TestDatabase
let api: TestApi
let mails: MailServer
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  mails = await startMailServer()
  await openNewsroom(db)
})
afterAll(async () => {
  await mails[Symbol.asyncDispose]()
  await db.drop()
})
/** Another day: the clock ends every connection, the worker's too. */
const worker = () => startWorkerProcess(db.url('howdah_worker'), { HOWDAH_SMTP_URL: mails.url })
const due = () => db.owner.query('select gdpr.enqueue_due_deletions()')

const email = 'leaving@example.com'
const password = 'correct horse battery'

it('is signed up, used, asked away, kept, asked away again, and gone', async () => {
  const client = createClient({ url: api.url })
  const elsewhere = createClient({ url: api.url })
  const { user } = await orThrow(client.auth.signUp({ email, password, displayName: 'Quillfeather' }))
  await orThrow(elsewhere.auth.signIn({ email, password }))
  await orThrow(client.rpc('follow_topic', { topic: 'space' }))

  const wrong = await client.rpc('request_account_deletion', { password: 'wrong horse' })
  expect(wrong.error).toMatchObject({ message: 'password_wrong' })
  {
    await using _worker = await worker()
    const asked = await orThrow(client.rpc('request_account_deletion', { password }))
    expect(asked).toMatchObject({ status: 'deletion_waiting', ended_session_count: 1 })
    const days = (Date.parse(asked.erase_at) - Date.now()) / 86_400_000
    expect(days).toBeGreaterThan(13.99)
    expect(days).toBeLessThan(14.01)
    expect((await elsewhere.auth.getUser()).error).toMatchObject({ key: 'session_ended' })
    const { message } = await mails.mailFor(email)
    expect(message.subject).toBe('Your account at Howdah will be deleted')
    expect(message.text).toContain(`${asked.erase_at.slice(0, 10)} ${asked.erase_at.slice(11, 16)} UTC`)

    // Looking and leaving work; nothing new begins.
    expect(await orThrow(client.from('account_deletion').select('state, erase_at'))).toEqual([
      { state: 'waiting', erase_at: expect.any(String) },
    ])
    expect((await client.auth.getUser()).data?.display_name).toBe('Quillfeather')
    const refused = await client.rpc('follow_topic', { topic: 'money' })
    expect(refused.error).toMatchObject({ message: 'account_closing' })
    // Asked twice: one request, one date.
    expect((await orThrow(client.rpc('request_account_deletion', { password }))).erase_at).toBe(
      asked.erase_at,
    )

    // Signing in again is the way back.
    await orThrow(elsewhere.auth.signIn({ email, password }))
    expect(await orThrow(elsewhere.rpc('cancel_account_deletion'))).toEqual({ status: 'deletion_cancelled' })
    expect((await mails.mailFor(email, 2)).message.subject).toBe('Your account at Howdah stays')
    await orThrow(client.rpc('follow_topic', { topic: 'money' }))
    const none = await client.rpc('cancel_account_deletion')
    expect(none.error).toMatchObject({ message: 'deletion_not_requested' })
    await orThrow(client.rpc('request_account_deletion', { password }))
    await mails.mailFor(email, 3)
  }

  await setClock(db, '12 days')
  {
    await due()
    await due()
    await using _worker = await worker()
    expect((await mails.mailFor(email, 4)).message.subject).toBe('Your account at Howdah goes in three days')
  }
  expect((await createClient({ url: api.url }).auth.signIn({ email, password })).error).toBeNull()

  await setClock(db, '14 days 1 minute')
  await due()
  await using _worker = await worker()
  const last = await mails.mailFor(email, 5)
  expect(last.message.subject).toBe('Your account at Howdah is deleted')
  const signIn = await createClient({ url: api.url }).auth.signIn({ email, password })
  expect(signIn.error).toMatchObject({ key: 'invalid_credentials' })
  const record = async () =>
    (await db.owner.query('select gdpr.erasure_report($1) as report', [user.id])).rows[0].report
  await expect.poll(async () => (await record()).step, { timeout: 30_000 }).toBe('done')
  await expect
    .poll(async () => (await db.owner.query(`select from core.mails where state <> 'sent'`)).rowCount)
    .toBe(0)
  const { rows } = await db.owner.query('select relation from gdpr.find_traces($1)', [
    [email, 'Quillfeather'],
  ])
  expect(rows).toEqual([])
  const requests = await db.owner.query('select outcome from gdpr.subject_requests order by id')
  expect(requests.rows).toEqual([{ outcome: 'withdrawn' }, { outcome: 'fulfilled' }])
  expect(mails.received.filter(({ to }) => to === email)).toHaveLength(5)
}, 120_000)
