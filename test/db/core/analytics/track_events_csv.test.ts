/** api.track_events_csv: CSV as spreadsheets and scripts write it, through the real API. */
import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { agreeTo } from '../../../setup/agree.ts'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { signUp } from '../../../setup/story.ts'
import { idAt } from './events.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

const send = (body: string, token?: string) =>
  api.request('POST', '/rpc/track_events_csv', { body, token, headers: { 'content-type': 'text/plain' } })
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
const HEADER = 'id,name,visitor_id,properties'
const line = (properties = '', id = idAt(Date.now())) => [id, 'csv.sent', randomUUID(), properties].join(',')

test('events with quotes, commas and line breaks arrive as they are, for whoever sends them', async () => {
  const person = await signUp(api)
  await agreeTo(api, 'analytics', person)
  const id = idAt(Date.now())
  const properties = { text: 'a, "b"\r\nc', n: 1 }
  const csv = `\uFEFF${HEADER}\r\n${line(quoted(JSON.stringify(properties)), id)}\r\n\r\n${line()}\r\n`
  expect((await send(csv, person.token)).body).toMatchObject({ accepted: 2, repeated: 0, refused: [] })
  expect((await send(csv)).body).toMatchObject({ accepted: 0, repeated: 2 })
  const { rows } = await db.owner.query('select * from core.analytics_events where id = $1', [id])
  expect(rows).toMatchObject([{ user_id: person.id, properties }])
})

test('each line is judged by itself', async () => {
  const lines = [line(), 'too,few', line('{'), line('7'), `${idAt(Date.now())},,${randomUUID()},`, line()]
  const { body } = await send([HEADER, ...lines].join('\n'))
  expect(body.accepted).toBe(2)
  expect(body.refused.map((one: { index: number; key: string }) => [one.index, one.key])).toEqual([
    [1, 'event_malformed'],
    [2, 'event_properties_invalid'],
    [3, 'event_properties_invalid'],
    [4, 'event_name_invalid'],
  ])
})

test.each([
  ['nothing', ''],
  ['only blanks', '\n\r\n'],
  ['an unknown column', `${HEADER},user_id\n`],
  ['a column twice', `${HEADER},id\n`],
  ['a missing column', 'id,name\n'],
  ['a quote inside a field', `${HEADER}\na"b,c,d,e`],
  ['an open quote', `${HEADER}\n"a,c,d,e`],
  ['text after a quote', `${HEADER}\n"a"b,c,d,e`],
])('%s is refused (csv_malformed)', async (_, csv) => {
  expect(await send(csv)).toMatchObject({ status: 400, body: { message: 'csv_malformed' } })
})

test('a thousand lines fit, one more does not (events_invalid)', async () => {
  const lines = Array.from({ length: 1001 }, () => line())
  expect((await send([HEADER, ...lines.slice(1)].join('\n'))).body).toMatchObject({ accepted: 1000 })
  expect(await send([HEADER, ...lines].join('\n'))).toMatchObject({ body: { message: 'events_invalid' } })
})

test('a flood of commas or quotes ends with a refusal, not with a stopped server', async () => {
  // On a slow machine the role's time limit ends it instead.
  for (const csv of [','.repeat(500_000), '"'.repeat(1_000_001), 'x'.repeat(10_000_001)])
    expect((await send(csv)).body.message).toMatch(
      /^(csv_malformed|canceling statement due to statement timeout)$/,
    )
  expect((await send([HEADER, line()].join('\n'))).body).toMatchObject({ accepted: 1 })
}, 30_000)

describe('core.read_csv', () => {
  test('reads back whatever was written', async () => {
    const field = fc.string({ unit: fc.constantFrom('a', 'ü', '😀', '"', ',', '\n', '\r', ' ', '=', '\t') })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(field, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 }),
        async (table) => {
          const csv = table.map((row) => row.map(quoted).join(',')).join('\n')
          const { rows } = await db.owner.query(
            'select array_agg(value order by field) as fields from core.read_csv($1) group by line order by line',
            [csv],
          )
          expect(rows.map(({ fields }) => fields)).toEqual(table)
        },
      ),
      { numRuns: 200 },
    )
  })
})
