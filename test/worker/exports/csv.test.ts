/** Cells that no spreadsheet takes for a formula, and that can be read back. */
import { expect, test } from 'vitest'
import { csvCell, csvLine } from '../../../worker/exports/csv.ts'
import { inParts } from '../../../worker/exports/in-parts.ts'
import { csvFile, jsonFile } from '../../../worker/exports/table-files.ts'

test.each([
  ['=1+1', `"'=1+1"`],
  ['+49 30', `"'+49 30"`],
  ['-1', `"'-1"`],
  ['@SUM(A1)', `"'@SUM(A1)"`],
  ['\t=1', `"'\t=1"`],
  ['\r=1', `"'\r=1"`],
  ['＝1', `"'＝1"`],
  [`'=1`, `"''=1"`],
  ['a=1', '"a=1"'],
  ['a "b"', '"a ""b"""'],
  ['=a","=b', `"'=a"",""=b"`],
  ['', '""'],
  [null, ''],
])('%j becomes %s', (value, cell) => expect(csvCell(value)).toBe(cell))

test('a line ends as RFC 4180 says', () => expect(csvLine(['a', null, 'b\nc'])).toBe('"a",,"b\nc"\r\n'))

async function* batchesOf<T>(given: T[]) {
  yield* given
}
const batches = (...given: string[][]) => batchesOf(given)
async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}
const whole = async (text: AsyncIterable<string>) => (await all(text)).join('')

test('JSON is one document whatever the batches, also without rows', async () => {
  expect(JSON.parse(await whole(jsonFile(batches(['{"a":1}', '{"a":2}'], ['{"a":3}']))))).toEqual([
    { a: 1 },
    { a: 2 },
    { a: 3 },
  ])
  expect(JSON.parse(await whole(jsonFile(batches())))).toEqual([])
  expect(await whole(csvFile(['a', 'b'], batches(['["1",null]'])))).toBe('"a","b"\r\n"1",\r\n')
})

test('parts are full but the last, and nothing is lost between chunks of any size', async () => {
  for (const sizes of [[], [3], [4], [5, 3], [1, 1, 9, 0, 2], [4, 4]]) {
    const bytes = Buffer.from(Array.from({ length: sizes.reduce((a, b) => a + b, 0) }, (_, index) => index))
    const ends = sizes.map((_, index) => sizes.slice(0, index + 1).reduce((a, b) => a + b, 0))
    const chunks = batchesOf(ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end)))
    const parts = await all(inParts(chunks, 4))
    expect(Buffer.concat(parts)).toEqual(bytes)
    expect(parts.slice(0, -1).every(({ length }) => length === 4)).toBe(true)
    expect(parts.every(({ length }) => length > 0)).toBe(true)
  }
})
