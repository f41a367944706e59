/** The whole story by the commands people type: npm start keeps backups, a moment comes back, and the copy serves. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DEMO_ACCOUNT } from '../../../stack/seeds/demo.ts'
import { type Home, makeHome, runCli, type StartProcess, startProcess } from '../../stack/start-process.ts'

let home: Home
let restored: Home
let stack: StartProcess
beforeAll(async () => {
  home = await makeHome('grüner Wal')
  home.env['HOWDAH_BACKUP_DIR'] = join('/tmp', `howdah backups ${process.pid}`)
  stack = await startProcess(home)
})
afterAll(async () => {
  await restored?.remove()
  await home.remove()
  rmSync(home.env['HOWDAH_BACKUP_DIR'] ?? '', { recursive: true, force: true })
})

const sql = async (at: Home, text: string) => (await runCli(at, 'db-sql.ts', text)).output
const rpc = async (at: Home, name: string, body: object) => {
  const answer = await fetch(`http://127.0.0.1:${at.env['HOWDAH_API_PORT']}/rpc/${name}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: answer.status, body: await answer.json() }
}
const until = async (what: () => Promise<boolean>) => {
  for (const end = Date.now() + 120_000; Date.now() < end; await sleep(500)) if (await what()) return
  throw new Error(`It did not come to pass. The stack said:\n${stack.output()}`)
}

test('npm start makes a backup, proves it by a restore, and tells the database', async () => {
  await until(async () =>
    /\b1\b/.test(await sql(home, 'select 1 from ops.backups where verified_at is not null')),
  )
  const levels = await sql(home, `select metric, status from service_levels where metric ~ 'backup|archive'`)
  expect(levels.match(/\bok\b/g)).toHaveLength(6)
  const list = await runCli(home, 'backup-list.ts')
  console.log(list.output)
  expect(list).toMatchObject({ code: 0, output: expect.stringMatching(/✓ .*Z/) })
  const again = await runCli(home, 'backup-keep.ts')
  expect(again).toMatchObject({ code: 0, output: expect.not.stringMatching(/Made|Proved/) })
})

test('a moment comes back, serves, and signs everybody in anew', async () => {
  const person = { email: 'before@example.com', password: 'correct horse battery' }
  const signedUp = await rpc(home, 'sign_up', person)
  expect(signedUp.status).toBe(200)
  await sleep(1100)
  const moment = new Date().toISOString()
  await sleep(1100)
  expect((await rpc(home, 'sign_up', { ...person, email: 'after@example.com' })).status).toBe(200)
  await sql(home, `delete from briefing.content_items`)
  await until(async () => {
    const found = await sql(home, `select 1 from pg_stat_archiver where last_archived_time > '${moment}'`)
    return found.includes('1 row')
  })
  restored = await makeHome('restored')
  restored.env['HOWDAH_BACKUP_DIR'] = home.env['HOWDAH_BACKUP_DIR']
  const from = performance.now()
  const outcome = await runCli(home, 'backup-restore.ts', '--into', restored.dataDir, '--to', moment)
  console.log(outcome.output)
  expect(outcome.code).toBe(0)
  stack.kill('SIGINT')
  await stack.exited
  const second = await startProcess(restored)
  console.log(`restored and serving after ${Math.round(performance.now() - from)} ms`)
  expect(second.output()).toContain('ready in')
  expect((await rpc(restored, 'sign_in', person)).status).toBe(200)
  expect((await rpc(restored, 'sign_in', { ...person, email: 'after@example.com' })).status).not.toBe(200)
  expect(
    (await rpc(restored, 'refresh_session', { refresh_token: signedUp.body.refresh_token })).status,
  ).not.toBe(200)
  expect((await rpc(restored, 'sign_in', DEMO_ACCOUNT)).status).toBe(200)
  expect(await sql(restored, 'select count(*) > 50 as many from briefing.content_items')).toContain('\nt\n')
})

test('the restored stack archives on a timeline of its own, and what follows restores as well', async () => {
  const moment = new Date().toISOString()
  expect(
    (await rpc(restored, 'sign_up', { email: 'third@example.com', password: 'correct horse battery' }))
      .status,
  ).toBe(200)
  const made = await runCli(restored, 'backup-create.ts')
  expect(made).toMatchObject({ code: 0 })
  await until(async () => {
    const found = await sql(restored, `select 1 from pg_stat_archiver where last_archived_time > '${moment}'`)
    return found.includes('1 row')
  })
  const verified = await runCli(restored, 'backup-verify.ts')
  console.log(verified.output)
  expect(verified.code).toBe(0)
})
