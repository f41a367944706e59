/** The feeds:* commands as operators type them, on a server of one's own. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { rssDocument, rssItem } from '../support/feed-documents.ts'
import { startWebServer, type WebServer } from '../support/web-server.ts'

let db: TestDatabase
let server: WebServer
let folder: string

beforeAll(async () => {
  db = await testDatabase()
  server = await startWebServer((_, response) => response.end(rssDocument(rssItem(1) + rssItem(2))))
  folder = await mkdtemp(join(tmpdir(), 'howdah-cli-'))
  await writeFile(join(folder, 'secrets.json'), JSON.stringify(inject('howdah').secrets))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
  await server[Symbol.asyncDispose]()
  await db.drop()
})

type Outcome = { code: number; stdout: string; stderr: string }

function run(command: string, args: string[], env: Record<string, string> = {}): Promise<Outcome> {
  const path = fileURLToPath(new URL(`../../../worker/cli/${command}.ts`, import.meta.url))
  const options = {
    env: {
      PATH: process.env['PATH'] ?? '',
      NO_COLOR: '1',
      HOWDAH_DATABASE_URL: db.url('superuser'),
      HOWDAH_DATA_DIR: folder,
      ...env,
    },
  }
  return new Promise((resolve) => {
    execFile(process.execPath, [path, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr })
    })
  })
}

async function sources(): Promise<number> {
  const { rows } = await db.owner.query('select count(*)::int as total from briefing.content_sources')
  return rows[0].total
}

test('feeds:add refuses a private address with key, sentence and hint, and stores nothing', async () => {
  const { code, stdout, stderr } = await run('feeds-add', [`${server.url}/feed.xml`])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(
    /^✗ feed_url_forbidden: Refused to connect to 127\.0\.0\.1.*\n {2}→ .*HOWDAH_FETCH_ALLOW/,
  )
  expect(server.connections()).toBe(0)
  expect(await sources()).toBe(0)
})

test('feeds:add adds what HOWDAH_FETCH_ALLOW permits; feeds:list shows it', async () => {
  const allow = { HOWDAH_FETCH_ALLOW: `127.0.0.1:${server.port}` }
  const added = await run('feeds-add', [`${server.url}/feed.xml`], allow)
  expect(added).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('items: 2 new') })
  const listed = await run('feeds-list', [])
  expect(listed.stdout).toMatch(/News +http:\/\/127\.0\.0\.1:\d+\/feed\.xml +2 +\d{4}-/)
})

test('feeds:import reads a file, again changes nothing; a wrong option or topic is said', async () => {
  const file = join(folder, 'news.xml')
  await writeFile(file, rssDocument(rssItem(7)))
  expect((await run('feeds-import', [file, '--title', 'Mine'])).stdout).toContain(
    'items: 1 new, 0 changed, 0 as before',
  )
  expect((await run('feeds-import', [file])).stdout).toContain('items: 0 new, 0 changed, 1 as before')
  expect(await run('feeds-import', [file, '--language', 'english'])).toMatchObject({ code: 1, stdout: '' })
  const unknown = await run('feeds-import', [file, '--topic', 'no-such-topic'])
  expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('✗ unknown_topic: ') })
})

test('feeds:check needs no database', async () => {
  await writeFile(join(folder, 'page.html'), '<!doctype html><html></html>')
  const checked = await run('feeds-check', [join(folder, 'page.html'), join(folder, 'news.xml')], {
    HOWDAH_DATABASE_URL: '',
  })
  expect(checked.code).toBe(0)
  expect(checked.stdout).toMatch(/feed_not_recognised/)
  expect(checked.stdout).toMatch(/news\.xml +rss +1 +0 +0/)
})

test('a path is taken from the folder one types in, not from the one npm runs scripts in', async () => {
  await writeFile(join(folder, 'typed.xml'), rssDocument(rssItem(1)))
  const npm = { INIT_CWD: folder, npm_lifecycle_event: 'feeds:check' }
  expect((await run('feeds-check', ['typed.xml'], npm)).stdout).toContain(
    join(folder, 'typed.xml').slice(-50),
  )
  expect(await run('feeds-check', ['typed.xml'])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^✗ The feeds in .*typed\.xml cannot be read: .*\n {2}→ Check the path/),
  })
})
