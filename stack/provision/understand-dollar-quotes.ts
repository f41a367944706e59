/**
 * graphile-migrate asks pg-minify whether a migration is blank, and pg-minify 1.8 does not know dollar quotes: one
 * apostrophe in a $$-quoted comment makes commit, watch and status fail. Loaded before the tool, this puts our own
 * answer in its place; it is asked for nothing else.
 */
import { createRequire } from 'node:module'
import { condenseSql } from './condense-sql.ts'

const requireOfTool = createRequire(createRequire(import.meta.url).resolve('graphile-migrate'))
const path = requireOfTool.resolve('pg-minify')
requireOfTool(path)
const loaded = requireOfTool.cache[path]
if (!loaded) throw new Error('graphile-migrate no longer loads pg-minify: remove this file.')
loaded.exports = condenseSql
