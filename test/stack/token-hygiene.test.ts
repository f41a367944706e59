/** after somebody's whole life on a real stack, no log and no table holds a token or a password. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { connectionUrl } from '../../stack/connection-url.ts'
import { listKeptMails, readKeptMail } from '../../worker/mails/kept-mails.ts'
import { makeHome, runCli, startProcess } from './start-process.ts'

const home = await makeHome('daten')
afterAll(() => home.remove())

const session = z.looseObject({ access_token: z.string(), refresh_token: z.string() })
const secretsFile = z.looseObject({ superuser_password: z.string() })

it('no log and no table holds a token or a password', { timeout: 90_000 }, async () => {
  const start = await startProcess(home)
  const { ports } = start.record()
  const rpc = async (name: string, body: object, token?: string) => {
    const answer = await fetch(`http://127.0.0.1:${ports.api}/rpc/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify(body),
    })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? null : JSON.parse(text) }
  }
  const folder = join(home.dataDir, 'mail')
  const mailedToken = (subject: RegExp, to: string) =>
    vi.waitFor(
      async () => {
        for (const name of await listKeptMails(folder)) {
          const mail = await readKeptMail(folder, name)
          const token = /#token=([A-Za-z0-9_-]{43})\b/.exec(mail.text)?.[1]
          if (mail.to === to && subject.test(mail.subject) && token) return token
        }
        return expect.fail(`No mail ${subject} for ${to} yet.`)
      },
      { timeout: 10_000, interval: 100 },
    )

  const email = 'canary@example.com'
  const passwords = [
    'canary-password-one',
    'canary-password-two',
    'canary-password-three',
    'canary-guess-wrong',
  ]
  const [first, second, third, wrong] = passwords
  const secrets: string[] = [...passwords]
  const enter = async (name: string, args: object) => {
    const answer = await rpc(name, args)
    const { access_token, refresh_token } = session.parse(answer.body)
    secrets.push(access_token, refresh_token)
    return { token: access_token, refresh: refresh_token }
  }
  const signedUp = await enter('sign_up', { email, password: first })
  await rpc('request_email_verification', {}, signedUp.token)
  const verify = await mailedToken(/^Confirm your address/, email)
  expect((await rpc('verify_email', { token: verify })).status).toBe(204)
  expect((await rpc('verify_email', { token: verify })).status).toBe(400)
  expect((await rpc('sign_in', { email, password: wrong })).status).toBe(401)
  const refreshed = await enter('refresh_session', { refresh_token: signedUp.refresh })
  expect(
    (await rpc('change_password', { current_password: wrong, new_password: second }, refreshed.token)).status,
  ).toBe(403)
  expect(
    (await rpc('change_password', { current_password: first, new_password: second }, refreshed.token)).status,
  ).toBe(200)
  await rpc('request_password_reset', { email })
  const reset = await mailedToken(/^Your new password/, email)
  const listed = await runCli(home, '../../worker/cli/mail-list.ts')
  expect([listed.code, listed.output]).toEqual([0, expect.stringMatching(/Your new password for Howdah/)])
  const shown = await runCli(home, '../../worker/cli/mail-list.ts', '1')
  expect(shown.output).toContain(reset)
  expect((await rpc('reset_password', { token: reset, new_password: third })).status).toBe(200)
  expect((await rpc('me', {}, refreshed.token)).status).toBe(401)
  expect((await rpc('me', {}, `${refreshed.token}x`)).status).toBe(401)
  await enter('sign_in', { email, password: third })
  secrets.push(verify, reset)

  const { superuser_password } = secretsFile.parse(
    JSON.parse(readFileSync(join(home.dataDir, 'secrets.json'), 'utf8')),
  )
  const database = new pg.Client({
    connectionString: connectionUrl(`postgres://127.0.0.1:${ports.database}/howdah`, {
      user: 'postgres',
      password: superuser_password,
    }),
  })
  await database.connect()
  const holding = async (texts: string[]) => {
    const { rows: tables } = await database.query<{ name: string }>(
      `select format('%I.%I', n.nspname, c.relname) as name
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind in ('r', 'm') and n.nspname !~ '^(pg_|information_schema)'
       union all select '(select * from pg_stat_activity where pid <> pg_backend_pid())'`,
    )
    const names: string[] = []
    for (const { name } of tables) {
      const { rowCount } = await database.query(
        `select from ${name} as t, unnest($1::text[]) as given (word) where strpos(t::text, given.word) > 0 limit 1`,
        [texts],
      )
      if (rowCount) names.push(name)
    }
    return names
  }
  expect(await holding([email]), 'a search that finds nothing proves nothing').toContain('core.users')
  const found = await holding([...secrets, 'eyJ'])
  await database.end()
  start.kill('SIGTERM')
  expect(await start.exited).toBe(0)

  const logs = readdirSync(join(home.dataDir, 'logs'))
  expect(logs.length).toBeGreaterThanOrEqual(3)
  for (const name of logs) {
    const text = readFileSync(join(home.dataDir, 'logs', name), 'utf8')
    for (const secret of [...secrets, 'eyJ'])
      if (text.includes(secret)) found.push(`${name}: ${secret.slice(0, 12)}…`)
  }
  for (const secret of secrets) if (start.output().includes(secret)) found.push('what npm start printed')
  expect(found).toEqual([])
})
