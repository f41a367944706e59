/** What counts as blank, and what keeps two versions of a migration apart. */
import { expect, test } from 'vitest'
import { condenseSql } from '../../stack/provision/condense-sql.ts'

test.each([
  ['', ''],
  ["--! Message: x\n-- it's \"odd\n\n/* a /* nested */ one' */ ", ''],
  ["select  1 -- it's\n;", 'select 1 ;'],
  ["select $$it's -- kept  \n$$", "select $$it's -- kept  \n$$"],
  ["select $a$ $$ ' $a$ -- gone", "select $a$ $$ ' $a$"],
  [`select '--', "/*", E'\\'--', 'it''s'`, `select '--', "/*", E'\\'--', 'it''s'`],
  ['select 1 /* never closed', 'select 1'],
  ["select 'never closed", "select 'never closed"],
])('condenses %j', (sql, condensed) => {
  expect(condenseSql(sql)).toBe(condensed)
})
