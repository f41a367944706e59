/** A table's rows as the text of a file, batch by batch. */
import { z } from 'zod'
import { csvLine } from './csv.ts'

const cells = z.array(z.string().nullable())

/** One JSON document: an array of objects, one row a line. */
export async function* jsonFile(batches: AsyncIterable<string[]>): AsyncGenerator<string> {
  let before = '[\n'
  for await (const rows of batches) {
    yield before + rows.join(',\n')
    before = ',\n'
  }
  yield before === '[\n' ? '[]\n' : '\n]\n'
}

/** The names of the columns, then one line a row. */
export async function* csvFile(
  columns: readonly string[],
  batches: AsyncIterable<string[]>,
): AsyncGenerator<string> {
  yield csvLine(columns)
  for await (const rows of batches) {
    yield rows.map((row) => csvLine(cells.parse(JSON.parse(row)))).join('')
  }
}
