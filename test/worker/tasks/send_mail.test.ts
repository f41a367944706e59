/** core/send_mail with a real worker process and a real mail server: at most once, whatever dies when. */
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type TestApi, testApi } from '../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { signUp } from '../../setup/story.ts'
import { type MailServer, startMailServer, tokenIn } from '../support/mail-server.ts'
import { startWorkerProcess } from '../support/worker-process.ts'

let db: TestDatabase
let api: TestApi
let mails: MailServer
let folder: string
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  mails = await startMailServer()
  folder = await mkdtemp(join(tmpdir(), 'howdah-mail-'))
})
afterAll(async () => {
  await mails[Symbol.asyncDispose]()
  await db.drop()
  await rm(folder, { recursive: true })
})

const start = (env: Record<string, string>) => startWorkerProcess(db.url('howdah_worker'), env)
const overSmtp = () => start({ HOWDAH_SMTP_URL: mails.url })
const reset = (email: string) => api.rpc('request_password_reset', { email })

async function mailOf(email: string) {
  const { rows } = await db.owner.query(
    `select m.state, m.last_error from core.mails as m join core.users as u on u.id = m.user_id
     where u.email = $1 order by m.created_at desc limit 1`,
    [email],
  )
  return rows[0]
}

test('sends a mail over SMTP, and the job carries the id only', async () => {
  const person = await signUp(api, { locale: 'de-DE' })
  expect((await reset(person.email)).status).toBe(202)
  const { rows } = await db.superuser.query(
    `select j.payload from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id
     where t.identifier = 'core/send_mail'`,
  )
  expect(rows).toEqual([{ payload: { mail_id: expect.stringMatching(/^[0-9a-f-]{36}$/) } }])
  await using _worker = await overSmtp()
  const mail = await mails.mailFor(person.email)
  expect(mail.message.subject).toBe('Ihr neues Passwort für Howdah')
  expect(mail.message.html).toContain('<html lang="de">')
  await vi.waitFor(async () =>
    expect(await mailOf(person.email)).toEqual({ state: 'sent', last_error: null }),
  )
})

test('a worker killed between sending and noting it leaves "unknown", and no second mail', async () => {
  const person = await signUp(api)
  mails.behave('hang')
  {
    await using worker = await overSmtp()
    await reset(person.email)
    await mails.mailFor(person.email)
    worker.kill('SIGKILL')
    await worker.exited
  }
  mails.behave('accept')
  expect(await mailOf(person.email)).toMatchObject({ state: 'sending' })
  // The reaper frees jobs of the dead 15 seconds after they were taken; here the operator's function does it at once.
  const { rows } = await db.superuser.query(
    'select array_agg(distinct locked_by) as ids from graphile_worker._private_jobs where locked_by is not null',
  )
  await db.superuser.query('select graphile_worker.force_unlock_workers($1)', [rows[0].ids])
  await db.superuser.query('update graphile_worker._private_jobs set run_at = now() where attempts > 0')
  await using _worker = await overSmtp()
  await vi.waitFor(async () => expect(await mailOf(person.email)).toMatchObject({ state: 'unknown' }), 5000)
  expect(mails.received.filter(({ to }) => to === person.email)).toHaveLength(1)
})

test('a mail the server refuses for good has failed and is not tried again', async () => {
  const person = await signUp(api)
  mails.behave('refuse')
  await using worker = await overSmtp()
  await reset(person.email)
  const line = await worker.line((one) => one.message === 'mail not delivered')
  mails.behave('accept')
  expect(await mailOf(person.email)).toMatchObject({
    state: 'failed',
    last_error: expect.stringMatching(/550/),
  })
  expect(JSON.stringify(line)).not.toContain(person.email)
})

test('a mail the server wants later waits, and goes out at the next try with a link that works', async () => {
  const person = await signUp(api)
  mails.behave('later')
  await using worker = await overSmtp()
  await reset(person.email)
  await worker.line((one) => one.level === 'error' && JSON.stringify(one).includes('mail_not_sent'))
  expect(await mailOf(person.email)).toMatchObject({ state: 'waiting' })
  mails.behave('accept')
  await db.superuser.query(
    'update graphile_worker._private_jobs set run_at = now() where attempts > 0 and locked_by is null',
  )
  const mail = await mails.mailFor(person.email)
  const answer = await api.rpc('reset_password', { token: tokenIn(mail), new_password: 'quite another one' })
  expect(answer.status).toBe(200)
})

test('without a mail server, mails land in the data folder for its owner only', async () => {
  const person = await signUp(api)
  await using worker = await start({ HOWDAH_DATA_DIR: folder })
  await reset(person.email)
  await worker.line((one) => one['task'] === 'core/send_mail')
  const name = await vi.waitFor(async () => {
    const kept = (await readdir(join(folder, 'mail'))).find((one) => one.includes('reset_password'))
    return kept ?? expect.fail('The mail is not there yet.')
  })
  expect(name).toMatch(/^\d{4}-\d\d-\d\dT[\d.-]+Z-reset_password-[0-9a-f-]{36}\.eml$/)
  expect((await stat(join(folder, 'mail', name))).mode & 0o777).toBe(0o600)
  expect(await readFile(join(folder, 'mail', name), 'utf8')).toContain(`To: ${person.email}`)
})
