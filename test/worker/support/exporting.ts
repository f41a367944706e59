/** Exports without a worker process: asking, making, downloading. */
import { createFeedReader } from '../../../worker/feeds/feed-reader.ts'
import { parseFetchAllow } from '../../../worker/outgoing/fetch-allow.ts'
import { task } from '../../../worker/tasks/gdpr/export_data.ts'
import type { Answer, TestApi } from '../../setup/api.ts'
import type { TestDatabase } from '../../setup/database.ts'
import type { Person } from '../../setup/story.ts'
import { taskContext } from './task-context.ts'

/** What a test does with exports. */
export type Exporting = AsyncDisposable & {
  /** Asks for one; answers with its id. */
  request(person: Person): Promise<string>
  /** Runs the task. */
  make(exportId: string): Promise<unknown>
  /** Both. */
  ready(person: Person): Promise<string>
  start(person: Person, exportId: string, args?: Record<string, unknown>): Promise<Answer>
  /** One part, as bytes; a refusal as its key. */
  part(person: Pick<Person, 'token'>, token: string, part: number | null): Promise<Buffer | string>
  /** Starts, fetches every part and says that they have arrived. */
  download(person: Person, exportId: string): Promise<Buffer>
  state(exportId: string): Promise<string | undefined>
}

/** Prepares them for a database and its API. */
export function openExporting(db: TestDatabase, api: TestApi): Exporting {
  const reader = createFeedReader()
  const request: Exporting['request'] = async ({ token }) => {
    const asked = await api.rpc('request_data_export', {}, token)
    if (asked.status !== 200) throw new Error(JSON.stringify(asked.body))
    return asked.body[0].id
  }
  const make: Exporting['make'] = (export_id) =>
    task(
      { export_id },
      taskContext({ pool: db.as('howdah_worker'), reader, allow: parseFetchAllow(''), dataDir: '/nowhere' }),
    )
  const start: Exporting['start'] = ({ token, password }, export_id, args = {}) =>
    api.rpc('start_data_export_download', { export_id, password, ...args }, token)
  const part: Exporting['part'] = async ({ token: access }, token, number) => {
    const answer = await fetch(`${api.url}/rpc/download_data_export`, {
      method: 'POST',
      headers: {
        accept: 'application/octet-stream',
        'content-type': 'application/json',
        authorization: `Bearer ${access}`,
      },
      body: JSON.stringify({ token, part: number }),
    })
    return answer.ok ? Buffer.from(await answer.arrayBuffer()) : (await answer.json()).message
  }
  return {
    request,
    make,
    ready: async (person) => {
      const id = await request(person)
      await make(id)
      return id
    },
    start,
    part,
    download: async (person, exportId) => {
      const { body } = await start(person, exportId)
      const parts: Buffer[] = []
      for (let number = 0; ; number++) {
        const bytes = await part(person, body.token, number)
        if (typeof bytes === 'string') throw new Error(`part ${number}: ${bytes}`)
        if (bytes.length === 0) return Buffer.concat(parts)
        parts.push(bytes)
      }
    },
    state: async (exportId) =>
      (await db.owner.query('select state from gdpr.data_exports where id = $1', [exportId])).rows[0]?.state,
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  }
}

/** Gives somebody notifications that cannot be compressed: an export of theirs grows by about 1.4 kB for each. */
export async function giveMuch(db: TestDatabase, { id }: Pick<Person, 'id'>, count: number): Promise<void> {
  await db.owner.query(
    `insert into core.notifications (user_id, kind, title, body, channels, not_before, expires_at)
     select $1, 'announcement', 'Much', (
       select replace(encode(extensions.gen_random_bytes(700), 'base64'), E'\\n', '') where n > 0
     ), '{inbox}', now(), now() + interval '1 day' from generate_series(1, $2::int) as n`,
    [id, count],
  )
}
