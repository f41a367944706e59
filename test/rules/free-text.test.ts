/** G-02: where anybody may have written anything about anybody is a list that somebody read. */
import { afterAll, expect, test } from 'vitest'
import { testDatabase } from '../setup/database.ts'
import { rolledBack } from './catalog/rolled-back.ts'
import type { Queryable } from './catalog/rule.ts'
import { expectReviewed, reviewed } from './reviewed.ts'

const db = await testDatabase()
afterAll(() => db.drop())

const list = async (client: Queryable): Promise<string> => {
  const { rows } = await client.query(
    `select format('%s.%s.%s  %s', p.schema_name, p.table_name, p.column_name, p.class) as line
     from gdpr.free_text_columns() f join pg_attribute a on a.attrelid = f.relid and a.attnum = f.attnum
     join gdpr.column_policies p on p.column_name = a.attname and to_regclass(format('%I.%I', p.schema_name, p.table_name)) = f.relid
     order by 1`,
  )
  return `${rows.map(({ line }) => line).join('\n')}\n`
}

test('free text and documents are those that free-text.txt names', async () => {
  const text = await rolledBack(db, list)
  console.log(`free-text.txt: ${text.trimEnd().split('\n').length} columns compared`)
  expectReviewed('free-text.txt', text)
})

const DECLARED = `select gdpr.declare_columns('core.seed', null, '{"class": "none", "on_export": "exclude", "on_erase": "keep"}', '{"note": {}}')`

test.each([
  ['text with a limit only', 'note text check (char_length(note) < 9)', true],
  ['a document', 'note jsonb', true],
  ['a list of texts', 'note text[]', true],
  ['one of two words', `note text check (note in ('a', 'b'))`, false],
  ['a pattern', `note text check (note ~ '^[a-z]+$')`, false],
  ['a number', 'note integer', false],
])('%s is on it: %s', async (_what, column, isListed) => {
  const text = await rolledBack(db, async (client) => {
    await client.query(`create table core.seed (${column}); ${DECLARED}`)
    return list(client)
  })
  expect(text.includes('core.seed.note')).toBe(isListed)
  expect(reviewed('free-text.txt')).not.toContain('core.seed')
})
