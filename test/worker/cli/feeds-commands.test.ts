/** The feeds:* commands as operators type them, on a server of one's own. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { readOpml } from '../../../worker/feeds/opml.ts'
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

test('feeds:export without a feed to fetch writes an empty list, which readers take', async () => {
  const exported = await run('feeds-export', [])
  expect(exported).toMatchObject({ code: 0, stderr: '' })
  expect(readOpml(exported.stdout)).toEqual([])
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

test('a list of feeds: all that can be read are followed, the others named; folders become topics', async () => {
  await db.owner.query(
    `insert into briefing.topics (slug, name) values ('space', 'Space'), ('climate', 'Climate')`,
  )
  const list = join(folder, 'subscriptions.opml')
  const good = (number: number) => `${server.url}/list-${number}.xml`
  await writeFile(
    list,
    `<?xml version="1.0"?><opml version="2.0"><head><title>Mine</title></head><body>
    <outline text="Space"><outline type="rss" text="One" xmlUrl="${good(1)}"/>
      <outline text="Deeper"><outline type="rss" text="Two &amp; more" xmlUrl="${good(2)}"/></outline></outline>
    <outline text="Nobody's topic"><outline text="One again" xmlUrl="${good(1)}" category="/climate"/></outline>
    <outline text="Inside" xmlUrl="http://10.0.0.1/feed.xml"/><outline text="A note"/></body></opml>`,
  )
  const allow = { HOWDAH_FETCH_ALLOW: `127.0.0.1:${server.port}` }
  for (const _round of ['first', 'again']) {
    const { code, stdout, stderr } = await run('feeds-import', [list], allow)
    expect(code).toBe(1)
    expect(stdout).toContain('2 of 3 feeds are followed.')
    expect(stderr).toMatch(/http:\/\/10\.0\.0\.1\/feed\.xml\n {2}feed_url_forbidden: /)
  }
  const { rows } = await db.owner.query(
    `select url, topics from briefing.content_sources where url like '%/list-%' order by url`,
  )
  expect(rows).toEqual([
    { url: good(1), topics: ['climate', 'space'] },
    { url: good(2), topics: ['space'] },
  ])
  const titled = await run('feeds-import', [list, '--title', 'All of them'])
  expect(titled).toMatchObject({ code: 1, stderr: expect.stringContaining('--title is for one feed') })

  const exported = await run('feeds-export', [])
  expect(exported).toMatchObject({ code: 0, stderr: '' })
  const found = readOpml(exported.stdout)
  expect(found).toContainEqual({ url: good(1), title: 'News', folders: ['climate', 'space'] })
  expect(found.every(({ url }) => url.startsWith('http'))).toBe(true)
})

test.each([
  ['entities', '<!DOCTYPE opml [<!ENTITY x "y">]><opml><body/></opml>', 'feed_forbidden_entities'],
  [
    'too many',
    `<opml><body>${Array.from({ length: 5001 }, (_, n) => `<outline text="" xmlUrl="http://a.example/${n}"/>`).join('')}</body></opml>`,
    'feed_too_large',
  ],
  ['nothing but depth', `<opml><body>${'<outline text="a">'.repeat(50_000)}`, 'feed_malformed'],
])('a hostile list is refused: %s', async (_what, text, key) => {
  const list = join(folder, 'hostile.opml')
  await writeFile(list, text)
  const before = await sources()
  const { code, stderr } = await run('feeds-import', [list])
  expect(stderr).toContain(`✗ ${key}: `)
  expect(code).toBe(1)
  expect(await sources()).toBe(before)
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
