/** stack:status, stack:stop and npm start -- --fresh, and the database commands beside a running stack. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { isStillAlive, markProcess } from '../../stack/process/identity.ts'
import { leftAfter, makeHome, processesOf, runCli, startProcess } from './start-process.ts'

const home = await makeHome('data')
afterAll(() => home.remove())

describe('the commands beside npm start', { timeout: 60_000 }, () => {
  it('say that there is nothing yet', async () => {
    expect(await runCli(home, 'status.ts')).toMatchObject({
      code: 3,
      output: expect.stringMatching(/No stack runs on/),
    })
    expect(await runCli(home, 'stop.ts')).toMatchObject({
      code: 0,
      output: expect.stringMatching(/No stack runs on/),
    })
    const sql = await runCli(home, 'db-sql.ts', 'select 1')
    expect(sql).toMatchObject({
      code: 1,
      output: expect.stringMatching(/no database yet[\s\S]*npm run db:init/),
    })
  })

  it('show, ask, examine and stop a running stack', async () => {
    const start = await startProcess(home)
    const marks = processesOf(start.record())
    const status = await runCli(home, 'status.ts')
    expect(status.code).toBe(0)
    for (const { pid } of marks) expect(status.output).toContain(String(pid))
    const sql = await runCli(home, 'db-sql.ts', `select current_database() as name; select 1/0`)
    expect(sql).toMatchObject({ code: 1, output: expect.stringContaining('division by zero (22012)') })
    const health = await runCli(home, 'db-health.ts')
    expect(health.output).toMatch(/✓ +Postgres +18\.\d+/)
    expect(health.output).toMatch(/✓ +PostgREST +ready on port/)
    expect(health.output).toMatch(/✓ +worker +\d+ connections/)
    expect(health.code, health.output).toBe(0)
    expect(await runCli(home, 'stop.ts')).toMatchObject({
      code: 0,
      output: expect.stringContaining(`pid ${start.pid}`),
    })
    expect(await start.exited).toBe(0)
    expect(await leftAfter(marks, 0)).toEqual([])
  })

  it('work without a running stack, on the same data', async () => {
    const sql = await runCli(home, 'db-sql.ts', `select email from core.users where email like 'ada@%'`)
    expect(sql).toEqual({ code: 0, output: 'email\nada@example.com\n(1 row)\n' })
    expect((await runCli(home, 'status.ts')).code).toBe(3)
  })

  it('end only the very processes that were recorded, never another that got the number', async () => {
    const [ours, stranger] = [spawn('sleep', ['60']), spawn('sleep', ['60'])]
    const marks = [ours, stranger].map((child) => markProcess(child.pid as number))
    const [oursMark, strangerMark] = marks
    if (!oursMark || !strangerMark) throw new Error('sleep did not start')
    const record = {
      stack: { pid: 2 ** 22 + 1, startedAt: '1' },
      since: new Date().toISOString(),
      ready: true,
      ports: { api: 3000, admin: 3001 },
      children: { worker: oursMark, postgrest: { ...strangerMark, startedAt: '1' } },
    }
    writeFileSync(join(home.dataDir, 'run.json'), JSON.stringify(record))
    const stop = await runCli(home, 'stop.ts')
    expect(stop.output).toContain(`Ended worker (pid ${ours.pid})`)
    expect(isStillAlive(oursMark)).toBe(false)
    expect(isStillAlive(strangerMark)).toBe(true)
    stranger.kill()
  })

  it('begin anew only when told so', async () => {
    const secrets = () => readFileSync(join(home.dataDir, 'secrets.json'), 'utf8')
    const before = secrets()
    const refused = await startProcess(home, {}, ['--fresh'])
    expect(await refused.exited).toBe(1)
    expect(refused.output()).toMatch(/Nobody is here to answer[\s\S]*--yes/)
    expect(secrets()).toBe(before)
    const seals = join(home.dataDir, 'audit-seals.jsonl')
    const sealOfBefore = '"seal":4711'
    writeFileSync(seals, `{${sealOfBefore}}\n`)
    const start = await startProcess(home, {}, ['--fresh', '--yes'])
    expect(start.output()).toContain('new cluster')
    expect(secrets()).not.toBe(before)
    expect(existsSync(seals) && readFileSync(seals, 'utf8').includes(sealOfBefore)).toBe(false)
    start.kill('SIGTERM')
    expect(await start.exited).toBe(0)
  })
})
