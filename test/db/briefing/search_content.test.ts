/** Full-text search over items. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { testDatabase } from '../../setup/database.ts'
import { addSource, addTopic, hoursAgo, importItems } from './newsroom.ts'
import { newReader, type Reader } from './reader.ts'

const db = await testDatabase()
afterAll(() => db.drop())

let reader: Reader
let ships = ''

beforeAll(async () => {
  await addTopic(db, 'sea')
  ships = await addSource(db, 'Ships', ['sea'])
  const other = await addSource(db, 'Other')
  await importItems(db, ships, [
    { guid: '1', title: 'A whale in the harbour' },
    { guid: '2', title: 'Harbour news', summary: 'A whale, a very big whale.' },
  ])
  await importItems(db, other, [
    { guid: '3', title: 'Wal im Hafen', summary: 'Ein Whale Watching', published_at: hoursAgo(50) },
    ...Array.from({ length: 120 }, (_, n) => ({ guid: `s${n}`, title: `sand ${n}` })),
  ])
  reader = await newReader(db)
})

const search = async (args: string, values: unknown[] = []) =>
  (await reader.query(`select title from api.search_content(${args})`, values)).map(({ title }) => title)

it('finds words in title and summary, title first', async () => {
  expect(await search(`'whale'`)).toEqual(['A whale in the harbour', 'Harbour news', 'Wal im Hafen'])
  expect(await search(`'"big whale"'`)).toEqual(['Harbour news'])
  expect(await search(`'whale -harbour'`)).toEqual(['Wal im Hafen'])
})

it('narrows by topic and source, and stops at 100', async () => {
  expect(await search(`'whale', topic => 'sea'`)).toHaveLength(2)
  expect(await search(`'whale', source_id => $1`, [ships])).toHaveLength(2)
  expect(await search(`'sand', max_results => 100000`)).toHaveLength(100)
  expect(await search(`'sand'`)).toHaveLength(20)
  expect(await search(`'sand', max_results => -1`)).toEqual([])
})

it('refuses searches without a word (search_query_invalid) and survives odd ones', async () => {
  for (const query of ['', '   ', '"', '&', 'x'.repeat(100_000), null]) {
    await expect(search('$1', [query])).rejects.toMatchObject({
      code: 'PT400',
      message: 'search_query_invalid',
    })
  }
  for (const query of [`'; drop table core.users; --`, 'a & | ! b', '漢字', '💥 sand', 'a:* <-> b']) {
    expect(await search('$1', [query])).toBeInstanceOf(Array)
  }
})
