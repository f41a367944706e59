/** gdpr/prove_erasure: outside first, then proven and signed; gaps close, and what nobody signed is not believed. */
import { appendFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { replayErasures } from '../../../stack/gdpr/replay-erasures.ts'
import { withClient } from '../../../stack/provision/with-client.ts'
import type { WorkerServices } from '../../../worker/define-task.ts'
import { createFeedReader } from '../../../worker/feeds/feed-reader.ts'
import { parseFetchAllow } from '../../../worker/outgoing/fetch-allow.ts'
import { appendErasures, readErasures } from '../../../worker/proof/erasure-file.ts'
import { loadSigningKey } from '../../../worker/proof/signing-key.ts'
import { task as keepLedger } from '../../../worker/tasks/gdpr/keep_ledger.ts'
import { task as proveErasure } from '../../../worker/tasks/gdpr/prove_erasure.ts'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { taskContext } from '../support/task-context.ts'

let db: TestDatabase
let services: WorkerServices
let ledger: string
beforeAll(async () => {
  db = await testDatabase()
  const dataDir = await mkdtemp(join(tmpdir(), 'howdah-proofs-'))
  const ledgerDir = join(dataDir, 'elsewhere')
  ledger = join(ledgerDir, 'erasures.jsonl')
  services = {
    pool: db.as('howdah_worker'),
    reader: createFeedReader(),
    allow: parseFetchAllow(''),
    dataDir,
    ledgerDir,
  }
})
afterAll(async () => {
  await services.reader[Symbol.asyncDispose]()
  await db.drop()
  await rm(services.dataDir, { recursive: true })
})

const key = () => loadSigningKey(services.dataDir)
const prove = (id: string) => proveErasure({ erasure_id: id }, taskContext(services))
const keep = () => keepLedger({}, taskContext(services))

async function erased(email: string): Promise<{ erasure: string; userId: string }> {
  const { rows } = await db.owner.query('insert into core.users (email) values ($1) returning id', [email])
  await db.owner.query('select gdpr.erase_account($1)', [rows[0].id])
  const found = await db.owner.query('select id from gdpr.erasure_ledger where user_id = $1', [rows[0].id])
  return { erasure: found.rows[0].id, userId: rows[0].id }
}

test('a line outside, a proof, a signature; the line is of ids alone', async () => {
  const { erasure, userId } = await erased('quillfeather@example.com')
  await prove(erasure)
  await prove(erasure)
  const lines = (await readFile(ledger, 'utf8')).trimEnd().split('\n')
  expect(lines.length).toBe(1)
  expect(Object.keys(JSON.parse(lines[0] ?? ''))).toEqual([
    'erasure',
    'user_id',
    'erased_at',
    'key',
    'signature',
  ])
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ erasure, user_id: userId })
  const { rows } = await db.owner.query('select gdpr.erasure_certificate($1) as answer', [erasure])
  const { certificate, key: keyId, signature } = rows[0].answer
  expect(key().isSigned(certificate, keyId, signature)).toBe(true)
  expect(JSON.stringify(certificate)).not.toContain(userId)
  expect((await stat(join(services.dataDir, 'signing-key.json'))).mode & 0o777).toBe(0o600)
})

test('outside even where the proof fails, and the failure tells the place but no word', async () => {
  await db.superuser.query('create table core.leak (words text)')
  await db.superuser.query('grant select on core.leak to howdah_migrations')
  await db.superuser.query(`insert into core.leak values (md5('leaky@example.com'))`)
  const { erasure } = await erased('leaky@example.com')
  const failure = await prove(erasure).catch((error: Error & { key?: string }) => error)
  expect(failure).toMatchObject({
    key: 'erasure_not_proven',
    message: expect.stringMatching(/core\.leak \(md5\)/),
  })
  expect(String(failure)).not.toContain('leaky@')
  expect((await readErasures(ledger, key())).map((line) => line.erasure)).toContain(erasure)
  await db.superuser.query('drop table core.leak')
  await prove(erasure)
})

test('a gap closes by the clock: a lost line, half a line, a lost file', async () => {
  const whole = await readFile(ledger, 'utf8')
  await truncate(ledger, whole.length - 30)
  await keep()
  expect((await readErasures(ledger, key())).length).toBe(2)
  await rm(ledger)
  await keep()
  await keep()
  expect((await readErasures(ledger, key())).length).toBe(2)
})

test('a line that nobody signed is not believed, and nobody is erased for it', async () => {
  const { rows } = await db.owner.query(
    `insert into core.users (email) values ('victim@example.com') returning id`,
  )
  const whole = await readFile(ledger, 'utf8')
  const first = JSON.parse(whole.split('\n')[0] ?? '')
  await appendFile(ledger, `${JSON.stringify({ ...first, user_id: rows[0].id })}\n`)
  const replay = () =>
    withClient(db.url('howdah_migrations'), (owner) =>
      replayErasures(owner, { ledger, dataDir: services.dataDir }),
    )
  await expect(replay()).rejects.toMatchObject({ code: 'erasures_not_replayed' })
  await expect(keep()).rejects.toMatchObject({ key: 'erasure_ledger_damaged' })
  expect((await db.owner.query('select status from core.users where id = $1', [rows[0].id])).rows).toEqual([
    { status: 'active' },
  ])
  await writeFile(ledger, whole)
  expect(await replay()).toEqual({ lines: 2, erased: [], absent: 0 })

  // Signed, and unknown: an older backup was restored. The worker says so until it is replayed.
  const line = { erasure: crypto.randomUUID(), user_id: rows[0].id, erased_at: new Date().toISOString() }
  await appendErasures(ledger, [line], key())
  await expect(keep()).rejects.toMatchObject({ key: 'erasures_not_replayed' })
  expect(await replay()).toMatchObject({ lines: 3, erased: [line.erasure] })
  await keep()
  expect((await db.owner.query('select status from core.users where id = $1', [rows[0].id])).rows).toEqual([
    { status: 'erased' },
  ])
})
