/** npm start from outside: what a person sees, and what is left when it ends well or badly. */
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { freePort } from '../../stack/free-port.ts'
import { LEAVING_MS, leftAfter, makeHome, npmStart, processesOf, startProcess } from './start-process.ts'

const home = await makeHome('Köln & Umgebung/meine Daten')
const other = await makeHome('zweite')
afterAll(() => Promise.all([home.remove(), other.remove()]))

async function health(apiPort: number): Promise<unknown> {
  const answer = await fetch(`http://127.0.0.1:${apiPort}/rpc/health`, { signal: AbortSignal.timeout(5_000) })
  return { status: answer.status, ok: JSON.stringify(await answer.json()).includes('"ok"') }
}

async function signIn(apiPort: number): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${apiPort}/rpc/sign_in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'ada@example.com', password: 'correct horse battery' }),
  })
  return answer.status
}

describe('npm start', { timeout: 60_000 }, () => {
  it('starts everything in a folder with spaces, umlauts and a closed parent, and stops on SIGTERM with 0', async () => {
    const start = await startProcess(home)
    expect(start.output()).toMatch(
      /✓ Postgres: 18\.\d+ .*\n✓ Migrations: .*\n✓ Seeds: .*\n✓ Erasures: .*\n✓ PostgREST: .*\n✓ Worker: /,
    )
    const record = start.record()
    expect(await health(record.ports.api)).toEqual({ status: 200, ok: true })
    expect(await signIn(record.ports.api)).toBe(200)
    start.kill('SIGTERM')
    expect(await start.exited, start.output()).toBe(0)
    expect(await leftAfter(processesOf(record), 0)).toEqual([])
  })

  it('hands SIGTERM through npm and gives back its exit code', async () => {
    const npm = await npmStart(home)
    const marks = processesOf(npm.record())
    npm.kill('SIGTERM')
    expect(await npm.exited, npm.output()).toBe(0)
    expect(await leftAfter(marks, 0)).toEqual([])
  })

  it('refuses a second start on the same folder, naming the pid, while one on another folder runs beside', async () => {
    const [first, beside] = await Promise.all([startProcess(home), startProcess(other)])
    const refused = await startProcess(home)
    expect(await refused.exited).toBe(1)
    expect(refused.output()).toContain(`pid ${first.pid}`)
    expect(refused.output()).toContain('npm run stack:stop')
    expect(await health(first.record().ports.api)).toEqual({ status: 200, ok: true })
    expect(await health(beside.record().ports.api)).toEqual({ status: 200, ok: true })
    const marks = [...processesOf(first.record()), ...processesOf(beside.record())]
    for (const start of [first, beside]) start.kill('SIGINT')
    expect(await Promise.all([first.exited, beside.exited])).toEqual([0, 0])
    expect(await leftAfter(marks, 0)).toEqual([])
  })

  it('leaves nothing behind five seconds after kill -9, and the next start has the data', async () => {
    const killed = await startProcess(home)
    const marks = processesOf(killed.record())
    expect(marks).toHaveLength(4)
    killed.kill('SIGKILL')
    expect(await leftAfter(marks, LEAVING_MS)).toEqual([])
    const next = await startProcess(home)
    expect(await signIn(next.record().ports.api)).toBe(200)
    next.kill('SIGTERM')
    expect(await next.exited).toBe(0)
  })

  it('leaves nothing behind when npm, which stands above it, is killed with kill -9', async () => {
    const npm = await npmStart(home)
    const marks = processesOf(npm.record())
    expect(marks).not.toContainEqual(expect.objectContaining({ pid: npm.pid }))
    npm.kill('SIGKILL')
    expect(await leftAfter(marks, LEAVING_MS)).toEqual([])
  })

  it('starts PostgREST and the worker again when they die', async () => {
    const start = await startProcess(home)
    const before = start.record().children
    for (const mark of [before.worker, before.postgrest]) process.kill(mark?.pid as number, 'SIGKILL')
    const isBack = () => {
      const now = start.record().children
      return now.worker?.pid !== before.worker?.pid && now.postgrest?.pid !== before.postgrest?.pid
    }
    while (!isBack()) await sleep(50)
    expect(start.output()).toMatch(/The worker was killed by SIGKILL/)
    expect(await health(start.record().ports.api)).toEqual({ status: 200, ok: true })
    start.kill('SIGTERM')
    expect(await start.exited).toBe(0)
  })

  it('stops with a sentence when Postgres dies, and recovers at the next start', async () => {
    const start = await startProcess(home)
    const marks = processesOf(start.record())
    process.kill(start.record().children.postgres?.pid as number, 'SIGKILL')
    expect(await start.exited).toBe(1)
    expect(start.output()).toContain('Postgres ended by itself (SIGKILL)')
    expect(await leftAfter(marks, 0)).toEqual([])
    const next = await startProcess(home)
    expect(await signIn(next.record().ports.api)).toBe(200)
    next.kill('SIGTERM')
    expect(await next.exited).toBe(0)
  })

  it('says which process has the port and which variable chooses another', async () => {
    const port = await freePort()
    const squatter = createServer().listen(port, '127.0.0.1')
    for (const variable of ['HOWDAH_API_PORT', 'HOWDAH_DB_PORT', 'HOWDAH_ADMIN_PORT']) {
      const refused = await startProcess(other, { [variable]: String(port) })
      expect(await refused.exited).toBe(1)
      expect(refused.output()).toContain(`port ${port}`)
      expect(refused.output()).toContain(`pid ${process.pid}`)
      expect(refused.output()).toContain(`${variable}=`)
    }
    squatter.close()
  })

  it('gives way to a free port where the usual database port was not asked for', async () => {
    const squatter = createServer().listen(5442, '127.0.0.1')
    // Someone else may have it already; either way it is taken.
    squatter.on('error', () => {})
    const start = await startProcess(other)
    expect(start.record().ports.database).not.toBe(5442)
    squatter.close()
    start.kill('SIGTERM')
    expect(await start.exited).toBe(0)
  })
})
