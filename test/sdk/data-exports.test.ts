/** The copy of one's data through the SDK, a real worker and a real mail server; and a network that breaks on the way. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createClient, type Fetch, orThrow } from '../../sdk/src/index.ts'
import { type TestApi, testApi } from '../setup/api.ts'
import { type TestDatabase, testDatabase } from '../setup/database.ts'
import { giveMuch } from '../worker/support/exporting.ts'
import { openPostOffice, type PostOffice } from '../worker/support/post-office.ts'
import { readExportZip } from '../worker/support/read-export.ts'

const PATIENCE = { timeout: 30_000 }
const password = 'correct horse battery'

let db: TestDatabase
let api: TestApi
let post: PostOffice
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  post = await openPostOffice(db)
})
afterAll(async () => {
  await post[Symbol.asyncDispose]()
  await db.drop()
})

let people = 0
/** Somebody with a file of three parts, ready to be downloaded. */
async function ready(fetch: Fetch = globalThis.fetch, locale = 'en') {
  const client = createClient({ url: api.url, fetch })
  const email = `reader-${++people}@example.com`
  const { user } = await orThrow(client.auth.signUp({ email, password, locale }))
  await giveMuch(db, user, 1800)
  const { id } = await orThrow(client.dataExports.request())
  await expect.poll(async () => (await orThrow(client.dataExports.status()))?.state, PATIENCE).toBe('ready')
  return { client, id, email }
}

const bytesOf = async (stream: ReadableStream<Uint8Array>) =>
  Buffer.from(await new Response(stream).arrayBuffer())
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

test('asked for, told by mail and in the inbox, downloaded, and gone', async () => {
  const { client, id, email } = await ready(globalThis.fetch, 'de')
  const mail = await post.mails.mailFor(email)
  expect(mail.message.subject).toBe('Die Kopie Ihrer Daten bei Howdah liegt bereit')
  expect(mail.message.text).not.toContain(id)
  const inbox = await orThrow(client.from('notifications').select('title, data').eq('kind', 'data_export'))
  expect(inbox).toEqual([{ title: 'Die Kopie Ihrer Daten liegt bereit', data: { export_id: id } }])

  const status = await orThrow(client.dataExports.status())
  expect(status).toMatchObject({ id, part_count: 3, exported_table_count: status?.table_count })
  expect((await client.dataExports.download(id, { password: 'wrong' })).error).toMatchObject({
    key: 'password_wrong',
  })
  const { stream, ...told } = await orThrow(client.dataExports.download(id, { password }))
  const zip = await bytesOf(stream)
  expect(told).toMatchObject({ sizeBytes: zip.length, sha256: sha256(zip) })
  expect(status?.sha256).toBe(told.sha256)
  const read = await readExportZip(zip)
  expect(read.problems).toEqual([])
  expect(read.tables['core.notifications']?.csv).toHaveLength(1800)
  expect(read.manifest).toEqual(status?.manifest)
  expect((await orThrow(client.dataExports.status()))?.state).toBe('downloaded')
  expect((await client.dataExports.download(id, { password })).error).toMatchObject({
    key: 'data_export_not_found',
  })
}, 60_000)

/** A fetch that does something else with the n-th request for a part. */
function meddling(meddle: (request: number, send: () => Promise<Response>) => Promise<Response>): Fetch {
  let requests = 0
  return async (input, init) => {
    const send = () => globalThis.fetch(input, init)
    return String(input).endsWith('/download_data_export') ? meddle(++requests, send) : send()
  }
}
const changed = async (send: () => Promise<Response>) => {
  const { headers, ...answer } = await send().then(async (response) => ({
    headers: response.headers,
    bytes: new Uint8Array(await response.arrayBuffer()),
  }))
  answer.bytes[100] = (answer.bytes[100] ?? 0) ^ 1
  return new Response(answer.bytes, { headers })
}

test('a connection that breaks before, amid and after a part, and bytes that change on the way: asked for again', async () => {
  const fetch = meddling(async (request, send) => {
    if (request === 1) throw new TypeError('never sent')
    if (request === 2) return changed(send)
    // It went out, and never arrived.
    if (request === 4) await send().then(() => Promise.reject(new TypeError('cut off')))
    // Nor did the news that everything arrived.
    if (request === 7) throw new TypeError('never sent')
    return send()
  })
  const { client, id } = await ready(fetch)
  const { stream, ...told } = await orThrow(client.dataExports.download(id, { password }))
  expect(sha256(await bytesOf(stream))).toBe(told.sha256)
  expect((await orThrow(client.dataExports.status()))?.state).toBe('ready')
  expect((await client.dataExports.download(id, { password })).error).toMatchObject({
    key: 'data_export_not_found',
  })
}, 60_000)

test('bytes that are never right end the stream, and the password begins anew', async () => {
  const fetch = meddling((request, send) => (request <= 3 ? changed(send) : send()))
  const { client, id } = await ready(fetch)
  const { stream } = await orThrow(client.dataExports.download(id, { password }))
  await expect(bytesOf(stream)).rejects.toMatchObject({ key: 'download_damaged' })
  const again = await orThrow(client.dataExports.download(id, { password }))
  expect(sha256(await bytesOf(again.stream))).toBe(again.sha256)
}, 60_000)

test('nobody reads ahead: a part is asked for when it is wanted, and a reader who goes leaves the rest', async () => {
  let parts = 0
  const { client, id } = await ready(
    meddling((request, send) => {
      parts = request
      return send()
    }),
  )
  const { stream } = await orThrow(client.dataExports.download(id, { password }))
  const reader = stream.getReader()
  expect(parts).toBe(0)
  expect((await reader.read()).value).toHaveLength(1_048_576)
  await reader.cancel()
  expect(parts).toBe(1)
  expect((await orThrow(client.dataExports.status()))?.state).toBe('ready')
}, 60_000)
