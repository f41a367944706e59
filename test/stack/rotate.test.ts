/** npm run secrets:rotate beside a running stack, and what the next start makes of it. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { makeHome, runCli, startProcess } from './start-process.ts'

const home = await makeHome('data')
afterAll(() => home.remove())

const secretsFile = join(home.dataDir, 'secrets.json')
const secret = (): string => JSON.parse(readFileSync(secretsFile, 'utf8')).jwt_secret
const rpc = async (name: string, body: object, token?: string) => {
  const answer = await fetch(`http://127.0.0.1:${home.env['HOWDAH_API_PORT']}/rpc/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify(body),
  })
  return { status: answer.status, body: await answer.json() }
}
const signIn = async () => {
  const { body } = await rpc('sign_in', { email: 'ada@example.com', password: 'correct horse battery' })
  return { token: String(body.access_token), refreshToken: String(body.refresh_token) }
}
const status = async (token: string) => (await rpc('me', {}, token)).status

describe('secrets:rotate', { timeout: 180_000 }, () => {
  it('changes the key under a running stack, outlives a restart, and ends the old key', async () => {
    const start = await startProcess(home)
    const before = await signIn()
    const oldSecret = secret()

    const rotated = await runCli(home, 'secrets-rotate.ts')
    expect(rotated, rotated.output).toMatchObject({
      code: 0,
      output: expect.stringContaining('signed with a new key'),
    })
    expect(secret()).not.toBe(oldSecret)
    expect(rotated.output).not.toContain(secret())
    expect(statSync(secretsFile).mode & 0o777).toBe(0o600)
    const after = await signIn()
    expect([await status(before.token), await status(after.token)]).toEqual([200, 200])

    const again = await runCli(home, 'secrets-rotate.ts')
    expect(again).toMatchObject({ code: 1, output: expect.stringContaining('secret_still_used') })
    const early = await runCli(home, 'secrets-rotate.ts', '--finish')
    expect(early).toMatchObject({ code: 1, output: expect.stringContaining('secret_still_used') })

    start.kill('SIGTERM')
    expect(await start.exited).toBe(0)
    const second = await startProcess(home)
    expect([await status(before.token), await status(after.token)]).toEqual([200, 200])

    expect((await runCli(home, 'secrets-rotate.ts', '--finish', '--leaked')).code).toBe(0)
    for (let n = 0; n < 100 && (await status(before.token)) !== 401; n++) await sleep(20)
    expect([await status(before.token), await status(after.token)]).toEqual([401, 200])
    expect((await rpc('refresh_session', { refresh_token: before.refreshToken })).status).toBe(200)
    second.kill('SIGTERM')
    expect(await second.exited).toBe(0)
  })

  it('leaves a secret alone that comes from the environment, and refuses a short one', async () => {
    const before = secret()
    const given = {
      ...home,
      env: { ...home.env, HOWDAH_JWT_SECRET: 'a secret that is given from outside, long' },
    }
    expect(await runCli(given, 'secrets-rotate.ts')).toMatchObject({
      code: 1,
      output: expect.stringContaining('HOWDAH_JWT_SECRET'),
    })
    expect(secret()).toBe(before)
    const short = await startProcess(home, { HOWDAH_JWT_SECRET: 'x'.repeat(31) })
    expect(await short.exited).toBe(1)
    expect(short.output()).toMatch(/HOWDAH_JWT_SECRET is shorter than 32 bytes/)
  })
})
